//! A stack at work inside a process: one lock, one stack thread, and whoever calls.
//!
//! Everything mutable sits in [`Shared`] behind one lock. A call locks, does its work on the stack, and the unlock *settles*:
//! frames that became due go to the device in the caller's own thread, events wake sleeping threads and move mirrors, and
//! a deadline earlier than the one the stack thread sleeps to is announced to it. The stack thread reads the
//! device and runs timers; it sleeps without a time-out when no timer is armed, so an idle program has no wake-ups.
//!
//! Lock order: fork gate -> runtime lock -> nothing. No lock is held in a wait. While the lock is held the thread is `inside`
//! (signals deferred, see `inside`).

pub mod async_io;
pub mod companion;
mod control;
mod drive;
pub mod environ;
pub mod exit;
pub mod fdspace;
pub mod fdtable;
pub mod file;
pub mod fork;
mod guess;
pub(crate) mod hidden;
pub mod inside;
mod late;
pub(crate) mod mirror;
pub mod probe;
pub(crate) mod quiet;
pub(crate) mod sets;
mod small;
pub mod spill;
pub mod start;
pub mod sys;
mod thread;
pub mod wait;

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU32, Ordering};

use matnet_stack::{Event, Full, Instant, Readiness, Sink, Stack, Transmit};
use parking_lot::{Mutex, MutexGuard};

use crate::errno::Errno;
use crate::link::{Link, LinkError};
use fdtable::Slot;
use file::{File, FileId, Files, Watcher};
use mirror::{Mirror, Registration};

pub use exit::{after_exec_failed, before_exec, on_exit, on_orderly_exit};
pub use start::{get, hooks_enabled, set_preloaded, settings, start};
pub use thread::is_last as is_last_thread;

/// Frames taken from the device in one go, after which others get the lock.
const BUDGET: usize = 32;

/// How soon a device that took no more is tried again. A TAP queues without limit by default, so this is rare.
const DEVICE_RETRY: std::time::Duration = std::time::Duration::from_millis(1);

/// Less than a segment of bulk data has, bytes.
const SMALL: usize = 1000;

/// A stack and its device, for the life of the process.
pub struct Runtime {
    shared: Mutex<Shared>,
    /// Wakes the stack thread.
    wake_fd: RawFd,
    /// The device, for ppoll; -1 without one.
    device_fd: RawFd,
    /// Messages to the stack thread.
    control: control::Channel,
    /// The kernel's index of the device; 0: not asked for yet.
    device_index: AtomicU32,
}

/// What the lock protects.
pub struct Shared {
    /// The protocol engine.
    pub stack: Stack,
    /// Open sockets.
    pub files: Files,
    link: Box<dyn Link>,
    /// The link keeps frames until their time.
    timed: bool,
    by_socket: file::BySocket,
    waiters: wait::Waiters,
    /// Epoll sets.
    pub(crate) sets: sets::Sets,
    /// Sockets on which the kernel's read and write work.
    pub(crate) spills: spill::Spills,
    /// Event descriptors to signal after the unlock.
    wakes: Vec<RawFd>,
    /// The device took no more: try again soon.
    device_full: bool,
    /// The device is gone for good.
    device_gone: bool,
    /// Who attends to the device and the timers.
    watch: drive::Watch,
    /// What a driver may spare itself.
    habits: guess::Habits,
    placeholder: RawFd,
    /// The time, once asked for under the present lock.
    clock: Cell<Option<Instant>>,
    /// Counts the times that the lock was taken.
    turn: u64,
    /// What is due stays until the lock is taken the next time.
    held_back: bool,
    /// Events come from a thread that waited for data on this file.
    receiving: Option<FileId>,
}

/// The runtime lock, held. Dropping it settles and unlocks.
pub struct Locked<'a> {
    guard: ManuallyDrop<MutexGuard<'a, Shared>>,
    runtime: &'a Runtime,
    /// What is due was sent and handed out already, and the next deadline.
    settled: Option<Option<Instant>>,
    _inside: inside::Guard,
}

impl std::ops::Deref for Locked<'_> {
    type Target = Shared;
    fn deref(&self) -> &Shared {
        &self.guard
    }
}

impl std::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Shared {
        &mut self.guard
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if self.guard.held_back {
            // SAFETY: the guard is dropped exactly once, here or below.
            unsafe { ManuallyDrop::drop(&mut self.guard) };
            return;
        }
        let deadline = self.settled.unwrap_or_else(|| self.guard.settle());
        let kick = self.runtime.hand_on(&mut self.guard, deadline);
        // Out of the lock without an allocation: `wakes` keeps its memory.
        let mut few = [-1; 8];
        let mut many = Vec::new();
        if self.guard.wakes.len() > few.len() {
            many = std::mem::take(&mut self.guard.wakes);
        } else {
            few.iter_mut().zip(self.guard.wakes.drain(..)).for_each(|(slot, fd)| *slot = fd);
        }
        // SAFETY: the guard is dropped exactly once, here.
        unsafe { ManuallyDrop::drop(&mut self.guard) };
        for fd in few.into_iter().take_while(|fd| *fd >= 0).chain(many) {
            signal(fd);
        }
        if let Some(fd) = kick {
            signal(fd);
        }
    }
}

/// Adds one to an event descriptor.
pub(crate) fn signal(fd: RawFd) {
    let _ = sys::write(fd, &1u64.to_ne_bytes());
}

impl Runtime {
    /// The kernel's index of the device, from `ask` the first time.
    pub(crate) fn device_index(&self, ask: impl FnOnce() -> Option<u32>) -> Option<u32> {
        match self.device_index.load(Ordering::Relaxed) {
            0 => ask().inspect(|index| self.device_index.store(*index, Ordering::Relaxed)),
            index => Some(index),
        }
    }

    /// Takes the lock; the thread is inside the library until it is dropped.
    pub fn lock(&self) -> Locked<'_> {
        let inside = inside::enter();
        let mut guard = ManuallyDrop::new(self.shared.lock());
        guard.clock.set(None);
        guard.turn = guard.turn.wrapping_add(1);
        guard.held_back = false;
        if guard.spills.any() {
            guard.sync_spills();
        }
        Locked { guard, runtime: self, settled: None, _inside: inside }
    }
}

struct LinkSink<'a> {
    link: &'a mut dyn Link,
    gone: Option<Errno>,
    full: bool,
}

impl Sink for LinkSink<'_> {
    fn transmit(&mut self, frame: &Transmit<'_>) -> Result<(), Full> {
        match self.link.send(frame) {
            // A link that is down loses the frame, as a cable would.
            Ok(()) | Err(LinkError::Down) => Ok(()),
            Err(LinkError::Full) => {
                self.full = true;
                Err(Full)
            }
            Err(LinkError::Gone(e)) => {
                self.gone = Some(e);
                Ok(())
            }
        }
    }
}

impl Shared {
    /// The time, read once under a lock and after each large frame: what is done in between takes microseconds.
    pub fn now(&self) -> Instant {
        let now = self.clock.get().unwrap_or_else(sys::now);
        self.clock.set(Some(now));
        now
    }

    /// After a small send: it may wait for another that used to follow (see `guess`), as long as the stack thread looks soon.
    pub(crate) fn sent_little(&mut self, id: FileId) {
        let now = self.now();
        self.held_back = self.habits.pairs.sent(id, self.turn, now) && self.watch.naps();
    }

    /// Before a send that takes another lock: what waits for it goes on waiting.
    pub(crate) fn will_send(&mut self, id: FileId) {
        let now = self.now();
        self.held_back = self.habits.pairs.will_send(id, self.turn, now) && self.watch.naps();
    }

    /// Sends what is due, hands out events, and returns the next deadline.
    fn settle(&mut self) -> Option<Instant> {
        let spills = self.spills.any();
        if spills {
            self.settle_spills();
        }
        self.transmit();
        self.dispatch();
        if spills {
            self.lend_spills();
        }
        while let Some(entry) = self.stack.poll_log() {
            start::log_entry(&entry);
        }
        let deadline = self.deadline();
        if !self.device_full {
            return deadline;
        }
        let retry = self.now() + DEVICE_RETRY;
        Some(deadline.map_or(retry, |d| d.min(retry)))
    }

    /// The earliest timer.
    fn deadline(&self) -> Option<Instant> {
        let deadline = self.stack.poll_timeout();
        if !self.timed || self.device_gone {
            return deadline;
        }
        deadline.into_iter().chain(self.link.deadline()).min()
    }

    /// Hands due frames to the device.
    pub(crate) fn transmit(&mut self) {
        let now = self.now();
        let mut sink = LinkSink { link: self.link.as_mut(), gone: None, full: false };
        self.stack.poll_transmit(now, &mut sink);
        let mut gone = sink.gone;
        self.device_full = sink.full;
        if self.timed && !self.device_gone {
            if let Err(LinkError::Gone(e)) = self.link.poll() {
                gone.get_or_insert(e);
            }
        }
        if let Some(e) = gone {
            self.lose_device(e);
        }
    }

    /// The device vanished (its namespace or the interface was removed): every socket fails from now on.
    fn lose_device(&mut self, e: Errno) {
        if self.device_gone {
            return;
        }
        self.device_gone = true;
        crate::log_error!(
            "{}: the device is gone ({e}): sockets fail with ENETDOWN; bring it back and start the program again",
            start::settings().tap
        );
        self.stack.device_gone();
    }

    /// Feeds what the device has received to the stack, up to a budget; true when there may be more.
    pub(crate) fn drain_device(&mut self) -> bool {
        (0..BUDGET).all(|_| self.take_frame().is_some())
    }

    /// As [`Shared::drain_device`], for a driver, and how many frames it took: after a small frame the next read mostly finds
    /// nothing, so it is made only where it used to find something; and behind the frame that filled a datagram queue it would be
    /// made for nothing. What it leaves is the next driver's, or the stack thread's.
    pub(crate) fn take_turn(&mut self) -> usize {
        let mut hoped = false;
        self.stack.datagrams_filled();
        for taken in 0..BUDGET {
            let frame = self.take_frame();
            if hoped {
                self.habits.more.learn(frame.is_some());
            }
            let Some(len) = frame else { return taken };
            if self.stack.datagrams_filled() {
                return taken + 1;
            }
            hoped = len < SMALL;
            if hoped && !self.habits.more.likely() {
                return taken + 1;
            }
        }
        BUDGET
    }

    /// Feeds one frame to the stack and returns its length; None when the device has none.
    fn take_frame(&mut self) -> Option<usize> {
        if self.device_gone {
            return None;
        }
        match self.link.recv() {
            Ok(Some((frame, meta))) => {
                let len = frame.len();
                if len >= SMALL {
                    self.clock.set(None);
                }
                self.stack.on_frame(self.now(), frame, meta);
                // One acknowledgement for a drained queue is cheapest, but a sender must not run dry, and what a SYN-ACK brings
                // is in the device by the next look.
                if self.stack.ack_overdue() {
                    self.transmit();
                }
                Some(len)
            }
            Ok(None) => None,
            Err(e) => {
                self.lose_device(e);
                None
            }
        }
    }

    /// Sends what is due, and takes the frames that are there then until `done`: the kernel behind a TAP answers a SYN while it
    /// takes it.
    pub(crate) fn exchange(&mut self, done: impl Fn(&Stack) -> bool) {
        self.transmit();
        let _ = (0..BUDGET).all(|_| self.take_frame().is_some() && !done(&self.stack));
    }

    /// Hands out what happened.
    pub(crate) fn dispatch(&mut self) {
        while let Some(event) = self.stack.poll_event() {
            self.on_event(event);
        }
    }

    fn on_event(&mut self, event: Event) {
        let Some(id) = self.by_socket.get(event.socket) else { return };
        if self.files.get(id).is_none_or(|f| f.socket != event.socket) {
            return;
        }
        let now = self.readiness(id);
        let Some(file) = self.files.get_mut(id) else { return };
        let signals = file.rare().is_some_and(|r| r.async_io.is_some());
        let edges = Readiness(event.edges.0 & !Readiness::MARK.0);
        if let Some(mirror) = file.mirror.as_mut() {
            mirror.raise(edges, now);
        }
        let urgent = Readiness::ERR | Readiness::HUP;
        // Of those that wait to take what is there one is woken for news (prepare_to_wait_exclusive); it wakes the next if it leaves
        // something (`pass_on_file`). A change of state concerns all.
        let changed = edges.intersects(urgent | Readiness::RDHUP);
        // The thread that brought it in may have taken it already.
        let mut served = !changed
            && !file.watchers.is_empty()
            && !now.contains(Readiness::IN)
            && self.stack.recv_queued(event.socket) == 0;
        for w in file.watchers.iter() {
            if edges.intersects(w.interest | urgent) && !(w.takes() && served && !changed) {
                served |= w.takes();
                if let Some(fd) = self.waiters.wake(w.waiter) {
                    self.wakes.push(fd);
                }
            }
        }
        if !file.sets.is_none() {
            self.sets.on_edges(file.sets, edges, &mut self.waiters, &mut self.wakes);
        }
        if signals {
            self.send_signals(id, event.edges, now);
        }
    }

    /// A thread that may have been woken for news on the file leaves: if there is something to take, it is the next one's.
    pub(crate) fn pass_on_file(&mut self, id: FileId) {
        let Some(file) = self.files.get(id).filter(|f| !f.watchers.is_empty()) else { return };
        let there = self.stack.recv_queued(file.socket) > 0
            || (self.stack.readiness(file.socket) | file.also).contains(Readiness::IN);
        // One that is awake already looks soon, and passes on in turn.
        let next = file.watchers.iter().find(|w| w.takes());
        if let Some(fd) = next.filter(|_| there).and_then(|w| self.waiters.wake(w.waiter)) {
            self.wakes.push(fd);
        }
    }

    /// What poll(2) says of a file now.
    pub fn readiness(&mut self, id: FileId) -> Readiness {
        self.files.get(id).map_or(Readiness::NONE, |f| self.stack.readiness(f.socket) | f.also)
    }

    /// The file behind a number; EBADF when it is not (or no longer) ours.
    pub fn lookup(&self, fd: RawFd) -> Result<FileId, Errno> {
        match fdtable::get(fd) {
            Slot::File(n) if self.files.get(FileId(n)).is_some() => Ok(FileId(n)),
            Slot::Inherited => Err(Errno::ENETDOWN),
            _ => Err(Errno::EBADF),
        }
    }

    /// The file and its descriptor's entry, both checked.
    pub fn file(&self, id: FileId) -> Result<&File, Errno> {
        self.files.get(id).ok_or(Errno::EBADF)
    }

    /// As [`Shared::file`], for changes.
    pub fn file_mut(&mut self, id: FileId) -> Result<&mut File, Errno> {
        self.files.get_mut(id).ok_or(Errno::EBADF)
    }

    /// A new number for the program, not yet ours; close it if nothing is installed on it.
    pub fn reserve(&mut self, cloexec: bool) -> Result<RawFd, Errno> {
        let fd = fdspace::program_fd(self.placeholder, 0, cloexec)?;
        self.displace(fd);
        Ok(fd)
    }

    /// Makes a reserved number stand for `file`.
    pub fn install(&mut self, fd: RawFd, mut file: File) -> Result<FileId, Errno> {
        let socket = file.socket;
        let datagram = !file.is_stream();
        file.fds.push(fd);
        let id = self.files.insert(file);
        if !fdtable::set_file(fd, id.0, datagram) {
            self.files.remove(id);
            self.stack.close(sys::now(), socket);
            let _ = sys::close(fd);
            return Err(Errno::EMFILE);
        }
        self.by_socket.insert(socket, id);
        self.spill_for(fd, id);
        Ok(id)
    }

    /// Another number for the same file (dup and kin).
    pub fn duplicate(&mut self, fd: RawFd, id: FileId, lowest: usize, cloexec: bool) -> Result<RawFd, Errno> {
        let new = fdspace::program_fd(fd, lowest, cloexec)?;
        self.displace(new);
        self.name(new, id)?;
        Ok(new)
    }

    /// Makes `fd`, which the kernel already has on the right object, a name of `id`.
    pub(crate) fn name(&mut self, fd: RawFd, id: FileId) -> Result<(), Errno> {
        let datagram = !self.file(id)?.is_stream();
        if !fdtable::set_file(fd, id.0, datagram) {
            let _ = sys::close(fd);
            return Err(Errno::EMFILE);
        }
        self.file_mut(id)?.fds.push(fd);
        self.spill_for(fd, id);
        Ok(())
    }

    /// `fd` is no longer what the slot says (closed or replaced): drops the name, and the file with its last.
    /// The kernel's descriptor is not touched.
    pub fn displace(&mut self, fd: RawFd) {
        match fdtable::get(fd) {
            Slot::File(n) => {
                fdtable::clear(fd);
                let id = FileId(n);
                if let Some(file) = self.files.get_mut(id) {
                    file.fds.retain(|&f| f != fd);
                    let last = file.fds.is_empty();
                    if let Some(m) = file.mirror.as_mut() {
                        if last {
                            m.leave(fd);
                        }
                        m.unregister(None, Some(fd));
                        if last && m.spill.is_some() {
                            self.leave_spill(id);
                        }
                    }
                }
                self.reap(id);
            }
            Slot::Inherited => {
                fdtable::clear(fd);
            }
            Slot::Kernel => {
                fdtable::forget_netlink(fd);
                self.unname_set(fd);
            }
            Slot::Internal => {}
        }
    }

    /// Keeps a file alive over a wait.
    pub fn hold(&mut self, id: FileId) {
        if let Some(f) = self.files.get_mut(id) {
            f.holds += 1;
        }
    }

    /// Ends a hold.
    pub fn release(&mut self, id: FileId) {
        if let Some(f) = self.files.get_mut(id) {
            f.holds = f.holds.saturating_sub(1);
        }
        self.reap(id);
    }

    /// Ends the file if nothing refers to it.
    fn reap(&mut self, id: FileId) {
        if !self.files.get(id).is_some_and(|f| f.fds.is_empty() && f.holds == 0) {
            return;
        }
        if let Some(file) = self.files.remove(id) {
            self.by_socket.remove(file.socket, id);
            self.stack.close(sys::now(), file.socket);
            self.leave_sets(file.sets, false);
        }
    }

    /// Takes the stack's socket away from a file that moves to the kernel.
    pub(crate) fn detach(&mut self, id: FileId) -> Option<File> {
        let file = self.files.remove(id)?;
        self.by_socket.remove(file.socket, id);
        self.stack.close(sys::now(), file.socket);
        for &fd in file.fds.iter() {
            fdtable::clear(fd);
        }
        for w in file.watchers.iter() {
            if let Some(fd) = self.waiters.wake(w.waiter) {
                self.wakes.push(fd);
            }
        }
        Some(file)
    }

    /// After a call of the program on `fd`: the pair, if there is one, follows the socket.
    pub fn settle_mirror(&mut self, id: FileId, fd: RawFd) {
        if self.files.get(id).is_none_or(|f| f.mirror.is_none()) {
            return;
        }
        let now = self.mirrored(id);
        let Some(mirror) = self.files.get_mut(id).and_then(|f| f.mirror.as_mut()) else { return };
        if mirror.is_spent() && !now.contains(Readiness::ERR) && !now.contains(Readiness::HUP) {
            // The error was taken and the socket lives on (UDP): only a fresh pair can take ERR back.
            let _ = self.materialise(id);
        } else {
            mirror.settle(fd, now);
        }
    }

    /// What the pair shows: the hang-up of a socket that was never connected is left out, since a pair cannot take it back.
    fn mirrored(&mut self, id: FileId) -> Readiness {
        let now = self.readiness(id);
        let fresh = self.files.get(id).is_some_and(|f| {
            f.is_stream()
                && self.stack.tcp_state(f.socket) == matnet_stack::TcpState::Closed
                && !now.contains(Readiness::RDHUP)
        });
        if fresh { Readiness(now.0 & !Readiness::HUP.0) } else { now }
    }

    /// Puts a (fresh) pair behind every number of the file and registers it again where it was registered.
    pub(crate) fn materialise(&mut self, id: FileId) -> Result<(), Errno> {
        let (mut mirror, a) = Mirror::pair()?;
        let now = self.mirrored(id);
        let file = self.file_mut(id)?;
        if let Some(old) = file.mirror.as_mut() {
            mirror.registrations = old.take_live();
        }
        for &fd in file.fds.iter() {
            let flags = sys::fcntl(fd, libc::F_GETFD, 0).unwrap_or(0);
            let cloexec = if flags & libc::FD_CLOEXEC != 0 { libc::O_CLOEXEC } else { 0 };
            if let Err(e) = sys::dup3(a, fd, cloexec) {
                let _ = sys::close(a);
                return Err(e);
            }
        }
        let _ = sys::close(a);
        let first = file.fds.first().copied();
        if let Some(first) = first {
            mirror.arm_error(first);
            mirror.settle(first, now);
        }
        readd(&mirror.registrations);
        file.mirror = Some(Box::new(mirror));
        Ok(())
    }
}

/// Adds descriptors to the epoll sets that they were in, after their numbers got a new object.
pub(crate) fn readd(registrations: &[Registration]) {
    for r in registrations.iter().filter(|r| !r.fired) {
        let mut event = libc::epoll_event { events: r.events, u64: r.data };
        let _ = sys::epoll_ctl(r.epfd, libc::EPOLL_CTL_ADD, r.fd, &mut event);
    }
}

/// Registers a waiter on a file.
pub(crate) fn watch(shared: &mut Shared, id: FileId, waiter: u32, interest: Readiness) {
    if let Some(f) = shared.files.get_mut(id) {
        f.watchers.push(Watcher { waiter, interest });
    }
}
