//! The order of tasks within an allocation.

use std::collections::BTreeMap;

use super::*;
use crate::model::Lifecycle;
use crate::node::testing;

struct Scene {
    coordinator: Coordinator,
    tasks: BTreeMap<Text, TaskView>,
}

impl Scene {
    /// Tasks by name; the name's beginning tells the role.
    fn new(names: &[&str]) -> Self {
        let mut group = testing::service_job("job").groups.remove(0);
        let template = group.tasks.remove(0);
        for name in names {
            let mut task = template.clone();
            task.name = (*name).into();
            task.leader = name.contains("leader");
            let hook = if name.starts_with("prestart") {
                Some(LifecycleHook::Prestart)
            } else if name.starts_with("poststart") {
                Some(LifecycleHook::Poststart)
            } else if name.starts_with("poststop") {
                Some(LifecycleHook::Poststop)
            } else {
                None
            };
            task.lifecycle = hook.map(|hook| Lifecycle { hook, sidecar: name.contains("sidecar") });
            group.tasks.push(task);
        }
        let waiting = TaskView { stage: Stage::Waiting, started: false, failed: false, being_killed: false };
        let tasks = names.iter().map(|name| ((*name).into(), waiting.clone())).collect();
        Self { coordinator: Coordinator::new(&group), tasks }
    }

    fn set(&mut self, name: &str, stage: Stage) -> &mut Self {
        let task = self.tasks.get_mut(name).unwrap();
        task.started |= stage == Stage::Running;
        task.stage = stage;
        self
    }

    fn fail(&mut self, name: &str) -> &mut Self {
        self.set(name, Stage::Dead);
        self.tasks.get_mut(name).unwrap().failed = true;
        self
    }

    fn decide(&self, stop: Option<&str>) -> Vec<Decision> {
        self.coordinator.decide(|name| self.tasks.get(name), stop, true)
    }

    fn is_over(&self) -> bool {
        self.coordinator.is_over(|name| self.tasks.get(name))
    }

    fn starts(&self) -> Vec<String> {
        let decisions = self.decide(None).into_iter();
        decisions.filter_map(|decision| if let Decision::Start(name) = decision { Some(name.to_string()) } else { None }).collect()
    }

    fn kills(&self, stop: Option<&str>) -> Vec<(String, KillReason)> {
        let decisions = self.decide(stop).into_iter();
        decisions
            .filter_map(|decision| if let Decision::Kill(name, why) = decision { Some((name.to_string(), why)) } else { None })
            .collect()
    }

    fn killed(&self, stop: Option<&str>) -> Vec<String> {
        self.kills(stop).into_iter().map(|(name, _)| name).collect()
    }
}

#[test]
fn hooks_start_in_their_order() {
    let mut scene = Scene::new(&["prestart", "prestart-sidecar", "main", "poststart", "poststop"]);
    assert_eq!(scene.starts(), ["prestart", "prestart-sidecar"]);
    scene.set("prestart", Stage::Running).set("prestart-sidecar", Stage::Running);
    assert!(scene.starts().is_empty());
    scene.set("prestart", Stage::Dead);
    assert_eq!(scene.starts(), ["main"]);
    scene.set("main", Stage::Busy);
    assert!(scene.starts().is_empty());
    scene.set("main", Stage::Running);
    assert_eq!(scene.starts(), ["poststart"]);
    scene.set("poststart", Stage::Running).set("main", Stage::Dead);
    assert!(scene.killed(None).is_empty(), "a poststart task may finish");
    scene.set("poststart", Stage::Dead);
    assert_eq!(scene.kills(None), [("prestart-sidecar".to_owned(), KillReason::MainTasksDead)]);
    assert!(scene.starts().is_empty());
    scene.set("prestart-sidecar", Stage::Dead);
    assert_eq!(scene.starts(), ["poststop"]);
    assert!(!scene.is_over());
    scene.set("poststop", Stage::Running).set("poststop", Stage::Dead);
    assert!(scene.is_over());
}

#[test]
fn a_failed_task_takes_its_siblings_along() {
    let mut scene = Scene::new(&["a", "b", "poststart-sidecar"]);
    scene.set("b", Stage::Running).set("poststart-sidecar", Stage::Running).fail("a");
    let reason = KillReason::SiblingFailed("a".to_owned());
    assert_eq!(scene.kills(None), [("b".to_owned(), reason.clone()), ("poststart-sidecar".to_owned(), reason)]);
}

#[test]
fn main_never_starts_after_a_failed_prestart() {
    let mut scene = Scene::new(&["prestart", "main", "poststop"]);
    scene.set("prestart", Stage::Running).fail("prestart");
    assert!(scene.starts().is_empty());
    assert_eq!(scene.killed(None), ["main"]);
    scene.set("main", Stage::Dead);
    assert_eq!(scene.starts(), ["poststop"], "cleaning up is not skipped");
}

#[test]
fn the_leader_goes_first_and_its_death_ends_the_others() {
    let mut scene = Scene::new(&["a", "leader", "b"]);
    scene.set("a", Stage::Running).set("leader", Stage::Running).set("b", Stage::Running);
    assert_eq!(scene.killed(Some("alloc not needed")), ["leader"]);
    scene.tasks.get_mut("leader").unwrap().being_killed = true;
    assert!(scene.killed(Some("alloc not needed")).is_empty(), "others wait for the leader's end");
    scene.set("leader", Stage::Dead);
    assert_eq!(scene.killed(Some("alloc not needed")), ["a", "b"]);

    assert!(scene.kills(None).iter().all(|(_, why)| *why == KillReason::LeaderDead));
}

#[test]
fn a_stop_ends_all_and_still_runs_poststop() {
    let mut scene = Scene::new(&["main", "poststop"]);
    scene.set("main", Stage::Running);
    assert_eq!(scene.killed(Some("stop")), ["main"]);
    scene.set("main", Stage::Dead);
    assert_eq!(scene.decide(Some("stop")), [Decision::Start("poststop".into())]);
    scene.set("poststop", Stage::Running);
    assert!(scene.decide(Some("stop")).is_empty(), "and lets it finish");
}

#[test]
fn an_allocation_stopped_before_it_ran_runs_no_poststop() {
    let mut scene = Scene::new(&["main", "poststop"]);
    assert_eq!(scene.killed(Some("stop")), ["main"]);
    scene.set("main", Stage::Dead);
    assert!(scene.decide(Some("stop")).is_empty());
    assert!(scene.is_over());
}

#[test]
fn nothing_starts_before_the_servers_were_heard_but_kills_go_on() {
    let mut scene = Scene::new(&["a", "b"]);
    assert!(scene.coordinator.decide(|name| scene.tasks.get(name), None, false).is_empty());
    scene.set("a", Stage::Running).fail("b");
    let decisions = scene.coordinator.decide(|name| scene.tasks.get(name), None, false);
    assert!(matches!(&decisions[..], [Decision::Kill(name, _)] if &**name == "a"));
}
