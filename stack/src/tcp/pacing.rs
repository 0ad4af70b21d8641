//! Pacing: frames leave at a rate instead of all at once, by a timer of the connection.
//!
//! A burst of a whole window meets the queue of the narrowest link, and a short queue loses the end of it. So where the round
//! trip is long (the least is above 1 ms) frames are kept apart by their size over the *pacing rate*: twice the
//! window each round trip in slow start, 1.2 times in congestion avoidance (as Linux's `tcp_update_pacing_rate`), or what
//! an algorithm with a model says (BBR), at most SO_MAX_PACING_RATE. Algorithm and limit hold for near peers too; without them
//! a near peer gets everything at once: a timer cannot keep frames of 64 kB apart at 40 Gbit/s, and there is nothing to gain.
//!
//! A window of four segments or fewer is not kept apart (RFC 3390's initial window).
//!
//! A burst is what the rate gives in 2^-10 s, but two segments at least, and more for near peers (Linux: `tcp_tso_autosize`). The
//! first ten segments are not paced (as `tcp_update_skb_after_send`), acknowledgements and probes never. A timer that comes late,
//! by up to 10 ms and a quarter of the round trip, is made up for, for it waits for a processor here, while the kernel's runs in an
//! interrupt. Linux gives half a frame back at most, and so does a longer wait here, or one for data or window. (Builds of before
//! and after: 70 to 84 and 91 of 100 Mbit/s on a busy machine; they differed in other things, too.)
//!
//! The time of departure is exact to the microsecond here; what the host's sleep adds is its affair. Nothing spins.

use super::socket::Conn;
use crate::time::{Duration, Instant};
use crate::types::TcpOptions;

/// Round trips up to which nothing is paced, but by algorithm or option.
const NEAR: Duration = Duration::from_millis(1);
/// A burst is what is sent in 2^-10 s (Linux: sk_pacing_shift).
const SHIFT: u32 = 10;
/// What a near peer gets more at once: this, halved for each 512 us of round trip (Linux: tcp_tso_rtt_log).
const NEAR_BURST: u64 = 65_536;
const NEAR_SHIFT: u32 = 9;
/// Segments of a connection before it is paced.
const FREE_SEGMENTS: u32 = 10;
/// Segments of a window that may leave at once.
const SMALL_WINDOW: u32 = 4;
/// Percent of a window each round trip.
const SLOW_START: u64 = 200;
const AVOIDANCE: u64 = 120;

/// Lateness of a timer that is made up for in full.
const CATCH_UP: Duration = Duration::from_millis(10);

/// When the next frame may leave after one of `bytes` that left at `now` and might have at `departs`. A timer late by up to
/// `catch_up` takes nothing from the rate: what had its time meanwhile leaves at once.
fn next_departure(now: Instant, departs: Instant, bytes: usize, rate: u64, catch_up: Duration) -> Instant {
    let us = (bytes as u64).saturating_mul(1_000_000) / rate.max(1);
    let late = now.since(departs);
    if late <= catch_up {
        // Also what left before its time, the first retransmission of a recovery, counts; but such debts do not add up, or time-outs
        // at a low rate would silence the connection for longer and longer.
        let us = Duration::from_micros(us);
        return departs.min(now + us) + us;
    }
    let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
    now + Duration::from_micros(us - late.min(us) / 2)
}

impl Conn {
    /// tcpi_pacing_rate: bytes per second, whether it acts or not.
    pub(super) fn pacing_rate(&self, most: u64) -> u64 {
        if self.cc.controls_window() {
            return self.cc.pacing_rate().min(most);
        }
        let srtt = u64::try_from(self.rtt.srtt().as_micros()).unwrap_or(u64::MAX);
        if srtt == 0 {
            return most;
        }
        let window = u64::from(self.win.cwnd.max(self.outstanding()));
        let percent = if self.win.cwnd < self.win.ssthresh / 2 { SLOW_START } else { AVOIDANCE };
        // At most 2^30 * 10^6 * 2.
        (window * (1_000_000 / 100) * percent / srtt).min(most).max(1)
    }

    /// The rate that frames leave at now, if they are paced.
    pub(super) fn paced(&self, opts: &TcpOptions) -> Option<u64> {
        // A few segments are no burst; and after losses and late acknowledgements the rate, which the smoothed round trip
        // decides, would be far below the path's.
        let aim = if self.in_reduction() { self.win.ssthresh } else { 0 };
        let wide = self.win.cwnd.max(aim) > SMALL_WINDOW * u32::from(self.mss);
        let far = opts.pacing && wide && self.rtt.min_rtt() > NEAR;
        if !far && opts.max_pacing_rate == u64::MAX && !self.cc.controls_window() {
            return None;
        }
        let rate = self.pacing_rate(opts.max_pacing_rate);
        // A limit of 0 is none (`tcp_update_skb_after_send`), and so is a model's rate of 0: what it has measured is
        // next to nothing (`LEAST_SHIFT` in bbr.rs).
        (rate != u64::MAX
            && rate > 0
            && opts.max_pacing_rate > 0
            && self.stats.data_segs_out >= FREE_SEGMENTS)
            .then_some(rate)
    }

    /// True when nothing may leave yet; the timer is set then.
    pub(super) fn awaits_departure(&mut self, now: Instant) -> bool {
        self.departure_due = self.departs > now;
        self.departure_due
    }

    /// `bytes` left.
    pub(super) fn departed(&mut self, now: Instant, bytes: usize, rate: u64) {
        // Only what waited for the timer: who had nothing to send, or no window, gets no burst for it.
        let catch_up = if self.departure_late { CATCH_UP.min(self.rtt.srtt() / 4) } else { Duration::ZERO };
        self.departs = next_departure(now, self.departs, bytes, rate, catch_up);
    }

    /// Payload of a frame at this rate: at most `max`, in whole segments.
    pub(super) fn burst(&self, rate: u64, mss: usize, max: usize) -> usize {
        let rtt = u64::try_from(self.rtt.min_rtt().as_micros()).unwrap_or(u64::MAX) >> NEAR_SHIFT;
        let near = u32::try_from(rtt).ok().and_then(|n| NEAR_BURST.checked_shr(n)).unwrap_or(0);
        let bytes = usize::try_from((rate >> SHIFT).saturating_add(near)).unwrap_or(usize::MAX);
        let least = self.cc.min_burst(rate) as usize * mss;
        let bytes = bytes.min(max).max(least.min(max));
        (bytes - bytes % mss.max(1)).max(mss)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_kept_apart_by_their_size_over_the_rate() {
        let at = Instant::from_micros;
        let next = |now, departs| {
            next_departure(at(now), at(departs), 3000, 1_000_000, Duration::from_millis(5)).micros()
        };
        // 3000 bytes at 1 MB/s take 3 ms; the first has been late for ever, which is worth half a frame.
        assert_eq!(next(1_000_000, 0), 1_001_500);
        assert_eq!(next(1_001_500, 1_001_500), 1_004_500);
        // A timer 200 us late costs nothing, nor one that two more frames waited for.
        assert_eq!(next(1_004_700, 1_004_500), 1_007_500);
        assert_eq!(next(1_009_500, 1_004_500), 1_007_500);
        // What leaves 2 ms before its time takes nothing from the others.
        assert_eq!(next(1_002_500, 1_004_500), 1_007_500);
        // Early ones again and again do not add up: the next leaves after two of them at most.
        assert_eq!(next(1_002_500, 1_050_000), 1_008_500);
        // That is a pause.
        assert_eq!(next(1_009_501, 1_004_500), 1_011_001);
    }
}
