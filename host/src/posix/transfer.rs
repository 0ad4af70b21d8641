//! sendfile, splice and kin with a socket of ours on one side.
//!
//! The kernel cannot move pages into our stack, but it can copy them to where they are sent from: a file is read into a chunk
//! of 64 kB that then becomes part of the send buffer, outside the runtime lock, since a file may have to come from a disk.
//! A pipe's bytes take the same way under the lock, because what was read must be sent; towards a pipe the received frames
//! themselves are written, and what the pipe took is then discarded. No byte passes through another buffer.
//!
//! None are lost either: a file's position moves only past what the socket took, and from a pipe only as much is read as the
//! send buffer has room for.
//!
//! Where the kernel itself answers EINVAL or EBADF for a socket (tee, vmsplice, copy_file_range, sendfile *from* a socket), so does
//! this. Limits: datagram sockets are not spliced; sendfile to one sends datagrams of up to 64 kB. splice moves at most 64 kB a call.

use libc::{c_int, c_uint, pollfd};
use matnet_stack::{Kind, Readiness};

use super::iovec::{Heap, MAX_RW, pread_more, read_nowait, write_nowait};
pub use super::iovec::{sendfile, splice};
use super::{Outcome, stream};
use crate::errno::Errno;
use crate::runtime::inside::{self, Interrupt};
use crate::runtime::wait::{Blocking, PARTIAL, SPARE, Woken, block_on};
use crate::runtime::{self, fdtable, sys};

/// Bytes moved at a time.
const CHUNK: usize = 64 * 1024;
/// SPLICE_F_MOVE, NONBLOCK, MORE and GIFT.
const SPLICE_FLAGS: c_uint = 0xf;
/// A pipe that poll calls writable takes this much without waiting (pipe(7)).
const PIPE_BUF: usize = 4096;

/// tee(2): a socket is no pipe.
pub fn tee() -> Result<usize, Errno> {
    Err(Errno::EINVAL)
}

/// vmsplice(2) into a socket: not a pipe, which here is EBADF.
pub fn vmsplice() -> Result<usize, Errno> {
    Err(Errno::EBADF)
}

/// copy_file_range(2): regular files only.
pub fn copy_file_range() -> Result<usize, Errno> {
    Err(Errno::EINVAL)
}

/// sendfile(2). With `offset` the file's own position is neither used nor moved.
pub(super) fn send_file(
    out: c_int,
    from: c_int,
    offset: Option<&mut i64>,
    count: usize,
) -> Result<usize, Errno> {
    if fdtable::is_special(from) {
        if fdtable::is_internal(from) {
            return Err(Errno::EBADF);
        }
        // A socket has no position.
        return Err(if offset.is_some() { Errno::ESPIPE } else { Errno::EINVAL });
    }
    let count = count.min(MAX_RW);
    let given = offset.as_deref().copied();
    let stream = !fdtable::is_datagram(out);
    // A regular case, which the read itself checks: an offset and something to send.
    let position = match given {
        Some(given) if given >= 0 && count > 0 && stream => given,
        _ => readable_from(from, given)?,
    };
    let file = Source { fd: from, offset, position };
    if !stream {
        return send_datagrams(out, file, count);
    }
    send_chunks(out, file, count)
}

/// Where sendfile reads a file, checked as do_sendfile does.
fn readable_from(from: c_int, offset: Option<i64>) -> Result<i64, Errno> {
    if sys::fcntl(from, libc::F_GETFL, 0)? & libc::O_ACCMODE == libc::O_WRONLY {
        return Err(Errno::EBADF);
    }
    match (offset, sys::lseek(from, 0, libc::SEEK_CUR)) {
        (Some(_), Err(Errno::ESPIPE)) => Err(Errno::ESPIPE),
        (_, Err(_)) => Err(Errno::EINVAL),
        (Some(given), Ok(_)) if given < 0 => Err(Errno::EINVAL),
        (Some(given), Ok(_)) => Ok(given),
        (None, Ok(now)) => Ok(now),
    }
}

/// The file of a sendfile.
struct Source<'a> {
    fd: c_int,
    /// The caller's variable, in place of the file's own position.
    offset: Option<&'a mut i64>,
    /// Of the next byte to send.
    position: i64,
}

impl Source<'_> {
    /// `n` bytes more are sent.
    fn advance(&mut self, n: usize) {
        self.position = self.position.saturating_add(n as i64);
        if let Some(offset) = self.offset.as_mut() {
            **offset = self.position;
        }
    }

    /// Moves the file's own position, if that is what counts. Before each wait, since a wait may be cancelled.
    fn store(&self) {
        if self.offset.is_none() {
            let _ = sys::lseek(self.fd, self.position, libc::SEEK_SET);
        }
    }
}

/// Bytes of a file, read and not sent.
struct Piece {
    chunk: Vec<u8>,
    len: usize,
    /// The file goes on, and so does the call: a partial segment may wait.
    more: bool,
}

/// sendfile to a stream: reads a piece without the lock, hands it over and asks for room for the next under it.
fn send_chunks(out: c_int, mut file: Source<'_>, count: usize) -> Result<usize, Errno> {
    let mut piece: Option<Piece> = None;
    let mut total = 0;
    let mut done = count == 0;
    let mut waited = false;
    loop {
        let step = block_on(
            out,
            |shared, id| {
                let f = shared.file(id)?;
                Ok(Blocking { interest: Readiness::OUT, nonblock: f.nonblock, timeout: f.sndtimeo })
            },
            |shared, id| {
                shared.may_send(id)?;
                let socket = shared.file(id)?.socket;
                let now = shared.now();
                if total > 0 && stream::failed(shared, socket) {
                    // The count now, the error with the next call: it stays where it is.
                    piece = None;
                    return Ok(None);
                }
                let last = piece.as_ref().is_some_and(|p| !p.more);
                if let Some(p) = piece.take() {
                    let sent = shared.stack.send_chunk(now, socket, p.chunk, p.len, p.more)?;
                    total += sent;
                    file.advance(sent);
                }
                if done || total >= count {
                    if last && !waited {
                        shared.sent_little(id);
                    }
                    return Ok(None);
                }
                shared.stack.send(now, socket, &[], false)?;
                let room = shared.stack.send_space(socket)?.min(count - total).min(CHUNK);
                if room == 0 {
                    if total == 0 {
                        // Not to wait for a socket when the file will not do.
                        readable_from(file.fd, file.offset.as_deref().copied())?;
                    }
                    file.store();
                    // From here on this call hands out what others wait for: nothing may be held back.
                    waited = true;
                    return Err(if total > 0 { PARTIAL } else { Errno::EAGAIN });
                }
                if total == 0 && !waited {
                    shared.will_send(id);
                }
                Ok(Some((shared.stack.take_chunk(room), room)))
            },
        );
        let (mut chunk, want) = match step {
            Ok(Some(room)) => room,
            Err(e) if total == 0 => {
                // The kernel reads first: a file that cannot be read, or is at its end, is told without a signal.
                readable_from(file.fd, file.offset.as_deref().copied())?;
                if matches!(sys::pread(file.fd, &mut [0], file.position), Ok(0)) {
                    return Ok(0);
                }
                if e == Errno::EPIPE {
                    let _ = sys::tgkill(sys::gettid(), libc::SIGPIPE);
                }
                return Err(e);
            }
            Ok(None) | Err(_) => {
                file.store();
                return Ok(total);
            }
        };
        // Signals wait until the chunk is the stack's again.
        let _inside = inside::enter();
        let room = chunk.get_mut(..want).unwrap_or(&mut []);
        match pread_more(file.fd, room, file.position, count - total > want) {
            Ok((0, _)) => done = true,
            Ok((len, more)) => piece = Some(Piece { chunk, len, more }),
            // A directory has no splice_read (fs/splice.c).
            Err(Errno::EISDIR) if total == 0 => return Err(Errno::EINVAL),
            Err(e) if total == 0 => return Err(e),
            Err(_) => done = true,
        }
    }
}

/// sendfile to a datagram socket: each piece is a datagram.
fn send_datagrams(out: c_int, mut file: Source<'_>, count: usize) -> Result<usize, Errno> {
    let mut buffer = Heap::new(0u8, count.min(CHUNK));
    let mut total = 0;
    while total < count {
        let room = buffer.as_mut().get_mut(..(count - total).min(CHUNK)).unwrap_or(&mut []);
        let read = match sys::pread(file.fd, room, file.position) {
            Ok(0) => break,
            Ok(n) => n,
            Err(_) if total > 0 => break,
            Err(e) => return Err(e),
        };
        match super::send(out, &[room.get(..read).unwrap_or(&[])], 0, None) {
            Outcome::Done(Ok(sent)) => {
                total += sent;
                file.advance(sent);
                file.store();
                if sent < read {
                    break;
                }
            }
            _ if total > 0 => break,
            Outcome::Done(Err(e)) => return Err(e),
            Outcome::Kernel => return Err(Errno::EBADF),
        }
    }
    Ok(total)
}

/// splice(2): from a pipe into a stream of ours, or from it into a pipe.
pub(super) fn splice_bytes(
    from: c_int,
    from_offset: bool,
    to: c_int,
    to_offset: bool,
    len: usize,
    flags: c_uint,
) -> Result<usize, Errno> {
    if len == 0 {
        return Ok(0);
    }
    if flags & !SPLICE_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let len = len.min(CHUNK);
    match (fdtable::is_special(from), fdtable::is_special(to)) {
        (true, true) => Err(Errno::EINVAL),
        (true, false) => {
            let pipe = Pipe::open(to, libc::O_RDONLY, flags)?;
            if to_offset {
                return Err(Errno::ESPIPE);
            }
            if from_offset {
                return Err(Errno::EINVAL);
            }
            into_pipe(from, &pipe, len)
        }
        _ => {
            let pipe = Pipe::open(from, libc::O_WRONLY, flags)?;
            if from_offset {
                return Err(Errno::ESPIPE);
            }
            if to_offset {
                return Err(Errno::EINVAL);
            }
            from_pipe(&pipe, to, len, flags & libc::SPLICE_F_MORE != 0)
        }
    }
}

/// The kernel's side of a splice.
struct Pipe {
    fd: c_int,
    nonblock: bool,
}

impl Pipe {
    /// EINVAL unless `fd` is a pipe, EBADF when it is open in the mode `not` only.
    fn open(fd: c_int, not: c_int, flags: c_uint) -> Result<Pipe, Errno> {
        let status = sys::fcntl(fd, libc::F_GETFL, 0)?;
        if sys::fcntl(fd, libc::F_GETPIPE_SZ, 0).is_err() {
            return Err(Errno::EINVAL);
        }
        if status & libc::O_ACCMODE == not {
            return Err(Errno::EBADF);
        }
        let nonblock = flags & libc::SPLICE_F_NONBLOCK != 0 || status & libc::O_NONBLOCK != 0;
        Ok(Pipe { fd, nonblock })
    }

    /// Waits until it may be used again.
    fn wait(&self, events: libc::c_short) -> Result<(), Errno> {
        if self.nonblock {
            return Err(Errno::EAGAIN);
        }
        let runtime = runtime::get().ok_or(Errno::ENETDOWN)?;
        let mut fds = [pollfd { fd: -1, events: 0, revents: 0 }; 1 + SPARE];
        fds[0] = pollfd { fd: self.fd, events, revents: 0 };
        inside::clear_interrupts();
        let (woken, locked) = runtime.sleep(runtime.lock(), &[], None, &mut fds, None, None)?;
        drop(locked);
        // As a read or write of the pipe itself: only a handler without SA_RESTART ends it.
        match inside::interrupts() {
            Interrupt::Fail => Err(Errno::EINTR),
            Interrupt::None if woken == Woken::Interrupted => Err(Errno::EINTR),
            _ => Ok(()),
        }
    }

    /// Reads without waiting.
    fn read(&self, buf: &mut [u8]) -> Result<usize, Errno> {
        match read_nowait(self.fd, buf) {
            // A kernel before 6.4: a pipe that has something gives it without waiting, unless another reader is faster.
            Err(Errno::EOPNOTSUPP) if sys::ready(self.fd, libc::POLLIN) => sys::read(self.fd, buf),
            Err(Errno::EOPNOTSUPP) => Err(Errno::EAGAIN),
            other => other,
        }
    }

    /// Writes without waiting.
    fn write(&self, bufs: &[&[u8]]) -> Result<usize, Errno> {
        match write_nowait(self.fd, bufs) {
            Err(Errno::EOPNOTSUPP) if sys::ready(self.fd, libc::POLLOUT) => {
                let first = bufs.first().copied().unwrap_or(&[]);
                sys::write(self.fd, first.get(..PIPE_BUF).unwrap_or(first))
            }
            Err(Errno::EOPNOTSUPP) => Err(Errno::EAGAIN),
            other => other,
        }
    }
}

/// How a step of a splice ended.
enum Step {
    Moved(usize),
    /// The pipe is what has to be waited for.
    Pipe,
}

fn from_pipe(pipe: &Pipe, out: c_int, len: usize, more: bool) -> Result<usize, Errno> {
    loop {
        let step = block_on(
            out,
            |shared, id| {
                let f = shared.file(id)?;
                Ok(Blocking { interest: Readiness::OUT, nonblock: f.nonblock, timeout: f.sndtimeo })
            },
            |shared, id| {
                shared.may_send(id)?;
                let socket = shared.file(id)?.socket;
                let now = sys::now();
                if socket.kind != Kind::Tcp {
                    return Err(Errno::EINVAL);
                }
                // An error or a shut direction shows here, before anything is taken from the pipe.
                shared.stack.send(now, socket, &[], more)?;
                let room = shared.stack.send_space(socket)?.min(len);
                if room == 0 {
                    return Err(Errno::EAGAIN);
                }
                let mut chunk = shared.stack.take_chunk(room);
                let read = pipe.read(chunk.get_mut(..room).unwrap_or(&mut []));
                let sent = shared.stack.send_chunk(now, socket, chunk, read.unwrap_or(0), more)?;
                match read {
                    Ok(_) => Ok(Step::Moved(sent)),
                    Err(Errno::EAGAIN) => Ok(Step::Pipe),
                    Err(e) => Err(e),
                }
            },
        );
        match step {
            Ok(Step::Moved(n)) => return Ok(n),
            Ok(Step::Pipe) => pipe.wait(libc::POLLIN)?,
            Err(e) => {
                if e == Errno::EPIPE {
                    let _ = sys::tgkill(sys::gettid(), libc::SIGPIPE);
                }
                return Err(e);
            }
        }
    }
}

fn into_pipe(from: c_int, pipe: &Pipe, len: usize) -> Result<usize, Errno> {
    loop {
        let step = block_on(
            from,
            |shared, id| {
                let f = shared.file(id)?;
                let interest = Readiness::IN | Readiness::RDHUP;
                Ok(Blocking { interest, nonblock: f.nonblock, timeout: f.rcvtimeo })
            },
            |shared, id| {
                let socket = shared.file(id)?.socket;
                if socket.kind != Kind::Tcp {
                    return Err(Errno::EINVAL);
                }
                let mut written = Ok(0);
                let moved = shared.stack.recv_with(sys::now(), socket, len, &mut |slices| {
                    written = pipe.write(slices);
                    written.unwrap_or(0)
                })?;
                match written {
                    Ok(_) => Ok(Step::Moved(moved)),
                    Err(Errno::EAGAIN) => Ok(Step::Pipe),
                    Err(e) => Err(e),
                }
            },
        )?;
        match step {
            Step::Moved(n) => return Ok(n),
            Step::Pipe => pipe.wait(libc::POLLOUT)?,
        }
    }
}
