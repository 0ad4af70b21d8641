//! sendmsg, recvmsg, sendmmsg and recvmmsg: message headers and control data.
//!
//! Limits and errnos are those of copy_msghdr_from_user and ip_cmsg_send: more than IOV_MAX entries is EMSGSIZE. Control data to
//! send is checked as on Linux; what it asks for and the stack cannot do yet (another TTL) is EINVAL. Of control data to receive
//! there is UDP_GRO.
//!
//! Many datagrams in one call are sent or taken under one lock, and their frames leave at its end; [`BATCH`] bounds how
//! long others wait. Each message waits by itself, with a time-out of its own, as in the kernel (net/socket.c).

use std::time::Duration;

use libc::{c_int, c_uint, mmsghdr, msghdr, socklen_t, timespec};
use matnet_stack::{Error, Instant, Kind, Readiness};

use super::{IOV_MAX, with_sources, with_targets};
use crate::errno::Errno;
use crate::posix::socket::with;
use crate::posix::{Outcome, Received, SockAddr, dgram, stream};
use crate::runtime::fdtable::{self, Slot};
use crate::runtime::file::FileId;
use crate::runtime::wait::block_on;
use crate::runtime::{Shared, sys};

/// sizeof(struct sockaddr_storage)
const MAX_ADDR: usize = 128;
/// sizeof(struct cmsghdr)
const CMSG_HEADER: usize = 16;
/// Datagrams of one call under one lock.
const BATCH: usize = 64;

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
    let send = |message: &dgram::Message<'_>| {
        let total = message.bufs.iter().map(|b| b.len()).sum();
        if fdtable::is_datagram(fd) {
            return Ok((dgram::send(fd, message, flags), total));
        }
        if !message.control.is_empty() {
            with(fd, |shared, id| check_control(shared, id, message.control))?;
        }
        Ok((Outcome::Done(stream::send(fd, message.bufs, flags)), total))
    };
    // SAFETY: the caller's promise.
    unsafe { with_message(m, send) }
}

/// Runs `f` on what a header to send names.
///
/// # Safety
/// The header's pointers must be null or valid for reads of their lengths.
unsafe fn with_message<R>(
    m: &msghdr,
    f: impl FnOnce(&dgram::Message<'_>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let name_len = check_header(m)?;
    let to = if m.msg_name.is_null() || name_len == 0 {
        None
    } else {
        // SAFETY: not null; the caller vouches for the length.
        Some(unsafe { std::slice::from_raw_parts(m.msg_name.cast::<u8>(), name_len) })
    };
    let send = |bufs: &[&[u8]]| {
        if m.msg_controllen > c_int::MAX as usize {
            return Err(Errno::ENOBUFS);
        }
        let control = match m.msg_controllen {
            0 => &[][..],
            _ if m.msg_control.is_null() => return Err(Errno::EFAULT),
            // SAFETY: not null; the caller vouches for the length.
            n => unsafe { std::slice::from_raw_parts(m.msg_control.cast::<u8>(), n) },
        };
        f(&dgram::Message { bufs, to, control })
    };
    // SAFETY: the caller vouches for the array.
    unsafe { with_sources(m.msg_iov, m.msg_iovlen, send) }?
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

/// recvmsg(2)
///
/// # Safety
/// As [`sendmsg`], the buffers valid for writes.
pub unsafe fn recvmsg(fd: c_int, msg: *mut msghdr, flags: c_int) -> Result<usize, Errno> {
    // SAFETY: null or valid.
    let m = unsafe { msg.as_mut() }.ok_or(Errno::EFAULT)?;
    // SAFETY: the caller's promise.
    unsafe { receive_message(m, flags, |bufs, flags| crate::posix::recv(fd, bufs, flags)) }
}

/// Receives into what a header names, by `receive`; the call's value.
///
/// # Safety
/// The header's pointers must be null or valid for writes of their lengths.
unsafe fn receive_message(
    m: &mut msghdr,
    flags: c_int,
    receive: impl FnOnce(&mut [&mut [u8]], c_int) -> Result<Received, Errno>,
) -> Result<usize, Errno> {
    let room = check_header(m)?;
    let receive = |bufs: &mut [&mut [u8]]| receive(bufs, flags & !libc::MSG_CMSG_CLOEXEC);
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
    m.msg_flags = received.flags | flags & libc::MSG_CMSG_CLOEXEC;
    if received.gso_size == 0 {
        m.msg_controllen = 0;
    } else {
        let size = c_int::from(received.gso_size).to_ne_bytes();
        // SAFETY: the caller vouches for the room for control data.
        unsafe { put_control(m, libc::SOL_UDP, libc::UDP_GRO, &size) };
    }
    Ok(received.len)
}

/// Writes the one control message of a received message; MSG_CTRUNC when there is no room for all of it (put_cmsg).
///
/// # Safety
/// `msg_control` must be null or valid for writes of `msg_controllen` bytes.
unsafe fn put_control(m: &mut msghdr, level: c_int, ty: c_int, data: &[u8]) {
    let room = m.msg_controllen;
    if m.msg_control.is_null() || room < CMSG_HEADER {
        m.msg_flags |= libc::MSG_CTRUNC;
        m.msg_controllen = 0;
        return;
    }
    let whole = CMSG_HEADER.saturating_add(data.len());
    if room < whole {
        m.msg_flags |= libc::MSG_CTRUNC;
    }
    let len = whole.min(room);
    let header = len.to_ne_bytes().into_iter().chain(level.to_ne_bytes()).chain(ty.to_ne_bytes());
    for (at, byte) in header.chain(data.iter().copied()).take(len).enumerate() {
        // SAFETY: `at` is below `room`, for which the caller vouches.
        unsafe { m.msg_control.cast::<u8>().add(at).write(byte) };
    }
    m.msg_controllen = len.next_multiple_of(8).min(room);
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
    if list.is_empty() {
        return Outcome::Done(with(fd, |_, _| Ok(0)));
    }
    if fdtable::is_datagram(fd) {
        // SAFETY: the caller's promise.
        return unsafe { send_datagrams(fd, list, flags) };
    }
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

/// # Safety
/// Each header must be as [`sendmsg`] wants it.
unsafe fn send_datagrams(fd: c_int, list: &mut [mmsghdr], flags: c_int) -> Outcome<c_int> {
    let mut done = 0;
    let mut moved = false;
    while done < list.len() && !moved {
        let result = block_on(
            fd,
            |shared, id| dgram::to_send(shared, id, flags),
            |shared, id| {
                let begin = done;
                for entry in list.iter_mut().skip(begin).take(BATCH) {
                    let put = |message: &dgram::Message<'_>| dgram::put(shared, id, message, flags);
                    // SAFETY: the caller's promise.
                    match unsafe { with_message(&entry.msg_hdr, put) } {
                        Ok(Some(sent)) => entry.msg_len = sent as c_uint,
                        Ok(None) => {
                            moved = true;
                            break;
                        }
                        // To be waited for by itself.
                        Err(Errno::EAGAIN) if done > begin => break,
                        Err(e) => return Err(e),
                    }
                    done += 1;
                }
                Ok(())
            },
        );
        match result {
            Ok(()) => {}
            Err(_) if done > 0 => break,
            Err(e) => return Outcome::fail(e),
        }
    }
    // At most IOV_MAX.
    if done == 0 && moved { Outcome::Kernel } else { Outcome::Done(Ok(done as c_int)) }
}

/// recvmmsg(2): with MSG_WAITFORONE only the first message is waited for; the time-out is looked at after each message, as
/// the manual warns, and its rest is written back. An error after the first message is kept for the next call.
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
    let datagrams = fdtable::is_datagram(fd);
    if (n == 0 || !datagrams) && flags & libc::MSG_ERRQUEUE == 0 {
        // A pending error comes first, before bytes and even before no message at all (do_recvmmsg).
        with(fd, |shared, id| pending(shared, id).map_or(Ok(()), Err))?;
    }
    // SAFETY: the caller's promise.
    let list = unsafe { messages(msgs, n as usize) }?;
    let mut call = Several { list, done: 0, flags, until, left: None, over: false };
    let mut failed = None;
    while failed.is_none() && !call.finished() {
        // SAFETY: the caller's promise.
        let result = unsafe { if datagrams { call.receive_batch(fd) } else { call.receive_one(fd) } };
        failed = result.err();
    }
    if let (Some(left), Some(t)) = (call.left, timeout.as_mut()) {
        **t = sys::timespec(left);
    }
    match failed {
        Some(e) if call.done == 0 => return Err(e),
        Some(e) => keep(fd, e),
        None => {}
    }
    Ok(c_int::try_from(call.done).unwrap_or(c_int::MAX))
}

/// A recvmmsg at work.
struct Several<'a> {
    list: &'a mut [mmsghdr],
    /// Messages received.
    done: usize,
    flags: c_int,
    until: Option<Instant>,
    /// What was left of the time after the last message.
    left: Option<Duration>,
    /// No further message is to be received.
    over: bool,
}

impl Several<'_> {
    fn finished(&self) -> bool {
        self.over || self.done >= self.list.len()
    }

    /// Flags for one message.
    fn message_flags(&self) -> c_int {
        self.flags & !libc::MSG_WAITFORONE
    }

    /// A message has been received.
    fn count(&mut self) {
        self.done += 1;
        if self.flags & libc::MSG_WAITFORONE != 0 {
            self.flags |= libc::MSG_DONTWAIT;
        }
        self.left = self.until.map(|until| until.since(sys::now()));
        self.over |= self.left.is_some_and(|left| left.is_zero());
    }

    /// The next message of a stream.
    ///
    /// # Safety
    /// The headers must be as [`recvmsg`] wants them.
    unsafe fn receive_one(&mut self, fd: c_int) -> Result<(), Errno> {
        let flags = self.message_flags();
        if self.done > 0 && with(fd, |shared, id| Ok(is_failed(shared, id)))? {
            self.over = true;
            return Ok(());
        }
        let Some(entry) = self.list.get_mut(self.done) else { return Ok(()) };
        // SAFETY: the caller's promise.
        entry.msg_len = unsafe { recvmsg(fd, &raw mut entry.msg_hdr, flags) }? as c_uint;
        self.count();
        Ok(())
    }

    /// As many datagrams as are there, at least one: only that is waited for.
    ///
    /// # Safety
    /// As [`Several::receive_one`].
    unsafe fn receive_batch(&mut self, fd: c_int) -> Result<(), Errno> {
        let waits = self.message_flags();
        block_on(
            fd,
            |shared, id| dgram::to_receive(shared, id, waits),
            |shared, id| {
                let begin = self.done;
                while !self.finished() && self.done - begin < BATCH {
                    // An error that waits is for the next call, not to be lost behind a count.
                    if self.done > 0 && is_failed(shared, id) {
                        self.over = true;
                        break;
                    }
                    let flags = self.message_flags();
                    let Some(entry) = self.list.get_mut(self.done) else { break };
                    let take = |bufs: &mut [&mut [u8]], flags| dgram::take(shared, id, bufs, flags);
                    // SAFETY: the caller's promise.
                    match unsafe { receive_message(&mut entry.msg_hdr, flags, take) } {
                        Ok(len) => entry.msg_len = len as c_uint,
                        Err(Errno::EAGAIN) if self.done > begin => break,
                        Err(e) => return Err(e),
                    }
                    self.count();
                }
                Ok(())
            },
        )
    }
}

/// The pending error, which is cleared.
fn pending(shared: &mut Shared, id: FileId) -> Option<Errno> {
    let socket = shared.file(id).ok()?.socket;
    shared.stack.take_error(socket).map(Errno::from)
}

fn is_failed(shared: &mut Shared, id: FileId) -> bool {
    shared.readiness(id).contains(Readiness::ERR)
}

/// Keeps an error that came after some messages for the next call. Running out of messages or of time is none, and neither is a
/// signal.
fn keep(fd: c_int, e: Errno) {
    let error = match e {
        Errno::EFAULT => Error::BadAddress,
        Errno::EINVAL => Error::InvalidArgument,
        Errno::EMSGSIZE => Error::MessageTooLong,
        // The socket's own errors have stayed where they were.
        _ => return,
    };
    let _ = with(fd, |shared, id| {
        let socket = shared.file(id)?.socket;
        shared.stack.set_error(socket, error);
        Ok(())
    });
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

/// Control data to send, as sock_cmsg_send (streams), udp_cmsg_send and ip_cmsg_send (datagrams) take it. What UDP_SEGMENT
/// says in it, if it is there.
pub(in crate::posix) fn check_control(
    shared: &Shared,
    id: FileId,
    control: &[u8],
) -> Result<Option<u16>, Errno> {
    let mut segment = None;
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
            (libc::IPPROTO_UDP, _) if socket.kind != Kind::Udp => true,
            (libc::IPPROTO_UDP, libc::UDP_SEGMENT) => match data {
                [a, b] => {
                    segment = Some(u16::from_ne_bytes([*a, *b]));
                    true
                }
                _ => false,
            },
            (libc::IPPROTO_UDP, _) => false,
            _ => true,
        };
        if fine { Ok(()) } else { Err(Errno::EINVAL) }
    })?;
    Ok(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(len: usize, level: c_int, ty: c_int, data: &[u8]) -> Vec<u8> {
        let mut out = len.to_ne_bytes().to_vec();
        out.extend(level.to_ne_bytes());
        out.extend(ty.to_ne_bytes());
        out.extend(data);
        out.resize(out.len().next_multiple_of(8), 0);
        out
    }

    #[test]
    fn control_messages_one_by_one() {
        let mut bytes = control(20, 1, 2, &[9, 8, 7, 6]);
        bytes.extend(control(16, 3, 4, &[]));
        let mut seen = Vec::new();
        let result = each_control(&bytes, |level, ty, data| {
            seen.push((level, ty, data.to_vec()));
            Ok(())
        });
        assert_eq!(result, Ok(()));
        assert_eq!(seen, [(1, 2, vec![9, 8, 7, 6]), (3, 4, vec![])]);
        // Less than a header is no message; a length below a header's or beyond the end is wrong (CMSG_OK).
        assert_eq!(each_control(&[1; 15], |_, _, _| Err(Errno::EIO)), Ok(()));
        for len in [0, 3, 15, 100, usize::MAX] {
            assert_eq!(each_control(&control(len, 0, 0, &[]), |_, _, _| Ok(())), Err(Errno::EINVAL));
        }
    }

    #[test]
    fn headers_as_the_kernel_checks_them() {
        // SAFETY: all zero is a valid header.
        let mut m: msghdr = unsafe { std::mem::zeroed() };
        let mut byte = 0u8;
        m.msg_iovlen = 1025;
        assert_eq!(check_header(&m), Err(Errno::EMSGSIZE));
        m.msg_iovlen = 1;
        m.msg_namelen = 200;
        assert_eq!(check_header(&m), Ok(128));
        m.msg_namelen = socklen_t::MAX;
        assert_eq!(check_header(&m), Ok(128));
        m.msg_name = (&raw mut byte).cast();
        assert_eq!(check_header(&m), Err(Errno::EINVAL));
    }

    #[test]
    fn spans() {
        let t = |tv_sec, tv_nsec| timespec { tv_sec, tv_nsec };
        assert_eq!(span(&t(1, 5)), Ok(Duration::new(1, 5)));
        for bad in [t(-1, 0), t(0, -1), t(0, 1_000_000_000)] {
            assert_eq!(span(&bad), Err(Errno::EINVAL));
        }
    }
}
