//! Companions: sockets of the kernel that stand beside a socket of ours, for its loopback.
//!
//! A listener or datagram socket on the wildcard address has to answer on 127.0.0.1 too, and that is the kernel's. So the file keeps
//! kernel sockets of the same port there. All of them are in one edge-triggered epoll set of the library, and the stack thread holds the
//! number of that set in its sleep, whatever else it does: drivers and other callers need not know of it, and a program whose
//! loopback is silent pays nothing per packet. An edge becomes an event of the file, as if the stack had reported it: it wakes sleepers,
//! moves mirrors and goes to the epoll sets. What the companions have ready stands in the file ([`File::also`]) and counts as
//! the socket's own readiness.
//!
//! Once the program has used the loopback, a call that will not wait looks at the set itself first: what was sent before must be there, as
//! in the kernel. Limits: in an epoll set of the kernel (nested, moved) it is there a thread hop later, and so is the first datagram or
//! connection that ever comes from another process.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use matnet_stack::{Event, Readiness};

use super::file::{File, FileId};
use super::{Shared, fdspace, signal, start, sys};
use crate::errno::Errno;

/// The set of all companions; -1: there are none yet.
static SET: AtomicI32 = AtomicI32::new(-1);

/// The program has sent something to the kernel's loopback, or something came from there.
static USED: AtomicBool = AtomicBool::new(false);

/// Events taken from the set in one go.
const BATCH: usize = 16;

/// One kernel socket.
#[derive(Debug)]
pub struct Companion {
    fd: RawFd,
    /// It receives IPv6, not v4-mapped addresses.
    pub v6: bool,
    /// It is bound to the wildcard, so that it reaches more than the loopback.
    pub wide: bool,
    watched: bool,
}

impl Companion {
    /// Takes over `fd`, which the library closes from now on.
    ///
    /// # Errors
    /// EMFILE.
    pub fn new(fd: RawFd, v6: bool, wide: bool) -> Result<Companion, Errno> {
        Ok(Companion { fd: fdspace::internal(fd)?, v6, wide, watched: false })
    }

    /// The kernel's number.
    pub fn fd(&self) -> RawFd {
        self.fd
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        if self.watched {
            // Not left to the close: a child that is about to exec may hold a copy, and the file's index will be another's.
            let mut none = libc::epoll_event { events: 0, u64: 0 };
            let _ = sys::epoll_ctl(SET.load(Ordering::Relaxed), libc::EPOLL_CTL_DEL, self.fd, &mut none);
        }
        fdspace::close_internal(self.fd);
    }
}

/// The companions of one file.
#[derive(Debug, Default)]
pub struct Companions {
    /// At most one for IPv4 and one for IPv6.
    pub list: Vec<Companion>,
    /// It is their turn, where the stack has something too.
    pub turn: bool,
}

/// Whether companions may have something that the stack thread has not told yet. All sockets of the program begin as ours, so what it
/// sends to the kernel is known here; what another process sends may come a moment later.
pub fn is_used() -> bool {
    USED.load(Ordering::Relaxed)
}

/// A socket has become the kernel's, or sends to it.
pub fn note_use() {
    USED.store(true, Ordering::Relaxed);
}

/// The number of the set, for the stack thread's sleep; -1 without one.
pub(super) fn set() -> RawFd {
    SET.load(Ordering::Relaxed)
}

/// In the child of a fork, where the set was closed with the rest.
pub(super) fn forget() {
    SET.store(-1, Ordering::Relaxed);
}

/// The set, made now if need be.
fn begin() -> Result<RawFd, Errno> {
    let known = set();
    if known >= 0 {
        return Ok(known);
    }
    let new = fdspace::internal(sys::epoll_create()?)?;
    SET.store(new, Ordering::Relaxed);
    if let Some(runtime) = start::get() {
        // The stack thread sleeps without it.
        signal(runtime.wake_fd);
    }
    Ok(new)
}

/// What poll says of a file's companions together.
fn state(companions: &Companions) -> Readiness {
    let mut now = Readiness::NONE;
    for c in &companions.list {
        let mut fds = [libc::pollfd { fd: c.fd, events: libc::POLLIN, revents: 0 }];
        if sys::poll(&mut fds, Some(std::time::Duration::ZERO)) == Ok(1) {
            let table = [(libc::POLLIN, Readiness::IN), (libc::POLLERR, Readiness::ERR)];
            for (_, r) in table.iter().filter(|(bit, _)| fds[0].revents & bit != 0) {
                now |= *r;
            }
        }
    }
    now
}

impl File {
    /// The kernel sockets beside this one.
    pub fn companions(&self) -> Option<&Companions> {
        if self.companied { self.rare()?.companions.as_deref() } else { None }
    }

    /// The same, for changes.
    pub fn companions_mut(&mut self) -> Option<&mut Companions> {
        if self.companied { self.rare_mut().companions.as_deref_mut() } else { None }
    }

    /// Gives the file companions, or takes them away.
    pub fn set_companions(&mut self, companions: Option<Companions>) {
        if companions.is_none() && !self.companied {
            return;
        }
        self.companied = companions.is_some();
        self.also = Readiness::NONE;
        self.rare_mut().companions = companions.map(Box::new);
    }

    /// Asks the kernel anew what they have.
    pub(crate) fn refresh_companions(&mut self) {
        self.also = self.companions().map_or(Readiness::NONE, state);
    }
}

impl Shared {
    /// From now on what arrives at the file's companions is told.
    pub(crate) fn watch_companions(&mut self, id: FileId) -> Result<(), Errno> {
        let set = begin()?;
        let file = self.file_mut(id)?;
        for c in file.companions_mut().map_or(&mut [][..], |c| &mut c.list) {
            if !c.watched {
                let events = (libc::EPOLLIN | libc::EPOLLET) as u32;
                let mut event = libc::epoll_event { events, u64: u64::from(id.0) };
                sys::epoll_ctl(set, libc::EPOLL_CTL_ADD, c.fd, &mut event)?;
                c.watched = true;
            }
        }
        Ok(())
    }

    /// Before the look of a call that will not wait.
    pub(crate) fn look_at_companions_first(&mut self) {
        if is_used() {
            self.look_at_companions();
        }
    }

    /// Takes in what has arrived at companions.
    pub(crate) fn look_at_companions(&mut self) {
        let set = set();
        if set < 0 {
            return;
        }
        let mut out = [libc::epoll_event { events: 0, u64: 0 }; BATCH];
        // What is left after these makes the set ready again.
        for _ in 0..8 {
            let Ok(found) = sys::epoll_look(set, &mut out) else { return };
            for event in out.iter().take(found) {
                self.companion_ready(FileId(event.u64 as u32));
            }
            if found < BATCH {
                return;
            }
        }
    }

    fn companion_ready(&mut self, id: FileId) {
        let Some(file) = self.files.get_mut(id) else { return };
        note_use();
        file.refresh_companions();
        let (socket, edges) = (file.socket, file.also);
        if edges != Readiness::NONE {
            self.on_event(Event { socket, edges });
        }
    }
}
