//! Pointers of the program: iovecs, message headers, control data, socket addresses, ioctl arguments.
//!
//! The one place of `posix` that follows them (select's sets are the other). A null pointer where bytes are needed is EFAULT; any
//! other bad pointer faults as it would in the program's own code, which is the limit of a library: the kernel would say EFAULT.
//!
//! Up to 16 entries need no memory. Limits and errnos are those of import_iovec, copy_msghdr_from_user and ip_cmsg_send: more
//! than IOV_MAX entries is EINVAL (EMSGSIZE in a message header), a length above SSIZE_MAX is EINVAL, and a
//! transfer ends at 0x7ffff000 bytes. Control data to send is checked as on Linux; what it asks for and the
//! stack cannot do yet (another TTL, UDP_SEGMENT) is EINVAL.

use std::time::Duration;

use libc::{c_int, c_long, c_uint, c_ulong, c_void, iovec, mmsghdr, msghdr, sockaddr, socklen_t, timespec};
use matnet_stack::{Kind, Readiness};

use super::socket::with;
use super::{Outcome, Received, SockAddr, transfer};
use crate::errno::Errno;
use crate::runtime::fdtable::{self, Slot};
use crate::runtime::{inside, sys};

/// Entries that need no memory.
const INLINE: usize = 16;
/// UIO_MAXIOV, also the most messages that sendmmsg takes.
const IOV_MAX: usize = 1024;
/// MAX_RW_COUNT: no call moves more.
pub(super) const MAX_RW: usize = 0x7fff_f000;
/// sizeof(struct sockaddr_storage)
const MAX_ADDR: usize = 128;
/// sizeof(struct cmsghdr)
const CMSG_HEADER: usize = 16;

/// Memory of one call, freed inside the library also when cancellation unwinds: a signal handler that runs during the
/// free might need the allocator itself.
pub(super) struct Heap<T>(Vec<T>);

impl<T: Clone> Heap<T> {
    /// `n` copies of `value`.
    pub(super) fn new(value: T, n: usize) -> Heap<T> {
        let _inside = inside::enter();
        Heap(vec![value; n])
    }
}

impl<T> Heap<T> {
    pub(super) fn as_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> Drop for Heap<T> {
    fn drop(&mut self) {
        let _inside = inside::enter();
        drop(std::mem::take(&mut self.0));
    }
}

/// Runs `f` on the bytes that an iovec array names, to read from.
///
/// # Safety
/// `iov` must point to `count` entries, each null or valid for reads of its length.
unsafe fn with_sources<R>(
    iov: *const iovec,
    count: usize,
    f: impl FnOnce(&[&[u8]]) -> R,
) -> Result<R, Errno> {
    // SAFETY: the caller vouches for the array.
    let entries = unsafe { entries(iov, count) }?;
    let mut few: [&[u8]; INLINE] = [&[]; INLINE];
    let mut many: Heap<&[u8]>;
    let list = match few.get_mut(..count) {
        Some(list) => list,
        None => {
            many = Heap::new(&[][..], count);
            many.as_mut()
        }
    };
    let mut room = MAX_RW;
    for (to, v) in list.iter_mut().zip(entries) {
        let len = length(v, &mut room)?;
        if len > 0 {
            // SAFETY: not null (`length`), and the caller vouches for `len` readable bytes.
            *to = unsafe { std::slice::from_raw_parts(v.iov_base.cast::<u8>(), len) };
        }
    }
    Ok(f(list))
}

/// Runs `f` on the bytes that an iovec array names, to write to.
///
/// # Safety
/// `iov` must point to `count` entries, each null or valid for writes of its length; entries do not overlap.
unsafe fn with_targets<R>(
    iov: *const iovec,
    count: usize,
    f: impl FnOnce(&mut [&mut [u8]]) -> R,
) -> Result<R, Errno> {
    // SAFETY: the caller vouches for the array.
    let entries = unsafe { entries(iov, count) }?;
    let mut few: [&mut [u8]; INLINE] = std::array::from_fn(|_| &mut [][..]);
    let mut many: Heap<&mut [u8]>;
    let list = match few.get_mut(..count) {
        Some(list) => list,
        None => {
            let _inside = inside::enter();
            many = Heap((0..count).map(|_| &mut [][..]).collect());
            many.as_mut()
        }
    };
    let mut room = MAX_RW;
    for (to, v) in list.iter_mut().zip(entries) {
        let len = length(v, &mut room)?;
        if len > 0 {
            // SAFETY: not null (`length`), and the caller vouches for `len` writable bytes.
            *to = unsafe { std::slice::from_raw_parts_mut(v.iov_base.cast::<u8>(), len) };
        }
    }
    Ok(f(list))
}

/// # Safety
/// As [`with_sources`].
unsafe fn entries<'a>(iov: *const iovec, count: usize) -> Result<&'a [iovec], Errno> {
    if count == 0 {
        return Ok(&[]);
    }
    if iov.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: not null, and the caller vouches for `count` entries.
    Ok(unsafe { std::slice::from_raw_parts(iov, count) })
}

/// How much of an entry takes part, given the room that is left in the call.
fn length(v: &iovec, room: &mut usize) -> Result<usize, Errno> {
    if isize::try_from(v.iov_len).is_err() {
        return Err(Errno::EINVAL);
    }
    let len = v.iov_len.min(*room);
    *room -= len;
    if len > 0 && v.iov_base.is_null() { Err(Errno::EFAULT) } else { Ok(len) }
}

/// The number of entries that readv and writev were given.
fn entry_count(n: c_int) -> Result<usize, Errno> {
    usize::try_from(n).ok().filter(|n| *n <= IOV_MAX).ok_or(Errno::EINVAL)
}

/// writev(2). Nothing to write is 0 and sends no datagram (vfs_writev).
///
/// # Safety
/// `iov` must point to `n` entries, each valid for reads of its length.
pub unsafe fn writev(fd: c_int, iov: *const iovec, n: c_int) -> Outcome<usize> {
    let send = |bufs: &[&[u8]]| {
        if bufs.iter().all(|b| b.is_empty()) {
            return nothing(fd);
        }
        super::send(fd, bufs, 0, None)
    };
    let run = || {
        let n = entry_count(n)?;
        // SAFETY: the caller's promise.
        unsafe { with_sources(iov, n, send) }
    };
    run().into()
}

/// readv(2). No room to read into is 0 and takes nothing.
///
/// # Safety
/// `iov` must point to `n` entries, each valid for writes of its length.
pub unsafe fn readv(fd: c_int, iov: *const iovec, n: c_int) -> Result<usize, Errno> {
    let n = entry_count(n)?;
    let receive = |bufs: &mut [&mut [u8]]| {
        if bufs.iter().all(|b| b.is_empty()) {
            return with(fd, |_, _| Ok(0));
        }
        super::recv(fd, bufs, 0).map(|r| r.len)
    };
    // SAFETY: the caller's promise.
    unsafe { with_targets(iov, n, receive) }?
}

fn nothing(fd: c_int) -> Outcome<usize> {
    Outcome::Done(with(fd, |_, _| Ok(0)))
}

/// Fills the address arguments of accept, getsockname and recvfrom: cut to the room there is, with the true length
/// reported. A null `addr` wants nothing.
///
/// # Safety
/// `len` must be null or valid; `addr` null or valid for writes of `*len` bytes.
pub unsafe fn store_sockaddr(from: &SockAddr, addr: *mut sockaddr, len: *mut socklen_t) {
    // SAFETY: the caller's promise.
    let Some(len) = (unsafe { len.as_mut() }) else { return };
    if addr.is_null() {
        return;
    }
    let bytes = from.as_bytes();
    let n = bytes.len().min(*len as usize);
    // SAFETY: `n` is at most the room that the caller named.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), addr.cast::<u8>(), n) };
    *len = bytes.len() as socklen_t;
}

/// sendmsg(2)
///
/// # Safety
/// `msg` must be null or a valid header whose pointers are valid for their lengths.
pub unsafe fn sendmsg(fd: c_int, msg: *const msghdr, flags: c_int) -> Outcome<usize> {
    if fdtable::get(fd) == Slot::Kernel {
        return Outcome::Kernel;
    }
    // SAFETY: the caller's promise.
    unsafe { send_message(fd, msg, flags) }.map(|(sent, _)| sent).into()
}

/// As [`sendmsg`], with the number of bytes that were to be sent.
///
/// # Safety
/// As [`sendmsg`].
unsafe fn send_message(
    fd: c_int,
    msg: *const msghdr,
    flags: c_int,
) -> Result<(Outcome<usize>, usize), Errno> {
    // SAFETY: null or valid.
    let m = unsafe { msg.as_ref() }.ok_or(Errno::EFAULT)?;
    let name_len = check_header(m)?;
    if m.msg_controllen > c_int::MAX as usize {
        return Err(Errno::ENOBUFS);
    }
    let name = if m.msg_name.is_null() || name_len == 0 {
        None
    } else {
        // SAFETY: not null; the caller vouches for the length.
        Some(unsafe { std::slice::from_raw_parts(m.msg_name.cast::<u8>(), name_len) })
    };
    if m.msg_controllen > 0 {
        if m.msg_control.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: not null; the caller vouches for the length.
        let control = unsafe { std::slice::from_raw_parts(m.msg_control.cast::<u8>(), m.msg_controllen) };
        check_control(fd, control)?;
    }
    let send = |bufs: &[&[u8]]| {
        let total = bufs.iter().map(|b| b.len()).sum();
        (super::send(fd, bufs, flags, name), total)
    };
    // SAFETY: the caller vouches for the array.
    unsafe { with_sources(m.msg_iov, m.msg_iovlen, send) }
}

/// What copy_msghdr_from_user refuses; the usable length of the name.
fn check_header(m: &msghdr) -> Result<usize, Errno> {
    if !m.msg_name.is_null() && i32::try_from(m.msg_namelen).is_err() {
        return Err(Errno::EINVAL);
    }
    if m.msg_iovlen > IOV_MAX {
        return Err(Errno::EMSGSIZE);
    }
    Ok((m.msg_namelen as usize).min(MAX_ADDR))
}

/// recvmsg(2). No control data is produced yet, so msg_controllen becomes 0.
///
/// # Safety
/// As [`sendmsg`], the buffers valid for writes.
pub unsafe fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> Result<usize, Errno> {
    // SAFETY: the caller's promise.
    unsafe { receive_message(fd, msg, flags) }.map(|r| r.len)
}

/// # Safety
/// As [`recvmsg`].
unsafe fn receive_message(fd: c_int, msg: *mut msghdr, flags: c_int) -> Result<Received, Errno> {
    // SAFETY: null or valid.
    let m = unsafe { msg.as_mut() }.ok_or(Errno::EFAULT)?;
    let room = check_header(m)?;
    let receive = |bufs: &mut [&mut [u8]]| super::recv(fd, bufs, flags & !libc::MSG_CMSG_CLOEXEC);
    // SAFETY: the caller vouches for the array.
    let received = unsafe { with_targets(m.msg_iov, m.msg_iovlen, receive) }??;
    if !m.msg_name.is_null() {
        let from = received.from;
        let bytes = from.as_ref().map_or(&[][..], SockAddr::as_bytes);
        // SAFETY: `room` bytes are writable by the caller's word, and no more are written.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), m.msg_name.cast::<u8>(), bytes.len().min(room))
        };
        m.msg_namelen = bytes.len() as socklen_t;
    }
    m.msg_controllen = 0;
    m.msg_flags = received.flags | flags & libc::MSG_CMSG_CLOEXEC;
    Ok(received)
}

/// sendmmsg(2): stops at the first error or partial message and returns how many went out whole or in part.
///
/// # Safety
/// `msgs` must point to `n` headers, each as [`sendmsg`] wants it.
pub unsafe fn sendmmsg(fd: c_int, msgs: *mut mmsghdr, n: c_uint, flags: c_int) -> Outcome<c_int> {
    if fdtable::get(fd) == Slot::Kernel {
        return Outcome::Kernel;
    }
    let n = (n as usize).min(IOV_MAX);
    // SAFETY: the caller's promise.
    let list = match unsafe { messages(msgs, n) } {
        Ok(list) => list,
        Err(e) => return Outcome::fail(e),
    };
    let mut done = 0;
    for entry in list {
        // SAFETY: as above.
        match unsafe { send_message(fd, &raw const entry.msg_hdr, flags) } {
            Ok((Outcome::Done(Ok(sent)), total)) => {
                entry.msg_len = sent as c_uint;
                done += 1;
                if sent < total {
                    break;
                }
            }
            _ if done > 0 => break,
            Ok((Outcome::Kernel, _)) => return Outcome::Kernel,
            Ok((Outcome::Done(Err(e)), _)) | Err(e) => return Outcome::fail(e),
        }
    }
    Outcome::Done(Ok(done))
}

/// recvmmsg(2): with MSG_WAITFORONE only the first message is waited for; the time-out is looked at after each message, as
/// the manual warns, and its rest is written back.
///
/// # Safety
/// `msgs` must point to `n` headers, each as [`recvmsg`] wants it; `timeout` is null or valid.
pub unsafe fn recvmmsg(
    fd: c_int,
    msgs: *mut mmsghdr,
    n: c_uint,
    flags: c_int,
    timeout: *mut timespec,
) -> Result<c_int, Errno> {
    // SAFETY: null or valid.
    let mut timeout = unsafe { timeout.as_mut() };
    let until = timeout.as_ref().map(|t| span(t)).transpose()?.map(|d| sys::now() + d);
    // SAFETY: the caller's promise.
    let list = unsafe { messages(msgs, n as usize) }?;
    let mut flags = flags;
    let mut done: c_int = 0;
    for entry in list {
        // An error that waits is for the next call, not to be lost behind a count.
        if done > 0 && has_error(fd) {
            break;
        }
        // SAFETY: as above.
        match unsafe { receive_message(fd, &raw mut entry.msg_hdr, flags & !libc::MSG_WAITFORONE) } {
            Ok(received) => entry.msg_len = received.len as c_uint,
            Err(_) if done > 0 => break,
            Err(e) => return Err(e),
        }
        done = done.saturating_add(1);
        if flags & libc::MSG_WAITFORONE != 0 {
            flags |= libc::MSG_DONTWAIT;
        }
        if let (Some(until), Some(t)) = (until, timeout.as_mut()) {
            let left = until.since(sys::now());
            **t = sys::timespec(left);
            if left.is_zero() {
                break;
            }
        }
    }
    Ok(done)
}

/// # Safety
/// `msgs` must point to `n` headers.
unsafe fn messages<'a>(msgs: *mut mmsghdr, n: usize) -> Result<&'a mut [mmsghdr], Errno> {
    if n == 0 {
        return Ok(&mut []);
    }
    if msgs.is_null() {
        return Err(Errno::EFAULT);
    }
    // SAFETY: not null, and the caller vouches for `n` headers.
    Ok(unsafe { std::slice::from_raw_parts_mut(msgs, n) })
}

fn has_error(fd: c_int) -> bool {
    with(fd, |shared, id| Ok(shared.readiness(id).contains(Readiness::ERR))).unwrap_or(false)
}

/// A timespec as a span; EINVAL for what poll_select_set_timeout refuses.
fn span(t: &timespec) -> Result<Duration, Errno> {
    let seconds = u64::try_from(t.tv_sec).map_err(|_| Errno::EINVAL)?;
    let nanos = u32::try_from(t.tv_nsec).ok().filter(|n| *n < 1_000_000_000).ok_or(Errno::EINVAL)?;
    Ok(Duration::new(seconds, nanos))
}

/// Calls `f` with level, type and data of each control message; EINVAL for a length that does not fit (CMSG_OK).
fn each_control(
    mut bytes: &[u8],
    mut f: impl FnMut(c_int, c_int, &[u8]) -> Result<(), Errno>,
) -> Result<(), Errno> {
    while let (Some(header), true) = (bytes.first_chunk::<CMSG_HEADER>(), bytes.len() >= CMSG_HEADER) {
        let [l0, l1, l2, l3, l4, l5, l6, l7, v0, v1, v2, v3, t0, t1, t2, t3] = *header;
        let len = usize::from_ne_bytes([l0, l1, l2, l3, l4, l5, l6, l7]);
        let data = bytes.get(CMSG_HEADER..len).ok_or(Errno::EINVAL)?;
        f(c_int::from_ne_bytes([v0, v1, v2, v3]), c_int::from_ne_bytes([t0, t1, t2, t3]), data)?;
        bytes = len.checked_next_multiple_of(8).and_then(|n| bytes.get(n..)).unwrap_or(&[]);
    }
    Ok(())
}

/// Control data to send, as sock_cmsg_send (streams) and ip_cmsg_send (datagrams) take it.
fn check_control(fd: c_int, control: &[u8]) -> Result<(), Errno> {
    with(fd, |shared, id| {
        let f = shared.file(id)?;
        let (socket, v6) = (f.socket, f.domain == libc::AF_INET6);
        let own = |ip: &[u8]| {
            let ip = ip.first_chunk::<4>().map(|b| std::net::Ipv4Addr::from(*b));
            ip.is_some_and(|ip| ip.is_unspecified() || shared.stack.is_local(ip.into()))
        };
        each_control(control, |level, ty, data| {
            if level == libc::SOL_SOCKET {
                // SCM_RIGHTS and SCM_CREDENTIALS are AF_UNIX's and pass without effect here, as on Linux.
                return match ty {
                    libc::SCM_RIGHTS | libc::SCM_CREDENTIALS | libc::SO_PRIORITY => Ok(()),
                    _ => Err(Errno::EINVAL),
                };
            }
            if socket.kind == Kind::Tcp {
                return Ok(());
            }
            let options = shared.stack.udp_options(socket)?;
            let same = |now: u8| match data {
                [b] => *b == now,
                _ => data.first_chunk::<4>().is_some_and(|b| i32::from_ne_bytes(*b) == i32::from(now)),
            };
            let fine = match (level, ty) {
                // Only what the socket does anyway: per-datagram values are not served yet.
                (libc::IPPROTO_IP, libc::IP_TTL) => data.len() == 4 && same(options.ttl),
                (libc::IPPROTO_IP, libc::IP_TOS) => (data.len() == 4 || data.len() == 1) && same(options.tos),
                // struct in_pktinfo: the source must be ours, and there is one interface.
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => data.len() == 12 && data.get(4..8).is_some_and(own),
                // struct in6_pktinfo with a v4-mapped source.
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if v6 => {
                    let v6 = data.first_chunk::<16>().map(|b| std::net::Ipv6Addr::from(*b));
                    data.len() == 20
                        && v6.is_some_and(|ip| match ip.to_ipv4_mapped() {
                            Some(v4) => own(&v4.octets()),
                            None => ip.is_unspecified(),
                        })
                }
                (libc::IPPROTO_IP, _) => false,
                (libc::IPPROTO_UDP, _) => socket.kind != Kind::Udp,
                _ => true,
            };
            if fine { Ok(()) } else { Err(Errno::EINVAL) }
        })
    })
}

/// The third argument of ioctl.
#[derive(Clone, Copy, Debug)]
pub struct Arg(*mut c_void);

impl Arg {
    /// Reads an int.
    pub(super) fn read_int(self) -> Result<c_int, Errno> {
        // SAFETY: null or valid for what the request reads, by the word of `ioctl`'s caller.
        unsafe { self.0.cast::<c_int>().as_ref() }.copied().ok_or(Errno::EFAULT)
    }

    /// Writes an int.
    pub(super) fn write_int(self, value: usize) -> Result<(), Errno> {
        let value = c_int::try_from(value).unwrap_or(c_int::MAX);
        // SAFETY: as in `read_int`, for writes.
        *unsafe { self.0.cast::<c_int>().as_mut() }.ok_or(Errno::EFAULT)? = value;
        Ok(())
    }

    /// The struct ifreq that the interface requests take.
    pub(super) fn ifreq(&mut self) -> Result<&mut [u8; 40], Errno> {
        // SAFETY: as in `read_int`; these requests take 40 bytes on 64-bit machines.
        unsafe { self.0.cast::<[u8; 40]>().as_mut() }.ok_or(Errno::EFAULT)
    }

    /// Makes the request on a descriptor of the kernel.
    pub(super) fn kernel(self, fd: c_int, request: c_ulong) -> Result<c_int, Errno> {
        // SAFETY: the argument is what the request expects, by the word of `ioctl`'s caller.
        unsafe { sys::ioctl(fd, request as c_long, self.0 as usize) }
    }
}

/// ioctl(2) on a socket of ours.
///
/// # Safety
/// `arg` must be what `request` expects.
pub unsafe fn ioctl(fd: c_int, request: c_ulong, arg: *mut c_void) -> Outcome<c_int> {
    super::ioctl::serve(fd, request, Arg(arg))
}

/// sendfile(2) with a socket of ours on either side.
///
/// # Safety
/// `offset` must be null or valid.
pub unsafe fn sendfile(
    out: c_int,
    from: c_int,
    offset: *mut libc::off_t,
    count: usize,
) -> Result<usize, Errno> {
    // SAFETY: null or valid.
    transfer::send_file(out, from, unsafe { offset.as_mut() }, count)
}

/// splice(2) with a socket of ours on either side.
///
/// # Safety
/// Both offsets must be null or valid.
pub unsafe fn splice(
    from: c_int,
    from_offset: *mut libc::loff_t,
    to: c_int,
    to_offset: *mut libc::loff_t,
    len: usize,
    flags: c_uint,
) -> Result<usize, Errno> {
    transfer::splice_bytes(from, !from_offset.is_null(), to, !to_offset.is_null(), len, flags)
}

/// preadv2 with RWF_NOWAIT at the current position: EAGAIN instead of a wait.
pub(super) fn read_nowait(fd: c_int, buf: &mut [u8]) -> Result<usize, Errno> {
    let v = [iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() }];
    let position = -1isize as usize;
    let flags = libc::RWF_NOWAIT as usize;
    // SAFETY: the entry is the slice.
    unsafe { sys::raw(libc::SYS_preadv2, [fd as usize, v.as_ptr() as usize, 1, position, position, flags]) }
}

/// pwritev2 with RWF_NOWAIT at the current position.
pub(super) fn write_nowait(fd: c_int, buf: &[u8]) -> Result<usize, Errno> {
    let v = [iovec { iov_base: buf.as_ptr().cast_mut().cast(), iov_len: buf.len() }];
    let position = -1isize as usize;
    let flags = libc::RWF_NOWAIT as usize;
    // SAFETY: the entry is the slice.
    unsafe { sys::raw(libc::SYS_pwritev2, [fd as usize, v.as_ptr() as usize, 1, position, position, flags]) }
}

#[cfg(test)]
mod tests;
