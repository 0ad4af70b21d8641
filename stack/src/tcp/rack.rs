//! RACK (RFC 8985 section 6): what was sent before something that arrived, and long enough before, is lost; and the timers that go
//! with it. Linux: `tcp_recovery.c`, `tcp_set_xmit_timer`, `tcp_rearm_rto`.
//!
//! "Long enough" is the last round trip and the window of reordering: nothing during a recovery or once three segments arrived
//! beyond, as long as the path was never seen to reorder; else a quarter of the least round trip, times the rounds that D-SACKs
//! proved it too short, at most SRTT. What is suspected only is looked at again when that time is over.
//!
//! One timer serves the retransmission time-out, the reordering window, the tail loss probe and the window probe: they exclude
//! each other ([`Rexmit`]).

use super::Cx;
use super::recovery::{AckNews, Phase};
use super::socket::{Conn, Rexmit};
use crate::time::{Duration, Instant};

/// The reordering timer's least: a timer that is shorter costs more than it saves.
const REORDER_MIN: Duration = Duration::from_millis(1);

impl Conn {
    /// RACK_update_reo_wnd of RFC 8985 section 6.2, step 4.
    fn reo_wnd(&self) -> Duration {
        let (seen, steps) = self.mend.as_ref().map_or((false, 1), |m| (m.reord_seen > 0, m.reo_wnd_mult));
        if !seen
            && (self.phase >= Phase::Recovery
                || self.board.sacked_segments_reach(self.reordering(), self.mss))
        {
            return Duration::ZERO;
        }
        (self.rtt.min_rtt() / 4 * u32::from(steps)).min(self.rtt.srtt())
    }

    /// RACK_detect_loss_and_arm_timer: marks what is lost.
    pub(super) fn rack_mark_lost(&mut self, cx: &mut Cx<'_>, news: &mut AckNews) {
        if !self.board.latest().advanced {
            return;
        }
        let found = self.board.find_lost(cx.now, self.reo_wnd());
        news.lost = news.lost.saturating_add(found.lost);
        if found.again {
            news.lost_again = true;
            cx.counters.tcp_lost_retransmits += 1;
        }
        if let Some(wait) = found.wait {
            // A microsecond more, since the clock has no smaller ones.
            let wait = wait.max(REORDER_MIN) + Duration::from_micros(1);
            let wait = wait.min(self.rtt.backed_off(self.backoff));
            self.rexmit = Rexmit::Reorder;
            self.retransmit_at = Some(cx.now + wait);
            news.rearm = false;
        }
    }

    /// The suspects have had their time.
    pub(super) fn reorder_timeout(&mut self, cx: &mut Cx<'_>) {
        if self.outstanding() == 0 {
            self.output_wanted = true;
            return;
        }
        let found = self.board.find_lost(cx.now, self.reo_wnd());
        if found.lost > 0 {
            self.mend().late_hold = false;
            if self.mtu_probe.is_some() && self.probe_lost(cx.now) {
                // No sign of congestion.
            } else if self.phase != Phase::Recovery {
                self.enter_recovery(cx, false, 0);
                self.cwnd_at_timeout(found.lost);
            }
            self.output_wanted = true;
        }
        self.rearm_rto(cx.now);
    }

    /// RFC 6298 section 5.3. After a timer of another kind the time-out counts from the head's last transmission, so that they
    /// do not put it off.
    pub(super) fn rearm_rto(&mut self, now: Instant) {
        let rto = self.rtt.backed_off(self.backoff);
        let at = match (self.rexmit, self.board.head_sent_at()) {
            (Rexmit::Reorder | Rexmit::Probe, Some(sent)) => (sent + rto).max(now + Duration::from_millis(1)),
            _ => now + rto,
        };
        self.rexmit = Rexmit::Rto;
        self.retransmit_at = Some(at);
    }

    /// The timer after an acknowledgement: RFC 6298 section 5.2 and 5.3, RFC 8985 section 7.2; and the window probe's end or
    /// renewal (Linux: `tcp_ack_probe`).
    pub(super) fn rearm_after_ack(&mut self, cx: &Cx<'_>, advanced: bool) {
        if self.outstanding() > 0 {
            if !self.schedule_probe(cx.now, true) {
                self.rearm_rto(cx.now);
            }
            return;
        }
        if self.rexmit != Rexmit::Persist || advanced {
            self.retransmit_at = None;
            self.rexmit = Rexmit::Rto;
        }
        if self.rexmit == Rexmit::Persist && self.window_end().gt(self.snd_nxt) {
            // The window is open; if what is there still cannot go, `output` arms the timer anew.
            self.retransmit_at = None;
            self.backoff = 0;
            self.trouble_since = None;
            self.output_wanted = true;
        }
    }

    /// The timer after new data left: RFC 6298 section 5.1, RFC 8985 section 7.2.
    pub(super) fn arm_rto(&mut self, now: Instant) {
        if self.rexmit == Rexmit::Persist {
            self.backoff = 0;
            self.trouble_since = None;
            self.retransmit_at = None;
            self.rexmit = Rexmit::Rto;
        }
        if self.retransmit_at.is_none() {
            self.rexmit = Rexmit::Rto;
            self.retransmit_at = Some(now + self.rtt.backed_off(self.backoff));
        }
        self.schedule_probe(now, false);
    }
}
