//! Sockets: making, naming, connecting, asking.

use libc::{c_int, c_long, c_void, sockaddr, socklen_t};
use matnet_host::Errno;
use matnet_host::posix::{self, SockAddr};
use matnet_host::runtime::{self, fdtable};

use super::contain::contained;
use super::table::real;
use super::{address, bytes, bytes_mut, made, ours, ours_or};

/// socket(2)
pub(super) unsafe fn socket(domain: c_int, ty: c_int, protocol: c_int) -> c_int {
    // SAFETY: no pointers.
    let kernel = || c_long::from(made(unsafe { real::socket(domain, ty, protocol) }));
    let internet = domain == libc::AF_INET || domain == libc::AF_INET6;
    if !internet || !contained(runtime::hooks_enabled).unwrap_or(false) {
        return kernel() as c_int;
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
            unsafe { room(len) }.inspect_err(|_| {
                let _ = posix::close(new);
            })?;
        }
        // SAFETY: as above.
        unsafe { store(&peer, addr, len) };
        Ok(new)
    }) as c_int
}

/// Checks the length of the room for an address, as the kernel does.
///
/// # Safety
/// `len` must be null or valid.
unsafe fn room(len: *const socklen_t) -> Result<(), Errno> {
    // SAFETY: the caller vouches for it.
    match unsafe { len.as_ref() } {
        None => Err(Errno::EFAULT),
        Some(&n) if n > i32::MAX as u32 => Err(Errno::EINVAL),
        Some(_) => Ok(()),
    }
}

/// Gives the program an address, cut to its room, if it asked for one.
///
/// # Safety
/// `addr` must be null or have room for `*len` bytes.
pub(super) unsafe fn store(from: &SockAddr, addr: *mut sockaddr, len: *mut socklen_t) {
    if !addr.is_null() && !len.is_null() {
        // SAFETY: the caller vouches for it.
        unsafe { posix::store_sockaddr(from, addr, len) };
    }
}

unsafe fn name(
    ask: impl FnOnce() -> Result<SockAddr, Errno>,
    addr: *mut sockaddr,
    len: *mut socklen_t,
) -> c_int {
    ours(|| {
        let found = ask()?;
        // SAFETY: the caller's own arguments.
        unsafe { room(len) }?;
        if addr.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: as above.
        unsafe { store(&found, addr, len) };
        Ok(())
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
        let len = unsafe {
            room(len)?;
            &mut *len
        };
        // SAFETY: the value has room for `*len` bytes.
        let n = posix::getsockopt(fd, level, option, unsafe { bytes_mut(value, *len as usize) }?)?;
        *len = socklen_t::try_from(n).unwrap_or(*len);
        Ok(())
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
    let given = match unsafe { bytes(value, len as usize) } {
        Ok(given) => given,
        Err(e) => return super::fail(e) as c_int,
    };
    ours_or(
        || posix::setsockopt(fd, level, option, given),
        // SAFETY: as above.
        || c_long::from(unsafe { real::setsockopt(fd, level, option, value, len) }),
    ) as c_int
}
