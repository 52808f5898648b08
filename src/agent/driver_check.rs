//! What the drivers of this build say of a job's `driver` and `config`, before it is registered.

use crate::model::Job;
use crate::runtime::drivers::{self, DriverRegistry, DriversConfig};

/// Every driver of the build, whether or not this agent's node has it switched on: another node may.
pub fn all_drivers() -> DriverRegistry {
    drivers::builtin(&DriversConfig { raw_exec: true, mock: true, ..DriversConfig::default() })
}

/// All problems, each with its path (`job.group[web].task[app].config.comand: ...`).
pub fn problems(drivers: &DriverRegistry, job: &Job) -> Vec<String> {
    let mut problems = Vec::new();
    for group in &job.groups {
        for task in &group.tasks {
            let path = format!("job.group[{}].task[{}]", group.name, task.name);
            match drivers.get(&task.driver) {
                Some(driver) => {
                    problems.extend(driver.check_config(&task.config).into_iter().map(|problem| format!("{path}.{problem}")));
                }
                None => {
                    let known: Vec<&str> = drivers.iter().map(|driver| driver.name()).collect();
                    problems.push(format!("{path}.driver: no driver {:?} in this build, which has {}", task.driver, known.join(" and ")));
                }
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ConfigValue, JobType, fixtures};

    #[test]
    fn unknown_drivers_and_keys_are_named() {
        let drivers = all_drivers();
        let mut job = fixtures::job("a", JobType::Batch, 1);
        assert_eq!(problems(&drivers, &job), Vec::<String>::new());
        job.groups[0].tasks[0].config = ConfigValue::Map([("run_fro".to_owned(), ConfigValue::String("1s".to_owned()))].into());
        let found = problems(&drivers, &job);
        assert!(found[0].starts_with("job.group[web].task[main].config.run_fro") && found[0].contains("run_for"), "{found:?}");
        job.groups[0].tasks[0].driver = "warp".into();
        assert_eq!(
            problems(&drivers, &job),
            ["job.group[web].task[main].driver: no driver \"warp\" in this build, which has mock_driver and raw_exec"]
        );
    }
}
