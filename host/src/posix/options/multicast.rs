//! Multicast options of level IPPROTO_IP (ip(7), RFC 3678), and those of that level that only raw sockets have (raw(7)).
//!
//! Structures are read as they lie in memory; which lengths are taken, and the order of the checks, is that of
//! net/ipv4/ip_sockglue.c. A device is named by index, by one of its addresses, or not at all, which means ours. Memberships
//! on `lo` are ENODEV: nobody but this host could send there.
//!
//! A datagram socket that moves to the kernel takes its memberships along, each of them recorded.

use std::net::Ipv4Addr;

use libc::c_int;
use matnet_stack::{FilterMode, Kind};

use super::{Answer, change, host_option, set_host_option};
use crate::errno::Errno;
use crate::posix::interfaces;
use crate::runtime::file::FileId;
use crate::runtime::{Shared, sys};

const IP: c_int = libc::IPPROTO_IP;
// <linux/in.h>
const IP_MSFILTER: c_int = 41;
const MCAST_JOIN_GROUP: c_int = 42;
const MCAST_BLOCK_SOURCE: c_int = 43;
const MCAST_UNBLOCK_SOURCE: c_int = 44;
const MCAST_LEAVE_GROUP: c_int = 45;
const MCAST_JOIN_SOURCE_GROUP: c_int = 46;
const MCAST_LEAVE_SOURCE_GROUP: c_int = 47;
const MCAST_MSFILTER: c_int = 48;

/// struct group_req, struct group_source_req, struct sockaddr_storage.
const GROUP_REQ: usize = 136;
const GROUP_SOURCE_REQ: usize = 264;
const STORAGE: usize = 128;
/// IP_MSFILTER_SIZE(0) and GROUP_FILTER_SIZE(0).
const MSFILTER: usize = 16;
const GROUP_FILTER: usize = 144;
/// sysctl net.core.optmem_max of Linux 6.18.
const OPTMEM_MAX: usize = 128 * 1024;
/// sysctl net.ipv4.igmp_max_msf
const MAX_SOURCES: u32 = 10;

/// True for options of which a socket may have several at once.
pub(super) fn is_membership(level: c_int, name: c_int) -> bool {
    level == IP && (libc::IP_ADD_MEMBERSHIP..=MCAST_MSFILTER).contains(&name)
}

/// True for IP_MSFILTER and MCAST_MSFILTER.
pub(super) fn is_filter(level: c_int, name: c_int) -> bool {
    level == IP && matches!(name, IP_MSFILTER | MCAST_MSFILTER)
}

/// Reads an option of one value; None: it is none of these.
pub(super) fn get(shared: &Shared, id: FileId, kind: Kind, name: c_int) -> Result<Option<Answer>, Errno> {
    let f = shared.file(id)?;
    // A stream has the options too, and no use for them.
    let kept = |default| Answer::int(host_option(f, IP, name).unwrap_or(default));
    let datagram = || shared.stack.udp_options(f.socket);
    Ok(Some(match name {
        libc::IP_MULTICAST_TTL if kind == Kind::Tcp => Answer::int(1),
        libc::IP_MULTICAST_LOOP | libc::IP_MULTICAST_ALL if kind == Kind::Tcp => kept(1),
        libc::IP_MULTICAST_TTL => Answer::int(datagram()?.multicast_ttl.into()),
        libc::IP_MULTICAST_LOOP => Answer::flag(datagram()?.multicast_loop),
        libc::IP_MULTICAST_ALL => Answer::flag(datagram()?.multicast_all),
        libc::IP_HDRINCL => Answer::flag(kind == Kind::Raw && shared.stack.header_included(f.socket)?),
        libc::IP_NODEFRAG | libc::IP_ROUTER_ALERT => kept(0),
        _ => return Ok(None),
    }))
}

/// IP_MULTICAST_IF: the address that was given for it.
pub(super) fn interface(shared: &Shared, id: FileId) -> Result<Answer, Errno> {
    let set = host_option(shared.file(id)?, IP, libc::IP_MULTICAST_IF);
    Ok(Answer::int(set.unwrap_or(0)))
}

/// Reads IP_MSFILTER or MCAST_MSFILTER, whose question is in the buffer of the answer; None: it is neither.
pub(super) fn get_filter(
    shared: &Shared,
    id: FileId,
    level: c_int,
    name: c_int,
    value: &mut [u8],
) -> Option<Result<usize, Errno>> {
    match (level, name) {
        (IP, IP_MSFILTER) => Some(get_msfilter(shared, id, value)),
        (IP, MCAST_MSFILTER) => Some(get_group_filter(shared, id, value)),
        _ => None,
    }
}

fn get_msfilter(shared: &Shared, id: FileId, value: &mut [u8]) -> Result<usize, Errno> {
    if value.len() < MSFILTER {
        return Err(Errno::EINVAL);
    }
    let group = address(value, 0)?;
    if !group.is_multicast() {
        return Err(Errno::EINVAL);
    }
    device(shared, 0, address(value, 4)?).ok_or(Errno::ENODEV)?;
    let room = word(value, 12)?;
    let (mode, sources) = shared.stack.source_filter(shared.file(id)?.socket, group)?;
    put(value, 8, &mode_number(mode).to_ne_bytes());
    put(value, 12, &(sources.len() as u32).to_ne_bytes());
    let told = sources.len().min(room as usize);
    for (n, source) in sources.iter().take(told).enumerate() {
        put(value, MSFILTER + n * 4, &source.octets());
    }
    Ok((MSFILTER + told * 4).min(value.len()))
}

fn get_group_filter(shared: &Shared, id: FileId, value: &mut [u8]) -> Result<usize, Errno> {
    if value.len() < GROUP_FILTER {
        return Err(Errno::EINVAL);
    }
    let group = storage(value, 8)?.ok_or(Errno::EINVAL)?;
    let room = word(value, 140)?;
    let index = word(value, 0)?;
    let socket = shared.file(id)?.socket;
    let (mode, sources) = shared.stack.source_filter(socket, group)?;
    if device(shared, index, Ipv4Addr::UNSPECIFIED) != Some(index) {
        return Err(Errno::EADDRNOTAVAIL);
    }
    put(value, 136, &mode_number(mode).to_ne_bytes());
    put(value, 140, &(sources.len() as u32).to_ne_bytes());
    let told = sources.len().min(room as usize);
    for (n, source) in sources.iter().take(told).enumerate() {
        let mut bytes = [0; STORAGE];
        put(&mut bytes, 0, &(libc::AF_INET as u16).to_ne_bytes());
        put(&mut bytes, 4, &source.octets());
        put(value, GROUP_FILTER + n * STORAGE, &bytes);
    }
    Ok((GROUP_FILTER + told * STORAGE).min(value.len()))
}

/// Changes an option; None: it is none of these.
pub(super) fn set(
    shared: &mut Shared,
    id: FileId,
    kind: Kind,
    name: c_int,
    number: i32,
    value: &[u8],
) -> Option<Result<(), Errno>> {
    Some(match name {
        libc::IP_MULTICAST_TTL => set_ttl(shared, id, kind, number, value),
        libc::IP_MULTICAST_LOOP if value.is_empty() => Err(Errno::EINVAL),
        libc::IP_MULTICAST_LOOP => keep(shared, id, kind, name, number != 0),
        libc::IP_MULTICAST_ALL if value.is_empty() || !(0..=1).contains(&number) => Err(Errno::EINVAL),
        libc::IP_MULTICAST_ALL => keep(shared, id, kind, name, number != 0),
        libc::IP_MULTICAST_IF => set_interface(shared, id, kind, value),
        libc::IP_ADD_MEMBERSHIP | libc::IP_DROP_MEMBERSHIP => set_membership(shared, id, kind, name, value),
        libc::IP_BLOCK_SOURCE
        | libc::IP_UNBLOCK_SOURCE
        | libc::IP_ADD_SOURCE_MEMBERSHIP
        | libc::IP_DROP_SOURCE_MEMBERSHIP => set_source(shared, id, name, value),
        MCAST_JOIN_GROUP | MCAST_LEAVE_GROUP => set_group(shared, id, name, value),
        MCAST_BLOCK_SOURCE | MCAST_UNBLOCK_SOURCE | MCAST_JOIN_SOURCE_GROUP | MCAST_LEAVE_SOURCE_GROUP => {
            set_group_source(shared, id, name, value)
        }
        IP_MSFILTER => set_msfilter(shared, id, value),
        MCAST_MSFILTER => set_group_filter(shared, id, value),
        libc::IP_HDRINCL | libc::IP_NODEFRAG if kind != Kind::Raw => Err(Errno::ENOPROTOOPT),
        libc::IP_HDRINCL => {
            let socket = shared.file(id).map(|f| f.socket);
            socket.and_then(|socket| Ok(shared.stack.set_header_included(socket, number != 0)?))
        }
        // Packets are always whole here, as they are on a host without connection tracking.
        libc::IP_NODEFRAG => keep_only(shared, id, name, (number != 0).into()),
        // The routers' copies of packets with that option: a host forwards none (ip_ra_control).
        libc::IP_ROUTER_ALERT if kind == Kind::Raw => router_alert(shared, id, number != 0),
        libc::IP_ROUTER_ALERT => Err(Errno::EINVAL),
        _ => return None,
    })
}

fn set_ttl(shared: &mut Shared, id: FileId, kind: Kind, number: i32, value: &[u8]) -> Result<(), Errno> {
    if kind == Kind::Tcp || value.is_empty() {
        return Err(Errno::EINVAL);
    }
    let ttl = if number == -1 { 1 } else { u8::try_from(number).map_err(|_| Errno::EINVAL)? };
    change(shared, id, |_| (), |o| o.multicast_ttl = ttl)
}

fn keep(shared: &mut Shared, id: FileId, kind: Kind, name: c_int, on: bool) -> Result<(), Errno> {
    match (kind, name) {
        (Kind::Tcp, _) => keep_only(shared, id, name, on.into()),
        (_, libc::IP_MULTICAST_LOOP) => change(shared, id, |_| (), |o| o.multicast_loop = on),
        _ => change(shared, id, |_| (), |o| o.multicast_all = on),
    }
}

fn keep_only(shared: &mut Shared, id: FileId, name: c_int, value: i32) -> Result<(), Errno> {
    set_host_option(shared.file_mut(id)?, IP, name, value);
    Ok(())
}

fn router_alert(shared: &mut Shared, id: FileId, on: bool) -> Result<(), Errno> {
    let before = host_option(shared.file(id)?, IP, libc::IP_ROUTER_ALERT).unwrap_or(0) != 0;
    if shared.file(id)?.protocol == libc::IPPROTO_RAW {
        return Err(Errno::EINVAL);
    }
    match (before, on) {
        (true, true) => Err(Errno::EADDRINUSE),
        (false, false) => Err(Errno::ENOENT),
        _ => keep_only(shared, id, libc::IP_ROUTER_ALERT, on.into()),
    }
}

fn set_interface(shared: &mut Shared, id: FileId, kind: Kind, value: &[u8]) -> Result<(), Errno> {
    if kind == Kind::Tcp || value.len() < 4 {
        return Err(Errno::EINVAL);
    }
    // struct ip_mreqn, struct ip_mreq, or an address alone.
    let (addr, index) = match value.len() {
        12.. => (address(value, 4)?, word(value, 8)?),
        8.. => (address(value, 4)?, 0),
        _ => (address(value, 0)?, 0),
    };
    if (index != 0 || !addr.is_unspecified()) && device(shared, index, addr).is_none() {
        return Err(Errno::EADDRNOTAVAIL);
    }
    keep_only(shared, id, libc::IP_MULTICAST_IF, i32::from_ne_bytes(addr.octets()))
}

fn set_membership(
    shared: &mut Shared,
    id: FileId,
    kind: Kind,
    name: c_int,
    value: &[u8],
) -> Result<(), Errno> {
    if kind == Kind::Tcp {
        return Err(Errno::EPROTO);
    }
    if value.len() < 8 {
        return Err(Errno::EINVAL);
    }
    let index = if value.len() >= 12 { word(value, 8)? } else { 0 };
    let at = (index, address(value, 4)?);
    membership(shared, id, name == libc::IP_ADD_MEMBERSHIP, address(value, 0)?, at)
}

fn set_group(shared: &mut Shared, id: FileId, name: c_int, value: &[u8]) -> Result<(), Errno> {
    if value.len() < GROUP_REQ {
        return Err(Errno::EINVAL);
    }
    let group = storage(value, 8)?.ok_or(Errno::EINVAL)?;
    membership(shared, id, name == MCAST_JOIN_GROUP, group, (word(value, 0)?, Ipv4Addr::UNSPECIFIED))
}

/// ip_mc_join_group and ip_mc_leave_group; `at`: index and address of a device.
fn membership(
    shared: &mut Shared,
    id: FileId,
    join: bool,
    group: Ipv4Addr,
    at: (u32, Ipv4Addr),
) -> Result<(), Errno> {
    let socket = shared.file(id)?.socket;
    let found = device(shared, at.0, at.1).is_some();
    if join {
        if !group.is_multicast() {
            return Err(Errno::EINVAL);
        }
        if !found {
            return Err(Errno::ENODEV);
        }
        return Ok(shared.stack.join_group(sys::now(), socket, group)?);
    }
    if !found {
        return Err(Errno::EADDRNOTAVAIL);
    }
    Ok(shared.stack.leave_group(sys::now(), socket, group)?)
}

fn set_source(shared: &mut Shared, id: FileId, name: c_int, value: &[u8]) -> Result<(), Errno> {
    if value.len() != 12 {
        return Err(Errno::EINVAL);
    }
    let (add, mode) = match name {
        libc::IP_BLOCK_SOURCE => (true, FilterMode::Exclude),
        libc::IP_UNBLOCK_SOURCE => (false, FilterMode::Exclude),
        libc::IP_ADD_SOURCE_MEMBERSHIP => (true, FilterMode::Include),
        _ => (false, FilterMode::Include),
    };
    let at = (0, address(value, 4)?);
    source(shared, id, (add, mode), address(value, 0)?, address(value, 8)?, at)
}

fn set_group_source(shared: &mut Shared, id: FileId, name: c_int, value: &[u8]) -> Result<(), Errno> {
    if value.len() != GROUP_SOURCE_REQ {
        return Err(Errno::EINVAL);
    }
    let group = storage(value, 8)?.ok_or(Errno::EADDRNOTAVAIL)?;
    let from = storage(value, 8 + STORAGE)?.ok_or(Errno::EADDRNOTAVAIL)?;
    let (add, mode) = match name {
        MCAST_BLOCK_SOURCE => (true, FilterMode::Exclude),
        MCAST_UNBLOCK_SOURCE => (false, FilterMode::Exclude),
        MCAST_JOIN_SOURCE_GROUP => (true, FilterMode::Include),
        _ => (false, FilterMode::Include),
    };
    source(shared, id, (add, mode), group, from, (word(value, 0)?, Ipv4Addr::UNSPECIFIED))
}

/// ip_mc_source, with the join that comes before it.
fn source(
    shared: &mut Shared,
    id: FileId,
    (add, mode): (bool, FilterMode),
    group: Ipv4Addr,
    source: Ipv4Addr,
    at: (u32, Ipv4Addr),
) -> Result<(), Errno> {
    let socket = shared.file(id)?.socket;
    if !group.is_multicast() {
        return Err(Errno::EINVAL);
    }
    if device(shared, at.0, at.1).is_none() {
        return Err(Errno::ENODEV);
    }
    let now = sys::now();
    match (add, mode) {
        (true, FilterMode::Include) => shared.stack.join_source(now, socket, group, source)?,
        (true, FilterMode::Exclude) => shared.stack.add_source(now, socket, group, source, mode)?,
        (false, _) => shared.stack.drop_source(now, socket, group, source, mode)?,
    }
    Ok(())
}

fn set_msfilter(shared: &mut Shared, id: FileId, value: &[u8]) -> Result<(), Errno> {
    if value.len() < MSFILTER {
        return Err(Errno::EINVAL);
    }
    let count = word(value, 12)?;
    if value.len() > OPTMEM_MAX || count > MAX_SOURCES {
        return Err(Errno::ENOBUFS);
    }
    let sources =
        (0..count as usize).map(|n| address(value, MSFILTER + n * 4)).collect::<Result<Vec<_>, _>>()?;
    filter(shared, id, address(value, 0)?, word(value, 8)?, &sources, (0, address(value, 4)?))
}

fn set_group_filter(shared: &mut Shared, id: FileId, value: &[u8]) -> Result<(), Errno> {
    if value.len() < GROUP_FILTER {
        return Err(Errno::EINVAL);
    }
    let count = word(value, 140)?;
    if value.len() > OPTMEM_MAX || count > MAX_SOURCES {
        return Err(Errno::ENOBUFS);
    }
    if value.len() < GROUP_FILTER + count as usize * STORAGE {
        return Err(Errno::EINVAL);
    }
    let group = storage(value, 8)?.ok_or(Errno::EADDRNOTAVAIL)?;
    let one = |n: usize| storage(value, GROUP_FILTER + n * STORAGE)?.ok_or(Errno::EADDRNOTAVAIL);
    let sources = (0..count as usize).map(one).collect::<Result<Vec<_>, _>>()?;
    filter(shared, id, group, word(value, 136)?, &sources, (word(value, 0)?, Ipv4Addr::UNSPECIFIED))
}

/// ip_mc_msfilter
fn filter(
    shared: &mut Shared,
    id: FileId,
    group: Ipv4Addr,
    mode: u32,
    sources: &[Ipv4Addr],
    at: (u32, Ipv4Addr),
) -> Result<(), Errno> {
    let socket = shared.file(id)?.socket;
    let mode = match mode {
        0 => FilterMode::Exclude,
        1 => FilterMode::Include,
        _ => return Err(Errno::EINVAL),
    };
    if !group.is_multicast() {
        return Err(Errno::EINVAL);
    }
    if device(shared, at.0, at.1).is_none() {
        return Err(Errno::ENODEV);
    }
    Ok(shared.stack.set_source_filter(sys::now(), socket, group, mode, sources)?)
}

/// The index of the device that is meant, if it is ours (ip_mc_find_dev).
fn device(shared: &Shared, index: u32, addr: Ipv4Addr) -> Option<u32> {
    let own = interfaces::of(shared).into_iter().find(|i| i.flags & libc::IFF_MULTICAST as u32 != 0)?;
    let meant = match index {
        0 => addr.is_unspecified() || addr == own.addr,
        index => index == own.index,
    };
    meant.then_some(own.index)
}

/// MCAST_EXCLUDE is 0, MCAST_INCLUDE 1.
fn mode_number(mode: FilterMode) -> u32 {
    match mode {
        FilterMode::Exclude => 0,
        FilterMode::Include => 1,
    }
}

fn word(value: &[u8], at: usize) -> Result<u32, Errno> {
    let bytes = value.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(Errno::EINVAL)?;
    Ok(u32::from_ne_bytes(*bytes))
}

fn address(value: &[u8], at: usize) -> Result<Ipv4Addr, Errno> {
    word(value, at).map(|w| Ipv4Addr::from(w.to_ne_bytes()))
}

/// The IPv4 address in a sockaddr_storage; None for another family.
fn storage(value: &[u8], at: usize) -> Result<Option<Ipv4Addr>, Errno> {
    let family = value.get(at..).and_then(|rest| rest.first_chunk::<2>()).ok_or(Errno::EINVAL)?;
    let v4 = c_int::from(u16::from_ne_bytes(*family)) == libc::AF_INET;
    let addr = address(value, at + 4)?;
    Ok(v4.then_some(addr))
}

fn put(value: &mut [u8], at: usize, bytes: &[u8]) {
    value.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
}
