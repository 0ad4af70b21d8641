//! Bytes in and out.
//!
//! The table gates most of these: the functions here run only for a descriptor that is not simply the kernel's. The fortified forms
//! check the room first and stop the program as glibc does. pread and pwrite need no hook: on a socket the kernel
//! answers ESPIPE, and what is behind our numbers is a socket. preadv2 and pwritev2 at offset -1 are readv and writev.

use libc::{
    c_int, c_long, c_uint, c_void, iovec, mmsghdr, msghdr, off_t, size_t, sockaddr, socklen_t, ssize_t,
};
use libc::{off64_t, timespec};
use matnet_host::Errno;
use matnet_host::posix::{self, Outcome};
use matnet_host::runtime::fdtable::{Carrier, carrier, is_netlink, is_special};
use matnet_host::runtime::probe;

use super::create::{room, store};
use super::table::real;
use super::{address, bytes, bytes_mut, made, netlink, ours, ours_or};

unsafe extern "C-unwind" {
    /// Ends the program: a fortified call would have overrun its buffer.
    fn __chk_fail() -> !;
}

/// The kernel's RWF_NOWAIT (preadv2(2)).
const RWF_NOWAIT: c_int = 8;

/// read(2)
pub(super) unsafe fn read(fd: c_int, buf: *mut c_void, n: size_t) -> ssize_t {
    if n == 0 {
        // SAFETY: as below.
        return unsafe { bytes_mut(buf, 0) }.map_or_else(super::fail, |_| 0) as ssize_t;
    }
    // SAFETY: the caller's own arguments.
    unsafe { recv(fd, buf, n, 0) }
}

/// write(2)
pub(super) unsafe fn write(fd: c_int, buf: *const c_void, n: size_t) -> ssize_t {
    ours_or(
        // SAFETY: the caller's own arguments.
        || unsafe { bytes(buf, n) }.map(|b| posix::send(fd, &[b], 0, None)).into(),
        // SAFETY: as above.
        || unsafe { real::write(fd, buf, n) as c_long },
    ) as ssize_t
}

/// readv(2)
pub(super) unsafe fn readv(fd: c_int, iov: *const iovec, n: c_int) -> ssize_t {
    // SAFETY: the caller's own arguments.
    ours(|| unsafe { posix::readv(fd, iov, n) }) as ssize_t
}

/// writev(2)
pub(super) unsafe fn writev(fd: c_int, iov: *const iovec, n: c_int) -> ssize_t {
    // SAFETY: the caller's own arguments.
    ours_or(|| unsafe { posix::writev(fd, iov, n) }, || unsafe { real::writev(fd, iov, n) as c_long })
        as ssize_t
}

/// preadv2(2); at any other offset the kernel says ESPIPE.
pub(super) unsafe fn preadv2(
    fd: c_int,
    iov: *const iovec,
    n: c_int,
    offset: off64_t,
    flags: c_int,
) -> ssize_t {
    if offset != -1 {
        // SAFETY: the caller's own arguments.
        return unsafe { real::preadv2(fd, iov, n, offset, flags) };
    }
    // SAFETY: as above.
    unsafe {
        match flags {
            0 => readv(fd, iov, n),
            RWF_NOWAIT => recvmsg(fd, &mut message(iov, n), libc::MSG_DONTWAIT),
            _ => super::fail(Errno::EOPNOTSUPP) as ssize_t,
        }
    }
}

/// pwritev2(2); at any other offset the kernel says ESPIPE.
pub(super) unsafe fn pwritev2(
    fd: c_int,
    iov: *const iovec,
    n: c_int,
    offset: off64_t,
    flags: c_int,
) -> ssize_t {
    if offset != -1 {
        // SAFETY: the caller's own arguments.
        return unsafe { real::pwritev2(fd, iov, n, offset, flags) };
    }
    // SAFETY: as above.
    unsafe {
        match flags {
            0 => writev(fd, iov, n),
            RWF_NOWAIT => sendmsg(fd, &message(iov, n), libc::MSG_DONTWAIT),
            _ => super::fail(Errno::EOPNOTSUPP) as ssize_t,
        }
    }
}

/// A message of just these buffers. A negative count becomes too many of them.
fn message(iov: *const iovec, n: c_int) -> msghdr {
    // SAFETY: all zero is an empty message.
    let mut message: msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = iov.cast_mut();
    message.msg_iovlen = usize::try_from(n).unwrap_or(usize::MAX);
    message
}

/// send(2)
pub(super) unsafe fn send(fd: c_int, buf: *const c_void, n: size_t, flags: c_int) -> ssize_t {
    ours_or(
        // SAFETY: the caller's own arguments.
        || unsafe { bytes(buf, n) }.map(|b| posix::send(fd, &[b], flags, None)).into(),
        // SAFETY: as above.
        || unsafe { real::send(fd, buf, n, flags) as c_long },
    ) as ssize_t
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
    let send = || {
        // SAFETY: the caller's own arguments.
        let (data, to) =
            unsafe { (bytes(buf, n)?, if addr.is_null() { None } else { Some(address(addr, len)?) }) };
        Ok(posix::send(fd, &[data], flags, to))
    };
    ours_or(
        || Outcome::from(send()),
        // SAFETY: as above.
        || unsafe { real::sendto(fd, buf, n, flags, addr, len) as c_long },
    ) as ssize_t
}

/// sendmsg(2)
pub(super) unsafe fn sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> ssize_t {
    // SAFETY: the caller's own arguments.
    ours_or(
        || unsafe { posix::sendmsg(fd, msg, flags) },
        || unsafe { real::sendmsg(fd, msg, flags) as c_long },
    ) as ssize_t
}

/// sendmmsg(2)
pub(super) unsafe fn sendmmsg(fd: c_int, msgs: *mut mmsghdr, n: c_uint, flags: c_int) -> c_int {
    // SAFETY: the caller's own arguments.
    ours_or(
        || unsafe { posix::sendmmsg(fd, msgs, n, flags) },
        || unsafe { c_long::from(real::sendmmsg(fd, msgs, n, flags)) },
    ) as c_int
}

/// recv(2)
pub(super) unsafe fn recv(fd: c_int, buf: *mut c_void, n: size_t, flags: c_int) -> ssize_t {
    // SAFETY: the caller's own arguments.
    ours(|| Ok(posix::recv(fd, &mut [unsafe { bytes_mut(buf, n) }?], flags)?.len)) as ssize_t
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
    ours(|| {
        // SAFETY: the caller's own arguments.
        let data = unsafe { bytes_mut(buf, n) }?;
        let wanted = !addr.is_null();
        let got = posix::recv(fd, &mut [data], flags)?;
        if wanted {
            // After the bytes, as in the kernel (move_addr_to_user): they are gone.
            // SAFETY: as above.
            unsafe { room(len) }?;
            match got.from {
                // SAFETY: as above.
                Some(from) => unsafe { store(&from, addr, len) }?,
                // A connection's bytes have no sender: the kernel says so with a length of 0.
                None => probe::write(len, 0)?,
            }
        }
        Ok(got.len)
    }) as ssize_t
}

/// recvmsg(2)
pub(super) unsafe fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> ssize_t {
    if is_special(fd) {
        // SAFETY: the caller's own arguments.
        return ours(|| unsafe { posix::recvmsg(fd, msg, flags) }) as ssize_t;
    }
    if is_netlink(fd) {
        // SAFETY: as above.
        return unsafe { super::netlink::recvmsg(fd, msg, flags) };
    }
    // SAFETY: as above.
    let got = unsafe { real::recvmsg(fd, msg, flags) };
    // SAFETY: the call succeeded, so the message is valid.
    if got >= 0 && unsafe { (*msg).msg_controllen } > 0 {
        // SAFETY: as above.
        unsafe { received_fds(&*msg) };
    }
    got
}

/// Descriptors that came in a message (SCM_RIGHTS) have new numbers.
///
/// # Safety
/// `msg` must be as recvmsg has filled it.
unsafe fn received_fds(msg: &msghdr) {
    // SAFETY: the kernel's own layout, walked as cmsg(3) says.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(msg);
        while let Some(h) = header.as_ref() {
            if h.cmsg_level == libc::SOL_SOCKET && h.cmsg_type == libc::SCM_RIGHTS {
                let bytes = h.cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
                let first = libc::CMSG_DATA(header).cast::<c_int>();
                for i in 0..bytes / size_of::<c_int>() {
                    made(first.add(i).read_unaligned());
                }
            }
            header = libc::CMSG_NXTHDR(msg, header);
        }
    }
}

/// recvmmsg(2)
pub(super) unsafe fn recvmmsg(
    fd: c_int,
    msgs: *mut mmsghdr,
    n: c_uint,
    flags: c_int,
    timeout: *mut timespec,
) -> c_int {
    // SAFETY: the caller's own arguments.
    ours(|| unsafe { posix::recvmmsg(fd, msgs, n, flags, timeout) }) as c_int
}

/// sendfile(2)
pub(super) unsafe fn sendfile(out: c_int, from: c_int, offset: *mut off_t, n: size_t) -> ssize_t {
    // SAFETY: the caller's own arguments.
    let kernel = || unsafe { real::sendfile(out, from, offset, n) as c_long };
    if !is_special(out) && !is_special(from) {
        return kernel() as ssize_t;
    }
    // SAFETY: as above.
    ours(|| unsafe { posix::sendfile(out, from, offset, n) }) as ssize_t
}

/// splice(2)
pub(super) unsafe fn splice(
    from: c_int,
    from_offset: *mut off64_t,
    to: c_int,
    to_offset: *mut off64_t,
    n: size_t,
    flags: c_uint,
) -> ssize_t {
    // SAFETY: the caller's own arguments.
    let kernel = || unsafe { real::splice(from, from_offset, to, to_offset, n, flags) as c_long };
    if !is_special(from) && !is_special(to) {
        return kernel() as ssize_t;
    }
    // SAFETY: as above.
    ours(|| unsafe { posix::splice(from, from_offset, to, to_offset, n, flags) }) as ssize_t
}

/// Stops the program if a fortified call asks for more than its buffer has room for.
fn check(wanted: size_t, room: size_t) {
    if wanted > room {
        // SAFETY: no arguments.
        unsafe { __chk_fail() }
    }
}

/// read(2), fortified.
pub(super) unsafe fn read_chk(fd: c_int, buf: *mut c_void, n: size_t, room: size_t) -> ssize_t {
    check(n, room);
    // SAFETY: the caller's own arguments.
    unsafe {
        match carrier(fd) {
            Carrier::Kernel => real::read(fd, buf, n),
            Carrier::Own => read(fd, buf, n),
            Carrier::Netlink => netlink::read(fd, buf, n),
        }
    }
}

/// recv(2), fortified.
pub(super) unsafe fn recv_chk(fd: c_int, buf: *mut c_void, n: size_t, room: size_t, flags: c_int) -> ssize_t {
    check(n, room);
    // SAFETY: the caller's own arguments.
    unsafe {
        match carrier(fd) {
            Carrier::Kernel => real::recv(fd, buf, n, flags),
            Carrier::Own => recv(fd, buf, n, flags),
            Carrier::Netlink => netlink::recv(fd, buf, n, flags),
        }
    }
}

/// recvfrom(2), fortified.
pub(super) unsafe fn recvfrom_chk(
    fd: c_int,
    buf: *mut c_void,
    n: size_t,
    room: size_t,
    flags: c_int,
    addr: *mut sockaddr,
    len: *mut socklen_t,
) -> ssize_t {
    check(n, room);
    // SAFETY: the caller's own arguments.
    unsafe {
        match carrier(fd) {
            Carrier::Kernel => real::recvfrom(fd, buf, n, flags, addr, len),
            Carrier::Own => recvfrom(fd, buf, n, flags, addr, len),
            Carrier::Netlink => netlink::recvfrom(fd, buf, n, flags, addr, len),
        }
    }
}
