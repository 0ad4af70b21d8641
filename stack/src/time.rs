//! The stack's notion of time: microseconds on a monotonic clock that the caller reads.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Add, Sub};
pub use std::time::Duration;

/// A point in time, in microseconds since an arbitrary origin; `u64::MAX - 1` is the last.
///
/// Kept as one more than that, so that an `Option` of it takes no more: a connection has half a dozen timers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(NonZeroU64);

impl Instant {
    /// The origin.
    pub const ZERO: Instant = Instant(NonZeroU64::MIN);

    /// The instant `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Instant {
        Instant(NonZeroU64::MIN.saturating_add(micros))
    }

    /// Microseconds since the origin.
    pub const fn micros(self) -> u64 {
        self.0.get().wrapping_sub(1)
    }

    /// Milliseconds since the origin.
    pub const fn millis(self) -> u64 {
        self.micros() / 1000
    }

    /// Time since `earlier`, or zero when `earlier` is later.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_micros(self.micros().saturating_sub(earlier.micros()))
    }
}

impl Default for Instant {
    fn default() -> Instant {
        Instant::ZERO
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Instant").field(&self.micros()).finish()
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, d: Duration) -> Instant {
        Instant(self.0.saturating_add(u64::try_from(d.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;
    fn sub(self, earlier: Instant) -> Duration {
        self.since(earlier)
    }
}
