//! What each timer of a connection does. In the set a connection has one entry (`wheel.rs`): the earliest of its
//! retransmission (or window probe), delayed-ACK and keepalive timers.
//!
//! Limits on patience are those of Linux: 15 retransmissions, about 924 s (tcp_retries2), 8 for an orphan,
//! SYN 6, SYN-ACK 5, and TCP_USER_TIMEOUT over all of them.

use super::Cx;
use super::rtt::{RTO_MAX, RTO_MIN};
use super::socket::{Conn, Rexmit};
use crate::error::Error;
use crate::time::Duration;
use crate::types::TcpState;

/// Linux's tcp_retries2.
const RETRIES: u8 = 15;
/// Linux's tcp_retries1: from here on the path itself is suspected.
const BLACK_HOLE_RETRIES: u8 = 3;
/// What Linux uses for tcp_orphan_retries = 0.
const ORPHAN_RETRIES: u8 = 8;

/// Linux's `tcp_model_timeout`: the time that `retries` retransmissions with doubling take, from the least
/// RTO on. Patience is measured in it, so that a small RTT does not make for less of it.
fn model_timeout(retries: u8) -> Duration {
    // 200 ms doubles nine times before it exceeds 120 s.
    const DOUBLINGS: u8 = 9;
    if retries <= DOUBLINGS {
        RTO_MIN * ((2 << retries) - 1)
    } else {
        RTO_MIN * ((2 << DOUBLINGS) - 1) + RTO_MAX * u32::from(retries - DOUBLINGS)
    }
}

impl Conn {
    /// Runs what is due.
    pub(super) fn on_timer(&mut self, cx: &mut Cx<'_>) {
        if self.delack_at.is_some_and(|at| at <= cx.now) {
            self.delayed_ack_due(cx);
        }
        if self.retransmit_at.is_some_and(|at| at <= cx.now) {
            self.retransmit_at = None;
            match (self.state, self.rexmit) {
                (TcpState::SynSent | TcpState::SynReceived, _) => self.syn_timeout(cx),
                (_, Rexmit::Rto) => self.rto_timeout(cx),
                (_, Rexmit::Reorder) => self.reorder_timeout(cx),
                (_, Rexmit::Probe) => self.probe_timeout(cx),
                (_, Rexmit::Persist) => self.persist_timeout(cx),
            }
        }
        if self.departure_due && self.departs <= cx.now {
            self.departure_due = false;
            self.departure_late = true;
            self.output_wanted = true;
        }
        if self.fate.is_none() && self.keepalive_at.is_some_and(|at| at <= cx.now) {
            self.keepalive_at = None;
            self.keepalive_timeout(cx);
        }
    }

    pub(super) fn give_up(&mut self, cx: &mut Cx<'_>, rst: bool) {
        cx.counters.tcp_timeouts += 1;
        // RFC 1122 section 4.2.3.9: what ICMP said explains it best.
        let error = self.soft_error.take().unwrap_or(Error::TimedOut);
        self.die(Some(error), rst);
    }

    /// True when the user's or the general patience is at its end.
    fn out_of_patience(&mut self, cx: &Cx<'_>, retries: u8) -> bool {
        let since = *self.trouble_since.get_or_insert(cx.now);
        let user = cx.opts.user_timeout;
        let limit = if user.is_zero() { model_timeout(retries) } else { user };
        cx.now.since(since) >= limit
    }

    /// RFC 6298 sections 5.4 to 5.6.
    fn rto_timeout(&mut self, cx: &mut Cx<'_>) {
        if self.outstanding() == 0 {
            self.output_wanted = true;
            return;
        }
        // A window closed over data in flight: a peer that is alive is waited for, so this counts as probing (Linux:
        // `tcp_retransmit_timer`, `tcp_rtx_probe0_timed_out`). Twice the largest RTO without an answer are too much all the same,
        // and so is the time that the user has set, answers or not.
        let since = self.trouble_since.unwrap_or(cx.now);
        let answers =
            cx.now.since(self.stats.last_ack_recv) <= RTO_MAX * 2 || cx.now.since(since) <= RTO_MAX * 2;
        let shrunk = self.snd_wnd == 0 && !cx.orphan && cx.opts.user_timeout.is_zero();
        let retries = if cx.orphan { ORPHAN_RETRIES } else { RETRIES };
        let late = self.out_of_patience(cx, retries);
        let expired = if shrunk { !answers } else { late };
        if expired {
            self.give_up(cx, false);
            return;
        }
        cx.counters.tcp_rto += 1;
        self.stats.total_rto = self.stats.total_rto.saturating_add(1);
        self.enter_loss(cx);
        if self.mtu_probe.is_some() {
            self.trial_timed_out(cx);
        }
        let lasted = self.trouble_since.map_or(Duration::ZERO, |since| cx.now.since(since));
        if lasted >= model_timeout(BLACK_HOLE_RETRIES) {
            let head = self.board.next_lost_from(0).map_or(0, |(_, _, len)| len);
            self.suspect_black_hole(cx, head);
        }
        self.retries = self.retries.saturating_add(1);
        // "The host MUST set RTO <- RTO * 2 ("back off the timer")."
        self.backoff = self.backoff.saturating_add(1);
        // TCP_THIN_LINEAR_TIMEOUTS: a thin stream has no duplicate ACKs to hope for (tcp_stream_is_thin: fewer than 4 packets,
        // TCP_THIN_LINEAR_RETRIES: 6).
        let thin = self.outstanding().div_ceil(u32::from(self.mss).max(1)) < 4;
        if cx.opts.thin_linear && thin && self.retries <= 6 && self.state == TcpState::Established {
            self.backoff = 0;
        }
        self.retransmit_at = Some(cx.now + self.before_user_timeout(cx, self.rtt.backed_off(self.backoff)));
    }

    /// RFC 9293 section 3.8.6.1: "the transmitting host SHOULD send the first zero-window probe when a zero
    /// window has existed for the retransmission timeout period, and SHOULD increase exponentially the
    /// interval between successive probes". A peer that answers is probed for ever (MUST-37).
    fn persist_timeout(&mut self, cx: &mut Cx<'_>) {
        let waiting = self.unsent() > 0 || (self.fin_queued && !self.fin_sent);
        if self.outstanding() > 0 || !waiting {
            self.output_wanted = true;
            return;
        }
        let since = *self.trouble_since.get_or_insert(cx.now);
        let user = cx.opts.user_timeout;
        let user_over = !user.is_zero() && cx.now.since(since) >= user;
        let limit = if cx.orphan { ORPHAN_RETRIES } else { RETRIES };
        // Nobody waits for an orphan: with a peer that answers for ever and opens no window it ends all the same
        // (`tcp_probe_timer`: the interval has reached its largest).
        let unwanted = cx.orphan && self.rtt.backed_off(self.backoff) >= self.rtt.most();
        if self.probes >= limit || user_over || unwanted {
            self.give_up(cx, false);
            return;
        }
        let open = self.window_end().gt(self.snd_nxt);
        self.send_probe();
        if !open {
            self.probes = self.probes.saturating_add(1);
        }
        self.backoff = self.backoff.saturating_add(1);
        let interval = self.rtt.backed_off(self.backoff).max(RTO_MIN);
        self.retransmit_at = Some(cx.now + self.before_user_timeout(cx, interval));
    }

    /// `interval`, or the rest of TCP_USER_TIMEOUT, so that it ends when it says (`tcp_clamp_rto_to_user_timeout`,
    /// `tcp_clamp_probe0_to_user_timeout`).
    pub(super) fn before_user_timeout(&self, cx: &Cx<'_>, interval: Duration) -> Duration {
        /// TCP_TIMEOUT_MIN
        const LEAST: Duration = Duration::from_millis(2);
        let user = cx.opts.user_timeout;
        let Some(since) = self.trouble_since.filter(|_| !user.is_zero()) else { return interval };
        user.saturating_sub(cx.now.since(since)).max(LEAST).min(interval)
    }

    /// RFC 9293 section 3.8.4; or the end of an orphan in FIN_WAIT2.
    fn keepalive_timeout(&mut self, cx: &mut Cx<'_>) {
        if self.state == TcpState::FinWait2 && cx.orphan {
            // Linux's tcp_fin_timeout: the peer does not close; what it still sends is answered by RST.
            cx.counters.tcp_fin_wait2_timeouts += 1;
            self.die(None, false);
            return;
        }
        if !cx.opts.keepalive || !self.is_synchronized() {
            return;
        }
        // With something to send, retransmission and probing find out whether the peer lives.
        let busy = self.outstanding() > 0 || self.unsent() > 0;
        let last = self.stats.last_ack_recv.max(self.ack.last_data);
        let idle = cx.now.since(last);
        if busy || idle < cx.opts.keepidle {
            let left = if busy { cx.opts.keepidle } else { cx.opts.keepidle - idle };
            self.keepalive_at = Some(cx.now + left.max(Duration::from_millis(1)));
            return;
        }
        let user = cx.opts.user_timeout;
        let over = if user.is_zero() {
            u32::from(self.probes) >= cx.opts.keepcnt
        } else {
            idle >= user && self.probes > 0
        };
        if over {
            self.give_up(cx, true);
            return;
        }
        self.probes = self.probes.saturating_add(1);
        self.probe = true;
        self.output_wanted = true;
        cx.counters.tcp_keepalives_out += 1;
        self.keepalive_at = Some(cx.now + cx.opts.keepintvl);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_that_of_linux() {
        assert_eq!(model_timeout(15), Duration::from_millis(924_600));
        assert_eq!(model_timeout(8), Duration::from_millis(102_200));
    }
}
