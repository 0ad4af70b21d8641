//! After a time-out: was it one? F-RTO (RFC 5682, the SACK-enhanced form of section 3.1 and the basic one of section 2.1), and
//! otherwise slow start over what is lost. Linux: `tcp_process_loss`.
//!
//! The head was retransmitted. If an acknowledgement moves SND.UNA without reaching what was in flight, new data is sent
//! instead of more retransmissions; when after that something arrives that was sent once and before, nothing had been lost:
//! the time-out is undone. Duplicates prove the loss.

use super::recovery::AckNews;
use super::socket::Conn;
use super::{Cx, IpOutput};
use crate::types::Full;

impl Conn {
    pub(super) fn process_loss(&mut self, cx: &mut Cx<'_>, news: &mut AckNews) {
        let recovered = self.snd_una.ge(self.high_seq);
        let advanced = news.advanced > 0;
        if advanced && self.try_undo_loss(cx, news, false) {
            return;
        }
        if self.mend().frto {
            // Step 3.b: not everything was lost, so nothing may have been.
            if news.original && self.try_undo_loss(cx, news, true) {
                return;
            }
            if self.snd_nxt.gt(self.high_seq) {
                if news.sacked || news.duplicate {
                    // Step 3.a: the loss was real.
                    self.mend().frto = false;
                }
            } else if advanced && !recovered {
                self.high_seq = self.snd_nxt;
                // Step 2.b: new data, if there is some and the peer's window has room.
                if self.unsent() > 0 && self.window_end().gt(self.snd_nxt) {
                    self.mend().frto_hold = true;
                    return;
                }
                self.mend().frto = false;
            }
        }
        self.mend().frto_hold = false;
        if recovered {
            // Step 2.a.
            if !self.try_undo_recovery(cx, news) {
                self.reopen();
            }
            return;
        }
        if !self.sack_ok {
            if self.snd_nxt.gt(self.high_seq) && news.duplicate {
                // The new data of step 2.b arrived.
                self.add_reno_sack(news);
            } else if advanced {
                self.dupacks = 0;
            }
        }
    }

    /// New data before retransmissions; where none can go, the loss is taken for real.
    pub(super) fn send_for_frto(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput) -> Result<(), Full> {
        // Whatever Nagle's rule and corking say (`tcp_xmit_recovery`).
        self.push_to = self.data_end();
        self.send_new(cx, ip)?;
        if self.snd_nxt.gt(self.high_seq) {
            return Ok(());
        }
        let mend = self.mend();
        mend.frto = false;
        mend.frto_hold = false;
        self.retransmit_lost(cx, ip)
    }
}
