//! Sockets of the library itself: files that no number names.
//!
//! The resolver asks name servers by them. One on the stack takes no descriptor at all, so the program's numbers stay as they are;
//! one for an address that the kernel serves (MATNET_BYPASS) is a kernel socket that lives for one exchange, as in libc's resolver.
//! Every wait has an end, goes on after signal handlers, and is a cancellation point; dropping the socket closes it, also when
//! pthread_cancel unwinds. Limit: a handler that leaves the wait by siglongjmp leaves the socket open, as it would in libc.

use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::time::Duration;

use libc::{c_int, c_short, nfds_t, pollfd, sigset_t, timespec};
use matnet_stack::{Error, Instant, Kind, Readiness, SendHow, SocketId};

use super::file::{File, FileId};
use super::wait::{SPARE, Woken};
use super::{Runtime, Shared, inside, start, sys};
use crate::errno::Errno;
use crate::posix::SockAddr;

unsafe extern "C-unwind" {
    /// ppoll(2): a cancellation point of libc's. In the preloaded library it is our own hook, which passes kernel descriptors on.
    fn ppoll(fds: *mut pollfd, nfds: nfds_t, timeout: *const timespec, mask: *const sigset_t) -> c_int;
}

/// A socket without a number.
#[derive(Debug)]
pub struct Hidden {
    world: World,
    kind: Kind,
}

#[derive(Debug)]
enum World {
    Stack(FileId),
    Kernel(RawFd),
}

impl Hidden {
    /// Opens a socket and begins to connect it to `remote`: to the kernel's network when `kernel`, else to the stack's.
    pub fn connect(kind: Kind, remote: SocketAddr, kernel: bool, until: Instant) -> Result<Hidden, Errno> {
        inside::cancellation_point();
        let hidden = if kernel { Hidden::in_kernel(kind, remote)? } else { Hidden::in_stack(kind)? };
        let sockaddr =
            SockAddr::encode(if remote.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET }, remote);
        match &hidden.world {
            World::Kernel(fd) => match connect(*fd, sockaddr.as_bytes()) {
                Err(Errno::EINPROGRESS) => hidden.in_time(libc::POLLOUT, until, || pending_error(*fd))?,
                other => other?,
            },
            World::Stack(_) => {
                hidden.work(Readiness::OUT | Readiness::IN, until, |shared, socket| {
                    match shared.stack.connect(sys::now(), socket, remote) {
                        Err(Error::InProgress | Error::Already) => Err(Errno::EAGAIN),
                        other => Ok(other?),
                    }
                })?;
            }
        }
        Ok(hidden)
    }

    fn in_kernel(kind: Kind, remote: SocketAddr) -> Result<Hidden, Errno> {
        let domain = if remote.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
        let ty = if kind == Kind::Tcp { libc::SOCK_STREAM } else { libc::SOCK_DGRAM };
        let fd = sys::socket(domain, ty | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0)?;
        Ok(Hidden { world: World::Kernel(fd), kind })
    }

    fn in_stack(kind: Kind) -> Result<Hidden, Errno> {
        let runtime = start::start()?;
        let mut shared = runtime.lock();
        let socket = shared.stack.open(kind)?;
        let ty = if kind == Kind::Tcp { libc::SOCK_STREAM } else { libc::SOCK_DGRAM };
        let mut file = File::new(socket, libc::AF_INET, ty, 0);
        file.holds = 1;
        let id = shared.files.insert(file);
        shared.by_socket.insert(socket, id);
        Ok(Hidden { world: World::Stack(id), kind })
    }

    /// Sends `bytes`: a datagram, or part of a stream; how much went. EAGAIN when the time is over.
    pub fn send(&self, bytes: &[u8], until: Instant) -> Result<usize, Errno> {
        match &self.world {
            World::Kernel(fd) => {
                self.in_time(libc::POLLOUT, until, || sys::sendto(*fd, bytes, libc::MSG_NOSIGNAL, &[]))
            }
            World::Stack(_) => self.work(Readiness::OUT, until, |shared, socket| {
                let now = shared.now();
                Ok(match self.kind {
                    Kind::Tcp => shared.stack.send(now, socket, bytes, false)?,
                    _ => shared.stack.send_with(now, socket, None, &[bytes], SendHow::default())?,
                })
            }),
        }
    }

    /// Receives a datagram, cut to `buf`, or what there is of a stream; 0 is the stream's end. EAGAIN when the time is over.
    pub fn recv(&self, buf: &mut [u8], until: Instant) -> Result<usize, Errno> {
        match &self.world {
            World::Kernel(fd) => self.in_time(libc::POLLIN, until, || sys::recv(*fd, buf, 0)),
            World::Stack(_) => self.work(Readiness::IN | Readiness::RDHUP, until, |shared, socket| {
                let now = shared.now();
                Ok(match self.kind {
                    Kind::Tcp => shared.stack.recv(now, socket, buf)?,
                    _ => {
                        let room = buf.len();
                        shared.stack.recv_vectored(socket, &mut [&mut *buf], false)?.len.min(room)
                    }
                })
            }),
        }
    }

    /// Repeats `op` on the stack until it says something other than EAGAIN, at most until the time.
    fn work<T>(
        &self,
        interest: Readiness,
        until: Instant,
        mut op: impl FnMut(&mut Shared, SocketId) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let (World::Stack(id), Some(runtime)) = (&self.world, start::get()) else {
            return Err(Errno::ENETDOWN);
        };
        let id = *id;
        inside::cancellation_point();
        let mut locked = runtime.lock();
        loop {
            let socket = locked.file(id)?.socket;
            let result = op(&mut locked, socket);
            if !matches!(result, Err(Errno::EAGAIN)) {
                return result;
            }
            if sys::now() >= until {
                return result;
            }
            inside::clear_interrupts();
            let mut spare = [pollfd { fd: -1, events: 0, revents: 0 }; SPARE];
            let woken: Woken;
            (woken, locked) =
                runtime.sleep(locked, &[(id, interest)], None, &mut spare, Some(until), None)?;
            // A handler ran, the time is over, something happened: each means another look.
            let _ = woken;
        }
    }

    /// Repeats `op` on the kernel's socket until it says something other than EAGAIN, at most until the time.
    fn in_time<T>(
        &self,
        events: c_short,
        until: Instant,
        mut op: impl FnMut() -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let World::Kernel(fd) = self.world else { return Err(Errno::EBADF) };
        loop {
            let left = until.since(sys::now());
            let mut p = pollfd { fd, events, revents: 0 };
            let time = sys::timespec(left);
            // SAFETY: one entry and a time, both valid for the call.
            let n = unsafe { ppoll(&raw mut p, 1, &raw const time, std::ptr::null()) };
            if n > 0 {
                let result = op();
                if !matches!(result, Err(Errno::EAGAIN | Errno::EINTR)) {
                    return result;
                }
            }
            if left == Duration::ZERO {
                return Err(Errno::EAGAIN);
            }
        }
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        match &self.world {
            World::Kernel(fd) => {
                let _ = sys::close(*fd);
            }
            // In the child of a fork the stack is another, without this file.
            World::Stack(id) => {
                if let Some(runtime) = start::get() {
                    release(runtime, *id);
                }
            }
        }
    }
}

fn release(runtime: &Runtime, id: FileId) {
    let mut shared = runtime.lock();
    // Ours alone has no number.
    if shared.file(id).is_ok_and(|f| f.fds.is_empty()) {
        shared.release(id);
    }
}

/// connect(2)
fn connect(fd: RawFd, addr: &[u8]) -> Result<(), Errno> {
    let args = [fd as usize, addr.as_ptr() as usize, addr.len(), 0, 0, 0];
    // SAFETY: the slice is valid for reads.
    unsafe { sys::raw(libc::SYS_connect, args) }.map(drop)
}

/// SO_ERROR as a result.
fn pending_error(fd: RawFd) -> Result<(), Errno> {
    let mut value = [0; 4];
    sys::getsockopt(fd, libc::SOL_SOCKET, libc::SO_ERROR, &mut value)?;
    match i32::from_ne_bytes(value) {
        0 => Ok(()),
        e => Err(Errno(e)),
    }
}
