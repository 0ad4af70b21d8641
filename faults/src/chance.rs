//! Probabilities and the numbers that decide them.
//!
//! A draw is a hash of the seed, what it is for, and the number of the frame (the finaliser of SplitMix64: Steele, Lea and Flood,
//! "Fast splittable pseudorandom number generators", 2014). So each kind of fault has a sequence of its own, and
//! no draw depends on how many were made before. Not for secrets.

/// A probability in units of 10^-9, from 0 to [`Chance::ALWAYS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    /// Never.
    pub const NEVER: Chance = Chance(0);
    /// Every time.
    pub const ALWAYS: Chance = Chance(1_000_000_000);

    /// A probability of `billionths` in 10^9; more than all is all.
    pub fn from_billionths(billionths: u64) -> Chance {
        Chance(u32::try_from(billionths).map_or(Chance::ALWAYS.0, |n| n.min(Chance::ALWAYS.0)))
    }

    /// In units of 10^-9.
    pub const fn billionths(self) -> u32 {
        self.0
    }

    /// Whether a draw, uniform over all of u64, hits.
    pub fn hits(self, draw: u64) -> bool {
        below(draw, u64::from(Chance::ALWAYS.0)) < u64::from(self.0)
    }
}

/// Brings a uniform draw down to `0..bound`; 0 for an empty range.
pub(crate) fn below(draw: u64, bound: u64) -> u64 {
    u64::try_from((u128::from(draw) * u128::from(bound)) >> 64).unwrap_or(0)
}

/// What a draw is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Loss = 1,
    Corrupt = 2,
    CorruptWhere = 3,
    Duplicate = 4,
    Reorder = 5,
    Jitter = 6,
}

/// One sequence of draws for each purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    base: u64,
}

impl Draws {
    /// `stream` tells directions and lanes apart.
    pub(crate) fn new(seed: u64, stream: u64) -> Draws {
        Draws { base: mix(mix(seed).wrapping_add(stream)) }
    }

    /// The draw for frame `number`.
    pub(crate) fn draw(&self, purpose: Purpose, number: u64) -> u64 {
        // The odd constant of SplitMix64: 2^64 divided by the golden ratio.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let sequence = mix(self.base.wrapping_add((purpose as u64).wrapping_mul(STEP)));
        mix(sequence.wrapping_add(number.wrapping_add(1).wrapping_mul(STEP)))
    }
}

fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_and_always_are_exact() {
        for draw in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!Chance::NEVER.hits(draw));
            assert!(Chance::ALWAYS.hits(draw));
        }
        assert_eq!(Chance::from_billionths(u64::MAX), Chance::ALWAYS);
    }

    #[test]
    fn draws_are_uniform_and_of_their_own() {
        let draws = Draws::new(7, 1);
        let other = Draws::new(7, 2);
        let percent = Chance::from_billionths(10_000_000);
        let hits = |d: &Draws, p| (0..1_000_000).filter(|n| percent.hits(d.draw(p, *n))).count();
        // Mean 10,000, standard deviation 99.5: within four of them.
        for (d, p) in [(&draws, Purpose::Loss), (&draws, Purpose::Jitter), (&other, Purpose::Loss)] {
            let n = hits(d, p);
            assert!((9600..10_400).contains(&n), "{n}");
        }
        // Independent: both at once one time in 10,000.
        let both = (0..1_000_000)
            .filter(|n| {
                percent.hits(draws.draw(Purpose::Loss, *n)) && percent.hits(draws.draw(Purpose::Corrupt, *n))
            })
            .count();
        assert!((60..140).contains(&both), "{both}");
    }

    #[test]
    fn a_bounded_draw_covers_its_range() {
        assert_eq!(below(u64::MAX, 0), 0);
        assert_eq!(below(0, 8), 0);
        assert_eq!(below(u64::MAX, 8), 7);
        let draws = Draws::new(1, 0);
        let mut seen = [0; 8];
        for n in 0..8000 {
            seen[below(draws.draw(Purpose::CorruptWhere, n), 8) as usize] += 1;
        }
        assert!(seen.iter().all(|n| (850..1150).contains(n)), "{seen:?}");
    }
}
