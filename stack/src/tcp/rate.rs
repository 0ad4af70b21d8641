//! How fast the network delivers: one sample for each acknowledgement (draft-cheng-iccrg-delivery-rate-estimation;
//! Linux: tcp_rate.c).
//!
//! Each frame takes with it how much had been delivered when it left, and when. When it is acknowledged, what was delivered
//! since, over the time since, is a rate. Acknowledgements come compressed, so the time taken is the longer of that in which the
//! window was sent and that in which its acknowledgements came. A sample is *application-limited* when at some moment
//! between the two there was nothing to send: it bounds the network's rate from below only.
//!
//! Bytes and microseconds, 32 bits each, compared modulo 2^32: what is in flight at once is below 2^30 bytes, and its age far
//! below the hour and eleven minutes that such a clock takes to come round.

use crate::time::{Duration, Instant};

fn clock(at: Instant) -> u32 {
    at.micros() as u32
}

fn micros(d: Duration) -> u32 {
    u32::try_from(d.as_micros()).unwrap_or(u32::MAX)
}

/// True when `a` was counted after `b`.
pub(super) const fn after(a: u32, b: u32) -> bool {
    (b.wrapping_sub(a) as i32) < 0
}

/// What a frame takes with it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Departure {
    /// When the window of the sample began to be sent.
    first_sent: u32,
    /// When the latest delivery before was reported.
    delivered_at: u32,
    /// Bytes delivered before.
    delivered: u32,
    app_limited: bool,
}

/// The youngest frame of those that an acknowledgement reports, for the sample is made of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newest {
    departure: Departure,
    sent_at: u32,
}

impl Newest {
    /// Of two, the one that left later; of two that left together, the second, which lies higher (Linux: `tcp_skb_sent_after`).
    /// Not the one with more delivered before: a whole flight may have left between two deliveries.
    pub(super) fn pick(before: Option<Newest>, departure: Departure, sent_at: Instant) -> Option<Newest> {
        let sent_at = clock(sent_at);
        match before {
            Some(n) if after(n.sent_at, sent_at) => Some(n),
            _ => Some(Newest { departure, sent_at }),
        }
    }

    /// The later of what two halves of an acknowledgement found.
    pub(super) fn later(a: Option<Newest>, b: Option<Newest>) -> Option<Newest> {
        match (a, b) {
            (Some(x), Some(y)) if !after(x.sent_at, y.sent_at) => b,
            (None, _) => b,
            _ => a,
        }
    }
}

/// A rate: so many bytes in such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Measured {
    /// Bytes delivered in all when the sample began.
    pub prior_delivered: u32,
    pub delivered: u32,
    /// Not zero.
    pub interval: Duration,
    pub app_limited: bool,
}

impl Measured {
    /// Bytes per second.
    pub(super) fn bandwidth(&self) -> u64 {
        let us = u64::from(micros(self.interval).max(1));
        u64::from(self.delivered) * 1_000_000 / us
    }
}

/// The counters of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    /// Bytes delivered so far, modulo 2^32.
    pub delivered: u32,
    /// Bytes marked lost so far, modulo 2^32.
    pub lost: u32,
    delivered_at: u32,
    first_sent: u32,
    /// What `delivered` must pass until the last moment without anything to send is behind us; 0: there was none.
    app_limited: u32,
    /// The latest sample worth telling (TCP_INFO): bytes, microseconds.
    told: (u32, u32),
    told_app_limited: bool,
}

impl Rate {
    /// A frame leaves; `idle`: nothing was in flight.
    pub(super) fn on_send(&mut self, now: Instant, idle: bool) -> Departure {
        if idle {
            self.first_sent = clock(now);
            self.delivered_at = clock(now);
        }
        Departure {
            first_sent: self.first_sent,
            delivered_at: self.delivered_at,
            delivered: self.delivered,
            app_limited: self.app_limited != 0,
        }
    }

    /// There is nothing to send, though the network would take it; `in_flight` bytes are on their way.
    pub(super) fn set_app_limited(&mut self, in_flight: u32) {
        self.app_limited = self.delivered.wrapping_add(in_flight).max(1);
    }

    /// What is sent now would be an application-limited sample.
    pub(super) const fn is_app_limited(&self) -> bool {
        self.app_limited != 0
    }

    /// An acknowledgement was taken: `bytes` were delivered by it, the counter included. `None`: it is no measure of a rate
    /// (nothing new, or an interval below the least round trip, which is a retransmission confused with its original).
    pub(super) fn sample(
        &mut self,
        now: Instant,
        newest: Option<Newest>,
        bytes: u32,
        min_rtt: Duration,
    ) -> Option<Measured> {
        if self.app_limited != 0 && after(self.delivered, self.app_limited) {
            self.app_limited = 0;
        }
        if bytes > 0 {
            self.delivered_at = clock(now);
        }
        let Newest { departure, sent_at } = newest?;
        self.first_sent = sent_at;
        let sending = sent_at.wrapping_sub(departure.first_sent);
        let acking = clock(now).wrapping_sub(departure.delivered_at);
        let interval = sending.max(acking);
        if interval == 0 || interval < micros(min_rtt) {
            return None;
        }
        let measured = Measured {
            prior_delivered: departure.delivered,
            delivered: self.delivered.wrapping_sub(departure.delivered),
            interval: Duration::from_micros(interval.into()),
            app_limited: departure.app_limited,
        };
        // The last that the network limited, or the highest that the program did.
        let (bytes, us) = (u64::from(self.told.0), u64::from(self.told.1));
        if !measured.app_limited || u64::from(measured.delivered) * us >= bytes * u64::from(interval) {
            self.told = (measured.delivered, interval);
            self.told_app_limited = measured.app_limited;
        }
        Some(measured)
    }

    /// tcpi_delivery_rate, bytes per second, and whether it was application-limited.
    pub(super) fn told(&self) -> (u64, bool) {
        let (bytes, us) = self.told;
        let rate = if us == 0 { 0 } else { u64::from(bytes) * 1_000_000 / u64::from(us) };
        (rate, self.told_app_limited)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: u64) -> Instant {
        Instant::from_micros(us)
    }

    fn ack(rate: &mut Rate, now: u64, sent_at: u64, d: Departure, bytes: u32) -> Option<Measured> {
        rate.delivered = rate.delivered.wrapping_add(bytes);
        rate.sample(at(now), Newest::pick(None, d, at(sent_at)), bytes, Duration::from_micros(1000))
    }

    #[test]
    fn a_sample_is_what_was_delivered_since_the_frame_left_over_the_time_since() {
        let mut rate = Rate { delivered: u32::MAX - 500, ..Rate::default() };
        // Across the end of both counters.
        let begin = u64::from(u32::MAX) - 1000;
        let first = rate.on_send(at(begin), true);
        let second = rate.on_send(at(begin + 100), false);
        let m = ack(&mut rate, begin + 10_000, begin, first, 1000).unwrap();
        assert_eq!((m.delivered, m.interval), (1000, Duration::from_micros(10_000)));
        assert_eq!(m.bandwidth(), 100_000);
        // 2000 bytes over what the two acknowledgements took.
        let m = ack(&mut rate, begin + 10_100, begin + 100, second, 1000).unwrap();
        assert_eq!((m.delivered, m.interval), (2000, Duration::from_micros(10_100)));
    }

    #[test]
    fn compressed_acknowledgements_do_not_make_the_network_faster() {
        let mut rate = Rate::default();
        let first = rate.on_send(at(0), true);
        ack(&mut rate, 10_000, 0, first, 1000);
        // Ten frames over 10 ms, all acknowledged at once.
        let sent: Vec<_> = (0..10).map(|n| rate.on_send(at(10_000 + n * 1000), false)).collect();
        let mut last = None;
        for (n, d) in sent.into_iter().enumerate() {
            last = ack(&mut rate, 30_000, 10_000 + n as u64 * 1000, d, 1000);
        }
        let m = last.unwrap();
        assert!(m.bandwidth() <= 1_000_000, "{m:?}");
        assert!(m.interval >= Duration::from_micros(10_000));
    }

    #[test]
    fn of_a_flight_between_two_deliveries_the_last_frame_counts() {
        let mut rate = Rate::default();
        let first = rate.on_send(at(0), true);
        let last = rate.on_send(at(8_000), false);
        let pick = |a, b| Newest::pick(Newest::pick(None, a, at(0)), b, at(8_000));
        let newest = Newest::later(pick(first, last), None);
        rate.delivered = 2000;
        // It took 8 ms to send, though the acknowledgement took 5 after the first.
        let m = rate.sample(at(8_500), newest, 2000, Duration::from_micros(500)).unwrap();
        assert_eq!(m.interval, Duration::from_micros(8_500));
        // And the next flight is reckoned from that frame on.
        assert_eq!(rate.on_send(at(9_000), false).first_sent, 8_000);
        let (a, b) = (Newest::pick(None, first, at(0)), Newest::pick(None, last, at(8_000)));
        assert_eq!(Newest::later(b, a).unwrap().sent_at, 8_000);
    }

    #[test]
    fn application_limited_until_what_was_in_flight_is_delivered() {
        let mut rate = Rate::default();
        let a = rate.on_send(at(0), true);
        assert!(!a.app_limited);
        rate.set_app_limited(2000);
        let b = rate.on_send(at(5000), false);
        assert!(b.app_limited);
        ack(&mut rate, 10_000, 0, a, 1000);
        assert!(rate.is_app_limited());
        assert!(ack(&mut rate, 15_000, 5000, b, 1001).unwrap().app_limited);
        assert!(!rate.is_app_limited());
        assert!(!rate.on_send(at(15_000), false).app_limited);
    }

    #[test]
    fn less_than_the_least_round_trip_is_no_sample() {
        let mut rate = Rate::default();
        let d = rate.on_send(at(0), true);
        assert_eq!(ack(&mut rate, 999, 0, d, 1000), None);
        assert_eq!(rate.told(), (0, false));
    }
}
