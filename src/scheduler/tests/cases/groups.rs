//! Service and batch groups without a deployment: what runs, ends, fails, moves and is lost.

use super::*;

#[test]
fn service_groups() {
    check(&[
        ("a new job", "n3 same", "", "+n0 +n1 +n2"),
        ("nothing to do", "n2 same", "n0 n1", ""),
        ("nothing to do while they start", "n2 same", "n0p n1p", ""),
        ("a name is missing", "n3 same", "n0 n2", "+n1"),
        ("the lowest free names", "n5 same", "n1 n3", "+n0 +n2 +n4"),
        ("count 0", "n0 same", "n0 n1", "-n0 -n1"),
        ("too many: the highest go", "n2 same", "n0 n1 n2 n3", "-n2 -n3"),
        ("too many: what does not run goes before", "n2 same", "n0p n1 n2", "-n2"),
        ("too many of one name", "n1 same", "n0 n0p", "-n0"),
        ("a name held twice is mended", "n2 same", "n0 n0", "-n0 +n1"),
        ("what is leaving goes first", "n2 same", "n0 n1m n2", "-n1"),
        ("a service that ended is started again", "n2 same", "n0x n1", "+n0"),
        ("stopped ones count for nothing", "n2 same", "n0s n0 n1 n1t", ""),
        ("a stopped one is replaced while it ends", "n1 same", "n0s", "+n0"),
        ("a failure waits for its delay", "n2 same", "n0f n1", "@n0"),
        ("a failure whose delay is over", "n2 same", "n0F n1", "+n0 -n0"),
        ("a failure without attempts stays a hole", "n2 same attempts0", "n0F n1", ""),
        ("a forced try", "n2 same attempts0", "n0FR n1", "+n0 -n0"),
        ("a failure that has a successor", "n1 same", "n0F>1 n0", ""),
        ("a migration", "n2 same", "n0m n1", "+n0 -n0"),
        ("every migration that was let go", "n3 same", "n0m n1m n2", "+n0 +n1 -n0 -n1"),
        ("an ineligible node keeps what it has", "n1 same", "n0i", ""),
        ("a down node", "n2 same", "n0d n1", "+n0 -n0!"),
        ("a stopped one on a down node", "n1 same", "n0ds n0", "-n0!"),
        ("a lost one that was replaced before", "n1 same", "n0d>1 n0", "-n0!"),
        ("away without lost_after is lost", "n1 same", "n0a", "+n0 -n0!"),
        ("away with lost_after is unknown and replaced", "n1 same lost60", "n0a", "+n0 ?n0"),
        ("away without a replacement", "n1 same lost60 noreplace", "n0a", "?n0"),
        ("away and replaced before", "n1 same lost90", "n0a?>1 n0", "?n0"),
        ("away for too long", "n1 same lost30", "n0a?>1 n0", "-n0!"),
        ("away for too long and never replaced", "n1 same lost30 noreplace", "n0a?", "+n0 -n0!"),
        ("its node stops it by itself, soon", "n1 same self60", "n0d", "?n0"),
        ("its node stops it by itself: waited for once", "n1 same self60", "n0d?", "?n0"),
        ("its node has stopped it by itself", "n1 same self20", "n0d?", "+n0 -n0!"),
        ("its node stops it by itself: wherever it went", "n1 same self60", "n0a", "?n0"),
        ("no replacement while its node is down", "n1 same noreplace", "n0d", "?n0"),
        ("no replacement: marked once", "n1 same noreplace", "n0d? ", ""),
        ("no replacement while it is away", "n1 same noreplace", "n0a", "?n0"),
        ("no replacement until somebody stops it", "n1 same noreplace", "n0dm?", "+n0 -n0!"),
        ("no replacement, but the job ends", "n1 same noreplace stopped", "n0d?", "-n0!"),
        ("no replacement, but a smaller job", "n1 same noreplace", "n0 n1d?", "-n1"),
        ("no replacement, and back", "n1 same noreplace", "n0?", ""),
        ("back but not heard of", "n1 same lost60", "n0?>1 n0", ""),
        ("back: the original stays on a tie", "n1 same lost60", "n0>1 n0", "-n0"),
        ("back: an older version loses", "n1 lost60", "o0>1 n0", "-o0"),
        ("a removed instance of a purged job", "n2 same purged", "n0 n1", "-n0 -n1"),
        ("a stopped job", "n2 same stopped", "n0 n1x", "-n0"),
        ("a stopped job on a down node", "n1 same stopped", "n0d", "-n0!"),
        ("no strategy: everything at once", "n3", "o0 o1 o2", "+n0 +n1 +n2 -o0 -o1 -o2"),
        ("no strategy: harmless changes", "n2 inplace", "o0 o1", "~o0 ~o1"),
        ("a failed one needs no harmless change", "n2 inplace attempts0", "o0F o1", "~o1"),
        ("a failed one is replaced by an update", "n1 attempts0", "o0F", "+n0 -o0"),
        ("scaling down with an update", "n1", "o0 o1", "+n0 -o0 -o1"),
        ("lost with an update: the newest comes", "n1", "o0d", "+n0 -o0!"),
    ]);
}

#[test]
fn the_loser_of_a_pair_is_the_policys_choice() {
    // The tie in the table above hides which of the two went: here they are told apart by their node.
    for (policy, original, replacement, loser) in [
        ("keep-original", "n0", "n0", 0),
        ("keep-replacement", "n0", "n0", 1),
        ("longest-running", "n0", "n0y", 0),
        ("longest-running", "n0y", "n0", 1),
        ("best", "n0", "n0", 0),
    ] {
        let kept = loser;
        let (mut state, job) = build(&format!("n1 same lost60 {policy}"), &format!("{original}>1 {replacement}"));
        let plan = plan_for(&mut state, &job);
        let stopped: Vec<_> = plan.stops.iter().map(|stop| stop.alloc).collect();
        assert_eq!(stopped, [AllocId(2000 + 1 - kept)], "{policy} {original} {replacement}");
    }
    // The better placed one stays.
    for (original, replacement, stopped) in [(0.9, 0.5, 1), (0.5, 0.9, 0)] {
        let (mut state, job) = build("n1 same lost60", "n0>1 n0");
        for (position, total) in [(0, original), (1, replacement)] {
            let node = NodeId(position + 1);
            let scores = vec![crate::model::plan::NodeScore { node, terms: vec![], total }];
            let metrics = crate::model::plan::PlacementMetrics { scores, ..Default::default() };
            state.edit(AllocId(2000 + position), |row| row.metrics = Arc::new(metrics));
        }
        assert_eq!(plan_for(&mut state, &job).stops[0].alloc, AllocId(2000 + stopped));
    }
}

#[test]
fn batch_groups() {
    check(&[
        ("done work counts", "n2 same batch", "n0x n1", ""),
        ("all done", "n2 same batch", "n0x n1x", ""),
        ("done under a dropped name", "n1 same batch", "n1x n0", ""),
        ("a larger count", "n3 same batch", "n0x n1x", "+n2"),
        ("a smaller count, one failed", "n1 same batch", "n0F n1 n2", "+n0 -n0 -n1 -n2"),
        ("a smaller count, one migrates", "n1 same batch", "n0m n1", "+n0 -n0 -n1"),
        ("only under a dropped name", "n1 same batch", "n1", "+n0 -n1"),
        ("done work of another version", "n2 batch", "o0x o1x", "+n0 +n1"),
        ("done work that differs harmlessly", "n1 batch inplace", "o0x", ""),
        ("done on a node that is lost", "n1 same batch", "n0xd", ""),
        ("running on a node that is lost", "n1 same batch", "n0d", "+n0 -n0!"),
        ("a failure whose delay is over", "n1 same batch", "n0F", "+n0 -n0"),
        ("batch work has no steps", "n3 batch up1", "o0 o1 o2", "+n0 +n1 +n2 -o0 -o1 -o2"),
        ("batch work has no canaries", "n2 batch up1 canary1", "o0 o1", "+n0 +n1 -o0 -o1"),
        ("migrating batch work", "n1 same batch", "n0m", "+n0 -n0"),
    ]);
}
