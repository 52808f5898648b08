use crate::jobspec::{Parsed, VariableSources, parse_hcl};

fn parse(text: &str) -> Result<Parsed, String> {
    parse_hcl(text, "job.json", &VariableSources::default())
        .map_err(|errors| errors.iter().map(|error| error.render(false)).collect::<String>())
}

const JSON: &str = r#"{
  "//": "a comment",
  "variable": {"image": {"type": "list(string)", "default": ["a", "b"]}},
  "locals": [{"n": "${length(var.image)}"}],
  "job": {
    "web": {
      "datacenters": ["dc1"],
      "meta": {"q\"uote": "back\\slash ${NOMAD_X} $${y} \"in\" ${upper(\"x}\")}", "n": 5},
      "group": [{"g": {
        "count": "${local.n}",
        "network": {"port": {"http": {"to": 80}, "db": {}}},
        "dynamic": {"service": {"for_each": ["a"], "iterator": "s", "content": {"name": "svc-${s.value}", "port": "http"}}},
        "constraint": [{"attribute": "${attr.kernel.name}", "value": "linux"}],
        "task": {"t": {"driver": "docker", "config": {"image": "${var.image[1]}", "labels": {"a.b": "c"}}}}
      }}]
    }
  }
}"#;

const NATIVE: &str = r#"
variable "image" {
  type    = list(string)
  default = ["a", "b"]
}
locals {
  n = length(var.image)
}
job "web" {
  datacenters = ["dc1"]
  meta = {
    "q\"uote" = "back\\slash ${NOMAD_X} $${y} \"in\" ${upper("x}")}"
    n = 5
  }
  group "g" {
    count = local.n
    network {
      port "http" { to = 80 }
      port "db" {}
    }
    dynamic "service" {
      for_each = ["a"]
      iterator = s
      content {
        name = "svc-${s.value}"
        port = "http"
      }
    }
    constraint {
      attribute = "${attr.kernel.name}"
      value     = "linux"
    }
    task "t" {
      driver = "docker"
      config {
        image  = "${var.image[1]}"
        labels = { "a.b" = "c" }
      }
    }
  }
}
"#;

#[test]
fn it_says_the_same_as_native_hcl() {
    assert_eq!(parse(JSON).unwrap().job, parse(NATIVE).unwrap().job);
}

#[test]
fn messages_show_the_json() {
    let errors = parse("{\"job\": {\"x\": {\n  \"cuont\": 1,\n  \"priority\": \"${1 +\"\n}}}").unwrap_err();
    assert!(errors.starts_with("job.json:3:15: error: in this text: ") && errors.contains("|   \"priority\": \"${1 +\""), "{errors}");
    let errors = parse("{\"job\": {\"x\": {\n  \"group\": {\"g\": {\"cuont\": 1}}}}}").unwrap_err();
    assert!(errors.contains("job.json:2:19: error: `group` has no attribute `cuont`"), "{errors}");
    assert!(errors.contains("did you mean `count`"), "{errors}");
    let errors = parse("{\"job\": {\"x\": {\n  \"group\": 5}}}").unwrap_err();
    assert!(errors.contains("job.json:2:12: error: `group` must be an object"), "{errors}");
}

#[test]
fn what_is_not_json_is_refused() {
    for text in
        ["{", "{\"job\"", "{\"job\": {]}", "{\"job\": tru}", "{} x", "{\"a b\": 1}", "[1]", "{\"j\": \"\\x\"}", "{\"j\": \"open", "{\"j\\"]
    {
        assert!(parse(text).is_err(), "{text}");
    }
    assert!(parse(&"[".repeat(100_000)).is_err());
}
