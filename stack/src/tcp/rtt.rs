//! Round-trip time and the retransmission time-out (RFC 6298), with Linux's figures where they are tighter.
//!
//! The RTO is SRTT plus four times the variation, but at least 200 ms above SRTT (Linux's TCP_RTO_MIN;
//! RFC 6298 says 1 s, which everyone finds too long), and at most 120 s. Samples come from transmission
//! times in microseconds, never of retransmitted segments (Karn), or from timestamps.
//!
//! Every acknowledgement is a sample, and RFC 6298's gains would forget within one round trip what the last was (section 4, RFC 7323
//! appendix G). So the time-out goes by the most that the variation came to in a round trip, and comes down by a quarter of
//! the difference each round trip; and when the path becomes faster the variation grows by an eighth only (`tcp_rtt_estimator`).

use crate::time::{Duration, Instant};
use crate::wire::SeqNumber;

const MIN_RTO_US: u64 = 200_000;
const MAX_RTO_US: u64 = 120_000_000;
const INITIAL_RTO_US: u64 = 1_000_000;

/// How long a least round trip is believed, once to twice.
const MIN_RTT_SECONDS: u32 = 300;

/// Least interval between retransmissions, and the base of window probes.
pub(super) const RTO_MIN: Duration = Duration::from_micros(MIN_RTO_US);
/// Greatest interval.
pub(super) const RTO_MAX: Duration = Duration::from_micros(MAX_RTO_US);
/// RFC 6298 section 2.1: before the first sample.
pub(super) const RTO_INITIAL: Duration = Duration::from_micros(INITIAL_RTO_US);

fn micros(d: Duration) -> u32 {
    u32::try_from(d.as_micros()).unwrap_or(u32::MAX)
}

/// SRTT, RTTVAR and RTO of a connection, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct RttEstimator {
    /// Eight times SRTT; zero before the first sample.
    srtt8: u32,
    /// Four times RTTVAR of the samples.
    var4: u32,
    /// The most that was in this round trip, but at least what TCP_RTO_MIN_US says.
    most: u32,
    /// What the time-out is above SRTT.
    kept: u32,
    /// When this is acknowledged the round trip is over.
    round: SeqNumber,
    /// Least sample of this period and the last, u32::MAX: none.
    min: u32,
    /// Of this period.
    min_now: u32,
    /// When it began, seconds.
    since: u32,
    /// TCP_RTO_MIN_US and TCP_RTO_MAX_MS, in microseconds.
    bounds: (u32, u32),
}

impl RttEstimator {
    pub(super) const fn new() -> RttEstimator {
        RttEstimator {
            srtt8: 0,
            var4: 0,
            most: 0,
            kept: INITIAL_RTO_US as u32,
            round: SeqNumber(0),
            min: u32::MAX,
            min_now: u32::MAX,
            since: 0,
            bounds: (MIN_RTO_US as u32, MAX_RTO_US as u32),
        }
    }

    /// TCP_RTO_MIN_US and TCP_RTO_MAX_MS.
    pub(super) fn set_bounds(&mut self, least: Duration, most: Duration) {
        self.bounds = (micros(least), micros(most));
    }

    /// The least that is added to SRTT.
    pub(super) const fn least(&self) -> Duration {
        Duration::from_micros(self.bounds.0 as u64)
    }

    /// The greatest interval.
    pub(super) const fn most(&self) -> Duration {
        Duration::from_micros(self.bounds.1 as u64)
    }

    /// Takes a measurement, made when all below `una` was acknowledged and all below `nxt` sent.
    pub(super) fn sample(&mut self, rtt: Duration, una: SeqNumber, nxt: SeqNumber) {
        // Eight times as much fits into 32 bits.
        let r = micros(rtt).clamp(1, MAX_RTO_US as u32);
        self.take_min(r);
        if self.srtt8 == 0 {
            // RFC 6298 section 2.2: SRTT <- R, RTTVAR <- R/2.
            self.srtt8 = r * 8;
            self.var4 = r * 2;
            self.kept = self.var4.max(self.bounds.0);
            self.most = self.kept;
            self.round = nxt;
        } else {
            // Section 2.3: RTTVAR <- 3/4 RTTVAR + 1/4 |SRTT - R|, then SRTT <- 7/8 SRTT + 1/8 R.
            let srtt = self.srtt8 / 8;
            let error = srtt.abs_diff(r);
            let var = self.var4 / 4;
            self.var4 = match error.checked_sub(var) {
                Some(more) => self.var4 + if r < srtt { more / 8 } else { more },
                None => self.var4 - (var - error),
            };
            self.srtt8 = (self.srtt8 - srtt + r).max(8);
            self.most = self.most.max(self.var4);
            self.kept = self.kept.max(self.most);
            if una.gt(self.round) {
                self.kept -= (self.kept - self.most) / 4;
                self.round = nxt;
                self.most = self.bounds.0;
            }
        }
    }

    /// Takes a measurement for the minimum only: of the youngest segment that an acknowledgement covers.
    pub(super) fn note_min(&mut self, rtt: Duration) {
        self.take_min(micros(rtt).max(1));
    }

    fn take_min(&mut self, rtt: u32) {
        let rtt = rtt.min(u32::MAX - 1);
        self.min_now = self.min_now.min(rtt);
        self.min = self.min.min(rtt);
    }

    /// The minimum is that of the last five to ten minutes (RFC 8985 section 6.2 step 1; Linux: tcp_min_rtt_wlen, 300 s): a
    /// path may become longer.
    pub(super) fn pass(&mut self, now: Instant) {
        let seconds = u32::try_from(now.micros() / 1_000_000).unwrap_or(u32::MAX);
        if seconds.wrapping_sub(self.since) < MIN_RTT_SECONDS {
            return;
        }
        self.since = seconds;
        if self.min_now != u32::MAX {
            self.min = self.min_now;
        }
        self.min_now = u32::MAX;
    }

    /// True once there was a sample.
    pub(super) const fn known(&self) -> bool {
        self.srtt8 != 0
    }

    /// RFC 6298 section 5.7: when SYN was retransmitted, data starts with 3 s.
    pub(super) fn after_syn_timeout(&mut self) {
        if !self.known() {
            self.kept = 3 * INITIAL_RTO_US as u32;
        }
    }

    /// The time-out without back-off.
    pub(super) fn rto(&self) -> Duration {
        self.backed_off(0)
    }

    /// The time-out doubled `backoff` times, up to 120 s.
    pub(super) fn backed_off(&self, backoff: u8) -> Duration {
        let rto = u64::from(self.srtt8 / 8) + u64::from(self.kept);
        let rto = rto.saturating_mul(1 << backoff.min(20));
        Duration::from_micros(rto.min(self.bounds.1.into()))
    }

    pub(super) const fn srtt(&self) -> Duration {
        Duration::from_micros(self.srtt8 as u64 / 8)
    }

    pub(super) const fn rttvar(&self) -> Duration {
        Duration::from_micros(self.var4 as u64 / 4)
    }

    /// Least sample; zero before the first.
    pub(super) const fn min_rtt(&self) -> Duration {
        Duration::from_micros(if self.min == u32::MAX { 0 } else { self.min as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A round trip that is over.
    fn sample(rtt: &mut RttEstimator, measured: Duration) {
        let round = rtt.round;
        rtt.sample(measured, round + 1, round + 2);
    }

    #[test]
    fn follows_rfc_6298() {
        let mut rtt = RttEstimator::new();
        assert_eq!(rtt.rto(), Duration::from_secs(1));
        sample(&mut rtt, Duration::from_millis(100));
        assert_eq!(rtt.srtt(), Duration::from_millis(100));
        assert_eq!(rtt.rttvar(), Duration::from_millis(50));
        assert_eq!(rtt.rto(), Duration::from_millis(300));
        for _ in 0..100 {
            sample(&mut rtt, Duration::from_millis(100));
        }
        assert_eq!(rtt.rto(), Duration::from_millis(300));
        sample(&mut rtt, Duration::from_millis(900));
        assert!(rtt.rto() > Duration::from_millis(900));
        assert_eq!(rtt.min_rtt(), Duration::from_millis(100));
    }

    #[test]
    fn the_minimum_follows_a_path_that_becomes_longer() {
        let mut rtt = RttEstimator::new();
        let mut now = Instant::from_micros(1_000_000_000);
        rtt.pass(now);
        sample(&mut rtt, Duration::from_millis(10));
        for _ in 0..70 {
            sample(&mut rtt, Duration::from_millis(50));
            now = now + Duration::from_secs(10);
            rtt.pass(now);
        }
        assert_eq!(rtt.min_rtt(), Duration::from_millis(50));
    }

    #[test]
    fn backs_off_to_120_seconds() {
        let mut rtt = RttEstimator::new();
        sample(&mut rtt, Duration::from_micros(50));
        assert_eq!(rtt.backed_off(1), rtt.rto() * 2);
        assert_eq!(rtt.backed_off(200), RTO_MAX);
    }
}
