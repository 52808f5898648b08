//! From the tasks' `numa` stanzas to how an instance's cores shall lie.

use std::ops::Range;

use crate::model::{NumaAffinity, TaskGroup, Text};
use crate::scheduler::feasibility::DeviceRequirement;
use crate::scheduler::placement::{CoreBlock, CoreDemand};

/// Cores that tasks want on one NUMA node, by position.
struct Wish<'a> {
    range: Range<usize>,
    affinity: NumaAffinity,
    tasks: Vec<&'a Text>,
}

/// `devices` are what the group's tasks ask for, need by need. Tasks that have the same cores one after the other wish together.
pub fn demand(group: &TaskGroup, devices: &[DeviceRequirement]) -> CoreDemand {
    let mut wishes: Vec<Wish<'_>> = Vec::new();
    let mut ranges: Vec<_> = group.core_ranges().filter(|(_, range)| !range.is_empty()).collect();
    ranges.retain(|(task, _)| task.resources.numa.affinity != NumaAffinity::None);
    ranges.sort_by_key(|(_, range)| (range.start, range.end));
    for (task, range) in ranges {
        let affinity = task.resources.numa.affinity;
        match wishes.last_mut() {
            Some(last) if range.start < last.range.end => {
                last.range.end = last.range.end.max(range.end);
                last.affinity = last.affinity.max(affinity);
                last.tasks.push(&task.name);
            }
            _ => wishes.push(Wish { range, affinity, tasks: vec![&task.name] }),
        }
    }
    if wishes.is_empty() {
        return CoreDemand::default();
    }
    let mut demand = CoreDemand { blocks: Vec::new(), near: vec![None; devices.len()] };
    let mut end = 0;
    for wish in &wishes {
        push(&mut demand, end..wish.range.start, NumaAffinity::None);
        for (need, device) in devices.iter().enumerate() {
            let is_listed = |task: &crate::model::Task| task.resources.numa.devices.contains(&device.name);
            if wish.tasks.contains(&&device.task) && group.task(&device.task).is_some_and(is_listed) {
                demand.near[need] = Some(demand.blocks.len());
            }
        }
        push(&mut demand, wish.range.clone(), wish.affinity);
        end = wish.range.end;
    }
    push(&mut demand, end..group.ask().cores.into(), NumaAffinity::None);
    demand
}

fn push(demand: &mut CoreDemand, range: Range<usize>, affinity: NumaAffinity) {
    if let Ok(count) = u16::try_from(range.len())
        && count > 0
    {
        demand.blocks.push(CoreBlock { count, affinity });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobType, Lifecycle, LifecycleHook, NumaAsk, fixtures};

    #[test]
    fn tasks_that_run_together_have_cores_of_their_own() {
        use NumaAffinity::{None as No, Prefer, Require};
        let hook = |hook, sidecar| Some(Lifecycle { hook, sidecar });
        let (main, side) = (None, hook(LifecycleHook::Prestart, true));
        let (before, after) = (hook(LifecycleHook::Prestart, false), hook(LifecycleHook::Poststop, false));
        // Tasks (lifecycle, cores, affinity); the cores of each; the blocks.
        type Case<'a> = (&'a [(&'a Option<Lifecycle>, u16, NumaAffinity)], &'a [(usize, usize)], &'a [(u16, NumaAffinity)]);
        let cases: [Case<'_>; 7] = [
            (&[(&main, 2, No)], &[(0, 2)], &[]),
            (&[(&main, 2, Require)], &[(0, 2)], &[(2, Require)]),
            (&[(&main, 0, Require)], &[(0, 0)], &[]),
            (&[(&main, 2, No), (&main, 3, Prefer)], &[(0, 2), (2, 5)], &[(2, No), (3, Prefer)]),
            (&[(&main, 2, Require), (&side, 1, No)], &[(1, 3), (0, 1)], &[(1, No), (2, Require)]),
            (&[(&before, 4, Require), (&main, 2, Prefer), (&main, 3, Prefer)], &[(0, 4), (0, 2), (2, 5)], &[(5, Require)]),
            (&[(&main, 1, Require), (&main, 1, Require), (&after, 1, No)], &[(0, 1), (1, 2), (0, 1)], &[(1, Require), (1, Require)]),
        ];
        for (tasks, ranges, blocks) in cases {
            let mut group = fixtures::group("g", JobType::Service, 1);
            group.tasks = (0..)
                .zip(tasks)
                .map(|(at, (lifecycle, cores, affinity))| {
                    let mut task = fixtures::task(&format!("task-{at}"));
                    task.lifecycle.clone_from(lifecycle);
                    task.resources.cores = *cores;
                    task.resources.numa = NumaAsk { affinity: *affinity, devices: Vec::new() };
                    task
                })
                .collect();
            assert_eq!(group.core_ranges().map(|(_, range)| (range.start, range.end)).collect::<Vec<_>>(), ranges, "{tasks:?}");
            let found = demand(&group, &[]).blocks;
            assert_eq!(found.iter().map(|block| (block.count, block.affinity)).collect::<Vec<_>>(), blocks, "{tasks:?}");
        }
    }
}
