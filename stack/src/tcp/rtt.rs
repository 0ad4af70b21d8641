//! Round-trip time and the retransmission time-out (RFC 6298), with Linux's figures where they are tighter.
//!
//! The RTO is SRTT plus four times the variation, but at least 200 ms above SRTT (Linux's TCP_RTO_MIN;
//! RFC 6298 says 1 s, which everyone finds too long), and at most 120 s. Samples come from transmission
//! times in microseconds, never of retransmitted segments (Karn), or from timestamps.

use crate::time::{Duration, Instant};

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

/// SRTT, RTTVAR and RTO of a connection, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct RttEstimator {
    /// Eight times SRTT; zero before the first sample.
    srtt8: u64,
    /// Four times RTTVAR.
    var4: u64,
    rto: u32,
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
            rto: INITIAL_RTO_US as u32,
            min: u32::MAX,
            min_now: u32::MAX,
            since: 0,
            bounds: (MIN_RTO_US as u32, MAX_RTO_US as u32),
        }
    }

    /// TCP_RTO_MIN_US and TCP_RTO_MAX_MS.
    pub(super) fn set_bounds(&mut self, least: Duration, most: Duration) {
        let micros = |d: Duration| u32::try_from(d.as_micros()).unwrap_or(u32::MAX);
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

    /// Takes a measurement.
    pub(super) fn sample(&mut self, rtt: Duration) {
        let r = u64::try_from(rtt.as_micros()).unwrap_or(MAX_RTO_US).clamp(1, MAX_RTO_US);
        self.take_min(r);
        if self.srtt8 == 0 {
            // RFC 6298 section 2.2: SRTT <- R, RTTVAR <- R/2.
            self.srtt8 = r * 8;
            self.var4 = r * 2;
        } else {
            // Section 2.3: RTTVAR <- 3/4 RTTVAR + 1/4 |SRTT - R|, then SRTT <- 7/8 SRTT + 1/8 R.
            let srtt = self.srtt8 / 8;
            self.var4 = self.var4 - self.var4 / 4 + srtt.abs_diff(r);
            self.srtt8 = (self.srtt8 - srtt + r).max(8);
        }
        let rto = (self.srtt8 / 8 + self.var4.max(self.bounds.0.into())).min(MAX_RTO_US);
        self.rto = u32::try_from(rto).unwrap_or(u32::MAX);
    }

    /// Takes a measurement for the minimum only: of the youngest segment that an acknowledgement covers.
    pub(super) fn note_min(&mut self, rtt: Duration) {
        self.take_min(u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    fn take_min(&mut self, rtt: u64) {
        let rtt = u32::try_from(rtt).unwrap_or(u32::MAX - 1);
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
            self.rto = 3 * INITIAL_RTO_US as u32;
        }
    }

    /// The time-out without back-off.
    pub(super) const fn rto(&self) -> Duration {
        Duration::from_micros(if self.rto < self.bounds.1 { self.rto as u64 } else { self.bounds.1 as u64 })
    }

    /// The time-out doubled `backoff` times, up to 120 s.
    pub(super) fn backed_off(&self, backoff: u8) -> Duration {
        let rto = u64::from(self.rto).saturating_mul(1 << backoff.min(20));
        Duration::from_micros(rto.min(self.bounds.1.into()))
    }

    pub(super) const fn srtt(&self) -> Duration {
        Duration::from_micros(self.srtt8 / 8)
    }

    pub(super) const fn rttvar(&self) -> Duration {
        Duration::from_micros(self.var4 / 4)
    }

    /// Least sample; zero before the first.
    pub(super) const fn min_rtt(&self) -> Duration {
        Duration::from_micros(if self.min == u32::MAX { 0 } else { self.min as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_rfc_6298() {
        let mut rtt = RttEstimator::new();
        assert_eq!(rtt.rto(), Duration::from_secs(1));
        rtt.sample(Duration::from_millis(100));
        assert_eq!(rtt.srtt(), Duration::from_millis(100));
        assert_eq!(rtt.rttvar(), Duration::from_millis(50));
        assert_eq!(rtt.rto(), Duration::from_millis(300));
        for _ in 0..100 {
            rtt.sample(Duration::from_millis(100));
        }
        assert_eq!(rtt.rto(), Duration::from_millis(300));
        rtt.sample(Duration::from_millis(900));
        assert!(rtt.rto() > Duration::from_millis(900));
        assert_eq!(rtt.min_rtt(), Duration::from_millis(100));
    }

    #[test]
    fn the_minimum_follows_a_path_that_becomes_longer() {
        let mut rtt = RttEstimator::new();
        let mut now = Instant::from_micros(1_000_000_000);
        rtt.pass(now);
        rtt.sample(Duration::from_millis(10));
        for _ in 0..70 {
            rtt.sample(Duration::from_millis(50));
            now = now + Duration::from_secs(10);
            rtt.pass(now);
        }
        assert_eq!(rtt.min_rtt(), Duration::from_millis(50));
    }

    #[test]
    fn backs_off_to_120_seconds() {
        let mut rtt = RttEstimator::new();
        rtt.sample(Duration::from_micros(50));
        assert_eq!(rtt.backed_off(1), rtt.rto() * 2);
        assert_eq!(rtt.backed_off(200), RTO_MAX);
    }
}
