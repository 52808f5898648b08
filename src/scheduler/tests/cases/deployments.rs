//! Service groups with an update strategy: rolling updates, canaries, failures, pauses.

use super::*;

#[test]
fn rolling_updates() {
    check(&[
        ("the first version is deployed at once", "n3 same up1", "", "+n0 +n1 +n2 new(3,0)"),
        ("nothing wanted, nothing deployed", "n0 same up1", "", ""),
        ("harmless changes join a deployment", "n2 up1 inplace", "o0 o1", "~o0 ~o1 new(2,0)"),
        ("one at a time", "n3 up1", "o0 o1 o2", "+n0 -o0 new(3,0)"),
        ("two at a time", "n3 up2", "o0 o1 o2", "+n0 +n1 -o0 -o1 new(3,0)"),
        ("more at a time than there are", "n2 up5", "o0 o1", "+n0 +n1 -o0 -o1 new(2,0)"),
        ("max_parallel 0 is no deployment", "n2 up0", "o0 o1", "+n0 +n1 -o0 -o1"),
        ("the newest must be healthy first", "n3 up1 dep", "n0w o1 o2", ""),
        ("running is not healthy", "n3 up2 dep", "n0w n1w o2", ""),
        ("one of two is healthy", "n3 up2 dep", "n0h n1w o2", "+n2 -o2"),
        ("healthy: on to the next", "n3 up1 dep", "n0h o1 o2", "+n1 -o1"),
        ("an unhealthy one stops it", "n3 up2 dep", "n0u o1 o2", ""),
        ("one that ends holds the room", "n3 up1 dep", "o0s o1 o2", "+n0"),
        ("one that ends beside its successor does not", "n3 up1 dep", "o0s>1 n0h o1 o2", "+n1 -o1"),
        ("an old one that failed is next", "n2 up1 dep attempts0", "n0h o1F", "+n1 -o1"),
        ("all are healthy", "n2 up1 dep", "n0h n1h", "success"),
        ("all run but one has no verdict", "n2 up1 dep", "n0h n1w", ""),
        ("one is missing: not over", "n3 up1 dep", "n0h n1h", "+n2"),
        ("a healthy one failed: not over", "n2 up1 dep", "n0h n1hf", "@n1"),
        ("scaling down within it", "n1 up1 dep", "n0h n1h", "-n1 success"),
        ("a newer version cancels", "n2 up1 olddep", "o0h o1w", "+n0 -o0 cancel new(2,0)"),
        ("a stopped job cancels", "n1 same up1 dep stopped", "n0w", "-n0 cancel"),
        ("a purged job cancels", "n1 same up1 dep purged", "n0w", "-n0 cancel"),
        ("over is over", "n2 up1 dep=successful", "n0h n1h", ""),
        ("an old one comes back after the end", "n2 up1 dep=successful", "n0h o1", "+n1 -o1 new(2,0)"),
        ("lost ones do not wait for room", "n3 up1 dep", "n0w o1d o2", "+n1 -o1!"),
        ("a lost one of the newest", "n3 up1 dep", "n0wd o1 o2", "+n0 -n0!"),
        ("migrations do not wait for room", "n3 up1 dep", "n0w o1m o2", "+n1 -o1"),
        ("a failed one of the newest waits for its delay", "n2 up1 dep", "n0uf o1", "@n0"),
        ("and is tried again", "n2 up1 dep", "n0uF o1", "+n0 -n0"),
        ("away in the middle of it", "n2 up1 dep lost60", "n0ha o1", "+n0 ?n0"),
    ]);
}

#[test]
fn failures_of_a_deployment() {
    check(&[
        ("no deadline: the first unhealthy one", "n2 up1 dep pd0", "n0u o1", "fail"),
        ("no deadline: healthy ones do not matter", "n2 up1 dep pd0", "n0h o1", "+n1 -o1"),
        ("no attempts left", "n2 up1 dep attempts0", "n0uf o1", "fail"),
        ("unhealthy but running has until the deadline", "n2 up1 dep attempts0", "n0u o1", ""),
        ("the deadline passes", "n2 up1 dep late", "n0w o1", "fail"),
        ("complete groups have no deadline", "n2 up1 dep late", "n0h n1h", "success"),
        ("back to the stable version", "n2 up1 dep late revert", "n0w o1", "revert"),
        ("nothing else happens on the way back", "n3 up1 dep late revert", "n0w o1d", "revert"),
        ("no stable version to go back to", "n1 same up1 dep late revert", "n0w", "fail"),
        ("failed: nothing goes on", "n3 up1 dep=failed", "n0u o1 o2", ""),
        ("failed: its own failures are not tried again", "n2 up1 dep=failed", "n0uF o1", ""),
        ("failed: unless by force", "n2 up1 dep=failed", "n0uFR o1", "+n0 -n0"),
        ("failed: failures of the old version are", "n2 up1 dep=failed", "n0h o1F", "+o1 -o1"),
        ("failed: lost old ones come back as they were", "n2 up1 dep=failed", "n0h o1d", "+o1 -o1!"),
        ("failed: lost new ones too", "n2 up1 dep=failed", "n0hd o1", "+n0 -n0!"),
        ("failed: what ended is filled up with the old", "n3 up1 dep=failed", "n0h o1 o2x", "+o2"),
        ("failed: migrating old ones keep their version", "n2 up1 dep=failed", "n0h o1m", "+o1 -o1"),
        ("failed: harmless changes still come", "n2 up1 inplace dep=failed", "o0 n1h", "~o0"),
        ("paused: nothing goes on", "n3 up1 dep=paused", "n0h o1 o2", ""),
        ("paused: lost ones are replaced", "n3 up1 dep=paused", "n0h o1d o2", "+o1 -o1!"),
        ("paused: no deadline", "n2 up1 dep=paused late", "n0w o1", ""),
        ("paused: not over", "n1 up1 dep=paused", "n0h", ""),
        ("paused before anything was placed", "n2 same up1 dep=paused", "", ""),
    ]);
}

#[test]
fn canaries() {
    check(&[
        ("the first version needs none", "n2 same up1 canary1", "", "+n0 +n1 new(2,0)"),
        ("harmless changes need none", "n2 up1 canary1 inplace", "o0 o1", "~o0 ~o1 new(2,0)"),
        ("one beside the others", "n3 up1 canary1", "o0 o1 o2", "+n0c new(3,1)"),
        ("blue and green", "n2 up2 canary2", "o0 o1", "+n0c +n1c new(2,2)"),
        ("more canaries than instances", "n1 up1 canary3", "o0", "+n0c +n1c +n2c new(1,3)"),
        ("waiting for its health", "n2 up1 canary1 dep dc1", "n0wc o0 o1", ""),
        ("waiting for promotion", "n2 up1 canary1 dep dc1", "n0hc o0 o1", ""),
        ("waiting for promotion has no deadline", "n2 up1 canary1 dep dc1 late", "n0hc o0 o1", ""),
        ("waiting for health has one", "n2 up1 canary1 dep dc1 late", "n0wc o0 o1", "fail -n0"),
        ("one of two is missing", "n2 up1 canary2 dep dc2", "n0hc o0 o1", "+n1c"),
        ("a lost canary is placed again", "n2 up1 canary1 dep dc1", "n0wcd o0 o1", "+n0c -n0!"),
        ("a failed canary is tried again", "n2 up1 canary1 dep dc1", "n0ucF o0 o1", "+n0c -n0"),
        ("a failed canary waits", "n2 up1 canary1 dep dc1", "n0ucf o0 o1", "@n0"),
        ("a canary must move", "n2 up1 canary1 dep dc1", "n0hcm o0 o1", "+n0c -n0"),
        ("a lost old one stays old", "n2 up1 canary1 dep dc1", "n0hc o0d o1", "+o0 -o0!"),
        ("a failed old one stays old", "n2 up1 canary1 dep dc1", "n0hc o0F o1", "+o0 -o0"),
        ("a migrating old one stays old", "n2 up1 canary1 dep dc1", "n0hc o0m o1", "+o0 -o0"),
        ("an ended old one comes back old", "n2 up1 canary1 dep dc1", "n0hc o0x o1", "+o0"),
        ("a lost old one when canaries begin", "n2 up1 canary1", "o0d o1", "+o0 -o0! +n1c new(2,1)"),
        ("promoted by itself", "n2 up1 canary1 auto dep dc1", "n0hc o0 o1", "promote -o0 +n1 -o1"),
        ("not promoted by itself before it is healthy", "n2 up1 canary1 auto dep dc1", "n0wc o0 o1", ""),
        ("not before all are healthy", "n2 up1 canary2 auto dep dc2", "n0hc n1wc o0 o1", ""),
        ("blue and green promoted by itself", "n2 up2 canary2 auto dep dc2", "n0hc n1hc o0 o1", "promote -o0 -o1 success"),
        ("promoted: its twin goes, the rest follow", "n3 up1 canary1 dep dc1 promoted", "n0h o0 o1 o2", "-o0 +n1 -o1"),
        ("promoted and on its way", "n3 up1 canary1 dep dc1 promoted", "n0h n1w o2", ""),
        ("promoted and done", "n2 up1 canary1 dep dc1 promoted", "n0h n1h", "success"),
        ("surplus canaries go on promotion", "n1 up1 canary3 dep dc3 promoted", "n0h n1h n2h o0", "-o0 -n1 -n2 success"),
        ("failed canaries go", "n2 up1 canary1 dep=failed dc1", "n0uc o0 o1", "-n0"),
        ("a failed canary without attempts ends it", "n2 up1 canary1 dep dc1 attempts0", "n0ucf o0 o1", "fail"),
        ("and goes back", "n2 up1 canary1 dep dc1 attempts0 revert", "n0ucf o0 o1", "revert"),
        ("canaries of a cancelled deployment go", "n2 up1 canary1 olddep dc1", "o0hc o0 o1", "cancel -o0 +n0c new(2,1)"),
        ("a stopped job takes them along", "n1 same up1 canary1 dep dc1 stopped", "n0hc n0", "cancel -n0 -n0"),
        ("paused: no more canaries", "n2 up1 canary2 dep=paused dc2", "n0hc o0 o1", ""),
        ("scaling down while canaries run", "n1 up1 canary1 dep dc1", "n0hc o0 o1", "-o1"),
    ]);
}
