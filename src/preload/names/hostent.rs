//! gethostbyname(3), gethostbyaddr(3) and their _r forms.
//!
//! The _r forms put everything into the caller's buffer, or say ERANGE; the others into one of ours, good until the next call, as in
//! libc. Numbers given as names are libc's. Return values and h_errno follow nss/getXXbyYY_r.c: a name that is not there is a
//! success without a result.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use libc::{c_char, c_int, c_void, hostent, size_t, socklen_t};
use matnet_host::Errno;
use matnet_host::names::{self, Addresses, Fail, Family};

use super::{INTERNAL, set_h_errno, text};
use crate::preload::contain::contained;
use crate::preload::table::real;

/// True for what libc answers without asking anybody: digits and dots, or an IPv6 literal.
pub(super) fn is_number(name: &str) -> bool {
    let digits = name.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !name.ends_with('.');
    let hex = name.contains(':') && name.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
    digits || hex
}

/// The name and family to ask for, if the call is ours.
///
/// # Safety
/// `name` must be null or a C string.
unsafe fn question<'a>(name: *const c_char, family: c_int) -> Option<(&'a str, Family)> {
    let family = match family {
        libc::AF_INET => Family::V4,
        libc::AF_INET6 => Family::V6,
        _ => return None,
    };
    // SAFETY: the caller vouches for it.
    let name = unsafe { text(name) }.filter(|n| !is_number(n))?;
    super::are_ours().then_some((name, family))
}

fn ask_name(name: &str, family: Family) -> Option<Result<Addresses, Fail>> {
    contained(|| names::by_name(name, family))
}

/// As [`ask_name`], with what an _r form returns for the failure.
fn by_name(name: &str, family: Family) -> Option<Result<Addresses, (Fail, c_int)>> {
    ask_name(name, family).map(|found| found.map_err(|fail| (fail, errno_of(fail))))
}

/// No name server answers in so little room, and libc does not ask then.
const LEAST: size_t = 64;

/// The results of the functions without a buffer of the caller's.
struct Kept(hostent, Vec<u64>);

// SAFETY: only touched under the mutex; what its pointers lead to is its own vector.
unsafe impl Send for Kept {}

static KEPT: Mutex<Kept> = Mutex::new(Kept(
    hostent {
        h_name: std::ptr::null_mut(),
        h_aliases: std::ptr::null_mut(),
        h_addrtype: 0,
        h_length: 0,
        h_addr_list: std::ptr::null_mut(),
    },
    Vec::new(),
));

fn keep(found: Option<Result<Addresses, Fail>>) -> *mut hostent {
    let host = match found {
        Some(Ok(host)) => host,
        Some(Err(fail)) => {
            set_h_errno(fail.h_errno());
            return std::ptr::null_mut();
        }
        None => {
            Errno::EIO.set();
            set_h_errno(INTERNAL);
            return std::ptr::null_mut();
        }
    };
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let Kept(entry, memory) = &mut *kept;
    loop {
        let bytes = memory.len() * 8;
        // SAFETY: the vector has that many bytes, and the entry lives in a static.
        if unsafe { store(&host, entry, memory.as_mut_ptr().cast(), bytes) } {
            return std::ptr::from_mut(entry);
        }
        memory.resize((memory.len() * 2).max(128), 0);
    }
}

/// gethostbyname(3)
pub(in crate::preload) unsafe fn gethostbyname(name: *const c_char) -> *mut hostent {
    // SAFETY: the caller's own argument.
    match unsafe { question(name, libc::AF_INET) } {
        Some((name, family)) => keep(ask_name(name, family)),
        // SAFETY: as above.
        None => unsafe { real::gethostbyname(name) },
    }
}

/// gethostbyname2(3)
pub(in crate::preload) unsafe fn gethostbyname2(name: *const c_char, family: c_int) -> *mut hostent {
    // SAFETY: the caller's own arguments.
    match unsafe { question(name, family) } {
        Some((name, family)) => keep(ask_name(name, family)),
        // SAFETY: as above.
        None => unsafe { real::gethostbyname2(name, family) },
    }
}

/// gethostbyname_r(3)
pub(in crate::preload) unsafe fn gethostbyname_r(
    name: *const c_char,
    entry: *mut hostent,
    buf: *mut c_char,
    len: size_t,
    result: *mut *mut hostent,
    h_errno: *mut c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        match question(name, libc::AF_INET) {
            Some((name, family)) => give(|| by_name(name, family), entry, buf, len, result, h_errno),
            None => real::gethostbyname_r(name, entry, buf, len, result, h_errno),
        }
    }
}

/// gethostbyname2_r(3)
pub(in crate::preload) unsafe fn gethostbyname2_r(
    name: *const c_char,
    family: c_int,
    entry: *mut hostent,
    buf: *mut c_char,
    len: size_t,
    result: *mut *mut hostent,
    h_errno: *mut c_int,
) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe {
        match question(name, family) {
            Some((name, family)) => give(|| by_name(name, family), entry, buf, len, result, h_errno),
            None => real::gethostbyname2_r(name, family, entry, buf, len, result, h_errno),
        }
    }
}

/// The address to ask for, if the call is ours.
///
/// # Safety
/// `addr` must be null or valid for reads of `len` bytes.
unsafe fn address(addr: *const c_void, len: socklen_t, family: c_int) -> Option<IpAddr> {
    if addr.is_null() || !super::are_ours() {
        return None;
    }
    // SAFETY: the caller vouches for it.
    unsafe {
        match (family, len) {
            (libc::AF_INET, 4) => Some(IpAddr::V4(Ipv4Addr::from(addr.cast::<[u8; 4]>().read()))),
            (libc::AF_INET6, 16) => Some(IpAddr::V6(Ipv6Addr::from(addr.cast::<[u8; 16]>().read()))),
            _ => None,
        }
    }
}

/// gethostbyaddr(3)
pub(in crate::preload) unsafe fn gethostbyaddr(
    addr: *const c_void,
    len: socklen_t,
    family: c_int,
) -> *mut hostent {
    // SAFETY: the caller's own arguments.
    match unsafe { address(addr, len, family) } {
        Some(ip) => keep(contained(|| names::by_addr(ip))),
        // SAFETY: as above.
        None => unsafe { real::gethostbyaddr(addr, len, family) },
    }
}

/// gethostbyaddr_r(3)
#[allow(clippy::too_many_arguments, reason = "libc's own")]
pub(in crate::preload) unsafe fn gethostbyaddr_r(
    addr: *const c_void,
    addr_len: socklen_t,
    family: c_int,
    entry: *mut hostent,
    buf: *mut c_char,
    len: size_t,
    result: *mut *mut hostent,
    h_errno: *mut c_int,
) -> c_int {
    // nss_dns tells a server that is not there from a host that is not (_nss_dns_gethostbyaddr2_r); all else is "not found".
    let ask = |ip| {
        contained(|| names::by_addr(ip)).map(|found| match found {
            Err(fail @ Fail::TryAgain(e)) if e != Errno::ECONNREFUSED => Err((fail, 0)),
            other => other.map_err(|fail| (fail, errno_of(fail))),
        })
    };
    // SAFETY: the caller's own arguments.
    unsafe {
        match address(addr, addr_len, family) {
            Some(ip) => give(|| ask(ip), entry, buf, len, result, h_errno),
            None => real::gethostbyaddr_r(addr, addr_len, family, entry, buf, len, result, h_errno),
        }
    }
}

/// The end of every _r form.
///
/// # Safety
/// The pointers must be what gethostbyname_r takes.
unsafe fn give(
    ask: impl FnOnce() -> Option<Result<Addresses, (Fail, c_int)>>,
    entry: *mut hostent,
    buf: *mut c_char,
    len: size_t,
    result: *mut *mut hostent,
    h_errno: *mut c_int,
) -> c_int {
    let too_small = (std::ptr::null_mut(), INTERNAL, libc::ERANGE);
    let found = if len < LEAST { None } else { Some(ask()) };
    let (value, code, errno) = match found {
        None => too_small,
        Some(Some(Ok(host))) => {
            // SAFETY: the caller vouches for the entry and its buffer.
            if unsafe { store(&host, &mut *entry, buf, len) } { (entry, 0, 0) } else { too_small }
        }
        Some(Some(Err((fail, errno)))) => (std::ptr::null_mut(), fail.h_errno(), errno),
        Some(None) => (std::ptr::null_mut(), INTERNAL, libc::EIO),
    };
    if errno != 0 {
        Errno(errno).set();
    }
    // SAFETY: as above.
    unsafe {
        result.write(value);
        // On success libc leaves h_errno as NETDB_SUCCESS, 0.
        h_errno.write(code);
    }
    errno
}

/// What an _r form returns for a failure.
fn errno_of(fail: Fail) -> c_int {
    match fail {
        Fail::NotFound | Fail::NoData | Fail::NoRecovery => 0,
        Fail::TryAgain(e) => e.0,
        Fail::Unusable => libc::ENOENT,
    }
}

/// Writes a host into `entry`, with everything that it points to in `buf`; false when that is too small.
///
/// # Safety
/// `buf` must be valid for writes of `len` bytes.
unsafe fn store(host: &Addresses, entry: &mut hostent, buf: *mut c_char, len: usize) -> bool {
    let v6 = host.addrs.first().is_some_and(IpAddr::is_ipv6);
    let size = if v6 { 16 } else { 4 };
    let pad = buf.align_offset(align_of::<*mut c_char>());
    let pointers = host.addrs.len() + 1 + host.aliases.len() + 1;
    let texts: usize = host.aliases.iter().chain([&host.canonical]).map(|t| t.len() + 1).sum();
    let needed = pad + pointers * size_of::<*mut c_char>() + host.addrs.len() * size + texts;
    if needed > len {
        return false;
    }
    // SAFETY: everything below stays within `needed` bytes: the two lists of pointers, the addresses, the strings.
    unsafe {
        let addrs = buf.add(pad).cast::<*mut c_char>();
        let aliases = addrs.add(host.addrs.len() + 1);
        let mut at = aliases.add(host.aliases.len() + 1).cast::<c_char>();
        for (i, addr) in host.addrs.iter().enumerate() {
            match addr {
                IpAddr::V4(v4) => at.cast::<[u8; 4]>().write(v4.octets()),
                IpAddr::V6(v6) => at.cast::<[u8; 16]>().write(v6.octets()),
            }
            addrs.add(i).write(at);
            at = at.add(size);
        }
        addrs.add(host.addrs.len()).write(std::ptr::null_mut());
        for (i, alias) in host.aliases.iter().enumerate() {
            aliases.add(i).write(at);
            at = put(at, alias);
        }
        aliases.add(host.aliases.len()).write(std::ptr::null_mut());
        entry.h_name = at;
        put(at, &host.canonical);
        entry.h_aliases = aliases;
        entry.h_addr_list = addrs;
    }
    entry.h_addrtype = if v6 { libc::AF_INET6 } else { libc::AF_INET };
    entry.h_length = size as c_int;
    true
}

/// Writes a C string and returns where it ends.
///
/// # Safety
/// There must be room for it.
unsafe fn put(at: *mut c_char, text: &str) -> *mut c_char {
    // SAFETY: the caller vouches for it.
    unsafe {
        at.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len());
        at.add(text.len()).write(0);
        at.add(text.len() + 1)
    }
}
