//! NewReno's window (RFC 5681): one segment more each round trip, half after a loss.

use super::{AckEvent, CongestionControl, MAX_CWND, Window};
use crate::time::Duration;

/// Bytes acknowledged since cwnd last grew.
#[derive(Default)]
pub(super) struct Reno {
    acked: u32,
}

impl CongestionControl for Reno {
    fn on_ack(&mut self, window: &mut Window, ack: &AckEvent) {
        let mut acked = ack.acked;
        if window.in_slow_start() {
            acked = window.slow_start(acked);
        }
        // RFC 5681 section 3.1: "another acceptable method is to increment cwnd by SMSS once cwnd bytes have
        // been acknowledged".
        self.acked = self.acked.saturating_add(acked);
        if self.acked >= window.cwnd && window.cwnd > 0 {
            self.acked -= window.cwnd;
            window.cwnd = window.cwnd.saturating_add(u32::from(ack.mss)).min(MAX_CWND);
            // One step a time: cwnd has just grown, what is left over counts towards the next.
            self.acked = self.acked.min(window.cwnd);
        }
    }

    fn on_loss(&mut self, _window: &Window, in_flight: u32, mss: u16) -> u32 {
        self.acked = 0;
        // RFC 5681 section 3.1, equation 4: ssthresh = max (FlightSize / 2, 2*SMSS)
        (in_flight / 2).max(2 * u32::from(mss))
    }

    fn on_timeout(&mut self) {
        self.acked = 0;
    }

    fn on_restart(&mut self, _idle: Duration) {}

    fn on_undo(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    fn ack(acked: u32) -> AckEvent {
        AckEvent { now: Instant::ZERO, acked, mss: 1000, srtt: Duration::from_millis(10) }
    }

    #[test]
    fn doubles_below_the_threshold_and_adds_a_segment_a_round_above() {
        let mut reno = Reno::default();
        let mut w = Window { cwnd: 10_000, ssthresh: 20_000 };
        reno.on_ack(&mut w, &ack(10_000));
        assert_eq!(w.cwnd, 20_000);
        for _ in 0..20 {
            reno.on_ack(&mut w, &ack(1000));
        }
        assert_eq!(w.cwnd, 21_000);
        assert_eq!(reno.on_loss(&w, 21_000, 1000), 10_500);
        assert_eq!(reno.on_loss(&w, 1000, 1000), 2000);
    }
}
