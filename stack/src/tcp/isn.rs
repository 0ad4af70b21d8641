//! Numbers that strangers must not guess: initial sequence numbers (RFC 6528), timestamp offsets
//! (RFC 7323 section 7.1), ephemeral ports (RFC 6056 algorithm 3), and the keys of the tables.
//!
//! All are SipHash under keys from the host's entropy. ISN = clock + F(4-tuple, key): numbers of one 4-tuple
//! grow with time, so a new incarnation is above the old one, and tell nothing of another 4-tuple. The clock
//! ticks each 64 ns as Linux's (RFC 6528 has 4 us): 2^32 of them are 275 s, above TIME_WAIT's 60.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::Ipv4Addr;

use siphasher::sip::{SipHasher13, SipHasher24};

use super::Tuple;
use crate::time::Instant;
use crate::wire::SeqNumber;

/// A hasher for tables that strangers fill: keyed, so that they cannot aim for one bucket.
#[derive(Clone, Copy)]
pub(super) struct KeyedHash {
    k0: u64,
    k1: u64,
}

impl BuildHasher for KeyedHash {
    type Hasher = SipHasher13;
    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.k0, self.k1)
    }
}

/// The keys.
pub(super) struct Secrets {
    keys: [u64; 4],
}

impl Secrets {
    pub(super) fn new(secret: [u8; 32]) -> Secrets {
        let mut keys = [0; 4];
        for (key, bytes) in keys.iter_mut().zip(secret.chunks_exact(8)) {
            *key = bytes.iter().fold(0, |k, b| k << 8 | u64::from(*b));
        }
        Secrets { keys }
    }

    pub(super) fn table_hash(&self) -> KeyedHash {
        let [_, _, k0, k1] = self.keys;
        KeyedHash { k0, k1 }
    }

    fn hash(&self, purpose: u8, value: impl Hash) -> u64 {
        let [k0, k1, _, _] = self.keys;
        let mut hasher = SipHasher24::new_with_keys(k0, k1);
        hasher.write_u8(purpose);
        value.hash(&mut hasher);
        hasher.finish()
    }

    /// RFC 6528 section 3: ISN = M + F(localip, localport, remoteip, remoteport, secretkey).
    pub(super) fn isn(&self, tuple: &Tuple, now: Instant) -> SeqNumber {
        let clock = (now.micros() as u32).wrapping_mul(16);
        SeqNumber((self.hash(1, tuple) as u32).wrapping_add(clock))
    }

    /// What is added to our timestamp clock towards this peer. Per pair of addresses, so that timestamps of
    /// successive connections grow, which TIME_WAIT on the other side relies on.
    pub(super) fn timestamp_offset(&self, local: Ipv4Addr, remote: Ipv4Addr) -> u32 {
        self.hash(2, (local, remote)) as u32
    }

    /// The first secret of SYN cookies (`cookies.rs`).
    pub(super) fn cookie_base(&self, tuple: &Tuple) -> u32 {
        self.hash(4, tuple) as u32
    }

    /// The second, which changes with the minute.
    pub(super) fn cookie(&self, tuple: &Tuple, minute: u32) -> u32 {
        self.hash(5, (tuple, minute)) as u32
    }

    /// A key for Fast Open cookies.
    pub(super) fn fast_open_key(&self) -> [u8; 16] {
        let (a, b) = (self.hash(6, 0u8).to_le_bytes(), self.hash(6, 1u8).to_le_bytes());
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(a.into_iter().chain(b)) {
            *to = from;
        }
        key
    }

    /// RFC 6056 section 3.3.3: where the search for a free port begins.
    pub(super) fn port_offset(&self, local: Ipv4Addr, remote: Ipv4Addr, remote_port: u16) -> u32 {
        self.hash(3, (local, remote, remote_port)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddrV4;

    fn tuple(port: u16) -> Tuple {
        Tuple {
            local: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), port),
            remote: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80),
        }
    }

    #[test]
    fn isn_grows_for_a_tuple_and_differs_between_them() {
        let secrets = Secrets::new([7; 32]);
        let at = |us| Instant::from_micros(us);
        let a = secrets.isn(&tuple(1), at(0));
        assert!(secrets.isn(&tuple(1), at(1000)).gt(a));
        assert_eq!(secrets.isn(&tuple(1), at(1000)) - a, 16_000);
        assert_ne!(secrets.isn(&tuple(2), at(0)), a);
        assert_ne!(Secrets::new([8; 32]).isn(&tuple(1), at(0)), a);
    }
}
