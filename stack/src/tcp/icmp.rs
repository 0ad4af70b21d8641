//! ICMP errors that quote a segment of a connection (RFC 9293 section 3.9.2.2, RFC 5927, RFC 6069).

use super::socket::{Conn, Rexmit};
use crate::counters::Counters;
use crate::error::Error;
use crate::iface::icmp::IcmpError;
use crate::time::Instant;
use crate::types::{TcpOptions, TcpState};
use crate::wire::SeqNumber;

impl Conn {
    /// RFC 9293 section 3.9.2.2, RFC 5927, RFC 1122 section 4.2.3.9; the errors are those of Linux. What an open connection
    /// only notes is returned.
    pub(super) fn on_icmp_error(
        &mut self,
        now: Instant,
        seq: SeqNumber,
        error: IcmpError,
        opts: &TcpOptions,
        counters: &mut Counters,
    ) -> Option<Error> {
        // RFC 5927 section 4.1: SND.UNA =< SEG.SEQ < SND.NXT, or a stranger made it up.
        if self.state == TcpState::Closed || !self.is_in_flight(seq) {
            counters.tcp_icmp_out_of_window += 1;
            return None;
        }
        if let IcmpError::PathMtu(mtu) = error {
            self.on_path_mtu(now, mtu, opts);
            return None;
        }
        let errno = error.error();
        if matches!(self.state, TcpState::SynSent | TcpState::SynReceived) {
            // Linux's `tcp_v4_err`: a connection attempt ends with any of them (unless data is queued and the
            // error is soft, which a user without IP_RECVERR sees as the attempt's end all the same).
            counters.tcp_icmp_aborts += 1;
            self.die(Some(errno), false);
        } else {
            if matches!(error, IcmpError::NetUnreachable | IcmpError::HostUnreachable) {
                self.revert_backoff(now, seq);
            }
            // RFC 1122 section 4.2.3.9, RFC 5927 section 5.2: an established connection is not aborted.
            self.soft_error = Some(errno);
            return self.soft_error;
        }
        None
    }

    /// RFC 6069 (Linux: `tcp_ld_RTO_revert`): a retransmission did not get through for want of a route, so the doubling that it
    /// cost was not congestion's; the next comes when it would have come without it.
    fn revert_backoff(&mut self, now: Instant, seq: SeqNumber) {
        if seq != self.snd_una || self.retries == 0 || self.backoff == 0 || self.rexmit != Rexmit::Rto {
            return;
        }
        let Some(sent) = self.board.head_sent_at() else { return };
        self.backoff -= 1;
        self.retransmit_at = Some((sent + self.rtt.backed_off(self.backoff)).max(now));
    }
}
