//! Who watches the device and the timers: the decisions of driving, without the system calls.
//!
//! Everything here happens under the runtime lock, so what can go wrong is the order of lock sections, sleeps and signals. The
//! model beside this file runs these very functions in every order (`model.rs`); `drive` does what they say.

/// Nothing is due: not before somebody wakes the sleeper.
pub(super) const NEVER: u64 = u64::MAX;

/// Who attends to the device and the timers. Times are microseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::runtime) struct Watch {
    /// The waiter that drives.
    pub(super) driver: Option<u32>,
    /// Drives begun so far; the number of the last one is its lease.
    pub(super) drives: u64,
    /// A driver has left under the present lock and no other has begun.
    pub(super) left: bool,
    /// The stack thread sleeps without a time-out and without the device.
    pub(super) parked: bool,
    /// The stack thread naps: it does not look at the device.
    pub(super) napping: bool,
    /// When whoever attends looks at the timers next; [`NEVER`]: not before it is woken. 0: soon.
    pub(super) looks_at: u64,
    /// The same of the stack thread alone: it may still sleep as the owner while somebody drives.
    pub(super) rests_until: u64,
}

/// Who must be signalled after the unlock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kick {
    Nobody,
    /// The waiter that drives: a timer is due before it would look.
    Driver(u32),
    StackThread,
}

/// What an unlock brings about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unlock {
    /// Wake a sleeper: it may drive.
    pub(super) promote: bool,
    pub(super) kick: Kick,
}

/// What the stack thread finds when it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Somebody drives, and began since the last look: nap.
    Nap,
    /// Somebody has been driving all the while: park.
    Park,
    /// Nobody drives: attend; `driven`: somebody did since the last look.
    Attend { driven: bool },
}

impl Watch {
    /// May a sleeper drive?
    pub(super) fn is_free(&self) -> bool {
        self.driver.is_none()
    }

    /// `waiter` drives from now on and looks at the timers at `deadline`. Returns the lease, never 0.
    pub(super) fn begin(&mut self, waiter: u32, deadline: Option<u64>) -> u64 {
        self.driver = Some(waiter);
        self.drives = self.drives.checked_add(1).unwrap_or(1);
        self.left = false;
        self.looks_at = deadline.unwrap_or(NEVER);
        self.drives
    }

    /// A thread that will wait has looked at the device itself: as good as a drive that is over.
    pub(super) fn passed(&mut self) {
        self.drives = self.drives.checked_add(1).unwrap_or(1);
    }

    /// `waiter` is awake: if it drives, it leaves.
    pub(super) fn end(&mut self, waiter: u32) {
        if self.driver == Some(waiter) {
            self.driver = None;
            self.left = true;
        }
    }

    /// On every unlock; `deadline` is the earliest timer.
    pub(super) fn unlock(&mut self, deadline: Option<u64>) -> Unlock {
        let mut promote = false;
        if std::mem::take(&mut self.left) && self.driver.is_none() {
            // Left to the stack thread, which knows nothing of timers that were armed since it went to sleep.
            self.looks_at = self.rests_until;
            // Another sleeper takes over; the stack thread must at least nap again.
            promote = true;
            if std::mem::take(&mut self.parked) {
                return Unlock { promote, kick: Kick::StackThread };
            }
        }
        let kick = match deadline {
            Some(d) if d < self.looks_at => {
                self.looks_at = d;
                self.driver.map_or(Kick::StackThread, Kick::Driver)
            }
            _ => Kick::Nobody,
        };
        Unlock { promote, kick }
    }

    /// The stack thread looks. `seen`: the drives at its last look; `interrupted`: the lease whose thread entered a
    /// signal handler since, or 0. That thread may never come back, so its turn is over; a later lease is not touched.
    pub(super) fn look(&mut self, seen: &mut u64, interrupted: u64) -> Turn {
        if interrupted == self.drives {
            self.driver = None;
        }
        let driven = self.drives != *seen;
        *seen = self.drives;
        self.parked = false;
        self.napping = false;
        self.rests_until = 0;
        if self.driver.is_none() {
            return Turn::Attend { driven };
        }
        self.napping = driven;
        self.parked = !driven;
        if driven { Turn::Nap } else { Turn::Park }
    }

    /// The stack thread has attended; somebody drove not long ago and may again, so it naps.
    pub(super) fn nap(&mut self) {
        self.looks_at = 0;
        self.napping = true;
    }

    /// The stack thread has attended and sleeps on the device until `deadline`. Noted under the lock: whoever arms an
    /// earlier timer from here on sees it and wakes it.
    pub(super) fn own(&mut self, deadline: Option<u64>) {
        self.looks_at = deadline.unwrap_or(NEVER);
        self.rests_until = self.looks_at;
    }

    /// The stack thread looks when its nap is over.
    pub(in crate::runtime) fn naps(&self) -> bool {
        self.napping
    }

    /// Nobody looks at the device before the nap is over.
    pub(super) fn is_unattended(&self) -> bool {
        self.napping && self.driver.is_none()
    }
}
