//! Options of levels IPPROTO_IP and IPPROTO_IPV6 (ip(7), ipv6(7); rules from net/ipv4/ip_sockglue.c).
//!
//! An AF_INET6 socket of ours carries IPv4 in v4-mapped form, and on Linux it is the IP-level options that act on such
//! traffic; so they work on both families.

use libc::c_int;
use matnet_stack::{Kind, MtuDiscover, TcpState};

use super::{Answer, change, clamp, get_listed, look, multicast, set_listed};
use crate::errno::Errno;
use crate::posix::interfaces;
use crate::runtime::Shared;
use crate::runtime::file::FileId;

/// <linux/in.h>
const IP_LOCAL_PORT_RANGE: c_int = 51;
const IP_PROTOCOL: c_int = 52;
/// IP_DEFAULT_TTL
const TTL: u8 = 64;
/// The two bits of ECN in the TOS byte, which belong to TCP (RFC 3168).
const ECN: u8 = 3;

/// Reads one of level IPPROTO_IP. `room` of less than an int makes it a byte where that suffices.
pub(super) fn get(
    shared: &Shared,
    id: FileId,
    kind: Kind,
    name: c_int,
    room: usize,
) -> Result<Answer, Errno> {
    let f = shared.file(id)?;
    let answer = match name {
        libc::IP_TOS => Answer::int(look(shared, id, |o| o.tos, |o| o.tos)?.into()),
        libc::IP_TTL => Answer::int(look(shared, id, |o| o.ttl, |o| o.ttl)?.into()),
        libc::IP_MULTICAST_IF => return multicast::interface(shared, id),
        // No IP options were received or set.
        libc::IP_OPTIONS => return Ok(Answer::new(&[])),
        // No control messages are kept for a stream.
        libc::IP_PKTOPTIONS if kind == Kind::Tcp => return Ok(Answer::new(&[])),
        libc::IP_FREEBIND => Answer::flag(look(shared, id, |o| o.freebind, |o| o.freebind)?),
        libc::IP_MINTTL if kind == Kind::Tcp => {
            Answer::int(shared.stack.tcp_options(f.socket)?.min_ttl.into())
        }
        libc::IP_UNICAST_IF | libc::IP_BIND_ADDRESS_NO_PORT => {
            Answer::int(super::host_option(f, libc::IPPROTO_IP, name).unwrap_or(0))
        }
        IP_LOCAL_PORT_RANGE => {
            let (low, high) = look(shared, id, |o| o.port_range, |o| o.port_range)?;
            Answer::new(&(u32::from(high) << 16 | u32::from(low)).to_ne_bytes())
        }
        // The kernel answers inet_num, which is the protocol of a raw socket and the port of the others.
        IP_PROTOCOL => Answer::int(shared.stack.local_addr(f.socket).map_or(0, |a| a.port().into())),
        libc::IP_MTU_DISCOVER => {
            let set = super::host_option(f, libc::IPPROTO_IP, name);
            Answer::int(set.unwrap_or(libc::IP_PMTUDISC_WANT))
        }
        libc::IP_MTU => {
            let peer = shared.stack.peer_addr(f.socket).ok_or(Errno::ENOTCONN)?;
            Answer::int(shared.stack.path_mtu(peer.ip()).into())
        }
        libc::IP_RECVERR if kind != Kind::Tcp => Answer::flag(shared.stack.udp_options(f.socket)?.recverr),
        _ => match multicast::get(shared, id, kind, name)? {
            Some(answer) => answer,
            None => get_listed(shared, id, libc::IPPROTO_IP, name)?,
        },
    };
    Ok(short(answer, room))
}

/// do_ip_getsockopt: a byte if the caller has no room for an int and the value fits.
pub(super) fn short(answer: Answer, room: usize) -> Answer {
    let value = answer.bytes.first_chunk::<4>().map_or(-1, |b| i32::from_ne_bytes(*b));
    match u8::try_from(value) {
        Ok(byte) if (1..4).contains(&room) => Answer::new(&[byte]),
        _ => answer,
    }
}

/// Changes one of level IPPROTO_IP.
pub(super) fn set(
    shared: &mut Shared,
    id: FileId,
    kind: Kind,
    name: c_int,
    value: &[u8],
) -> Result<(), Errno> {
    let number = number(value);
    match name {
        libc::IP_TOS => {
            // Only the low byte counts; the ECN bits of a stream are TCP's.
            let tos = number as u8;
            let f = shared.file_mut(id)?;
            super::set_host_option(f, libc::SOL_SOCKET, libc::SO_PRIORITY, priority(tos));
            change(shared, id, |o| o.tos = tos & !ECN | o.tos & ECN, |o| o.tos = tos)
        }
        libc::IP_TTL => {
            let ttl = match number {
                _ if value.is_empty() => return Err(Errno::EINVAL),
                -1 => TTL,
                1..=255 => number as u8,
                _ => return Err(Errno::EINVAL),
            };
            change(shared, id, |o| o.ttl = ttl, |o| o.ttl = ttl)
        }
        libc::IP_OPTIONS if value.is_empty() => Ok(()),
        libc::IP_FREEBIND if value.is_empty() => Err(Errno::EINVAL),
        libc::IP_FREEBIND => {
            let on = number != 0;
            change(shared, id, |o| o.freebind = on, |o| o.freebind = on)
        }
        libc::IP_MINTTL if kind == Kind::Tcp => {
            let ttl = u8::try_from(number).ok().filter(|_| !value.is_empty()).ok_or(Errno::EINVAL)?;
            change(shared, id, |o| o.min_ttl = ttl, |_| ())
        }
        libc::IP_MINTTL if value.is_empty() => Err(Errno::EINVAL),
        libc::IP_BIND_ADDRESS_NO_PORT => {
            let on = i32::from(number != 0);
            super::set_host_option(shared.file_mut(id)?, libc::IPPROTO_IP, name, on);
            Ok(())
        }
        libc::IP_UNICAST_IF => {
            let index = u32::from_be_bytes(<[u8; 4]>::try_from(value).map_err(|_| Errno::EINVAL)?);
            if index != 0 && !interfaces::of(shared).iter().any(|i| i.index == index) {
                return Err(Errno::EADDRNOTAVAIL);
            }
            super::set_host_option(shared.file_mut(id)?, libc::IPPROTO_IP, name, number);
            Ok(())
        }
        IP_LOCAL_PORT_RANGE => {
            let bounds = u32::from_ne_bytes(<[u8; 4]>::try_from(value).map_err(|_| Errno::EINVAL)?);
            let range = (bounds as u16, (bounds >> 16) as u16);
            if range.0 != 0 && range.1 != 0 && range.0 > range.1 {
                return Err(Errno::EINVAL);
            }
            change(shared, id, |o| o.port_range = range, |o| o.port_range = range)
        }
        libc::IP_MTU_DISCOVER => mtu_discover(shared, id, number),
        libc::IP_RECVERR if kind != Kind::Tcp => change(shared, id, |_| (), |o| o.recverr = number != 0),
        _ => multicast::set(shared, id, kind, name, number, value)
            .unwrap_or_else(|| set_listed(shared, id, libc::IPPROTO_IP, name, number)),
    }
}

fn mtu_discover(shared: &mut Shared, id: FileId, mode: i32) -> Result<(), Errno> {
    if !(libc::IP_PMTUDISC_DONT..=libc::IP_PMTUDISC_OMIT).contains(&mode) {
        return Err(Errno::EINVAL);
    }
    let how = match mode {
        libc::IP_PMTUDISC_DONT => MtuDiscover::Dont,
        libc::IP_PMTUDISC_WANT => MtuDiscover::Want,
        libc::IP_PMTUDISC_DO => MtuDiscover::Do,
        libc::IP_PMTUDISC_PROBE => MtuDiscover::Probe,
        libc::IP_PMTUDISC_INTERFACE => MtuDiscover::Interface,
        _ => MtuDiscover::Omit,
    };
    super::set_host_option(shared.file_mut(id)?, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, mode);
    change(shared, id, |o| o.mtu_discover = how, |o| o.mtu_discover = how)
}

/// SO_PRIORITY that a TOS byte brings along (rt_tos2priority): best effort, bulk, interactive, interactive bulk.
fn priority(tos: u8) -> i32 {
    match tos >> 3 & 3 {
        0 => 0,
        1 => 2,
        2 => 6,
        _ => 4,
    }
}

/// ip_setsockopt takes an int or a byte; nothing is 0.
pub(super) fn number(value: &[u8]) -> i32 {
    super::int(value).unwrap_or_else(|_| value.first().map_or(0, |b| i32::from(*b)))
}

/// Reads one of level IPPROTO_IPV6.
pub(super) fn get_v6(shared: &Shared, id: FileId, name: c_int) -> Result<Answer, Errno> {
    let f = shared.file(id)?;
    Ok(match name {
        libc::IPV6_ADDRFORM if is_established(shared, id)? => Answer::int(f.domain),
        libc::IPV6_ADDRFORM => return Err(Errno::ENOTCONN),
        libc::IPV6_V6ONLY => Answer::flag(look(shared, id, |o| o.v6only, |o| o.v6only)?),
        libc::IPV6_MTU => {
            let peer = shared.stack.peer_addr(f.socket).ok_or(Errno::ENOTCONN)?;
            Answer::int(shared.stack.path_mtu(peer.ip()).into())
        }
        libc::IPV6_UNICAST_HOPS | libc::IPV6_MULTICAST_HOPS | libc::IPV6_TCLASS => {
            // -1 means the default, and that is what is read back.
            let set = super::host_option(f, libc::IPPROTO_IPV6, name).filter(|v| *v >= 0);
            match set {
                Some(v) => Answer::int(v),
                None => Answer::int(match name {
                    libc::IPV6_UNICAST_HOPS => clamp(TTL.into()),
                    libc::IPV6_MULTICAST_HOPS => 1,
                    _ => 0,
                }),
            }
        }
        _ => return get_listed(shared, id, libc::IPPROTO_IPV6, name),
    })
}

/// TCP_ESTABLISHED, which a connected datagram socket is in too.
fn is_established(shared: &Shared, id: FileId) -> Result<bool, Errno> {
    let socket = shared.file(id)?.socket;
    Ok(match socket.kind {
        Kind::Tcp => shared.stack.tcp_state(socket) == TcpState::Established,
        _ => shared.stack.peer_addr(socket).is_some(),
    })
}

/// Changes one of level IPPROTO_IPV6.
pub(super) fn set_v6(shared: &mut Shared, id: FileId, name: c_int, value: &[u8]) -> Result<(), Errno> {
    let kind = shared.file(id)?.socket.kind;
    let known = super::table::row(libc::IPPROTO_IPV6, name, kind).is_some();
    if !known && name != libc::IPV6_ADDRFORM {
        return Err(Errno::ENOPROTOOPT);
    }
    let number = super::int(value)?;
    match name {
        // For streams ENOPROTOOPT (do_ipv6_setsockopt).
        libc::IPV6_MULTICAST_HOPS if kind == Kind::Tcp => Err(Errno::ENOPROTOOPT),
        libc::IPV6_UNICAST_HOPS | libc::IPV6_MULTICAST_HOPS | libc::IPV6_TCLASS => {
            if !(-1..=255).contains(&number) {
                return Err(Errno::EINVAL);
            }
            // The ECN bits of a stream are TCP's.
            let ecn = if name == libc::IPV6_TCLASS && kind == Kind::Tcp { i32::from(ECN) } else { 0 };
            let value = if number < 0 { number } else { number & !ecn };
            super::set_host_option(shared.file_mut(id)?, libc::IPPROTO_IPV6, name, value);
            Ok(())
        }
        libc::IPV6_ADDRFORM if number != libc::AF_INET => Err(Errno::EINVAL),
        // The peer of a connected socket of ours has an IPv4 address: from now on both names are told as such.
        libc::IPV6_ADDRFORM if is_established(shared, id)? => {
            shared.file_mut(id)?.domain = libc::AF_INET;
            Ok(())
        }
        libc::IPV6_ADDRFORM => Err(Errno::ENOTCONN),
        libc::IPV6_V6ONLY => {
            let socket = shared.file(id)?.socket;
            if shared.stack.local_addr(socket).is_some_and(|a| a.port() != 0) {
                // Too late: the port is taken in one world or in both.
                return Err(Errno::EINVAL);
            }
            let on = number != 0;
            change(shared, id, |o| o.v6only = on, |o| o.v6only = on)
        }
        _ => set_listed(shared, id, libc::IPPROTO_IPV6, name, number),
    }
}
