use serde_json::json;

use super::{check, check::conform, meant};
use crate::jobspec::json::kept::to_config;

fn messages(driver: &str, config: serde_json::Value) -> Vec<String> {
    check(driver, &to_config(config)).iter().map(|problem| format!("{problem} {}", problem.help.clone().unwrap_or_default())).collect()
}

#[test]
fn slips_are_named_at_any_depth() {
    let config = json!({ "imgae": "x", "image": "y", "mount": [{ "type": "bind", "readonly": "maybe", "bind_options": [{ "propagaton": "x" }] }],
                         "privileged": 1, "shm_size": "${meta.size}", "args": { "a": 1 } });
    assert_eq!(
        messages("docker", config),
        [
            "config.args: must be a list of strings, not a map ",
            "config.imgae: `docker` has no key `imgae` did you mean `image`?",
            "config.mount.bind_options.propagaton: `bind_options` has no key `propagaton` did you mean `propagation`?",
            "config.mount.readonly: must be a bool, not \"maybe\" ",
            "config.privileged: must be a bool, not 1 ",
        ]
    );
    assert_eq!(messages("java", json!({})), ["config: the java driver needs `jar_path` or `class` "]);
    assert_eq!(messages("raw_exec", json!({ "command": "" })), ["config: the raw_exec driver needs `command` "]);
    assert_eq!(messages("somebodys-plugin", json!({ "x": 1 })), Vec::<String>::new());
}

#[test]
fn scalars_become_the_text_that_a_driver_wants() {
    let mut config = to_config(json!({ "command": 7, "args": ["-p", 8080, true], "oom_score_adj": 5 }));
    conform("raw_exec", &mut config);
    assert_eq!(config, to_config(json!({ "command": "7", "args": ["-p", "8080", "true"], "oom_score_adj": 5 })));
}

#[test]
fn near_names_are_suggested() {
    assert_eq!((meant("dokcer"), meant("docker"), meant("nspawn")), (Some("docker"), None, None));
}
