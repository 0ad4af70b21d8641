//! Calls that libc makes out of others, which never pass a hook.
//!
//! What libc does to a descriptor inside such a call is either done here by our own bodies (bindresvport, the source filters), or made to
//! work by itself (`runtime::spill`: aio, backtrace_symbols_fd), or its outcome is noted (daemon, forkpty and login_tty put something else on
//! 0, 1 and 2, pclose and closedir close a number).

use std::ffi::c_void;

use libc::{DIR, FILE, c_char, c_int, in_addr, pid_t, sockaddr, sockaddr_in, sockaddr_storage, socklen_t};
use matnet_host::Errno;
use matnet_host::posix;
use matnet_host::runtime::fdtable::{self, is_noted, is_special};

use super::contain::contained;
use super::table::real;
use super::{create, data, fail};

/// The number is somebody else's now.
fn gone(fd: c_int) {
    if is_noted(fd) {
        let _ = contained(|| posix::forget(fd));
    }
}

/// 0, 1 and 2 were replaced inside libc.
fn standard_replaced() {
    (0..=2).for_each(gone);
}

/// libc is about to read or write `fd` by itself; false with errno when that cannot work.
fn prepare(fd: c_int) -> bool {
    match is_special(fd).then(|| contained(|| posix::spill(fd))) {
        Some(Some(Err(e))) => {
            e.set();
            false
        }
        _ => true,
    }
}

/// daemon(3)
pub(super) unsafe fn daemon(stay: c_int, keep: c_int) -> c_int {
    // SAFETY: no pointers.
    let result = unsafe { real::daemon(stay, keep) };
    if result == 0 && keep == 0 {
        standard_replaced();
    }
    result
}

/// login_tty(3)
pub(super) unsafe fn login_tty(fd: c_int) -> c_int {
    // SAFETY: no pointers.
    let result = unsafe { real::login_tty(fd) };
    if result == 0 {
        standard_replaced();
        gone(fd);
    }
    result
}

/// forkpty(3)
pub(super) unsafe fn forkpty(
    main: *mut c_int,
    name: *mut c_char,
    modes: *const c_void,
    size: *const c_void,
) -> pid_t {
    // SAFETY: the caller's own arguments.
    let result = unsafe { real::forkpty(main, name, modes, size) };
    match result {
        0 => standard_replaced(),
        // SAFETY: filled in on success.
        1.. => gone(unsafe { *main }),
        _ => {}
    }
    result
}

/// openpty(3)
pub(super) unsafe fn openpty(
    main: *mut c_int,
    sub: *mut c_int,
    name: *mut c_char,
    modes: *const c_void,
    size: *const c_void,
) -> c_int {
    // SAFETY: the caller's own arguments, filled in on success.
    unsafe {
        let result = real::openpty(main, sub, name, modes, size);
        if result == 0 {
            gone(*main);
            gone(*sub);
        }
        result
    }
}

/// pclose(3)
pub(super) unsafe fn pclose(stream: *mut FILE) -> c_int {
    // SAFETY: the caller's own argument.
    let fd = unsafe { libc::fileno(stream) };
    gone(fd);
    fdtable::note_stream(fd, false);
    // SAFETY: as above.
    unsafe { real::pclose(stream) }
}

/// closedir(3)
pub(super) unsafe fn closedir(dir: *mut DIR) -> c_int {
    if !dir.is_null() {
        // SAFETY: the caller's own argument.
        gone(unsafe { libc::dirfd(dir) });
    }
    // SAFETY: as above.
    unsafe { real::closedir(dir) }
}

/// backtrace_symbols_fd(3)
pub(super) unsafe fn backtrace_symbols_fd(addresses: *const *mut c_void, n: c_int, fd: c_int) {
    prepare(fd);
    // SAFETY: the caller's own arguments.
    unsafe { real::backtrace_symbols_fd(addresses, n, fd) }
}

/// The descriptor of an aio request, which is its first field in every libc.
unsafe fn prepare_request(request: *const c_int) -> bool {
    // SAFETY: the caller's own argument.
    request.is_null() || unsafe { prepare(*request) }
}

/// aio_read(3); a thread of libc's reads the number.
pub(super) unsafe fn aio_read(request: *mut c_int) -> c_int {
    // SAFETY: the caller's own argument.
    unsafe { if prepare_request(request) { real::aio_read(request) } else { -1 } }
}

/// aio_write(3)
pub(super) unsafe fn aio_write(request: *mut c_int) -> c_int {
    // SAFETY: the caller's own argument.
    unsafe { if prepare_request(request) { real::aio_write(request) } else { -1 } }
}

/// lio_listio(3)
pub(super) unsafe fn lio_listio(mode: c_int, list: *const *mut c_int, n: c_int, event: *mut c_void) -> c_int {
    for i in 0..usize::try_from(n).unwrap_or(0) {
        // SAFETY: the caller's own arguments. One that cannot be served fails by itself.
        unsafe { prepare_request(*list.add(i)) };
    }
    // SAFETY: as above.
    unsafe { real::lio_listio(mode, list, n, event) }
}

/// eventfd_read(3) of a socket of ours: eight bytes, or it failed.
pub(super) unsafe fn eventfd_read(fd: c_int, value: *mut u64) -> c_int {
    // SAFETY: the caller's own argument.
    if unsafe { data::read(fd, value.cast(), 8) } == 8 { 0 } else { -1 }
}

/// eventfd_write(3) to a socket of ours.
pub(super) unsafe fn eventfd_write(fd: c_int, value: u64) -> c_int {
    // SAFETY: the value is a local.
    if unsafe { data::write(fd, (&raw const value).cast(), 8) } == 8 { 0 } else { -1 }
}

/// bindresvport(3): a free port of those that only root may bind, 600 to 1023, then 512 to 599 (sunrpc/bindrsvprt.c).
pub(super) unsafe fn bindresvport(fd: c_int, address: *mut sockaddr_in) -> c_int {
    // SAFETY: all zero is an address.
    let mut own: sockaddr_in = unsafe { std::mem::zeroed() };
    own.sin_family = libc::AF_INET as libc::sa_family_t;
    // SAFETY: null or the caller's own.
    let address = unsafe { address.as_mut() }.unwrap_or(&mut own);
    if c_int::from(address.sin_family) != libc::AF_INET {
        return fail(Errno(libc::EAFNOSUPPORT)) as c_int;
    }
    // Starts anywhere, so that a port in TIME_WAIT is not tried first each time.
    let first = std::process::id() % 424;
    for n in 0..512 {
        let port = if n < 424 { 600 + (first + n) % 424 } else { 512 + n - 424 };
        address.sin_port = (port as u16).to_be();
        let at: *const sockaddr_in = address;
        // SAFETY: a whole address.
        let result =
            unsafe { create::bind(fd, at.cast::<sockaddr>(), size_of::<sockaddr_in>() as socklen_t) };
        if result == 0 || Errno::last() != Errno(libc::EADDRINUSE) {
            return result;
        }
    }
    -1
}

/// MCAST_MSFILTER, struct group_filter (ip(7)): the interface, the group, the mode, and the sources.
const MSFILTER: c_int = 48;
const HEAD: usize = 8 + 128 + 8;

/// The level that a group's family belongs to; None: none.
fn level(family: c_int) -> Option<c_int> {
    match family {
        libc::AF_INET => Some(libc::IPPROTO_IP),
        libc::AF_INET6 => Some(libc::IPPROTO_IPV6),
        _ => None,
    }
}

/// The beginning of a group_filter; None when the group is none.
unsafe fn filter(
    interface: u32,
    group: *const sockaddr,
    len: socklen_t,
    mode: u32,
    n: u32,
) -> Option<(c_int, Vec<u8>)> {
    if group.is_null() || len as usize > 128 || len < 2 {
        return None;
    }
    // SAFETY: the caller's own argument of `len` bytes.
    let (family, bytes) = unsafe {
        (c_int::from((*group).sa_family), std::slice::from_raw_parts(group.cast::<u8>(), len as usize))
    };
    let mut head = Vec::with_capacity(HEAD + n as usize * 128);
    head.extend_from_slice(&interface.to_ne_bytes());
    head.resize(8, 0);
    head.extend_from_slice(bytes);
    head.resize(8 + 128, 0);
    head.extend_from_slice(&mode.to_ne_bytes());
    head.extend_from_slice(&n.to_ne_bytes());
    Some((level(family)?, head))
}

/// setsourcefilter(3)
pub(super) unsafe fn setsourcefilter(
    fd: c_int,
    interface: u32,
    group: *const sockaddr,
    len: socklen_t,
    mode: u32,
    n: u32,
    sources: *const sockaddr_storage,
) -> c_int {
    // SAFETY: the caller's own arguments: `n` sources.
    unsafe {
        let Some((level, mut whole)) = filter(interface, group, len, mode, n.min(1024)) else {
            return fail(Errno::EINVAL) as c_int;
        };
        if n > 1024 {
            return fail(Errno(libc::ENOBUFS)) as c_int;
        }
        if n > 0 {
            whole.extend_from_slice(std::slice::from_raw_parts(sources.cast::<u8>(), n as usize * 128));
        }
        create::setsockopt(fd, level, MSFILTER, whole.as_ptr().cast(), whole.len() as socklen_t)
    }
}

/// getsourcefilter(3)
pub(super) unsafe fn getsourcefilter(
    fd: c_int,
    interface: u32,
    group: *const sockaddr,
    len: socklen_t,
    mode: *mut u32,
    n: *mut u32,
    sources: *mut sockaddr_storage,
) -> c_int {
    // SAFETY: the caller's own arguments: room for `*n` sources.
    unsafe {
        let room = *n;
        let Some((level, mut whole)) = filter(interface, group, len, 0, room.min(1024)) else {
            return fail(Errno::EINVAL) as c_int;
        };
        let fits = room.min(1024) as usize;
        whole.resize(HEAD + fits * 128, 0);
        let mut got = whole.len() as socklen_t;
        if create::getsockopt(fd, level, MSFILTER, whole.as_mut_ptr().cast(), &raw mut got) < 0 {
            return -1;
        }
        let word =
            |at: usize| whole.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_ne_bytes);
        (*mode, *n) = (word(136), word(140));
        let have = (word(140) as usize).min(fits) * 128;
        if have > 0 {
            whole.as_ptr().add(HEAD).copy_to_nonoverlapping(sources.cast(), have);
        }
        0
    }
}

/// setipv4sourcefilter(3): IP_MSFILTER (41), struct ip_msfilter.
pub(super) unsafe fn setipv4sourcefilter(
    fd: c_int,
    interface: in_addr,
    group: in_addr,
    mode: u32,
    n: u32,
    sources: *const in_addr,
) -> c_int {
    if n > 1024 {
        return fail(Errno(libc::ENOBUFS)) as c_int;
    }
    let mut words = vec![group.s_addr, interface.s_addr, mode, n];
    // SAFETY: the caller's own arguments: `n` sources.
    unsafe {
        words.extend((0..n as usize).map(|i| (*sources.add(i)).s_addr));
        create::setsockopt(fd, libc::IPPROTO_IP, 41, words.as_ptr().cast(), (words.len() * 4) as socklen_t)
    }
}

/// getipv4sourcefilter(3)
pub(super) unsafe fn getipv4sourcefilter(
    fd: c_int,
    interface: in_addr,
    group: in_addr,
    mode: *mut u32,
    n: *mut u32,
    sources: *mut in_addr,
) -> c_int {
    // SAFETY: the caller's own arguments: room for `*n` sources.
    unsafe {
        let room = (*n).min(1024) as usize;
        let mut words = vec![group.s_addr, interface.s_addr, 0, room as u32];
        words.resize(4 + room, 0);
        let mut len = (words.len() * 4) as socklen_t;
        if create::getsockopt(fd, libc::IPPROTO_IP, 41, words.as_mut_ptr().cast(), &raw mut len) < 0 {
            return -1;
        }
        let &[_, _, got_mode, got, ..] = words.as_slice() else { return -1 };
        (*mode, *n) = (got_mode, got);
        for (i, &s) in words.iter().skip(4).take(room.min(got as usize)).enumerate() {
            (*sources.add(i)).s_addr = s;
        }
        0
    }
}

/// rresvport_af(3): a connection's end on a port that only root may bind.
pub(super) unsafe fn rresvport_af(port: *mut c_int, family: libc::sa_family_t) -> c_int {
    // SAFETY: the caller's own arguments; the address is a local with room for either family.
    unsafe {
        let mut at: sockaddr_storage = std::mem::zeroed();
        at.ss_family = family;
        let len = match c_int::from(family) {
            libc::AF_INET => size_of::<sockaddr_in>(),
            libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
            _ => return fail(Errno(libc::EAFNOSUPPORT)) as c_int,
        } as socklen_t;
        let fd = create::socket(family.into(), libc::SOCK_STREAM, 0);
        if fd < 0 {
            return -1;
        }
        // From the given one downwards, round once (inet/rcmd.c).
        let start = (*port).clamp(512, 1023);
        for n in 0..512 {
            let next = 512 + (start - 512 - n).rem_euclid(512);
            // Both families have the port in the same place.
            (*(&raw mut at).cast::<sockaddr_in>()).sin_port = (next as u16).to_be();
            let bound = if is_special(fd) {
                create::bind(fd, (&raw const at).cast(), len)
            } else {
                real::bind(fd, (&raw const at).cast(), len)
            };
            if bound == 0 {
                *port = next;
                return fd;
            }
            let e = Errno::last();
            if e != Errno(libc::EADDRINUSE) {
                super::fds::close(fd);
                e.set();
                return -1;
            }
        }
        super::fds::close(fd);
        fail(Errno::EAGAIN) as c_int
    }
}

/// rresvport(3)
pub(super) unsafe fn rresvport(port: *mut c_int) -> c_int {
    // SAFETY: the caller's own argument.
    unsafe { rresvport_af(port, libc::AF_INET as libc::sa_family_t) }
}
