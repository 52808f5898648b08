job "aws-job" {
  datacenters = ["dc1"]
  group "app" {
    task "app" {
      driver = "docker"
      config {
        image = "amazon/aws-cli"
        args  = ["sts", "get-caller-identity"]
      }
      identity {
        env  = true
        file = true
      }
      identity {
        name        = "aws"
        aud         = ["sts.amazonaws.com"]
        file        = true
        ttl         = "1h"
        change_mode = "noop"
      }
      consul {}
      env {
        AWS_ROLE_ARN                = "arn:aws:iam::1234567890:role/nomad"
        AWS_WEB_IDENTITY_TOKEN_FILE = "${NOMAD_SECRETS_DIR}/nomad_aws.jwt"
      }
    }
  }
}
