//! Sending and receiving datagrams (UDP and ping sockets): whole or not at all (udp(7)).
//!
//! [`put`] and [`take`] do one message under the runtime lock; a call of several messages does many of them under one. What is
//! sent leaves when the lock is given back, or as soon as it fills the send buffer.

use std::net::SocketAddr;

use libc::c_int;
use matnet_stack::{Error, Kind, Readiness, SendHow};

use super::addr::{self, Parsed, SockAddr};
use super::{Outcome, Received, bypass, iovec};
use crate::errno::Errno;
use crate::runtime::Shared;
use crate::runtime::file::FileId;
use crate::runtime::wait::{Blocking, block_on};

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
        Ok(None) => Outcome::Kernel,
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
    let to = match message.to {
        None => None,
        Some(bytes) => match destination(shared, id, bytes)? {
            Destination::Peer => None,
            Destination::Kernel => return Ok(None),
            Destination::Stack(to) => Some(to),
        },
    };
    let segment =
        if message.control.is_empty() { None } else { iovec::check_control(shared, id, message.control)? };
    let socket = shared.file(id)?.socket;
    let how = SendHow { segment, more: flags & libc::MSG_MORE != 0 };
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
    Stack(SocketAddr),
}

fn destination(shared: &mut Shared, id: FileId, bytes: &[u8]) -> Result<Destination, Errno> {
    let file = shared.file(id)?;
    let dest = match addr::parse(file.domain, bytes)? {
        Parsed::Unspec if file.domain == libc::AF_INET6 => return Ok(Destination::Peer),
        // AF_UNSPEC is taken as AF_INET (net/ipv4/udp.c).
        Parsed::Unspec => {
            let mut copy = bytes.to_vec();
            if let Some(family) = copy.first_chunk_mut::<2>() {
                *family = (libc::AF_INET as u16).to_ne_bytes();
            }
            bypass::destination(addr::parse(libc::AF_INET, &copy)?)
        }
        other => bypass::destination(other),
    };
    if dest.port() == 0 && file.socket.kind == Kind::Udp {
        return Err(Errno::EINVAL);
    }
    if bypass::is_kernel(dest) {
        bypass::to_kernel(shared, id)?;
        return Ok(Destination::Kernel);
    }
    if dest.is_ipv6() { Err(Errno::ENETUNREACH) } else { Ok(Destination::Stack(dest)) }
}

/// Receives one datagram; what does not fit is lost and MSG_TRUNC says so.
pub(super) fn recv(fd: c_int, bufs: &mut [&mut [u8]], flags: c_int) -> Result<Received, Errno> {
    block_on(fd, |shared, id| to_receive(shared, id, flags), |shared, id| take(shared, id, bufs, flags))
}

/// How a call that receives waits.
pub(super) fn to_receive(shared: &Shared, id: FileId, flags: c_int) -> Result<Blocking, Errno> {
    let f = shared.file(id)?;
    let nonblock = f.nonblock || flags & libc::MSG_DONTWAIT != 0;
    Ok(Blocking { interest: Readiness::IN | Readiness::RDHUP, nonblock, timeout: f.rcvtimeo })
}

/// Takes one datagram from the queue.
pub(super) fn take(
    shared: &mut Shared,
    id: FileId,
    bufs: &mut [&mut [u8]],
    flags: c_int,
) -> Result<Received, Errno> {
    if flags & libc::MSG_ERRQUEUE != 0 {
        return Err(Errno::EAGAIN);
    }
    let f = shared.file(id)?;
    let (socket, domain) = (f.socket, f.domain);
    let nonblock = f.nonblock || flags & libc::MSG_DONTWAIT != 0;
    let meta = match shared.stack.recv_vectored(socket, bufs, flags & libc::MSG_PEEK != 0) {
        Ok(meta) => meta,
        // A shut socket ends the wait with nothing (net/core/datagram.c); without a wait it is EAGAIN.
        Err(Error::WouldBlock) if !nonblock && shared.stack.readiness(socket).contains(Readiness::RDHUP) => {
            return Ok(Received::default());
        }
        Err(e) => return Err(e.into()),
    };
    let room: usize = bufs.iter().map(|b| b.len()).sum();
    Ok(Received {
        len: if flags & libc::MSG_TRUNC != 0 { meta.len } else { meta.len.min(room) },
        flags: if meta.len > room { libc::MSG_TRUNC } else { 0 },
        from: Some(SockAddr::encode(domain, meta.from)),
        gso_size: meta.gso_size,
    })
}
