//! sendmsg and recvmsg.

use libc::{c_int, msghdr, ssize_t};
use matnet_host::{Errno, posix};

use crate::call::{count, kernel, or_kernel, ours};

/// Sends from several buffers, with an address and control messages, as sendmsg(2).
///
/// Returns the number of bytes taken, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> ssize_t {
    let plain = || kernel!(SYS_sendmsg, fd, msg, flags);
    if !ours(fd) {
        return count(plain());
    }
    if msg.is_null() {
        return count(Err(Errno::EFAULT));
    }
    // SAFETY: not null; the caller vouches for the message and what it points to.
    count(or_kernel(unsafe { posix::sendmsg(fd, msg, flags) }, plain))
}

/// Receives into several buffers, with the sender's address and control messages, as recvmsg(2).
///
/// Returns the number of bytes, or -1 and errno.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn matnet_recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t {
    if !ours(fd) {
        return count(kernel!(SYS_recvmsg, fd, msg, flags));
    }
    if msg.is_null() {
        return count(Err(Errno::EFAULT));
    }
    // SAFETY: not null; the caller vouches for the message and what it points to.
    count(unsafe { posix::recvmsg(fd, msg, flags) })
}
