job "jenkins" {
  type = "service"
  datacenters = ["dc1"]
  update {
    stagger = "30s"
    max_parallel = 1
  }
  constraint {
    attribute = "${driver.java.version}"
    operator  = ">"
    value     = "1.7.0"
  }
  constraint {
    attribute = "${attr.driver.docker.version}"
    operator  = "version"
    value     = ">= 1.12, < 30"
  }
  group "web" {
    count = 1
    ephemeral_disk {
      migrate = true
      size    = "500"
      sticky  = true
    }
    task "frontend" {
      env {
        JENKINS_HOME = "/alloc/data"
        JENKINS_SLAVE_AGENT_PORT = 5050
      }
      driver = "java"
      config {
        jar_path = "local/jenkins.war"
        jvm_options = ["-Xmx768m", "-Xms384m"]
        args = ["--httpPort=8080"]
      }
      artifact {
        source = "http://ftp-chi.osuosl.org/pub/jenkins/war-stable/2.60.3/jenkins.war"
        options {
          checksum = "sha256:34fde424dde0e050738f5ad1e316d54f741c237bd380bd663a07f96147bb1390"
        }
      }
      service {
        port = "http"
        name = "jenkins"
        check {
          type     = "http"
          path     = "/login"
          interval = "10s"
          timeout  = "2s"
        }
      }
      resources {
        cpu    = 2400 # MHz
        memory = 768  # MB
        network {
          mbits = 100
          port "http" {
            static = 8080
          }
          port "slave" {
            static = 5050
          }
        }
      }
    }
  }
}
