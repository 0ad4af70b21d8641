//! Making sockets, naming them, connecting them; their options.

use std::ffi::c_void;

use libc::{c_int, sockaddr, socklen_t};
use matnet_host::{Errno, posix};

use crate::call::{address, bytes, bytes_mut, check_room, fresh, int, kernel, or_kernel, ours, zero};
use crate::exit;

/// Makes a socket of the program's own host, as socket(2). The first one starts the stack: it opens
/// (or makes) the TAP device.
///
/// AF_INET, and AF_INET6 for IPv4 in v4-mapped addresses, with SOCK_STREAM, SOCK_DGRAM, or
/// SOCK_DGRAM with IPPROTO_ICMP (ping). SOCK_NONBLOCK and SOCK_CLOEXEC may be or-ed to the type.
/// Any other family gives a socket of the kernel. MATNET_HOOK has no say here.
///
/// Returns a real file descriptor. -1 and errno as socket(2); ENETDOWN when the stack cannot start:
/// one line on standard error (or in the log file) says why and what to do.
#[unsafe(no_mangle)]
pub extern "C" fn matnet_socket(domain: c_int, r#type: c_int, protocol: c_int) -> c_int {
    exit::keep();
    int(or_kernel(posix::socket(domain, r#type, protocol), || {
        fresh(kernel!(SYS_socket, domain, r#type, protocol))
    }))
}

/// Gives a socket its local address, as bind(2). An address in 127.0.0.0/8 or in MATNET_BYPASS
/// makes it a socket of the kernel, with the same number and the options set so far.
///
/// Returns 0, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn matnet_bind(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int {
    let plain = || kernel!(SYS_bind, fd, addr, len).map(drop);
    if !ours(fd) {
        return zero(plain());
    }
    // SAFETY: the caller vouches for the address.
    zero(unsafe { address(addr, len) }.and_then(|a| or_kernel(posix::bind(fd, a), plain)))
}

/// Makes a stream socket accept connections, as listen(2).
///
/// Returns 0, or -1 and errno.
#[unsafe(no_mangle)]
pub extern "C" fn matnet_listen(fd: c_int, backlog: c_int) -> c_int {
    zero(if ours(fd) { posix::listen(fd, backlog) } else { kernel!(SYS_listen, fd, backlog).map(drop) })
}

/// Takes the next connection, as accept(2). `addr` and `len` may both be NULL.
///
/// Returns a new file descriptor, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_accept(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int {
    // SAFETY: the same promises.
    unsafe { matnet_accept4(fd, addr, len, 0) }
}

/// As `matnet_accept`, with flags for the new descriptor: SOCK_NONBLOCK, SOCK_CLOEXEC; accept4(2).
///
/// Returns a new file descriptor, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_accept4(
    fd: c_int,
    addr: *mut sockaddr,
    len: *mut socklen_t,
    flags: c_int,
) -> c_int {
    if !ours(fd) {
        return int(fresh(kernel!(SYS_accept4, fd, addr, len, flags)));
    }
    // SAFETY: the caller vouches for both pointers.
    let accepted = unsafe { check_room(addr, len) }.and_then(|()| posix::accept(fd, flags));
    int(accepted.and_then(|(new, peer)| {
        // SAFETY: the room was checked; NULL is for `store_sockaddr` to skip.
        unsafe { posix::store_sockaddr(&peer, addr, len) }?;
        Ok(new)
    }))
}

/// Connects to a peer, as connect(2). An address in 127.0.0.0/8 or in MATNET_BYPASS makes it a
/// socket of the kernel, with the same number and the options set so far.
///
/// Returns 0, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_connect(fd: c_int, addr: *const sockaddr, len: socklen_t) -> c_int {
    let plain = || kernel!(SYS_connect, fd, addr, len).map(drop);
    if !ours(fd) {
        return zero(plain());
    }
    // SAFETY: the caller vouches for the address.
    zero(unsafe { address(addr, len) }.and_then(|a| or_kernel(posix::connect(fd, a), plain)))
}

/// Ends one direction of a connection or both, as shutdown(2).
///
/// Returns 0, or -1 and errno.
#[unsafe(no_mangle)]
pub extern "C" fn matnet_shutdown(fd: c_int, how: c_int) -> c_int {
    zero(if ours(fd) { posix::shutdown(fd, how) } else { kernel!(SYS_shutdown, fd, how).map(drop) })
}

/// The local address, as getsockname(2).
///
/// Returns 0, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn matnet_getsockname(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int {
    if !ours(fd) {
        return zero(kernel!(SYS_getsockname, fd, addr, len));
    }
    // SAFETY: the caller vouches for both pointers.
    zero(unsafe { name(posix::getsockname(fd), addr, len) })
}

/// The peer's address, as getpeername(2).
///
/// Returns 0, or -1 and errno; ENOTCONN when there is no peer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn matnet_getpeername(fd: c_int, addr: *mut sockaddr, len: *mut socklen_t) -> c_int {
    if !ours(fd) {
        return zero(kernel!(SYS_getpeername, fd, addr, len));
    }
    // SAFETY: the caller vouches for both pointers.
    zero(unsafe { name(posix::getpeername(fd), addr, len) })
}

/// Hands a name to C. Unlike accept, the room is not optional.
///
/// # Safety
/// `len` is NULL or readable and writable, `addr` is NULL or has `*len` bytes.
unsafe fn name(
    name: Result<posix::SockAddr, Errno>,
    addr: *mut sockaddr,
    len: *mut socklen_t,
) -> Result<(), Errno> {
    let name = name?;
    if addr.is_null() || len.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: the caller vouches for both pointers, and they are not null.
    unsafe {
        check_room(addr, len)?;
        posix::store_sockaddr(&name, addr, len)
    }
}

/// Sets an option of a socket, as setsockopt(2).
///
/// Returns 0, or -1 and errno; ENOPROTOOPT for an option that the stack does not know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn matnet_setsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *const c_void,
    len: socklen_t,
) -> c_int {
    let plain = || kernel!(SYS_setsockopt, fd, level, name, value, len).map(drop);
    if !ours(fd) {
        return zero(plain());
    }
    let set = || {
        let len = usize::try_from(len as c_int).map_err(|_| Errno::EINVAL)?;
        // SAFETY: the caller vouches for the value.
        or_kernel(posix::setsockopt(fd, level, name, unsafe { bytes(value, len) }?), plain)
    };
    zero(set())
}

/// Reads an option of a socket, as getsockopt(2). `len` holds the room before and the length after
/// the call.
///
/// Returns 0, or -1 and errno; ENOPROTOOPT for an option that the stack does not know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn matnet_getsockopt(
    fd: c_int,
    level: c_int,
    name: c_int,
    value: *mut c_void,
    len: *mut socklen_t,
) -> c_int {
    if !ours(fd) {
        return zero(kernel!(SYS_getsockopt, fd, level, name, value, len));
    }
    let get = || {
        if len.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: not null, readable by the caller's word.
        let room = usize::try_from(unsafe { len.read() } as c_int).map_err(|_| Errno::EINVAL)?;
        // SAFETY: the caller vouches for `room` bytes.
        let written = posix::getsockopt(fd, level, name, unsafe { bytes_mut(value, room) }?)?;
        // SAFETY: not null, writable by the caller's word.
        unsafe { len.write(written as socklen_t) };
        Ok(())
    };
    zero(get())
}
