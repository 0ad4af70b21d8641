//! Path MTUs learnt from ICMP (RFC 1191), as Linux keeps them: per destination, for ten minutes, never above the
//! link's MTU and never below 552 bytes.
//!
//! A message that asks for less than 552 is either an attack or a path for which fragments are kinder than tiny segments:
//! the entry then stays at 552 and is *locked*, which means that packets to it leave without DF (Linux `mtu_locked`).
//! Entries age lazily: there is no timer. After ten minutes the larger size is tried again (RFC 1191 section 6.3).

use std::collections::HashMap;
use std::net::Ipv4Addr;

use crate::iface::keys::Keyed;
use crate::time::{Duration, Instant};

/// Linux `ip_rt_min_pmtu`: 512 bytes of data and 40 of headers.
const MIN_PMTU: u16 = 552;
/// Linux `mtu_expires`; RFC 1191 section 6.3.
const LIFETIME: Duration = Duration::from_secs(600);
const MAX_ENTRIES: usize = 1024;

/// The likely MTUs of RFC 1191 section 7.1, for routers that do not say.
const PLATEAUS: [u16; 10] = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

/// The least that a path over a link of this MTU is lowered to: a link below 552 bytes is not an attack.
pub(crate) fn floor(link_mtu: u16) -> u16 {
    MIN_PMTU.min(link_mtu)
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    mtu: u16,
    locked: bool,
    expires: Instant,
}

/// What is known of paths.
#[derive(Debug)]
pub(crate) struct PathMtus {
    entries: HashMap<Ipv4Addr, Entry, Keyed>,
}

/// What is known of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// Largest packet, bytes.
    pub(crate) mtu: u16,
    /// DF must not be set: the path is narrower than we care to follow.
    pub(crate) locked: bool,
}

impl PathMtus {
    pub(crate) fn new(key: Keyed) -> PathMtus {
        PathMtus { entries: HashMap::with_hasher(key) }
    }

    /// The path to `dst` over a link of `link_mtu`.
    pub(crate) fn get(&self, now: Instant, dst: Ipv4Addr, link_mtu: u16) -> Path {
        // Almost always empty: this is asked for each packet.
        if self.entries.is_empty() {
            return Path { mtu: link_mtu, locked: false };
        }
        match self.entries.get(&dst) {
            Some(entry) if entry.expires > now => Path { mtu: entry.mtu.min(link_mtu), locked: entry.locked },
            _ => Path { mtu: link_mtu, locked: false },
        }
    }

    /// The MTU that a fragmentation-needed message means: its own figure, or for a router that gives none the
    /// next plateau below the packet that did not fit (RFC 1191 section 5).
    pub(crate) fn interpret(mtu: u16, quoted_len: usize) -> u16 {
        if mtu != 0 {
            return mtu;
        }
        PLATEAUS.into_iter().find(|p| usize::from(*p) < quoted_len).unwrap_or(MIN_PMTU)
    }

    /// Lowers the path to `dst`; answers false when that is no news.
    pub(crate) fn lower(&mut self, now: Instant, dst: Ipv4Addr, mtu: u16, link_mtu: u16) -> bool {
        let current = self.get(now, dst, link_mtu);
        if mtu >= current.mtu {
            return false;
        }
        if self.entries.len() >= MAX_ENTRIES && !self.entries.contains_key(&dst) {
            self.make_room(now);
        }
        let floor = floor(link_mtu);
        let entry = Entry { mtu: mtu.max(floor), locked: mtu < floor, expires: now + LIFETIME };
        self.entries.insert(dst, entry);
        true
    }

    /// Drops what has aged, else what will age first. Runs only when the table is full.
    fn make_room(&mut self, now: Instant) {
        self.entries.retain(|_, entry| entry.expires > now);
        if self.entries.len() < MAX_ENTRIES {
            return;
        }
        let oldest = self.entries.iter().map(|(dst, entry)| (entry.expires, *dst)).min();
        if let Some((_, dst)) = oldest {
            self.entries.remove(&dst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DST: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    fn cache() -> PathMtus {
        PathMtus::new(Keyed::derive(&[0; 32], "pmtu"))
    }

    #[test]
    fn a_lower_mtu_holds_for_ten_minutes() {
        let (mut cache, now) = (cache(), Instant::from_micros(5));
        assert!(cache.lower(now, DST, 1400, 1500));
        assert!(!cache.lower(now, DST, 1450, 1500), "not smaller");
        assert_eq!(cache.get(now + Duration::from_secs(599), DST, 1500), Path { mtu: 1400, locked: false });
        assert_eq!(cache.get(now + Duration::from_secs(600), DST, 1500).mtu, 1500);
        assert_eq!(cache.get(now, Ipv4Addr::new(192, 0, 2, 2), 1500).mtu, 1500);
    }

    #[test]
    fn tiny_mtus_lock_the_path_at_552() {
        let (mut cache, now) = (cache(), Instant::ZERO);
        assert!(cache.lower(now, DST, 68, 1500));
        assert_eq!(cache.get(now, DST, 1500), Path { mtu: 552, locked: true });
    }

    #[test]
    fn silent_routers_mean_the_next_plateau() {
        assert_eq!(PathMtus::interpret(1280, 1500), 1280);
        assert_eq!(PathMtus::interpret(0, 1500), 1492);
        assert_eq!(PathMtus::interpret(0, 1492), 1006);
        assert_eq!(PathMtus::interpret(0, 60), MIN_PMTU);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut cache = cache();
        for n in 0..3000u32 {
            cache.lower(Instant::from_micros(u64::from(n)), Ipv4Addr::from(n), 1000, 1500);
        }
        assert_eq!(cache.entries.len(), MAX_ENTRIES);
        assert_eq!(cache.get(Instant::from_micros(3000), Ipv4Addr::from(2999), 1500).mtu, 1000);
    }
}
