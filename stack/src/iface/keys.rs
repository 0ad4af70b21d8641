//! Keyed hashing from the one secret that a stack is born with.
//!
//! Everything here is a function of that secret: a run with the same entropy and the same input repeats itself bit for
//! bit, which the standard library's per-process hash keys would spoil, while a peer who does not know the secret can
//! neither predict identifiers nor choose addresses that collide in our tables.

use std::hash::{BuildHasher, Hash, Hasher};

use siphasher::sip::SipHasher13;

/// Builds SipHash-1-3 hashers with a secret key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyed(u64, u64);

impl Keyed {
    /// The key for the purpose named by `label`, independent of those for other labels.
    pub(crate) fn derive(entropy: &[u8; 32], label: &str) -> Keyed {
        let word = |n: u8| {
            // All 32 bytes go in as data: SipHash's own key has room for only half of them.
            let mut hasher = SipHasher13::new_with_keys(0, u64::from(n));
            hasher.write(entropy);
            hasher.write(label.as_bytes());
            hasher.finish()
        };
        Keyed(word(0), word(1))
    }

    /// The keyed hash of `value`.
    pub(crate) fn hash(&self, value: impl Hash) -> u64 {
        self.hash_one(value)
    }
}

impl BuildHasher for Keyed {
    type Hasher = SipHasher13;
    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }
}

/// A secret of 32 bytes for the purpose named by `label`.
pub(crate) fn derive_secret(entropy: &[u8; 32], label: &str) -> [u8; 32] {
    let key = Keyed::derive(entropy, label);
    let mut secret = [0; 32];
    for (n, chunk) in secret.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&key.hash(n).to_le_bytes());
    }
    secret
}

/// A random sequence from a secret.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    key: Keyed,
    drawn: u64,
}

impl Random {
    pub(crate) fn new(key: Keyed) -> Random {
        Random { key, drawn: 0 }
    }

    /// A number below `bound` (0 when `bound` is 0). The bias is below `bound` / 2^64.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.drawn = self.drawn.wrapping_add(1);
        let product = u128::from(self.key.hash(self.drawn)) * u128::from(bound);
        u32::try_from(product >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_entropy_both_matter() {
        let a = derive_secret(&[1; 32], "a");
        assert_eq!(a, derive_secret(&[1; 32], "a"));
        assert_ne!(a, derive_secret(&[1; 32], "b"));
        let mut other = [1; 32];
        other[31] = 2;
        assert_ne!(a, derive_secret(&other, "a"));
    }

    #[test]
    fn random_numbers_stay_below_their_bound() {
        let mut random = Random::new(Keyed::derive(&[7; 32], "r"));
        let drawn: Vec<u32> = (0..200).map(|_| random.below(10)).collect();
        assert!((0..10).all(|n| drawn.contains(&n)) && drawn.iter().all(|&n| n < 10));
        assert_eq!(random.below(0), 0);
    }
}
