//! Sending and receiving on TCP sockets, with the partial transfers of send(2), recv(2) and tcp(7).

use libc::c_int;
use matnet_stack::{Error, Readiness, SocketId};

use super::Received;
use crate::errno::Errno;
use crate::runtime::file::FileId;
use crate::runtime::wait::{Blocking, block_on};
use crate::runtime::{Shared, sys};

/// Less than a segment has, bytes.
pub(super) const LITTLE: usize = 1000;

/// Queues `bufs`. A blocking call returns when all is queued; an error, a signal or a time-out after some
/// bytes returns their count.
pub(super) fn send(fd: c_int, bufs: &[&[u8]], flags: c_int) -> Result<usize, Errno> {
    if flags & libc::MSG_OOB != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let total: usize = bufs.iter().map(|b| b.len()).sum();
    let mut sent = 0;
    let mut waited = false;
    let result = block_on(
        fd,
        |shared, id| {
            let f = shared.file(id)?;
            let nonblock = f.nonblock || flags & libc::MSG_DONTWAIT != 0;
            Ok(Blocking { interest: Readiness::OUT, nonblock, timeout: f.sndtimeo })
        },
        |shared, id| {
            push(shared, id, bufs, flags & libc::MSG_MORE != 0, &mut sent)?;
            if sent < total {
                waited = true;
                return Err(Errno::EAGAIN);
            }
            if waited {
                // Not a stream of small writes: the program may have other things to do now.
                let socket = shared.file(id)?.socket;
                shared.stack.end_send(shared.now(), socket);
            } else if total < LITTLE {
                shared.sent_little(id);
            }
            Ok(())
        },
    );
    match result {
        Ok(()) => Ok(sent),
        Err(_) if sent > 0 => Ok(sent),
        Err(e) => {
            if e == Errno::EPIPE && flags & libc::MSG_NOSIGNAL == 0 {
                let _ = sys::tgkill(sys::gettid(), libc::SIGPIPE);
            }
            Err(e)
        }
    }
}

/// Queues what fits of `bufs` after the first `sent` bytes.
fn push(shared: &mut Shared, id: FileId, bufs: &[&[u8]], more: bool, sent: &mut usize) -> Result<(), Errno> {
    let socket = shared.file(id)?.socket;
    let now = shared.now();
    let mut skip = *sent;
    let mut left: usize = bufs.iter().map(|b| b.len()).sum::<usize>().saturating_sub(skip);
    if left == 0 {
        // send of nothing still reports a pending error or a shut direction.
        shared.stack.send(now, socket, &[], more)?;
        return Ok(());
    }
    for buf in bufs {
        let Some(mut part) = buf.get(skip..) else {
            skip -= buf.len();
            continue;
        };
        skip = 0;
        left -= part.len();
        // Until it is all in or the socket says that it is full: only then does it report room as an event.
        while !part.is_empty() {
            if *sent > 0 && failed(shared, socket) {
                // The count now, the error with the next call: it stays where it is.
                return Err(Errno::EPIPE);
            }
            match shared.stack.send(now, socket, part, more || left > 0) {
                Ok(n) => {
                    *sent += n;
                    part = part.get(n..).unwrap_or(&[]);
                }
                Err(Error::WouldBlock) => return Ok(()),
                Err(e) => return Err(e.into()),
            }
        }
    }
    Ok(())
}

/// Receives into `bufs`; 0 is the end of the stream.
pub(super) fn recv(fd: c_int, bufs: &mut [&mut [u8]], flags: c_int) -> Result<Received, Errno> {
    if flags & libc::MSG_OOB != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & libc::MSG_ERRQUEUE != 0 {
        return Err(Errno::EAGAIN);
    }
    let total: usize = bufs.iter().map(|b| b.len()).sum();
    let peek = flags & libc::MSG_PEEK != 0;
    let all = flags & libc::MSG_WAITALL != 0;
    let mut got = 0;
    let result = block_on(
        fd,
        |shared, id| {
            let f = shared.file(id)?;
            let nonblock = f.nonblock || flags & libc::MSG_DONTWAIT != 0;
            Ok(Blocking { interest: Readiness::IN | Readiness::RDHUP, nonblock, timeout: f.rcvtimeo })
        },
        |shared, id| {
            if peek {
                got = 0;
            }
            if total == 0 {
                // A call for no bytes still waits for some (sock_rcvlowat in the kernel is at least one).
                let socket = shared.file(id)?.socket;
                return shared.stack.peek(socket, 0, &mut [0]).map(drop).map_err(Errno::from);
            }
            let end = pull(shared, id, bufs, flags, &mut got)?;
            if end || got == total || (got > 0 && !all) { Ok(()) } else { Err(Errno::EAGAIN) }
        },
    );
    match result {
        Ok(()) => Ok(Received { len: got, ..Received::default() }),
        Err(_) if got > 0 => Ok(Received { len: got, ..Received::default() }),
        Err(e) => Err(e),
    }
}

/// Takes what is there after the first `got` bytes; true at the end of the stream. Goes on until the buffers are full or the
/// socket says that there is no more: a caller that sleeps after this must not have left an end unseen.
fn pull(
    shared: &mut Shared,
    id: FileId,
    bufs: &mut [&mut [u8]],
    flags: c_int,
    got: &mut usize,
) -> Result<bool, Errno> {
    let socket = shared.file(id)?.socket;
    let now = shared.now();
    let mut skip = *got;
    for buf in bufs.iter_mut() {
        let len = buf.len();
        let Some(mut part) = buf.get_mut(skip..) else {
            skip -= len;
            continue;
        };
        skip = 0;
        while !part.is_empty() {
            if *got > 0 && shared.stack.recv_queued(socket) == 0 && failed(shared, socket) {
                // Bytes first, the error with the next call: it stays where it is.
                return Ok(true);
            }
            let result = if flags & libc::MSG_PEEK != 0 {
                shared.stack.peek(socket, *got, part)
            } else if flags & libc::MSG_TRUNC != 0 {
                // tcp(7): with MSG_TRUNC the bytes are discarded.
                shared.stack.discard(now, socket, part.len())
            } else {
                shared.stack.recv(now, socket, part)
            };
            match result {
                Ok(0) => return Ok(true),
                Ok(n) => {
                    *got += n;
                    part = part.get_mut(n..).unwrap_or(&mut []);
                    if !part.is_empty() && flags & libc::MSG_WAITALL == 0 {
                        return Ok(false);
                    }
                }
                Err(Error::WouldBlock) => return Ok(false),
                Err(e) => return Err(e.into()),
            }
        }
    }
    Ok(false)
}

/// True when an error waits.
pub(super) fn failed(shared: &Shared, socket: SocketId) -> bool {
    shared.stack.readiness(socket).contains(Readiness::ERR)
}
