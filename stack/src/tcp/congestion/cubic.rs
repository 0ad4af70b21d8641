//! CUBIC (RFC 9438): after a loss the window returns along a cubic to where it was, then probes beyond, at a
//! pace that depends on time and not on the round trip. The first slow start ends by HyStart++ (`hystart.rs`).
//!
//! Windows in segments as floating point inside, as the RFC writes them. The table of its demands is `stack/RFC9438.md`.
//!
//! A connection is either before its first congestion avoidance or beyond it, and mostly idle: what the two need shares its
//! place, and what an undone loss brings back is in a box made at the first loss.

use super::hystart::{HyStart, Verdict};
use super::{AckEvent, CongestionControl, MAX_CWND, Window};
use crate::time::{Duration, Instant};

/// RFC 9438 section 4.1.2: aggressiveness, segments per second cubed.
const C: f64 = 0.4;
/// Section 4.6: what a loss leaves of the window.
const BETA: f64 = 0.7;
/// Section 4.3: what makes the Reno-friendly estimate as fast as Reno.
const ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);

/// A stage of congestion avoidance: from one loss to the next. Windows in segments.
#[derive(Clone, Copy, Default)]
struct Stage {
    /// When it began; the origin of time until the first acknowledgement.
    epoch: Instant,
    w_est: f64,
    w_max: f32,
    /// Window at the last loss, for the Reno-friendly pace.
    cwnd_prior: f32,
    /// Seconds until the cubic is back at `w_max`.
    k: f32,
    /// Growth that does not fill a byte yet.
    fraction: f32,
}

/// How far the connection is.
enum Part {
    /// No loss and no congestion avoidance so far.
    First(HyStart),
    Later(Stage),
}

/// What the last loss ended, for section 4.9.
#[derive(Default)]
struct Before {
    stage: Option<Stage>,
    /// The first slow start, at the first loss.
    hystart: HyStart,
}

/// State between losses.
pub(super) struct Cubic {
    part: Part,
    /// The last acknowledgement: what passes from it on without the window in use does not count (section 4.2.4).
    last: Instant,
    before_loss: Option<Box<Before>>,
}

impl Default for Cubic {
    fn default() -> Cubic {
        Cubic { part: Part::First(HyStart::new()), last: Instant::ZERO, before_loss: None }
    }
}

impl Cubic {
    /// HyStart++: answers the bytes that count, after it has ended slow start if that is due.
    fn first_slow_start(&mut self, window: &mut Window, ack: &AckEvent) -> u32 {
        let hystart = match &mut self.part {
            Part::First(hystart) => hystart,
            // The loss that ended it was none.
            Part::Later(_) => &mut self.before_loss.get_or_insert_default().hystart,
        };
        match hystart.on_ack(window.cwnd, ack) {
            Verdict::Grow(bytes) => bytes,
            Verdict::Leave => {
                window.ssthresh = window.cwnd;
                ack.acked
            }
        }
    }

    fn stage(&self) -> Stage {
        match self.part {
            Part::First(_) => Stage::default(),
            Part::Later(stage) => stage,
        }
    }

    /// Time that does not count.
    fn shift(&mut self, by: Duration) {
        if let Part::Later(stage) = &mut self.part
            && stage.epoch != Instant::ZERO
        {
            stage.epoch = stage.epoch + by;
        }
    }
}

impl Stage {
    /// RFC 9438 section 4.2: the stage begins with the window `cwnd`.
    fn begin(&mut self, now: Instant, cwnd: f64) -> Instant {
        // K = cbrt((W_max - cwnd_epoch) / C). Without a loss before, after a time-out (section 4.8), or already above
        // W_max: the cubic starts here, with K = 0.
        let w_max = f64::from(self.w_max).max(cwnd);
        self.k = ((w_max - cwnd) / C).cbrt() as f32;
        self.w_max = w_max as f32;
        self.w_est = cwnd;
        self.epoch = now;
        self.fraction = 0.0;
        now
    }
}

impl CongestionControl for Cubic {
    fn on_ack(&mut self, window: &mut Window, ack: &AckEvent) {
        let before = std::mem::replace(&mut self.last, ack.now);
        if !ack.limited {
            // Section 5.8: no growth, and no progress of time either, or the window would jump later.
            let unused = ack.now.since(before);
            self.shift(unused);
            return;
        }
        let mut acked = ack.acked;
        if window.in_slow_start() {
            if window.ssthresh == u32::MAX {
                acked = self.first_slow_start(window, ack);
            }
            acked = window.slow_start(acked);
        }
        let mss = f64::from(ack.mss.max(1));
        let cwnd = f64::from(window.cwnd) / mss;
        if acked == 0 || cwnd <= 0.0 {
            return;
        }
        let segments = f64::from(acked) / mss;
        let mut stage = self.stage();
        let epoch = match stage.epoch {
            Instant::ZERO => stage.begin(ack.now, cwnd),
            epoch => epoch,
        };
        // Section 4.2: the window one round trip from now, W_cubic(t + RTT), bounded to [cwnd, 1.5 cwnd].
        let t = ack.now.since(epoch).as_secs_f64();
        let (k, w_max) = (f64::from(stage.k), f64::from(stage.w_max));
        let w_cubic = |t: f64| C * (t - k).powi(3) + w_max;
        let target = w_cubic(t + ack.srtt.as_secs_f64()).clamp(cwnd, 1.5 * cwnd);
        // Section 4.3: W_est = W_est + alpha * segments_acked / cwnd; alpha is 1 once W_est is where the loss was.
        let alpha = if stage.w_est < f64::from(stage.cwnd_prior) { ALPHA } else { 1.0 };
        let reno_friendly = w_cubic(t);
        stage.w_est += alpha * segments / cwnd;
        let mut grown = cwnd + (target - cwnd) / cwnd * segments;
        if reno_friendly < stage.w_est && stage.w_est > grown {
            // A jump to W_est is at most what was acknowledged.
            grown = stage.w_est.min(cwnd + segments);
        }
        let bytes = (grown - cwnd) * mss + f64::from(stage.fraction);
        // Not negative, and far below 2^32.
        let whole = bytes as u32;
        stage.fraction = (bytes - f64::from(whole)) as f32;
        self.part = Part::Later(stage);
        window.cwnd = window.cwnd.saturating_add(whole).min(MAX_CWND);
    }

    fn on_loss(&mut self, window: &Window, in_flight: u32, mss: u16) -> u32 {
        let mss_f = f64::from(mss.max(1));
        let cwnd = f64::from(window.cwnd) / mss_f;
        let mut stage = self.stage();
        let before = self.before_loss.get_or_insert_default();
        before.stage = Some(stage);
        if let Part::First(hystart) = self.part {
            before.hystart = hystart;
        }
        stage.epoch = Instant::ZERO;
        stage.cwnd_prior = cwnd as f32;
        // Section 4.7, fast convergence: room for newcomers when even the last W_max was not reached.
        let reached = cwnd >= f64::from(stage.w_max);
        stage.w_max = if reached { cwnd } else { cwnd * (1.0 + BETA) / 2.0 } as f32;
        self.part = Part::Later(stage);
        // Section 4.6: ssthresh = flight_size * beta, at least 2 segments. As Linux, cwnd stands for the
        // flight size: it does not grow beyond what is used; what is far less is believed.
        let flight = window.cwnd.min(in_flight.saturating_mul(2));
        ((f64::from(flight) * BETA) as u32).max(2 * u32::from(mss))
    }

    fn on_timeout(&mut self) {
        // Section 4.8: in the stage after a time-out K is 0, and W_max the window at its beginning.
        if let Part::Later(stage) = &mut self.part {
            *stage = Stage { epoch: Instant::ZERO, w_max: 0.0, fraction: 0.0, ..*stage };
        }
    }

    fn on_restart(&mut self, idle: Duration) {
        // Section 5.8: time without data does not count.
        self.shift(idle);
        self.last = self.last + idle;
    }

    fn on_undo(&mut self) {
        // Section 4.9: as if the loss had not been.
        if let Some(stage) = self.before_loss.as_mut().and_then(|before| before.stage.take()) {
            self.part = Part::Later(Stage { fraction: self.stage().fraction, ..stage });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u16 = 1000;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// A window's worth of acknowledgements each round trip, until `end`.
    fn run(cubic: &mut Cubic, w: &mut Window, now: &mut Instant, srtt: Duration, end: Instant) {
        while *now < end {
            for _ in 0..10 {
                let acked = w.cwnd / 10;
                cubic.on_ack(w, &AckEvent::plain(*now, acked, MSS, srtt));
            }
            *now = *now + srtt;
        }
    }

    fn after_loss(cwnd: u32) -> (Cubic, Window) {
        let mut cubic = Cubic::default();
        let mut w = Window { cwnd, ssthresh: cwnd };
        w.ssthresh = cubic.on_loss(&w, cwnd, MSS);
        w.cwnd = w.ssthresh;
        (cubic, w)
    }

    #[test]
    fn returns_to_w_max_after_k_seconds() {
        let (mut cubic, mut w) = after_loss(100_000);
        assert_eq!(w.ssthresh, 70_000);
        let k = (30.0f64 / C).cbrt();
        // Long enough that Reno's pace is slower.
        let srtt = ms(200);
        let mut now = Instant::from_micros(1);
        run(&mut cubic, &mut w, &mut now, srtt, Instant::from_micros((k * 1e6) as u64));
        assert!((95_000..=105_000).contains(&w.cwnd), "{}", w.cwnd);
        // Flat around it, then convex.
        let plateau = w.cwnd;
        let end = now + ms(1000);
        run(&mut cubic, &mut w, &mut now, srtt, end);
        assert!(w.cwnd < plateau + 3000, "{}", w.cwnd);
        let end = now + ms(5000);
        run(&mut cubic, &mut w, &mut now, srtt, end);
        assert!(w.cwnd > plateau + 30_000, "{}", w.cwnd);
    }

    #[test]
    fn on_a_short_path_it_is_as_fast_as_reno() {
        // 10 ms, 20 segments: the cubic takes 2.5 s back, Reno's estimate adds ALPHA a round trip until the old window.
        let (mut cubic, mut w) = after_loss(20_000);
        let mut now = Instant::from_micros(1);
        run(&mut cubic, &mut w, &mut now, ms(10), Instant::from_micros(80_000));
        // Eight rounds: 14 + 8 * 0.53.
        assert!((17_500..=18_800).contains(&w.cwnd), "{}", w.cwnd);
        let end = now + ms(200);
        run(&mut cubic, &mut w, &mut now, ms(10), end);
        // Beyond the old window a whole segment a round trip.
        assert!((32_000..=37_000).contains(&w.cwnd), "{}", w.cwnd);
    }

    #[test]
    fn fast_convergence_gives_up_more_when_w_max_was_not_reached() {
        let (mut cubic, mut w) = after_loss(100_000);
        w.ssthresh = cubic.on_loss(&w, 70_000, MSS);
        assert_eq!(w.ssthresh, 49_000);
        assert!((cubic.stage().w_max - 70.0 * 0.85).abs() < 1e-4);
    }

    #[test]
    fn a_time_out_starts_the_cubic_where_congestion_avoidance_begins() {
        let (mut cubic, mut w) = after_loss(100_000);
        cubic.on_timeout();
        cubic.on_ack(&mut w, &AckEvent::plain(Instant::from_micros(5), 1000, MSS, ms(50)));
        assert_eq!((cubic.stage().k, cubic.stage().w_max), (0.0, 70.0));
    }

    #[test]
    fn undo_goes_back_to_the_stage_before() {
        let (mut cubic, mut w) = after_loss(100_000);
        let mut now = Instant::from_micros(1_000_000);
        let end = now + ms(1000);
        run(&mut cubic, &mut w, &mut now, ms(100), end);
        let (epoch, w_max, prior) = (cubic.stage().epoch, cubic.stage().w_max, w.cwnd);
        w.cwnd = cubic.on_loss(&w, prior, MSS);
        cubic.on_undo();
        assert_eq!(cubic.undo_cwnd(w.cwnd, prior), prior);
        assert_eq!((cubic.stage().epoch, cubic.stage().w_max), (epoch, w_max));
    }

    #[test]
    fn an_undone_loss_goes_on_with_the_first_slow_start() {
        let run = |loss: bool| {
            let (mut cubic, mut w) = (Cubic::default(), Window { cwnd: 10_000, ssthresh: u32::MAX });
            let mut left = Vec::new();
            for n in 0..200u32 {
                if loss && n == 45 {
                    let before = w;
                    w.ssthresh = cubic.on_loss(&w, w.cwnd, MSS);
                    w.cwnd = cubic.undo_cwnd(w.ssthresh, before.cwnd);
                    cubic.on_undo();
                    w.ssthresh = before.ssthresh;
                }
                // Rounds of ten, and after the third a queue: the loss comes in the second round at a quarter of the pace.
                let rtt = Some(ms(if n < 30 { 40 } else { 46 }));
                let (una, nxt) = (crate::wire::SeqNumber(n), crate::wire::SeqNumber(n + 10));
                let plain = AckEvent::plain(Instant::from_micros(u64::from(n) * 4000 + 1), 1000, MSS, ms(40));
                cubic.on_ack(&mut w, &AckEvent { rtt, una, nxt, ..plain });
                left.push((w.cwnd, w.ssthresh));
            }
            left
        };
        let without = run(false);
        assert!(without.iter().any(|(_, ssthresh)| *ssthresh < u32::MAX), "slow start ended");
        assert_eq!(run(true), without);
    }

    #[test]
    fn time_without_use_of_the_window_does_not_count() {
        let grow = |pause: fn(&mut Cubic, &mut Window, &mut Instant)| {
            let (mut cubic, mut w) = after_loss(100_000);
            let mut now = Instant::from_micros(1_000_000);
            let end = now + ms(1000);
            run(&mut cubic, &mut w, &mut now, ms(100), end);
            pause(&mut cubic, &mut w, &mut now);
            let end = now + ms(1000);
            run(&mut cubic, &mut w, &mut now, ms(100), end);
            w.cwnd
        };
        let without = grow(|_, _, _| ());
        let idle = grow(|cubic, _, now| {
            *now = *now + ms(60_000);
            cubic.on_restart(ms(60_000));
        });
        let limited = grow(|cubic, w, now| {
            for _ in 0..600 {
                *now = *now + ms(100);
                let ack = AckEvent::plain(*now, 1000, MSS, ms(100));
                cubic.on_ack(w, &AckEvent { limited: false, ..ack });
            }
        });
        assert!(
            without.abs_diff(idle) < 1000 && without.abs_diff(limited) < 2000,
            "{without} {idle} {limited}"
        );
    }

    #[test]
    fn never_more_than_half_as_much_again_in_a_round_trip() {
        let (mut cubic, mut w) = after_loss(10_000);
        // A minute in one step, as if the first acknowledgement had been long ago.
        cubic.on_ack(&mut w, &AckEvent::plain(Instant::from_micros(5), 1000, MSS, ms(10)));
        let before = w.cwnd;
        let now = Instant::from_micros(60_000_000);
        cubic.on_ack(&mut w, &AckEvent::plain(now, before, MSS, ms(10)));
        assert!(w.cwnd <= before + before / 2 + 1, "{before} {}", w.cwnd);
    }

    #[test]
    fn a_small_flight_is_believed() {
        let mut cubic = Cubic::default();
        let w = Window { cwnd: 1_000_000, ssthresh: 1000 };
        assert!(cubic.on_loss(&w, 10_000, 1000) <= 14_000);
        // And never below two segments (section 4.6).
        assert_eq!(cubic.on_loss(&Window { cwnd: 1000, ssthresh: 1000 }, 1000, 1000), 2000);
    }
}
