//! What servers forgot, collected or cannot hear.

use super::*;

#[tokio::test]
async fn what_the_servers_collected_leaves_no_trace() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    let task = machine.runtime.running("task").await;
    machine.reported(&web, AllocClientStatus::Running).await;
    let directory = node.alloc_dir(web.allocation.id).unwrap();
    machine.servers.assign(&[]);
    task.released.subscribe().wait_for(|released| *released).await.unwrap();
    while node.allocation(web.allocation.id).is_some() {
        tokio::task::yield_now().await;
    }
    assert!(!directory.exists());
    node.shutdown(false).await;
    let node = machine.boot().await;
    assert!(node.allocations().is_empty());
    node.shutdown(false).await;
}

#[tokio::test]
async fn registers_again_when_the_servers_forgot_it() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut registrations = machine.servers.registrations.subscribe();
    registrations.wait_for(|count| *count == 1).await.unwrap();
    *machine.servers.known.lock().unwrap() = false;
    registrations.wait_for(|count| *count == 2).await.unwrap();
    node.shutdown(false).await;
}

#[tokio::test]
async fn a_node_that_was_purged_takes_its_whole_slice_again() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    let task = machine.runtime.running("task").await;
    machine.reported(&web, AllocClientStatus::Running).await;
    machine.servers.purge_node();
    let mut released = task.released.subscribe();
    tokio::time::timeout(PATIENCE, released.wait_for(|released| *released)).await.expect("told to stop what was replaced").unwrap();
    node.shutdown(false).await;
}

#[tokio::test]
async fn what_the_servers_lost_sight_of_is_reported_again() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut web = testing::assignment("web");
    machine.servers.assign(std::slice::from_ref(&web));
    machine.reported(&web, AllocClientStatus::Running).await;
    machine.servers.updates.send_modify(std::collections::BTreeMap::clear);
    let allocation = Arc::make_mut(&mut web.allocation);
    allocation.client_status = AllocClientStatus::Unknown;
    allocation.alloc_modify_index += 1;
    machine.servers.assign(std::slice::from_ref(&web));
    let reported = machine.reported(&web, AllocClientStatus::Running);
    tokio::time::timeout(PATIENCE, reported).await.expect("reported again though nothing changed here");
    node.shutdown(true).await;
}

#[tokio::test]
async fn what_is_cut_off_for_too_long_stops_itself_and_only_that() {
    let machine = Machine::new();
    let node = machine.boot().await;
    let mut job = testing::service_job("stops");
    job.groups[0].disconnect.stop_on_client_after = Some(Duration::from_secs(1));
    let (stops, stays) = (testing::assignment_of(job), testing::assignment("stays"));
    machine.servers.assign(&[stops.clone(), stays.clone()]);
    for assignment in [&stops, &stays] {
        machine.reported(assignment, AllocClientStatus::Running).await;
    }
    // Servers that answer hold it off for longer than the limit.
    let heard = tokio::time::timeout(Duration::from_secs(2), machine.reported(&stops, AllocClientStatus::Lost)).await;
    assert!(heard.is_err(), "the servers were there all the time");
    machine.servers.reachable.send_replace(false);
    let runner = |assignment: &Assignment| node.allocation(assignment.allocation.id).unwrap();
    tokio::time::timeout(PATIENCE, async {
        while runner(&stops).client_status != AllocClientStatus::Lost {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(runner(&stays).client_status, AllocClientStatus::Running);
    machine.servers.reachable.send_replace(true);
    let told = tokio::time::timeout(PATIENCE, machine.reported(&stops, AllocClientStatus::Lost)).await.unwrap();
    assert_eq!(&*told.client_description, "Stopped by its node, which could not reach the servers");
}
