//! CUBIC (RFC 9438): after a loss the window returns along a cubic to where it was, then probes beyond, at a
//! pace that depends on time and not on the round trip.
//!
//! Windows in segments as floating point inside, as the RFC writes them. No HyStart.

use super::{AckEvent, CongestionControl, MAX_CWND, Window};
use crate::time::{Duration, Instant};

/// RFC 9438 section 4.1.2: aggressiveness, segments per second cubed.
const C: f64 = 0.4;
/// Section 4.6: what a loss leaves of the window.
const BETA: f64 = 0.7;
/// Section 4.3: what makes the Reno-friendly estimate as fast as Reno.
const ALPHA: f64 = 3.0 * (1.0 - BETA) / (1.0 + BETA);

/// State between losses. Windows in segments.
#[derive(Default)]
pub(super) struct Cubic {
    /// Start of the current stage of congestion avoidance.
    epoch: Option<Instant>,
    w_max: f64,
    w_max_before: f64,
    /// Window at the last loss, for the Reno-friendly pace and for undo.
    cwnd_prior: f64,
    /// Seconds until the cubic is back at `w_max`.
    k: f64,
    w_est: f64,
    /// Growth that does not fill a byte yet.
    fraction: f64,
}

impl CongestionControl for Cubic {
    fn on_ack(&mut self, window: &mut Window, ack: &AckEvent) {
        let mut acked = ack.acked;
        if window.in_slow_start() {
            acked = window.slow_start(acked);
        }
        let mss = f64::from(ack.mss.max(1));
        let cwnd = f64::from(window.cwnd) / mss;
        if acked == 0 || cwnd <= 0.0 {
            return;
        }
        let segments = f64::from(acked) / mss;
        let epoch = match self.epoch {
            Some(epoch) => epoch,
            None => {
                // Section 4.2: K = cbrt((W_max - cwnd_epoch) / C); no loss yet, or above W_max: start here.
                if self.w_max < cwnd {
                    self.w_max = cwnd;
                }
                self.k = ((self.w_max - cwnd) / C).cbrt();
                self.w_est = cwnd;
                self.fraction = 0.0;
                self.epoch = Some(ack.now);
                ack.now
            }
        };
        // Section 4.2: the window one round trip from now, W_cubic(t + RTT), bounded to [cwnd, 1.5 cwnd].
        let t = (ack.now.since(epoch) + ack.srtt).as_secs_f64();
        let w_cubic = C * (t - self.k).powi(3) + self.w_max;
        let target = w_cubic.clamp(cwnd, 1.5 * cwnd);
        // Section 4.3: W_est = W_est + alpha * segments_acked / cwnd; alpha is 1 once W_est is where the loss
        // was.
        let alpha = if self.w_est < self.cwnd_prior { ALPHA } else { 1.0 };
        self.w_est += alpha * segments / cwnd;
        let mut grown = cwnd + (target - cwnd) / cwnd * segments;
        if w_cubic < self.w_est && self.w_est > grown {
            // A jump to W_est is at most what was acknowledged.
            grown = self.w_est.min(cwnd + segments);
        }
        let bytes = (grown - cwnd) * mss + self.fraction;
        // Not negative, and far below 2^32.
        let whole = bytes as u32;
        self.fraction = bytes - f64::from(whole);
        window.cwnd = window.cwnd.saturating_add(whole).min(MAX_CWND);
    }

    fn on_loss(&mut self, window: &Window, in_flight: u32, mss: u16) -> u32 {
        let mss_f = f64::from(mss.max(1));
        let cwnd = f64::from(window.cwnd) / mss_f;
        self.epoch = None;
        self.cwnd_prior = cwnd;
        self.w_max_before = self.w_max;
        // Section 4.7, fast convergence: room for newcomers when even the last W_max was not reached.
        self.w_max = if cwnd < self.w_max { cwnd * (1.0 + BETA) / 2.0 } else { cwnd };
        // Section 4.6: ssthresh = flight_size * beta, at least 2 segments. As Linux, cwnd stands for the
        // flight size: `on_ack` keeps it from growing beyond what is used; what is far less is believed.
        let flight = window.cwnd.min(in_flight.saturating_mul(2));
        ((f64::from(flight) * BETA) as u32).max(2 * u32::from(mss))
    }

    fn on_timeout(&mut self) {
        // Section 4.8: "cwnd_epoch [...] set [...] at the beginning of the current congestion avoidance
        // stage".
        self.epoch = None;
        self.fraction = 0.0;
    }

    fn on_restart(&mut self, idle: Duration) {
        // Section 5.8: time without data does not count, or the window would jump.
        self.epoch = self.epoch.map(|epoch| epoch + idle);
    }

    fn on_undo(&mut self) {
        // Section 4.9.
        self.w_max = self.w_max_before.max(self.w_max);
        self.epoch = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returns_to_w_max_after_k_seconds() {
        let mss = 1000;
        let mut cubic = Cubic::default();
        let mut w = Window { cwnd: 100_000, ssthresh: 100_000 };
        w.ssthresh = cubic.on_loss(&w, 100_000, mss);
        assert_eq!(w.ssthresh, 70_000);
        w.cwnd = w.ssthresh;
        let k = (30.0f64 / C).cbrt();
        // Long enough that Reno's pace is slower.
        let srtt = Duration::from_millis(200);
        let mut now = Instant::ZERO;
        while now.micros() < (k * 1e6) as u64 {
            let acked = w.cwnd;
            cubic.on_ack(&mut w, &AckEvent { now, acked, mss, srtt });
            now = now + srtt;
        }
        assert!((95_000..=105_000).contains(&w.cwnd), "{}", w.cwnd);
        let plateau = w.cwnd;
        for _ in 0..50 {
            let acked = w.cwnd;
            cubic.on_ack(&mut w, &AckEvent { now, acked, mss, srtt });
            now = now + srtt;
        }
        assert!(w.cwnd > plateau + 5000, "{}", w.cwnd);
    }

    #[test]
    fn a_small_flight_is_believed() {
        let mut cubic = Cubic::default();
        let w = Window { cwnd: 1_000_000, ssthresh: 1000 };
        assert!(cubic.on_loss(&w, 10_000, 1000) <= 14_000);
    }
}
