//! sendfile, splice and kin with a socket of ours on one side.
//!
//! The kernel cannot move pages into our stack, so bytes go through a buffer of 64 kB. None are lost: a file's position moves
//! only past what the socket took; from a pipe only as much is read as the send buffer has room for, under the runtime
//! lock; into a pipe goes a copy, and what the pipe took is then discarded from the socket, under the lock too.
//! Where the kernel itself answers EINVAL or EBADF for a socket (tee, vmsplice, copy_file_range, sendfile *from* a socket), so does
//! this. Limits: datagram sockets are not spliced; sendfile to one sends datagrams of up to the buffer's size.

use libc::{c_int, c_uint, pollfd};
use matnet_stack::{Kind, Readiness};

use super::iovec::{Heap, MAX_RW, read_nowait, write_nowait};
pub use super::iovec::{sendfile, splice};
use super::{Outcome, socket::with};
use crate::errno::Errno;
use crate::runtime::inside::{self, Interrupt};
use crate::runtime::wait::{Blocking, SPARE, Woken, block_on};
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
    if sys::fcntl(from, libc::F_GETFL, 0)? & libc::O_ACCMODE == libc::O_WRONLY {
        return Err(Errno::EBADF);
    }
    let seekable = sys::lseek(from, 0, libc::SEEK_CUR);
    let mut position = match (&offset, seekable) {
        (Some(_), Err(Errno::ESPIPE)) => return Err(Errno::ESPIPE),
        (_, Err(_)) => return Err(Errno::EINVAL),
        (Some(given), Ok(_)) if **given < 0 => return Err(Errno::EINVAL),
        (Some(given), Ok(_)) => **given,
        (None, Ok(now)) => now,
    };
    // Checks the socket even when there is nothing to send.
    with(out, |_, _| Ok(()))?;
    let count = count.min(MAX_RW);
    let mut offset = offset;
    // One byte more than is sent at a time tells whether the file goes on, so that only then the stack waits for more.
    let mut buffer = Heap::new(0u8, count.min(CHUNK).saturating_add(1));
    let mut total = 0;
    while total < count {
        let want = (count - total).min(CHUNK);
        let probe = if count - total > want { want + 1 } else { want };
        let room = buffer.as_mut().get_mut(..probe).unwrap_or(&mut []);
        let read = match sys::pread(from, room, position) {
            Ok(0) => break,
            Ok(n) => n,
            Err(_) if total > 0 => break,
            Err(e) => return Err(e),
        };
        let more = if read > want { libc::MSG_MORE } else { 0 };
        let chunk = room.get(..read.min(want)).unwrap_or(&[]);
        match super::send(out, &[chunk], more, None) {
            Outcome::Done(Ok(sent)) => {
                total += sent;
                position = position.saturating_add(sent as i64);
                // After each chunk: the call may be cancelled while it waits to send the next.
                match offset.as_mut() {
                    Some(o) => **o = position,
                    None => drop(sys::lseek(from, position, libc::SEEK_SET)),
                }
                if sent < chunk.len() {
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
        let (woken, locked) = runtime.sleep(runtime.lock(), &[], &mut fds, None, None)?;
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
    fn write(&self, buf: &[u8]) -> Result<usize, Errno> {
        match write_nowait(self.fd, buf) {
            Err(Errno::EOPNOTSUPP) if sys::ready(self.fd, libc::POLLOUT) => {
                sys::write(self.fd, buf.get(..PIPE_BUF).unwrap_or(buf))
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
    let mut buffer = Heap::new(0u8, len);
    loop {
        let step = block_on(
            out,
            |shared, id| {
                let f = shared.file(id)?;
                Ok(Blocking { interest: Readiness::OUT, nonblock: f.nonblock, timeout: f.sndtimeo })
            },
            |shared, id| {
                let socket = shared.file(id)?.socket;
                if socket.kind != Kind::Tcp {
                    return Err(Errno::EINVAL);
                }
                // An error or a shut direction shows here, before anything is taken from the pipe.
                shared.stack.send(sys::now(), socket, &[], more)?;
                let room = shared.stack.send_space(socket)?.min(len);
                if room == 0 {
                    return Err(Errno::EAGAIN);
                }
                let bytes = buffer.as_mut().get_mut(..room).unwrap_or(&mut []);
                let n = match pipe.read(bytes) {
                    Ok(n) => n,
                    Err(Errno::EAGAIN) => return Ok(Step::Pipe),
                    Err(e) => return Err(e),
                };
                let mut left = bytes.get(..n).unwrap_or(&[]);
                while !left.is_empty() {
                    let sent = shared.stack.send(sys::now(), socket, left, more)?;
                    left = left.get(sent..).unwrap_or(&[]);
                    if sent == 0 {
                        break;
                    }
                }
                Ok(Step::Moved(n - left.len()))
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
    let mut buffer = Heap::new(0u8, len);
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
                let n = shared.stack.peek(socket, 0, buffer.as_mut())?;
                if n == 0 {
                    // The end of the stream, or an error that only taking bytes reports.
                    shared.stack.recv(sys::now(), socket, &mut [0; 1])?;
                    return Ok(Step::Moved(0));
                }
                let bytes = buffer.as_mut().get(..n).unwrap_or(&[]);
                match pipe.write(bytes) {
                    Ok(written) => {
                        shared.stack.discard(sys::now(), socket, written)?;
                        Ok(Step::Moved(written))
                    }
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
