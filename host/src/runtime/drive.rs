//! Who attends to the device: the thread that waits for the network runs the stack itself.
//!
//! Waking another thread costs tens of microseconds on an idle core; a thread that is about to sleep for data can as well wait on
//! the device and feed the stack, and then returns with no hop at all. So a sleeper becomes the *driver* if there is
//! none: its ppoll holds the device too and ends at the next timer. One driver at a time; other sleepers wait on their own event
//! descriptors. A driver that leaves wakes one of them to take over.
//!
//! The stack thread steps in when no application thread drives, and handing back must cost the fast path nothing:
//!
//! | the stack thread | when | it sleeps on |
//! | --- | --- | --- |
//! | owns | nobody drives | the device, its event descriptor, the next timer |
//! | naps | somebody drove since its last look | its event descriptor, [`NAP`] |
//! | is parked | one driver has stayed for a whole nap | its event descriptor, without a time-out |
//!
//! So a program in a loop of requests pays one wake-up of the stack thread per nap, an idle one none. What arrives while
//! the program computes waits for a nap at most. A driver whose signal handler runs may never come back (siglongjmp): the
//! trampoline hands over to the stack thread before the handler runs ([`handler_runs`]), naming the lease that it interrupts.
//!
//! The decisions are in `watch`, checked in every order of events by `model`; here is what carries them out. Limits: a driver
//! that is stopped by a debugger, or sits in a handler that the library does not know of (a raw rt_sigaction), still has the turn.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use matnet_stack::Instant;

use super::{Runtime, Shared, signal};
use watch::{Kick, Turn};

#[cfg(test)]
mod model;
mod watch;

pub(super) use watch::Watch;

/// How long the stack thread leaves the device alone after somebody drove. Not where the link keeps frames until their time: they would
/// be late.
pub(super) const NAP: Duration = Duration::from_millis(1);

/// The stack thread's event descriptor, for the trampoline, which takes no lock.
static STACK_THREAD: AtomicI32 = AtomicI32::new(-1);
/// The lease of a driver that was interrupted by a handler: its turn is over. 0: none. One suffices: a later driver begins only after
/// the interrupted one left or the stack thread saw this.
static INTERRUPTED: AtomicU64 = AtomicU64::new(0);

/// A turn at driving.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drive {
    /// The device, to wait on.
    pub(super) device: RawFd,
    /// When the driver must look at the timers.
    pub(super) timer: Option<Instant>,
    /// Tells this turn from all others; not 0.
    pub(super) lease: u64,
}

/// What the stack thread does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Go on at once.
    Again,
    /// Sleep on the device, if there still is one, until the next timer, if there is one.
    Own(Option<Instant>, RawFd),
    /// Sleep without the device for a nap.
    Nap,
    /// Sleep without the device until woken.
    Park,
}

impl Runtime {
    /// On unlock: whoever has to know of `deadline`, or has to take over, is returned to be signalled.
    pub(super) fn hand_on(&self, shared: &mut Shared, deadline: Option<Instant>) -> Option<RawFd> {
        let unlock = shared.watch.unlock(deadline.map(Instant::micros));
        if unlock.promote {
            if let Some(fd) = shared.waiters.wake_any() {
                shared.wakes.push(fd);
            }
        }
        match unlock.kick {
            Kick::Nobody => None,
            Kick::Driver(waiter) => shared.waiters.event(waiter).or(Some(self.wake_fd)),
            Kick::StackThread => Some(self.wake_fd),
        }
    }

    /// A sleeper about to wait: its turn, if it drives.
    pub(super) fn begin_drive(&self, shared: &mut Shared, waiter: u32) -> Option<Drive> {
        if !shared.watch.is_free() || shared.device_gone || self.device_fd < 0 {
            return None;
        }
        let timer = shared.settle();
        let lease = shared.watch.begin(waiter, timer.map(Instant::micros));
        Some(Drive { device: self.device_fd, timer, lease })
    }

    /// The sleeper is awake: does the driver's work, if it is (or was) the driver. `yielded`: when it gave the processor away instead
    /// of sleeping, and when it got it back.
    pub(super) fn end_drive(
        &self,
        shared: &mut Shared,
        waiter: u32,
        drove: bool,
        yielded: Option<(Instant, Instant)>,
    ) {
        shared.watch.end(waiter);
        if drove {
            let taken = shared.take_turn();
            shared.run_timers();
            if let Some((began, ended)) = yielded {
                shared.habits.yields.learn(began, ended, taken > 0);
            }
        }
    }

    /// One look of the stack thread; `seen` is its count of drives at the last one.
    pub(super) fn attend_or_rest(&self, seen: &mut u64) -> Next {
        let mut shared = self.lock();
        let driven = match shared.watch.look(seen, INTERRUPTED.swap(0, Ordering::AcqRel)) {
            Turn::Nap => return Next::Nap,
            Turn::Park => return Next::Park,
            Turn::Attend { driven } => driven,
        };
        let more = shared.attend();
        if driven && !shared.timed {
            // Whoever drove will again, and takes the rest: a busy program must not have to share its core and the lock with this
            // thread (nginx with 64 connections lost a tenth to it).
            shared.watch.nap();
            return Next::Nap;
        }
        if more {
            return Next::Again;
        }
        let deadline = shared.settle();
        shared.watch.own(deadline.map(Instant::micros));
        Next::Own(deadline, if shared.device_gone { -1 } else { self.device_fd })
    }

    /// Tells the trampoline whom to wake.
    pub(super) fn announce(&self) {
        INTERRUPTED.store(0, Ordering::Relaxed);
        STACK_THREAD.store(self.wake_fd, Ordering::Relaxed);
    }
}

impl Shared {
    /// Feeds what the device has and runs the timers that are due; true when the device may have more.
    pub(super) fn attend(&mut self) -> bool {
        let more = self.drain_device();
        self.run_timers();
        more
    }

    /// Before a wait: takes what the device has already, where it used to have something; true when it had. If so the caller
    /// looks again, once, before it sleeps.
    pub(crate) fn look_early(&mut self) -> bool {
        if !self.watch.is_free() || self.device_gone || !self.habits.early.likely() {
            return false;
        }
        self.watch.passed();
        let hit = self.take_turn() > 0;
        self.habits.early.learn(hit);
        hit
    }

    /// Whether a driver should give the processor away once before it sleeps.
    pub(super) fn yields_are_likely(&mut self) -> bool {
        let now = self.now();
        self.habits.yields.likely(now)
    }

    fn run_timers(&mut self) {
        let now = self.now();
        if self.stack.poll_timeout().is_some_and(|t| t <= now) {
            self.stack.on_timeout(now);
        }
    }

    /// True when nobody looks at the device just now: a call that will not wait should.
    pub(super) fn unattended(&self) -> bool {
        self.watch.is_unattended() && !self.device_gone
    }
}

/// The stack thread's event descriptor; -1 without one.
pub(super) fn stack_thread() -> RawFd {
    STACK_THREAD.load(Ordering::Relaxed)
}

/// Called in the trampoline when a handler is about to run in a thread that drives with `lease`.
pub(super) fn handler_runs(lease: u64) {
    INTERRUPTED.store(lease, Ordering::Release);
    let fd = STACK_THREAD.load(Ordering::Relaxed);
    if fd >= 0 {
        signal(fd);
    }
}
