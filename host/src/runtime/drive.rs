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
//! trampoline hands over to the stack thread before the handler runs ([`handler_runs`]).

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use matnet_stack::Instant;

use super::{Runtime, Shared, signal, sys};

/// How long the stack thread leaves the device alone after somebody drove.
pub(super) const NAP: Duration = Duration::from_millis(1);

/// The stack thread's event descriptor, for the trampoline, which takes no lock.
static STACK_THREAD: AtomicI32 = AtomicI32::new(-1);
/// A driver was interrupted by a handler: its turn is over.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Who attends to the device and the timers.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The waiter that drives.
    driver: Option<u32>,
    /// Drives begun so far.
    drives: u64,
    /// A driver has left under the present lock and no other has begun.
    left: bool,
    /// The stack thread sleeps without a time-out and without the device.
    parked: bool,
    /// The stack thread naps: it does not look at the device.
    napping: bool,
    /// When whoever attends looks at the timers next, microseconds; u64::MAX: not before it is woken. 0: soon.
    looks_at: u64,
    /// The same of the stack thread alone: it may still sleep as the owner while somebody drives.
    rests_until: u64,
}

/// What the stack thread does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Go on at once.
    Again,
    /// Sleep on the device until the next timer, if there is one.
    Own(Option<Instant>),
    /// Sleep without the device for a nap.
    Nap,
    /// Sleep without the device until woken.
    Park,
}

impl Runtime {
    /// On unlock: whoever has to know of `deadline`, or has to take over, is returned to be signalled.
    pub(super) fn hand_on(&self, shared: &mut Shared, deadline: Option<Instant>) -> Option<RawFd> {
        let watch = &mut shared.watch;
        if std::mem::take(&mut watch.left) && watch.driver.is_none() {
            // Left to the stack thread, which knows nothing of timers that were armed since it went to sleep.
            watch.looks_at = watch.rests_until;
            // Another sleeper takes over; the stack thread must at least nap again.
            if let Some(fd) = shared.waiters.wake_any() {
                shared.wakes.push(fd);
            }
            if std::mem::take(&mut watch.parked) {
                return Some(self.wake_fd);
            }
        }
        let deadline = deadline?.micros();
        if deadline >= watch.looks_at {
            return None;
        }
        watch.looks_at = deadline;
        watch.driver.and_then(|w| shared.waiters.event(w)).or(Some(self.wake_fd))
    }

    /// A sleeper about to wait: the device to wait on if it drives, and when it must look at the timers.
    pub(super) fn begin_drive(&self, shared: &mut Shared, waiter: u32) -> Option<(RawFd, Option<Instant>)> {
        if shared.watch.driver.is_some() || shared.device_gone || self.device_fd < 0 {
            return None;
        }
        let deadline = shared.settle();
        shared.watch.driver = Some(waiter);
        shared.watch.drives = shared.watch.drives.wrapping_add(1);
        shared.watch.left = false;
        shared.watch.looks_at = deadline.map_or(u64::MAX, Instant::micros);
        Some((self.device_fd, deadline))
    }

    /// The sleeper is awake: does the driver's work, if it is (or was) the driver.
    pub(super) fn end_drive(&self, shared: &mut Shared, waiter: u32, drove: bool) {
        if shared.watch.driver == Some(waiter) {
            shared.watch.driver = None;
            shared.watch.left = true;
        }
        if drove {
            shared.attend();
        }
    }

    /// One look of the stack thread; `seen` is its count of drives at the last one.
    pub(super) fn attend_or_rest(&self, seen: &mut u64) -> Next {
        let mut shared = self.lock();
        if INTERRUPTED.swap(false, Ordering::AcqRel) {
            shared.watch.driver = None;
        }
        let driven = shared.watch.drives != *seen;
        *seen = shared.watch.drives;
        shared.watch.parked = false;
        shared.watch.napping = false;
        shared.watch.rests_until = 0;
        if shared.watch.driver.is_some() {
            shared.watch.parked = !driven;
            shared.watch.napping = driven;
            return if driven { Next::Nap } else { Next::Park };
        }
        if shared.attend() {
            return Next::Again;
        }
        if driven {
            shared.watch.looks_at = 0;
            shared.watch.napping = true;
            return Next::Nap;
        }
        let deadline = shared.settle();
        // Noted under the lock: whoever arms an earlier timer from here on sees it and wakes us.
        shared.watch.looks_at = deadline.map_or(u64::MAX, Instant::micros);
        shared.watch.rests_until = shared.watch.looks_at;
        Next::Own(deadline)
    }

    /// Tells the trampoline whom to wake.
    pub(super) fn announce(&self) {
        STACK_THREAD.store(self.wake_fd, Ordering::Relaxed);
    }
}

impl Shared {
    /// Feeds what the device has and runs the timers that are due; true when the device may have more.
    pub(super) fn attend(&mut self) -> bool {
        let more = self.drain_device();
        let now = sys::now();
        if self.stack.poll_timeout().is_some_and(|t| t <= now) {
            self.stack.on_timeout(now);
        }
        more
    }

    /// True when nobody looks at the device just now: a call that will not wait should.
    pub(super) fn unattended(&self) -> bool {
        self.watch.napping && self.watch.driver.is_none() && !self.device_gone
    }
}

/// Called in the trampoline when a handler is about to run in a thread that drives.
pub(super) fn handler_runs() {
    INTERRUPTED.store(true, Ordering::Release);
    let fd = STACK_THREAD.load(Ordering::Relaxed);
    if fd >= 0 {
        signal(fd);
    }
}
