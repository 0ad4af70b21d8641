//! Names: only getaddrinfo, and only its AI_ADDRCONFIG.
//!
//! The flag asks for the families that this host has an address of (RFC 3493, 6.1). glibc looks at the kernel's addresses, but the
//! program's host is the stack, which has an IPv4 address and no other. In a namespace without addresses glibc would refuse even
//! a numeric IPv4 name. So the flag is answered here: IPv4 yes, IPv6 no. The resolver itself stays libc's own and asks over the
//! kernel.

use libc::{addrinfo, c_char, c_int};
use matnet_host::runtime;

use super::contain::contained;
use super::table::real;

/// getaddrinfo(3)
pub(super) unsafe fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    out: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: hints are null or valid, as getaddrinfo requires.
    let given = unsafe { hints.as_ref() }.copied();
    let flags = given.map_or(libc::AI_V4MAPPED | libc::AI_ADDRCONFIG, |h| h.ai_flags);
    if flags & libc::AI_ADDRCONFIG == 0 || !contained(runtime::hooks_enabled).unwrap_or(false) {
        // SAFETY: the caller's own arguments.
        return unsafe { real::getaddrinfo(node, service, hints, out) };
    }
    // SAFETY: all zero is how RFC 3493 has hints prepared.
    let mut changed = given.unwrap_or_else(|| unsafe { std::mem::zeroed() });
    changed.ai_flags = flags & !libc::AI_ADDRCONFIG;
    // SAFETY: a name is a C string or null.
    if changed.ai_family == libc::AF_UNSPEC && unsafe { is_not_ipv6(node) } {
        changed.ai_family = libc::AF_INET;
    }
    // SAFETY: the caller's own arguments, and a local for the hints.
    unsafe { real::getaddrinfo(node, service, &raw const changed, out) }
}

/// False for an IPv6 literal, and for no name at all: a server may well listen on the wildcards of both.
///
/// # Safety
/// `node` must be null or a C string.
unsafe fn is_not_ipv6(node: *const c_char) -> bool {
    // SAFETY: the caller vouches for it.
    !node.is_null() && unsafe { libc::strchr(node, c_int::from(b':')) }.is_null()
}
