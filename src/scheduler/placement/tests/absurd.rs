//! Fleets and asks that nobody should have get an answer all the same, and soon.

use super::*;

#[test]
fn a_fleet_without_nodes_takes_nothing() {
    let mut fleet = Fleet::default();
    let demand = demand(&fleet, ask(1, 1), 10);
    assert!(place(&mut fleet, &demand, 10).is_empty());
    assert!(fleet.best_for(ask(1, 1), &DeviceDemand::default(), 3, &|_| true).is_empty());
}

#[test]
fn nodes_without_capacity_take_only_what_costs_nothing() {
    let mut fleet = fleet(&[(sized(1, 0, 0), Ask::default()), (sized(2, 0, 1000), Ask::default())]);
    for asked in [ask(1, 0), ask(0, 1001)] {
        let demand = demand(&fleet, asked, 3);
        assert!(place(&mut fleet, &demand, 3).is_empty());
        assert!(fleet.best_for(asked, &DeviceDemand::default(), 3, &|_| true).is_empty());
    }
    let free = demand(&fleet, ask(0, 0), 1_000_000_000);
    assert_eq!(placed(&place(&mut fleet, &free, 1_000_000_000)), 1_000_000_000, "one run, whatever its length");
}

#[test]
fn a_node_that_shrank_under_its_allocations_takes_nothing() {
    let mut fleet = fleet(&[(sized(1, 1000, 1000), ask(5000, 500))]);
    let demand = demand(&fleet, ask(1, 1), 1);
    assert!(place(&mut fleet, &demand, 1).is_empty());
    assert!(fleet.best_for(ask(1, 1), &DeviceDemand::default(), 1, &|_| true).is_empty());
}

#[test]
fn identical_nodes_are_filled_in_the_order_in_which_they_came() {
    let nodes: Vec<_> = (1..=4).map(|id| (sized(id, 1000, 1000), Ask::default())).collect();
    let mut fleet = fleet(&nodes);
    let demand = demand(&fleet, ask(300, 100), 8);
    let picks = place(&mut fleet, &demand, 8);
    assert_eq!(ids(&fleet, &picks), [(NodeId(1), 3), (NodeId(2), 3), (NodeId(3), 2)]);
}

#[test]
fn a_billion_instances_fill_the_fleet_and_no_more() {
    let nodes: Vec<_> = (1..=50).map(|id| (sized(id, 1_000_000, 1_000_000), Ask::default())).collect();
    let mut fleet = fleet(&nodes);
    let demand = demand(&fleet, ask(1, 1), 1_000_000_000);
    let picks = place(&mut fleet, &demand, 1_000_000_000);
    assert_eq!((picks.len(), placed(&picks)), (50, 50_000_000));
    // A number beyond anything that a machine has.
    let endless = super::demand(&fleet, ask(u64::MAX, u64::MAX), 1_000_000_000);
    assert!(place(&mut fleet, &endless, 1_000_000_000).is_empty());
}

#[test]
fn a_spread_over_ten_thousand_values_is_even_and_quick() {
    let nodes: Vec<_> = (1..=10_000).map(|id| (sized(id, 4000, 4000), Ask::default())).collect();
    let mut fleet = fleet(&nodes);
    let values: Vec<u32> = (0..10_000).collect();
    let mut demand = demand(&fleet, ask(100, 100), 20_000);
    demand.spreads.push(SpreadAxis { values, used: vec![0; 10_000], goal: SpreadGoal::Even });
    let picks = place(&mut fleet, &demand, 20_000);
    let mut per_node = vec![0; 10_000];
    picks.iter().for_each(|pick| per_node[pick.ord.at()] += pick.count);
    assert!(per_node.iter().all(|count| *count == 2), "each value twice");
}
