//! System and sysbatch jobs: one instance on every node that may have it. The nth allocation is on the nth node.

use super::*;

#[test]
fn system_jobs() {
    check(&[
        ("everywhere", "system same nodes3", "", "+n0 +n0 +n0"),
        ("a node is new", "system same nodes3", "n0 n0", "+n0"),
        ("ineligible nodes keep theirs", "system same nodes1", "n0 n0i", ""),
        ("a down node", "system same nodes1", "n0 n0d", "-n0!"),
        ("a draining node, last", "system same nodes1", "n0 n0im", "-n0"),
        ("away with lost_after", "system same nodes1 lost60", "n0 n0a", "?n0"),
        ("away without", "system same nodes1", "n0 n0a", "-n0!"),
        ("away for too long", "system same nodes1 lost30", "n0 n0a?", "-n0!"),
        ("a failed one is not tried again", "system same nodes1", "n0F", ""),
        ("unless by force", "system same nodes1", "n0FR", "+n0 -n0"),
        ("one that ended is", "system same nodes1", "n0x", "+n0"),
        ("a failed one is replaced by an update", "system nodes1", "o0F", "+n0 -o0"),
        ("an update without steps", "system nodes2", "o0 o0", "+n0 +n0 -o0 -o0"),
        ("harmless changes", "system nodes1 inplace", "o0", "~o0"),
        ("harmless changes within a deployment", "system nodes1 inplace up1", "o0", "~o0 new(1,0)"),
        ("count 0", "system same nodes2 n0", "n0 n0", "-n0 -n0"),
        ("a stopped job", "system same nodes1 stopped", "n0", "-n0"),
        ("the first deployment", "system same nodes2 up1", "", "+n0 +n0 new(2,0)"),
        ("one node at a time", "system nodes3 up1", "o0 o0 o0", "+n0 -o0 new(3,0)"),
        ("the first must be healthy", "system nodes3 up1 dep", "n0w o0 o0", ""),
        ("healthy: on to the next", "system nodes3 up1 dep", "n0h o0 o0", "+n0 -o0"),
        ("healthy, but too soon for the next", "system nodes3 up1 dep stagger60", "n0hr o0 o0", "&"),
        ("healthy, and its time has passed", "system nodes3 up1 dep stagger20", "n0hr o0 o0", "+n0 -o0"),
        ("what came with a node holds nobody up", "system nodes3 up1 dep stagger60", "n0h o0 o0", "+n0 -o0"),
        ("nothing left to wait for", "system nodes2 up1 dep stagger60", "n0hr n0hr", "success"),
        ("its node stops it by itself", "system same nodes1 self60", "n0 n0d", "?n0"),
        ("no replacement", "system same nodes1 noreplace", "n0 n0d", "?n0"),
        ("an unhealthy one stops it", "system nodes3 up2 dep", "n0u o0 o0", ""),
        ("a new node does not wait", "system nodes3 up1 dep", "n0w o0", "+n0"),
        ("all are healthy", "system nodes2 up1 dep", "n0h n0h", "success"),
        ("the deadline passes", "system nodes2 up1 dep late", "n0w o0", "fail"),
        ("failed: nothing goes on", "system nodes2 up1 dep=failed", "n0u o0", ""),
        ("a percentage of canaries, rounded up", "system nodes4 up3 canary30", "o0 o0 o0 o0", "+n0c +n0c -o0 -o0 new(4,2)"),
        ("canaries are capped at max_parallel", "system nodes4 up1 canary100", "o0 o0 o0 o0", "+n0c -o0 new(4,1)"),
        ("waiting for promotion", "system nodes3 up2 canary30 dep dc1", "n0hc o0 o0", ""),
        ("promoted: on by max_parallel", "system nodes4 up2 canary25 dep dc1 promoted", "n0h o0 o0 o0", "+n0 +n0 -o0 -o0"),
        ("promoted by itself", "system nodes2 up1 canary50 auto dep dc1", "n0hc o0", "promote +n0 -o0"),
        ("a newer version cancels", "system nodes2 up1 olddep", "o0h o0w", "+n0 -o0 cancel new(2,0)"),
        ("back to the stable version", "system nodes2 up1 dep late revert", "n0w o0", "revert"),
    ]);
}

#[test]
fn sysbatch_jobs() {
    check(&[
        ("everywhere once", "sysbatch same nodes2", "", "+n0 +n0"),
        ("done work is not done again", "sysbatch same nodes2", "n0x n0x", ""),
        ("a node is new", "sysbatch same nodes3", "n0x n0x", "+n0"),
        ("another version runs everywhere", "sysbatch nodes2", "o0x o0", "+n0 +n0 -o0"),
        ("done work that differs harmlessly", "sysbatch nodes1 inplace", "o0x", ""),
        ("a failed one is not tried again", "sysbatch same nodes1", "n0F", ""),
        ("done on a node that is lost", "sysbatch same nodes1", "n0x n0dx", ""),
        ("it has no steps", "sysbatch nodes3 up1", "o0 o0 o0", "+n0 +n0 +n0 -o0 -o0 -o0"),
    ]);
}
