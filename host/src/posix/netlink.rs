//! rtnetlink(7): what a program learns of its links, addresses and routes by a netlink socket.
//!
//! The socket is the kernel's, and so are its events, its changes and everything that is not asked here. A request for links, addresses,
//! routes or neighbours is replaced on its way by one that the kernel only acknowledges, with the same sequence number: a control
//! message whose header says what was asked ([`replace`]). The kernel puts the acknowledgement, which repeats that header, into the
//! socket's queue in its turn, wakes who waits, and the call that receives it hands out the real answer instead ([`answer`]).
//! So nothing is kept here, and polling, copies of the descriptor and order come from the kernel.
//!
//! Limits: one request a message; statistics are left out.

use std::net::Ipv4Addr;

use matnet_stack::NeighborState;

use super::interfaces::{self, Interface};
use crate::errno::Errno;
use crate::runtime;

/// struct nlmsghdr
const HEADER: usize = 16;
/// A successful acknowledgement: a header, the error (0), the header of the request (netlink_ack in net/netlink/af_netlink.c).
pub const ACK: usize = HEADER + 4 + HEADER;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_MULTI: u16 = 2;
const NLM_F_ACK: u16 = 4;
const NLM_F_ROOT: u16 = 0x100;
const NLM_F_MATCH: u16 = 0x200;
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;
const IFLA_IFNAME: u16 = 3;
const RTA_DST: u16 = 1;
const RTM_F_LOOKUP_TABLE: u32 = 0x1000;

/// What a control message of ours stands for: types below NLMSG_MIN_TYPE (16) are only acknowledged, and these mean nothing else.
mod kind {
    pub(super) const LINKS: u16 = 8;
    pub(super) const ADDRS: u16 = 9;
    pub(super) const ROUTES: u16 = 10;
    pub(super) const NEIGHBOURS: u16 = 11;
    pub(super) const LINK: u16 = 12;
    pub(super) const ROUTE: u16 = 13;
    pub(super) const ROUTE_WITH_TABLE: u16 = 14;
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

/// The attribute `wanted` behind a fixed part that ends at `from`.
fn attribute(message: &[u8], from: usize, wanted: u16) -> Option<&[u8]> {
    let mut at = from;
    loop {
        let len = usize::from(u16_at(message, at)?).max(4);
        // NLA_F_NESTED and NLA_F_NET_BYTEORDER are no part of the type.
        if u16_at(message, at + 2)? & 0x3fff == wanted {
            return message.get(at + 4..at + len);
        }
        at += len.next_multiple_of(4);
    }
}

/// What goes to the kernel in place of a request; None: the request itself.
pub fn replace(message: &[u8]) -> Option<[u8; HEADER]> {
    let len = usize::try_from(u32_at(message, 0)?).ok()?;
    let (rtm, flags, sequence) = (u16_at(message, 4)?, u16_at(message, 6)?, u32_at(message, 8)?);
    // What is behind it is no second message if its length says so (netlink_rcv_skb); ip sends its whole buffer.
    let another = u32_at(message, len.next_multiple_of(4)).is_some_and(|next| next >= HEADER as u32);
    if another || flags & NLM_F_REQUEST == 0 {
        return None;
    }
    let body = message.get(HEADER..len)?;
    let family = *body.first()?;
    let dump = flags & (NLM_F_ROOT | NLM_F_MATCH) != 0;
    let inet = u16::from(family) == libc::AF_INET as u16;
    let unspec = u16::from(family) == libc::AF_UNSPEC as u16;
    // Bridges and other families have tables of their own.
    let index = |at| u32_at(body, at).unwrap_or(0) << 8 | u32::from(family);
    let (kind, detail) = match rtm {
        RTM_GETLINK if !unspec && u16::from(family) != libc::AF_PACKET as u16 => return None,
        RTM_GETLINK if dump => (kind::LINKS, 0),
        RTM_GETLINK => (kind::LINK, link_index(body)?),
        RTM_GETADDR if dump => (kind::ADDRS, index(4)),
        RTM_GETROUTE if dump => (kind::ROUTES, family.into()),
        RTM_GETROUTE if inet => {
            let dst =
                attribute(body, 12, RTA_DST).and_then(|d| d.try_into().ok()).map_or(0, u32::from_be_bytes);
            let with_table = u32_at(body, 8).unwrap_or(0) & RTM_F_LOOKUP_TABLE != 0;
            (if with_table { kind::ROUTE_WITH_TABLE } else { kind::ROUTE }, dst)
        }
        RTM_GETNEIGH if dump && (inet || unspec) => (kind::NEIGHBOURS, 0),
        _ => return None,
    };
    let mut out = [0; HEADER];
    let fields = (HEADER as u32).to_ne_bytes().into_iter().chain(kind.to_ne_bytes());
    let fields = fields.chain((NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes()).chain(sequence.to_ne_bytes());
    out.iter_mut().zip(fields.chain(detail.to_ne_bytes())).for_each(|(to, from)| *to = from);
    Some(out)
}

/// Which link a request names, by number or name; u32::MAX: none that exists.
fn link_index(body: &[u8]) -> Option<u32> {
    match u32_at(body, 4)? {
        0 => {}
        index => return Some(index),
    }
    let name = attribute(body, 16, IFLA_IFNAME)?;
    let name = name.split(|b| *b == 0).next()?;
    let list = interfaces::known().unwrap_or_default();
    Some(list.iter().find(|i| i.name.as_bytes() == name).map_or(u32::MAX, |i| i.index))
}

/// What the program gets for a datagram that it has received; None: the datagram itself.
pub fn answer(datagram: &[u8]) -> Option<Vec<u8>> {
    if datagram.len() != ACK || u16_at(datagram, 4)? != NLMSG_ERROR || u32_at(datagram, HEADER)? != 0 {
        return None;
    }
    let asked = datagram.get(HEADER + 4..)?;
    let (kind, detail) = (u16_at(asked, 4)?, u32_at(asked, 12)?);
    let mut out =
        Answer { bytes: Vec::new(), sequence: u32_at(asked, 8)?, port: u32_at(datagram, 12)?, flags: 0 };
    let list = match interfaces::known() {
        Ok(list) => list,
        Err(e) => {
            out.error(e, asked);
            return Some(out.bytes);
        }
    };
    let (family, index) = (detail & 0xff, detail >> 8);
    let inet = family == libc::AF_INET as u32 || family == libc::AF_UNSPEC as u32;
    out.flags = NLM_F_MULTI;
    match kind {
        kind::LINKS => list.iter().for_each(|i| out.link(i)),
        kind::ADDRS if inet => {
            list.iter().filter(|i| index == 0 || i.index == index).for_each(|i| out.address(i))
        }
        kind::ROUTES if inet => out.routes(&list),
        kind::NEIGHBOURS => out.neighbours(&list),
        kind::ADDRS | kind::ROUTES => {}
        kind::LINK => {
            out.flags = 0;
            match list.iter().find(|i| i.index == detail) {
                Some(interface) => out.link(interface),
                None => out.error(Errno::ENODEV, asked),
            }
            return Some(out.bytes);
        }
        kind::ROUTE | kind::ROUTE_WITH_TABLE => {
            out.flags = 0;
            out.route_to(&list, Ipv4Addr::from(detail), kind == kind::ROUTE_WITH_TABLE, asked);
            return Some(out.bytes);
        }
        _ => return None,
    }
    out.message(NLMSG_DONE, &[&0_i32.to_ne_bytes()], &[]);
    Some(out.bytes)
}

/// An answer in the making.
struct Answer {
    bytes: Vec<u8>,
    sequence: u32,
    port: u32,
    flags: u16,
}

/// Attributes by their numbers in <linux/if_link.h>, <linux/if_addr.h> and <linux/rtnetlink.h>.
mod attr {
    pub(super) const IFLA_ADDRESS: u16 = 1;
    pub(super) const IFLA_BROADCAST: u16 = 2;
    pub(super) const IFLA_IFNAME: u16 = 3;
    pub(super) const IFLA_MTU: u16 = 4;
    pub(super) const IFLA_QDISC: u16 = 6;
    pub(super) const IFLA_TXQLEN: u16 = 13;
    pub(super) const IFLA_OPERSTATE: u16 = 16;
    pub(super) const IFLA_LINKMODE: u16 = 17;
    pub(super) const IFLA_GROUP: u16 = 27;
    pub(super) const IFLA_CARRIER: u16 = 33;
    pub(super) const IFA_ADDRESS: u16 = 1;
    pub(super) const IFA_LOCAL: u16 = 2;
    pub(super) const IFA_LABEL: u16 = 3;
    pub(super) const IFA_BROADCAST: u16 = 4;
    pub(super) const IFA_CACHEINFO: u16 = 6;
    pub(super) const IFA_FLAGS: u16 = 8;
    pub(super) const NDA_DST: u16 = 1;
    pub(super) const NDA_LLADDR: u16 = 2;
    pub(super) const RTA_DST: u16 = 1;
    pub(super) const RTA_OIF: u16 = 4;
    pub(super) const RTA_GATEWAY: u16 = 5;
    pub(super) const RTA_PREFSRC: u16 = 7;
    pub(super) const RTA_TABLE: u16 = 15;
}

const IFA_F_PERMANENT: u8 = 0x80;
const RT_TABLE_MAIN: u8 = 254;
const RT_TABLE_LOCAL: u8 = 255;
const RTPROT_KERNEL: u8 = 2;
const RTPROT_BOOT: u8 = 3;
const RTN_UNICAST: u8 = 1;
const RTN_LOCAL: u8 = 2;
const RTN_BROADCAST: u8 = 3;
const SCOPE_UNIVERSE: u8 = 0;
const SCOPE_LINK: u8 = 253;
const SCOPE_HOST: u8 = 254;
/// IF_OPER_UP and, for `lo`, IF_OPER_UNKNOWN (RFC 2863).
const OPER_UP: u8 = 6;
const OPER_UNKNOWN: u8 = 0;

/// A row of the routing table.
struct Route {
    dst: Option<(Ipv4Addr, u8)>,
    gateway: Option<Ipv4Addr>,
    source: Option<Ipv4Addr>,
    oif: u32,
    table: u8,
    protocol: u8,
    scope: u8,
    kind: u8,
}

impl Answer {
    /// Appends a message: the fixed part in pieces, then attributes.
    fn message(&mut self, rtm: u16, fixed: &[&[u8]], attributes: &[(u16, &[u8])]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&rtm.to_ne_bytes());
        self.bytes.extend_from_slice(&self.flags.to_ne_bytes());
        self.bytes.extend_from_slice(&self.sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&self.port.to_ne_bytes());
        fixed.iter().for_each(|part| self.bytes.extend_from_slice(part));
        for (name, value) in attributes {
            let len = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
            self.bytes.extend_from_slice(&len.to_ne_bytes());
            self.bytes.extend_from_slice(&name.to_ne_bytes());
            self.bytes.extend_from_slice(value);
            self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        }
        let len = u32::try_from(self.bytes.len() - start).unwrap_or(0).to_ne_bytes();
        self.bytes.iter_mut().skip(start).zip(len).for_each(|(to, from)| *to = from);
    }

    /// NLMSG_ERROR, with the header of what was asked.
    fn error(&mut self, e: Errno, asked: &[u8]) {
        self.flags = 0;
        self.message(NLMSG_ERROR, &[&(-e.0).to_ne_bytes(), asked.get(..HEADER).unwrap_or(&[])], &[]);
    }

    fn link(&mut self, i: &Interface) {
        let loopback = i.flags & libc::IFF_LOOPBACK as u32 != 0;
        let name = [i.name.as_bytes(), &[0]].concat();
        let qdisc: &[u8] = if loopback { b"noqueue\0" } else { b"pfifo_fast\0" };
        // struct ifinfomsg: family, padding, type, index, flags, change mask.
        let fixed: [&[u8]; 5] =
            [&[0, 0], &i.hardware.to_ne_bytes(), &i.index.to_ne_bytes(), &i.flags.to_ne_bytes(), &[0; 4]];
        let attributes: [(u16, &[u8]); 10] = [
            (attr::IFLA_IFNAME, &name),
            (attr::IFLA_TXQLEN, &i.queue_len.to_ne_bytes()),
            (attr::IFLA_OPERSTATE, &[if loopback { OPER_UNKNOWN } else { OPER_UP }]),
            (attr::IFLA_LINKMODE, &[0]),
            (attr::IFLA_MTU, &i.mtu.to_ne_bytes()),
            (attr::IFLA_GROUP, &[0; 4]),
            (attr::IFLA_CARRIER, &[1]),
            (attr::IFLA_QDISC, qdisc),
            (attr::IFLA_ADDRESS, &i.mac),
            (attr::IFLA_BROADCAST, &i.mac_broadcast),
        ];
        self.message(RTM_NEWLINK, &fixed, &attributes);
    }

    fn address(&mut self, i: &Interface) {
        let loopback = i.flags & libc::IFF_LOOPBACK as u32 != 0;
        let scope = if loopback { SCOPE_HOST } else { SCOPE_UNIVERSE };
        let (own, name) = (i.addr.octets(), [i.name.as_bytes(), &[0]].concat());
        let broadcast = i.broadcast.map(|b| b.octets());
        // For ever: preferred, valid; made and changed at the start.
        let lifetime = [[0xff; 8], [0; 8]].concat();
        let mut attributes: Vec<(u16, &[u8])> = vec![(attr::IFA_ADDRESS, &own), (attr::IFA_LOCAL, &own)];
        if let Some(broadcast) = &broadcast {
            attributes.push((attr::IFA_BROADCAST, broadcast));
        }
        let flags = u32::from(IFA_F_PERMANENT).to_ne_bytes();
        attributes.extend([
            (attr::IFA_LABEL, name.as_slice()),
            (attr::IFA_FLAGS, &flags),
            (attr::IFA_CACHEINFO, &lifetime),
        ]);
        // struct ifaddrmsg: family, prefix length, flags, scope, index.
        let fixed = [libc::AF_INET as u8, i.prefix, IFA_F_PERMANENT, scope];
        self.message(RTM_NEWADDR, &[&fixed, &i.index.to_ne_bytes()], &attributes);
    }

    /// What ARP knows; nothing without a stack.
    fn neighbours(&mut self, list: &[Interface]) {
        let Some(runtime) = runtime::get() else { return };
        let Some(own) = list.iter().find(|i| i.flags & libc::IFF_LOOPBACK as u32 == 0) else { return };
        let now = runtime::sys::now();
        let all = runtime.lock().stack.neighbors(now);
        for n in all {
            let state: u16 = match n.state {
                NeighborState::Incomplete => 0x01,
                NeighborState::Reachable => 0x02,
                NeighborState::Stale => 0x04,
                NeighborState::Delay => 0x08,
                NeighborState::Probe => 0x10,
            };
            let (dst, mac) = (n.addr.octets(), n.mac.map(|m| m.0));
            let mut attributes: Vec<(u16, &[u8])> = vec![(attr::NDA_DST, &dst)];
            attributes.extend(mac.as_ref().map(|m| (attr::NDA_LLADDR, m.as_slice())));
            // struct ndmsg: family, padding, index, state, flags, type.
            let fixed: [&[u8]; 4] = [
                &[libc::AF_INET as u8, 0, 0, 0],
                &own.index.to_ne_bytes(),
                &state.to_ne_bytes(),
                &[0, RTN_UNICAST],
            ];
            self.message(RTM_NEWNEIGH, &fixed, &attributes);
        }
    }

    /// The main table, then the local one, as the kernel would have them.
    fn routes(&mut self, list: &[Interface]) {
        for i in list {
            let loopback = i.flags & libc::IFF_LOOPBACK as u32 != 0;
            let network = Ipv4Addr::from(u32::from(i.addr) & u32::from(i.netmask()));
            let main = Route {
                dst: None,
                gateway: None,
                source: None,
                oif: i.index,
                table: RT_TABLE_MAIN,
                protocol: RTPROT_BOOT,
                scope: SCOPE_UNIVERSE,
                kind: RTN_UNICAST,
            };
            let local = |dst, scope, kind| Route {
                dst: Some(dst),
                source: Some(i.addr),
                table: RT_TABLE_LOCAL,
                protocol: RTPROT_KERNEL,
                scope,
                kind,
                ..main
            };
            if loopback {
                self.route(&local((network, i.prefix), SCOPE_HOST, RTN_LOCAL), 0);
            } else {
                let gateway = runtime::settings().resolved_gateway();
                if gateway.is_some() {
                    self.route(&Route { gateway, ..main }, 0);
                }
                if i.prefix < 32 {
                    let dst = (network, i.prefix);
                    let near = Route { table: RT_TABLE_MAIN, ..local(dst, SCOPE_LINK, RTN_UNICAST) };
                    self.route(&near, 0);
                }
            }
            self.route(&local((i.addr, 32), SCOPE_HOST, RTN_LOCAL), 0);
            if let Some(broadcast) = i.broadcast {
                self.route(&local((broadcast, 32), SCOPE_LINK, RTN_BROADCAST), 0);
            }
        }
    }

    fn route(&mut self, r: &Route, flags: u32) {
        let (table, oif) = (u32::from(r.table).to_ne_bytes(), r.oif.to_ne_bytes());
        let dst = r.dst.map(|(dst, _)| dst.octets());
        let (gateway, source) = (r.gateway.map(|a| a.octets()), r.source.map(|a| a.octets()));
        let mut attributes: Vec<(u16, &[u8])> = vec![(attr::RTA_TABLE, &table)];
        let addresses = [(attr::RTA_DST, &dst), (attr::RTA_GATEWAY, &gateway), (attr::RTA_PREFSRC, &source)];
        attributes.extend(addresses.iter().filter_map(|(name, a)| Some((*name, a.as_ref()?.as_slice()))));
        attributes.push((attr::RTA_OIF, &oif));
        // struct rtmsg: family, lengths of destination and source, type of service, table, protocol, scope, type, flags.
        let prefix = r.dst.map_or(0, |(_, prefix)| prefix);
        let fixed = [libc::AF_INET as u8, prefix, 0, 0, r.table, r.protocol, r.scope, r.kind];
        self.message(RTM_NEWROUTE, &[&fixed, &flags.to_ne_bytes()], &attributes);
    }

    /// The way to one address (`ip route get`).
    fn route_to(&mut self, list: &[Interface], dst: Ipv4Addr, with_table: bool, asked: &[u8]) {
        /// RTM_F_CLONED
        const CLONED: u32 = 0x200;
        let lo = list.iter().find(|i| i.flags & libc::IFF_LOOPBACK as u32 != 0);
        let own = list.iter().find(|i| i.flags & libc::IFF_LOOPBACK as u32 == 0);
        let (Some(lo), Some(own)) = (lo, own) else { return self.error(Errno::ENETUNREACH, asked) };
        let near = (u32::from(dst) ^ u32::from(own.addr)) & u32::from(own.netmask()) == 0;
        let local = dst.is_loopback() || dst == own.addr;
        let gateway = runtime::settings().resolved_gateway().filter(|_| !near && !local);
        if !local && !near && gateway.is_none() {
            return self.error(Errno::ENETUNREACH, asked);
        }
        let route = Route {
            dst: Some((dst, 32)),
            gateway,
            source: Some(if local { dst } else { own.addr }),
            oif: if local { lo.index } else { own.index },
            // Without being asked to look it up the kernel says main (inet_rtm_getroute).
            table: if local && with_table { RT_TABLE_LOCAL } else { RT_TABLE_MAIN },
            protocol: 0,
            scope: SCOPE_UNIVERSE,
            kind: if local { RTN_LOCAL } else { RTN_UNICAST },
        };
        self.route(&route, CLONED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(rtm: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let mut m = u32::try_from(HEADER + body.len()).unwrap().to_ne_bytes().to_vec();
        m.extend(rtm.to_ne_bytes().into_iter().chain(flags.to_ne_bytes()));
        m.extend(77_u32.to_ne_bytes().into_iter().chain([0; 4]));
        m.extend_from_slice(body);
        m
    }

    /// The acknowledgement that the kernel makes of a request.
    fn ack(of: &[u8]) -> Vec<u8> {
        let mut m = u32::try_from(ACK).unwrap().to_ne_bytes().to_vec();
        m.extend(NLMSG_ERROR.to_ne_bytes().into_iter().chain(0x100_u16.to_ne_bytes()));
        m.extend(77_u32.to_ne_bytes().into_iter().chain(4242_u32.to_ne_bytes()).chain([0; 4]));
        m.extend_from_slice(&of[..HEADER]);
        m
    }

    fn types(answer: &[u8]) -> Vec<u16> {
        let (mut at, mut found) = (0, Vec::new());
        while at < answer.len() {
            let len = u32_at(answer, at).unwrap() as usize;
            assert!(len >= HEADER && at + len <= answer.len() && len.is_multiple_of(4));
            assert_eq!((u32_at(answer, at + 8), u32_at(answer, at + 12)), (Some(77), Some(4242)));
            found.push(u16_at(answer, at + 4).unwrap());
            at += len;
        }
        found
    }

    #[test]
    fn dumps_are_replaced_and_answered() {
        let dump = NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH;
        let ask =
            |rtm, body: &[u8]| types(&answer(&ack(&replace(&request(rtm, dump, body)).unwrap())).unwrap());
        assert_eq!(ask(RTM_GETLINK, &[0; 16]), [RTM_NEWLINK, RTM_NEWLINK, NLMSG_DONE]);
        assert_eq!(ask(RTM_GETADDR, &[2, 0, 0, 0, 0, 0, 0, 0]), [RTM_NEWADDR, RTM_NEWADDR, NLMSG_DONE]);
        assert_eq!(ask(RTM_GETADDR, &[0, 0, 0, 0, 1, 0, 0, 0]), [RTM_NEWADDR, NLMSG_DONE]);
        assert_eq!(ask(RTM_GETADDR, &[10, 0, 0, 0, 0, 0, 0, 0]), [NLMSG_DONE]);
        assert_eq!(ask(RTM_GETROUTE, &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).len(), 7);
        assert_eq!(ask(RTM_GETNEIGH, &[0; 12]), [NLMSG_DONE]);
        // glibc asks with one byte.
        assert_eq!(ask(RTM_GETLINK, &[0, 0, 0, 0]).len(), 3);
    }

    #[test]
    fn one_link_by_name_or_number() {
        let named = |name: &[u8]| {
            let mut body = vec![0; 16];
            body.extend((4 + name.len() as u16).to_ne_bytes().into_iter().chain(IFLA_IFNAME.to_ne_bytes()));
            body.extend_from_slice(name);
            body.resize(body.len().next_multiple_of(4), 0);
            types(&answer(&ack(&replace(&request(RTM_GETLINK, NLM_F_REQUEST, &body)).unwrap())).unwrap())
        };
        assert_eq!(named(b"lo\0"), [RTM_NEWLINK]);
        assert_eq!(named(b"eth99\0"), [NLMSG_ERROR]);
        let mut body = [0; 16];
        body[4] = 1;
        assert_eq!(
            types(&answer(&ack(&replace(&request(RTM_GETLINK, NLM_F_REQUEST, &body)).unwrap())).unwrap()),
            [RTM_NEWLINK]
        );
    }

    #[test]
    fn the_rest_is_the_kernels() {
        let dump = NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH;
        // Bridges, changes, rules, events, two requests in one, rubbish.
        assert_eq!(replace(&request(RTM_GETLINK, dump, &[7; 16])), None);
        assert_eq!(replace(&request(RTM_NEWADDR, NLM_F_REQUEST, &[2; 8])), None);
        assert_eq!(replace(&request(34, dump, &[0; 12])), None);
        let two = [request(RTM_GETLINK, dump, &[0; 16]), request(RTM_GETADDR, dump, &[0; 8])].concat();
        assert_eq!(replace(&two), None);
        for n in 0..HEADER {
            assert_eq!(replace(&request(RTM_GETLINK, dump, &[])[..n]), None);
        }
        let padded = [request(RTM_GETLINK, dump, &[0; 16]), vec![0; 100]].concat();
        assert!(replace(&padded).is_some());
        let real = ack(&request(RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK, &[2; 8]));
        assert_eq!(answer(&real), None);
        let mut refused = ack(&replace(&request(RTM_GETLINK, dump, &[0; 16])).unwrap());
        refused[HEADER] = 1;
        assert_eq!(answer(&refused), None);
    }
}
