//! Options of levels IPPROTO_IP and IPPROTO_IPV6 (ip(7), ipv6(7); rules from net/ipv4/ip_sockglue.c).
//!
//! An AF_INET6 socket of ours carries IPv4 in v4-mapped form, and on Linux it is the IP-level options that act on such
//! traffic; so they work on both families.

use libc::c_int;
use matnet_stack::Kind;

use super::{Answer, change, clamp, get_listed, look, set_listed};
use crate::errno::Errno;
use crate::runtime::Shared;
use crate::runtime::file::FileId;

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
        // No IP options were received or set.
        libc::IP_OPTIONS => return Ok(Answer::new(&[])),
        libc::IP_MTU_DISCOVER => {
            let set = super::host_option(f, libc::IPPROTO_IP, name);
            Answer::int(set.unwrap_or(libc::IP_PMTUDISC_WANT))
        }
        libc::IP_MTU => {
            let peer = shared.stack.peer_addr(f.socket).ok_or(Errno::ENOTCONN)?;
            Answer::int(shared.stack.path_mtu(peer.ip()).into())
        }
        libc::IP_RECVERR if kind != Kind::Tcp => Answer::flag(shared.stack.udp_options(f.socket)?.recverr),
        _ => get_listed(shared, id, libc::IPPROTO_IP, name)?,
    };
    Ok(short(answer, room))
}

/// do_ip_getsockopt: a byte if the caller has no room for an int and the value fits.
fn short(answer: Answer, room: usize) -> Answer {
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
        libc::IP_MTU_DISCOVER => mtu_discover(shared, id, kind, number),
        libc::IP_RECVERR if kind != Kind::Tcp => change(shared, id, |_| (), |o| o.recverr = number != 0),
        _ => set_listed(shared, id, libc::IPPROTO_IP, name, number),
    }
}

fn mtu_discover(shared: &mut Shared, id: FileId, kind: Kind, mode: i32) -> Result<(), Errno> {
    if !(libc::IP_PMTUDISC_DONT..=libc::IP_PMTUDISC_OMIT).contains(&mode) {
        return Err(Errno::EINVAL);
    }
    let strict = mode == libc::IP_PMTUDISC_DO || mode == libc::IP_PMTUDISC_PROBE;
    if kind == Kind::Tcp && !strict && mode != libc::IP_PMTUDISC_WANT {
        // Streams of the stack always discover the path MTU.
        return Err(Errno::ENOPROTOOPT);
    }
    super::set_host_option(shared.file_mut(id)?, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, mode);
    change(shared, id, |_| (), |o| o.dont_fragment = strict)
}

/// ip_setsockopt takes an int or a byte; nothing is 0.
fn number(value: &[u8]) -> i32 {
    super::int(value).unwrap_or_else(|_| value.first().map_or(0, |b| i32::from(*b)))
}

/// Reads one of level IPPROTO_IPV6.
pub(super) fn get_v6(shared: &Shared, id: FileId, name: c_int) -> Result<Answer, Errno> {
    let f = shared.file(id)?;
    Ok(match name {
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

/// Changes one of level IPPROTO_IPV6.
pub(super) fn set_v6(shared: &mut Shared, id: FileId, name: c_int, value: &[u8]) -> Result<(), Errno> {
    let number = super::int(value)?;
    match name {
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
