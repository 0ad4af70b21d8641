//! Local ports: who holds which, and what bind(2) allows (Linux: `inet_csk_bind_conflict`).
//!
//! Holders are counted by port, address and options: ten thousand children of port 80 are one entry, and so are ten
//! thousand sockets bound to one port with SO_REUSEADDR. A newcomer conflicts with a holder when their addresses overlap,
//! unless both have SO_REUSEADDR and the holder does not listen, or both have SO_REUSEPORT.
//!
//! Ephemeral ports are 32768 to 60999, searched from a keyed offset (RFC 6056 section 3.3.3); connect(2)
//! prefers even ones and bind(2) odd ones, as on Linux, so that they do not use up each other's. The search goes on where
//! the last one found something, so that ports in use are passed once in a round, and it looks at a few of the preferred kind
//! only before it tries the others: it walks over all of them only when hardly any is free.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::isn::KeyedHash;
use crate::error::{Error, Result};
use crate::types::TcpOptions;
use crate::udp::port_range;

/// IP_LOCAL_PORT_RANGE: lowest and highest port; 0: the host's.
pub(super) type Range = (u16, u16);

const FIRST: u16 = 32_768;
const LAST: u16 = 60_999;
/// How many ports of a parity are tried before those of the other.
const FEW: u32 = 16;

/// How a port is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub addr: SocketAddrV4,
    pub reuseaddr: bool,
    pub reuseport: bool,
    pub v6only: bool,
}

impl Hold {
    pub(super) fn new(addr: SocketAddrV4, opts: &TcpOptions) -> Hold {
        Hold { addr, reuseaddr: opts.reuseaddr, reuseport: opts.reuseport, v6only: opts.v6only }
    }
}

/// What a port is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// By bind(2).
    Bound,
    /// By bind(2), and it listens.
    Listening,
    /// By a connection that merely uses it: a child of a listener, one that connect(2) gave a port, TIME_WAIT.
    Connection,
}

/// What a socket that is bound has.
pub(super) type Claim = (Hold, Use);

/// Holders of a port that are alike.
#[derive(Clone, Copy)]
struct Class {
    claim: Claim,
    count: u32,
}

/// The holders of one port. Most ports have holders of one kind only.
struct Bucket {
    first: Class,
    more: Option<Box<More>>,
}

struct More {
    classes: Vec<Class>,
}

impl Bucket {
    fn iter(&self) -> impl Iterator<Item = &Class> {
        std::iter::once(&self.first).chain(self.more.iter().flat_map(|m| &m.classes))
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Class> {
        std::iter::once(&mut self.first).chain(self.more.iter_mut().flat_map(|m| &mut m.classes))
    }
}

/// See the module.
pub(super) struct Ports {
    buckets: HashMap<u16, Bucket, KeyedHash>,
    /// How often a holder let go: as long as this stays the same, what was taken still is.
    releases: u64,
    /// Added to the keyed offset of a search.
    round: u32,
    /// Ports looked at so far: what the work is measured by.
    #[cfg(test)]
    pub(super) looks: u64,
}

fn overlap(a: Ipv4Addr, b: Ipv4Addr) -> bool {
    a == b || a.is_unspecified() || b.is_unspecified()
}

/// Whether `a` may not have what `b` holds.
fn conflict(a: &Hold, b: &Hold, b_listening: bool) -> bool {
    let shared = (a.reuseaddr && b.reuseaddr && !b_listening) || (a.reuseport && b.reuseport);
    a.v6only == b.v6only && overlap(*a.addr.ip(), *b.addr.ip()) && !shared
}

impl Ports {
    pub(super) fn new(hash: KeyedHash) -> Ports {
        Ports {
            buckets: HashMap::with_hasher(hash),
            releases: 0,
            round: 0,
            #[cfg(test)]
            looks: 0,
        }
    }

    pub(super) const fn releases(&self) -> u64 {
        self.releases
    }

    /// True when somebody other than the holder of `own` keeps `hold` from being bound, or from listening.
    fn taken(&self, hold: &Hold, own: Option<Claim>, listening: bool) -> bool {
        let Some(bucket) = self.buckets.get(&hold.addr.port()) else { return false };
        bucket.iter().any(|class| {
            let (other, purpose) = class.claim;
            // A child or TIME_WAIT of a listener does not keep that listener from listening again.
            let counts = !(listening && purpose == Use::Connection);
            let others = class.count - u32::from(own == Some(class.claim));
            counts && others > 0 && conflict(hold, &other, purpose == Use::Listening)
        })
    }

    /// bind(2): port 0 means any, searched from `offset`.
    pub(super) fn bind(&mut self, mut hold: Hold, range: Range, offset: u32) -> Result<Claim> {
        if hold.addr.port() == 0 {
            let any = *hold.addr.ip();
            let port = self.search(range, offset, true, true, &mut |ports, port| {
                // As Linux, an automatic port is one that nobody shares.
                let alone = Hold {
                    addr: SocketAddrV4::new(any, port),
                    reuseaddr: false,
                    reuseport: false,
                    v6only: hold.v6only,
                };
                !ports.taken(&alone, None, false)
            });
            hold.addr = SocketAddrV4::new(any, port.ok_or(Error::AddrInUse)?);
        } else if self.taken(&hold, None, false) {
            return Err(Error::AddrInUse);
        }
        let claim = (hold, Use::Bound);
        self.hold(claim);
        Ok(claim)
    }

    /// The options of the holder of `own`, or whether it listens, changed. Listening may conflict where binding did not.
    pub(super) fn update(&mut self, own: Claim, new: Claim) -> Result<Claim> {
        if own == new {
            return Ok(own);
        }
        if new.1 == Use::Listening && own.1 != Use::Listening && self.taken(&new.0, Some(own), true) {
            return Err(Error::AddrInUse);
        }
        self.hold(new);
        self.release(own);
        Ok(new)
    }

    /// Counts a holder.
    pub(super) fn hold(&mut self, claim: Claim) {
        let class = Class { claim, count: 1 };
        match self.buckets.entry(claim.0.addr.port()) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(Bucket { first: class, more: None });
            }
            std::collections::hash_map::Entry::Occupied(entry) => {
                let bucket = entry.into_mut();
                if let Some(same) = bucket.iter_mut().find(|c| c.claim == claim) {
                    same.count += 1;
                    return;
                }
                let more = bucket.more.get_or_insert_with(|| Box::new(More { classes: Vec::new() }));
                more.classes.push(class);
            }
        }
    }

    /// The opposite of [`Ports::hold`].
    pub(super) fn release(&mut self, claim: Claim) {
        self.releases += 1;
        let port = claim.0.addr.port();
        let Some(bucket) = self.buckets.get_mut(&port) else { return };
        let Some(class) = bucket.iter_mut().find(|c| c.claim == claim) else { return };
        class.count -= 1;
        if class.count > 0 {
            return;
        }
        if let Some(more) = &mut bucket.more {
            more.classes.retain(|c| c.count > 0);
            if bucket.first.count == 0
                && let Some(class) = more.classes.pop()
            {
                bucket.first = class;
            }
            if more.classes.is_empty() {
                bucket.more = None;
            }
        }
        if bucket.first.count == 0 {
            self.buckets.remove(&port);
        }
    }

    /// A port for connect(2): one that no user bound and whose 4-tuple `usable` accepts. It is asked for a few ports with
    /// `false` first, and with `true` when it should accept what it would rather not.
    pub(super) fn pick(
        &mut self,
        range: Range,
        offset: u32,
        mut usable: impl FnMut(u16, bool) -> bool,
    ) -> Result<u16> {
        let connections = |ports: &Ports, port| {
            ports.buckets.get(&port).is_none_or(|b| b.iter().all(|c| c.claim.1 == Use::Connection))
        };
        let few = |ports: &Ports, port: u16| connections(ports, port) && usable(port, false);
        self.search(range, offset, false, false, &mut { few })
            .or_else(|| {
                self.search(range, offset, false, true, &mut |ports, port| {
                    connections(ports, port) && usable(port, true)
                })
            })
            .ok_or(Error::AddrNotAvailable)
    }

    /// Looks at a few ports of one parity, at a few of the other, and if `all` at all.
    fn search(
        &mut self,
        range: Range,
        offset: u32,
        odd_first: bool,
        all: bool,
        free: &mut dyn FnMut(&Ports, u16) -> bool,
    ) -> Option<u16> {
        let start = offset.wrapping_add(self.round);
        let (low, high) = port_range(range, (FIRST, LAST));
        let even = low & !1;
        // Ports of a parity.
        let half = u32::from(high - even) / 2 + 1;
        let limits: &[u32] = if all { &[FEW, half] } else { &[FEW] };
        for (limit, odd) in limits.iter().flat_map(|limit| [(*limit, odd_first), (*limit, !odd_first)]) {
            for step in 0..limit {
                #[cfg(test)]
                {
                    self.looks += 1;
                }
                let port = u32::from(even) + start.wrapping_add(step) % half * 2 + u32::from(odd);
                let Some(port) = u16::try_from(port).ok().filter(|p| (low..=high).contains(p)) else {
                    continue;
                };
                if free(self, port) {
                    self.round = self.round.wrapping_add(step + 1);
                    return Some(port);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::isn::Secrets;
    use super::*;

    fn hold(ip: [u8; 4], port: u16, reuseaddr: bool, reuseport: bool) -> Hold {
        Hold { addr: SocketAddrV4::new(Ipv4Addr::from(ip), port), reuseaddr, reuseport, v6only: false }
    }

    fn ports() -> Ports {
        Ports::new(Secrets::new([1; 32]).table_hash())
    }

    const ANY: [u8; 4] = [0; 4];
    const ONE: [u8; 4] = [10, 0, 0, 1];

    #[test]
    fn addresses_that_overlap_conflict() {
        let mut p = ports();
        let one = p.bind(hold(ONE, 80, false, false), (0, 0), 0).unwrap();
        assert_eq!(p.bind(hold(ANY, 80, true, false), (0, 0), 0), Err(Error::AddrInUse));
        let two = p.bind(hold([10, 0, 0, 2], 80, false, false), (0, 0), 0).unwrap();
        p.release(one);
        p.release(two);
        assert!(p.bind(hold(ANY, 80, true, false), (0, 0), 0).is_ok());
    }

    #[test]
    fn reuseaddr_shares_until_one_listens() {
        let mut p = ports();
        let h = hold(ANY, 80, true, false);
        let first = p.bind(h, (0, 0), 0).unwrap();
        let second = p.bind(h, (0, 0), 0).unwrap();
        let first = p.update(first, (h, Use::Listening)).unwrap();
        assert_eq!(p.update(second, (h, Use::Listening)), Err(Error::AddrInUse));
        assert_eq!(p.bind(h, (0, 0), 0), Err(Error::AddrInUse));
        p.update(first, (h, Use::Bound)).unwrap();
        p.update(second, (h, Use::Listening)).unwrap();
        let r = hold(ANY, 81, false, true);
        for _ in 0..2 {
            let bound = p.bind(r, (0, 0), 0).unwrap();
            p.update(bound, (r, Use::Listening)).unwrap();
        }
    }

    #[test]
    fn a_connection_left_behind_needs_reuseaddr() {
        let mut p = ports();
        let left = (hold(ONE, 80, true, false), Use::Connection);
        p.hold(left);
        assert_eq!(p.bind(hold(ANY, 80, false, false), (0, 0), 0), Err(Error::AddrInUse));
        let bound = p.bind(hold(ANY, 80, true, false), (0, 0), 0).unwrap();
        p.release(left);
        p.release(bound);
        p.bind(hold(ANY, 80, false, false), (0, 0), 0).unwrap();
    }

    #[test]
    fn ephemeral_ports_run_out() {
        let mut p = ports();
        for port in FIRST..=LAST - 20 {
            p.bind(hold(ONE, port, true, true), (0, 0), 0).unwrap();
        }
        let mut seen = std::collections::HashSet::new();
        for i in 0..20 {
            let got = p.bind(hold(ANY, 0, true, true), (0, 0), i * 977).unwrap().0.addr;
            assert!((FIRST..=LAST).contains(&got.port()) && seen.insert(got.port()));
        }
        assert_eq!(p.bind(hold(ANY, 0, true, true), (0, 0), 5), Err(Error::AddrInUse));
        assert!(p.pick((0, 0), 9, |_, _| true).is_err());
    }

    #[test]
    fn all_ports_are_found_without_walking_over_those_in_use() {
        let mut p = ports();
        let mut used = std::collections::HashSet::new();
        let count = u64::from(LAST - FIRST) + 1;
        for _ in 0..count {
            let port = p.pick((0, 0), 12_345, |port, _| !used.contains(&port)).unwrap();
            assert!(used.insert(port));
        }
        // Even and odd ones, and the few that were preferred in vain.
        assert!(p.looks < 40 * count, "{} looks for {count} ports", p.looks);
        assert!(p.pick((0, 0), 12_345, |port, _| !used.contains(&port)).is_err());
    }

    #[test]
    fn what_is_rather_not_used_is_used_when_little_else_is_left() {
        let mut p = ports();
        let free = FIRST + 2 * 4000;
        // Nearly all are second choice: the search does not look for the one that is first.
        let port = p.pick((0, 0), 0, |port, any| any || port == free).unwrap();
        assert!(port != free && p.looks <= 2 * u64::from(FEW) + 1, "{port} after {} looks", p.looks);
    }

    #[test]
    fn sockets_on_one_port_are_one_entry() {
        let mut p = ports();
        let claims: Vec<_> =
            (0..10_000).map(|_| p.bind(hold(ONE, 80, true, false), (0, 0), 0).unwrap()).collect();
        assert_eq!(p.buckets[&80].iter().count(), 1);
        for claim in claims {
            p.release(claim);
        }
        assert!(p.buckets.is_empty());
    }
}
