//! sendto and sendmsg with MSG_FASTOPEN, and the first write after a connect that TCP_FASTOPEN_CONNECT deferred (tcp(7), RFC 7413).
//!
//! As tcp_sendmsg_fastopen in the kernel: the SYN takes along what fits if the peer's cookie is known. A blocking call then waits
//! until the connection is there and sends the rest; one that does not block answers how many bytes the SYN took, or EINPROGRESS
//! when it took none.
//!
//! Deviation: a buffer that cannot be read is EFAULT before anything is sent.

use libc::c_int;
use matnet_stack::{Error, Readiness, TcpState};

use super::socket::{Target, target, with};
use super::{Outcome, stream};
use crate::errno::Errno;
use crate::runtime::wait::{Blocking, block_on};
use crate::runtime::{probe, sys};

/// Bytes that a SYN can take at most: an IP packet.
const MOST: usize = 65_535;

/// send(2) with MSG_FASTOPEN. Not ours: an address that is the kernel's.
pub(super) fn send(fd: c_int, bufs: &[&[u8]], flags: c_int, to: Option<&[u8]>) -> Outcome<usize> {
    let to = match to.filter(|to| !to.is_empty()).map(|to| with(fd, |shared, id| target(shared, id, to))) {
        None => None,
        Some(Ok(Target::Stream(remote))) => Some(remote),
        Some(Ok(Target::Kernel)) => return Outcome::Kernel,
        // AF_UNSPEC
        Some(Ok(Target::Nowhere | Target::Datagram(_))) => return Outcome::fail(Errno::EOPNOTSUPP),
        Some(Err(e)) => return Outcome::fail(e),
    };
    Outcome::Done(begin(fd, bufs, flags, to))
}

/// The first send on a socket whose connect was deferred, or one to `to`.
pub(super) fn begin(
    fd: c_int,
    bufs: &[&[u8]],
    flags: c_int,
    to: Option<std::net::SocketAddr>,
) -> Result<usize, Errno> {
    let total: usize = bufs.iter().map(|b| b.len()).sum();
    if !probe::all_readable(bufs) {
        return Err(Errno::EFAULT);
    }
    let mut first = Vec::with_capacity(total.min(MOST));
    for buf in bufs {
        let room = MOST.saturating_sub(first.len());
        first.extend_from_slice(buf.get(..room).unwrap_or(buf));
    }
    let (taken, open, nonblock) = with(fd, |shared, id| {
        shared.may_send(id)?;
        let file = shared.file(id)?;
        let (socket, nonblock) = (file.socket, file.nonblock || flags & libc::MSG_DONTWAIT != 0);
        let taken = match shared.stack.send_fast_open(sys::now(), socket, to, &first) {
            Ok(taken) => taken,
            // Somebody else began: a call that may wait joins him.
            Err(Error::Already) if !nonblock => 0,
            // A connect without an address (tcp_v4_connect).
            Err(Error::NotConnected) => return Err(Errno::EINVAL),
            Err(e) => return Err(e.into()),
        };
        if !nonblock {
            // Often this is all of the handshake.
            shared.exchange(|stack| stack.tcp_state(socket) != TcpState::SynSent);
        }
        let waits = matches!(shared.stack.tcp_state(socket), TcpState::SynSent | TcpState::SynReceived);
        Ok((taken, !waits, nonblock))
    })?;
    if nonblock && !open {
        return if taken > 0 { Ok(taken) } else { Err(Errno::EINPROGRESS) };
    }
    if !nonblock {
        match wait(fd) {
            Ok(()) => {}
            Err(Errno::EAGAIN) if taken > 0 => return Ok(taken),
            // SO_SNDTIMEO is over; the attempt goes on.
            Err(Errno::EAGAIN) => return Err(Errno::EINPROGRESS),
            Err(e) => return Err(e),
        }
    }
    if taken == total {
        return Ok(taken);
    }
    let mut skip = taken;
    let mut rest = Vec::with_capacity(bufs.len());
    for buf in bufs {
        rest.extend(buf.get(skip..).filter(|part| !part.is_empty()));
        skip = skip.saturating_sub(buf.len());
    }
    match stream::send(fd, &rest, flags & !libc::MSG_FASTOPEN) {
        Ok(sent) => Ok(taken + sent),
        Err(_) if taken > 0 => Ok(taken),
        Err(e) => Err(e),
    }
}

/// Waits for the end of the handshake.
fn wait(fd: c_int) -> Result<(), Errno> {
    block_on(
        fd,
        |shared, id| {
            let f = shared.file(id)?;
            let interest = Readiness::OUT | Readiness::IN;
            Ok(Blocking { interest, nonblock: false, timeout: f.sndtimeo })
        },
        |shared, id| {
            let socket = shared.file(id)?.socket;
            match shared.stack.connect_outcome(socket) {
                // Another call may have been told.
                Ok(()) | Err(Error::IsConnected) => Ok(()),
                Err(Error::Already) => Err(Errno::EAGAIN),
                Err(e) => Err(e.into()),
            }
        },
    )
}
