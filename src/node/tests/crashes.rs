//! Agents, machines and links that go away and come back.

use super::*;

#[tokio::test]
async fn a_new_agent_adopts_what_runs_without_starting_it_again() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    let task = machine.runtime.running("task").await;
    machine.reported(&web, AllocClientStatus::Running).await;
    let id = node.node_id();
    node.shutdown(false).await;
    assert!(task.is_running());

    let node = machine.boot().await;
    assert_eq!(node.node_id(), id);
    assert_eq!(machine.runtime.swept.lock().unwrap().last().unwrap().iter().cloned().collect::<Vec<_>>(), machine.runtime.run_dirs());
    assert!(node.task_states(web.allocation.id).unwrap()["task"].state == TaskRunState::Running);
    task.exit(1);
    machine.runtime.running("task").await;
    assert_eq!(machine.runtime.launched().len(), 2, "one start, and one restart by policy");
    node.shutdown(true).await;
}

/// The two ends of the window in which a crash could start a task twice or never.
#[tokio::test]
async fn a_crash_around_the_launch_starts_nothing_twice() {
    for launched in [false, true] {
        let machine = Machine::new();
        let node = machine.boot().await;
        let web = testing::assignment("web");
        machine.runtime.hang.send_replace(Some(launched));
        machine.servers.assign(std::slice::from_ref(&web));
        machine.runtime.hanging.subscribe().wait_for(|hanging| *hanging).await.unwrap();
        node.crash().await;

        machine.runtime.hang.send_replace(None);
        let node = machine.boot().await;
        let update = machine.reported(&web, AllocClientStatus::Running).await;
        assert_eq!(update.task_states["task"].restarts, 0);
        assert_eq!(machine.runtime.launched().len(), 1, "launched before the crash: {launched}");
        node.shutdown(true).await;
    }
}

#[tokio::test]
async fn an_exit_while_the_agent_was_away_goes_through_the_policy() {
    let machine = Machine::new();
    let mut job = testing::service_job("batch");
    job.job_type = crate::model::JobType::Batch;
    let batch = testing::assignment_of(job);
    let node = machine.boot().await;
    machine.servers.assign(std::slice::from_ref(&batch));
    let task = machine.runtime.running("task").await;
    machine.reported(&batch, AllocClientStatus::Running).await;
    node.shutdown(false).await;
    task.exit(0);

    let node = machine.boot().await;
    machine.reported(&batch, AllocClientStatus::Complete).await;
    assert_eq!(machine.runtime.launched().len(), 1);
    node.shutdown(false).await;

    // And it stays over.
    let node = machine.boot().await;
    machine.servers.assign(std::slice::from_ref(&batch));
    node.shutdown(true).await;
    assert_eq!(machine.runtime.launched().len(), 1);
}

#[tokio::test]
async fn after_a_reboot_nothing_starts_before_the_servers_were_heard() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let (kept, replaced) = (testing::assignment("kept"), testing::assignment("replaced"));
    machine.servers.assign(&[kept.clone(), replaced.clone()]);
    machine.reported(&kept, AllocClientStatus::Running).await;
    machine.reported(&replaced, AllocClientStatus::Running).await;
    node.shutdown(false).await;
    machine.runtime.reboot();

    machine.servers.reachable.send_replace(false);
    let node = machine.boot().await;
    machine.servers.refused.subscribe().wait_for(|refused| *refused >= 2).await.unwrap();
    assert_eq!(machine.runtime.launched().len(), 2, "nothing starts while cut off");
    machine.servers.assign(std::slice::from_ref(&kept));
    machine.servers.reachable.send_replace(true);
    machine.runtime.running("task").await;
    assert_eq!(machine.runtime.launched().len(), 3, "only what is still wanted starts again");
    node.shutdown(true).await;
}

#[tokio::test]
async fn a_runner_that_panicked_is_not_kept() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    let id = web.allocation.id;
    machine.servers.assign(std::slice::from_ref(&web));
    machine.reported(&web, AllocClientStatus::Running).await;
    let mut job = (*web.job).clone();
    job.job_modify_index = 9;
    job.groups[0].tasks[0].driver = "bug".into();
    machine.servers.assign(&[Assignment { job: Arc::new(job), ..web.clone() }]);
    let gone = async {
        while node.allocation(id).is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("taken from the map");
    // Whatever is assigned under that id next has a runner again.
    machine.servers.assign(&[web]);
    let mut launches = machine.runtime.launches.subscribe();
    tokio::time::timeout(PATIENCE, launches.wait_for(|launches| launches.len() == 2)).await.expect("a runner of its own").unwrap();
    node.shutdown(true).await;
}

#[tokio::test]
async fn reports_survive_an_outage() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    let task = machine.runtime.running("task").await;
    machine.reported(&web, AllocClientStatus::Running).await;
    machine.servers.reachable.send_replace(false);
    task.exit(1);
    machine.runtime.running("task").await.exit(1);
    while !node.allocation(web.allocation.id).unwrap().over {
        tokio::task::yield_now().await;
    }
    machine.servers.reachable.send_replace(true);
    machine.reported(&web, AllocClientStatus::Failed).await;
    node.shutdown(false).await;
}
