//! Sockets: making, naming, connecting, asking.

use libc::{c_int, c_long, c_void, sockaddr, socklen_t};
use matnet_host::Errno;
use matnet_host::posix::{self, SockAddr};
use matnet_host::runtime::{self, fdtable, probe};

use super::contain::contained;
use super::table::real;
use super::{address, bytes, made, ours, ours_or};

/// socket(2)
pub(super) unsafe fn socket(domain: c_int, ty: c_int, protocol: c_int) -> c_int {
    // SAFETY: no pointers.
    let kernel = || c_long::from(made(unsafe { real::socket(domain, ty, protocol) }));
    let internet = domain == libc::AF_INET || domain == libc::AF_INET6;
    let netlink = domain == libc::AF_NETLINK;
    if !(internet || netlink) || !contained(runtime::hooks_enabled).unwrap_or(false) {
        return kernel() as c_int;
    }
    if netlink {
        return super::netlink::made(kernel() as c_int, protocol);
    }
    ours_or(|| posix::socket(domain, ty, protocol), kernel) as c_int
}

/// socketpair(2): never ours.
pub(super) unsafe fn socketpair(domain: c_int, ty: c_int, protocol: c_int, pair: *mut c_int) -> c_int {
    // SAFETY: the caller's own arguments.
    let result = unsafe { real::socketpair(domain, ty, protocol, pair) };
    // SAFETY: the kernel has filled the pair.
    if result == 0 { unsafe { made_pair(pair) } } else { result }
}

/// Both numbers of a call that makes two.
///
/// # Safety
/// `pair` must be valid for two numbers.
pub(super) unsafe fn made_pair(pair: *mut c_int) -> c_int {
    // SAFETY: the caller vouches for it.
    let (first, second) = unsafe { (*pair, *pair.add(1)) };
    match (made(first), made(second)) {
        (0.., 0..) => 0,
        (kept, other) => {
            for fd in [kept, other] {
                let _ = matnet_host::runtime::sys::close(fd);
            }
            Errno::EMFILE.set();
            -1
        }
    }
}

/// bind(2)
pub(super) unsafe fn bind(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int {
    // SAFETY: the caller's own arguments.
    let to = match unsafe { address(addr, len) } {
        Ok(to) => to,
        Err(e) => return super::fail(e) as c_int,
    };
    // SAFETY: as above.
    ours_or(|| posix::bind(fd, to), || c_long::from(unsafe { real::bind(fd, addr, len) })) as c_int
}

/// connect(2)
pub(super) unsafe fn connect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int {
    // SAFETY: the caller's own arguments.
    let to = match unsafe { address(addr, len) } {
        Ok(to) => to,
        Err(e) => return super::fail(e) as c_int,
    };
    // SAFETY: as above.
    ours_or(|| posix::connect(fd, to), || c_long::from(unsafe { real::connect(fd, addr, len) })) as c_int
}

/// listen(2)
pub(super) unsafe fn listen(fd: c_int, backlog: c_int) -> c_int {
    ours(|| posix::listen(fd, backlog)) as c_int
}

/// accept(2)
pub(super) unsafe fn accept(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int {
    if !fdtable::is_special(fd) {
        // SAFETY: the caller's own arguments.
        return made(unsafe { real::accept(fd, addr, len) });
    }
    // SAFETY: as above.
    unsafe { accept_ours(fd, addr, len, 0) }
}

/// accept4(2)
pub(super) unsafe fn accept4(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int {
    if !fdtable::is_special(fd) {
        // SAFETY: the caller's own arguments.
        return made(unsafe { real::accept4(fd, addr, len, flags) });
    }
    // SAFETY: as above.
    unsafe { accept_ours(fd, addr, len, flags) }
}

unsafe fn accept_ours(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t, flags: c_int) -> c_int {
    ours(|| {
        if flags & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) != 0 {
            return Err(Errno::EINVAL);
        }
        let (new, peer) = posix::accept(fd, flags)?;
        if !addr.is_null() {
            // As in the kernel, a bad length costs the connection.
            // SAFETY: the caller's own arguments.
            unsafe { room(len).and_then(|_| store(&peer, addr, len)) }.inspect_err(|_| {
                let _ = posix::close(new);
            })?;
        }
        Ok(new)
    }) as c_int
}

/// The length of the room for an address, checked as the kernel does.
///
/// # Safety
/// Nobody else writes to `len` during the call.
pub(super) unsafe fn room(len: *const socklen_t) -> Result<socklen_t, Errno> {
    match probe::read(len)? {
        n if n > i32::MAX as u32 => Err(Errno::EINVAL),
        n => Ok(n),
    }
}

/// Gives the program an address, cut to its room, if it asked for one.
///
/// # Safety
/// `addr` must be null or have room for `*len` bytes.
pub(super) unsafe fn store(from: &SockAddr, addr: *mut sockaddr, len: *mut socklen_t) -> Result<(), Errno> {
    if addr.is_null() || len.is_null() {
        return Ok(());
    }
    // SAFETY: the caller vouches for it.
    unsafe { posix::store_sockaddr(from, addr, len) }
}

unsafe fn name(
    ask: impl FnOnce() -> Result<SockAddr, Errno>,
    addr: *mut sockaddr,
    len: *mut socklen_t,
) -> c_int {
    ours(|| {
        let found = ask()?;
        // SAFETY: the caller's own arguments.
        if unsafe { room(len) }? > 0 && addr.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: as above.
        unsafe { posix::store_sockaddr(&found, addr, len) }
    }) as c_int
}

/// getsockname(2)
pub(super) unsafe fn getsockname(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe { name(|| posix::getsockname(fd), addr, len) }
}

/// getpeername(2)
pub(super) unsafe fn getpeername(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int {
    // SAFETY: the caller's own arguments.
    unsafe { name(|| posix::getpeername(fd), addr, len) }
}

/// shutdown(2)
pub(super) unsafe fn shutdown(fd: c_int, how: c_int) -> c_int {
    ours(|| posix::shutdown(fd, how)) as c_int
}

/// The longest answer of getsockopt, and the most that setsockopt reads.
const MOST_FOUND: usize = 1536;
const MOST_GIVEN: usize = 64 << 10;

/// getsockopt(2)
pub(super) unsafe fn getsockopt(
    fd: c_int,
    level: c_int,
    option: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    ours(|| {
        // SAFETY: the caller's own arguments.
        let given = unsafe { room(len) }? as usize;
        let mut found = [0; MOST_FOUND];
        let room = found.get_mut(..given.min(MOST_FOUND)).unwrap_or(&mut []);
        if posix::getsockopt_asks(level, option) {
            // The question lies where the answer goes.
            let there = probe::readable_prefix(value.cast_const().cast(), room.len());
            // SAFETY: the caller's own arguments, readable so far.
            let question = unsafe { bytes(value, there) }?;
            room.iter_mut().zip(question).for_each(|(to, from)| *to = *from);
        }
        let n = posix::getsockopt(fd, level, option, room)?;
        let found = found.get(..n).unwrap_or(&[]);
        probe::write_bytes(value.cast(), found)?;
        probe::write(len, found.len() as socklen_t)
    }) as c_int
}

/// setsockopt(2)
pub(super) unsafe fn setsockopt(
    fd: c_int,
    level: c_int,
    option: c_int,
    value: *const c_void,
    len: socklen_t,
) -> c_int {
    if len > i32::MAX as u32 {
        return super::fail(Errno::EINVAL) as c_int;
    }
    // SAFETY: the caller's own arguments.
    let given = match unsafe { bytes(value, (len as usize).min(MOST_GIVEN)) } {
        Ok(given) => given,
        Err(e) => return super::fail(e) as c_int,
    };
    // Most options read an int of what is there, and a length may be beyond it.
    let there = probe::readable_prefix(given.as_ptr(), given.len());
    // Too short is found before it is read, except where a byte would do (do_ip_setsockopt).
    let reads = given.len() >= size_of::<c_int>() || level == libc::IPPROTO_IP;
    if reads && there < given.len().min(size_of::<c_int>()) {
        return super::fail(Errno::EFAULT) as c_int;
    }
    let given = given.get(..there).unwrap_or(given);
    ours_or(
        || posix::setsockopt(fd, level, option, given),
        // SAFETY: as above.
        || c_long::from(unsafe { real::setsockopt(fd, level, option, value, len) }),
    ) as c_int
}
