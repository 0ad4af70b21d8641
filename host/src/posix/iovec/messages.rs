//! sendmsg, recvmsg, sendmmsg and recvmmsg: message headers and control data.
//!
//! Limits and errnos are those of copy_msghdr_from_user and ip_cmsg_send: more than IOV_MAX entries is EMSGSIZE. A header is copied
//! before it is used and what the call changes of it is written back at the end, as in the kernel. What control data to send asks for
//! holds for that message; what there is to receive is in `control`.
//!
//! Limits: IP options cannot be sent (IP_RETOPTS is taken when it is empty, and is EINVAL otherwise).
//!
//! Many datagrams in one call are sent or taken under one lock, and their frames leave at its end; [`BATCH`] bounds how
//! long others wait. Each message waits by itself, with a time-out of its own, as in the kernel (net/socket.c).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use libc::{c_int, c_uint, mmsghdr, msghdr, socklen_t, timespec};
use matnet_stack::{Error, Instant, Kind, Readiness, SendHow};

use super::control::{self, Extra};
use super::{IOV_MAX, with_sources, with_targets};
use crate::errno::Errno;
use crate::posix::socket::with;
use crate::posix::{Outcome, Received, SockAddr, dgram, fastopen, interfaces, options::may_mark, stream};
use crate::runtime::fdtable::{self, Slot};
use crate::runtime::file::FileId;
use crate::runtime::wait::{MOVED, PARTIAL, block_on};
use crate::runtime::{Shared, probe, sys};

/// sizeof(struct sockaddr_storage)
const MAX_ADDR: usize = 128;
/// sizeof(struct cmsghdr)
pub(super) const CMSG_HEADER: usize = 16;
/// Messages of one recvmmsg: more is a list that a program could not have.
const MAX_MESSAGES: usize = 1 << 16;
/// net.core.optmem_max: control data of one message.
const MAX_CONTROL: usize = 128 * 1024;
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
    let m = &probe::read(msg)?;
    let send = |message: &dgram::Message<'_>| {
        let total = message.bufs.iter().map(|b| b.len()).sum();
        if fdtable::is_datagram(fd) {
            return Ok((dgram::send(fd, message, flags), total));
        }
        if !message.control.is_empty() {
            with(fd, |shared, id| control_to_send(shared, id, message.control))?;
        }
        if flags & libc::MSG_FASTOPEN != 0 {
            return Ok((fastopen::send(fd, message.bufs, flags, message.to), total));
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
        if !probe::readable(m.msg_name.cast(), name_len) {
            return Err(Errno::EFAULT);
        }
        // SAFETY: it can be read.
        Some(unsafe { std::slice::from_raw_parts(m.msg_name.cast::<u8>(), name_len) })
    };
    let send = |bufs: &[&[u8]]| {
        if m.msg_controllen > c_int::MAX as usize {
            return Err(Errno::ENOBUFS);
        }
        let control = match m.msg_controllen {
            0 => &[][..],
            // More than the kernel takes as well (sock_kmalloc, net.core.optmem_max).
            n if n > MAX_CONTROL => return Err(Errno::ENOBUFS),
            n if !probe::readable(m.msg_control.cast(), n) => return Err(Errno::EFAULT),
            // SAFETY: it can be read.
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
    let datagram = fdtable::is_datagram(fd);
    let receive = |bufs: &mut [&mut [u8]], flags, extra: &mut Option<Extra>| {
        if datagram {
            dgram::recv_with(fd, bufs, flags, extra)
        } else {
            stream::recv_with(fd, bufs, flags, extra)
        }
    };
    // SAFETY: the caller's promise.
    unsafe { receive_message(msg, flags, receive) }
}

/// Receives into what a header names, by `receive`; the call's value.
///
/// # Safety
/// The header's pointers must be null or valid for writes of their lengths.
unsafe fn receive_message(
    msg: *mut msghdr,
    flags: c_int,
    receive: impl FnOnce(&mut [&mut [u8]], c_int, &mut Option<Extra>) -> Result<Received, Errno>,
) -> Result<usize, Errno> {
    let m = &probe::read(msg)?;
    let room = check_header(m)?;
    let mut extra = None;
    let receive = |bufs: &mut [&mut [u8]]| receive(bufs, flags & !libc::MSG_CMSG_CLOEXEC, &mut extra);
    // SAFETY: the caller vouches for the array.
    let received = unsafe { with_targets(m.msg_iov, m.msg_iovlen, receive) }??;
    let (used, cut) = match &extra {
        None => (0, 0),
        Some(extra) => control::write(m, extra)?,
    };
    if !probe::writable(msg.cast(), size_of::<msghdr>()) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: it can be read and written.
    let out = unsafe { &mut *msg };
    if !m.msg_name.is_null() {
        let bytes = received.from.as_ref().map_or(&[][..], SockAddr::as_bytes);
        probe::write_bytes(m.msg_name.cast(), bytes.get(..room).unwrap_or(bytes))?;
        out.msg_namelen = bytes.len() as socklen_t;
    }
    out.msg_flags = received.flags | cut | flags & libc::MSG_CMSG_CLOEXEC;
    out.msg_controllen = used;
    Ok(received.len)
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
                        Err(Errno::EAGAIN) if done > 0 => return Err(PARTIAL),
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
            Err(MOVED) => return Outcome::Kernel,
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
    let until = probe::read_some(timeout)?.as_ref().map(span).transpose()?.map(|d| sys::now() + d);
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
    if let Some(left) = call.left.filter(|_| !timeout.is_null()) {
        // After any message; what cannot be written is an error in place of the count (put_timespec64).
        probe::write(timeout, sys::timespec(left))?;
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
                    let take = |bufs: &mut [&mut [u8]], flags, extra: &mut Option<Extra>| {
                        dgram::take(shared, id, bufs, flags, extra)
                    };
                    // SAFETY: the caller's promise.
                    match unsafe { receive_message(&raw mut entry.msg_hdr, flags, take) } {
                        Ok(len) => entry.msg_len = len as c_uint,
                        Err(Errno::EAGAIN) if self.done > begin => break,
                        Err(Errno::EAGAIN) if self.done > 0 => return Err(PARTIAL),
                        Err(e) => return Err(e),
                    }
                    self.count();
                }
                Ok(())
            },
        )
        // The next call is the kernel's.
        .map_err(|e| if e == MOVED { Errno::EINTR } else { e })
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
    // Those behind a bad page are not reached, as in the kernel, which looks at one after the other.
    let n = n.min(MAX_MESSAGES).saturating_mul(size_of::<mmsghdr>());
    let n = probe::readable_prefix(msgs.cast(), n) / size_of::<mmsghdr>();
    // SAFETY: only the address is taken.
    if n == 0 || !probe::writable(unsafe { &raw mut (*msgs).msg_len }.cast(), 4) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: so many can be read, and the first be written.
    Ok(unsafe { std::slice::from_raw_parts_mut(msgs, n) })
}

/// A timespec as a span; EINVAL for what poll_select_set_timeout refuses.
fn span(t: &timespec) -> Result<Duration, Errno> {
    let seconds = u64::try_from(t.tv_sec).map_err(|_| Errno::EINVAL)?;
    let nanos = u32::try_from(t.tv_nsec).ok().filter(|n| *n < 1_000_000_000).ok_or(Errno::EINVAL)?;
    Ok(Duration::new(seconds, nanos))
}

/// Calls `f` with level, type and data of each control message; EINVAL for a length that does not fit (CMSG_OK).
pub(super) fn each_control(
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

/// Control data to send, as sock_cmsg_send (streams), udp_cmsg_send and ip_cmsg_send (datagrams) take it: how the message differs from
/// what the socket's options say.
pub(in crate::posix) fn control_to_send(
    shared: &Shared,
    id: FileId,
    control: &[u8],
) -> Result<SendHow, Errno> {
    let mut how = SendHow::default();
    let f = shared.file(id)?;
    let (kind, v6) = (f.socket.kind, f.domain == libc::AF_INET6);
    let mut index = 0;
    each_control(control, |level, ty, data| {
        if level == libc::SOL_SOCKET {
            return socket_control(ty, data);
        }
        if kind == Kind::Tcp {
            return Ok(());
        }
        let int = || <[u8; 4]>::try_from(data).map(i32::from_ne_bytes).map_err(|_| Errno::EINVAL);
        match (level, ty) {
            (libc::IPPROTO_IP, libc::IP_TTL) => {
                how.ttl = Some(u8::try_from(int()?).ok().filter(|ttl| *ttl > 0).ok_or(Errno::EINVAL)?);
            }
            (libc::IPPROTO_IP, libc::IP_TOS) => {
                how.tos = Some(match data {
                    [tos] => *tos,
                    _ => u8::try_from(int()?).map_err(|_| Errno::EINVAL)?,
                });
            }
            // struct in_pktinfo: interface, source, and an address that does not count here.
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                let Ok([i0, i1, i2, i3, a, b, c, d, ..]) = <[u8; 12]>::try_from(data) else {
                    return Err(Errno::EINVAL);
                };
                choose_interface(&mut index, u32::from_ne_bytes([i0, i1, i2, i3]));
                how.source = Some(Ipv4Addr::new(a, b, c, d));
            }
            // struct in6_pktinfo with a v4-mapped source.
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if v6 => {
                let Some([ip @ .., i0, i1, i2, i3]) = data.first_chunk::<20>() else {
                    return Err(Errno::EINVAL);
                };
                let ip = ip.first_chunk::<16>().map(|b| Ipv6Addr::from(*b));
                how.source = Some(ip.and_then(|ip| ip.to_ipv4_mapped()).ok_or(Errno::EINVAL)?);
                choose_interface(&mut index, u32::from_ne_bytes([*i0, *i1, *i2, *i3]));
            }
            (libc::IPPROTO_IP, libc::IP_RETOPTS) if data.is_empty() => {}
            // The kernel takes a protocol for any socket and uses it for raw ones.
            (libc::IPPROTO_IP, IP_PROTOCOL) if int().is_ok_and(|p| (1..=255).contains(&p)) => {}
            (libc::IPPROTO_IP, _) => return Err(Errno::EINVAL),
            (libc::IPPROTO_UDP, _) if kind != Kind::Udp => {}
            (libc::IPPROTO_UDP, libc::UDP_SEGMENT) => {
                let size = <[u8; 2]>::try_from(data).map_err(|_| Errno::EINVAL)?;
                how.segment = Some(u16::from_ne_bytes(size));
            }
            (libc::IPPROTO_UDP, _) => return Err(Errno::EINVAL),
            _ => {}
        }
        Ok(())
    })?;
    if let Some(source) = how.source.filter(|ip| !ip.is_unspecified()) {
        // ip_route_output_key_hash_rcu: a source must be ours.
        if source.is_multicast() || source.is_broadcast() {
            return Err(Errno::EINVAL);
        }
        if !shared.stack.is_local(source.into()) {
            return Err(Errno::ENETUNREACH);
        }
    } else {
        how.source = None;
    }
    if index != 0 && index != interfaces::own_index() {
        return Err(if index == LOOPBACK { Errno::EINVAL } else { Errno::ENODEV });
    }
    Ok(how)
}

/// Since Linux 6.4.
const IP_PROTOCOL: c_int = 52;
/// Every network namespace has `lo` as its first device.
const LOOPBACK: u32 = 1;

/// An index of 0 does not choose.
fn choose_interface(chosen: &mut u32, index: u32) {
    if index != 0 {
        *chosen = index;
    }
}

/// __sock_cmsg_send
fn socket_control(ty: c_int, data: &[u8]) -> Result<(), Errno> {
    const SO_TIMESTAMPING_NEW: c_int = 65;
    /// SOF_TIMESTAMPING_TX_RECORD_MASK: times of sending, which are not taken, as with a device that cannot.
    const TX_RECORD: u32 = 1 | 1 << 1 | 1 << 8 | 1 << 9 | 1 << 18;
    match ty {
        // AF_UNIX's, which pass without effect here.
        libc::SCM_RIGHTS | libc::SCM_CREDENTIALS => Ok(()),
        libc::SO_MARK | libc::SO_PRIORITY if data.len() != 4 => Err(Errno::EINVAL),
        libc::SO_MARK => may_mark(),
        libc::SO_PRIORITY => match <[u8; 4]>::try_from(data).map(u32::from_ne_bytes) {
            // sk_set_prio_allowed
            Ok(0..=6) => Ok(()),
            _ => may_mark(),
        },
        libc::SO_TIMESTAMPING | SO_TIMESTAMPING_NEW => {
            match <[u8; 4]>::try_from(data).map(u32::from_ne_bytes) {
                Ok(flags) if flags & !TX_RECORD == 0 => Ok(()),
                _ => Err(Errno::EINVAL),
            }
        }
        _ => Err(Errno::EINVAL),
    }
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
