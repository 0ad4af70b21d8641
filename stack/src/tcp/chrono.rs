//! What a connection's time went by with: tcpi_busy_time, tcpi_rwnd_limited and tcpi_sndbuf_limited (Linux: `tcp_chrono`).
//!
//! *Busy* is the time in which something is unacknowledged or waits to be sent; of it, what passed while the peer's
//! window held data back, and what passed while the send buffer was full and everything in it under way.
//! Counted are the milliseconds that begin meanwhile, as Linux counts ticks: short times come out right on average.

use crate::time::{Duration, Instant};

/// What holds the connection back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Limit {
    /// Nothing to do.
    #[default]
    Idle,
    /// The network, or the program.
    Busy,
    /// The peer's window.
    Window,
    /// The send buffer.
    Buffer,
}

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chrono {
    /// Milliseconds so far: busy for other reasons, by window, by buffer.
    spent: [u32; 3],
    /// When `limit` began, milliseconds modulo 2^32.
    since: u32,
    limit: Limit,
}

fn clock(now: Instant) -> u32 {
    now.millis() as u32
}

impl Chrono {
    /// From now on `limit` counts.
    pub(super) fn set(&mut self, now: Instant, limit: Limit) {
        if limit != self.limit {
            self.spent = self.at(now);
            self.since = clock(now);
            self.limit = limit;
        }
    }

    fn at(&self, now: Instant) -> [u32; 3] {
        let mut spent = self.spent;
        let part = clock(now).wrapping_sub(self.since);
        let [busy, window, buffer] = &mut spent;
        match self.limit {
            Limit::Idle => {}
            Limit::Busy => *busy = busy.saturating_add(part),
            Limit::Window => *window = window.saturating_add(part),
            Limit::Buffer => *buffer = buffer.saturating_add(part),
        }
        spent
    }

    /// Busy in all, held back by the window, by the buffer.
    pub(super) fn times(&self, now: Instant) -> [Duration; 3] {
        let [busy, window, buffer] = self.at(now).map(|ms| Duration::from_millis(ms.into()));
        [busy + window + buffer, window, buffer]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up_and_short_ones_on_average() {
        let at = Instant::from_micros;
        let ms = Duration::from_millis;
        let mut c = Chrono::default();
        c.set(at(5_000), Limit::Busy);
        c.set(at(15_000), Limit::Window);
        c.set(at(18_000), Limit::Busy);
        c.set(at(20_000), Limit::Buffer);
        assert_eq!(c.times(at(21_000)), [ms(16), ms(3), ms(1)]);
        c.set(at(24_000), Limit::Idle);
        assert_eq!(c.times(at(99_000)), [ms(19), ms(3), ms(4)]);
        // A thousand times 400 us, at any moment of a millisecond.
        let mut c = Chrono::default();
        for n in 0..1000 {
            c.set(at(n * 10_137), Limit::Busy);
            c.set(at(n * 10_137 + 400), Limit::Idle);
        }
        let [busy, ..] = c.times(at(11_000_000));
        assert!(ms(390) <= busy && busy <= ms(410), "{busy:?}");
    }
}
