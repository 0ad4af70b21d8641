//! Congestion control: how many bytes may be in flight (RFC 5681), and how fast they leave, behind one trait.
//!
//! Windows are counted in bytes, growth in bytes acknowledged (RFC 3465), without the limit of two segments
//! per ACK: one acknowledgement often stands for a frame of 64 kB. What is lost and what is retransmitted is decided
//! elsewhere (`recovery.rs`), and so is how the window comes down during recovery (PRR).
//!
//! Two kinds of algorithm, as in Linux's `tcp_congestion_ops`. Those that answer losses ([`reno`], [`cubic`]) grow the window
//! in `on_ack`, which the connection calls for each acknowledgement outside of fast recovery, and name the threshold to which a
//! loss brings it down. Those with a model of the path ([`bbr`]) answer true to `controls_window`: nothing but them
//! (and a retransmission time-out) changes the window; `control` is called for each acknowledgement with a
//! sample of the delivery rate (`rate.rs`), and sets the window and the pacing rate.

use std::ops::{Deref, DerefMut};

use super::rate::{Measured, Rate};
use crate::time::{Duration, Instant};
use crate::types::{BbrInfo, Congestion};
use crate::wire::SeqNumber;

mod bbr;
mod cubic;
mod hystart;
mod reno;

/// Congestion window and slow-start threshold, bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub cwnd: u32,
    pub ssthresh: u32,
}

impl Default for Window {
    fn default() -> Window {
        Window { cwnd: 0, ssthresh: u32::MAX }
    }
}

/// No window needs more (the largest that RFC 7323 allows to be announced).
pub(super) const MAX_CWND: u32 = 1 << 30;

/// RFC 6928 section 2: ten segments, at most 14600 bytes or two segments.
pub(super) fn initial_window(mss: u16) -> u32 {
    let mss = u32::from(mss);
    (10 * mss).min((2 * mss).max(14_600))
}

impl Window {
    /// True below the threshold.
    pub(super) fn in_slow_start(&self) -> bool {
        self.cwnd < self.ssthresh
    }

    /// RFC 5681 section 3.1: cwnd += N in slow start, up to the threshold. Answers the bytes not used.
    fn slow_start(&mut self, acked: u32) -> u32 {
        let grown = self.cwnd.saturating_add(acked).min(self.ssthresh).min(MAX_CWND);
        let used = grown.saturating_sub(self.cwnd);
        self.cwnd = grown;
        acked - used
    }
}

/// Where loss recovery is (Linux: `enum tcp_ca_state`; the numbers are those of tcpi_ca_state).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum CaState {
    /// Nothing is wrong.
    #[default]
    Open = 0,
    /// Something was delivered out of order.
    Disorder = 1,
    /// The window comes down because of ECN.
    Cwr = 2,
    /// Fast recovery.
    Recovery = 3,
    /// After a retransmission time-out.
    Loss = 4,
}

/// An acknowledgement of new data, for algorithms that answer losses.
#[derive(Clone, Copy, Debug)]
pub(super) struct AckEvent {
    pub now: Instant,
    /// Bytes newly delivered.
    pub acked: u32,
    pub mss: u16,
    pub srtt: Duration,
    /// The least round trip.
    pub min_rtt: Duration,
    /// Round trip of the youngest segment that it reports, if it was sent once.
    pub rtt: Option<Duration>,
    /// SND.UNA, after it.
    pub una: SeqNumber,
    pub nxt: SeqNumber,
    /// The window, and not the program, holds data back (RFC 7661). If not, the window stays as it is.
    pub limited: bool,
}

impl AckEvent {
    /// One without a round-trip sample.
    #[cfg(test)]
    pub(super) fn plain(now: Instant, acked: u32, mss: u16, srtt: Duration) -> AckEvent {
        let seq = SeqNumber(0);
        AckEvent { now, acked, mss, srtt, min_rtt: srtt, rtt: None, una: seq, nxt: seq, limited: true }
    }
}

/// What an acknowledgement told of the path (Linux: `struct rate_sample`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    pub measured: Option<Measured>,
    /// Bytes newly delivered.
    pub acked: u32,
    /// Bytes newly marked lost.
    pub losses: u32,
    /// Round trip of the youngest segment that it reports, if it was sent once.
    pub rtt: Option<Duration>,
    /// The peer may have delayed it: it reports one small segment and nothing else was in flight.
    pub delayed: bool,
    /// Bytes in flight before it.
    pub prior_in_flight: u32,
}

/// What an algorithm with a model sees of a connection, and what it sets: the window.
pub(super) struct Control<'a> {
    pub now: Instant,
    pub window: &'a mut Window,
    pub rate: &'a mut Rate,
    pub mss: u16,
    /// Zero before the first sample, both.
    pub srtt: Duration,
    pub min_rtt: Duration,
    /// *pipe* of RFC 6675.
    pub in_flight: u32,
    pub state: CaState,
    /// SO_MAX_PACING_RATE
    pub max_pacing_rate: u64,
    /// When the next frame may leave, if not at once.
    pub departs: Instant,
    /// Something that differs from connection to connection.
    pub seed: u32,
}

/// An algorithm. It owns what it remembers; the window is the connection's.
pub(super) trait CongestionControl: Send {
    /// New data was acknowledged outside of fast recovery.
    fn on_ack(&mut self, _window: &mut Window, _ack: &AckEvent) {}
    /// A loss, or a mark of ECN: answers the new slow-start threshold. `in_flight` is FlightSize.
    fn on_loss(&mut self, window: &Window, in_flight: u32, mss: u16) -> u32;
    /// A retransmission time-out followed (after `on_loss`).
    fn on_timeout(&mut self) {}
    /// Data is sent again after nothing was in flight for `idle`.
    fn on_restart(&mut self, _idle: Duration) {}
    /// The last loss was none: forget it.
    fn on_undo(&mut self) {}
    /// The window after that; `prior` is the one at the loss.
    fn undo_cwnd(&self, cwnd: u32, prior: u32) -> u32 {
        cwnd.max(prior)
    }

    /// True for an algorithm with a model: `control` alone sets the window.
    fn controls_window(&self) -> bool {
        false
    }
    /// The connection begins, or begins to use this algorithm.
    fn init(&mut self, _c: &mut Control<'_>) {}
    /// An acknowledgement.
    fn control(&mut self, _c: &mut Control<'_>, _sample: &Sample) {}
    /// `c.state` was entered.
    fn on_state(&mut self, _c: &mut Control<'_>) {}
    /// A frame is about to be sent while nothing is in flight.
    fn on_tx_start(&mut self, _c: &mut Control<'_>) {}
    /// What `control` paces at, bytes per second.
    fn pacing_rate(&self) -> u64 {
        u64::MAX
    }
    /// Segments of a paced burst at least (Linux: `min_tso_segs`).
    fn min_burst(&self, _pacing_rate: u64) -> u32 {
        2
    }
    /// TCP_CC_INFO of bbr.
    fn bbr_info(&self) -> Option<BbrInfo> {
        None
    }
}

/// The algorithm of a connection. The small ones lie in the connection, which saves a box that every idle one would have.
pub(super) struct Algorithm(Kind);

enum Kind {
    Reno(reno::Reno),
    Cubic(cubic::Cubic),
    Bbr(Box<bbr::Bbr>),
}

impl Algorithm {
    /// A fresh instance.
    pub(super) fn new(which: Congestion) -> Algorithm {
        Algorithm(match which {
            Congestion::Reno => Kind::Reno(reno::Reno::default()),
            Congestion::Cubic => Kind::Cubic(cubic::Cubic::default()),
            Congestion::Bbr => Kind::Bbr(Box::default()),
        })
    }
}

impl Deref for Algorithm {
    type Target = dyn CongestionControl;

    fn deref(&self) -> &Self::Target {
        match &self.0 {
            Kind::Reno(reno) => reno,
            Kind::Cubic(cubic) => cubic,
            Kind::Bbr(bbr) => bbr.as_ref(),
        }
    }
}

impl DerefMut for Algorithm {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match &mut self.0 {
            Kind::Reno(reno) => reno,
            Kind::Cubic(cubic) => cubic,
            Kind::Bbr(bbr) => bbr.as_mut(),
        }
    }
}
