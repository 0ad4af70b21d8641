//! What an acknowledgement means for the sender: RTT, window, loss recovery, congestion control.
//!
//! Three phases. *Open*: all is well. *Recovery* (RFC 6675 with SACK, RFC 6582 without): a loss was inferred;
//! cwnd is the new threshold, what is marked lost is retransmitted as *pipe* allows, until everything that
//! was in flight at the beginning is acknowledged. *Loss*: the retransmission timer expired; everything not
//! known delivered is lost, and slow start goes over it again (RFC 5681 section 3.1, RFC 6298 section 5).
//!
//! A retransmission that timestamps prove needless is undone (Eifel detection, RFC 3522).
//!
//! Limits: no proportional rate reduction, no tail loss probe, no F-RTO.

use super::congestion::{self, AckEvent};
use super::rtt::RTO_MAX;
use super::sack::Delivered;
use super::socket::{Conn, MIN_MSS, Rexmit};
use super::{Cx, SegmentIn};
use crate::counters::Counters;
use crate::error::Error;
use crate::iface::icmp::IcmpError;
use crate::time::{Duration, Instant};
use crate::types::{Readiness, TcpState};
use crate::wire::SeqNumber;
use crate::wire::tcp::Flags;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    Recovery,
    Loss,
}

/// What to go back to when a loss turns out to be none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undo {
    cwnd: u32,
    ssthresh: u32,
    /// Our timestamp clock at the first retransmission, once there was one.
    pub first_retransmit: Option<u32>,
}

/// What the acknowledgement field of a segment was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckOutcome {
    /// The segment may be processed further.
    Ok,
    /// It must be dropped; an answer was scheduled where one is due.
    Drop,
}

impl Conn {
    /// *pipe* of RFC 6675 section 2: bytes believed to be in the network. A peer without SACK tells with each
    /// duplicate ACK that one segment left it.
    pub(super) fn pipe(&self) -> u32 {
        let left = self.board.sacked() + self.board.lost();
        let dup = if self.sack_ok { 0 } else { self.dupacks.saturating_mul(u32::from(self.mss)) };
        self.outstanding().saturating_sub(left).saturating_sub(dup)
    }

    /// RFC 9293 section 3.10.7.4, fifth: check the ACK field; RFC 5961 section 5.
    pub(super) fn on_ack(&mut self, cx: &mut Cx<'_>, seg: &SegmentIn) -> AckOutcome {
        let repr = &seg.repr;
        if repr.ack.gt(self.snd_nxt) {
            // "If the ACK acks something not yet sent (SEG.ACK > SND.NXT), then send an ACK, drop the
            // segment, and return."
            cx.counters.tcp_ack_unsent += 1;
            self.challenge_ack(cx);
            return AckOutcome::Drop;
        }
        if repr.ack.lt(self.snd_una) {
            // RFC 5961 section 5.2: "The ACK value is considered acceptable only if it is in the range of
            // ((SND.UNA - MAX.SND.WND) <= SEG.ACK <= SND.NXT)."
            if repr.ack.lt(self.snd_una - self.max_window as usize) {
                cx.counters.tcp_ack_too_old += 1;
                self.challenge_ack(cx);
                return AckOutcome::Drop;
            }
            // An old acknowledgement still brings news of SACK.
            if self.sack_ok && !repr.options.sack_blocks.is_empty() && self.outstanding() > 0 {
                self.take_sack(cx, seg);
                self.detect_loss(cx);
            }
            return AckOutcome::Ok;
        }
        self.stats.last_ack_recv = cx.now;
        self.soft_error = None;
        self.probes = 0;
        let una_before = self.snd_una;
        let window_before = self.snd_wnd;
        let outstanding_before = self.outstanding();
        self.update_window(seg);

        let mut delivered = Delivered::default();
        if repr.ack.gt(self.snd_una) {
            delivered = self.take_cumulative(cx, repr.ack);
        }
        if self.sack_ok && !repr.options.sack_blocks.is_empty() && outstanding_before > 0 {
            let sacked = self.take_sack(cx, seg);
            delivered.bytes += sacked.bytes;
            delivered.dsack = sacked.dsack;
        }
        let advanced = u32::try_from(self.snd_una - una_before).unwrap_or(0);
        self.sample_rtt(cx, seg, &delivered, advanced > 0);
        // RFC 5681 section 2, DUPLICATE ACKNOWLEDGMENT.
        let duplicate = advanced == 0
            && outstanding_before > 0
            && seg.payload.is_empty()
            && !repr.flags.intersects(Flags::SYN | Flags::FIN)
            && self.snd_wnd == window_before;
        if advanced > 0 {
            self.progress(cx, repr, advanced, &delivered);
            self.make_room(cx);
        } else if duplicate && !self.sack_ok {
            self.dupacks = self.dupacks.saturating_add(1);
        }
        self.detect_loss(cx);
        self.rearm_after_ack(cx, advanced > 0);
        self.output_wanted |=
            advanced > 0 || delivered.bytes > 0 || duplicate || self.snd_wnd != window_before;
        AckOutcome::Ok
    }

    /// RFC 9293 section 3.10.7.4: "If (SND.WL1 < SEG.SEQ or (SND.WL1 = SEG.SEQ and SND.WL2 =< SEG.ACK)), set
    /// SND.WND <- SEG.WND, set SND.WL1 <- SEG.SEQ, and set SND.WL2 <- SEG.ACK." WL2 is SND.UNA here: a
    /// segment with an older acknowledgement does not come this far.
    fn update_window(&mut self, seg: &SegmentIn) {
        let repr = &seg.repr;
        let shift = if repr.flags.contains(Flags::SYN) { 0 } else { self.snd_wscale };
        let window = u32::from(repr.window) << shift;
        let newer = repr.ack.gt(self.snd_una)
            || repr.seq.gt(self.snd_wl1)
            || (repr.seq == self.snd_wl1 && (window > self.snd_wnd || window == 0));
        if newer {
            self.snd_wl1 = repr.seq;
            self.snd_wnd = window;
            self.max_window = self.max_window.max(window);
        }
    }

    fn take_cumulative(&mut self, cx: &mut Cx<'_>, ack: SeqNumber) -> Delivered {
        let delivered = self.board.ack_to(ack, cx.now, self.rtt.min_rtt());
        self.snd_una = ack;
        if self.urgent.is_some() {
            self.urgent_acked();
        }
        let data = u32::try_from(ack.min(self.data_end()) - self.buf_seq).unwrap_or(0) as usize;
        if data > 0 {
            self.buf_seq += data;
            self.sendbuf.ack(data, cx.pool);
            self.stats.bytes_acked += data as u64;
        }
        delivered
    }

    /// Bytes were acknowledged, and the window may have grown: the user may send more.
    fn make_room(&mut self, cx: &Cx<'_>) {
        self.sendbuf.set_limit(self.send_limit(cx.opts));
        if self.nospace.get() && self.writable(self.sendbuf.limit()) && !self.shut_wr {
            self.nospace.set(false);
            self.raise(Readiness::OUT);
        }
    }

    fn take_sack(&mut self, cx: &mut Cx<'_>, seg: &SegmentIn) -> Delivered {
        let blocks = &seg.repr.options.sack_blocks;
        let got = self.board.on_sack(blocks, self.snd_una, self.snd_nxt, cx.now, self.rtt.min_rtt());
        if got.dsack {
            cx.counters.tcp_dsack_in += 1;
            self.stats.dsack_dups = self.stats.dsack_dups.wrapping_add(1);
        }
        if let Some(rtt) = got.rtt_min {
            self.rtt.sample(rtt);
        }
        got
    }

    /// RFC 6298 section 3 (Karn), RFC 7323 section 4: time of what was sent once, else the echoed timestamp.
    fn sample_rtt(&mut self, cx: &mut Cx<'_>, seg: &SegmentIn, delivered: &Delivered, advanced: bool) {
        if let Some(rtt) = delivered.rtt_min {
            self.rtt.note_min(rtt);
        }
        if let Some(rtt) = delivered.rtt {
            self.rtt.sample(rtt);
        } else if advanced && self.ts.on && self.rtt.known() && !delivered.dsack {
            // With a D-SACK the first acknowledgement was lost and this one answers our repetition, but may echo
            // the original: the time between is our own time-out, and each such sample would double it.
            let Some((_, ecr)) = seg.repr.options.timestamps else { return };
            let ms = self.ts_now(cx.now).wrapping_sub(ecr);
            // Zero means "no echo"; more than the largest RTO cannot be.
            if ecr != 0 && u128::from(ms) < RTO_MAX.as_millis() {
                self.rtt.sample(Duration::from_millis(u64::from(ms.max(1))));
            }
        }
    }

    /// SND.UNA moved by `advanced`.
    fn progress(
        &mut self,
        cx: &mut Cx<'_>,
        repr: &crate::wire::tcp::Repr,
        advanced: u32,
        delivered: &Delivered,
    ) {
        if self.retries > 0 {
            let lasted = self.trouble_since.map_or(0, |since| cx.now.since(since).as_millis());
            self.stats.rto_recoveries = self.stats.rto_recoveries.saturating_add(1);
            self.stats.rto_ms = self.stats.rto_ms.saturating_add(u32::try_from(lasted).unwrap_or(u32::MAX));
        }
        let segments =
            delivered.bytes.max(if self.sack_ok { 0 } else { advanced }).div_ceil(u32::from(self.mss).max(1));
        self.stats.delivered = self.stats.delivered.wrapping_add(segments);
        self.retries = 0;
        self.backoff = 0;
        self.trouble_since = None;
        if self.try_undo(cx, repr) {
            return;
        }
        let acked = if self.sack_ok { delivered.bytes } else { advanced };
        match self.phase {
            Phase::Open => {
                self.dupacks = 0;
                self.grow(cx, acked);
            }
            Phase::Recovery => {
                if self.snd_una.ge(self.high_seq) {
                    // RFC 6582 section 3.2 step 3, full acknowledgement: cwnd = min (ssthresh, max
                    // (FlightSize, SMSS) + SMSS) without SACK; RFC 6675 leaves it at ssthresh.
                    if !self.sack_ok {
                        let flight = self.outstanding().max(u32::from(self.mss));
                        self.win.cwnd = self.win.ssthresh.min(flight + u32::from(self.mss));
                    }
                    self.leave_recovery();
                } else if !self.sack_ok {
                    // Partial acknowledgement: "retransmit the first unacknowledged segment. Deflate the
                    // congestion window by the amount of new data acknowledged": the segments that duplicate
                    // ACKs reported are among what is acknowledged now.
                    let segments = advanced / u32::from(self.mss.max(1));
                    self.dupacks = self.dupacks.saturating_sub(segments.saturating_sub(1));
                    self.board.mark_head_lost(u32::from(self.mss));
                    self.force_retransmit = true;
                }
            }
            Phase::Loss => {
                self.dupacks = 0;
                if self.snd_una.ge(self.high_seq) {
                    self.leave_recovery();
                }
                self.grow(cx, acked);
            }
        }
    }

    fn grow(&mut self, cx: &mut Cx<'_>, acked: u32) {
        // What the window did not hold back proves nothing about the network (RFC 7661): except in slow start
        // as long as the window is at most twice what was in use (Linux: `tcp_is_cwnd_limited`).
        let in_use = self.outstanding().saturating_add(acked);
        let limited =
            self.cwnd_limited || (self.win.in_slow_start() && self.win.cwnd < in_use.saturating_mul(2));
        if acked == 0 || !limited {
            return;
        }
        self.cwnd_limited = false;
        self.cc.on_ack(&mut self.win, &AckEvent { now: cx.now, acked, mss: self.mss, srtt: self.rtt.srtt() });
    }

    fn leave_recovery(&mut self) {
        self.phase = Phase::Open;
        self.dupacks = 0;
        self.undo = None;
        self.force_retransmit = false;
    }

    /// RFC 3522: the acknowledgement echoes a timestamp from before the first retransmission, so the original
    /// had arrived.
    fn try_undo(&mut self, cx: &mut Cx<'_>, repr: &crate::wire::tcp::Repr) -> bool {
        let Some(Undo { cwnd, ssthresh, first_retransmit: Some(stamp) }) = self.undo else { return false };
        let Some((_, ecr)) = repr.options.timestamps else { return false };
        if !self.ts.on || self.phase == Phase::Open || ecr == 0 || (ecr.wrapping_sub(stamp) as i32) >= 0 {
            return false;
        }
        cx.counters.tcp_spurious_recoveries += 1;
        self.win.cwnd = self.win.cwnd.max(cwnd);
        self.win.ssthresh = self.win.ssthresh.max(ssthresh);
        self.cc.on_undo();
        self.board.unmark_lost();
        self.leave_recovery();
        true
    }

    /// RFC 6675 section 5, RFC 6582 section 3.2 step 2: enters recovery when a loss is evident.
    fn detect_loss(&mut self, cx: &mut Cx<'_>) {
        if self.outstanding() == 0 {
            return;
        }
        let lost = if self.sack_ok {
            let lost = self.board.mark_lost(self.mss);
            let window = (self.rtt.min_rtt() / 4).max(Duration::from_micros(100));
            self.board.mark_lost_retransmits(window);
            lost || (self.phase == Phase::Open && self.board.lost() > 0)
        } else {
            self.dupacks >= 3 && self.phase == Phase::Open
        };
        if !lost || self.phase != Phase::Open {
            return;
        }
        cx.counters.tcp_fast_recoveries += 1;
        if !self.sack_ok {
            self.board.mark_head_lost(u32::from(self.mss));
        }
        self.save_for_undo();
        self.win.ssthresh = self.cc.on_loss(&self.win, self.outstanding(), self.mss);
        self.win.cwnd = self.win.ssthresh;
        self.phase = Phase::Recovery;
        self.high_seq = self.snd_nxt;
        // RFC 6675 section 5 step 4.3: "Retransmit the first data segment presumed dropped", whatever pipe
        // is.
        self.force_retransmit = true;
        self.output_wanted = true;
    }

    fn save_for_undo(&mut self) {
        self.undo = Some(Undo { cwnd: self.win.cwnd, ssthresh: self.win.ssthresh, first_retransmit: None });
    }

    /// The retransmission timer expired: RFC 5681 section 3.1, RFC 6298 section 5.4 to 5.6.
    pub(super) fn enter_loss(&mut self) {
        if self.phase != Phase::Loss || self.snd_una.ge(self.high_seq) {
            // "The value of ssthresh is held constant" when what timed out is a retransmission already.
            if self.phase == Phase::Open {
                self.save_for_undo();
            }
            self.win.ssthresh = self.cc.on_loss(&self.win, self.outstanding(), self.mss);
        }
        self.cc.on_timeout();
        // "cwnd MUST be set to no more than the loss window, LW, which equals 1 full-sized segment".
        self.win.cwnd = u32::from(self.mss);
        self.phase = Phase::Loss;
        self.high_seq = self.snd_nxt;
        self.dupacks = 0;
        self.board.mark_all_lost();
        self.force_retransmit = true;
        self.output_wanted = true;
    }

    /// RFC 6298 section 5.2 and 5.3; and the window probe's end or renewal (Linux: `tcp_ack_probe`).
    fn rearm_after_ack(&mut self, cx: &Cx<'_>, advanced: bool) {
        if self.outstanding() > 0 {
            if advanced || self.retransmit_at.is_none() || self.rexmit == Rexmit::Persist {
                self.rexmit = Rexmit::Rto;
                self.retransmit_at = Some(cx.now + self.rtt.backed_off(self.backoff));
            }
            return;
        }
        if self.rexmit == Rexmit::Rto || advanced {
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

    /// The window after the handshake (RFC 6928), or less after a lost SYN (RFC 5681 section 3.1).
    pub(super) fn start_window(&mut self, syn_lost: bool) {
        let mss = self.mss;
        self.win.cwnd = if syn_lost { u32::from(mss) } else { congestion::initial_window(mss) };
    }

    /// RFC 5681 section 4.1 as Linux does it: each RTO without anything in flight halves the window, down to
    /// the initial one.
    pub(super) fn restart_after_idle(&mut self, now: Instant) {
        let idle = now.since(self.stats.last_data_sent);
        let rto = self.rtt.rto();
        if self.outstanding() > 0 || idle <= rto || self.win.cwnd == 0 {
            return;
        }
        let restart = congestion::initial_window(self.mss).min(self.win.cwnd);
        self.win.ssthresh = self.win.ssthresh.max(self.win.cwnd / 4 * 3);
        let mut left = idle;
        while left > rto && self.win.cwnd > restart {
            left -= rto;
            self.win.cwnd /= 2;
        }
        self.win.cwnd = self.win.cwnd.max(restart);
        self.cc.on_restart(idle);
    }

    /// SND.UNA =< SEG.SEQ < SND.NXT
    pub(super) fn is_in_flight(&self, seq: SeqNumber) -> bool {
        seq.ge(self.snd_una) && seq.lt(self.snd_nxt)
    }

    /// RFC 9293 section 3.9.2.2, RFC 5927, RFC 1122 section 4.2.3.9; the errors are those of Linux. What an open connection
    /// only notes is returned.
    pub(super) fn on_icmp_error(
        &mut self,
        now: Instant,
        seq: SeqNumber,
        error: IcmpError,
        counters: &mut Counters,
    ) -> Option<Error> {
        // RFC 5927 section 4.1: SND.UNA =< SEG.SEQ < SND.NXT, or a stranger made it up.
        if self.state == TcpState::Closed || !self.is_in_flight(seq) {
            counters.tcp_icmp_out_of_window += 1;
            return None;
        }
        if let IcmpError::PathMtu(mtu) = error {
            // RFC 1191 section 6.5; the IP layer keeps the path's MTU, and `output` asks it.
            let before = self.mss;
            if !self.is_synchronized() || mtu >= self.pmtu {
                return None;
            }
            self.update_mss(mtu.max(68), None);
            if self.mss < before {
                self.board.unmark_lost();
                self.board.mark_all_lost();
                // What was too large has not been in the network: send it again at the current window.
                self.force_retransmit = true;
                if self.phase == Phase::Open {
                    self.phase = Phase::Loss;
                    self.high_seq = self.snd_nxt;
                }
                self.output_wanted = true;
                if self.retransmit_at.is_some() {
                    self.retransmit_at = Some(now + self.rtt.rto());
                }
            }
            return None;
        }
        let errno = error.error();
        if matches!(self.state, TcpState::SynSent | TcpState::SynReceived) {
            // Linux's `tcp_v4_err`: a connection attempt ends with any of them (unless data is queued and the
            // error is soft, which a user without IP_RECVERR sees as the attempt's end all the same).
            counters.tcp_icmp_aborts += 1;
            self.die(Some(errno), false);
        } else {
            // RFC 1122 section 4.2.3.9, RFC 5927 section 5.2: an established connection is not aborted.
            self.soft_error = Some(errno);
            return self.soft_error;
        }
        None
    }

    /// Takes what the path allows into account. `user`: TCP_MAXSEG.
    pub(super) fn update_mss(&mut self, mtu: u16, user: Option<u16>) {
        self.pmtu = mtu;
        let mut mss = Conn::mss_for_mtu(mtu).min(self.peer_mss);
        if let Some(user) = user {
            mss = mss.min(user);
        }
        if self.ts.on {
            mss = mss.saturating_sub(super::socket::TIMESTAMP_LEN);
        }
        // Linux's `tcp_bound_to_half_wnd`: two segments must fit the largest window, or SWS avoidance waits.
        let half = if self.max_window > 536 { self.max_window / 2 } else { self.max_window };
        if half > 0 {
            mss = mss.min(u16::try_from(half).unwrap_or(u16::MAX));
        }
        self.mss = mss.max(MIN_MSS - super::socket::TIMESTAMP_LEN);
    }
}
