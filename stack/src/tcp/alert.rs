//! The sender's state machine: what is lost, and which phase follows (Linux: `tcp_fastretrans_alert`).
//!
//! Runs for an acknowledgement that is out of the ordinary: a duplicate, one with news of SACK, D-SACK or ECN, or any while the
//! phase is not *Open*. Transitions and their order are Linux's; RFC 6582 and RFC 6675 are within them. Every change of
//! phase goes through [`Conn::set_phase`].

use super::Cx;
use super::recovery::{AckNews, Phase, REORDERING};
use super::socket::{Conn, Rexmit};
use crate::time::Duration;

impl Conn {
    /// The one place where the phase changes.
    pub(super) fn set_phase(&mut self, phase: Phase) {
        self.phase = phase;
        if self.cc.controls_window() {
            let (now, most) = (self.stats.last_ack_recv, u64::MAX);
            self.with_control(now, most, |cc, c| cc.on_state(c));
        }
    }

    /// The window shrinks in proportion to what arrives (Linux: `tcp_in_cwnd_reduction`).
    pub(super) fn in_reduction(&self) -> bool {
        matches!(self.phase, Phase::Cwr | Phase::Recovery)
    }

    /// See the module.
    pub(super) fn alert(&mut self, cx: &mut Cx<'_>, news: &mut AckNews) {
        if news.ece
            && let Some(mend) = &mut self.mend
        {
            // A mark asks for the reduction: it is not undone.
            mend.prior_ssthresh = 0;
        }
        if let Some(mend) = &mut self.mend {
            mend.late_hold = false;
        }
        if self.is_reneging(cx, news) {
            return;
        }
        if self.phase == Phase::Open {
            if let Some(mend) = &mut self.mend {
                mend.retrans_stamp = None;
            }
        } else if self.snd_una.ge(self.high_seq) {
            match self.phase {
                // Held until something above it is acknowledged, so that CWR reaches the peer.
                Phase::Cwr if self.snd_una != self.high_seq => {
                    self.end_cwnd_reduction();
                    self.set_phase(Phase::Open);
                }
                Phase::Recovery => {
                    if !self.sack_ok {
                        self.dupacks = 0;
                    }
                    if self.try_undo_recovery(cx, news) {
                        return;
                    }
                    self.end_cwnd_reduction();
                    self.reopen();
                }
                _ => {}
            }
        }
        match self.phase {
            Phase::Recovery => {
                if news.advanced == 0 {
                    self.add_reno_sack(news);
                } else if self.try_undo_partial(cx, news) {
                    self.mend().late_hold = true;
                    return;
                }
                if self.try_undo_dsack(cx) {
                    self.try_to_open(news);
                }
                self.identify_loss(cx, news);
                if self.phase != Phase::Recovery {
                    if !self.time_to_recover() {
                        return;
                    }
                    self.enter_recovery(cx, news.ece, news.delivered);
                }
            }
            Phase::Loss => {
                self.process_loss(cx, news);
                self.identify_loss(cx, news);
                if self.phase != Phase::Open && !news.lost_again {
                    return;
                }
                self.alert_calm(cx, news);
            }
            _ => self.alert_calm(cx, news),
        }
    }

    /// The part for every phase but those that retransmit.
    fn alert_calm(&mut self, cx: &mut Cx<'_>, news: &mut AckNews) {
        if !self.sack_ok {
            if news.advanced > 0 {
                self.dupacks = 0;
            }
            self.add_reno_sack(news);
        }
        if self.phase <= Phase::Disorder {
            self.try_undo_dsack(cx);
        }
        self.identify_loss(cx, news);
        if !self.time_to_recover() {
            self.try_to_open(news);
            return;
        }
        // A lost probe of the path MTU is no sign of congestion.
        if self.mtu_probe.is_some() && self.probe_lost(cx.now) {
            return;
        }
        self.enter_recovery(cx, news.ece, news.delivered);
    }

    /// Loss is evident (RFC 6675 section 5 step 4).
    fn time_to_recover(&self) -> bool {
        self.board.lost() > 0
    }

    /// Marks what is lost.
    fn identify_loss(&mut self, cx: &mut Cx<'_>, news: &mut AckNews) {
        if self.outstanding() == 0 {
            return;
        }
        if self.sack_ok {
            self.rack_mark_lost(cx, news);
        } else {
            self.newreno_mark_lost(news);
        }
    }

    /// RFC 6582 section 3.2 steps 2 and 3: three duplicates, or a partial acknowledgement.
    fn newreno_mark_lost(&mut self, news: &mut AckNews) {
        let evident = match self.phase {
            Phase::Recovery => news.advanced > 0,
            Phase::Loss => false,
            _ => self.dupacks >= self.reordering(),
        };
        if evident {
            let lost = self.board.mark_head_lost(u32::from(self.mss));
            news.lost += lost;
            // "retransmit the first unacknowledged segment", whatever the window says.
            self.force_retransmit |= lost > 0;
        }
    }

    /// Segments out of order that are no loss yet.
    pub(super) fn reordering(&self) -> u32 {
        self.mend.as_ref().map_or(REORDERING, |m| m.reordering)
    }

    /// Linux: `tcp_check_sack_reneging`. The peer SACKed what it does not acknowledge although it is next: perhaps its answer
    /// is only on the way in pieces, so it is given half a round trip before everything is sent again (RFC 2018 section 8).
    fn is_reneging(&mut self, cx: &mut Cx<'_>, news: &mut AckNews) -> bool {
        if news.advanced == 0 || !self.board.head_sacked() {
            return false;
        }
        cx.counters.tcp_sack_reneging += 1;
        let delay = (self.rtt.srtt() / 2).max(Duration::from_millis(10));
        self.rexmit = Rexmit::Rto;
        self.retransmit_at = Some(cx.now + delay);
        news.rearm = false;
        true
    }

    /// Open, unless something is SACKed, lost or was retransmitted (Linux: `tcp_try_to_open`).
    fn try_to_open(&mut self, news: &AckNews) {
        self.forget_stamp();
        if news.ece {
            self.enter_cwr(news.delivered);
        }
        if self.phase != Phase::Cwr {
            self.try_keep_open();
        }
    }

    /// Forgets when the first retransmission was, once none is left.
    pub(super) fn forget_stamp(&mut self) {
        if !self.any_retransmission()
            && let Some(mend) = &mut self.mend
        {
            mend.retrans_stamp = None;
        }
    }

    /// Something in flight was sent more than once.
    pub(super) fn any_retransmission(&self) -> bool {
        self.board.resent() > 0 || self.board.head_retransmitted()
    }

    pub(super) fn try_keep_open(&mut self) {
        let left = self.board.sacked() > 0 || self.board.lost() > 0 || (!self.sack_ok && self.dupacks > 0);
        let phase = if left || self.any_retransmission() { Phase::Disorder } else { Phase::Open };
        if self.phase != phase {
            self.set_phase(phase);
            self.high_seq = self.snd_nxt;
        }
    }

    /// The window shrinks although nothing was lost: for ECN, or since the device could not take more (Linux: `tcp_enter_cwr`). `delivered`: the
    /// bytes that the acknowledgement in hand brought.
    pub(super) fn enter_cwr(&mut self, delivered: u32) {
        if self.phase >= Phase::Cwr {
            return;
        }
        let mend = self.mend();
        mend.prior_ssthresh = 0;
        mend.undo_marker = None;
        self.init_reduction(delivered);
        self.set_phase(Phase::Cwr);
    }

    /// Fast recovery begins (RFC 6675 section 5 step 4, RFC 6582 section 3.2 step 2). `delivered`: as in [`Conn::enter_cwr`].
    pub(super) fn enter_recovery(&mut self, cx: &mut Cx<'_>, ece: bool, delivered: u32) {
        cx.counters.tcp_fast_recoveries += 1;
        // The time of a recovery that this one follows at once is not its own.
        self.forget_stamp();
        let mend = self.mend();
        mend.prior_ssthresh = 0;
        // The reordering timer may end what F-RTO had begun.
        mend.frto_hold = false;
        mend.late_hold = false;
        self.init_undo();
        if !self.in_reduction() {
            if !ece {
                let ssthresh = self.current_ssthresh();
                self.mend().prior_ssthresh = ssthresh;
            }
            self.init_reduction(delivered);
        }
        self.set_phase(Phase::Recovery);
        // The first retransmission leaves at once, whatever pacing and the window say (RFC 6675 section 5, step 4.3).
        self.force_retransmit = true;
        self.output_wanted = true;
    }

    /// The retransmission timer expired: RFC 5681 section 3.1, RFC 6298 section 5.4 to 5.6 (Linux: `tcp_enter_loss`).
    pub(super) fn enter_loss(&mut self, cx: &mut Cx<'_>) {
        let fresh = self.phase < Phase::Recovery;
        let many = self.phase <= Phase::Disorder && self.board.sacked_segments_reach(REORDERING, self.mss);
        // What was sent less than a round trip ago may still come.
        let patience = self.board.latest().rtt();
        let recent = (self.sack_ok && self.rtt.known()).then_some((cx.now, patience));
        let reneged = self.board.mark_all_lost(recent);
        self.dupacks = 0;
        let flight = self.outstanding();
        // "The value of ssthresh is held constant" when what timed out is a retransmission already.
        if self.phase <= Phase::Disorder
            || self.high_seq.le(self.snd_una)
            || (self.phase == Phase::Loss && self.retries == 0)
        {
            let ssthresh = self.current_ssthresh();
            let cwnd = self.win.cwnd;
            let mend = self.mend();
            mend.prior_ssthresh = ssthresh;
            mend.prior_cwnd = cwnd;
            self.win.ssthresh = self.cc.on_loss(&self.win, flight, self.mss);
            self.init_undo();
        }
        self.cc.on_timeout();
        // "cwnd MUST be set to no more than the loss window, LW, which equals 1 full-sized segment", beside what is still
        // believed in flight.
        self.win.cwnd = self.pipe().saturating_add(u32::from(self.mss));
        self.set_phase(Phase::Loss);
        self.high_seq = self.snd_nxt;
        let retries = self.retries;
        let probing = self.mtu_probe.is_some();
        let mend = self.mend();
        mend.reneged |= reneged;
        mend.tlp_end = None;
        mend.frto_hold = false;
        mend.late_hold = false;
        if many {
            // So many arrived out of order and yet it was a loss: reordering was overestimated.
            mend.reordering = mend.reordering.min(REORDERING);
        }
        // RFC 5682 section 2.1 step 1: not while a recovery is under way.
        mend.frto = (fresh || retries > 0) && !probing && !reneged;
        self.ecn.reduced();
        self.force_retransmit = true;
        self.output_wanted = true;
    }

    /// What a reduction is undone to (Linux: `tcp_current_ssthresh`).
    fn current_ssthresh(&self) -> u32 {
        if self.in_reduction() { self.win.ssthresh } else { self.win.ssthresh.max(self.win.cwnd / 4 * 3) }
    }

    /// `len` bytes never sent before have left.
    pub(super) fn note_new_data(&mut self, len: u32) {
        if self.in_reduction()
            && let Some(mend) = &mut self.mend
        {
            mend.prr_out = mend.prr_out.saturating_add(len);
        }
    }

    /// `len` bytes have left again. `stamp`: our timestamp clock.
    pub(super) fn note_retransmission(&mut self, len: u32, stamp: u32) {
        let reducing = self.in_reduction();
        let mend = self.mend();
        mend.retrans_stamp.get_or_insert(stamp);
        mend.undo_retrans = Some(mend.undo_retrans.unwrap_or(0).saturating_add(len));
        if reducing {
            mend.prr_out = mend.prr_out.saturating_add(len);
        }
    }
}
