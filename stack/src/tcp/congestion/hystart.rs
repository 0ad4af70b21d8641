//! HyStart++ (RFC 9406): leaves the first slow start before it overflows the path's queue.
//!
//! The least round trip of each round is compared with that of the round before. When it grew by an eighth (at least 4 ms, at
//! most 16 ms) a queue is building up: growth goes on at a quarter of the pace (Conservative Slow Start). Five such rounds end
//! slow start; a round trip shorter than at the beginning of CSS says that it was noise, and slow start goes on.
//!
//! What grows in the middle of a round shows in the first samples of the next, and by then the window has doubled again. So
//! Linux's second sign is read, too (`hystart_update`, HYSTART_ACK_TRAIN): sending is paced at twice the window a
//! round trip, so acknowledgements that follow each other closely for three quarters of a round trip, and not for half of one,
//! come as the path lets them. Slow start ends at once then, with 1.5 to 1.75 times what the path holds. (Linux waits a
//! quarter less without pacing, and a quarter more with: up to three times what the path holds.)
//!
//! A round ends when what was sent at its beginning is acknowledged. One acknowledgement may stand for a frame of 64 kB, so a
//! round of a near path seldom has the eight samples that a verdict takes, and with round trips below some
//! milliseconds the least rise of 4 ms decides: noise of scheduling does not end slow start there.
//!
//! Deviation: no limit L on what one acknowledgement adds (section 4.2 recommends 8 segments without pacing). One
//! acknowledgement stands for up to 44 segments here, and where bursts matter sending is paced (`pacing.rs`), for which the
//! RFC itself sets L to infinity.

use super::AckEvent;
use crate::time::{Duration, Instant};
use crate::wire::SeqNumber;

/// Section 4.3, microseconds.
const MIN_RTT_THRESH: u32 = 4_000;
const MAX_RTT_THRESH: u32 = 16_000;
const MIN_RTT_DIVISOR: u32 = 8;
const N_RTT_SAMPLE: u8 = 8;
const CSS_GROWTH_DIVISOR: u32 = 4;
const CSS_ROUNDS: u8 = 5;
/// Linux: hystart_ack_delta_us and hystart_low_window.
const TRAIN_GAP: Duration = Duration::from_millis(2);
const TRAIN_WINDOW: u32 = 16;
/// Round trips up to which nothing is paced, and trains mean nothing.
const NEAR: Duration = Duration::from_millis(1);
/// No round trip measured.
const NONE: u32 = u32::MAX;

/// How long a train is that fills the pipe; a delayed acknowledgement counts for up to 1 ms.
fn train(min_rtt: Duration) -> Duration {
    min_rtt * 3 / 4 + (min_rtt / 8).min(Duration::from_millis(1))
}

/// What slow start may do with an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// So many bytes count.
    Grow(u32),
    /// Slow start is over: ssthresh is cwnd.
    Leave,
}

/// See the module. Times in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct HyStart {
    /// The round ends when this is acknowledged.
    window_end: SeqNumber,
    last_min: u32,
    current_min: u32,
    /// The round trip at which CSS began; NONE: not in CSS.
    baseline: u32,
    samples: u8,
    css_rounds: u8,
    /// There is a round.
    begun: bool,
    /// When it began, and how long after that the last acknowledgement of its train came.
    round_at: Instant,
    train: u32,
}

impl Default for HyStart {
    fn default() -> HyStart {
        HyStart::new()
    }
}

impl HyStart {
    pub(super) const fn new() -> HyStart {
        HyStart {
            window_end: SeqNumber(0),
            last_min: NONE,
            current_min: NONE,
            baseline: NONE,
            samples: 0,
            css_rounds: 0,
            begun: false,
            round_at: Instant::ZERO,
            train: 0,
        }
    }

    /// An acknowledgement in the first slow start.
    pub(super) fn on_ack(&mut self, cwnd: u32, ack: &AckEvent) -> Verdict {
        if !self.begun || ack.una.gt(self.window_end) {
            // Section 4.2, at the start of each round.
            let was_css = self.begun && self.baseline != NONE;
            self.begun = true;
            self.round_at = ack.now;
            self.train = 0;
            self.window_end = ack.nxt;
            self.last_min = self.current_min;
            self.current_min = NONE;
            self.samples = 0;
            if was_css {
                self.css_rounds += 1;
                if self.css_rounds >= CSS_ROUNDS {
                    return Verdict::Leave;
                }
            }
        }
        let age = ack.now.since(self.round_at);
        if age <= Duration::from_micros(self.train.into()) + TRAIN_GAP {
            self.train = u32::try_from(age.as_micros()).unwrap_or(u32::MAX);
            if ack.min_rtt > NEAR && cwnd >= TRAIN_WINDOW * u32::from(ack.mss) && age > train(ack.min_rtt) {
                return Verdict::Leave;
            }
        }
        if let Some(rtt) = ack.rtt {
            let us = u32::try_from(rtt.as_micros()).unwrap_or(NONE - 1);
            self.current_min = self.current_min.min(us);
            self.samples = self.samples.saturating_add(1);
        }
        if self.samples >= N_RTT_SAMPLE && self.current_min != NONE {
            if self.baseline != NONE {
                if self.current_min < self.baseline {
                    // The rise was none.
                    self.baseline = NONE;
                    self.css_rounds = 0;
                }
            } else if self.last_min != NONE {
                let thresh = (self.last_min / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESH, MAX_RTT_THRESH);
                if self.current_min >= self.last_min.saturating_add(thresh) {
                    self.baseline = self.current_min;
                    self.css_rounds = 0;
                }
            }
        }
        Verdict::Grow(if self.baseline == NONE { ack.acked } else { ack.acked / CSS_GROWTH_DIVISOR })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds of ten acknowledgements of a segment; each has the round trip `rtt`, milliseconds. Answers the bytes that count,
    /// or None when slow start was left.
    fn round(h: &mut HyStart, at: &mut u32, rtt: u64) -> Option<u32> {
        let mut grown = 0;
        let end = *at + 10_000;
        for _ in 0..10 {
            *at += 1000;
            let ack = AckEvent {
                acked: 1000,
                rtt: Some(Duration::from_millis(rtt)),
                una: SeqNumber(*at),
                nxt: SeqNumber(end + 10_000),
                ..AckEvent::plain(Instant::ZERO, 1000, 1000, Duration::from_millis(rtt))
            };
            // What is sent during the round ends the next one.
            let ack = AckEvent { nxt: SeqNumber(end.max(ack.una.0)), ..ack };
            match h.on_ack(10_000, &ack) {
                Verdict::Grow(n) => grown += n,
                Verdict::Leave => return None,
            }
        }
        Some(grown)
    }

    #[test]
    fn constant_round_trips_never_leave_slow_start() {
        let (mut h, mut at) = (HyStart::new(), 0);
        for _ in 0..50 {
            assert_eq!(round(&mut h, &mut at, 40), Some(10_000));
        }
    }

    #[test]
    fn a_rise_by_an_eighth_slows_growth_down_and_five_rounds_end_it() {
        let (mut h, mut at) = (HyStart::new(), 0);
        round(&mut h, &mut at, 40);
        round(&mut h, &mut at, 40);
        round(&mut h, &mut at, 40);
        let mut rounds = 0;
        let mut slow = 0;
        while let Some(grown) = round(&mut h, &mut at, 46) {
            rounds += 1;
            slow += usize::from(grown == 2500);
            assert!(rounds < 10);
        }
        // The round in which it was noticed, and four whole ones at a quarter.
        assert!((4..=5).contains(&slow) && rounds <= 6, "{slow} {rounds}");
    }

    #[test]
    fn a_shorter_round_trip_in_css_resumes_slow_start() {
        let (mut h, mut at) = (HyStart::new(), 0);
        round(&mut h, &mut at, 40);
        round(&mut h, &mut at, 40);
        round(&mut h, &mut at, 50);
        assert_eq!(round(&mut h, &mut at, 50), Some(2500));
        round(&mut h, &mut at, 41);
        for _ in 0..20 {
            assert_eq!(round(&mut h, &mut at, 41), Some(10_000));
        }
    }

    #[test]
    fn below_four_milliseconds_a_rise_is_noise() {
        let (mut h, mut at) = (HyStart::new(), 0);
        round(&mut h, &mut at, 1);
        round(&mut h, &mut at, 1);
        for _ in 0..20 {
            assert_eq!(round(&mut h, &mut at, 4), Some(10_000));
        }
    }

    #[test]
    fn fewer_than_eight_samples_are_no_verdict() {
        let mut h = HyStart::new();
        for n in 1u32..50 {
            let rtt = Some(Duration::from_millis(if n < 5 { 10 } else { 100 * u64::from(n) }));
            let una = SeqNumber(n * 1000);
            let plain = AckEvent::plain(Instant::ZERO, 1000, 1000, Duration::from_millis(10));
            // Each acknowledgement is a round.
            let ack = AckEvent { rtt, una, nxt: una, ..plain };
            assert_eq!(h.on_ack(10_000, &ack), Verdict::Grow(1000));
        }
    }

    #[test]
    fn acknowledgements_without_a_gap_mean_a_full_pipe() {
        let run = |gap_us: u64, cwnd: u32, rtt: u64| {
            let mut h = HyStart::new();
            let rtt = Duration::from_millis(rtt);
            let mut now = Instant::from_micros(1);
            for n in 0..100u32 {
                now = now + Duration::from_micros(gap_us);
                let plain = AckEvent::plain(now, 1000, 1000, rtt);
                // One long round.
                let ack = AckEvent { rtt: Some(rtt), una: SeqNumber(n), nxt: SeqNumber(1 << 20), ..plain };
                if h.on_ack(cwnd, &ack) == Verdict::Leave {
                    return Some(u64::from(n) * gap_us / 1000);
                }
            }
            None
        };
        // Three quarters of 40 ms, and 1 ms.
        assert_eq!(run(1000, 100_000, 40), Some(32));
        // Gaps of 3 ms, a window of ten segments, and a near peer.
        assert_eq!(run(3000, 100_000, 40), None);
        assert_eq!(run(1000, 10_000, 40), None);
        assert_eq!(run(1000, 100_000, 1), None);
    }
}
