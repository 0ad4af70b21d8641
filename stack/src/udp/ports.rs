//! Which socket a datagram is for, and which ports are taken.
//!
//! A datagram goes to the socket that matches best: a connected one, else one bound to the address it was sent to, else
//! one bound to the wildcard (Linux compute_score). Among equals the last bound wins, unless they share the port by
//! SO_REUSEPORT: then a hash of the addresses spreads the senders over them. A broadcast goes to all that match, what comes to a
//! group to those of them that are in it (or take all groups' datagrams).
//!
//! Two sockets may hold the same port when their addresses differ and neither is the wildcard, or when both set
//! SO_REUSEADDR, or both SO_REUSEPORT (Linux udp_lib_lport_inuse). A socket with IPV6_V6ONLY holds its port in a table of its own
//! and receives nothing here.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::error::{Error, Result};
use crate::iface::multicast::Multicast;
use crate::types::{Kind, SocketId};
use crate::udp::Datagrams;
use crate::udp::queue::OVERHEAD;

/// Linux `ip_local_port_range`.
const EPHEMERAL: (u16, u16) = (32_768, 60_999);

/// IP_LOCAL_PORT_RANGE within the host's range; a bound outside of it does not count (inet_sk_get_local_port_range).
pub(crate) fn port_range(own: (u16, u16), host: (u16, u16)) -> (u16, u16) {
    let low = if (host.0..=host.1).contains(&own.0) { own.0 } else { host.0 };
    let high = if (low..=host.1).contains(&own.1) { own.1 } else { host.1 };
    (low, high)
}

/// A port, and whether it is held on the IPv6 side only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PortKey {
    v6only: bool,
    port: u16,
}

impl Datagrams {
    /// The socket for a datagram from `from` to `to`.
    pub(crate) fn lookup(&self, to: SocketAddrV4, from: SocketAddrV4) -> Option<u32> {
        // Ping sockets hear their identifier from anybody, and the last that has it hears (Linux ping_lookup).
        if self.kind == Kind::Ping {
            let here = |index: &&u32| {
                self.at(**index)
                    .and_then(|s| s.local)
                    .is_some_and(|local| local.ip().is_unspecified() || local.ip() == to.ip())
            };
            return self.unconnected.get(&to.port())?.iter().rev().find(here).copied();
        }
        if let Some(found) = self.connected.get(&(to, from)).and_then(|list| list.last()) {
            return Some(*found);
        }
        let list = self.unconnected.get(&to.port())?;
        self.choose(list, *to.ip(), (to, from))
            .or_else(|| self.choose(list, Ipv4Addr::UNSPECIFIED, (to, from)))
    }

    /// Every socket for what `from` sent to `to`, a broadcast address or a group.
    pub(crate) fn lookup_all(&self, to: SocketAddrV4, from: SocketAddrV4, groups: &Multicast) -> Vec<u32> {
        let Some(list) = self.bound.get(&PortKey { v6only: false, port: to.port() }) else {
            return Vec::new();
        };
        let matches = |index: &u32| {
            self.at(*index).is_some_and(|socket| {
                let local = socket.local.is_some_and(|l| l.ip().is_unspecified() || l.ip() == to.ip());
                let (id, all) = self.hears_all(*index);
                local
                    && socket.remote.is_none_or(|remote| remote == from)
                    && groups.allows(id, all, *to.ip(), *from.ip())
            })
        };
        list.iter().copied().filter(matches).collect()
    }

    /// Of the sockets bound to exactly `addr`, the one for this pair of ends.
    fn choose(&self, list: &[u32], addr: Ipv4Addr, ends: (SocketAddrV4, SocketAddrV4)) -> Option<u32> {
        let bound_here =
            |index: &&u32| self.at(**index).and_then(|s| s.local).is_some_and(|local| *local.ip() == addr);
        let last = *list.iter().rev().find(bound_here)?;
        if !self.at(last)?.options.reuseport {
            return Some(last);
        }
        let group = || {
            let shares = |index: &&u32| self.at(**index).is_some_and(|s| s.options.reuseport);
            list.iter().filter(bound_here).filter(shares)
        };
        let pick = self.key.hash(ends).checked_rem(group().count() as u64)?;
        group().nth(usize::try_from(pick).ok()?).copied()
    }

    /// True when `index` may not take `addr`.
    pub(super) fn in_use(&self, index: u32, addr: SocketAddrV4) -> bool {
        let Some(own) = self.at(index) else { return true };
        let key = PortKey { v6only: own.options.v6only, port: addr.port() };
        let Some(holders) = self.bound.get(&key) else { return false };
        holders.iter().filter(|holder| **holder != index).any(|holder| {
            let Some(other) = self.at(*holder) else { return false };
            let Some(taken) = other.local else { return false };
            let overlap = match self.kind {
                // An identifier is one for all addresses (Linux ping_get_port).
                Kind::Ping => true,
                Kind::Udp | Kind::Tcp | Kind::Raw => {
                    taken.ip().is_unspecified() || addr.ip().is_unspecified() || taken.ip() == addr.ip()
                }
            };
            let shared = (own.options.reuseaddr && other.options.reuseaddr)
                || (own.options.reuseport && other.options.reuseport && self.kind == Kind::Udp);
            overlap && !shared
        })
    }

    // ---- raw sockets, whose port is a protocol and shared by all ----

    /// Makes a socket that has its port at once.
    ///
    /// # Errors
    /// [`Error::NoBuffers`]
    pub(crate) fn open_at(&mut self, port: u16) -> Result<SocketId> {
        let id = self.open()?;
        let socket = self.get_mut(id)?;
        socket.local = Some(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port));
        socket.bound_port = true;
        self.link(id.index);
        Ok(id)
    }

    /// Changes the local address. Connecting and dissolving it again loses the address (raw_bind locks nothing).
    ///
    /// # Errors
    /// [`Error::BadSocket`]
    pub(crate) fn set_local(&mut self, id: SocketId, addr: Ipv4Addr) -> Result<()> {
        self.unlink(id.index);
        let socket = self.get_mut(id)?;
        socket.local = socket.local.map(|local| SocketAddrV4::new(addr, local.port()));
        self.link(id.index);
        Ok(())
    }

    /// The socket hears nothing any more, and has neither address nor port.
    ///
    /// # Errors
    /// [`Error::BadSocket`]
    pub(crate) fn lose_port(&mut self, id: SocketId) -> Result<()> {
        self.unlink(id.index);
        self.get_mut(id)?.local = Some(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
        Ok(())
    }

    /// The sockets of `port` for a packet to `to` from `from` (raw_v4_match).
    pub(crate) fn matching(&self, port: u16, to: Ipv4Addr, from: Ipv4Addr) -> Vec<u32> {
        // Port 0 is that of sockets which have lost theirs.
        let list = self.bound.get(&PortKey { v6only: false, port }).filter(|_| port != 0);
        let Some(list) = list else { return Vec::new() };
        let matches = |index: &u32| {
            self.at(*index).is_some_and(|socket| {
                socket.local.is_none_or(|local| local.ip().is_unspecified() || *local.ip() == to)
                    && socket.remote.is_none_or(|remote| *remote.ip() == from)
            })
        };
        list.iter().copied().filter(matches).collect()
    }

    /// The id of socket `index`, and whether it takes what comes to groups that it has not joined (IP_MULTICAST_ALL).
    pub(crate) fn hears_all(&self, index: u32) -> (SocketId, bool) {
        let generation = self.slots.get(index as usize).map_or(0, |slot| slot.generation);
        let all = self.at(index).is_some_and(|socket| socket.options.multicast_all);
        (SocketId { kind: self.kind, index, generation }, all)
    }

    /// What sock_alloc_send_skb asks: the pending error, the shutdown, then the room. Charges the socket with `len` bytes and
    /// answers the charge, which [`Datagrams::sent`] takes back.
    ///
    /// # Errors
    /// The pending error, [`Error::BrokenPipe`], [`Error::NoBuffers`], [`Error::WouldBlock`].
    pub(crate) fn charge(&mut self, id: SocketId, len: usize) -> Result<usize> {
        let socket = self.get_mut(id)?;
        if let Some(error) = socket.take_error() {
            return Err(error);
        }
        if socket.write_shut {
            return Err(Error::BrokenPipe);
        }
        let charge = len.saturating_add(OVERHEAD);
        if charge > socket.options.sndbuf.saturating_mul(2) {
            return Err(Error::NoBuffers);
        }
        if socket.send_memory >= socket.options.sndbuf {
            return Err(Error::WouldBlock);
        }
        socket.send_memory = socket.send_memory.saturating_add(charge);
        Ok(charge)
    }

    /// A free port for `index` at `addr`: from a random one upwards (RFC 6056 section 3.3.1).
    pub(super) fn free_port(&mut self, index: u32, addr: Ipv4Addr) -> Option<u16> {
        let range = self.at(index).map_or((0, 0), |s| s.options.port_range);
        let (low, high) = if self.kind == Kind::Ping { (1, u16::MAX) } else { port_range(range, EPHEMERAL) };
        let count = u32::from(high - low) + 1;
        let start = self.random.below(count);
        (0..count)
            .filter_map(|step| u16::try_from(u32::from(low) + (start + step) % count).ok())
            .find(|port| !self.in_use(index, SocketAddrV4::new(addr, *port)))
    }

    /// Enters a bound socket into the tables.
    pub(super) fn link(&mut self, index: u32) {
        let kind = self.kind;
        let Some(socket) = self.at(index) else { return };
        let Some(local) = socket.local else { return };
        let (remote, v6only) = (socket.remote, socket.options.v6only);
        self.bound.entry(PortKey { v6only, port: local.port() }).or_default().push(index);
        if v6only {
            return;
        }
        match remote {
            Some(remote) if kind != Kind::Ping => {
                self.connected.entry((local, remote)).or_default().push(index);
            }
            _ => self.unconnected.entry(local.port()).or_default().push(index),
        }
    }

    /// Takes a socket out of the tables.
    pub(super) fn unlink(&mut self, index: u32) {
        let Some(socket) = self.at(index) else { return };
        let Some(local) = socket.local else { return };
        let (remote, v6only) = (socket.remote, socket.options.v6only);
        remove(&mut self.bound, &PortKey { v6only, port: local.port() }, index);
        match remote {
            Some(remote) if self.kind != Kind::Ping => remove(&mut self.connected, &(local, remote), index),
            _ => remove(&mut self.unconnected, &local.port(), index),
        }
    }
}

/// Takes `index` out of the list at `key`, and the list out of the map when that was all.
fn remove<K: Eq + std::hash::Hash, S: std::hash::BuildHasher>(
    map: &mut std::collections::HashMap<K, Vec<u32>, S>,
    key: &K,
    index: u32,
) {
    if let Some(list) = map.get_mut(key) {
        list.retain(|other| *other != index);
        if list.is_empty() {
            map.remove(key);
        }
    }
}
