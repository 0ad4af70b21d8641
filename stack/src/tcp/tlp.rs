//! Tail loss probes (RFC 8985 section 7): when the last acknowledgements of a flight stay away for two round trips, one segment is
//! sent, new data or else the last segment again, so that its SACK shows what is missing long before the time-out. Linux:
//! `tcp_schedule_loss_probe`, `tcp_send_loss_probe`, `tcp_process_tlp_ack`.
//!
//! The probe is sent whatever the congestion window says, once a flight. If it was a repetition and filled the only hole, nobody
//! else notices the loss: the window is reduced when its acknowledgement is not one for a duplicate.
//!
//! Only with SACK, and while nothing is known out of order.

use super::recovery::{AckNews, Phase};
use super::socket::{Conn, Rexmit};
use super::{Cx, IpOutput, segments_of};
use crate::time::{Duration, Instant};
use crate::types::{Full, TcpState};
use crate::wire::SeqNumber;
use crate::wire::tcp::Flags;

/// Linux: TCP_TIMEOUT_MIN, two ticks.
const MARGIN: Duration = Duration::from_millis(2);
/// The least, which a peer without a processor for a moment does not exceed (Linux before 4.13, where TLP had it so).
const PROBE_MIN: Duration = Duration::from_millis(10);
/// RFC 8985 section 7.2: without a measured round trip.
const UNKNOWN: Duration = Duration::from_secs(1);

impl Conn {
    /// Sets the timer for a probe; false when it is not the time for one. `advancing`: the time-out starts anew as well.
    pub(super) fn schedule_probe(&mut self, now: Instant, advancing: bool) -> bool {
        if !self.sack_ok
            || !matches!(self.phase, Phase::Open | Phase::Cwr)
            || self.outstanding() == 0
            || matches!(self.state, TcpState::SynSent | TcpState::SynReceived)
        {
            return false;
        }
        let pto = if self.rtt.known() {
            // A single segment may wait for the peer's delayed acknowledgement.
            let single = self.outstanding() <= u32::from(self.mss);
            (self.rtt.srtt() * 2 + if single { self.rtt.least() } else { MARGIN }).max(PROBE_MIN)
        } else {
            UNKNOWN
        };
        let rto = self.rtt.backed_off(self.backoff);
        let rto_at = match self.board.head_sent_at() {
            Some(sent) if !advancing => sent + rto,
            _ => now + rto,
        };
        let mut at = now + pto;
        if rto_at > now {
            at = at.min(rto_at);
        }
        self.rexmit = Rexmit::Probe;
        self.retransmit_at = Some(at);
        true
    }

    /// The probe's time has come.
    pub(super) fn probe_timeout(&mut self, cx: &mut Cx<'_>) {
        if self.outstanding() == 0 {
            self.output_wanted = true;
            return;
        }
        // RFC 8985 section 7.3: none is under way, and a round trip was measured since the last.
        let mend = self.mend();
        if mend.tlp_end.is_none() && !mend.tlp_spent {
            mend.tlp_due = true;
            self.output_wanted = true;
        }
        // Until it has left, and if it cannot.
        self.rearm_rto(cx.now);
    }

    /// Sends the probe that is due.
    pub(super) fn send_loss_probe(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput) -> Result<(), Full> {
        let idle = self.outstanding() == 0 || !matches!(self.phase, Phase::Open | Phase::Cwr);
        let mss = self.segment_size();
        let n = self.unsent().min(mss);
        let window = usize::try_from(self.window_end() - self.snd_nxt).unwrap_or(0);
        let repetition = n == 0 || window < n;
        if idle {
            self.mend().tlp_due = false;
            return Ok(());
        }
        let mut repeated = 0;
        if !repetition {
            let last = n == self.unsent();
            let fin = last && self.fin_queued && window > n;
            let mut flags = Flags::ACK;
            if last {
                flags |= Flags::PSH;
            }
            if fin {
                flags |= Flags::FIN;
            }
            let start = self.snd_nxt;
            self.send_data(cx, ip, start, n, mss, flags)?;
            self.sent_new(cx, start, n, fin, mss);
        } else {
            repeated = self.repeat_tail(cx, ip, mss)?;
            if repeated == 0 {
                self.mend().tlp_due = false;
                return Ok(());
            }
        }
        cx.counters.tcp_loss_probes += 1;
        let end = self.snd_nxt;
        let mend = self.mend();
        mend.tlp_due = false;
        mend.tlp_end = Some(end);
        mend.tlp_repeated = repeated;
        mend.tlp_spent = true;
        self.rexmit = Rexmit::Rto;
        self.retransmit_at = Some(cx.now + self.rtt.backed_off(self.backoff));
        Ok(())
    }

    /// Sends the last segment again. Answers its bytes, none when the peer's window does not allow it.
    fn repeat_tail(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput, mss: usize) -> Result<u32, Full> {
        let Some((index, start, len)) = self.board.cut_tail(u32::from(self.mss)) else { return Ok(0) };
        // A window that the peer took back; the head goes all the same, as a window probe.
        let window = u32::try_from(self.window_end() - start).unwrap_or(0);
        let len = match window {
            0 if start != self.snd_una => return Ok(0),
            0 => len,
            _ => len.min(window),
        };
        let end = start + len as usize;
        let data_end = self.data_end();
        let data = usize::try_from(end.min(data_end) - start).unwrap_or(0);
        let fin = self.fin_sent && end.gt(data_end);
        let flags = Flags::ACK | if fin { Flags::FIN } else { Flags::PSH };
        self.send_data(cx, ip, start, data, mss, flags)?;
        self.count_retransmission(cx, data, mss);
        self.board.on_retransmit(index, len, cx.now, true);
        Ok(len)
    }

    /// Counts a repetition.
    pub(super) fn count_retransmission(&mut self, cx: &mut Cx<'_>, data: usize, mss: usize) {
        let segments = segments_of(data, mss);
        cx.counters.tcp_retransmits += u64::from(segments);
        self.stats.total_retrans = self.stats.total_retrans.wrapping_add(segments);
        self.stats.bytes_retrans += data as u64;
    }

    /// RFC 8985 section 7.4.2: what an acknowledgement says of the probe.
    pub(super) fn process_tlp_ack(&mut self, cx: &mut Cx<'_>, ack: SeqNumber, news: &AckNews) {
        let Some(mend) = &mut self.mend else { return };
        let Some(end) = mend.tlp_end.filter(|end| ack.ge(*end)) else { return };
        if mend.tlp_repeated == 0 || news.dsack_probe {
            // New data arrived; or original and repetition did.
            mend.tlp_end = None;
        } else if ack.gt(end) {
            // The acknowledgement goes on and no duplicate was reported: the probe repaired a loss.
            cx.counters.tcp_loss_probe_recoveries += 1;
            self.init_reduction(news.delivered);
            self.set_phase(Phase::Cwr);
            self.end_cwnd_reduction();
            self.try_keep_open();
        } else if news.duplicate && !news.sacked {
            mend.tlp_end = None;
        }
    }
}
