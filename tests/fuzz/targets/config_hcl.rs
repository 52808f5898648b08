//! The agent's configuration: the tree that is read is JSON that can be printed and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pannier::jobspec::config_from_hcl;

fuzz_target!(|text: &str| {
    match config_from_hcl(text, "agent.hcl") {
        Ok(tree) => {
            let printed = serde_json::to_string(&tree).expect("a tree with texts as keys is JSON");
            let again: serde_json::Value = serde_json::from_str(&printed).expect("what was printed can be read");
            assert_eq!(again, tree);
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            for problem in problems {
                problem.render(true);
            }
        }
    }
});
