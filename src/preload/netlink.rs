//! Netlink sockets of the routing family: what goes out is looked at, and what comes in may stand for an answer of ours.
//!
//! `matnet_host::posix::netlink` says which requests and what answers; here are the calls. The table sends a marked descriptor here
//! (`fdtable::set_netlink`), everything but sending and receiving is the kernel's. Each receive looks first (MSG_PEEK), so
//! waiting, time-outs, signals and cancellation are those of the real call. Limits: two threads that receive on one such socket at once
//! may get each other's messages; a child of a fork keeps the mark, a program after exec does not.

use libc::{
    c_int, c_uint, c_void, iovec, mmsghdr, msghdr, size_t, sockaddr, sockaddr_nl, socklen_t, ssize_t,
    timespec,
};
use matnet_host::Errno;
use matnet_host::posix::netlink;
use matnet_host::runtime::probe;

use super::contain::contained;
use super::table::real;

/// Longer requests than this are none of those that are answered here.
const LONGEST: usize = 1024;

/// socket(2) has made `fd`: notes it if its requests are to be looked at.
pub(super) fn made(fd: c_int, protocol: c_int) -> c_int {
    if fd >= 0 && protocol == libc::NETLINK_ROUTE {
        matnet_host::runtime::fdtable::set_netlink(fd);
        let _ = contained(probe::start);
    }
    fd
}

/// The bytes of a message in one piece; None when there are too many, or where they cannot be read.
///
/// # Safety
/// What can be read must not change under the call.
unsafe fn gather(iov: &[iovec]) -> Option<Vec<u8>> {
    let total = iov.iter().try_fold(0_usize, |sum, v| sum.checked_add(v.iov_len))?;
    if total > LONGEST || !iov.iter().all(|v| probe::readable(v.iov_base.cast(), v.iov_len)) {
        return None;
    }
    let mut all = Vec::with_capacity(total);
    for v in iov.iter().filter(|v| v.iov_len > 0) {
        // SAFETY: it can be read.
        all.extend_from_slice(unsafe { std::slice::from_raw_parts(v.iov_base.cast(), v.iov_len) });
    }
    Some(all)
}

/// True when a message goes to the kernel and not to another process.
fn to_the_kernel(name: *const c_void, len: socklen_t) -> bool {
    if name.is_null() || (len as usize) < size_of::<sockaddr_nl>() {
        return true;
    }
    // What cannot be read the kernel refuses.
    probe::read(name.cast::<sockaddr_nl>()).is_ok_and(|to| to.nl_pid == 0 && to.nl_groups == 0)
}

/// The entries of a message; None where they cannot be read.
///
/// # Safety
/// What can be read must not change under the call.
unsafe fn entries<'a>(msg: &msghdr) -> Option<&'a [iovec]> {
    if msg.msg_iovlen == 0 {
        return Some(&[]);
    }
    let there = msg.msg_iovlen <= 1024
        && !msg.msg_iov.is_null()
        && probe::readable(msg.msg_iov.cast(), msg.msg_iovlen * size_of::<iovec>());
    // SAFETY: they can be read.
    there.then(|| unsafe { std::slice::from_raw_parts(msg.msg_iov, msg.msg_iovlen) })
}

/// sendmsg(2)
pub(super) unsafe fn sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> ssize_t {
    // SAFETY: the caller's own arguments.
    unsafe {
        let plain = || real::sendmsg(fd, msg, flags);
        let Ok(given) = probe::read(msg) else { return plain() };
        let Some(iov) = entries(&given).filter(|iov| (1..=64).contains(&iov.len())) else { return plain() };
        if !to_the_kernel(given.msg_name, given.msg_namelen) {
            return plain();
        }
        let found = contained(|| {
            let all = gather(iov)?;
            Some((netlink::replace(&all)?, all.len()))
        });
        let Some(Some((mut other, len))) = found else { return plain() };
        let mut iov = iovec { iov_base: other.as_mut_ptr().cast(), iov_len: other.len() };
        let mut changed = given;
        (changed.msg_iov, changed.msg_iovlen) = (&raw mut iov, 1);
        let sent = real::sendmsg(fd, &raw const changed, flags);
        if sent < 0 { sent } else { len as ssize_t }
    }
}

/// sendto(2)
pub(super) unsafe fn sendto(
    fd: c_int,
    buf: *const c_void,
    n: size_t,
    flags: c_int,
    addr: *const sockaddr,
    len: socklen_t,
) -> ssize_t {
    let mut iov = iovec { iov_base: buf.cast_mut(), iov_len: n };
    // SAFETY: all zero is an empty message.
    let mut msg: msghdr = unsafe { std::mem::zeroed() };
    (msg.msg_iov, msg.msg_iovlen) = (&raw mut iov, 1);
    if !addr.is_null() {
        (msg.msg_name, msg.msg_namelen) = (addr.cast_mut().cast(), len);
    }
    // SAFETY: the caller's own arguments in another form.
    unsafe { sendmsg(fd, &raw const msg, flags) }
}

/// send(2)
pub(super) unsafe fn send(fd: c_int, buf: *const c_void, n: size_t, flags: c_int) -> ssize_t {
    // SAFETY: the caller's own arguments.
    unsafe { sendto(fd, buf, n, flags, std::ptr::null(), 0) }
}

/// write(2)
pub(super) unsafe fn write(fd: c_int, buf: *const c_void, n: size_t) -> ssize_t {
    // SAFETY: as above.
    unsafe { sendto(fd, buf, n, 0, std::ptr::null(), 0) }
}

/// writev(2)
pub(super) unsafe fn writev(fd: c_int, iov: *const iovec, n: c_int) -> ssize_t {
    let Ok(count) = usize::try_from(n) else {
        // SAFETY: the caller's own arguments, which the kernel refuses.
        return unsafe { real::writev(fd, iov, n) };
    };
    // SAFETY: all zero is an empty message.
    let mut msg: msghdr = unsafe { std::mem::zeroed() };
    (msg.msg_iov, msg.msg_iovlen) = (iov.cast_mut(), count);
    // SAFETY: the caller's own arguments in another form.
    unsafe { sendmsg(fd, &raw const msg, 0) }
}

/// sendmmsg(2): one at a time, as it may.
pub(super) unsafe fn sendmmsg(fd: c_int, msgs: *mut mmsghdr, n: c_uint, flags: c_int) -> c_int {
    if n == 0 || msgs.is_null() {
        // SAFETY: the caller's own arguments.
        return unsafe { real::sendmmsg(fd, msgs, n, flags) };
    }
    // SAFETY: as above; there is at least one.
    unsafe {
        let sent = sendmsg(fd, &raw const (*msgs).msg_hdr, flags);
        if sent < 0 {
            return -1;
        }
        (*msgs).msg_len = sent as c_uint;
    }
    1
}

/// The answer that the next message stands for, if it does; with `Err` what the look at it returned, to be returned as it is.
///
/// # Safety
/// `fd` must be a netlink socket.
unsafe fn next(fd: c_int, flags: c_int) -> Result<Option<Vec<u8>>, ssize_t> {
    if flags & (libc::MSG_ERRQUEUE | libc::MSG_OOB) != 0 {
        return Ok(None);
    }
    let mut head = [0_u8; netlink::ACK];
    let how = libc::MSG_PEEK | libc::MSG_TRUNC | (flags & libc::MSG_DONTWAIT);
    // SAFETY: the array is valid for writes of its length.
    let n = unsafe { real::recv(fd, head.as_mut_ptr().cast(), head.len(), how) };
    if n < 0 {
        return Err(n);
    }
    if n as usize != head.len() {
        return Ok(None);
    }
    let Some(Some(answer)) = contained(|| netlink::answer(&head)) else { return Ok(None) };
    if flags & libc::MSG_PEEK == 0 {
        // SAFETY: as above; it takes what was looked at out of the queue.
        unsafe { real::recv(fd, head.as_mut_ptr().cast(), head.len(), libc::MSG_DONTWAIT) };
    }
    Ok(Some(answer))
}

/// recvmsg(2)
pub(super) unsafe fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t {
    // SAFETY: the caller's own arguments.
    unsafe {
        let answer = match next(fd, flags) {
            Ok(Some(answer)) => answer,
            Ok(None) => return real::recvmsg(fd, msg, flags),
            Err(n) => return n,
        };
        let fill = || -> Result<ssize_t, Errno> {
            let mut given = probe::read(msg)?;
            let mut rest = answer.as_slice();
            for v in entries(&given).ok_or(Errno::EFAULT)? {
                let (now, later) = rest.split_at(rest.len().min(v.iov_len));
                probe::write_bytes(v.iov_base.cast(), now)?;
                rest = later;
            }
            if !given.msg_name.is_null() {
                given.msg_namelen = from_the_kernel(given.msg_name, given.msg_namelen)?;
            }
            given.msg_controllen = 0;
            given.msg_flags = if rest.is_empty() { 0 } else { libc::MSG_TRUNC };
            probe::write(msg, given)?;
            Ok(length(answer.len(), answer.len() - rest.len(), flags))
        };
        fill().unwrap_or_else(|e| super::fail(e) as ssize_t)
    }
}

/// What a receive returns: what was copied, or with MSG_TRUNC what there was.
fn length(whole: usize, copied: usize, flags: c_int) -> ssize_t {
    (if flags & libc::MSG_TRUNC != 0 { whole } else { copied }) as ssize_t
}

/// Writes the kernel's own netlink address, cut to its room of `len` bytes; its length.
fn from_the_kernel(name: *mut c_void, len: socklen_t) -> Result<socklen_t, Errno> {
    let mut addr = [0u8; size_of::<sockaddr_nl>()];
    // The family comes first, the rest is 0.
    addr.iter_mut().zip((libc::AF_NETLINK as u16).to_ne_bytes()).for_each(|(to, b)| *to = b);
    probe::write_bytes(name.cast(), addr.get(..len as usize).unwrap_or(&addr))?;
    Ok(addr.len() as socklen_t)
}

/// recvfrom(2)
pub(super) unsafe fn recvfrom(
    fd: c_int,
    buf: *mut c_void,
    n: size_t,
    flags: c_int,
    addr: *mut sockaddr,
    len: *mut socklen_t,
) -> ssize_t {
    let mut iov = iovec { iov_base: buf, iov_len: n };
    // SAFETY: all zero is an empty message.
    let mut msg: msghdr = unsafe { std::mem::zeroed() };
    (msg.msg_iov, msg.msg_iovlen) = (&raw mut iov, 1);
    // SAFETY: the caller's own arguments in another form.
    unsafe {
        if !addr.is_null() {
            let Ok(room) = probe::read(len) else { return real::recvfrom(fd, buf, n, flags, addr, len) };
            (msg.msg_name, msg.msg_namelen) = (addr.cast(), room);
        }
        let got = recvmsg(fd, &raw mut msg, flags);
        if got >= 0 && !addr.is_null() {
            let _ = probe::write(len, msg.msg_namelen);
        }
        got
    }
}

/// recv(2)
pub(super) unsafe fn recv(fd: c_int, buf: *mut c_void, n: size_t, flags: c_int) -> ssize_t {
    // SAFETY: the caller's own arguments.
    unsafe { recvfrom(fd, buf, n, flags, std::ptr::null_mut(), std::ptr::null_mut()) }
}

/// read(2)
pub(super) unsafe fn read(fd: c_int, buf: *mut c_void, n: size_t) -> ssize_t {
    // SAFETY: as above.
    unsafe { recv(fd, buf, n, 0) }
}

/// readv(2)
pub(super) unsafe fn readv(fd: c_int, iov: *const iovec, n: c_int) -> ssize_t {
    let Ok(count) = usize::try_from(n) else {
        // SAFETY: the caller's own arguments, which the kernel refuses.
        return unsafe { real::readv(fd, iov, n) };
    };
    // SAFETY: all zero is an empty message; the rest as above.
    unsafe {
        let mut msg: msghdr = std::mem::zeroed();
        (msg.msg_iov, msg.msg_iovlen) = (iov.cast_mut(), count);
        recvmsg(fd, &raw mut msg, 0)
    }
}

/// recvmmsg(2): one message a call, as it may.
pub(super) unsafe fn recvmmsg(
    fd: c_int,
    msgs: *mut mmsghdr,
    n: c_uint,
    flags: c_int,
    timeout: *mut timespec,
) -> c_int {
    if n == 0 || msgs.is_null() {
        // SAFETY: the caller's own arguments.
        return unsafe { real::recvmmsg(fd, msgs, n, flags, timeout) };
    }
    // SAFETY: as above; there is at least one.
    unsafe {
        let got = recvmsg(fd, &raw mut (*msgs).msg_hdr, flags);
        if got < 0 {
            return -1;
        }
        (*msgs).msg_len = got as c_uint;
    }
    1
}
