//! getaddrinfo(3).
//!
//! The flags, the service and the kinds of sockets are libc's work still: it is asked about the wildcard address, and its answer is the
//! template for each address found. A node that is given as a number, or not at all, is libc's altogether.
//!
//! AI_ADDRCONFIG asks for the families that this host has an address of (RFC 3493, 6.1). glibc looks at the kernel's addresses, but
//! the program's host is the stack, which has an IPv4 address and no other. In a namespace without addresses glibc would
//! refuse even a numeric IPv4 name. So the flag is answered here, with or without MATNET_DNS: IPv4 yes, IPv6 no.

use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr};

use libc::{addrinfo, c_char, c_int, c_void, sockaddr_in, sockaddr_in6};
use matnet_host::Errno;
use matnet_host::names::{self, Addresses, Fail, Family, lookup};
use matnet_host::runtime;

use super::{hostent, idn};
use crate::preload::contain::contained;
use crate::preload::table::real;

/// <netdb.h>; the libc crate has them under no name for this target.
const AI_IDN: c_int = 0x40;
const AI_CANONIDN: c_int = 0x80;
const EAI_NODATA: c_int = -5;
const EAI_IDN_ENCODE: c_int = -105;

/// getaddrinfo(3)
pub(in crate::preload) unsafe fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    out: *mut *mut addrinfo,
) -> c_int {
    if !contained(runtime::hooks_enabled).unwrap_or(false) {
        // SAFETY: the caller's own arguments.
        return unsafe { real::getaddrinfo(node, service, hints, out) };
    }
    // SAFETY: hints are null or valid, as getaddrinfo requires; all zero is how RFC 3493 has them prepared.
    let mut wanted = unsafe { hints.as_ref().copied().unwrap_or_else(|| std::mem::zeroed()) };
    if hints.is_null() {
        wanted.ai_flags = libc::AI_V4MAPPED | libc::AI_ADDRCONFIG;
    }
    // SAFETY: a node is a C string or null.
    let name = unsafe { super::text(node) };
    let numeric = wanted.ai_flags & libc::AI_NUMERICHOST != 0;
    if let Some(name) = name.filter(|n| !numeric && *n != "*" && !lookup::is_numeric(n)) {
        if super::are_ours() {
            // SAFETY: the caller's own arguments.
            return unsafe { resolve(name, service, wanted, out) };
        }
    }
    if wanted.ai_flags & libc::AI_ADDRCONFIG == 0 {
        // SAFETY: the caller's own arguments.
        return unsafe { real::getaddrinfo(node, service, hints, out) };
    }
    wanted.ai_flags &= !libc::AI_ADDRCONFIG;
    // What the kernel serves has the kernel's families; and without a name a server may well listen on the wildcards of both.
    if !name.is_none_or(|name| contained(|| is_bypassed(name)).unwrap_or(false)) {
        match wanted.ai_family {
            libc::AF_UNSPEC => wanted.ai_family = libc::AF_INET,
            libc::AF_INET6 => return libc::EAI_NONAME,
            _ => {}
        }
    }
    // SAFETY: the caller's own arguments, and a local for the hints; on success libc has made a list, which ends with a null.
    unsafe {
        let code = real::getaddrinfo(node, service, &raw const wanted, out);
        let mut entry = if code == 0 { *out } else { std::ptr::null_mut() };
        while let Some(info) = entry.as_mut() {
            info.ai_flags |= libc::AI_ADDRCONFIG;
            entry = info.ai_next;
        }
        code
    }
}

/// True for an IPv6 literal that MATNET_BYPASS or the loopback rule gives to the kernel.
fn is_bypassed(name: &str) -> bool {
    let literal = name.split('%').next().and_then(|n| n.parse().ok());
    literal.is_some_and(|ip| names::are_the_kernels(IpAddr::V6(ip)))
}

/// A kind of socket, as libc has found it for the service.
struct Template {
    socktype: c_int,
    protocol: c_int,
    /// In network order.
    port: u16,
}

/// # Safety
/// `service` and `out` must be what getaddrinfo takes.
unsafe fn resolve(name: &str, service: *const c_char, wanted: addrinfo, out: *mut *mut addrinfo) -> c_int {
    let flags = wanted.ai_flags;
    // SAFETY: as the caller has it.
    let templates = match unsafe { templates(service, &wanted) } {
        Ok(templates) => templates,
        Err(e) => return e,
    };
    let before = Errno::last();
    let own;
    let name = match flags & AI_IDN != 0 && !name.is_ascii() {
        true => match idn::to_ascii(name) {
            Some(ascii) => {
                own = ascii;
                own.as_str()
            }
            None => return EAI_IDN_ENCODE,
        },
        false => name,
    };
    let mut found = match contained(|| find(name, wanted.ai_family, flags)) {
        Some(Ok(found)) => found,
        Some(Err(code)) => return code,
        None => {
            Errno::EIO.set();
            return libc::EAI_SYSTEM;
        }
    };
    before.set();
    if flags & AI_CANONIDN != 0 {
        if let Some(unicode) = idn::to_unicode(&found.canonical) {
            found.canonical = unicode;
        }
    }
    let canonical = (flags & libc::AI_CANONNAME != 0).then_some(found.canonical);
    // SAFETY: `out` is valid.
    unsafe { build(&found.addrs, &templates, flags, canonical, out) }
}

/// What libc makes of everything but the node.
///
/// # Safety
/// `service` must be null or a C string.
unsafe fn templates(service: *const c_char, wanted: &addrinfo) -> Result<Vec<Template>, c_int> {
    let mut hints = *wanted;
    let asked = libc::AI_CANONNAME | libc::AI_ADDRCONFIG | AI_IDN | AI_CANONIDN;
    hints.ai_flags = (wanted.ai_flags & !asked) | libc::AI_NUMERICHOST;
    let node = if wanted.ai_family == libc::AF_INET6 { c"::" } else { c"0.0.0.0" };
    let mut list: *mut addrinfo = std::ptr::null_mut();
    // SAFETY: all are valid; libc fills the list on success.
    let code = unsafe { real::getaddrinfo(node.as_ptr(), service, &raw const hints, &raw mut list) };
    if code != 0 {
        return Err(code);
    }
    let mut templates = Vec::new();
    let mut entry = list;
    // SAFETY: a list of libc's ends with a null; its addresses are of either family, both with the port in the same place.
    unsafe {
        while let Some(info) = entry.as_ref() {
            let port = info.ai_addr.cast::<sockaddr_in>().read_unaligned().sin_port;
            templates.push(Template { socktype: info.ai_socktype, protocol: info.ai_protocol, port });
            entry = info.ai_next;
        }
        libc::freeaddrinfo(list);
    }
    Ok(templates)
}

/// The addresses in the order in which to try them, or an EAI_ code.
fn find(name: &str, family: c_int, flags: c_int) -> Result<Addresses, c_int> {
    let config = flags & libc::AI_ADDRCONFIG != 0;
    let simple =
        (family == libc::AF_INET || (config && family == libc::AF_UNSPEC)) && flags & libc::AI_CANONNAME == 0;
    // gethostbyname2_r takes digits and dots for an address, and this is none.
    if simple && hostent::is_number(name) {
        return Err(libc::EAI_NONAME);
    }
    let mut found = match family {
        libc::AF_INET6 if config => return Err(libc::EAI_NONAME),
        libc::AF_INET6 => ipv6(name, flags),
        libc::AF_INET => names::by_name(name, Family::V4),
        _ if config => names::by_name(name, Family::V4),
        _ => names::by_name(name, Family::Both),
    }
    .map_err(|fail| code(fail, simple))?;
    names::sort(&mut found.addrs);
    Ok(found)
}

/// IPv6 addresses, IPv4 ones mapped into them when AI_V4MAPPED and AI_ALL say so.
fn ipv6(name: &str, flags: c_int) -> Result<Addresses, Fail> {
    let first = names::by_name(name, Family::V6);
    let mapped = flags & libc::AI_V4MAPPED != 0 && (first.is_err() || flags & libc::AI_ALL != 0);
    if !mapped {
        return first;
    }
    let map = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => IpAddr::V6(v4.to_ipv6_mapped()),
        v6 => v6,
    };
    match (first, names::by_name(name, Family::V4)) {
        (Ok(mut host), Ok(more)) => {
            host.addrs.extend(more.addrs.into_iter().map(map));
            Ok(host)
        }
        (Err(_), Ok(mut host)) => {
            host.addrs.iter_mut().for_each(|a| *a = map(*a));
            Ok(host)
        }
        (Ok(host), Err(_)) => Ok(host),
        (Err(Fail::NotFound), Err(fail)) | (Err(fail), Err(_)) => Err(fail),
    }
}

/// getaddrinfo's word for a failure. `simple`: libc takes its short way, by gethostbyname2_r, and has another word for two of them.
fn code(fail: Fail, simple: bool) -> c_int {
    match fail {
        Fail::Unusable if simple => EAI_NODATA,
        Fail::TryAgain(Errno(0)) if simple => libc::EAI_NONAME,
        // Only gethostbyname's kin tell these apart.
        Fail::NotFound | Fail::NoRecovery | Fail::Unusable => libc::EAI_NONAME,
        Fail::NoData => EAI_NODATA,
        Fail::TryAgain(_) => libc::EAI_AGAIN,
    }
}

/// Room behind an addrinfo for its address.
#[repr(C)]
union Address {
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

/// An entry as glibc allocates it: freeaddrinfo frees the canonical name and then this.
#[repr(C)]
struct Entry {
    info: addrinfo,
    address: Address,
}

/// # Safety
/// `out` must be valid.
unsafe fn build(
    addrs: &[IpAddr],
    templates: &[Template],
    flags: c_int,
    canonical: Option<String>,
    out: *mut *mut addrinfo,
) -> c_int {
    let mut head: *mut addrinfo = std::ptr::null_mut();
    let mut tail: *mut *mut addrinfo = &raw mut head;
    let mut canonical = canonical.and_then(|name| CString::new(name).ok());
    for (addr, template) in addrs.iter().flat_map(|a| templates.iter().map(move |t| (*a, t))) {
        // SAFETY: the program's own malloc.
        let entry = unsafe { libc::malloc(size_of::<Entry>()) }.cast::<Entry>();
        if entry.is_null() {
            // SAFETY: what was built so far is a whole list.
            unsafe { libc::freeaddrinfo(head) };
            return libc::EAI_MEMORY;
        }
        // SAFETY: malloc aligns for any type, and all zero is valid for these.
        unsafe {
            entry.write_bytes(0, 1);
            let Entry { info, address } = &mut *entry;
            info.ai_flags = flags;
            info.ai_socktype = template.socktype;
            info.ai_protocol = template.protocol;
            fill(info, address, addr, template.port);
            if let Some(name) = canonical.take() {
                info.ai_canonname = libc::strdup(name.as_ptr());
            }
            tail.write(&raw mut *info);
            tail = &raw mut info.ai_next;
        }
    }
    if head.is_null() {
        return libc::EAI_NONAME;
    }
    // SAFETY: the caller vouches for it.
    unsafe { out.write(head) };
    0
}

/// Writes the address behind an entry.
fn fill(info: &mut addrinfo, address: &mut Address, addr: IpAddr, port: u16) {
    info.ai_addr = (&raw mut *address).cast::<c_void>().cast();
    match addr {
        IpAddr::V4(v4) => {
            info.ai_family = libc::AF_INET;
            info.ai_addrlen = size_of::<sockaddr_in>() as libc::socklen_t;
            // SAFETY: every bit pattern is valid for these.
            let to = unsafe { &mut address.v4 };
            to.sin_family = libc::AF_INET as libc::sa_family_t;
            to.sin_port = port;
            to.sin_addr.s_addr = network_order(v4);
        }
        IpAddr::V6(v6) => {
            info.ai_family = libc::AF_INET6;
            info.ai_addrlen = size_of::<sockaddr_in6>() as libc::socklen_t;
            // SAFETY: as above.
            let to = unsafe { &mut address.v6 };
            to.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            to.sin6_port = port;
            to.sin6_addr.s6_addr = v6.octets();
        }
    }
}

/// An address as struct in_addr has it.
pub(super) fn network_order(addr: Ipv4Addr) -> u32 {
    u32::from_ne_bytes(addr.octets())
}
