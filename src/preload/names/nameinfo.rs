//! getnameinfo(3): libc checks the arguments and names the service; the host's name is found here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libc::{c_char, c_int, sockaddr, sockaddr_in, sockaddr_in6, socklen_t};
use matnet_host::Errno;
use matnet_host::names::{self, Fail, Family};

use crate::preload::contain::contained;
use crate::preload::table::real;

/// EAI_OVERFLOW (<netdb.h>)
const OVERFLOW: c_int = -12;

/// getnameinfo(3)
pub(in crate::preload) unsafe fn getnameinfo(
    addr: *const sockaddr,
    len: socklen_t,
    host: *mut c_char,
    host_len: socklen_t,
    service: *mut c_char,
    service_len: socklen_t,
    flags: c_int,
) -> c_int {
    let by_number = host.is_null() || host_len == 0 || flags & libc::NI_NUMERICHOST != 0;
    if by_number || !super::are_ours() {
        // SAFETY: the caller's own arguments.
        return unsafe { real::getnameinfo(addr, len, host, host_len, service, service_len, flags) };
    }
    let mut number: [c_char; 64] = [0; 64];
    let how = (flags | libc::NI_NUMERICHOST) & !libc::NI_NAMEREQD;
    // SAFETY: the caller's own arguments, and room of ours for the number.
    let code = unsafe {
        real::getnameinfo(
            addr,
            len,
            number.as_mut_ptr(),
            number.len() as socklen_t,
            service,
            service_len,
            how,
        )
    };
    if code != 0 {
        return code;
    }
    // SAFETY: libc has taken it for an address of its family and length.
    let Some(ip) = (unsafe { address(addr) }) else {
        // A local socket: its name needs no server.
        // SAFETY: the caller's own arguments.
        return unsafe { real::getnameinfo(addr, len, host, host_len, service, service_len, flags) };
    };
    let before = Errno::last();
    let found = contained(|| names::by_addr(ip).map(|h| short(h.canonical, flags & libc::NI_NOFQDN != 0)));
    let name = match found {
        Some(Ok(name)) => name,
        Some(Err(Fail::TryAgain(_))) => return libc::EAI_AGAIN,
        Some(Err(_)) if flags & libc::NI_NAMEREQD != 0 => return libc::EAI_NONAME,
        Some(Err(_)) => number.iter().take_while(|c| **c != 0).map(|c| char::from(*c as u8)).collect(),
        None => {
            Errno::EIO.set();
            return libc::EAI_SYSTEM;
        }
    };
    before.set();
    if name.len() >= host_len as usize {
        return OVERFLOW;
    }
    // SAFETY: there is room for the name and its NUL.
    unsafe {
        host.cast::<u8>().copy_from_nonoverlapping(name.as_ptr(), name.len());
        host.add(name.len()).write(0);
    }
    0
}

/// The IP address in a sockaddr; None for other families.
///
/// # Safety
/// `addr` must be a valid sockaddr.
unsafe fn address(addr: *const sockaddr) -> Option<IpAddr> {
    // SAFETY: the caller vouches for it; the family says which it is.
    unsafe {
        match c_int::from((*addr).sa_family) {
            libc::AF_INET => {
                let v4 = addr.cast::<sockaddr_in>().read_unaligned().sin_addr.s_addr;
                Some(IpAddr::V4(Ipv4Addr::from(v4.to_ne_bytes())))
            }
            libc::AF_INET6 => Some(IpAddr::V6(Ipv6Addr::from(
                addr.cast::<sockaddr_in6>().read_unaligned().sin6_addr.s6_addr,
            ))),
            _ => None,
        }
    }
}

/// With NI_NOFQDN a name in this host's own domain loses the domain.
fn short(name: String, wanted: bool) -> String {
    if !wanted {
        return name;
    }
    let own = names::own_name();
    let full = if own.contains('.') {
        Some(own)
    } else {
        names::by_name(&own, Family::V4).ok().map(|h| h.canonical)
    };
    let full = full.unwrap_or_default();
    let Some((_, domain)) = full.split_once('.') else { return name };
    match name.split_once('.') {
        Some((host, rest)) if rest.eq_ignore_ascii_case(domain) => host.to_owned(),
        _ => name,
    }
}
