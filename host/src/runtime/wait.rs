//! Sleeping until a socket of ours, a descriptor of the kernel, a signal or a time-out.
//!
//! A sleeping thread borrows an event descriptor from a pool and registers it on the files it cares about, under the same
//! lock that it checked them with: nothing can happen in between unseen. It then unlocks and sleeps in libc's `ppoll`, which is
//! a cancellation point; the guards below are dropped also when pthread_cancel unwinds through here.
//!
//! While it sleeps, a thread may also attend to the device: see `drive`.
//!
//! A handler may leave the wait for good by siglongjmp: no destructor runs then. So what a waiting thread holds is linked from
//! thread-local memory, and the hook on longjmp lets go of it ([`abandon`]). Should the jump have stayed within the handler, the wait
//! finds that out and takes its file again.
//!
//! ppoll never restarts, so whether a handler means EINTR is decided here as the kernel would (signal(7)): socket
//! calls without a time-out go on after handlers with SA_RESTART, those with one, and poll and select, do not.

use std::cell::Cell;
use std::os::fd::RawFd;
use std::time::Duration;

use libc::{c_int, nfds_t, pollfd, sigset_t, timespec};
use matnet_stack::{Instant, Readiness};

use super::file::{FileId, Watcher};
use super::sets::SetId;
use super::{Locked, Runtime, Shared, fdspace, inside, start, sys};
use crate::errno::Errno;

unsafe extern "C-unwind" {
    /// ppoll(2). In the preloaded library this is our own hook, which passes kernel descriptors straight on.
    fn ppoll(fds: *mut pollfd, nfds: nfds_t, timeout: *const timespec, mask: *const sigset_t) -> c_int;
}

/// The pool of sleepers. Those asleep are linked, so that finding one does not depend on how many there are.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    entries: Vec<Waiter>,
    free: Vec<u32>,
    /// The last that went to sleep.
    sleeper: Option<u32>,
}

#[derive(Debug)]
struct Waiter {
    fd: RawFd,
    asleep: bool,
    /// Neighbours among those asleep.
    next: Option<u32>,
    before: Option<u32>,
}

impl Waiters {
    fn acquire(&mut self) -> Result<(u32, RawFd), Errno> {
        if let Some(index) = self.free.pop() {
            if let Some(fd) = self.event(index) {
                self.link(index);
                return Ok((index, fd));
            }
        }
        let fd = fdspace::internal(sys::eventfd(libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)?)?;
        self.entries.push(Waiter { fd, asleep: false, next: None, before: None });
        let index = (self.entries.len() - 1) as u32;
        self.link(index);
        Ok((index, fd))
    }

    fn entry(&mut self, index: Option<u32>) -> Option<&mut Waiter> {
        self.entries.get_mut(index? as usize)
    }

    fn link(&mut self, index: u32) {
        let next = self.sleeper.replace(index);
        if let Some(w) = self.entry(next) {
            w.before = Some(index);
        }
        if let Some(w) = self.entry(Some(index)) {
            (w.asleep, w.next, w.before) = (true, next, None);
        }
    }

    /// Marks the waiter as woken; its event descriptor, unless it was woken before.
    pub(crate) fn wake(&mut self, index: u32) -> Option<RawFd> {
        let w = self.entry(Some(index))?;
        if !std::mem::take(&mut w.asleep) {
            return None;
        }
        let (fd, next, before) = (w.fd, w.next, w.before);
        if let Some(w) = self.entry(next) {
            w.before = before;
        }
        match self.entry(before) {
            Some(w) => w.next = next,
            None => self.sleeper = next,
        }
        Some(fd)
    }

    /// Wakes one sleeper, if there is one.
    pub(crate) fn wake_any(&mut self) -> Option<RawFd> {
        self.wake(self.sleeper?)
    }

    /// The waiter's event descriptor.
    pub(crate) fn event(&self, index: u32) -> Option<RawFd> {
        self.entries.get(index as usize).map(|w| w.fd)
    }
}

/// How a sleep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// A socket of ours or a kernel descriptor may be ready: look.
    Look,
    /// A socket of ours may be ready; there was no sleep, and the kernel's descriptors were not asked.
    Early,
    /// The time is over.
    TimedOut,
    /// A signal handler ran.
    Interrupted,
}

thread_local! {
    // `const` and no destructor: see `inside`. The innermost of this thread; each links to the one that its handler interrupted.
    static WAITS: Cell<*mut Registered<'static, 'static>> = const { Cell::new(std::ptr::null_mut()) };
    static HOLDS: Cell<*const Hold<'static>> = const { Cell::new(std::ptr::null()) };
}

/// Lets go of everything that waits of this thread hold: a handler that interrupted them is about to jump.
pub fn abandon() {
    if inside::depth() > 0 {
        // A fault in the library itself: the lock may be this thread's.
        return;
    }
    inside::allow_cancellation();
    // SAFETY: a pointer is linked only while its owner's frame exists: this thread waits in it, and a handler runs.
    while let Some(registered) = unsafe { WAITS.get().as_mut() } {
        let mut shared = registered.runtime.lock();
        registered.give_up(&mut shared);
        registered.end_at_once();
    }
    // SAFETY: as above.
    while let Some(hold) = unsafe { HOLDS.get().as_ref() } {
        hold.let_go();
    }
}

/// A handler of the program is about to run on top of a wait of this thread and may take its time, or never return to the wait:
/// what one thread is woken for goes to another meanwhile, as in the kernel, where the call is over by now. The wait looks
/// again when the handler has returned.
pub fn step_aside() {
    // SAFETY: as in `abandon`.
    let Some(registered) = (unsafe { WAITS.get().as_ref() }) else { return };
    let takes = |&(_, interest): &(FileId, Readiness)| Watcher { waiter: 0, interest }.takes();
    let one_of_several = registered.set.is_some() || registered.files.iter().any(takes);
    if inside::depth() > 0 || registered.undone || !one_of_several || !registered.runtime.is_current() {
        return;
    }
    let mut shared = registered.runtime.lock();
    for &(id, _) in registered.files {
        if let Some(f) = shared.files.get_mut(id) {
            f.watchers.retain(|w| w.waiter != registered.waiter);
        }
        shared.pass_on_file(id);
    }
    if let Some(set) = registered.set {
        shared.set_step_aside(set, registered.waiter);
    }
    drop(shared);
    super::signal(registered.fd);
}

/// In the child of a fork nothing is held: the stack is the parent's.
pub(super) fn forget() {
    WAITS.set(std::ptr::null_mut());
    HOLDS.set(std::ptr::null());
}

/// Registration of one sleep; undone on drop, also by cancellation.
struct Registered<'a, 'f> {
    runtime: &'a Runtime,
    waiter: u32,
    fd: RawFd,
    /// What it is registered on: the caller's list, so that a sleep allocates nothing.
    files: &'f [(FileId, Readiness)],
    set: Option<SetId>,
    drives: bool,
    /// The processor was given away instead of a sleep: from when to when.
    yielded: Option<(Instant, Instant)>,
    /// The event descriptor may hold a count.
    signalled: bool,
    undone: bool,
    /// Where ppoll gets the event descriptor from.
    event: *mut pollfd,
    outer: *mut Registered<'static, 'static>,
}

impl Registered<'_, '_> {
    /// Ends the sleep under the lock.
    fn undo(&mut self, shared: &mut Shared) {
        inside::set_waiting_on(-1, 0);
        WAITS.set(self.outer);
        if std::mem::replace(&mut self.undone, true) {
            return;
        }
        for &(id, _) in std::mem::take(&mut self.files) {
            if let Some(f) = shared.files.get_mut(id) {
                f.watchers.retain(|w| w.waiter != self.waiter);
            }
            shared.release(id);
        }
        if let Some(set) = self.set {
            shared.set_wake(set, self.waiter);
        }
        self.runtime.end_drive(shared, self.waiter, self.drives, self.yielded);
        let woken = shared.waiters.wake(self.waiter).is_none();
        shared.waiters.free.push(self.waiter);
        // Empties the counter for the next sleeper. A count that comes later makes that one look once too often, no harm.
        if woken || self.signalled {
            let _ = sys::read(self.fd, &mut [0u8; 8]);
        }
    }
}

impl Registered<'_, '_> {
    /// Ends the wait for good: what its set has to tell is another sleeper's.
    fn give_up(&mut self, shared: &mut Shared) {
        let files = self.files;
        self.undo(shared);
        for &(id, _) in files {
            shared.pass_on_file(id);
        }
        if let Some(set) = self.set.take() {
            shared.pass_on(set);
            shared.reap_set(set);
        }
    }
}

impl Registered<'_, '_> {
    /// Should the jump stay within the handler, the wait goes on and nothing would end it: an event descriptor is always
    /// writable, so its ppoll, if it has yet to begin, returns at once.
    fn end_at_once(&self) {
        if !self.event.is_null() {
            // SAFETY: an entry of the array that `sleep` was called with; its frame is below the handler's.
            unsafe { (*self.event).events = libc::POLLIN | libc::POLLOUT };
        }
    }
}

impl Drop for Registered<'_, '_> {
    fn drop(&mut self) {
        if !self.runtime.is_current() {
            return;
        }
        let mut shared = self.runtime.lock();
        self.give_up(&mut shared);
    }
}

impl Runtime {
    /// False in the child of a fork, for a stack of its parent.
    fn is_current(&self) -> bool {
        start::get().is_some_and(|r| std::ptr::eq(r, self))
    }

    /// Sleeps until something of `files` or `set` happens, one of `kernel` is ready, a handler ran, or `until`.
    ///
    /// `locked` is given up in the sleep and comes back for the caller's look at its condition. `kernel` must have
    /// [`SPARE`] entries at its end, for the event descriptor and the device.
    pub fn sleep<'a>(
        &'a self,
        mut locked: Locked<'a>,
        files: &[(FileId, Readiness)],
        set: Option<SetId>,
        kernel: &mut [pollfd],
        until: Option<Instant>,
        mask: Option<&sigset_t>,
    ) -> Result<(Woken, Locked<'a>), Errno> {
        let (waiter, fd) = locked.waiters.acquire()?;
        let mut registered = Registered {
            runtime: self,
            waiter,
            fd,
            files: &[],
            set,
            drives: false,
            yielded: None,
            signalled: true,
            undone: false,
            event: std::ptr::null_mut(),
            outer: WAITS.get(),
        };
        for &(id, interest) in files {
            super::watch(&mut locked, id, waiter, interest);
            locked.hold(id);
        }
        registered.files = files;
        if let Some(set) = set {
            locked.set_sleep(set, waiter);
        }
        // This thread looks before it sleeps, so what begins the drive need not wake it.
        locked.sets.attending = set;
        let drive = self.begin_drive(&mut locked, waiter);
        locked.sets.attending = None;
        registered.drives = drive.is_some();
        if set.is_some_and(|s| locked.sets.get_mut(s).is_some_and(|s| s.has_ready())) {
            registered.undo(&mut locked);
            std::mem::forget(registered);
            return Ok((Woken::Look, locked));
        }
        if let [.., event, device] = kernel {
            *event = pollfd { fd, events: libc::POLLIN, revents: 0 };
            registered.event = event;
            let fd = drive.map_or(-1, |d| d.device);
            *device = pollfd { fd, events: libc::POLLIN, revents: 0 };
        }
        let timer = drive.and_then(|d| d.timer);
        let earliest = match (until, timer) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        inside::set_waiting_on(fd, drive.map_or(0, |d| d.lease));
        WAITS.set((&raw mut registered).cast());
        let spin = if registered.drives && mask.is_none() { start::settings().spin } else { Duration::ZERO };
        let yields = registered.drives && mask.is_none() && spin.is_zero() && locked.yields_are_likely();
        locked.settled = drive.map(|d| d.timer);
        drop(locked);
        let mut woken = if yields {
            let began = sys::now();
            sys::sched_yield();
            registered.yielded = Some((began, sys::now()));
            Woken::Early
        } else if spin.is_zero() || !spin_on(kernel, spin, earliest) {
            nap(kernel, earliest, mask)
        } else {
            Woken::Look
        };
        if !self.is_current() {
            // A handler forked, and this is the child: the stack and its lock are the parent's.
            inside::set_waiting_on(-1, 0);
            return Err(Errno::ENETDOWN);
        }
        if let [.., event, _] = kernel {
            registered.signalled = event.revents != 0;
        }
        let mut locked = self.lock();
        // This thread is about to look at its set: what it brings in from the device wakes nobody else for it.
        locked.sets.attending = registered.set;
        registered.undo(&mut locked);
        if set.is_some() {
            locked.dispatch();
        }
        if let [(id, super::async_io::OF_RECV)] = files {
            locked.received_by_waiter(*id);
        }
        locked.sets.attending = None;
        std::mem::forget(registered);
        if woken == Woken::TimedOut && until.is_none_or(|t| t > sys::now()) {
            // It was a timer of the stack.
            woken = Woken::Look;
        }
        Ok((woken, locked))
    }
}

/// Entries that [`Runtime::sleep`] needs at the end of the caller's array.
pub const SPARE: usize = 2;

/// Looks again and again for `spin` (MATNET_SPIN), at most until the time; true when something is ready or a handler ran.
/// Only a driver spins: it is the one that the device speaks to.
fn spin_on(fds: &mut [pollfd], spin: Duration, until: Option<Instant>) -> bool {
    let end = sys::now() + spin;
    let end = until.map_or(end, |t| t.min(end));
    loop {
        if sys::poll(fds, Some(Duration::ZERO)) != Ok(0) || inside::interrupts() != inside::Interrupt::None {
            return true;
        }
        if sys::now() >= end {
            return false;
        }
        std::hint::spin_loop();
    }
}

/// One ppoll.
fn nap(fds: &mut [pollfd], until: Option<Instant>, mask: Option<&sigset_t>) -> Woken {
    if mask.is_none() && inside::interrupts() == inside::Interrupt::Fail {
        return Woken::Interrupted;
    }
    let time = until.map(|t| sys::timespec(t.since(sys::now())));
    let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let mask = mask.map_or(std::ptr::null(), std::ptr::from_ref);
    let before = inside::handlers();
    // SAFETY: the array, the time and the mask are valid for the call.
    let n = inside::in_ppoll(|| unsafe { ppoll(fds.as_mut_ptr(), fds.len() as nfds_t, time, mask) });
    if n >= 0 && !mask.is_null() {
        // What the mask kept out until the kernel's call was over has interrupted nothing.
        inside::set_handlers(before);
    }
    match n {
        0 => Woken::TimedOut,
        1.. => Woken::Look,
        // EINTR; EINVAL and ENOMEM cannot be told from it usefully, and looking again would spin.
        _ => Woken::Interrupted,
    }
}

/// As EAGAIN, of an operation that has done a part of its work: any handler ends the call then, which returns that part.
pub const PARTIAL: Errno = Errno(libc::ERESTART);

/// While a call waited the socket became the kernel's, under the same number: the kernel goes on with it. Datagram sockets only: a stream
/// moves before there is anything to wait for.
pub const MOVED: Errno = Errno(513);

/// The operation has to wait.
fn waits<T>(result: &Result<T, Errno>) -> bool {
    matches!(result, Err(Errno::EAGAIN | PARTIAL))
}

/// What a blocking call waits for, and how long.
#[derive(Clone, Copy, Debug)]
pub struct Blocking {
    /// The readiness that may let it go on.
    pub interest: Readiness,
    /// Do not wait at all.
    pub nonblock: bool,
    /// SO_RCVTIMEO or SO_SNDTIMEO.
    pub timeout: Option<Duration>,
}

/// Runs `op` on the file behind `fd` until it says something other than EAGAIN or [`PARTIAL`].
///
/// The wait ends with EAGAIN when the time-out is over (socket(7)) and with EINTR as the kernel's would. Other calls may
/// close `fd` meanwhile; the file lives until this returns.
pub fn block_on<T>(
    fd: RawFd,
    how: impl FnOnce(&Shared, FileId) -> Result<Blocking, Errno>,
    mut op: impl FnMut(&mut Shared, FileId) -> Result<T, Errno>,
) -> Result<T, Errno> {
    inside::cancellation_point();
    let runtime = start::get().ok_or(Errno::ENETDOWN)?;
    let mut locked = runtime.lock();
    let id = locked.lookup(fd)?;
    locked.gather(id);
    let result = op(&mut locked, id);
    locked.settle_mirror(id, fd);
    if !waits(&result) {
        return result;
    }
    inside::clear_interrupts();
    let how = how(&locked, id)?;
    if how.nonblock {
        if !locked.unattended() {
            return result;
        }
        // Nobody looks at the device just now: what has arrived counts.
        locked.attend();
        let result = op(&mut locked, id);
        locked.settle_mirror(id, fd);
        return result;
    }
    if locked.look_early() {
        let result = op(&mut locked, id);
        locked.settle_mirror(id, fd);
        if !waits(&result) {
            return result;
        }
    }
    locked.hold(id);
    let hold = Hold { runtime, id, held: Cell::new(true), outer: HOLDS.get() };
    HOLDS.set((&raw const hold).cast());
    let result = wait_for(locked, fd, &hold, how, &mut op);
    drop(hold);
    result
}

impl Shared {
    /// For a call that never waits: true when nobody looked at the device just now, and now it was done.
    pub(crate) fn look_now(&mut self) -> bool {
        let unattended = self.unattended();
        if unattended {
            self.attend();
        }
        unattended
    }
}

/// The waiting part of [`block_on`]; `locked` is dropped before the caller's hold.
fn wait_for<T>(
    mut locked: Locked<'_>,
    fd: RawFd,
    hold: &Hold<'_>,
    how: Blocking,
    op: &mut impl FnMut(&mut Shared, FileId) -> Result<T, Errno>,
) -> Result<T, Errno> {
    let (runtime, id) = (locked.runtime, hold.id);
    let until = how.timeout.map(|t| sys::now() + t);
    let ends = |locked: &mut Locked<'_>, result| {
        locked.pass_on_file(id);
        result
    };
    loop {
        let mut spare = [pollfd { fd: -1, events: 0, revents: 0 }; SPARE];
        let woken;
        (woken, locked) = runtime.sleep(locked, &[(id, how.interest)], None, &mut spare, until, None)?;
        if !hold.held.get() {
            if locked.lookup(fd) != Ok(id) {
                return ends(&mut locked, Err(Errno::EBADF));
            }
            locked.hold(id);
            hold.held.set(true);
            HOLDS.set(std::ptr::from_ref(hold).cast());
        }
        locked.gather(id);
        let result = op(&mut locked, id);
        // The number may have been closed meanwhile; a mirror follows only while it is still ours.
        if locked.lookup(fd) == Ok(id) {
            locked.settle_mirror(id, fd);
        }
        if !waits(&result) {
            // A file that is held goes only by moving.
            let moved = matches!(result, Err(Errno::EBADF)) && locked.files.get(id).is_none();
            return ends(&mut locked, if moved { Err(MOVED) } else { result });
        }
        let over = match (inside::interrupts(), woken) {
            (inside::Interrupt::Fail, _) | (inside::Interrupt::None, Woken::Interrupted) => Errno::EINTR,
            (inside::Interrupt::Restart, _) if how.timeout.is_some() || matches!(result, Err(PARTIAL)) => {
                Errno::EINTR
            }
            // The kernel makes the call anew, with the number as it is now.
            (inside::Interrupt::Restart, _) if locked.lookup(fd) != Ok(id) => Errno::EBADF,
            (inside::Interrupt::Restart, _) => {
                inside::clear_interrupts();
                continue;
            }
            (inside::Interrupt::None, Woken::TimedOut) => Errno::EAGAIN,
            (inside::Interrupt::None, Woken::Look | Woken::Early) => continue,
        };
        return ends(&mut locked, Err(over));
    }
}

/// Keeps a file over the waits of one call.
struct Hold<'a> {
    runtime: &'a Runtime,
    id: FileId,
    held: Cell<bool>,
    outer: *const Hold<'static>,
}

impl Hold<'_> {
    fn let_go(&self) {
        HOLDS.set(self.outer);
        if self.held.replace(false) && self.runtime.is_current() {
            self.runtime.lock().release(self.id);
        }
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.let_go();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sleeper_is_woken_once() {
        let mut waiters = Waiters::default();
        let all: Vec<(u32, RawFd)> = (0..5).map(|_| waiters.acquire().unwrap()).collect();
        let (second, fd) = all[1];
        assert_eq!((waiters.wake(second), waiters.wake(second)), (Some(fd), None));
        let mut woken: Vec<RawFd> = std::iter::from_fn(|| waiters.wake_any()).collect();
        woken.sort_unstable();
        let mut others: Vec<RawFd> = all.iter().map(|w| w.1).filter(|other| *other != fd).collect();
        others.sort_unstable();
        assert_eq!(woken, others);
        // Whoever comes back sleeps anew.
        waiters.free.push(second);
        assert_eq!(waiters.acquire().unwrap(), (second, fd));
        assert_eq!((waiters.wake_any(), waiters.wake_any()), (Some(fd), None));
        for (_, fd) in all {
            fdspace::close_internal(fd);
        }
    }
}
