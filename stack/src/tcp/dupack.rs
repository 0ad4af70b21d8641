//! A peer without SACK: duplicate acknowledgements stand for segments that arrived beyond the hole (RFC 5681 section 3.2, RFC 6582),
//! which ones is not known. Linux: `tcp_add_reno_sack` and its kin.
//!
//! Limited transmit (RFC 3042) follows: each of the first two takes a segment out of *pipe*, so new data leaves.

use super::recovery::AckNews;
use super::socket::Conn;

/// Linux: tcp_max_reordering.
const MAX_REORDERING: u32 = 300;

impl Conn {
    /// A duplicate: one more segment has arrived.
    pub(super) fn add_reno_sack(&mut self, news: &mut AckNews) {
        if self.sack_ok || !news.duplicate {
            return;
        }
        let before = self.dupacks;
        self.dupacks = self.dupacks.saturating_add(1);
        self.limit_dupacks(0);
        if self.dupacks > before {
            let mss = u32::from(self.mss);
            news.delivered = news.delivered.saturating_add(mss);
            self.stats.delivered = self.stats.delivered.wrapping_add(1);
        }
    }

    /// `advanced` bytes are acknowledged: one segment filled the hole, the others had been announced by duplicates. Answers what
    /// arrived, beyond what they announced.
    pub(super) fn remove_reno_sacks(&mut self, advanced: u32) -> u32 {
        let mss = u32::from(self.mss).max(1);
        if self.dupacks == 0 {
            return advanced;
        }
        let acked = advanced.div_ceil(mss);
        let fresh = advanced.saturating_sub(self.dupacks.saturating_mul(mss)).max(mss.min(advanced));
        self.dupacks = self.dupacks.saturating_sub(acked.saturating_sub(1));
        self.limit_dupacks(acked);
        fresh
    }

    /// More duplicates than segments beyond the hole: the network reorders, or duplicates, or the peer invents them
    /// (Linux: `tcp_check_reno_reordering`). They count no further, so that they do not inflate the window.
    fn limit_dupacks(&mut self, acked: u32) {
        let mss = u32::from(self.mss).max(1);
        let out = self.outstanding().div_ceil(mss);
        let holes = self.board.lost().saturating_add(self.board.resent()).div_ceil(mss).max(1).min(out);
        if self.dupacks.saturating_add(holes) <= out {
            return;
        }
        self.dupacks = out.saturating_sub(holes);
        let mend = self.mend();
        mend.reordering = mend.reordering.max(out.saturating_add(acked).min(MAX_REORDERING));
        mend.reord_seen = mend.reord_seen.saturating_add(1);
    }
}
