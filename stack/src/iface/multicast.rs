//! Multicast groups: which sockets are in which, from whom each wants to hear, and what the host makes of that on the link.
//!
//! A socket has a *membership* for each group: a filter mode and a list of sources (RFC 3678, RFC 9776 section 3.1). The
//! host's state for a group is made of all of them (section 3.2): if one socket excludes, the host excludes what all the
//! excluding sockets exclude and no including one wants; else it includes what anybody includes. [`super::igmp`] tells the
//! routers what changed. The rules and errors of the calls are those of net/ipv4/igmp.c (ip_mc_join_group,
//! ip_mc_source, ip_mc_msfilter).
//!
//! Memberships lie in one table beside the sockets, since few have any. Limits: one device; groups of IPv4.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use crate::error::{Error, Result};
use crate::iface::egress::{Df, Layer4, OutPacket};
use crate::iface::igmp::Igmp;
use crate::iface::keys::Keyed;
use crate::iface::{ALL_HOSTS, Iface, Layers};
use crate::stack::Stack;
use crate::time::Instant;
use crate::types::{FilterMode, MacAddr, SocketId};
use crate::wire::checksum::checksum;
use crate::wire::ipv4;

/// sysctl net.ipv4.igmp_max_memberships
const MAX_MEMBERSHIPS: usize = 20;
/// sysctl net.ipv4.igmp_max_msf
pub(crate) const MAX_SOURCES: usize = 10;

/// One socket's interest in one group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Membership {
    group: Ipv4Addr,
    mode: FilterMode,
    /// In the order in which they were added.
    sources: Vec<Ipv4Addr>,
    /// A list was set, be it empty by now: its mode is fixed (ip_mc_source).
    listed: bool,
}

impl Membership {
    fn allows(&self, source: Ipv4Addr) -> bool {
        self.sources.contains(&source) == (self.mode == FilterMode::Include)
    }
}

/// What a host wants of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) mode: FilterMode,
    /// Sorted.
    pub(crate) sources: Vec<Ipv4Addr>,
}

impl Wanted {
    /// Not a member.
    pub(crate) const NOTHING: Wanted = Wanted { mode: FilterMode::Include, sources: Vec::new() };

    pub(crate) fn is_nothing(&self) -> bool {
        self.mode == FilterMode::Include && self.sources.is_empty()
    }

    fn allows(&self, source: Ipv4Addr) -> bool {
        self.sources.binary_search(&source).is_ok() == (self.mode == FilterMode::Include)
    }
}

/// The groups of this host.
#[derive(Debug)]
pub(crate) struct Multicast {
    members: HashMap<SocketId, Vec<Membership>, Keyed>,
    pub(crate) igmp: Igmp,
}

impl Multicast {
    pub(crate) fn new(key: Keyed) -> Multicast {
        Multicast { members: HashMap::with_hasher(key), igmp: Igmp::new(key) }
    }

    // ---- calls ----

    /// Joins a group: everybody's datagrams, or nobody's until a source is added.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no group, [`Error::AddrInUse`] when in it already, [`Error::NoBuffers`] beyond 20.
    pub(crate) fn join(&mut self, now: Instant, id: SocketId, group: Ipv4Addr) -> Result<()> {
        self.enter(id, group, FilterMode::Exclude)?;
        self.changed(now, group);
        Ok(())
    }

    /// Joins a group, if not in it, for datagrams of `source` (IP_ADD_SOURCE_MEMBERSHIP).
    ///
    /// # Errors
    /// As [`Multicast::join`] and [`Multicast::add_source`], but being in the group already is none.
    pub(crate) fn join_source(
        &mut self,
        now: Instant,
        id: SocketId,
        group: Ipv4Addr,
        source: Ipv4Addr,
    ) -> Result<()> {
        match self.enter(id, group, FilterMode::Include) {
            Ok(()) | Err(Error::AddrInUse) => self.add_source(now, id, group, source, FilterMode::Include),
            Err(e) => Err(e),
        }
    }

    /// Leaves a group.
    ///
    /// # Errors
    /// [`Error::AddrNotAvailable`] when not in it.
    pub(crate) fn leave(&mut self, now: Instant, id: SocketId, group: Ipv4Addr) -> Result<()> {
        let list = self.members.get_mut(&id).ok_or(Error::AddrNotAvailable)?;
        let at = list.iter().position(|m| m.group == group).ok_or(Error::AddrNotAvailable)?;
        list.remove(at);
        if list.is_empty() {
            self.members.remove(&id);
        }
        self.changed(now, group);
        Ok(())
    }

    /// Adds a source to those included, or to those excluded.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when not in the group or when its list has the other mode, [`Error::NoBuffers`]
    /// beyond 10, [`Error::AddrNotAvailable`] when it is there already.
    pub(crate) fn add_source(
        &mut self,
        now: Instant,
        id: SocketId,
        group: Ipv4Addr,
        source: Ipv4Addr,
        mode: FilterMode,
    ) -> Result<()> {
        let m = self.listed(id, group, mode)?;
        if m.sources.len() >= MAX_SOURCES {
            return Err(Error::NoBuffers);
        }
        m.listed = true;
        let known = m.sources.contains(&source);
        if !known {
            m.sources.push(source);
        }
        // A mode may have changed all the same.
        self.changed(now, group);
        if known { Err(Error::AddrNotAvailable) } else { Ok(()) }
    }

    /// Takes a source away from those included, or from those excluded. Without an included source the group is left.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] as [`Multicast::add_source`], [`Error::AddrNotAvailable`] when it is not there.
    pub(crate) fn drop_source(
        &mut self,
        now: Instant,
        id: SocketId,
        group: Ipv4Addr,
        source: Ipv4Addr,
        mode: FilterMode,
    ) -> Result<()> {
        let m = self.listed(id, group, mode)?;
        let found = m.sources.iter().position(|s| *s == source);
        let last = m.sources.len() == 1 && mode == FilterMode::Include;
        match found {
            Some(_) if last => return self.leave(now, id, group),
            Some(at) => drop(m.sources.remove(at)),
            None => {}
        }
        self.changed(now, group);
        found.map(|_| ()).ok_or(Error::AddrNotAvailable)
    }

    /// Sets mode and sources at once (IP_MSFILTER). To include nobody is to leave.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no group or when not in it, [`Error::NoBuffers`] beyond 10 sources,
    /// [`Error::AddrNotAvailable`] when leaving what was not joined.
    pub(crate) fn set_filter(
        &mut self,
        now: Instant,
        id: SocketId,
        group: Ipv4Addr,
        mode: FilterMode,
        sources: &[Ipv4Addr],
    ) -> Result<()> {
        if sources.len() > MAX_SOURCES {
            return Err(Error::NoBuffers);
        }
        if !group.is_multicast() {
            return Err(Error::InvalidArgument);
        }
        if mode == FilterMode::Include && sources.is_empty() {
            return self.leave(now, id, group);
        }
        let m = self.membership(id, group).ok_or(Error::InvalidArgument)?;
        m.mode = mode;
        m.sources = sources.to_vec();
        m.listed = !sources.is_empty();
        self.changed(now, group);
        Ok(())
    }

    /// Mode and sources of a membership.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no group, [`Error::AddrNotAvailable`] when not in it.
    pub(crate) fn filter(&self, id: SocketId, group: Ipv4Addr) -> Result<(FilterMode, &[Ipv4Addr])> {
        if !group.is_multicast() {
            return Err(Error::InvalidArgument);
        }
        let list = self.members.get(&id).ok_or(Error::AddrNotAvailable)?;
        let m = list.iter().find(|m| m.group == group).ok_or(Error::AddrNotAvailable)?;
        Ok((m.mode, &m.sources))
    }

    /// A socket is closed.
    pub(crate) fn forget(&mut self, now: Instant, id: SocketId) {
        if self.members.is_empty() {
            return;
        }
        for m in self.members.remove(&id).unwrap_or_default() {
            self.changed(now, m.group);
        }
    }

    // ---- packets ----

    /// True when datagrams of `source` to `group` are for this host (ip_check_mc_rcu).
    pub(crate) fn hears(&self, group: Ipv4Addr, source: Ipv4Addr) -> bool {
        group == ALL_HOSTS || self.igmp.wanted(group).is_some_and(|wanted| wanted.allows(source))
    }

    /// True when some socket is in `group`, or every host is.
    pub(crate) fn is_member(&self, group: Ipv4Addr) -> bool {
        group == ALL_HOSTS || self.igmp.wanted(group).is_some_and(|wanted| !wanted.is_nothing())
    }

    /// True when frames to `mac` may carry datagrams of a group of ours.
    pub(crate) fn hears_frames_to(&self, mac: MacAddr) -> bool {
        mac == mac_of(ALL_HOSTS) || self.igmp.hears_frames_to(mac)
    }

    /// True when socket `id` takes datagrams of `source` to `group`; `all`: also of groups that it has not joined
    /// (IP_MULTICAST_ALL). ip_mc_sf_allow.
    pub(crate) fn allows(&self, id: SocketId, all: bool, group: Ipv4Addr, source: Ipv4Addr) -> bool {
        if !group.is_multicast() {
            return true;
        }
        let joined = self.members.get(&id).and_then(|list| list.iter().find(|m| m.group == group));
        joined.map_or(all, |m| m.allows(source))
    }

    // ---- details ----

    fn enter(&mut self, id: SocketId, group: Ipv4Addr, mode: FilterMode) -> Result<()> {
        if !group.is_multicast() {
            return Err(Error::InvalidArgument);
        }
        let list = self.members.entry(id).or_default();
        if list.iter().any(|m| m.group == group) {
            return Err(Error::AddrInUse);
        }
        if list.len() >= MAX_MEMBERSHIPS {
            return Err(Error::NoBuffers);
        }
        list.push(Membership { group, mode, sources: Vec::new(), listed: false });
        Ok(())
    }

    fn membership(&mut self, id: SocketId, group: Ipv4Addr) -> Option<&mut Membership> {
        self.members.get_mut(&id)?.iter_mut().find(|m| m.group == group)
    }

    /// The membership whose list of `mode` is to change. One without a list takes that mode first.
    fn listed(&mut self, id: SocketId, group: Ipv4Addr, mode: FilterMode) -> Result<&mut Membership> {
        if !group.is_multicast() {
            return Err(Error::InvalidArgument);
        }
        let m = self.membership(id, group).ok_or(Error::InvalidArgument)?;
        if m.mode != mode {
            if m.listed {
                return Err(Error::InvalidArgument);
            }
            m.mode = mode;
        }
        Ok(m)
    }

    /// Makes the host's state for `group` anew (RFC 9776 section 3.2).
    fn changed(&mut self, now: Instant, group: Ipv4Addr) {
        let all = || self.members.values().flatten().filter(|m| m.group == group);
        let of = |mode| all().filter(move |m| m.mode == mode);
        let mut included: Vec<Ipv4Addr> =
            of(FilterMode::Include).flat_map(|m| m.sources.iter().copied()).collect();
        included.sort_unstable();
        included.dedup();
        let mut excluding = of(FilterMode::Exclude);
        let wanted = match excluding.next() {
            None => Wanted { mode: FilterMode::Include, sources: included },
            Some(first) => {
                let others: Vec<&Membership> = excluding.collect();
                let by_all = |source: &&Ipv4Addr| {
                    others.iter().all(|m| m.sources.contains(source)) && !included.contains(source)
                };
                let mut sources: Vec<Ipv4Addr> = first.sources.iter().filter(by_all).copied().collect();
                sources.sort_unstable();
                Wanted { mode: FilterMode::Exclude, sources }
            }
        };
        self.igmp.change(now, group, wanted);
    }
}

impl Layers {
    /// Queues the IGMP messages that are due.
    pub(super) fn flush_igmp(&mut self, now: Instant) {
        if self.iface.multicast.igmp.is_idle() {
            return;
        }
        let mtu = usize::from(self.iface.config.mtu);
        for (dst, message) in self.iface.multicast.igmp.on_timeout(now, mtu) {
            if !self.iface.send_igmp(dst, &message) {
                self.counters.output_dropped += 1;
            }
        }
    }
}

impl Iface {
    /// Queues an IGMP message with TTL 1 and Router Alert (RFC 9776 section 4).
    fn send_igmp(&mut self, dst: Ipv4Addr, message: &[u8]) -> bool {
        let src = self.config.addr.addr;
        let mut data = self.take_spare();
        let total = (ROUTER_ALERT_HEADER.saturating_add(message.len()) as u16).to_be_bytes();
        // Version and length, internetwork control, total length, identification, DF, TTL, protocol, checksum.
        data.extend_from_slice(&[0x46, 0xc0, total[0], total[1], 0, 0, 0x40, 0, 1, ipv4::PROTO_IGMP, 0, 0]);
        data.extend_from_slice(&src.octets());
        data.extend_from_slice(&dst.octets());
        data.extend_from_slice(&[0x94, 4, 0, 0]);
        let sum = checksum(&data).to_be_bytes();
        if let Some(field) = data.get_mut(10..12) {
            field.copy_from_slice(&sum);
        }
        data.extend_from_slice(message);
        self.push_out(OutPacket {
            src,
            dst,
            protocol: ipv4::PROTO_IGMP,
            tos: 0xc0,
            ttl: 1,
            df: Df::Always,
            header: Layer4::Packet,
            data,
            gso_size: 0,
            owner: None,
            sent: 0,
            ident: None,
            loops: false,
            no_check: false,
        })
    }
}

impl Stack {
    /// Joins a multicast group, for datagrams of every source (IP_ADD_MEMBERSHIP, ip(7)).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no group, [`Error::AddrInUse`] when in it already, [`Error::NoBuffers`] beyond 20.
    pub fn join_group(&mut self, now: Instant, id: SocketId, group: Ipv4Addr) -> Result<()> {
        self.layers.iface.multicast.join(now, id, group)
    }

    /// Leaves a multicast group (IP_DROP_MEMBERSHIP).
    ///
    /// # Errors
    /// [`Error::AddrNotAvailable`] when not in it.
    pub fn leave_group(&mut self, now: Instant, id: SocketId, group: Ipv4Addr) -> Result<()> {
        self.layers.iface.multicast.leave(now, id, group)
    }

    /// Joins a group, if need be, for datagrams of `source` (IP_ADD_SOURCE_MEMBERSHIP).
    ///
    /// # Errors
    /// As [`Stack::join_group`] and [`Stack::add_source`], but being in the group already is none.
    pub fn join_source(
        &mut self,
        now: Instant,
        id: SocketId,
        group: Ipv4Addr,
        source: Ipv4Addr,
    ) -> Result<()> {
        self.layers.iface.multicast.join_source(now, id, group, source)
    }

    /// Adds a source to those of a membership: one to hear (Include), or one not to hear (Exclude, IP_BLOCK_SOURCE).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when not in the group or when its list has the other mode, [`Error::NoBuffers`]
    /// beyond 10 sources, [`Error::AddrNotAvailable`] when it is there already.
    pub fn add_source(
        &mut self,
        now: Instant,
        id: SocketId,
        group: Ipv4Addr,
        source: Ipv4Addr,
        mode: FilterMode,
    ) -> Result<()> {
        self.layers.iface.multicast.add_source(now, id, group, source, mode)
    }

    /// Takes a source away (IP_DROP_SOURCE_MEMBERSHIP, IP_UNBLOCK_SOURCE). The last one to hear ends the membership.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] as [`Stack::add_source`], [`Error::AddrNotAvailable`] when it is not there.
    pub fn drop_source(
        &mut self,
        now: Instant,
        id: SocketId,
        group: Ipv4Addr,
        source: Ipv4Addr,
        mode: FilterMode,
    ) -> Result<()> {
        self.layers.iface.multicast.drop_source(now, id, group, source, mode)
    }

    /// Sets mode and sources of a membership (IP_MSFILTER). To hear nobody ends it.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no group or when not in it, [`Error::NoBuffers`] beyond 10 sources,
    /// [`Error::AddrNotAvailable`] when ending what is not there.
    pub fn set_source_filter(
        &mut self,
        now: Instant,
        id: SocketId,
        group: Ipv4Addr,
        mode: FilterMode,
        sources: &[Ipv4Addr],
    ) -> Result<()> {
        self.layers.iface.multicast.set_filter(now, id, group, mode, sources)
    }

    /// Mode and sources of a membership.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for no group, [`Error::AddrNotAvailable`] when not in it.
    pub fn source_filter(&self, id: SocketId, group: Ipv4Addr) -> Result<(FilterMode, &[Ipv4Addr])> {
        self.layers.iface.multicast.filter(id, group)
    }
}

/// Bytes of an IPv4 header with Router Alert.
const ROUTER_ALERT_HEADER: usize = 24;

/// The hardware address of a group: its low 23 bits (RFC 1112 section 6.4).
pub(crate) fn mac_of(group: Ipv4Addr) -> MacAddr {
    let [_, a, b, c] = group.octets();
    MacAddr([0x01, 0x00, 0x5e, a & 0x7f, b, c])
}
