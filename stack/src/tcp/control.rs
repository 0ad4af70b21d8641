//! What lies between a connection and its congestion control: whether the window is in use, whether the program has
//! anything to send, and what an algorithm with a model gets to see.
//!
//! *In use* is judged as Linux does (`tcp_cwnd_validate`, which follows RFC 7661 in spirit): over a window's worth of sending,
//! was data held back by cwnd? In slow start the window counts as used while it is at most twice what was in flight at
//! once. A window that goes unused for a time-out is brought half way down to what was used (`tcp_cwnd_application_limited`); one
//! that lay idle is halved for each time-out, down to the initial one (RFC 5681 section 4.1).

use super::Cx;
use super::chrono::Limit;
use super::congestion::{CaState, CongestionControl, Control, initial_window};
use super::recovery::Phase;
use super::socket::Conn;
use crate::time::Instant;
use crate::types::TcpState;
use crate::wire::SeqNumber;

/// How much of the window is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// The latest output left data behind because of cwnd.
    pub held: bool,
    /// Data was held back by cwnd in this window.
    limited: bool,
    /// Most bytes in flight in this window.
    most: u32,
    /// The window ends when this is acknowledged.
    until: SeqNumber,
    /// Most bytes in flight since the window was last full, and when that was.
    used: u32,
    /// Milliseconds modulo 2^32.
    full_at: u32,
}

impl Usage {
    pub(super) fn new(iss: SeqNumber, now: Instant) -> Usage {
        Usage { held: false, limited: false, most: 0, until: iss, used: 0, full_at: now.millis() as u32 }
    }

    /// What was used before now does not count.
    pub(super) fn restart(&mut self, now: Instant) {
        self.used = 0;
        self.full_at = now.millis() as u32;
    }
}

impl Conn {
    /// Where loss recovery is, for an algorithm.
    pub(super) fn ca_state(&self) -> CaState {
        match self.phase {
            Phase::Open => CaState::Open,
            Phase::Disorder => CaState::Disorder,
            Phase::Cwr => CaState::Cwr,
            Phase::Recovery => CaState::Recovery,
            Phase::Loss => CaState::Loss,
        }
    }

    /// Lets the algorithm act on what a model needs. `most`: SO_MAX_PACING_RATE.
    pub(super) fn with_control(
        &mut self,
        now: Instant,
        most: u64,
        act: impl FnOnce(&mut dyn CongestionControl, &mut Control<'_>),
    ) {
        let in_flight = self.pipe();
        let state = self.ca_state();
        let mut control = Control {
            now,
            window: &mut self.win,
            rate: &mut self.board.rate,
            mss: self.mss,
            srtt: self.rtt.srtt(),
            min_rtt: self.rtt.min_rtt(),
            in_flight,
            state,
            max_pacing_rate: most,
            departs: self.departs,
            seed: self.iss.0,
        };
        act(&mut *self.cc, &mut control);
    }

    /// True when cwnd is what holds data back, so that it may grow.
    pub(super) fn is_cwnd_limited(&self) -> bool {
        // In slow start a window of twice what is used may come into use within a round trip.
        self.usage.limited || (self.win.in_slow_start() && self.win.cwnd < self.usage.most.saturating_mul(2))
    }

    /// Data was sent, or `held` says that cwnd kept it back.
    pub(super) fn note_usage(&mut self, now: Instant) {
        let flight = self.outstanding();
        let limited = self.usage.held || self.pipe() >= self.win.cwnd;
        let usage = &mut self.usage;
        if self.snd_una.ge(usage.until) || limited || (!usage.limited && flight > usage.most) {
            usage.limited = limited;
            usage.most = flight;
            usage.until = self.snd_nxt;
        }
        if self.is_cwnd_limited() {
            self.usage.used = 0;
            self.usage.full_at = now.millis() as u32;
            return;
        }
        self.usage.used = self.usage.used.max(flight);
        let unused = (now.millis() as u32).wrapping_sub(self.usage.full_at);
        if u128::from(unused) >= self.rtt.rto().as_millis() && !self.cc.controls_window() {
            self.shrink_unused(now);
        }
    }

    /// The window has not been used for a time-out.
    fn shrink_unused(&mut self, now: Instant) {
        // With a full send buffer it is not the program that has nothing to send.
        if self.phase == Phase::Open && !self.nospace.get() {
            let used = self.usage.used.max(initial_window(self.mss));
            if used < self.win.cwnd {
                self.win.ssthresh = self.win.ssthresh.max(self.win.cwnd / 4 * 3);
                self.win.cwnd = self.win.cwnd.midpoint(used);
            }
        }
        self.usage.used = 0;
        self.usage.full_at = now.millis() as u32;
    }

    /// The user is about to give us data: if all that there was is on its way, and the network would have taken more, rates measured
    /// over this moment are the program's (Linux: `tcp_rate_check_app_limited`).
    pub(super) fn check_app_limited(&mut self) {
        if self.unsent() < usize::from(self.mss) && self.board.lost() == 0 {
            let pipe = self.pipe();
            if pipe < self.win.cwnd {
                self.board.rate.set_app_limited(pipe);
            }
        }
    }

    /// A frame leaves while nothing is in flight (Linux: CA_EVENT_TX_START).
    pub(super) fn tx_start(&mut self, cx: &Cx<'_>) {
        if self.stats.bytes_sent > 0 {
            self.cc.on_restart(cx.now.since(self.stats.last_data_sent));
        }
        if self.cc.controls_window() {
            self.with_control(cx.now, cx.opts.max_pacing_rate, |cc, c| cc.on_tx_start(c));
        }
    }

    /// The algorithm begins: with the connection, or in the middle of it (TCP_CONGESTION).
    pub(super) fn begin_control(&mut self, now: Instant, most: u64) {
        self.with_control(now, most, |cc, c| cc.init(c));
    }

    /// Where the time goes (TCP_INFO).
    pub(super) fn note_limit(&mut self, now: Instant) {
        let unsent = self.unsent();
        let window = usize::try_from(self.window_end() - self.snd_nxt).unwrap_or(0);
        let limit = if unsent == 0 && self.outstanding() == 0 {
            Limit::Idle
        } else if unsent > 0 && !self.usage.held && window < unsent.min(usize::from(self.mss)) {
            Limit::Window
        } else if unsent == 0
            && self.nospace.get()
            && self.state == TcpState::Established
            && !self.is_cwnd_limited()
        {
            Limit::Buffer
        } else {
            Limit::Busy
        };
        self.chrono.set(now, limit);
    }
}
