//! Sending and receiving datagrams (UDP, ping and raw sockets): whole or not at all (udp(7)).
//!
//! [`put`] and [`take`] do one message under the runtime lock; a call of several messages does many of them under one. What is
//! sent leaves when the lock is given back, or as soon as it fills the send buffer.

use std::net::SocketAddr;

use libc::c_int;
use matnet_stack::{Error, Kind, Readiness, SendHow};

use super::addr::{self, Parsed, SockAddr};
use super::iovec::Extra;
use super::socket::is_v6only;
use super::{Outcome, Received, bypass, companion, iovec, options};
use crate::errno::Errno;
use crate::runtime::file::FileId;
use crate::runtime::wait::{Blocking, MOVED, block_on};
use crate::runtime::{Shared, probe, sys};

/// A message to send.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) bufs: &'a [&'a [u8]],
    /// A sockaddr.
    pub(super) to: Option<&'a [u8]>,
    /// Control messages, as they lie in a msghdr.
    pub(super) control: &'a [u8],
}

/// Sends one message.
pub(super) fn send(fd: c_int, message: &Message<'_>, flags: c_int) -> Outcome<usize> {
    let sent =
        block_on(fd, |shared, id| to_send(shared, id, flags), |shared, id| put(shared, id, message, flags));
    match sent {
        Ok(Some(n)) => Outcome::Done(Ok(n)),
        Ok(None) | Err(MOVED) => Outcome::Kernel,
        Err(e) => Outcome::fail(e),
    }
}

/// How a call that sends waits.
pub(super) fn to_send(shared: &Shared, id: FileId, flags: c_int) -> Result<Blocking, Errno> {
    let f = shared.file(id)?;
    let nonblock = f.nonblock || flags & libc::MSG_DONTWAIT != 0;
    Ok(Blocking { interest: Readiness::OUT, nonblock, timeout: f.sndtimeo })
}

/// Queues one message; None when the socket has become the kernel's and the message is for the kernel to send.
pub(super) fn put(
    shared: &mut Shared,
    id: FileId,
    message: &Message<'_>,
    flags: c_int,
) -> Result<Option<usize>, Errno> {
    if flags & libc::MSG_OOB != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    super::options::device::usable(shared, id)?;
    let to = match message.to {
        None => None,
        Some(bytes) => match destination(shared, id, bytes)? {
            Destination::Peer => None,
            Destination::Kernel => return Ok(None),
            Destination::Companion(to) => return companion::send(shared, id, message, flags, to).map(Some),
            Destination::Stack(to) => Some(to),
        },
    };
    let mut how = if message.control.is_empty() {
        SendHow::default()
    } else {
        iovec::control_to_send(shared, id, message.control)?
    };
    let socket = shared.file(id)?.socket;
    how.more = flags & libc::MSG_MORE != 0;
    how.dont_route = flags & libc::MSG_DONTROUTE != 0;
    how.confirm = flags & libc::MSG_CONFIRM != 0;
    how.unreadable = !probe::all_readable(message.bufs);
    let sent = shared.stack.send_with(shared.now(), socket, to, message.bufs, how);
    if sent != Err(Error::WouldBlock) {
        return Ok(Some(sent?));
    }
    // What fills the send buffer may be what this call has queued itself.
    shared.transmit();
    Ok(Some(shared.stack.send_with(shared.now(), socket, to, message.bufs, how)?))
}

/// Where a message with an address goes.
enum Destination {
    /// The address says nothing.
    Peer,
    /// The socket is the kernel's from now on.
    Kernel,
    /// The kernel sends it, by the socket beside this one.
    Companion(SocketAddr),
    Stack(SocketAddr),
}

fn destination(shared: &mut Shared, id: FileId, bytes: &[u8]) -> Result<Destination, Errno> {
    let file = shared.file(id)?;
    let dest = match addr::parse(file.domain, bytes)? {
        Parsed::Unspec if file.domain == libc::AF_INET6 => return Ok(Destination::Peer),
        // ping_v4_sendmsg; elsewhere AF_UNSPEC is taken as AF_INET (net/ipv4/udp.c, raw.c).
        Parsed::Unspec if file.socket.kind == Kind::Ping => return Err(Errno::EAFNOSUPPORT),
        Parsed::Unspec => {
            let mut copy = bytes.to_vec();
            if let Some(family) = copy.first_chunk_mut::<2>() {
                *family = (libc::AF_INET as u16).to_ne_bytes();
            }
            bypass::destination(libc::AF_INET, addr::parse(libc::AF_INET, &copy)?)
        }
        Parsed::V4(a)
            if file.domain == libc::AF_INET6
                && !a.ip().is_unspecified()
                && is_v6only(shared, file.socket) =>
        {
            return Err(Errno::ENETUNREACH);
        }
        other => bypass::destination(file.domain, other),
    };
    if dest.port() == 0 && file.socket.kind == Kind::Udp {
        return Err(Errno::EINVAL);
    }
    if bypass::is_kernel(dest, file.socket.kind) {
        if file.socket.kind == Kind::Udp {
            return Ok(Destination::Companion(dest));
        }
        bypass::to_kernel(shared, id)?;
        return Ok(Destination::Kernel);
    }
    if dest.is_ipv6() { Err(Errno::ENETUNREACH) } else { Ok(Destination::Stack(dest)) }
}

/// Receives one datagram; what does not fit is lost and MSG_TRUNC says so. What came beside the bytes and is asked for goes to `extra`.
pub(super) fn recv_with(
    fd: c_int,
    bufs: &mut [&mut [u8]],
    flags: c_int,
    extra: &mut Option<Extra>,
) -> Result<Received, Errno> {
    let take = |shared: &mut Shared, id| take(shared, id, bufs, flags, extra);
    match block_on(fd, |shared, id| to_receive(shared, id, flags), take) {
        Err(MOVED) => receive_moved(fd, bufs, flags, extra),
        result => result,
    }
}

/// Goes on waiting on the kernel's socket (another thread has connected it to an address of the kernel).
#[cold]
fn receive_moved(
    fd: c_int,
    bufs: &mut [&mut [u8]],
    flags: c_int,
    extra: &mut Option<Extra>,
) -> Result<Received, Errno> {
    let (mut from, mut bytes) = (SockAddr { bytes: [0; 28], len: 0 }, [0; 256]);
    let m = sys::recvmsg(fd, bufs, &mut from.bytes, &mut bytes, flags)?;
    from.len = m.from.min(from.bytes.len()) as u8;
    if m.control > 0 {
        *extra = Some(Extra::Kernel { bytes, len: m.control });
    }
    Ok(Received { len: m.len, flags: m.flags & !libc::MSG_CMSG_CLOEXEC, from: (m.from > 0).then_some(from) })
}

/// How a call that receives waits.
pub(super) fn to_receive(shared: &Shared, id: FileId, flags: c_int) -> Result<Blocking, Errno> {
    let f = shared.file(id)?;
    // The error queue is never waited for (recvmsg(2)).
    let nonblock = f.nonblock || flags & (libc::MSG_DONTWAIT | libc::MSG_ERRQUEUE) != 0;
    Ok(Blocking { interest: Readiness::IN | Readiness::RDHUP, nonblock, timeout: f.rcvtimeo })
}

/// Takes one entry of the error queue (ip_recv_error).
#[cold]
pub(super) fn take_error(
    shared: &mut Shared,
    id: FileId,
    bufs: &mut [&mut [u8]],
    extra: &mut Option<Extra>,
) -> Result<Received, Errno> {
    let f = shared.file(id)?;
    let (socket, domain, wants) = (f.socket, f.domain, f.ancillary);
    let room: usize = bufs.iter().map(|b| b.len()).sum();
    let error = if probe::all_writable(bufs, 0, room) {
        shared.stack.recv_error(socket, bufs)?
    } else {
        // As in the kernel the entry is lost.
        shared.stack.recv_error(socket, &mut [])?;
        return Err(Errno::EFAULT);
    };
    *extra = Some(Extra::Error { wants, domain, kind: socket.kind, error });
    Ok(Received {
        len: error.len.min(room),
        flags: libc::MSG_ERRQUEUE | if error.len > room { libc::MSG_TRUNC } else { 0 },
        from: Some(SockAddr::encode(domain, error.to)),
    })
}

/// Takes one datagram from the queue.
pub(super) fn take(
    shared: &mut Shared,
    id: FileId,
    bufs: &mut [&mut [u8]],
    flags: c_int,
    extra: &mut Option<Extra>,
) -> Result<Received, Errno> {
    if flags & libc::MSG_OOB != 0 && shared.file(id)?.socket.kind != Kind::Udp {
        // ping_recvmsg, raw_recvmsg; udp_recvmsg does not look.
        return Err(Errno::EOPNOTSUPP);
    }
    if shared.file(id)?.companied {
        let mut bytes = [0; 256];
        if flags & libc::MSG_ERRQUEUE != 0 {
            if let Some((received, len)) = companion::take_error(shared, id, bufs, &mut bytes)? {
                *extra = Some(Extra::Kernel { bytes, len });
                return Ok(received);
            }
        }
    }
    if flags & libc::MSG_ERRQUEUE != 0 {
        return take_error(shared, id, bufs, extra);
    }
    if shared.file(id)?.companied {
        let mut bytes = [0; 256];
        if let Some((received, len)) = companion::take(shared, id, bufs, &mut bytes, flags)? {
            if len > 0 {
                *extra = Some(Extra::Kernel { bytes, len });
            }
            return Ok(received);
        }
    }
    let f = shared.file(id)?;
    let (socket, domain, wants) = (f.socket, f.domain, f.ancillary);
    let nonblock = f.nonblock || flags & libc::MSG_DONTWAIT != 0;
    if !probe::all_writable(bufs, 0, shared.stack.recv_queued(socket)) {
        // The datagram is lost, as in the kernel, unless it is only looked at.
        shared.stack.recv_vectored(socket, &mut [], flags & libc::MSG_PEEK != 0)?;
        return Err(Errno::EFAULT);
    }
    let peek = flags & libc::MSG_PEEK != 0;
    let tuned = f.rare().is_some_and(|r| !r.host_options.is_empty());
    let from = if peek && tuned { options::peek_offset(shared.file(id)?) } else { None };
    let taken = match from {
        Some(offset) => shared.stack.peek_at(socket, bufs, offset),
        None => shared.stack.recv_vectored(socket, bufs, peek).map(|meta| (meta, 0)),
    };
    let (meta, at) = match taken {
        Ok(taken) => taken,
        // A shut socket ends the wait with nothing (net/core/datagram.c); without a wait it is EAGAIN.
        Err(Error::WouldBlock) if !nonblock && shared.stack.readiness(socket).contains(Readiness::RDHUP) => {
            return Ok(Received::default());
        }
        Err(e) => return Err(e.into()),
    };
    let room: usize = bufs.iter().map(|b| b.len()).sum();
    if wants != 0 || meta.gso_size != 0 {
        *extra = Some(Extra::Datagram { wants, kind: socket.kind, meta });
    }
    let left = meta.len.saturating_sub(at);
    let len = if flags & libc::MSG_TRUNC != 0 { meta.len } else { left.min(room) };
    if tuned {
        options::move_peek_offset(shared.file_mut(id)?, peek, len);
    }
    Ok(Received {
        len,
        // Of a peek that begins inside, too, what would fit tells (udp_recvmsg).
        flags: if meta.len > room && left >= room { libc::MSG_TRUNC } else { 0 },
        from: Some(SockAddr::encode(domain, meta.from)),
    })
}
