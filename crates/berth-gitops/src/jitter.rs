//! Spreads retries over time, from a seed that the caller gives.

/// A stream of fractions from 0 up to (not including) 1, made from a seed (`SplitMix64`).
///
/// Two writers that lost the same race must not come back at the same moment, so seed it with something that differs
/// between invocations, such as a hash of the request id. It is no source of secrets.
#[derive(Debug, Clone)]
pub struct Jitter(u64);

impl Jitter {
    /// A stream that is the same for the same seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// The next fraction, from 0 up to (not including) 1.
    pub fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let top = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or_default();
        f64::from(top) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_stay_in_range_and_spread() {
        let mut jitter = Jitter::from_seed(7);
        let fractions: Vec<f64> = (0..1000).map(|_| jitter.fraction()).collect();
        assert!(fractions.iter().all(|fraction| (0.0..1.0).contains(fraction)));
        assert!(fractions.iter().any(|fraction| *fraction < 0.1) && fractions.iter().any(|fraction| *fraction > 0.9));
    }

    #[test]
    fn different_seeds_give_different_waits() {
        assert!((Jitter::from_seed(1).fraction() - Jitter::from_seed(2).fraction()).abs() > f64::EPSILON);
    }
}
