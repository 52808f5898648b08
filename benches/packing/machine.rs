//! A machine of the simulation, and how much of its idle GPUs is lost to the usual pods.

use std::collections::BTreeMap;

use crate::trace::Pod;

const WHOLE: u16 = 1000;

#[derive(Clone, Debug)]
pub struct Machine {
    pub cpu: i64,
    pub memory: i64,
    /// Free thousandths of each.
    pub gpus: Vec<u16>,
    pub model: usize,
}

impl Machine {
    pub fn new(cpu: i64, memory: i64, gpus: usize, model: usize) -> Self {
        Self { cpu, memory, gpus: vec![WHOLE; gpus], model }
    }

    pub fn idle(&self) -> u64 {
        self.gpus.iter().map(|free| u64::from(*free)).sum()
    }

    fn offers_gpus(&self, pod: &Pod) -> bool {
        let is_model = pod.models == 0 || pod.models & (1 << self.model) != 0;
        is_model && self.gpus.iter().filter(|free| **free >= pod.share).count() >= usize::from(pod.gpus)
    }

    pub fn fits(&self, pod: &Pod) -> bool {
        self.cpu >= pod.cpu && self.memory >= pod.memory && (pod.gpus == 0 || self.offers_gpus(pod))
    }

    /// Which GPUs a pod gets: a share goes to the fullest that has room, whole ones to the first free.
    pub fn choose(&self, pod: &Pod) -> Vec<usize> {
        let mut free: Vec<usize> = (0..self.gpus.len()).filter(|at| self.gpus[*at] >= pod.share).collect();
        free.sort_by_key(|at| self.gpus[*at]);
        free.truncate(usize::from(pod.gpus));
        free
    }

    /// Takes a pod's request; panics if that is more than there is, whoever said that it fits.
    pub fn take(&mut self, pod: &Pod, gpus: &[usize]) {
        assert!(self.cpu >= pod.cpu && self.memory >= pod.memory && gpus.len() == usize::from(pod.gpus), "{pod:?} on {self:?}");
        self.cpu -= pod.cpu;
        self.memory -= pod.memory;
        for gpu in gpus {
            assert!(self.gpus[*gpu] >= pod.share, "{pod:?} on {self:?}");
            self.gpus[*gpu] -= pod.share;
        }
    }

    /// Idle thousandths of GPUs that the typical pods could not use here, weighted by their popularity.
    pub fn fragmentation(&self, typical: &[(Pod, f64)]) -> f64 {
        let idle = self.idle();
        if idle == 0 {
            return 0.0;
        }
        let lost = |pod: &Pod| {
            if pod.gpus == 0 || self.cpu < pod.cpu || !self.offers_gpus(pod) {
                return idle;
            }
            self.gpus.iter().filter(|free| **free < pod.share).map(|free| u64::from(*free)).sum()
        };
        typical.iter().map(|(pod, popularity)| popularity * lost(pod) as f64).sum()
    }
}

/// The most popular requests that together make up 95 % of the pods, memory aside, with their popularity.
pub fn typical(pods: &[Pod]) -> Vec<(Pod, f64)> {
    let mut census: BTreeMap<Pod, u64> = BTreeMap::new();
    for pod in pods {
        *census.entry(Pod { memory: 0, ..*pod }).or_default() += 1;
    }
    let mut ranked: Vec<(Pod, u64)> = census.into_iter().collect();
    ranked.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut covered = 0;
    ranked.retain(|(_, count)| {
        let is_typical = covered * 100 < pods.len() as u64 * 95;
        covered += count;
        is_typical
    });
    let total: u64 = ranked.iter().map(|(_, count)| count).sum();
    ranked.into_iter().map(|(pod, count)| (pod, count as f64 / total as f64)).collect()
}
