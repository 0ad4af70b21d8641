//! What a segment does to a connection: event processing of RFC 9293 section 3.10.7, with RFC 5961 against
//! blind attacks and RFC 7323 against old duplicates. Where Linux is stricter or kinder than the text, that
//! is said.
//!
//! A frame that stands for several segments is processed as the one segment that it is on the circle of
//! sequence numbers. Urgent data is in `urgent.rs`.

use super::beyond::Put;
use super::memory::Strain;
use super::recovery::AckOutcome;
use super::socket::{Conn, Fate, MIN_MSS};
use super::{Cx, Disposition, SegmentIn};
use crate::error::Error;
use crate::time::{Duration, Instant};
use crate::types::{Readiness, TcpOptions, TcpState};
use crate::wire::SeqNumber;
use crate::wire::tcp::{Flags, Repr};

/// RFC 7323 section 5.5: a TS.Recent older than this says nothing any more.
const PAWS_IDLE: Duration = Duration::from_secs(24 * 24 * 3600);
/// Least interval between acknowledgements of unacceptable segments on a connection (Linux:
/// tcp_invalid_ratelimit).
const OOW_INTERVAL: Duration = Duration::from_millis(500);
/// Challenge ACKs a second over all connections, on average (RFC 5961 section 7).
const CHALLENGES_A_SECOND: u32 = 1000;
/// Linux's TCP_TIMEOUT_MIN: when to repeat a SYN that met a stale connection.
const SYN_AGAIN: Duration = Duration::from_millis(2);

/// The budget of RFC 5961 section 7, over all connections. How much there is in a second is drawn anew, from half of the average to
/// one and a half, as Linux has it: from a fixed budget a stranger could tell, by using it up on a connection of his own, whether
/// his guesses about somebody else's were challenged (CVE-2016-5696).
pub(super) struct ChallengeLimit {
    hash: super::KeyedHash,
    second: u64,
    left: u32,
}

impl ChallengeLimit {
    pub(super) fn new(hash: super::KeyedHash) -> ChallengeLimit {
        ChallengeLimit { hash, second: u64::MAX, left: 0 }
    }

    fn allow(&mut self, now: Instant) -> bool {
        let second = now.micros() / 1_000_000;
        if second != self.second {
            self.second = second;
            let drawn = std::hash::BuildHasher::hash_one(&self.hash, ("challenges", second));
            self.left = CHALLENGES_A_SECOND / 2 + (drawn % u64::from(CHALLENGES_A_SECOND)) as u32;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

impl Conn {
    /// Processes a segment of this connection.
    pub(super) fn on_segment(&mut self, cx: &mut Cx<'_>, seg: SegmentIn) -> Disposition {
        self.stats.segs_in = self.stats.segs_in.wrapping_add(seg.segments());
        if !seg.payload.is_empty() {
            self.stats.data_segs_in = self.stats.data_segs_in.wrapping_add(seg.segments());
        }
        match self.state {
            TcpState::Closed | TcpState::Listen | TcpState::TimeWait => Disposition::Reset,
            TcpState::SynSent => self.in_syn_sent(cx, seg),
            _ => self.in_synchronized(cx, seg),
        }
    }

    /// RFC 9293 section 3.10.7.3.
    fn in_syn_sent(&mut self, cx: &mut Cx<'_>, mut seg: SegmentIn) -> Disposition {
        let repr = &seg.repr;
        let has_ack = repr.flags.contains(Flags::ACK);
        if has_ack {
            // "First, check the ACK bit: [...] If SEG.ACK =< ISS or SEG.ACK > SND.NXT, send a reset (unless
            // the RST bit is set [...]) <SEQ=SEG.ACK><CTL=RST> and discard the segment."
            if repr.ack.le(self.iss) || repr.ack.gt(self.snd_nxt) {
                // Our RST ends what the peer has left of an old connection: try again soon, as Linux does.
                if self.retries == 0 && !self.is_deferred() {
                    self.retransmit_at = Some(cx.now + SYN_AGAIN);
                }
                return Disposition::Reset;
            }
            // RFC 7323 section 3.2, and Linux: an echo of a timestamp that we never sent is not for us.
            let ahead = |ecr| ecr != 0 && (self.ts_now(cx.now).wrapping_sub(ecr) as i32) < 0;
            if repr.options.timestamps.is_some_and(|(_, ecr)| ahead(ecr)) {
                cx.counters.tcp_paws += 1;
                return Disposition::Reset;
            }
        }
        // "Second, check the RST bit: [...] If the ACK was acceptable, then signal to the user "error:
        // connection reset", drop the segment, enter CLOSED state". Without ACK: drop.
        if repr.flags.contains(Flags::RST) {
            if has_ack {
                cx.counters.tcp_resets_in += 1;
                self.die(Some(Error::ConnectionRefused), false);
                return Disposition::Accepted;
            }
            return Disposition::Dropped;
        }
        // "Fourth, check the SYN bit".
        if !repr.flags.contains(Flags::SYN) {
            return Disposition::Dropped;
        }
        self.take_syn(cx.now, repr);
        if has_ack {
            self.on_syn_acked(cx, repr);
            self.snd_wnd = u32::from(repr.window);
            self.snd_wl1 = repr.seq;
            self.max_window = self.snd_wnd;
            // "If SND.UNA > ISS (our SYN has been ACKed), change the connection state to ESTABLISHED, form an
            // ACK segment and send it."
            if self.fast.is_some() {
                self.take_fast_open_answer(cx, repr);
            }
            self.establish(cx);
            self.ack_now();
            if self.fast.is_some() && !seg.payload.is_empty() {
                // tcp_fastopen_add_skb: a SYN-ACK may bring data where the SYN could have.
                seg.repr.seq += 1;
                self.take_text(cx, &mut seg);
            }
        } else {
            // "Otherwise, enter SYN-RECEIVED, form a SYN,ACK segment [...] and send it." (simultaneous open)
            self.state = TcpState::SynReceived;
            // What our SYN may have brought is sent again when the connection is open.
            self.snd_nxt = self.snd_nxt.min(self.iss + 1);
            self.snd_wnd = u32::from(repr.window);
            self.snd_wl1 = repr.seq;
            self.max_window = self.snd_wnd;
            self.syn_due = true;
            self.output_wanted = true;
            self.retries = 0;
            self.backoff = 0;
        }
        Disposition::Accepted
    }

    /// Takes sequence number and options of the peer's SYN.
    pub(super) fn take_syn(&mut self, now: Instant, repr: &Repr) {
        self.irs = repr.seq;
        self.rcv_nxt = repr.seq + 1;
        self.rcv_wup = self.rcv_nxt;
        let options = &repr.options;
        if let Some(mss) = options.mss {
            self.peer_mss = mss.max(MIN_MSS);
        }
        // RFC 7323 section 2.2: scaling counts only when both sides offer it. We always do.
        match options.window_scale {
            Some(shift) => {
                // Section 2.3: a shift above 14 counts as 14.
                self.snd_wscale = shift.min(14);
                self.wscale_ok = true;
            }
            None => {
                self.snd_wscale = 0;
                self.rcv_wscale = 0;
                self.wscale_ok = false;
            }
        }
        self.sack_ok = options.sack_permitted;
        self.ecn.on_syn(repr.flags, self.state == TcpState::SynSent);
        self.ts.on = options.timestamps.is_some();
        if let Some((val, _)) = options.timestamps {
            self.ts.recent = val;
            self.ts.recent_at = now;
        }
        // What the peer may send until our first segment says more: the unscaled window of our SYN.
        let window = self.recvbuf.limit().min(65_535).min(self.window_clamp as usize);
        self.rcv_adv = self.rcv_nxt + window;
    }

    /// Our SYN is acknowledged.
    fn on_syn_acked(&mut self, cx: &Cx<'_>, repr: &Repr) {
        let ack = repr.ack;
        if let Some(sent) = self.syn_sent_at {
            self.rtt.sample(cx.now.since(sent), ack, self.snd_nxt);
        } else if let Some(rtt) = self.echoed_rtt(cx.now, repr).filter(|_| self.syn_was_lost()) {
            // The echo says which of them was answered (`tcp_ack_update_rtt`).
            self.rtt.sample(rtt, ack, self.snd_nxt);
        } else if self.syn_was_lost() {
            // RFC 6298 section 5.7.
            self.rtt.after_syn_timeout();
        }
        self.snd_una = ack.min(self.iss + 1);
        self.stats.last_ack_recv = cx.now;
    }

    /// Both SYNs are acknowledged.
    fn establish(&mut self, cx: &mut Cx<'_>) {
        let syn_lost = self.starts_small();
        self.state = TcpState::Established;
        cx.counters.tcp_established += 1;
        self.syn_due = false;
        self.retransmit_at = None;
        self.retries = 0;
        self.backoff = 0;
        self.trouble_since = None;
        if self.pmtu != 0 {
            self.update_mss(self.pmtu, cx.opts.maxseg);
        }
        if self.win.cwnd == 0 || syn_lost {
            self.start_window(syn_lost);
        }
        let limit = self.recvbuf.limit();
        self.recvbuf.tuning.start(cx.now, self.advmss, limit, self.rtt.srtt());
        self.sendbuf.set_limit(self.send_limit(cx.opts));
        self.stats.last_data_sent = cx.now;
        self.enter_quick(16);
        self.ack.set_ato(Duration::ZERO);
        if cx.opts.keepalive {
            self.keepalive_at = Some(cx.now + cx.opts.keepidle);
        }
        self.output_wanted = true;
        self.raise(Readiness::OUT);
        if self.fin_queued {
            // The user shut down in SYN-RECEIVED: RFC 9293 section 3.10.4, "queue for processing after
            // entering ESTABLISHED state".
            self.state = TcpState::FinWait1;
        }
    }

    /// RFC 9293 section 3.10.7.4: SYN-RECEIVED and later.
    fn in_synchronized(&mut self, cx: &mut Cx<'_>, mut seg: SegmentIn) -> Disposition {
        if !self.validate(cx, &seg) {
            return Disposition::Dropped;
        }
        let flags = seg.repr.flags;
        // "Fifth, check the ACK field: if the ACK bit is off, drop the segment and return".
        if !flags.contains(Flags::ACK) {
            return Disposition::Dropped;
        }
        if self.state == TcpState::SynReceived {
            // "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state [...]. If the segment
            // acknowledgment is not acceptable, form a reset segment <SEQ=SEG.ACK><CTL=RST> and send it."
            if !(seg.repr.ack.gt(self.iss) && seg.repr.ack.le(self.snd_nxt)) {
                return Disposition::Reset;
            }
            let scaled = !flags.contains(Flags::SYN);
            self.on_syn_acked(cx, &seg.repr);
            self.snd_wnd = u32::from(seg.repr.window) << if scaled { self.snd_wscale } else { 0 };
            self.snd_wl1 = seg.repr.seq;
            self.max_window = self.max_window.max(self.snd_wnd);
            self.establish(cx);
            if flags.contains(Flags::SYN) {
                // The SYN-ACK of a simultaneous open: it carries nothing else.
                self.ack_now();
                return Disposition::Accepted;
            }
        }
        if self.on_ack(cx, &seg) == AckOutcome::Drop {
            return Disposition::Dropped;
        }
        self.store_timestamp(cx.now, &seg.repr);
        if self.fin_acked() && !self.on_fin_acked(cx) {
            return Disposition::Reset;
        }
        if self.state == TcpState::Closed || self.fate.is_some() {
            return Disposition::Accepted;
        }
        // "Sixth, check the URG bit".
        if flags.contains(Flags::URG) || self.urgent.is_some() {
            self.take_urgent(&seg, cx.opts.oobinline, cx.pool);
        }
        // "Seventh, process the segment text".
        let had_payload = !seg.payload.is_empty();
        if had_payload || flags.contains(Flags::FIN) {
            match self.state {
                TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2 => {
                    let end = seg.repr.seq + seg.payload.len();
                    if had_payload
                        && end.gt(self.rcv_nxt)
                        && self.shut_rd
                        && (cx.orphan || self.state != TcpState::Established)
                        && !self.fin_taken
                    {
                        // RFC 1122 section 4.2.2.13: "If such a host issues a CLOSE call while received data
                        // is still pending in TCP, or if new data is received after CLOSE is called, its TCP
                        // SHOULD send a RST to show that data was lost."
                        cx.counters.tcp_data_after_close += 1;
                        self.die(Some(Error::ConnectionReset), false);
                        return Disposition::Reset;
                    }
                    if self.ecn.on() {
                        self.take_ecn(cx, &seg);
                    }
                    self.take_text(cx, &mut seg);
                }
                // "CLOSE-WAIT STATE, CLOSING STATE, LAST-ACK STATE, TIME-WAIT STATE: This should not occur
                // since a FIN has been received from the remote side. Ignore the segment text." A FIN sent
                // again is answered by `validate`, which finds it outside the window; one that comes with our
                // data acknowledged is not new either.
                _ => self.ack_now(),
            }
        }
        if self.fate.is_none() {
            self.check_ack(cx);
            if cx.opts.keepalive && self.state == TcpState::Established {
                self.keepalive_at = Some(cx.now + cx.opts.keepidle);
            }
        }
        Disposition::Accepted
    }

    /// PAWS, sequence number, RST and SYN: true when the segment may be processed further.
    fn validate(&mut self, cx: &mut Cx<'_>, seg: &SegmentIn) -> bool {
        let repr = &seg.repr;
        let (syn, rst) = (repr.flags.contains(Flags::SYN), repr.flags.contains(Flags::RST));
        // RFC 7323 section 5.3, R1: "If there is a Timestamps option in the arriving segment, SEG.TSval <
        // TS.Recent, TS.Recent is valid, and the RST bit is not set, then treat the arriving segment as not
        // acceptable: Send an acknowledgment in reply [...] and drop the segment."
        if !rst && self.is_old(cx.now, seg) {
            cx.counters.tcp_paws += 1;
            if syn {
                self.challenge_ack(cx);
            } else {
                self.answer_unacceptable(cx, seg);
            }
            return false;
        }
        // "First, check sequence number". As Linux, a segment is unacceptable when it ends before what was
        // last acknowledged or begins beyond the window: what overlaps is trimmed later.
        let end = repr.seq + seg.seq_len();
        if end.lt(self.rcv_wup) || repr.seq.gt(self.rcv_nxt + self.receive_window() as usize) {
            cx.counters.tcp_out_of_window += 1;
            if rst {
                return false;
            }
            if syn {
                self.challenge_ack(cx);
            } else {
                self.answer_unacceptable(cx, seg);
            }
            return false;
        }
        // "Second, check the RST bit", RFC 5961 section 3.2: "If the RST bit is set and the sequence number
        // exactly matches the next expected sequence number (RCV.NXT), then TCP MUST reset the connection. If
        // [it] does not [...] yet is within the current receive window, TCP MUST send an acknowledgment
        // (challenge ACK)." As Linux, RCV.NXT - 1 counts after the peer's FIN, and the end of the highest
        // SACK block.
        if rst {
            let exact = repr.seq == self.rcv_nxt
                || (self.fin_taken && repr.seq + 1 == self.rcv_nxt)
                || (self.sack_ok && self.blocks.highest() == Some(repr.seq));
            if exact {
                cx.counters.tcp_resets_in += 1;
                let error = match self.state {
                    TcpState::CloseWait => Error::BrokenPipe,
                    _ => Error::ConnectionReset,
                };
                self.die(Some(error), false);
            } else {
                self.challenge_ack(cx);
            }
            return false;
        }
        // "Fourth, check the SYN bit", RFC 5961 section 4.2: "If the SYN bit is set, irrespective of the
        // sequence number, TCP MUST send an ACK (also referred to as challenge ACK) to the remote peer". But
        // for the SYN-ACK that completes a simultaneous open.
        if syn {
            let completes = self.state == TcpState::SynReceived
                && repr.flags.contains(Flags::ACK)
                && repr.seq == self.irs
                && repr.ack == self.snd_nxt;
            if !completes {
                self.challenge_ack(cx);
            }
            return completes;
        }
        true
    }

    /// True when the segment's timestamp says that it is from before one that was taken.
    fn is_old(&self, now: Instant, seg: &SegmentIn) -> bool {
        let Some((val, _)) = seg.repr.options.timestamps else { return false };
        self.ts.on
            && (val.wrapping_sub(self.ts.recent) as i32) < 0
            && now.since(self.ts.recent_at) < PAWS_IDLE
            && !self.is_disordered_ack(seg)
    }

    /// Linux's `tcp_disordered_ack`: a plain duplicate ACK that a network reordered is old by PAWS, but
    /// harmless: within one RTO it may tell SACK news.
    fn is_disordered_ack(&self, seg: &SegmentIn) -> bool {
        let repr = &seg.repr;
        let Some((val, _)) = repr.options.timestamps else { return false };
        repr.flags.contains(Flags::ACK)
            && !repr.flags.intersects(Flags::SYN | Flags::FIN)
            && seg.payload.is_empty()
            && repr.seq == self.rcv_nxt
            && repr.ack == self.snd_una
            && (u32::from(repr.window) << self.snd_wscale) == self.snd_wnd
            && u128::from(self.ts.recent.wrapping_sub(val)) <= self.rtt.rto().as_millis()
    }

    /// RFC 7323 section 4.3: "(2) If SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent, then SEG.TSval is
    /// copied to TS.Recent; otherwise, it is ignored."
    fn store_timestamp(&mut self, now: Instant, repr: &Repr) {
        if !self.ts.on {
            return;
        }
        let Some((val, _)) = repr.options.timestamps else { return };
        let newer = (val.wrapping_sub(self.ts.recent) as i32) >= 0;
        if repr.seq.le(self.rcv_wup) && (newer || now.since(self.ts.recent_at) >= PAWS_IDLE) {
            self.ts.recent = val;
            self.ts.recent_at = now;
        }
    }

    /// An ACK in answer to what RFC 5961 distrusts, within the rate limits.
    pub(super) fn challenge_ack(&mut self, cx: &mut Cx<'_>) {
        if self.oow_limited(cx.now) || !cx.challenge.allow(cx.now) {
            cx.counters.tcp_challenge_limited += 1;
            return;
        }
        cx.counters.tcp_challenge_acks += 1;
        if self.is_early_child() {
            // It has not got the SYN-ACK (tcp_check_req). Karn: no measurement from one sent twice.
            self.syn_due = true;
            self.syn_sent_at = None;
            self.output_wanted = true;
            return;
        }
        self.ack_now();
    }

    /// "If an incoming segment is not acceptable, an acknowledgment should be sent in reply".
    fn answer_unacceptable(&mut self, cx: &mut Cx<'_>, seg: &SegmentIn) {
        let repr = &seg.repr;
        // Data is answered each time: its sender waits. A bare ACK only so often, or two confused ends could
        // answer each other for ever.
        if seg.payload.is_empty() && !repr.flags.contains(Flags::FIN) && self.oow_limited(cx.now) {
            cx.counters.tcp_challenge_limited += 1;
            return;
        }
        if seg.seq_len() > 0 && repr.seq.lt(self.rcv_nxt) {
            // The peer sends again what we have: quick acknowledgements, and a D-SACK (RFC 2883).
            cx.counters.tcp_duplicates += 1;
            self.enter_quick(16);
            if self.sack_ok {
                let end = (repr.seq + seg.seq_len()).min(self.rcv_nxt);
                self.blocks.add_duplicate(repr.seq, end);
            }
            self.ack_apart();
        }
        self.ack_now();
    }

    fn oow_limited(&mut self, now: Instant) -> bool {
        if self.last_oow_ack.is_some_and(|at| now.since(at) < OOW_INTERVAL) {
            return true;
        }
        self.last_oow_ack = Some(now);
        false
    }

    /// True when our FIN has been sent and acknowledged.
    pub(super) fn fin_acked(&self) -> bool {
        self.fin_sent && self.outstanding() == 0
    }

    /// "if our FIN is now acknowledged". False: nobody waits for the peer's, and he is to be told (TCP_LINGER2).
    fn on_fin_acked(&mut self, cx: &mut Cx<'_>) -> bool {
        match self.state {
            TcpState::FinWait1 => {
                self.state = TcpState::FinWait2;
                if cx.orphan {
                    match self.fin_time(cx.opts) {
                        Some(time) => self.keepalive_at = Some(cx.now + time),
                        None => {
                            self.die(None, false);
                            return false;
                        }
                    }
                }
            }
            TcpState::Closing => {
                self.state = TcpState::Closed;
                // The peer's FIN may have come in the same batch and wait for its acknowledgement.
                self.fate = Some(Fate::TimeWait { ack: self.ack.scheduled });
            }
            TcpState::LastAck => {
                self.state = TcpState::Closed;
                self.fate = Some(Fate::Closed);
            }
            _ => {}
        }
        true
    }

    /// How long an orphan stays in FIN-WAIT-2 (tcp_fin_time): as TCP_LINGER2 says, and three and a half time-outs at least.
    pub(super) fn fin_time(&self, opts: &TcpOptions) -> Option<Duration> {
        opts.linger2.map(|time| time.max(self.rtt.rto() * 7 / 2))
    }

    /// Takes payload and FIN of a segment that begins in the window.
    fn take_text(&mut self, cx: &mut Cx<'_>, seg: &mut SegmentIn) {
        let seq = seg.repr.seq;
        let fin = seg.repr.flags.contains(Flags::FIN);
        let push = seg.repr.flags.contains(Flags::PSH);
        let whole = seg.payload.len();
        let end = seq + whole;
        if fin && self.rcv_fin.is_none() {
            self.rcv_fin = Some(end);
        }
        // Cut what is beyond the window, but a FIN that just fits behind it is kept: it takes no memory.
        let edge = self.rcv_nxt + self.receive_window() as usize;
        let edge = self.rcv_fin.map_or(edge, |f| if f.lt(edge) { f } else { edge });
        if end.gt(edge) {
            cx.counters.tcp_beyond_window += 1;
            let excess = usize::try_from(end - edge).unwrap_or(0);
            seg.payload.truncate(whole.saturating_sub(excess));
            if self.rcv_fin == Some(end) {
                self.rcv_fin = None;
            }
            if seg.payload.is_empty() {
                // No room: say so (RFC 9293 section 3.10.7.4: a zero window still takes ACKs).
                self.ack_now();
                return;
            }
        }
        let end = seq + seg.payload.len();
        let payload = std::mem::take(&mut seg.payload);
        if seq.gt(self.rcv_nxt) {
            self.take_out_of_order(cx, seq, end, payload);
            if fin && self.rcv_fin == Some(end) && self.sack_ok {
                // It is remembered, so it is reported as Linux does: a tail loss probe may be nothing but a FIN.
                self.blocks.add(end, end + 1);
            }
        } else if end.gt(self.rcv_nxt) {
            let mut payload = payload;
            let overlap = usize::try_from(self.rcv_nxt - seq).unwrap_or(0);
            if overlap > 0 && self.sack_ok {
                self.blocks.add_duplicate(seq, self.rcv_nxt);
            }
            payload.advance(overlap);
            let filled = !self.recvbuf.is_contiguous();
            let len = payload.len();
            let strain = self.charge.strain();
            if strain == Strain::Full && !self.recvbuf.is_empty() {
                // Linux: TCPRcvQDrop. The peer sends it again; what the user reads meanwhile makes room.
                cx.counters.tcp_memory_dropped += 1;
                self.ack_now();
                return;
            }
            self.measure_round_trip(cx.now, &seg.repr, len);
            let grown = self.recvbuf.push(payload, cx.pool);
            self.rcv_nxt += grown;
            self.stats.bytes_received += grown as u64;
            self.note_data(cx.now, len, seg.gso_size, push);
            // A whole window from here on: its end is beyond what the peer may send before he has heard of this.
            let window = usize::try_from(self.rcv_adv - self.rcv_wup).unwrap_or(0);
            self.recvbuf.tuning.on_data(cx.now, self.rcv_nxt, self.rcv_nxt + window);
            if filled && self.recvbuf.prune(strain) {
                self.forget_pruned(cx);
            }
            if filled {
                // RFC 5681 section 4.2: "SHOULD send an immediate ACK when it receives a data segment that
                // fills in all or part of a gap".
                self.blocks.trim(self.rcv_nxt);
                self.ack_apart();
            }
            self.raise(Readiness::IN);
        } else if !fin || whole > 0 || seq.lt(self.rcv_nxt) {
            // All of it is old: the acknowledgement was lost.
            cx.counters.tcp_duplicates += 1;
            if self.sack_ok && end.gt(seq) {
                self.blocks.add_duplicate(seq, end);
            }
            self.enter_quick(16);
            self.ack_apart();
        }
        if self.rcv_fin == Some(self.rcv_nxt) && !self.fin_taken {
            self.take_fin(cx);
        }
    }

    /// RFC 5681 section 4.2: "Out-of-order data segments SHOULD be acknowledged immediately".
    fn take_out_of_order(
        &mut self,
        cx: &mut Cx<'_>,
        seq: SeqNumber,
        end: SeqNumber,
        payload: crate::buf::Buf,
    ) {
        cx.counters.tcp_out_of_order += 1;
        self.stats.out_of_order_in = self.stats.out_of_order_in.wrapping_add(1);
        self.ack_gap();
        if payload.is_empty() {
            return;
        }
        let gap = u32::try_from(seq - self.rcv_nxt).unwrap_or(0);
        let known = payload.len();
        let (put, pruned) = self.recvbuf.push_beyond(gap, payload, self.charge.strain());
        if self.sack_ok {
            // Without SACK the sender counts duplicates, and another window makes none (`tcp_data_queue_ofo`).
            self.recvbuf.grow_for_gap(self.charge.strain());
        }
        match put {
            Put::Kept if self.sack_ok => {
                let begins = self.blocks.add(seq, end);
                if begins {
                    // So that each block is in the acknowledgements of the next ones as well (RFC 2018 section 4): one may be lost.
                    self.ack_apart();
                }
            }
            Put::Known if self.sack_ok && known > 0 => self.blocks.add_duplicate(seq, end),
            Put::Refused => cx.counters.tcp_memory_dropped += 1,
            _ => {}
        }
        if pruned {
            self.forget_pruned(cx);
        }
        self.ack.last_data = cx.now;
    }

    /// What was pruned is not reported any more (RFC 2018 section 8: the receiver may, in extreme need, discard what it
    /// reported).
    fn forget_pruned(&mut self, cx: &mut Cx<'_>) {
        cx.counters.tcp_pruned += 1;
        self.blocks.cut(self.rcv_nxt + self.recvbuf.extent());
    }

    /// The receiver's round trip by the echo of a full segment (Linux: `tcp_rcv_rtt_measure_ts`).
    fn measure_round_trip(&mut self, now: Instant, repr: &Repr, len: usize) {
        if self.ts.on
            && len >= self.ack.rcv_mss as usize
            && let Some((_, echo)) = repr.options.timestamps
        {
            let all_read = self.recvbuf.is_empty();
            self.recvbuf.tuning.on_echo(echo, self.ts_now(now), all_read);
        }
    }

    /// "Eighth, check the FIN bit": signal the user, advance RCV.NXT over the FIN, acknowledge it.
    fn take_fin(&mut self, cx: &mut Cx<'_>) {
        self.rcv_nxt += 1;
        self.rcv_adv = self.rcv_adv.max(self.rcv_nxt);
        self.blocks.trim(self.rcv_nxt);
        self.fin_taken = true;
        self.shut_rd = true;
        self.ack_now();
        self.raise(Readiness::IN | Readiness::RDHUP);
        if self.shut_wr {
            self.raise(Readiness::HUP);
        }
        match self.state {
            TcpState::Established => self.state = TcpState::CloseWait,
            // "If our FIN has been ACKed [...] enter TIME-WAIT [...]; otherwise, enter the CLOSING state."
            TcpState::FinWait1 => self.state = TcpState::Closing,
            TcpState::FinWait2 => {
                self.state = TcpState::Closed;
                self.fate = Some(Fate::TimeWait { ack: true });
            }
            _ => {}
        }
        let _ = cx;
    }
}
