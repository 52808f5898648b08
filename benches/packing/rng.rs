//! A small generator with a seed, so that every run sees the same order.

use pannier::util::random::split_mix;

pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(split_mix(seed))
    }

    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let wide = u128::from(split_mix(self.0)) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}
