//! NewReno's window (RFC 5681): one segment more each round trip, half after a loss.

use super::{AckEvent, CongestionControl, MAX_CWND, Window};

/// Bytes acknowledged since cwnd last grew.
#[derive(Default)]
pub(super) struct Reno {
    acked: u32,
}

impl CongestionControl for Reno {
    fn on_ack(&mut self, window: &mut Window, ack: &AckEvent) {
        if !ack.limited {
            return;
        }
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

    fn on_loss(&mut self, window: &Window, in_flight: u32, mss: u16) -> u32 {
        self.acked = 0;
        // RFC 5681 section 3.1, equation 4: ssthresh = max (FlightSize / 2, 2*SMSS). What limited transmit sent beyond cwnd
        // does not count (section 3.2 step 2).
        (in_flight.min(window.cwnd) / 2).max(2 * u32::from(mss))
    }

    fn on_timeout(&mut self) {
        self.acked = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Duration, Instant};

    fn ack(acked: u32) -> AckEvent {
        AckEvent::plain(Instant::ZERO, acked, 1000, Duration::from_millis(10))
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

    #[test]
    fn limited_transmit_does_not_raise_the_threshold() {
        let w = Window { cwnd: 20_000, ssthresh: 20_000 };
        assert_eq!(Reno::default().on_loss(&w, 22_000, 1000), 10_000);
    }

    #[test]
    fn a_window_that_is_not_used_stays() {
        let mut reno = Reno::default();
        for ssthresh in [5_000, u32::MAX] {
            let mut w = Window { cwnd: 10_000, ssthresh };
            for _ in 0..100 {
                reno.on_ack(&mut w, &AckEvent { limited: false, ..ack(1000) });
            }
            assert_eq!(w.cwnd, 10_000);
        }
    }
}
