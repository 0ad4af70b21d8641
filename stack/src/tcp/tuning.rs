//! How large a receive buffer should be: dynamic right-sizing as Linux has it since 6.18 (`tcp_rcv_space_adjust`,
//! `tcp_rcvbuf_grow`, `tcp_rcv_rtt_update` in net/ipv4/tcp_input.c).
//!
//! Once a round trip it is compared what the user took in it with what he took at most in one before. If it was more, the buffer
//! becomes twice that, and twice as much again as the growth foretells, since a sender in slow start doubles before his data is
//! here. Data that waits beyond a gap needs room on top, for what will be sent while the gap lasts.
//!
//! The receiver has to find out the round trip by himself, as he may have nothing to send: with timestamps by the echo in full
//! segments (RFC 7323 section 4), and always by the time that the sender takes for a whole window, which is at least a round
//! trip. A smaller result counts at once; a larger one by an eighth, and only from timestamps while the user has read everything,
//! since the window's measure also contains his own pauses.
//!
//! Where ours differs: the round trip of the handshake counts as the first measurement, so that the window also grows in time where
//! there are no timestamps; a peer nearer than 5 ms gets 6 MB at most, not 32: more would only wait in the device's
//! queue; and the round trip counts as half a millisecond at least.

use crate::time::{Duration, Instant};
use crate::wire::SeqNumber;

/// Most bytes of buffer (Linux: tcp_rmem[2] since 6.16).
pub(super) const MAX_LIMIT: usize = 32 << 20;
/// The same for a near peer.
const MAX_NEAR: usize = 6 << 20;
/// What is near.
const NEAR: Duration = Duration::from_millis(5);
/// Least interval between two adjustments.
const LEAST: Duration = Duration::from_micros(500);
/// Steps in which the buffer grows while data waits beyond a gap.
const GAP_STEP: usize = 64 << 10;
/// Segments that count as taken in a round trip at first (Linux: TCP_INIT_CWND).
const INITIAL_SEGMENTS: u32 = 10;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tuning {
    /// The receiver's round trip, in eighths of a microsecond; 0: not known.
    rtt8: u32,
    /// The timestamp echo that was looked at last.
    last_echo: u32,
    /// When the data comes that begins here, a window has passed since `window_at`.
    window_end: SeqNumber,
    window_at: Instant,
    /// Most bytes that the user took in one round trip.
    space: u32,
    /// Bytes that he took since `since`.
    taken: u32,
    since: Instant,
    /// The user fixed the limit: nothing of this counts.
    pub fixed: bool,
}

impl Tuning {
    pub(super) const fn new() -> Tuning {
        Tuning {
            rtt8: 0,
            last_echo: 0,
            window_end: SeqNumber(0),
            window_at: Instant::ZERO,
            space: 0,
            taken: 0,
            since: Instant::ZERO,
            fixed: false,
        }
    }

    /// The connection begins; the peer's segments are `mss` bytes at most, the buffer has `limit`, and the handshake took `rtt` (zero: not
    /// known).
    pub(super) fn start(&mut self, now: Instant, mss: u16, limit: usize, rtt: Duration) {
        if !rtt.is_zero() {
            self.update(rtt, true);
        }
        // Not more than what the buffer is for, or it would never grow with large segments (`tcp_init_buffer_space`).
        self.space = (INITIAL_SEGMENTS * u32::from(mss)).min(u32::try_from(limit / 2).unwrap_or(u32::MAX));
        self.since = now;
    }

    /// The receiver's round trip; zero: not known.
    pub(super) fn rtt(&self) -> Duration {
        Duration::from_micros(u64::from(self.rtt8 >> 3))
    }

    /// Most bytes that the user took in one round trip.
    pub(super) const fn space(&self) -> u32 {
        self.space
    }

    /// Data arrived in order up to `rcv_nxt`, of a window that ends at `edge`.
    pub(super) fn on_data(&mut self, now: Instant, rcv_nxt: SeqNumber, edge: SeqNumber) {
        if self.window_at != Instant::ZERO {
            if rcv_nxt.lt(self.window_end) {
                return;
            }
            let sample = now.since(self.window_at).max(Duration::from_micros(1));
            self.update(sample, true);
        }
        self.window_end = edge;
        self.window_at = now;
    }

    /// A full segment echoes `echo` of our timestamp clock, which is at `clock` now (milliseconds). `all_read`: nothing
    /// waits for the user.
    pub(super) fn on_echo(&mut self, echo: u32, clock: u32, all_read: bool) {
        if echo == self.last_echo {
            return;
        }
        self.last_echo = echo;
        let ms = clock.wrapping_sub(echo);
        if echo == 0 || ms > i32::MAX as u32 / 1000 {
            return;
        }
        self.update(Duration::from_millis(u64::from(ms.max(1))), !all_read);
    }

    fn update(&mut self, sample: Duration, only_less: bool) {
        let micros = u32::try_from(sample.as_micros()).unwrap_or(u32::MAX).min(u32::MAX >> 3);
        let eighths = micros << 3;
        if self.rtt8 == 0 || eighths < self.rtt8 {
            self.rtt8 = eighths;
        } else if !only_less {
            self.rtt8 = (self.rtt8 - (self.rtt8 >> 3)).saturating_add(micros);
        }
    }

    /// The user took `n` bytes.
    pub(super) fn on_read(&mut self, n: usize) {
        self.taken = self.taken.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
    }

    /// The size that the buffer should have now, or None: nothing to change. `waiting` bytes are in order and not read;
    /// `beyond`: from the next in order to the end of what lies beyond a gap.
    pub(super) fn adjust(&mut self, now: Instant, waiting: usize, beyond: usize) -> Option<usize> {
        if self.rtt8 == 0 || now.since(self.since) < self.rtt().max(LEAST) {
            return None;
        }
        let taken = self.taken.saturating_sub(u32::try_from(waiting).unwrap_or(u32::MAX));
        self.taken = 0;
        self.since = now;
        if taken <= self.space {
            return None;
        }
        let (old, new) = (u64::from(self.space.max(1)), u64::from(taken));
        self.space = taken;
        let want = 2 * new;
        let growth = want.saturating_mul(new - old) / old;
        // A sender doubles at most.
        let want = want + 2 * growth.min(want);
        Some(self.capped(usize::try_from(want).unwrap_or(usize::MAX), beyond))
    }

    /// The same when data has come beyond a gap: in steps, or each of the segments beyond it would be answered with another
    /// window, which is no duplicate acknowledgement to RFC 5681.
    pub(super) fn for_gap(&self, beyond: usize) -> usize {
        self.capped(2 * self.space as usize, beyond.checked_next_multiple_of(GAP_STEP).unwrap_or(beyond))
    }

    fn capped(&self, want: usize, beyond: usize) -> usize {
        let near = self.rtt8 == 0 || self.rtt() < NEAR;
        want.saturating_add(beyond).min(if near { MAX_NEAR } else { MAX_LIMIT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: u64) -> Instant {
        Instant::from_micros(us)
    }

    #[test]
    fn the_window_measures_the_round_trip_and_only_less_counts() {
        let mut t = Tuning::new();
        let seq = SeqNumber;
        t.on_data(at(1000), seq(100), seq(1000));
        t.on_data(at(1500), seq(500), seq(1400));
        assert_eq!(t.rtt(), Duration::ZERO);
        t.on_data(at(3000), seq(1000), seq(2000));
        assert_eq!(t.rtt(), Duration::from_micros(2000));
        // The user paused: the next window took longer.
        t.on_data(at(90_000), seq(2000), seq(3000));
        assert_eq!(t.rtt(), Duration::from_micros(2000));
        t.on_data(at(91_000), seq(3000), seq(4000));
        assert_eq!(t.rtt(), Duration::from_micros(1000));
    }

    #[test]
    fn echoes_are_averaged_when_everything_was_read() {
        let mut t = Tuning::new();
        t.on_echo(1000, 1080, true);
        assert_eq!(t.rtt(), Duration::from_millis(80));
        t.on_echo(1000, 9000, true);
        t.on_echo(1001, 1161, false);
        assert_eq!(t.rtt(), Duration::from_millis(80));
        t.on_echo(1002, 1162, true);
        assert_eq!(t.rtt(), Duration::from_millis(90));
        t.on_echo(0, 5, true);
        t.on_echo(5000, 4000, true);
        assert_eq!(t.rtt(), Duration::from_millis(90));
        t.on_echo(6000, 6000, true);
        assert_eq!(t.rtt(), Duration::from_millis(1));
    }

    #[test]
    fn the_size_follows_what_was_taken() {
        let mut t = Tuning::new();
        t.start(at(0), 1000, 65_536, Duration::ZERO);
        assert_eq!(t.adjust(at(1_000_000), 0, 0), None, "no round trip known");
        t.on_echo(1, 101, true);
        t.on_read(10_000);
        assert_eq!(t.adjust(at(1_000_000), 0, 0), None, "not more than at first");
        t.on_read(20_000);
        assert_eq!(t.adjust(at(1_050_000), 0, 0), None, "half a round trip");
        assert_eq!(t.adjust(at(1_100_000), 0, 0), Some(120_000), "doubled: three times as much again");
        t.on_read(22_000);
        assert_eq!(t.adjust(at(1_200_000), 2000, 0), None, "the rest still waits");
        t.on_read(22_000);
        assert_eq!(t.adjust(at(1_300_000), 0, 5000), Some(44_000 + 8800 + 5000));
        assert_eq!(t.space(), 22_000);
        t.on_read(1 << 30);
        assert_eq!(t.adjust(at(1_400_000), 0, 0), Some(MAX_LIMIT));
        // A peer whose echoes make the round trip minutes long, and who sends much in it.
        t.on_read(4 << 30);
        assert_eq!(t.adjust(at(1_500_000), 0, 0), Some(MAX_LIMIT));
        let mut t = Tuning::new();
        t.on_echo(1, 101, true);
        t.on_read(usize::MAX);
        t.on_read(usize::MAX);
        assert_eq!(t.adjust(at(1_500_000), 0, 0), Some(MAX_LIMIT));
        assert_eq!(t.for_gap(7), MAX_LIMIT);
    }

    #[test]
    fn ten_large_segments_are_no_reason_not_to_grow() {
        let mut t = Tuning::new();
        t.start(at(0), 65_481, 262_144, Duration::from_millis(20));
        // All that the window lets the peer send.
        t.on_read(261_944);
        assert_eq!(t.adjust(at(20_000), 0, 0).map(|limit| limit > 500_000), Some(true));
    }
}
