//! Randomness from the kernel, for ids and jitter. Decisions are handed seeds, they never draw.

/// 16 random bytes.
pub fn random_u128() -> u128 {
    let mut bytes = [0u8; 16];
    // The kernel's generator fails only before it is seeded at early boot; an agent cannot run then.
    getrandom::fill(&mut bytes).expect("the kernel's random generator is seeded");
    u128::from_le_bytes(bytes)
}

/// Mixes a seed and an ordinal into 128 well-spread bits (two rounds of SplitMix64 with distinct
/// streams, Steele et al. 2014). Deterministic: replicas derive equal ids from equal commands.
pub fn derive_u128(seed: u128, ordinal: u64) -> u128 {
    let high = split_mix(seed as u64 ^ split_mix(ordinal));
    let low = split_mix((seed >> 64) as u64 ^ split_mix(ordinal.wrapping_add(0x9E37_79B9_7F4A_7C15)) ^ high);
    (u128::from(high) << 64) | u128::from(low)
}

/// As [`derive_u128`], but the last halves of one seed's first 2^32 numbers differ by one.
pub fn derive_in_a_row(seed: u128, ordinal: u64) -> u128 {
    let first_half = derive_u128(seed, ordinal) >> 64;
    let row = split_mix((seed >> 64) as u64 ^ split_mix(seed as u64)) << 32;
    (first_half << 64) | u128::from(row | (ordinal & u64::from(u32::MAX)))
}

/// One step of SplitMix64 from `state`.
pub fn split_mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn derived_ids_do_not_collide() {
        let ids: BTreeSet<u128> = (0..100_000).map(|n| derive_u128(7, n)).collect();
        assert_eq!(ids.len(), 100_000);
        let ids: Vec<u128> = (0..100_000).map(|n| derive_in_a_row(7, n)).collect();
        assert!(ids.windows(2).all(|pair| pair[1] as u64 == pair[0] as u64 + 1));
        assert_eq!(ids.iter().map(|id| id >> 64).collect::<BTreeSet<_>>().len(), 100_000);
    }
}
