//! Raw IP sockets (raw(7)): who may open one, for which protocols, their addresses, and their options.
//!
//! The sockets themselves are the stack's (`matnet_stack`'s raw). Packet sockets (AF_PACKET), which see frames rather than packets,
//! stay the kernel's: they show the kernel's devices.

use libc::c_int;
use matnet_stack::{Kind, SocketId};

use super::addr::{self, Parsed};
use crate::errno::Errno;
use crate::runtime::{Shared, sys};

/// CAP_NET_RAW (<linux/capability.h>)
const NET_RAW: u32 = 13;
/// <linux/socket.h>, and the only option of that level (<linux/icmp.h>).
pub(super) const SOL_RAW: c_int = 255;
const ICMP_FILTER: c_int = 1;

/// The protocol of a raw socket. The wildcard does not name one, and the process needs CAP_NET_RAW (inet_create).
pub(super) fn protocol(domain: c_int, protocol: c_int) -> Result<u16, Errno> {
    if protocol == libc::IPPROTO_IP {
        return Err(Errno::EPROTONOSUPPORT);
    }
    if domain == libc::AF_INET6 {
        // As a kernel without IPv6 answers: programs then go on with IPv4.
        return Err(Errno::EAFNOSUPPORT);
    }
    if !sys::capable(NET_RAW) {
        return Err(Errno::EPERM);
    }
    u16::try_from(protocol).map_err(|_| Errno::EINVAL)
}

/// The address of a bind: raw_bind does not look at the family.
pub(super) fn parse_bind(bytes: &[u8]) -> Result<Parsed, Errno> {
    let mut own = bytes.to_vec();
    if let Some(family) = own.first_chunk_mut::<2>() {
        *family = (libc::AF_INET as u16).to_ne_bytes();
    }
    addr::parse(libc::AF_INET, &own)
}

/// Reads an option of level SOL_RAW into `value`; answers its length.
pub(super) fn get(shared: &Shared, socket: SocketId, name: c_int, value: &mut [u8]) -> Result<usize, Errno> {
    if socket.kind != Kind::Raw {
        return Err(Errno::EOPNOTSUPP);
    }
    if name != ICMP_FILTER {
        return Err(Errno::ENOPROTOOPT);
    }
    let filter = shared.stack.icmp_filter(socket)?.to_ne_bytes();
    Ok(value.iter_mut().zip(filter).map(|(to, from)| *to = from).count())
}

/// Changes an option of level SOL_RAW. A short filter changes its first bytes (raw_seticmpfilter).
pub(super) fn set(shared: &mut Shared, socket: SocketId, name: c_int, value: &[u8]) -> Result<(), Errno> {
    if name != ICMP_FILTER || socket.kind != Kind::Raw {
        return Err(Errno::ENOPROTOOPT);
    }
    let mut filter = shared.stack.icmp_filter(socket)?.to_ne_bytes();
    filter.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
    Ok(shared.stack.set_icmp_filter(socket, u32::from_ne_bytes(filter))?)
}
