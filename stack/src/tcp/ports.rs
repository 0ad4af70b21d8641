//! Local ports: who holds which, and what bind(2) allows (Linux: `inet_csk_bind_conflict`).
//!
//! Sockets bound by the user are listed by port. Connections that merely use a port (children of a listener,
//! sockets bound by connect(2), TIME_WAIT) are counted by address and options: ten thousand children of port
//! 80 cost one entry. A newcomer conflicts with a holder when their addresses overlap, unless both have
//! SO_REUSEADDR and the holder does not listen, or both have SO_REUSEPORT.
//!
//! Ephemeral ports are 32768 to 60999, searched from a keyed offset (RFC 6056 section 3.3.3); connect(2)
//! prefers even ones and bind(2) odd ones, as on Linux, so that they do not use up each other's.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::isn::KeyedHash;
use crate::error::{Error, Result};
use crate::types::TcpOptions;

const FIRST: u16 = 32_768;
const LAST: u16 = 60_999;

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

struct Bound {
    index: u32,
    hold: Hold,
    listening: bool,
}

#[derive(Default)]
struct Bucket {
    bound: Vec<Bound>,
    counted: Vec<(Hold, usize)>,
}

/// See the module.
pub(super) struct Ports {
    buckets: HashMap<u16, Bucket, KeyedHash>,
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
        Ports { buckets: HashMap::with_hasher(hash) }
    }

    fn taken(&self, index: u32, hold: &Hold, listening: bool) -> bool {
        let Some(bucket) = self.buckets.get(&hold.addr.port()) else { return false };
        bucket.bound.iter().any(|b| b.index != index && conflict(hold, &b.hold, b.listening))
            // A child or TIME_WAIT of a listener does not keep that listener from listening again.
            || (!listening && bucket.counted.iter().any(|(h, _)| conflict(hold, h, false)))
    }

    /// bind(2): gives the port to socket `index`; port 0 means any, searched from `offset`.
    pub(super) fn bind(&mut self, index: u32, mut hold: Hold, offset: u32) -> Result<SocketAddrV4> {
        if hold.addr.port() == 0 {
            let any = *hold.addr.ip();
            let port = search(offset, true, |port| {
                // As Linux, an automatic port is one that nobody shares.
                let alone = Hold {
                    addr: SocketAddrV4::new(any, port),
                    reuseaddr: false,
                    reuseport: false,
                    v6only: hold.v6only,
                };
                !self.taken(index, &alone, false)
            });
            hold.addr = SocketAddrV4::new(any, port.ok_or(Error::AddrInUse)?);
        } else if self.taken(index, &hold, false) {
            return Err(Error::AddrInUse);
        }
        let bucket = self.buckets.entry(hold.addr.port()).or_default();
        bucket.bound.push(Bound { index, hold, listening: false });
        Ok(hold.addr)
    }

    /// Takes the port back from socket `index`.
    pub(super) fn unbind(&mut self, index: u32, addr: SocketAddrV4) {
        if let Some(bucket) = self.buckets.get_mut(&addr.port()) {
            bucket.bound.retain(|b| b.index != index);
        }
        self.drop_if_empty(addr.port());
    }

    /// The socket's options, or whether it listens, changed. Listening may conflict where binding did not.
    pub(super) fn update(&mut self, index: u32, hold: Hold, listening: bool) -> Result<()> {
        if listening && self.taken(index, &hold, true) {
            return Err(Error::AddrInUse);
        }
        let bucket = self.buckets.get_mut(&hold.addr.port());
        if let Some(bound) = bucket.and_then(|b| b.bound.iter_mut().find(|b| b.index == index)) {
            bound.hold = hold;
            bound.listening = listening;
        }
        Ok(())
    }

    /// Counts a connection that uses the port.
    pub(super) fn hold(&mut self, hold: Hold) {
        let bucket = self.buckets.entry(hold.addr.port()).or_default();
        match bucket.counted.iter_mut().find(|(h, _)| *h == hold) {
            Some((_, count)) => *count += 1,
            None => bucket.counted.push((hold, 1)),
        }
    }

    /// The opposite of [`Ports::hold`].
    pub(super) fn release(&mut self, hold: Hold) {
        let port = hold.addr.port();
        if let Some(bucket) = self.buckets.get_mut(&port) {
            for (_, count) in bucket.counted.iter_mut().filter(|(h, _)| *h == hold) {
                *count -= 1;
            }
            bucket.counted.retain(|(_, count)| *count > 0);
        }
        self.drop_if_empty(port);
    }

    fn drop_if_empty(&mut self, port: u16) {
        if self.buckets.get(&port).is_some_and(|b| b.bound.is_empty() && b.counted.is_empty()) {
            self.buckets.remove(&port);
        }
    }

    /// A port for connect(2): one that no user bound and for which `unused` says that the 4-tuple is free.
    pub(super) fn pick(&self, offset: u32, unused: impl Fn(u16) -> bool) -> Result<u16> {
        search(offset, false, |port| {
            self.buckets.get(&port).is_none_or(|b| b.bound.is_empty()) && unused(port)
        })
        .ok_or(Error::AddrNotAvailable)
    }
}

/// Goes once over the ephemeral ports of one parity, then over the other's.
fn search(offset: u32, odd_first: bool, free: impl Fn(u16) -> bool) -> Option<u16> {
    let half = u32::from(LAST - FIRST).div_ceil(2);
    let start = offset % half;
    [odd_first, !odd_first].into_iter().find_map(|odd| {
        (0..half).map(|i| FIRST + ((start + i) % half * 2) as u16 + u16::from(odd)).find(|port| free(*port))
    })
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
        assert!(p.bind(1, hold(ONE, 80, false, false), 0).is_ok());
        assert_eq!(p.bind(2, hold(ANY, 80, true, false), 0), Err(Error::AddrInUse));
        assert!(p.bind(3, hold([10, 0, 0, 2], 80, false, false), 0).is_ok());
        p.unbind(1, hold(ONE, 80, false, false).addr);
        p.unbind(3, hold(ONE, 80, false, false).addr);
        assert!(p.bind(2, hold(ANY, 80, true, false), 0).is_ok());
    }

    #[test]
    fn reuseaddr_shares_until_one_listens() {
        let mut p = ports();
        let h = hold(ANY, 80, true, false);
        p.bind(1, h, 0).unwrap();
        p.bind(2, h, 0).unwrap();
        p.update(1, h, true).unwrap();
        assert_eq!(p.update(2, h, true), Err(Error::AddrInUse));
        assert_eq!(p.bind(3, h, 0), Err(Error::AddrInUse));
        let r = hold(ANY, 81, false, true);
        p.bind(4, r, 0).unwrap();
        p.bind(5, r, 0).unwrap();
        p.update(4, r, true).unwrap();
        p.update(5, r, true).unwrap();
    }

    #[test]
    fn a_connection_left_behind_needs_reuseaddr() {
        let mut p = ports();
        p.hold(hold(ONE, 80, true, false));
        assert_eq!(p.bind(1, hold(ANY, 80, false, false), 0), Err(Error::AddrInUse));
        p.bind(1, hold(ANY, 80, true, false), 0).unwrap();
        p.release(hold(ONE, 80, true, false));
        p.bind(2, hold(ANY, 81, false, false), 0).unwrap();
    }

    #[test]
    fn ephemeral_ports_run_out() {
        let mut p = ports();
        for port in FIRST..=LAST - 20 {
            p.bind(u32::from(port), hold(ONE, port, true, true), 0).unwrap();
        }
        let mut seen = std::collections::HashSet::new();
        for i in 0..20 {
            let got = p.bind(i, hold(ANY, 0, true, true), i * 977).unwrap();
            assert!((FIRST..=LAST).contains(&got.port()) && seen.insert(got.port()));
        }
        assert_eq!(p.bind(99_999, hold(ANY, 0, true, true), 5), Err(Error::AddrInUse));
        assert!(p.pick(3, |_| true).is_err());
    }
}
