//! Signal-driven I/O: O_ASYNC, F_SETOWN, F_SETSIG (fcntl(2), socket(7)), and SIGURG.
//!
//! The signal is the kernel's to send: only it may fill in si_code POLL_IN, si_band and si_fd, knows whom the owner may signal, and
//! reaches a process, a thread or a group. So a socket that has an owner gets AF_UNIX pairs of its own at high numbers. One end,
//! the *face*, has the owner, the signal and O_ASYNC; what the other end does makes the kernel send from it what it would have
//! sent from a TCP socket (net/unix/af_unix.c):
//!
//! | moment | done on the pairs | the kernel |
//! | --- | --- | --- |
//! | data, a connection, a peer's FIN | a byte is sent to the face, and taken out | POLL_IN |
//! | connected, room to send | the face's buffer is filled, then emptied | POLL_OUT |
//! | both directions finished | shutdown | POLL_HUP; then a fresh pair |
//! | a new urgent pointer | an urgent byte | SIGURG, and POLL_PRI and POLL_IN |
//! | an error | a datagram face loses its peer | POLL_ERR; then a fresh pair |
//!
//! si_fd is the number that O_ASYNC was set with (fasync_helper), so the face sits on that number for a moment then.
//!
//! As in the kernel there is no POLL_IN while a thread waits in recv (SOCKWQ_ASYNC_WAITDATA), and nothing for what the program
//! itself does. Limit: what happened between two looks at the device is one signal, where the kernel may send several.

use std::os::fd::RawFd;

use libc::c_int;
use matnet_stack::Readiness;

use super::file::FileId;
use super::{Shared, fdspace, sys};
use crate::errno::Errno;

/// Smallest SO_SNDBUF, as in `mirror`.
const SMALL: c_int = 1;

/// struct f_owner_ex of fcntl(2).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
struct Owner {
    kind: c_int,
    pid: c_int,
}

const F_OWNER_PGRP: c_int = 2;
const F_SETSIG: c_int = 10;
const F_GETSIG: c_int = 11;
const F_SETOWN_EX: c_int = 15;
const F_GETOWN_EX: c_int = 16;

/// What a readiness event is to a recv that waits.
pub(super) const OF_RECV: Readiness = Readiness(Readiness::IN.0 | Readiness::RDHUP.0);

/// A pair of sockets.
#[derive(Debug)]
struct Pair {
    face: RawFd,
    back: RawFd,
}

impl Pair {
    fn new(ty: c_int) -> Result<Pair, Errno> {
        let [face, back] = sys::socketpair(ty | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK)?;
        let size = SMALL.to_ne_bytes();
        let _ = sys::setsockopt(face, libc::SOL_SOCKET, libc::SO_SNDBUF, &size);
        // An urgent byte is taken out like any other.
        let _ = sys::setsockopt(face, libc::SOL_SOCKET, libc::SO_OOBINLINE, &1i32.to_ne_bytes());
        let face = fdspace::internal(face);
        let back = fdspace::internal(back);
        match (face, back) {
            (Ok(face), Ok(back)) => Ok(Pair { face, back }),
            (face, back) => {
                [face, back].into_iter().flatten().for_each(fdspace::close_internal);
                Err(Errno::EMFILE)
            }
        }
    }

    /// O_ASYNC, set with the program's number `fd`.
    fn set_async(&self, fd: RawFd, on: bool) -> Result<(), Errno> {
        if !on {
            sys::fcntl(self.face, libc::F_SETFL, libc::O_NONBLOCK as usize)?;
            return Ok(());
        }
        let kept = fdspace::internal(sys::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0)?)?;
        let cloexec = sys::fcntl(fd, libc::F_GETFD, 0).unwrap_or(0) & libc::FD_CLOEXEC != 0;
        let result = sys::dup3(self.face, fd, libc::O_CLOEXEC).and_then(|_| {
            let result = sys::fcntl(fd, libc::F_SETFL, (libc::O_ASYNC | libc::O_NONBLOCK) as usize);
            sys::dup3(kept, fd, if cloexec { libc::O_CLOEXEC } else { 0 })?;
            result
        });
        fdspace::close_internal(kept);
        result.map(drop)
    }

    fn drain(fd: RawFd) {
        let mut junk = [0u8; 4096];
        while sys::recv(fd, &mut junk, libc::MSG_DONTWAIT).is_ok_and(|n| n > 0) {}
    }

    fn send(fd: RawFd, bytes: &[u8], flags: c_int) -> Result<usize, Errno> {
        sys::sendto(fd, bytes, flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL, &[])
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        fdspace::close_internal(self.face);
        fdspace::close_internal(self.back);
    }
}

/// A socket's owner and its signals.
#[derive(Debug)]
pub struct AsyncIo {
    pair: Pair,
    /// For errors; there while O_ASYNC is on.
    error: Option<Pair>,
    /// The hang-up was told.
    hung_up: bool,
    /// What happens now is the program's own doing.
    quiet: bool,
}

impl AsyncIo {
    fn new() -> Result<AsyncIo, Errno> {
        Ok(AsyncIo { pair: Pair::new(libc::SOCK_STREAM)?, error: None, hung_up: false, quiet: false })
    }

    fn is_on(&self) -> bool {
        self.error.is_some()
    }

    fn set(&mut self, fd: RawFd, on: bool) -> Result<(), Errno> {
        if on == self.is_on() {
            return Ok(());
        }
        self.pair.set_async(fd, on)?;
        self.error = None;
        if on {
            self.error = Some(self.error_pair(fd)?);
        }
        Ok(())
    }

    fn error_pair(&self, fd: RawFd) -> Result<Pair, Errno> {
        let pair = Pair::new(libc::SOCK_DGRAM)?;
        copy_owner(self.pair.face, pair.face);
        pair.set_async(fd, true)?;
        Ok(pair)
    }

    fn data(&self) {
        let _ = Pair::send(self.pair.back, &[0], 0);
        Pair::drain(self.pair.face);
    }

    fn room(&self) {
        let filler = [0u8; 2048];
        // A send that finds no room is what asks for the signal.
        let _ = (0..64).try_for_each(|_| Pair::send(self.pair.face, &filler, 0).map(drop));
        Pair::drain(self.pair.back);
    }

    fn hang_up(&mut self, fd: RawFd) {
        let _ = sys::shutdown(self.pair.back, libc::SHUT_RDWR);
        // The next signals come from a fresh one: the socket may be connected again.
        if let Ok(fresh) = Pair::new(libc::SOCK_STREAM) {
            copy_owner(self.pair.face, fresh.face);
            if fresh.set_async(fd, self.is_on()).is_ok() {
                self.pair = fresh;
            }
        }
    }

    fn fail(&mut self, fd: RawFd) {
        let Some(pair) = self.error.as_ref() else { return };
        let _ = Pair::send(pair.face, &[0], 0);
        disconnect(pair.back);
        if let Ok(fresh) = self.error_pair(fd) {
            self.error = Some(fresh);
        }
    }

    fn urgent(&self) {
        if Pair::send(self.pair.back, &[0], libc::MSG_OOB).is_err() {
            // A kernel without CONFIG_AF_UNIX_OOB: the signal alone.
            let (kind, pid) = self.owner();
            let target = if kind == F_OWNER_PGRP { -pid } else { pid };
            if pid != 0 {
                // SAFETY: kill(pid, SIGURG) takes no pointer.
                let _ =
                    unsafe { sys::raw(libc::SYS_kill, [target as usize, libc::SIGURG as usize, 0, 0, 0, 0]) };
            }
        }
        Pair::drain(self.pair.face);
    }

    fn owner(&self) -> (c_int, c_int) {
        let mut owner = Owner::default();
        let _ = sys::fcntl(self.pair.face, F_GETOWN_EX, (&raw mut owner) as usize);
        (owner.kind, owner.pid)
    }
}

/// Gives `to` the owner and the signal of `from`.
fn copy_owner(from: RawFd, to: RawFd) {
    let mut owner = Owner::default();
    if sys::fcntl(from, F_GETOWN_EX, (&raw mut owner) as usize).is_ok() {
        // The owner may be gone.
        let _ = sys::fcntl(to, F_SETOWN_EX, (&raw const owner) as usize);
    }
    let signal = sys::fcntl(from, F_GETSIG, 0).unwrap_or(0);
    let _ = sys::fcntl(to, F_SETSIG, signal as usize);
}

/// Ends a datagram socket's association; what it has not read is lost, and its peer hears of it (unix_dgram_disconnected).
fn disconnect(fd: RawFd) {
    let unspec = [0u8; 16];
    // SAFETY: connect(fd, addr, len) reads the local.
    let _ = unsafe {
        sys::raw(libc::SYS_connect, [fd as usize, unspec.as_ptr() as usize, unspec.len(), 0, 0, 0])
    };
}

impl Shared {
    fn async_io(&mut self, id: FileId) -> Result<&mut AsyncIo, Errno> {
        let rare = self.file_mut(id)?.rare_mut();
        if rare.async_io.is_none() {
            rare.async_io = Some(Box::new(AsyncIo::new()?));
        }
        rare.async_io.as_deref_mut().ok_or(Errno::ENOMEM)
    }

    /// O_ASYNC by fcntl or FIOASYNC, on the number `fd`.
    pub(crate) fn set_async(&mut self, id: FileId, fd: RawFd, on: bool) -> Result<(), Errno> {
        let was = self.file(id)?.status_flags & libc::O_ASYNC != 0;
        if was == on {
            return Ok(());
        }
        let now = self.readiness(id);
        let io = self.async_io(id)?;
        io.set(fd, on)?;
        io.hung_up = now.contains(Readiness::HUP);
        let file = self.file_mut(id)?;
        file.status_flags = (file.status_flags & !libc::O_ASYNC) | if on { libc::O_ASYNC } else { 0 };
        Ok(())
    }

    /// F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX, F_SETSIG, F_GETSIG. None: nothing was set yet, and the kernel's own answer for
    /// the number is right.
    pub(crate) fn owner_call(&mut self, id: FileId, cmd: c_int, arg: usize) -> Result<Option<c_int>, Errno> {
        match cmd {
            libc::F_SETOWN | F_SETOWN_EX | F_SETSIG => {
                let io = self.async_io(id)?;
                // The kernel looks at the argument first.
                let result = sys::fcntl(io.pair.face, cmd, arg)?;
                if let Some(error) = io.error.as_ref() {
                    sys::fcntl(error.face, cmd, arg)?;
                }
                Ok(Some(result))
            }
            _ => {
                let Some(io) = self.file(id)?.rare().and_then(|r| r.async_io.as_deref()) else {
                    return Ok(None);
                };
                if cmd != libc::F_GETOWN {
                    return sys::fcntl(io.pair.face, cmd, arg).map(Some);
                }
                let (kind, pid) = io.owner();
                Ok(Some(if kind == F_OWNER_PGRP { -pid } else { pid }))
            }
        }
    }

    /// The signals of what happened on a file that has an owner.
    #[cold]
    pub(super) fn send_signals(&mut self, id: FileId, edges: Readiness, now: Readiness) {
        let receiving = self.receiving == Some(id);
        let Some(file) = self.files.get_mut(id) else { return };
        let Some(fd) = file.fds.first().copied() else { return };
        let stream = file.is_stream();
        let waits = stream && (receiving || file.watchers.iter().any(|w| w.interest == OF_RECV));
        let Some(io) = file.rare_mut().async_io.as_deref_mut() else { return };
        let mut told = false;
        if edges.contains(Readiness::MARK) {
            io.urgent();
            told = true;
        }
        if !io.is_on() {
            return;
        }
        let hung_up = std::mem::replace(&mut io.hung_up, now.contains(Readiness::HUP));
        if edges.contains(Readiness::ERR) {
            io.fail(fd);
            if stream {
                return;
            }
        }
        if edges.contains(Readiness::HUP) {
            if !hung_up && !waits && !io.quiet && io.hung_up {
                io.hang_up(fd);
                // A FIN is also something to read (tcp_data_queue).
                io.data();
            }
            return;
        }
        if io.quiet {
            return;
        }
        if edges.contains(Readiness::IN) && !waits && !told {
            io.data();
        }
        if edges.contains(Readiness::OUT) {
            io.room();
        }
    }

    /// After a call that changed the socket's state by itself, such as shutdown: no signals for that.
    pub(crate) fn no_signals_for_this(&mut self, id: FileId) {
        let set = |shared: &mut Shared, quiet| {
            let rare = shared.files.get_mut(id).filter(|f| f.rare().is_some_and(|r| r.async_io.is_some()));
            let io = rare.and_then(|f| f.rare_mut().async_io.as_deref_mut());
            io.map(|io| io.quiet = quiet).is_some()
        };
        if set(self, true) {
            self.dispatch();
            set(self, false);
        }
    }

    /// A thread that waited for data on `id` is awake: what it brought in itself is no news to signal.
    pub(super) fn received_by_waiter(&mut self, id: FileId) {
        if self.files.get(id).is_some_and(|f| f.rare().is_some_and(|r| r.async_io.is_some())) {
            self.receiving = Some(id);
            self.dispatch();
            self.receiving = None;
        }
    }
}

impl AsyncIo {
    /// Gives the kernel's socket `fd`, which takes the file's place, the same owner, signal and O_ASYNC.
    pub(crate) fn replay(&self, fd: RawFd) {
        copy_owner(self.pair.face, fd);
        if self.is_on() {
            let flags = sys::fcntl(fd, libc::F_GETFL, 0).unwrap_or(0);
            let _ = sys::fcntl(fd, libc::F_SETFL, (flags | libc::O_ASYNC) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pairs themselves: O_ASYNC with the number of another descriptor, and each moment's si_code.
    #[test]
    fn the_kernel_sends_each_reason() {
        // Blocked in this thread, which is the owner: taken by sigtimedwait.
        let signal = libc::SIGRTMIN() + 3;
        // SAFETY: all zero is the empty set.
        let mut set: libc::sigset_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set is a local one.
        unsafe {
            libc::sigaddset(&mut set, signal);
            libc::sigaddset(&mut set, libc::SIGURG);
            libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        }
        let number = sys::eventfd(0).unwrap();
        let mut io = AsyncIo::new().unwrap();
        let owner = Owner { kind: 0, pid: sys::gettid() };
        sys::fcntl(io.pair.face, F_SETOWN_EX, (&raw const owner) as usize).unwrap();
        sys::fcntl(io.pair.face, F_SETSIG, signal as usize).unwrap();
        io.set(number, true).unwrap();
        // The number is what it was.
        sys::write(number, &1u64.to_ne_bytes()).unwrap();
        let take = || -> Vec<(c_int, c_int)> {
            let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let mut all = Vec::new();
            // SAFETY: all zero is a siginfo_t.
            let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
            // SAFETY: locals, all of them.
            while unsafe { libc::sigtimedwait(&set, &mut info, &none) } > 0 {
                if info.si_signo == signal {
                    // si_fd lies behind the long si_band.
                    let words = (&raw const info).cast::<c_int>();
                    // SAFETY: within the structure, which has 32 of them.
                    assert_eq!(unsafe { words.add(6).read() }, number);
                }
                all.push((info.si_signo, info.si_code));
            }
            all
        };
        for _ in 0..2 {
            io.data();
            assert_eq!(take(), [(signal, 1)]);
            io.room();
            assert_eq!(take(), [(signal, 2)]);
            io.fail(number);
            assert_eq!(take(), [(signal, 4)]);
            io.hang_up(number);
            assert_eq!(take(), [(signal, 6)]);
            io.urgent();
            assert!(take().iter().any(|s| s.0 == libc::SIGURG));
        }
        io.set(number, false).unwrap();
        io.data();
        io.room();
        assert_eq!(take(), []);
        sys::close(number).unwrap();
    }
}
