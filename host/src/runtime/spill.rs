//! Spilling: a socket of ours on which plain read and write of the kernel work.
//!
//! stdio, and whatever else calls the kernel without passing a hook, reads and writes the object behind a number. So where a
//! stream may exist before the socket comes onto its number (0, 1, 2 and every number that a `FILE` is known to have), that object
//! is one end `A` of an AF_UNIX pair, and the other end `M` is pumped here:
//!
//! - *out*: what was written to A is taken from M and sent on the socket, before any hooked call on it goes on, so the order of
//!   printf, fflush and send is kept. A full send buffer leaves the bytes in the pair, which blocks the writer as TCP would; a shutdown
//!   then waits behind them.
//! - *in*: received bytes are *lent*: copied into A, and taken off the socket's queue only when somebody has read them there. A hooked
//!   call takes back what is unread, so recv, MSG_PEEK, FIONREAD and poll see the socket exactly, whoever read before. While a
//!   hooked call waits for input nothing is lent. The window opens only with what was really read.
//! - the end of the stream is passed on once everything before it was read, an error as ECONNRESET, O_NONBLOCK and the time-outs of
//!   the socket are the pair's too.
//!
//! The last hooked close does not end the socket: libc flushes a stream as it closes it, and a child may go on using the number. The
//! pair's own end does (M reads its end of file). The stack thread waits for events of all pairs on one epoll descriptor, by edges.
//!
//! Limits: a writer gets EPIPE with the write after the one that failed. Datagrams are records of the pair: one is lent at a time, an
//! empty one is not passed on, and an error of the socket only hooked calls see. SO_LINGER does not make close wait: the pair may be
//! another process's.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use matnet_stack::{Error, Readiness, Shutdown, TcpState};

use super::file::FileId;
use super::mirror::Mirror;
use super::{Shared, drive, fdspace, fdtable, sys};
use crate::errno::Errno;

/// Bytes moved at a time; a datagram always fits.
const CHUNK: usize = 64 * 1024;
/// Bytes lent at least and at most. Whoever reads past the hooks gets more each time, whoever takes bytes back gets less.
const LEAST: usize = 512;
const MOST: usize = 64 * 1024;

/// The events of all pairs, for the stack thread; -1: none.
static EVENTS: AtomicI32 = AtomicI32::new(-1);
/// There was a pair at some time: what is in stdio's buffers may be for a socket.
static EVER: AtomicBool = AtomicBool::new(false);

/// The descriptor that is readable when a pair needs the stack thread; -1: none.
pub(super) fn events() -> RawFd {
    EVENTS.load(Ordering::Relaxed)
}

/// True when a socket was spilled at some time in this process.
pub fn ever() -> bool {
    EVER.load(Ordering::Relaxed)
}

/// In the child of a fork: the pairs are pumped by the parent.
pub(super) fn forget() {
    EVENTS.store(-1, Ordering::Relaxed);
}

/// Forgets the edges that [`events`] has told.
pub(super) fn take_events() {
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; 16];
    // By edges: each look takes some away.
    for _ in 0..64 {
        if !sys::epoll_look(self::events(), &mut events).is_ok_and(|n| n == events.len()) {
            break;
        }
    }
}

/// All spilled files, and memory to move bytes.
#[derive(Debug, Default)]
pub(crate) struct Spills {
    files: Vec<FileId>,
    buffer: Vec<u8>,
}

impl Spills {
    /// The one test that other sockets pay.
    #[inline]
    pub(super) fn any(&self) -> bool {
        !self.files.is_empty()
    }
}

/// A pair that bytes flow through, beside what [`Mirror`] has.
#[derive(Debug)]
pub(crate) struct Spill {
    /// Bytes at the front of the receive queue that were copied into A; of datagram sockets 1 for the first datagram.
    lent: usize,
    /// How much is lent at most.
    quota: usize,
    /// Bytes in M that the send buffer has no room for.
    blocked: bool,
    /// A was told the end of the stream.
    ended: bool,
    /// A was told that nothing more is sent.
    deaf: bool,
    /// The program has shut the socket for sending while M had bytes: its FIN follows them.
    fin: bool,
    /// No number of this process names it any more: it ends with the pair.
    closing: bool,
    /// O_NONBLOCK and the time-outs as A has them.
    nonblock: bool,
    timeouts: [Option<Duration>; 2],
}

/// What the functions below need of a file.
#[derive(Clone, Copy)]
struct Pair {
    socket: matnet_stack::SocketId,
    stream: bool,
    /// A number of A in this process, if there is one.
    a: Option<RawFd>,
    m: RawFd,
}

impl Shared {
    fn pair(&self, id: FileId) -> Option<(Pair, &Spill)> {
        let file = self.files.get(id)?;
        let mirror = file.mirror.as_deref()?;
        let spill = mirror.spill.as_deref()?;
        let pair = Pair {
            socket: file.socket,
            stream: file.is_stream(),
            a: file.fds.first().copied(),
            m: mirror.end(),
        };
        Some((pair, spill))
    }

    fn spill_mut(&mut self, id: FileId) -> Option<&mut Spill> {
        self.files.get_mut(id)?.mirror.as_deref_mut()?.spill.as_deref_mut()
    }

    /// `fd` has become a name of the file: if the kernel's read and write may be called on it, they must work.
    #[inline]
    pub(super) fn spill_for(&mut self, fd: RawFd, id: FileId) {
        if fdtable::may_have_stream(fd) {
            self.spill_or_say(id);
        }
    }

    #[cold]
    fn spill_or_say(&mut self, id: FileId) {
        if let Err(e) = self.spill(id) {
            crate::log_warn!("C streams do not reach a socket: no pair of descriptors for it ({e})");
        }
    }

    /// True when plain read and write work on the file's numbers.
    pub(crate) fn is_spilled(&self, id: FileId) -> bool {
        self.pair(id).is_some()
    }

    /// Puts a pair behind every number of the file and begins to pump.
    pub(crate) fn spill(&mut self, id: FileId) -> Result<(), Errno> {
        if self.is_spilled(id) {
            return Ok(());
        }
        let kind = if self.file(id)?.is_stream() { libc::SOCK_STREAM } else { libc::SOCK_SEQPACKET };
        if events() < 0 {
            let set = fdspace::internal(sys::epoll_create()?)?;
            EVENTS.store(set, Ordering::Relaxed);
            // It sleeps without it yet.
            self.wakes.push(drive::stack_thread());
        }
        let [a, m] = sys::socketpair(kind | libc::SOCK_CLOEXEC)?;
        let m = match fdspace::internal(m) {
            Ok(m) => m,
            Err(e) => {
                let _ = sys::close(a);
                return Err(e);
            }
        };
        let spill = Spill {
            lent: 0,
            quota: 4096,
            blocked: false,
            ended: false,
            deaf: false,
            fin: false,
            closing: false,
            nonblock: false,
            timeouts: [None; 2],
        };
        let mut mirror = Mirror::spilled(m, Box::new(spill));
        let mut event = libc::epoll_event {
            events: (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET) as u32,
            u64: u64::from(id.0),
        };
        let begun = sys::epoll_ctl(events(), libc::EPOLL_CTL_ADD, m, &mut event).and_then(|()| {
            let file = self.file_mut(id)?;
            if let Some(old) = file.mirror.as_mut() {
                mirror.registrations = old.take_live();
            }
            for &fd in file.fds.iter() {
                let flags = sys::fcntl(fd, libc::F_GETFD, 0).unwrap_or(0);
                let cloexec = if flags & libc::FD_CLOEXEC != 0 { libc::O_CLOEXEC } else { 0 };
                sys::dup3(a, fd, cloexec)?;
            }
            super::readd(&mirror.registrations);
            file.mirror = Some(Box::new(mirror));
            Ok(())
        });
        let _ = sys::close(a);
        begun?;
        EVER.store(true, Ordering::Relaxed);
        self.spills.buffer.resize(CHUNK, 0);
        if !self.spills.files.contains(&id) {
            self.spills.files.push(id);
        }
        Ok(())
    }

    fn each_spill(&mut self, mut f: impl FnMut(&mut Shared, FileId)) {
        let files = std::mem::take(&mut self.spills.files);
        for &id in &files {
            f(self, id);
        }
        let new = std::mem::replace(&mut self.spills.files, files);
        self.spills.files.extend(new);
        let mut files = std::mem::take(&mut self.spills.files);
        files.retain(|&id| self.pair(id).is_some());
        self.spills.files = files;
    }

    /// On lock: the socket's queue is what nobody has read yet.
    #[cold]
    pub(super) fn sync_spills(&mut self) {
        self.each_spill(Shared::sync);
    }

    /// The stack thread, after an event of a pair.
    #[cold]
    pub(super) fn pump_spills(&mut self) {
        self.each_spill(Shared::drain);
    }

    /// On unlock, before frames leave: what waits for room, or for the end.
    #[cold]
    pub(super) fn settle_spills(&mut self) {
        self.each_spill(|shared, id| {
            if shared.pair(id).is_some_and(|(_, s)| s.blocked || s.closing) {
                shared.drain(id);
            }
        });
    }

    /// On unlock, after events: what has come.
    #[cold]
    pub(super) fn lend_spills(&mut self) {
        self.each_spill(|shared, id| {
            shared.follow(id);
            shared.lend(id);
        });
    }

    /// Before a hooked call on the file: what was written past the hooks goes first, what was lent comes back.
    #[inline]
    pub(crate) fn gather(&mut self, id: FileId) {
        if self.spills.any() {
            self.gather_spill(id);
        }
    }

    #[cold]
    fn gather_spill(&mut self, id: FileId) {
        self.drain(id);
        let Some((pair, spill)) = self.pair(id) else { return };
        let (Some(a), lent) = (pair.a, spill.lent) else { return };
        if lent == 0 {
            return;
        }
        let mut buffer = std::mem::take(&mut self.spills.buffer);
        let mut left = 0;
        while left < lent {
            match sys::recv(a, &mut buffer, libc::MSG_DONTWAIT) {
                Ok(n) if pair.stream && n > 0 => left += n,
                Ok(_) => {
                    left += usize::from(!pair.stream);
                    break;
                }
                Err(_) => break,
            }
        }
        self.spills.buffer = buffer;
        self.taken(id, pair, lent, left.min(lent), true);
    }

    /// Before a hooked send: EAGAIN while it would overtake what was written past the hooks, EPIPE when that is all there will be.
    #[inline]
    pub(crate) fn may_send(&self, id: FileId) -> Result<(), Errno> {
        match self.spills.any().then(|| self.pair(id)).flatten() {
            Some((_, spill)) if spill.fin => Err(Errno::EPIPE),
            Some((_, spill)) if spill.blocked => Err(Errno::EAGAIN),
            _ => Ok(()),
        }
    }

    /// The program shuts the socket for sending. True: what was written past the hooks goes before that, and has to wait for room.
    pub(crate) fn shuts_later(&mut self, id: FileId) -> bool {
        let Some((pair, spill)) = self.pair(id) else { return false };
        if !spill.blocked || self.stack.tcp_state(pair.socket) == TcpState::SynSent {
            return false;
        }
        if let Some(a) = pair.a {
            let _ = sys::shutdown(a, libc::SHUT_WR);
        }
        if let Some(spill) = self.spill_mut(id) {
            spill.fin = true;
        }
        true
    }

    /// Of `lent` bytes `left` are still there: the others were read.
    fn taken(&mut self, id: FileId, pair: Pair, lent: usize, left: usize, back: bool) {
        let read = lent.saturating_sub(left);
        if read > 0 {
            let now = sys::now();
            if pair.stream {
                let _ = self.stack.discard(now, pair.socket, read);
            } else {
                let _ = self.stack.recv_from(pair.socket, &mut [], false);
            }
        }
        if let Some(spill) = self.spill_mut(id) {
            spill.lent = if back { 0 } else { left };
            if left == 0 {
                spill.quota = spill.quota.saturating_mul(2).min(MOST);
            } else if back && read == 0 {
                spill.quota = (spill.quota / 2).max(LEAST);
            }
        }
    }

    /// Takes off the queue what was read from A.
    fn sync(&mut self, id: FileId) {
        let Some((pair, spill)) = self.pair(id) else { return };
        let lent = spill.lent;
        if lent == 0 || pair.m < 0 {
            return;
        }
        // Without a number of A only a count of memory is to be had, which says whether there is anything.
        let left = match pair.a {
            Some(a) => sys::ioctl_int(a, libc::FIONREAD as usize),
            None => {
                sys::ioctl_int(pair.m, libc::TIOCOUTQ as usize).map(|n| if n == 0 { 0 } else { i32::MAX })
            }
        };
        let left = usize::try_from(left.unwrap_or(0)).unwrap_or(0).min(lent);
        if left < lent {
            self.taken(id, pair, lent, left, false);
        }
    }

    /// Sends what was written to A.
    fn drain(&mut self, id: FileId) {
        let Some((pair, spill)) = self.pair(id) else { return };
        let (closing, fin) = (spill.closing, spill.fin);
        if pair.m < 0 {
            if closing {
                self.end(id);
            }
            return;
        }
        if pair.stream && self.stack.tcp_state(pair.socket) == TcpState::SynSent && !closing {
            // Nothing else would say that it may go once there is a connection.
            let blocked = sys::ready(pair.m, libc::POLLIN);
            if let Some(spill) = self.spill_mut(id) {
                spill.blocked = blocked;
            }
            return;
        }
        let mut buffer = std::mem::take(&mut self.spills.buffer);
        let mut blocked = false;
        let mut over = false;
        loop {
            let n = match sys::recv(pair.m, &mut buffer, libc::MSG_DONTWAIT | libc::MSG_PEEK) {
                Ok(0) => {
                    // HUP, which needs no asking: nobody has A, or nothing can come or go. If A is only shut for writing, another
                    // process may read from it yet.
                    over = closing && sys::ready(pair.m, 0);
                    // An empty record.
                    let _ = sys::recv(pair.m, &mut buffer, libc::MSG_DONTWAIT);
                    break;
                }
                Ok(n) => n,
                Err(_) => break,
            };
            let now = sys::now();
            let sent = self.stack.send(now, pair.socket, buffer.get(..n).unwrap_or(&[]), false);
            let used = match sent {
                Ok(sent) if pair.stream => sent,
                Err(Error::WouldBlock) => {
                    blocked = true;
                    break;
                }
                Ok(_) => n,
                Err(e) => {
                    // As a write on a broken connection: this one is lost, the next is told.
                    if pair.stream && e != Error::NotConnected {
                        let _ = sys::shutdown(pair.m, libc::SHUT_RD);
                        if let Some(spill) = self.spill_mut(id) {
                            spill.deaf = true;
                        }
                    }
                    n
                }
            };
            let _ = sys::recv(pair.m, buffer.get_mut(..used).unwrap_or(&mut []), libc::MSG_DONTWAIT);
        }
        self.spills.buffer = buffer;
        if let Some(spill) = self.spill_mut(id) {
            (spill.blocked, spill.fin) = (blocked, fin && blocked);
        }
        if fin && !blocked {
            let _ = self.stack.shutdown(sys::now(), pair.socket, Shutdown::Write);
        }
        if over {
            self.end(id);
        }
    }

    /// Copies what has come into A, and passes on the end.
    fn lend(&mut self, id: FileId) {
        let Some((pair, spill)) = self.pair(id) else { return };
        let (mut lent, quota, ended, deaf) = (spill.lent, spill.quota, spill.ended, spill.deaf);
        if pair.m < 0 {
            return;
        }
        let waits = |f: &super::file::File| f.watchers.iter().any(|w| w.interest.intersects(Readiness::IN));
        if self.files.get(id).is_some_and(waits) {
            return;
        }
        let now = self.stack.readiness(pair.socket);
        let queued = self.stack.recv_queued(pair.socket);
        let mut buffer = std::mem::take(&mut self.spills.buffer);
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        if pair.stream {
            let most = queued.min(quota);
            while lent < most && !ended {
                let part = buffer.get_mut(..most - lent).unwrap_or(&mut []);
                let Ok(n @ 1..) = self.stack.peek(pair.socket, lent, part) else { break };
                let Ok(sent) = sys::sendto(pair.m, buffer.get(..n).unwrap_or(&[]), flags, &[]) else { break };
                lent += sent;
                if sent < n {
                    break;
                }
            }
        } else if lent == 0 && now.contains(Readiness::IN) && !now.contains(Readiness::ERR) {
            if let Ok(meta) = self.stack.recv_from(pair.socket, &mut buffer, true) {
                let data = buffer.get(..meta.len).unwrap_or(&buffer);
                lent = usize::from(!data.is_empty() && sys::sendto(pair.m, data, flags, &[]).is_ok());
            }
        }
        self.spills.buffer = buffer;
        let shut = matches!(
            self.stack.tcp_state(pair.socket),
            TcpState::FinWait1
                | TcpState::FinWait2
                | TcpState::Closing
                | TcpState::LastAck
                | TcpState::TimeWait
        );
        let Some(spill) = self.spill_mut(id) else { return };
        spill.lent = lent;
        let blocked = spill.blocked;
        if !pair.stream || queued > 0 {
            return;
        }
        if now.contains(Readiness::ERR) {
            // The kernel reports ECONNRESET on A when M goes with something unread in it.
            if let Some(a) = pair.a {
                let _ = sys::sendto(a, &[0], flags, &[]);
            }
            if let Some(mirror) = self.files.get_mut(id).and_then(|f| f.mirror.as_mut()) {
                mirror.close_with_error();
            }
            return;
        }
        if now.contains(Readiness::RDHUP) && !ended {
            spill.ended = true;
            let _ = sys::shutdown(pair.m, libc::SHUT_WR);
        }
        if shut && !deaf && !blocked {
            if let Some(spill) = self.spill_mut(id) {
                spill.deaf = true;
            }
            let _ = sys::shutdown(pair.m, libc::SHUT_RD);
        }
    }

    /// A waits as the socket would.
    fn follow(&mut self, id: FileId) {
        let Some(file) = self.files.get(id) else { return };
        let (nonblock, timeouts) = (file.nonblock, [file.rcvtimeo, file.sndtimeo]);
        let Some(a) = file.fds.first().copied() else { return };
        let Some(spill) = self.spill_mut(id) else { return };
        if spill.nonblock != nonblock {
            spill.nonblock = nonblock;
            let _ = sys::fcntl(a, libc::F_SETFL, if nonblock { libc::O_NONBLOCK as usize } else { 0 });
        }
        if spill.timeouts != timeouts {
            spill.timeouts = timeouts;
            for (name, time) in [libc::SO_RCVTIMEO, libc::SO_SNDTIMEO].into_iter().zip(timeouts) {
                let time = time.unwrap_or(Duration::ZERO);
                let mut value = [0u8; 16];
                let (seconds, micros) = value.split_at_mut(8);
                seconds.copy_from_slice(&time.as_secs().to_ne_bytes());
                micros.copy_from_slice(&u64::from(time.subsec_micros()).to_ne_bytes());
                let _ = sys::setsockopt(a, libc::SOL_SOCKET, name, &value);
            }
        }
    }

    /// The last number of this process is about to go: a spilled file stays until its pair has ended.
    pub(super) fn leave_spill(&mut self, id: FileId) {
        self.drain(id);
        let Some(spill) = self.spill_mut(id) else { return };
        if !std::mem::replace(&mut spill.closing, true) {
            self.hold(id);
        }
    }

    /// Nobody has A any more.
    fn end(&mut self, id: FileId) {
        if let Some(spill) = self.spill_mut(id) {
            if std::mem::take(&mut spill.closing) {
                self.release(id);
            }
        }
    }

    /// Leaving the process: true when everything that was written to the pairs is the stack's.
    pub(super) fn drained_spills(&mut self) -> bool {
        let mut all = true;
        self.each_spill(|shared, id| {
            shared.drain(id);
            all &= shared.may_send(id) == Ok(());
        });
        all
    }
}
