//! Proportional rate reduction (RFC 9937): while the window shrinks to the new threshold, what is sent follows what arrives.
//!
//! Above the threshold, ssthresh/RecoverFS of what arrives may leave; below it, as much as arrives, and a segment more for an
//! acknowledgement that moves SND.UNA and reveals no new loss (the slow-start bound, else the conservative one). The window is
//! set to what is in flight plus that, so retransmissions and new data share it. Counted in bytes: an acknowledgement of a
//! frame of 64 kB lets so much go in one piece, and what is less than a segment counts towards the next.

use super::recovery::{AckNews, Phase};
use super::socket::Conn;

impl Conn {
    /// RFC 9937 section 6, on entering; Linux: `tcp_init_cwnd_reduction`. `delivered`: bytes that are news.
    pub(super) fn init_reduction(&mut self, delivered: u32) {
        self.high_seq = self.snd_nxt;
        let cwnd = self.win.cwnd;
        // What was in flight before this acknowledgement, less what SACK had reported already.
        let flight = self.outstanding().saturating_sub(self.board.sacked());
        let flight = flight.saturating_add(delivered).max(self.mss.into());
        // FlightSize: what this acknowledgement took away was in flight when the network was full. Without SACK a duplicate takes
        // nothing away.
        let told = if self.sack_ok { 0 } else { self.dupacks.saturating_mul(self.mss.into()) };
        let outstanding = self.outstanding().max(flight.saturating_sub(told));
        self.win.ssthresh = self.cc.on_loss(&self.win, outstanding, self.mss);
        let mend = self.mend();
        mend.tlp_end = None;
        mend.prior_cwnd = cwnd;
        mend.recover_flight = flight;
        mend.prr_delivered = 0;
        mend.prr_out = 0;
        self.ecn.reduced();
    }

    /// RFC 9937 section 6, on each acknowledgement. `delivered` and `lost`: bytes.
    pub(super) fn cwnd_reduction(&mut self, delivered: u32, lost: u32, advanced: bool) {
        if delivered == 0 {
            return;
        }
        let mss = u32::from(self.mss);
        let pipe = self.pipe();
        let ssthresh = self.win.ssthresh;
        let Some(mend) = &mut self.mend else { return };
        mend.prr_delivered = mend.prr_delivered.saturating_add(delivered);
        let mut send = if pipe > ssthresh {
            let share = u64::from(mend.prr_delivered) * u64::from(ssthresh);
            let share = share.div_ceil(u64::from(mend.recover_flight.max(1)));
            u32::try_from(share).unwrap_or(u32::MAX).saturating_sub(mend.prr_out)
        } else {
            let mut bound = mend.prr_delivered.saturating_sub(mend.prr_out).max(delivered);
            if advanced && lost == 0 {
                bound = bound.saturating_add(mss);
            }
            bound.min(ssthresh - pipe)
        };
        // "Force a fast retransmit upon entering recovery".
        if mend.prr_out == 0 {
            send = send.max(mss);
        }
        self.win.cwnd = pipe.saturating_add(send);
    }

    /// As [`Conn::cwnd_reduction`], of an acknowledgement.
    pub(super) fn reduce_for(&mut self, news: &AckNews) {
        self.cwnd_reduction(news.delivered, news.lost, news.advanced > 0);
    }

    /// "On exiting recovery: cwnd = ssthresh", unless it was undone. Linux: `tcp_end_cwnd_reduction`.
    pub(super) fn end_cwnd_reduction(&mut self) {
        let undone = self.mend.as_ref().is_none_or(|m| m.undo_marker.is_none());
        if !self.cc.controls_window() && self.win.ssthresh < u32::MAX && (self.phase == Phase::Cwr || !undone)
        {
            self.win.cwnd = self.win.ssthresh;
        }
    }
}
