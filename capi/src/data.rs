//! Bytes in and out.

use std::ffi::c_void;

use libc::{c_int, iovec, size_t, sockaddr, socklen_t, ssize_t};
use matnet_host::posix;

use crate::call::{address, bytes, bytes_mut, check_room, count, kernel, or_kernel, ours};

/// Sends on a connected socket, as send(2). A peer that is gone gives EPIPE and the signal SIGPIPE,
/// unless `flags` has MSG_NOSIGNAL.
///
/// Returns the number of bytes taken, which may be fewer than `len`; or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_send(
    fd: c_int,
    data: *const c_void,
    len: size_t,
    flags: c_int,
) -> ssize_t {
    // SAFETY: the same promises; no address.
    unsafe { matnet_sendto(fd, data, len, flags, std::ptr::null(), 0) }
}

/// As `matnet_send`, to an address; sendto(2). `addr` may be NULL on a connected socket.
///
/// Returns the number of bytes taken, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_sendto(
    fd: c_int,
    data: *const c_void,
    len: size_t,
    flags: c_int,
    addr: *const sockaddr,
    addrlen: socklen_t,
) -> ssize_t {
    let plain = || kernel!(SYS_sendto, fd, data, len, flags, addr, addrlen);
    if !ours(fd) {
        return count(plain());
    }
    let send = || {
        // SAFETY: the caller vouches for the data and the address.
        let (data, to) =
            unsafe { (bytes(data, len)?, if addr.is_null() { None } else { Some(address(addr, addrlen)?) }) };
        or_kernel(posix::send(fd, &[data], flags, to), plain)
    };
    count(send())
}

/// Receives from a socket, as recv(2).
///
/// Returns the number of bytes; 0 when the peer has finished sending; or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_recv(
    fd: c_int,
    data: *mut c_void,
    len: size_t,
    flags: c_int,
) -> ssize_t {
    // SAFETY: the same promises; no address is asked for.
    unsafe { matnet_recvfrom(fd, data, len, flags, std::ptr::null_mut(), std::ptr::null_mut()) }
}

/// As `matnet_recv`, and tells who sent it; recvfrom(2). `addr` and `addrlen` may both be NULL.
///
/// Returns the number of bytes, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_recvfrom(
    fd: c_int,
    data: *mut c_void,
    len: size_t,
    flags: c_int,
    addr: *mut sockaddr,
    addrlen: *mut socklen_t,
) -> ssize_t {
    if !ours(fd) {
        return count(kernel!(SYS_recvfrom, fd, data, len, flags, addr, addrlen));
    }
    let receive = || {
        // SAFETY: the caller vouches for the three pointers.
        let data = unsafe {
            check_room(addr, addrlen)?;
            bytes_mut(data, len)?
        };
        let got = posix::recv(fd, &mut [data], flags)?;
        match got.from {
            // SAFETY: the room was checked; NULL is for `store_sockaddr` to skip.
            Some(from) => unsafe { posix::store_sockaddr(&from, addr, addrlen) }?,
            // A connection has no sender to tell: length 0, as the kernel.
            // SAFETY: `check_room` found the length where there is an address.
            None if !addr.is_null() => unsafe { addrlen.write(0) },
            None => {}
        }
        Ok(got.len)
    };
    count(receive())
}

/// Reads from a socket, or from any other file descriptor, as read(2).
///
/// Returns the number of bytes; 0 at the end; or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_read(fd: c_int, data: *mut c_void, len: size_t) -> ssize_t {
    if !ours(fd) {
        return count(kernel!(SYS_read, fd, data, len));
    }
    // SAFETY: the caller vouches for the memory.
    let data = unsafe { bytes_mut(data, len) };
    count(data.and_then(|data| posix::recv(fd, &mut [data], 0)).map(|got| got.len))
}

/// Writes to a socket, or to any other file descriptor, as write(2).
///
/// Returns the number of bytes taken, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_write(fd: c_int, data: *const c_void, len: size_t) -> ssize_t {
    let plain = || kernel!(SYS_write, fd, data, len);
    if !ours(fd) {
        return count(plain());
    }
    // SAFETY: the caller vouches for the memory.
    let data = unsafe { bytes(data, len) };
    count(data.and_then(|data| or_kernel(posix::send(fd, &[data], 0, None), plain)))
}

/// As `matnet_read`, into several buffers; readv(2).
///
/// Returns the number of bytes, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_readv(fd: c_int, iov: *const iovec, n: c_int) -> ssize_t {
    if !ours(fd) {
        return count(kernel!(SYS_readv, fd, iov, n));
    }
    // SAFETY: the caller vouches for the array and what it points to.
    count(unsafe { posix::readv(fd, iov, n) })
}

/// As `matnet_write`, from several buffers; writev(2).
///
/// Returns the number of bytes taken, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_writev(fd: c_int, iov: *const iovec, n: c_int) -> ssize_t {
    let plain = || kernel!(SYS_writev, fd, iov, n);
    if !ours(fd) {
        return count(plain());
    }
    // SAFETY: the caller vouches for the array and what it points to.
    count(or_kernel(unsafe { posix::writev(fd, iov, n) }, plain))
}
