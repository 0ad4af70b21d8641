//! Congestion control: how many bytes may be in flight (RFC 5681), behind one trait.
//!
//! Windows are counted in bytes, growth in bytes acknowledged (RFC 3465), without the limit of two segments
//! per ACK: one acknowledgement often stands for a frame of 64 kB. The connection calls `on_ack` only while
//! the window, and not the program, held data back (RFC 9293 section 3.8.6 leaves it open, RFC 7661 demands
//! it). What is lost and what is retransmitted is decided elsewhere (`recovery.rs`).

use crate::time::{Duration, Instant};
use crate::types::Congestion;

mod cubic;
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

/// An acknowledgement of new data.
#[derive(Clone, Copy, Debug)]
pub(super) struct AckEvent {
    pub now: Instant,
    /// Bytes newly delivered.
    pub acked: u32,
    pub mss: u16,
    pub srtt: Duration,
}

/// An algorithm. It owns what it remembers; the window is the connection's.
pub(super) trait CongestionControl: Send {
    /// New data was acknowledged, and cwnd was in use.
    fn on_ack(&mut self, window: &mut Window, ack: &AckEvent);
    /// A loss: answers the new slow-start threshold. `in_flight` is FlightSize.
    fn on_loss(&mut self, window: &Window, in_flight: u32, mss: u16) -> u32;
    /// A retransmission time-out followed (after `on_loss`).
    fn on_timeout(&mut self);
    /// Data is sent again after nothing was in flight for `idle`.
    fn on_restart(&mut self, idle: Duration);
    /// The last loss was none: forget it.
    fn on_undo(&mut self);
}

/// A fresh instance.
pub(super) fn make(which: Congestion) -> Box<dyn CongestionControl> {
    match which {
        Congestion::Reno => Box::new(reno::Reno::default()),
        Congestion::Cubic => Box::new(cubic::Cubic::default()),
    }
}
