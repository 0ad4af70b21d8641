//! Sending and receiving on TCP sockets, with the partial transfers of send(2), recv(2) and tcp(7).

use libc::c_int;
use matnet_stack::{Error, Instant, Readiness, SocketId};

use super::iovec::{Extra, want};
use super::socket::with;
use super::{Received, options};
use crate::errno::Errno;
use crate::runtime::file::FileId;
use crate::runtime::inside::{self, Interrupt};
use crate::runtime::wait::{Blocking, PARTIAL, block_on};
use crate::runtime::{Shared, probe, sys};

/// Bytes of a send that are probed at once, however much room there is.
const MUCH: usize = 32 << 10;
/// Less than a segment has, bytes.
pub(super) const LITTLE: usize = 1000;

/// Queues `bufs`. A blocking call returns when all is queued; an error, a signal or a time-out after some
/// bytes returns their count.
pub(super) fn send(fd: c_int, bufs: &[&[u8]], flags: c_int) -> Result<usize, Errno> {
    let urgent = flags & libc::MSG_OOB != 0;
    let total: usize = bufs.iter().map(|b| b.len()).sum();
    let mut sent = 0;
    let mut waited = false;
    let mut deferred = false;
    let result = block_on(
        fd,
        |shared, id| {
            let f = shared.file(id)?;
            let nonblock = f.nonblock || flags & libc::MSG_DONTWAIT != 0;
            Ok(Blocking { interest: Readiness::OUT, nonblock, timeout: f.sndtimeo })
        },
        |shared, id| {
            shared.may_send(id)?;
            let file = shared.file(id)?;
            if file.fast_open && shared.stack.is_deferred(file.socket) {
                deferred = true;
                return Err(Errno::EINPROGRESS);
            }
            let before = sent;
            let pushed = push(shared, id, bufs, flags & libc::MSG_MORE != 0, &mut sent);
            if urgent && sent > before {
                // Of what is queued by now the last byte, as tcp_mark_urg has it.
                let socket = shared.file(id)?.socket;
                shared.stack.mark_urgent(socket);
            }
            pushed?;
            if sent < total {
                waited = true;
                return Err(if sent > 0 { PARTIAL } else { Errno::EAGAIN });
            }
            if waited {
                // Not a stream of small writes: the program may have other things to do now.
                let socket = shared.file(id)?.socket;
                shared.stack.end_send(shared.now(), socket);
            } else if total < LITTLE && !urgent {
                shared.sent_little(id);
            }
            Ok(())
        },
    );
    match result {
        Ok(()) => Ok(sent),
        Err(_) if sent > 0 => Ok(sent),
        Err(Errno::EINPROGRESS) if deferred => super::fastopen::begin(fd, bufs, flags, None),
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
    if bufs.len() > 1 && left <= MUCH && !probe::all_readable(bufs) {
        // One piece for the kernel, whatever buffers it comes in.
        let bad = bufs.iter().find(|b| !probe::readable(b.as_ptr(), b.len())).copied().unwrap_or(&[]);
        return push_readable(shared, socket, bad.get(bad.len().saturating_sub(1)..).unwrap_or(&[]), sent);
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
            // Of much, what there is room for: the rest is probed when it is its turn.
            let now_part = match part.get(..MUCH) {
                None => part,
                Some(_) => part.get(..shared.stack.send_space(socket)?.max(MUCH)).unwrap_or(part),
            };
            if !probe::readable(now_part.as_ptr(), now_part.len()) {
                return push_readable(shared, socket, part, sent);
            }
            let rest = left > 0 || now_part.len() < part.len();
            match shared.stack.send(now, socket, now_part, more || rest) {
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

/// Receives into `bufs`; 0 is the end of the stream. What the options ask to be told beside it goes to `extra`.
pub(super) fn recv_with(
    fd: c_int,
    bufs: &mut [&mut [u8]],
    flags: c_int,
    extra: &mut Option<Extra>,
) -> Result<Received, Errno> {
    if flags & libc::MSG_ERRQUEUE != 0 {
        return with(fd, |shared, id| super::dgram::take_error(shared, id, bufs, extra));
    }
    if flags & libc::MSG_OOB != 0 {
        return recv_urgent(fd, bufs, flags);
    }
    let total: usize = bufs.iter().map(|b| b.len()).sum();
    let peek = flags & libc::MSG_PEEK != 0;
    let all = flags & libc::MSG_WAITALL != 0;
    let mut got = 0;
    let mut looked = false;
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
            // One look at the file for all that follows: its options stay as they are under the lock.
            let file = shared.file(id)?;
            let (socket, wants) = (file.socket, file.ancillary);
            let tuned = file.rare().is_some_and(|r| !r.host_options.is_empty());
            if total == 0 {
                // A call for no bytes still waits for some (sock_rcvlowat in the kernel is at least one).
                return shared.stack.peek(socket, 0, &mut [0]).map(drop).map_err(Errno::from);
            }
            let before = got;
            let from = if peek && tuned { options::peek_offset(file).unwrap_or(0) } else { 0 };
            if std::mem::replace(&mut looked, true) && got == 0 && interrupted_at_mark(shared, socket) {
                return Err(Errno::EAGAIN);
            }
            let end = pull(shared, socket, bufs, (flags, from), &mut got)?;
            if wants != 0 && (end || got > 0) {
                *extra = beside(shared, socket, wants, got);
            }
            let least = if tuned { options::low_water(shared.file(id)?) } else { 1 };
            let done = end || got == total || (got >= least && !all);
            if tuned && (done || !peek) {
                options::move_peek_offset(shared.file_mut(id)?, peek, got.saturating_sub(before));
            }
            match done {
                true => Ok(()),
                false if got > 0 => Err(PARTIAL),
                false => Err(Errno::EAGAIN),
            }
        },
    );
    match result {
        Ok(()) => Ok(Received { len: got, ..Received::default() }),
        Err(_) if got > 0 => Ok(Received { len: got, ..Received::default() }),
        Err(e) => Err(e),
    }
}

/// A read that waited and was interrupted does not step over urgent data: the handler of SIGURG may want it (tcp_recvmsg_locked).
fn interrupted_at_mark(shared: &Shared, socket: SocketId) -> bool {
    shared.stack.at_mark(socket) && (inside::signal_waits() || inside::interrupts() == Interrupt::Fail)
}

/// recv(2) with MSG_OOB: the urgent byte, without waiting (tcp_recv_urg).
fn recv_urgent(fd: c_int, bufs: &mut [&mut [u8]], flags: c_int) -> Result<Received, Errno> {
    let peek = flags & libc::MSG_PEEK != 0;
    with(fd, |shared, id| {
        let socket = shared.file(id)?.socket;
        let byte = match shared.stack.recv_urgent(socket, peek) {
            Err(_) if shared.look_now() => shared.stack.recv_urgent(socket, peek),
            answer => answer,
        }?;
        let Some(byte) = byte else { return Ok(Received::default()) };
        let room = bufs.iter_mut().find_map(|b| b.first_mut());
        let Some(room) = room else {
            return Ok(Received { flags: libc::MSG_OOB | libc::MSG_TRUNC, ..Received::default() });
        };
        if flags & libc::MSG_TRUNC == 0 {
            if !probe::writable(room, 1) {
                return Err(Errno::EFAULT);
            }
            *room = byte;
        }
        Ok(Received { len: 1, flags: libc::MSG_OOB, ..Received::default() })
    })
}

/// What is told beside the bytes of a stream (tcp_recvmsg): how many are left (tcp_inq_hint), and when the last ones arrived.
#[cold]
fn beside(shared: &Shared, socket: SocketId, wants: u32, got: usize) -> Option<Extra> {
    let now = sys::now();
    let info = shared.stack.tcp_info(now, socket).ok()?;
    let ended = shared.stack.readiness(socket).contains(Readiness::RDHUP);
    // The end of the stream counts as a byte.
    let queued = shared.stack.recv_queued(socket).saturating_add(usize::from(ended));
    let at = Instant::from_micros(now.micros().saturating_sub(info.last_data_recv.as_micros() as u64));
    let wants = if got == 0 { wants & want::QUEUED } else { wants };
    Some(Extra::Stream { wants, queued, at })
}

/// What can be read of `part` goes, in pieces as large as those that the kernel copies at once; what is in a piece with a byte that
/// cannot be read does not: EFAULT when that is all (tcp_sendmsg_locked).
#[cold]
fn push_readable(shared: &mut Shared, socket: SocketId, part: &[u8], sent: &mut usize) -> Result<(), Errno> {
    /// SKB_FRAG_PAGE_ORDER: 32 kB.
    const PIECE: usize = 32 << 10;
    let now = shared.now();
    let good = probe::readable_prefix(part.as_ptr(), part.len()) / PIECE * PIECE;
    if let Some(part) = part.get(..good).filter(|part| !part.is_empty()) {
        let n = shared.stack.send(now, socket, part, true)?;
        *sent += n;
        return if n < good { Ok(()) } else { Err(Errno::EFAULT) };
    }
    // The socket's own errors, and the wait for room, come first.
    shared.stack.send(now, socket, &[], false)?;
    if shared.stack.send_space(socket)? == 0 { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Takes what is there after the first `got` bytes (a peek: of those from SO_PEEK_OFF on); true at the end of the stream. Goes on until the buffers are full or the
/// socket says that there is no more: a caller that sleeps after this must not have left an end unseen.
fn pull(
    shared: &mut Shared,
    socket: SocketId,
    bufs: &mut [&mut [u8]],
    (flags, from): (c_int, usize),
    got: &mut usize,
) -> Result<bool, Errno> {
    let now = shared.now();
    let mut skip = *got;
    let queued = shared.stack.recv_queued(socket);
    if queued > 0
        && flags & (libc::MSG_TRUNC | libc::MSG_PEEK) != libc::MSG_TRUNC
        && !probe::all_writable(bufs, skip, queued)
    {
        return if *got > 0 { Ok(true) } else { Err(Errno::EFAULT) };
    }
    for buf in bufs.iter_mut() {
        let len = buf.len();
        let Some(mut part) = buf.get_mut(skip..) else {
            skip -= len;
            continue;
        };
        skip = 0;
        while !part.is_empty() {
            if *got > 0 {
                let peeked = if flags & libc::MSG_PEEK != 0 { from.saturating_add(*got) } else { 0 };
                if shared.stack.stops_at_mark(socket, peeked) {
                    return Ok(true);
                }
            }
            if *got > 0 && shared.stack.recv_queued(socket) == 0 && failed(shared, socket) {
                // Bytes first, the error with the next call: it stays where it is.
                return Ok(true);
            }
            let result = if flags & libc::MSG_PEEK != 0 {
                shared.stack.peek(socket, from.saturating_add(*got), part)
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
