//! Jobspecs in HCL, and what the model says of them.

use std::time::Duration;

use crate::jobspec::json::job_to_value;
use crate::jobspec::{Parsed, VariableFile, VariableSources, parse_hcl, validate};
use crate::model::policy::RestartMode;
use crate::model::{ConfigValue, Job, MebiBytes, Operand};

fn parse(text: &str) -> Parsed {
    parse_with(text, &VariableSources::default())
}

fn parse_with(text: &str, sources: &VariableSources) -> Parsed {
    parse_hcl(text, "test.hcl", sources)
        .unwrap_or_else(|errors| panic!("{}", errors.iter().map(|error| error.render(false)).collect::<String>()))
}

/// A job whose only task has `body`.
fn task_job(body: &str) -> Job {
    parse(&format!("job \"j\" {{\n group \"g\" {{\n task \"t\" {{\n driver = \"raw_exec\"\n{body}\n}}\n}}\n}}\n")).job
}

#[test]
fn defaults_are_those_of_the_job_type() {
    let service = task_job("");
    let group = &service.groups[0];
    assert_eq!((&*service.name, &*service.region, service.priority, &*service.node_pool), ("j", "global", 50, "default"));
    assert_eq!((&*service.datacenters[0], group.count), ("*", 1));
    assert_eq!((group.restart.attempts, group.restart.mode), (2, RestartMode::Fail));
    assert!(group.reschedule.unlimited);
    assert_eq!(group.update.as_ref().unwrap().max_parallel, 1);
    assert_eq!(group.tasks[0].kill_timeout, Duration::from_secs(5));
    assert_eq!((group.tasks[0].resources.cpu.0, group.tasks[0].resources.memory.0), (100, 300));

    let batch = parse("job \"b\" {\n type = \"batch\"\n task \"only\" {\n driver = \"mock_driver\"\n }\n}").job;
    let group = &batch.groups[0];
    assert_eq!((&*group.name, group.count, group.restart.attempts, group.reschedule.attempts), ("only", 1, 3, 1));
    assert_eq!((group.update.is_none(), group.migrate.is_none()), (true, true));
}

#[test]
fn policies_of_the_job_are_merged_into_groups_field_by_field() {
    let job = parse(
        r#"
job "j" {
  update {
    max_parallel = 3
    canary       = 2
  }
  reschedule {
    delay = "7s"
  }
  group "a" {
    update {
      canary = 0
    }
    restart {
      attempts = 9
    }
    task "t" {
      driver = "raw_exec"
      restart {
        delay = "1s"
      }
    }
  }
}"#,
    )
    .job;
    let group = &job.groups[0];
    let update = group.update.as_ref().unwrap();
    assert_eq!((update.max_parallel, update.canary), (3, 0));
    assert_eq!(group.reschedule.delay, Duration::from_secs(7));
    let task_restart = group.tasks[0].restart.as_ref().unwrap();
    assert_eq!((task_restart.attempts, task_restart.delay), (9, Duration::from_secs(1)));
}

#[test]
fn references_to_the_node_stay_as_they_are() {
    let job = task_job(
        r#"
  env {
    ADDRESS = "${NOMAD_IP_http}:${NOMAD_PORT_http}"
    ALONE   = "${attr.kernel.name}"
    NESTED  = "x-${env["HOME"]}-y"
    BARE    = node.class
    ESCAPED = "$${not.touched} %%{ neither }"
    SHELL   = "$HOME costs $5"
  }"#,
    );
    let env = &job.groups[0].tasks[0].env;
    let value = |key: &str| &**env.get(key).unwrap();
    assert_eq!(value("ADDRESS"), "${NOMAD_IP_http}:${NOMAD_PORT_http}");
    assert_eq!(value("ALONE"), "${attr.kernel.name}");
    assert_eq!(value("NESTED"), "x-${env[\"HOME\"]}-y");
    assert_eq!(value("BARE"), "${node.class}");
    assert_eq!(value("ESCAPED"), "${not.touched} %{ neither }");
    assert_eq!(value("SHELL"), "$HOME costs $5");
}

#[test]
fn maps_may_be_blocks_or_attributes() {
    for body in ["meta {\n a = 1\n}", "meta = { a = \"1\" }", "meta = {\n \"a\" : true ? 1 : 2\n}"] {
        assert_eq!(&*task_job(body).groups[0].tasks[0].meta["a"], "1", "{body}");
    }
}

#[test]
fn blocks_of_a_driver_config_are_lists() {
    let job = task_job(
        "config {\n image = \"x\"\n mount {\n target = \"/a\"\n }\n mount {\n target = \"/b\"\n }\n logging \"json\" {\n n = 1.5\n }\n}",
    );
    let config = &job.groups[0].tasks[0].config;
    let ConfigValue::List(mounts) = config.get("mount").unwrap() else { panic!("{config:?}") };
    assert_eq!(mounts[1].get("target").unwrap().as_str(), Some("/b"));
    let ConfigValue::List(logging) = config.get("logging").unwrap() else { panic!("{config:?}") };
    let ConfigValue::List(labelled) = logging[0].get("json").unwrap() else { panic!("{config:?}") };
    assert_eq!(labelled[0].get("n"), Some(&ConfigValue::Float(1.5)));
}

#[test]
fn constraints_have_short_forms() {
    let job = task_job(
        r#"
  constraint {
    attribute = "${attr.os.name}"
    regexp    = "^u"
  }
  constraint {
    attribute    = "${meta.zones}"
    set_contains = "a,b"
  }
  constraint {
    distinct_hosts = false
  }
  constraint {
    operator = "is_set"
    attribute = "${attr.x}"
  }"#,
    );
    let constraints = &job.groups[0].tasks[0].constraints;
    let operands: Vec<Operand> = constraints.iter().map(|constraint| constraint.operand).collect();
    assert_eq!(operands, [Operand::Regexp, Operand::SetContains, Operand::IsSet]);
    assert_eq!(&*constraints[0].right, "^u");
}

#[test]
fn durations_are_text_or_nanoseconds() {
    for value in ["\"1m30s\"", "90000000000", "\"${30 + 60}s\""] {
        assert_eq!(task_job(&format!("kill_timeout = {value}")).groups[0].tasks[0].kill_timeout, Duration::from_secs(90), "{value}");
    }
}

#[test]
fn variables_take_the_strongest_source() {
    let text = r#"
variable "from_default" { default = "d" }
variable "from_env" { default = "d" }
variable "from_file" { default = "d" }
variable "from_flag" { default = "d" }
variable "list" { type = list(number) }
variable "number" { type = number }
job "j" {
  meta {
    all    = join(",", [var.from_default, var.from_env, var.from_file, var.from_flag])
    list   = jsonencode(var.list)
    number = var.number + 1
  }
}"#;
    let one_line = |names: &[&str]| names.iter().map(|name| (name.to_string(), "env".to_owned())).collect();
    let mut sources = VariableSources { env: one_line(&["from_env", "from_file", "from_flag", "unrelated"]), ..VariableSources::default() };
    sources.files.push(VariableFile { name: "a.hcl".to_owned(), text: "from_file = \"file\"\nfrom_flag = \"file\"\n".to_owned() });
    sources.files.push(VariableFile { name: "b.json".to_owned(), text: "{\"from_file\": \"json\"}".to_owned() });
    sources.flags = vec![("from_flag".into(), "flag".into()), ("list".into(), "[1, \"2\"]".into()), ("number".into(), "41".into())];
    let job = parse_with(text, &sources).job;
    assert_eq!(&*job.meta["all"], "d,env,json,flag");
    assert_eq!(&*job.meta["list"], "[1,2]");
    assert_eq!(&*job.meta["number"], "42");
}

#[test]
fn locals_come_in_any_order_and_dynamic_blocks_see_iterators() {
    let job = parse(
        r#"
locals {
  c = "${local.b}!"
  b = upper(local.a)
}
locals {
  a = "x"
}
job "j" {
  meta = { c = local.c }
  group "g" {
    network {
      dynamic "port" {
        for_each = [8080, 9090]
        iterator = it
        labels   = ["p${it.key}"]
        content {
          static = it.value
        }
      }
    }
    dynamic "task" {
      for_each = { one = "1", two = "2" }
      labels   = [task.key]
      content {
        driver = "raw_exec"
        env {
          N = task.value
        }
        dynamic "template" {
          for_each = ["a", "b"]
          content {
            data        = task.key
            destination = "local/${template.value}"
          }
        }
      }
    }
  }
}"#,
    )
    .job;
    assert_eq!(&*job.meta["c"], "X!");
    let group = &job.groups[0];
    let ports: Vec<_> = group.ports().map(|port| (port.label.to_string(), port.static_port)).collect();
    assert_eq!(ports, [("p0".to_owned(), Some(8080)), ("p1".to_owned(), Some(9090))]);
    assert_eq!(&*group.tasks[1].env["N"], "2");
    assert_eq!(&*group.tasks[1].templates[1].destination, "local/b");
    assert_eq!(&*group.tasks[1].templates[1].data, "two");
}

#[test]
fn what_cannot_be_honoured_is_kept_and_named() {
    let parsed = parse(
        r#"
job "j" {
  vault {
    policies = ["p"]
  }
  group "g" {
    service {
      name = "s"
      connect {
        sidecar_service {}
      }
    }
    task "t" {
      driver = "raw_exec"
      config {
        command = "x"
      }
      identity {
        aud = ["x"]
      }
    }
    task "own" {
      driver = "raw_exec"
      config {
        command = "x"
      }
      vault {
        role = "r"
      }
    }
  }
}"#,
    );
    let tasks = &parsed.job.groups[0].tasks;
    assert!(tasks[0].other["Vault"].get("Policies").is_some());
    assert!(tasks[1].other["Vault"].get("Role").is_some());
    let warnings: Vec<&str> = parsed.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert!(warnings[0].starts_with("job.group[g].service[0].connect: `connect` is kept, but"), "{warnings:?}");
    assert_eq!(parsed.warnings[0].position.as_ref().unwrap().line, 9);
    assert_eq!(validate(&parsed.job).iter().filter(|problem| problem.is_error()).count(), 0);
}

#[test]
fn values_for_undeclared_variables_are_refused_unless_asked_not_to() {
    let text = "variable \"size\" {\n default = 1\n}\njob \"j\" {\n}\n";
    let mut sources = VariableSources { flags: vec![("siez".into(), "2".into())], ..VariableSources::default() };
    let errors = parse_hcl(text, "x", &sources).unwrap_err();
    assert_eq!(
        errors[0].render(false),
        "-var: error: a value is given for the variable `siez`, which the jobspec does not declare\n  help: did you mean `size`?\n"
    );
    sources.lenient = true;
    assert!(parse_hcl(text, "x", &sources).is_ok());
    // The environment holds more than one jobspec's variables.
    let environment = VariableSources { env: [("other".to_owned(), "1".to_owned())].into(), ..VariableSources::default() };
    assert!(parse_hcl(text, "x", &environment).is_ok());
}

#[test]
fn a_flood_of_mistakes_is_cut_short() {
    let wrong: String = (0..50_000).map(|n| format!("w{n} = 1\n")).collect();
    assert_eq!(parse_hcl(&format!("job \"j\" {{\n{wrong}}}\n"), "x", &VariableSources::default()).unwrap_err().len(), 100);
}

#[test]
fn work_is_bounded() {
    let text = "locals {\n big = range(200000)\n n = [for x in range(1000) : length(local.big)]\n}\njob \"j\" {\n}\n";
    assert_eq!(parse_hcl(text, "x", &VariableSources::default()).unwrap_err()[0].code, "too-much-work");
}

/// What Nomad's API shows of the same text.
#[test]
fn the_service_mesh_has_the_shape_of_the_api() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jobspecs-wild/connect-sidecar.nomad.hcl")).unwrap();
    let parsed = parse_hcl(&text, "x", &VariableSources::default()).unwrap();
    let connect = job_to_value(&parsed.job)["TaskGroups"][0]["Services"][0]["Connect"].clone();
    let proxy = &connect["SidecarService"]["Proxy"];
    assert_eq!(proxy["Upstreams"][0]["DestinationName"], "count-api");
    assert_eq!(proxy["Upstreams"][0]["MeshGateway"]["Mode"], "local");
    assert_eq!(proxy["Upstreams"][1]["Config"]["connect_timeout_ms"], 9999);
    assert_eq!(proxy["Expose"]["Paths"][0]["ListenerPort"], "envoy_metrics");
    assert_eq!(connect["SidecarTask"]["Resources"]["MemoryMB"], 128);
}

#[test]
fn unlimited_memory_and_lifted_networks() {
    let parsed = parse(
        r#"
job "x" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "true"
      }
      resources {
        memory_max = -1
        network {
          port "http" {}
        }
      }
    }
  }
}"#,
    );
    let group = &parsed.job.groups[0];
    assert_eq!(group.tasks[0].resources.memory_max, MebiBytes::UNLIMITED);
    assert_eq!(&*group.networks[0].ports[0].label, "http");
    let json = job_to_value(&parsed.job);
    assert_eq!(json["TaskGroups"][0]["Tasks"][0]["Resources"]["MemoryMaxMB"], -1);
    let warnings: Vec<&str> = parsed.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert!(warnings.len() == 1 && warnings[0].contains("a network of a task is obsolete"), "{warnings:?}");
}
