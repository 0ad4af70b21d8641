//! Losses that were none: what D-SACK (RFC 3708) and timestamps (Eifel, RFC 3522) prove, and how a reduction is undone.
//!
//! Undone when every retransmission since the reduction was reported as a duplicate, or when what is acknowledged echoes a
//! timestamp from before the first retransmission, so the original had arrived. The names in comments are Linux's.

use super::Cx;
use super::recovery::{AckNews, Phase};
use super::socket::Conn;
use crate::wire::SeqNumber;

/// RFC 8985 section 5.3: how many recoveries a wider window of reordering lasts.
const PERSIST: u8 = 16;
/// Linux: tcp_max_reordering.
const MAX_REORDERING: u32 = 300;

impl Conn {
    /// What is retransmitted from now on counts (`tcp_init_undo`).
    pub(super) fn init_undo(&mut self) {
        let una = self.snd_una;
        let resent = self.board.resent();
        let mend = self.mend();
        mend.undo_marker = Some(una);
        let probe = if mend.tlp_end.is_some() { mend.tlp_repeated } else { 0 };
        // What is in flight again may be reported as a duplicate yet.
        let out = resent.saturating_add(probe);
        mend.undo_retrans = (out > 0).then_some(out);
    }

    /// The original arrived, and not its repetition (`tcp_packet_delayed`).
    fn is_delayed(&self, news: &AckNews) -> bool {
        let Some(stamp) = self.mend.as_ref().and_then(|m| m.retrans_stamp) else {
            // Nothing was retransmitted; unless it is forgotten already (`holds_phase`).
            return self.sack_ok || self.snd_una.lt(self.high_seq);
        };
        let stamp = stamp.wrapping_sub(self.ts.offset);
        news.echo.is_some_and(|echo| (echo.wrapping_sub(stamp) as i32) < 0)
    }

    /// `tcp_may_undo`
    fn may_undo(&self, news: &AckNews) -> bool {
        self.mend
            .as_ref()
            .is_some_and(|m| m.undo_marker.is_some() && (m.undo_retrans == Some(0) || self.is_delayed(news)))
    }

    /// `tcp_undo_cwnd_reduction`. `unmark`: what is marked lost is in flight.
    pub(super) fn undo_reduction(&mut self, cx: &mut Cx<'_>, unmark: bool) {
        cx.counters.tcp_spurious_recoveries += 1;
        if unmark {
            self.board.unmark_lost();
            self.force_retransmit = false;
        }
        let ssthresh = self.win.ssthresh;
        let mend = self.mend();
        mend.undo_marker = None;
        mend.frto_hold = false;
        let (cwnd, prior) = (mend.prior_cwnd, mend.prior_ssthresh);
        if prior > 0 {
            self.cc.on_undo();
            self.win.cwnd = self.cc.undo_cwnd(self.win.cwnd, cwnd);
            if prior > ssthresh {
                self.win.ssthresh = prior;
                self.ecn.withdraw();
            }
        }
        self.board.latest().advanced = true;
        self.output_wanted = true;
    }

    /// Everything from before the recovery is acknowledged. True: the phase is held (`tcp_try_undo_recovery`).
    pub(super) fn try_undo_recovery(&mut self, cx: &mut Cx<'_>, news: &AckNews) -> bool {
        if self.may_undo(news) {
            self.undo_reduction(cx, false);
        } else if let Some(mend) = &mut self.mend {
            mend.reo_wnd_persist = mend.reo_wnd_persist.saturating_sub(1);
            if mend.reo_wnd_persist == 0 {
                mend.reo_wnd_mult = 1;
            }
        }
        self.holds_phase()
    }

    /// Without SACK the phase is held until something above what was in flight is acknowledged: duplicates of what was
    /// retransmitted needlessly must not begin another recovery (RFC 6582 section 3.2, step 1 and section 4).
    fn holds_phase(&mut self) -> bool {
        let hold = !self.sack_ok && self.snd_una == self.high_seq;
        if hold {
            self.forget_stamp();
        }
        hold
    }

    /// Everything that was in flight is acknowledged.
    pub(super) fn reopen(&mut self) {
        self.set_phase(Phase::Open);
        self.mend().reneged = false;
        self.force_retransmit = false;
    }

    /// Every retransmission was reported as a duplicate (`tcp_try_undo_dsack`).
    pub(super) fn try_undo_dsack(&mut self, cx: &mut Cx<'_>) -> bool {
        let Some(mend) = &mut self.mend else { return false };
        if mend.undo_marker.is_none() || mend.undo_retrans != Some(0) {
            return false;
        }
        mend.reo_wnd_persist = mend.reo_wnd_persist.saturating_add(1).min(PERSIST);
        self.undo_reduction(cx, false);
        true
    }

    /// A partial acknowledgement of what was sent once: the first hole was a delay (`tcp_try_undo_partial`). True when
    /// nothing more is to be done.
    pub(super) fn try_undo_partial(&mut self, cx: &mut Cx<'_>, news: &AckNews) -> bool {
        let marked = self.mend.as_ref().is_some_and(|m| m.undo_marker.is_some());
        if !marked || !self.is_delayed(news) {
            return false;
        }
        self.note_reordering(news.prior_una, self.board.high_sacked());
        if self.board.resent() > 0 {
            // More is under way again: send new data, mark nothing.
            return true;
        }
        self.forget_stamp();
        self.undo_reduction(cx, true);
        self.try_keep_open();
        false
    }

    /// A time-out was none (`tcp_try_undo_loss`). `frto`: F-RTO says so.
    pub(super) fn try_undo_loss(&mut self, cx: &mut Cx<'_>, news: &AckNews, frto: bool) -> bool {
        if !frto && !self.may_undo(news) {
            return false;
        }
        self.undo_reduction(cx, true);
        cx.counters.tcp_spurious_rtos += 1;
        self.retries = 0;
        self.trouble_since = None;
        if self.holds_phase() {
            return true;
        }
        if frto || self.sack_ok {
            self.reopen();
        }
        true
    }

    /// Data from `low` on arrived after data up to `high` had been SACKed: how far apart, in segments, is what reordering the
    /// path is known for (`tcp_check_sack_reordering`).
    pub(super) fn note_reordering(&mut self, low: SeqNumber, high: SeqNumber) {
        if !low.lt(high) {
            return;
        }
        let mss = u32::from(self.mss).max(1);
        let metric = u32::try_from(high - low).unwrap_or(0).div_ceil(mss).min(MAX_REORDERING);
        let mend = self.mend();
        mend.reordering = mend.reordering.max(metric);
        mend.reord_seen = mend.reord_seen.saturating_add(1);
    }

    /// A D-SACK of `start..end` (`tcp_check_dsack`, `tcp_dsack_seen`).
    pub(super) fn take_dsack(
        &mut self,
        cx: &mut Cx<'_>,
        start: SeqNumber,
        end: SeqNumber,
        news: &mut AckNews,
    ) {
        let mss = u32::from(self.mss).max(1);
        let len = u32::try_from(end - start).unwrap_or(0);
        // Longer than any window, or not of data of ours.
        if len == 0 || len > self.max_window || end.gt(self.snd_nxt) {
            cx.counters.tcp_sack_discarded += 1;
            return;
        }
        cx.counters.tcp_dsack_in += 1;
        self.stats.dsack_dups = self.stats.dsack_dups.wrapping_add(len.div_ceil(mss));
        if self.stats.dsack_dups > self.stats.total_retrans {
            // More than we ever repeated: the network's duplicates, or inventions.
            return;
        }
        let una = news.prior_una;
        let within = if end.gt(self.snd_una) { self.board.retransmitted_within(start, end) } else { 0 };
        if within > 0
            && let Some(low) = self.board.repaired_within(start, end)
        {
            // The repetition of what had arrived: the original was late (`tcp_sacktag_one`).
            self.note_reordering(low, self.board.high_sacked());
        }
        news.dsack = true;
        let Some(mend) = &mut self.mend else { return };
        news.dsack_probe = mend.tlp_end == Some(end) && len <= mss;
        if mend.reord_seen > 0 && !news.dsack_probe && mend.dsack_round.is_none() {
            // RFC 8985 section 6.2 step 4, RACK_update_reo_wnd.
            mend.dsack_round = Some(self.snd_nxt);
            mend.reo_wnd_mult = mend.reo_wnd_mult.saturating_add(1);
            mend.reo_wnd_persist = PERSIST;
        }
        let Some(marker) = mend.undo_marker else { return };
        if !end.gt(marker) {
            return;
        }
        let bytes = if end.le(una) || end.le(self.snd_una) { len } else { within };
        mend.undo_retrans = mend.undo_retrans.map(|n| n.saturating_sub(bytes));
    }

    /// One round trip a widening (RFC 8985 section 6.2 step 4).
    pub(super) fn update_reo_wnd(&mut self, news: &AckNews) {
        let una = self.snd_una;
        if let Some(mend) = &mut self.mend
            && news.advanced > 0
            && mend.dsack_round.is_some_and(|round| una.ge(round))
        {
            mend.dsack_round = None;
        }
    }
}
