//! What an acknowledgement means for the sender (Linux: `tcp_ack`), and what it must remember of losses.
//!
//! An acknowledgement goes through four hands: what arrived is taken from the scoreboard and collected in [`AckNews`]; the state
//! machine (`alert.rs`) decides what is lost and which phase follows, unless all is well; the congestion window follows
//! (`cwnd.rs`: growth, proportional reduction or an algorithm's own control); the timer is set anew (`rack.rs`).
//!
//! Phases are Linux's. *Open*: all is well. *Disorder*: something arrived out of order, nothing is known lost. *Cwr*: the window
//! shrinks without a loss, for ECN. *Recovery*: a loss was inferred; what is lost is retransmitted while the window
//! shrinks in proportion (`prr.rs`), until everything that was in flight at the beginning is acknowledged. *Loss*: the
//! retransmission timer expired; slow start goes over what is lost, unless it turns out that nothing was (`frto.rs`).
//!
//! [`Mend`] is what only a connection that has met trouble needs, in a box made at the first of it.

use super::rtt::RTO_MAX;
use super::scoreboard::{Arrival, Delivered};
use super::socket::{Conn, Rexmit};
use super::{Cx, SegmentIn};
use crate::time::{Duration, Instant};
use crate::types::Readiness;
use crate::wire::SeqNumber;
use crate::wire::tcp::{Flags, Repr, SackBlocks};

/// See the module. The numbers are tcpi_ca_state's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Open = 0,
    Disorder = 1,
    Cwr = 2,
    Recovery = 3,
    Loss = 4,
}

/// Segments out of order that are no loss yet (Linux: tcp_reordering).
pub(super) const REORDERING: u32 = 3;

/// Memory of losses and reordering. Windows in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mend {
    /// SND.UNA when the current reduction began; None: there is nothing to undo.
    pub undo_marker: Option<SeqNumber>,
    /// Bytes retransmitted since and not reported as duplicates; None: nothing was retransmitted yet.
    pub undo_retrans: Option<u32>,
    /// What undoing goes back to; `prior_ssthresh` is 0 when it may not (ECN).
    pub prior_cwnd: u32,
    pub prior_ssthresh: u32,
    /// Our timestamp clock at the first retransmission.
    pub retrans_stamp: Option<u32>,
    /// RFC 9937: RecoverFS, prr_delivered and prr_out.
    pub recover_flight: u32,
    pub prr_delivered: u32,
    pub prr_out: u32,
    /// F-RTO has not decided yet.
    pub frto: bool,
    /// It wants new data sent before anything is retransmitted.
    pub frto_hold: bool,
    /// Originals arrive late: until the next acknowledgement nothing is sent again (`try_undo_partial`).
    pub late_hold: bool,
    /// A tail loss probe is to be sent.
    pub tlp_due: bool,
    /// RFC 8985 section 7.3: TLP.end_seq, and in place of TLP.is_retrans the bytes that were sent again.
    pub tlp_end: Option<SeqNumber>,
    pub tlp_repeated: u32,
    /// No round trip was measured since the last probe.
    pub tlp_spent: bool,
    /// RFC 8985 section 5.3: RACK.reo_wnd_mult, RACK.reo_wnd_persist, RACK.dsack_round.
    pub reo_wnd_mult: u8,
    pub reo_wnd_persist: u8,
    pub dsack_round: Option<SeqNumber>,
    /// Segments that the path is known to reorder by, and how often it did.
    pub reordering: u32,
    pub reord_seen: u32,
    /// The peer dropped what it had SACKed: rates are not measured until that is repaired.
    pub reneged: bool,
}

impl Default for Mend {
    fn default() -> Mend {
        Mend {
            undo_marker: None,
            undo_retrans: None,
            prior_cwnd: 0,
            prior_ssthresh: 0,
            retrans_stamp: None,
            recover_flight: 0,
            prr_delivered: 0,
            prr_out: 0,
            frto: false,
            frto_hold: false,
            late_hold: false,
            tlp_due: false,
            tlp_end: None,
            tlp_repeated: 0,
            tlp_spent: false,
            reo_wnd_mult: 1,
            reo_wnd_persist: 0,
            dsack_round: None,
            reordering: REORDERING,
            reord_seen: 0,
            reneged: false,
        }
    }
}

/// What one acknowledgement brought.
#[derive(Clone, Copy, Debug)]
pub(super) struct AckNews {
    pub prior_una: SeqNumber,
    /// *pipe* before it.
    pub prior_pipe: u32,
    /// Bytes by which SND.UNA moved.
    pub advanced: u32,
    /// Bytes that arrived, those included of which SACK told and those that duplicate ACKs stand for.
    pub delivered: u32,
    /// Bytes that were found lost.
    pub lost: u32,
    /// The acknowledged timestamp, when the segment has one.
    pub echo: Option<u32>,
    /// A measured round trip: of the youngest data that arrived and was sent once.
    pub rtt: Option<Duration>,
    /// Of the oldest, which the time-out goes by.
    pub rtt_longest: Option<Duration>,
    /// SACK told of something new.
    pub sacked: bool,
    /// It repeats the last one (RFC 5681 section 2).
    pub duplicate: bool,
    /// A D-SACK; and one that is the answer to a tail loss probe.
    pub dsack: bool,
    pub dsack_probe: bool,
    /// Data sent more than once is acknowledged.
    pub repaired: bool,
    /// Data from before SND.NXT at the time-out, sent once, arrived.
    pub original: bool,
    /// Retransmissions were lost.
    pub lost_again: bool,
    /// The retransmission timer is to be set anew.
    pub rearm: bool,
    /// The peer echoes a mark of congestion (RFC 3168 section 6.1.2).
    pub ece: bool,
    /// The youngest frame of what arrived, for the delivery rate.
    pub newest: Option<super::rate::Newest>,
}

/// What the acknowledgement field of a segment was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckOutcome {
    /// The segment may be processed further.
    Ok,
    /// It must be dropped; an answer was scheduled where one is due.
    Drop,
}

/// Since our clock said `echo`: a millisecond at least, which is what it counts.
fn since_echo(now: Instant, echo: u32) -> Duration {
    Duration::from_millis(u64::from((now.millis() as u32).wrapping_sub(echo).max(1)))
}

/// RFC 2883 section 4: a first block below the cumulative acknowledgement, or inside the second block, reports a duplicate.
fn duplicate_of(repr: &Repr) -> Option<(SeqNumber, SeqNumber)> {
    let blocks = repr.options.sack_blocks.as_slice();
    let (start, end) = *blocks.first()?;
    let inside = blocks.get(1).is_some_and(|(s, e)| start.ge(*s) && end.le(*e));
    (start.lt(repr.ack) || inside).then_some((start, end))
}

impl Conn {
    /// *pipe* of RFC 6675 section 2: bytes believed to be in the network. A peer without SACK tells with each
    /// duplicate ACK that one segment left it.
    pub(super) fn pipe(&self) -> u32 {
        let left = self.board.sacked() + self.board.lost();
        let dup = if self.sack_ok { 0 } else { self.dupacks.saturating_mul(u32::from(self.mss)) };
        self.outstanding().saturating_sub(left).saturating_sub(dup)
    }

    /// What the connection remembers of trouble, made when there is some.
    pub(super) fn mend(&mut self) -> &mut Mend {
        self.mend.get_or_insert_default()
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
        let mut news = self.no_news(repr);
        if repr.ack.lt(self.snd_una) {
            // RFC 5961 section 5.2: "The ACK value is considered acceptable only if it is in the range of
            // ((SND.UNA - MAX.SND.WND) <= SEG.ACK <= SND.NXT)." And what was never sent was never acknowledged, the SYN excepted
            // (`tcp_ack`).
            let acked = u32::try_from(self.stats.bytes_acked).unwrap_or(u32::MAX).saturating_add(1);
            let most = acked.min(self.max_window);
            if repr.ack.lt(self.snd_una - most as usize) {
                cx.counters.tcp_ack_too_old += 1;
                self.challenge_ack(cx);
                return AckOutcome::Drop;
            }
            // An old acknowledgement still brings news of SACK (Linux: `old_ack`).
            if self.sack_ok && !repr.options.sack_blocks.is_empty() {
                self.take_duplicate(cx, repr, &mut news);
                self.take_sack(cx, seg, &mut news);
                self.delivered(&news);
                self.alert(cx, &mut news);
                self.output_wanted |= news.delivered > 0;
            }
            return AckOutcome::Ok;
        }
        self.stats.last_ack_recv = cx.now;
        self.soft_error = None;
        self.probes = 0;
        let delivered_before = self.stats.delivered;
        let window_before = self.snd_wnd;
        let outstanding_before = self.outstanding();
        self.update_window(seg);

        let sacks = self.sack_ok && !repr.options.sack_blocks.is_empty();
        if sacks {
            // Before what it speaks of is forgotten.
            self.take_duplicate(cx, repr, &mut news);
        }
        if repr.ack.gt(self.snd_una) {
            self.take_cumulative(cx, repr.ack, &mut news);
            if self.mtu_probe.is_some() {
                self.probe_acked(cx);
            }
        }
        if sacks {
            self.take_sack(cx, seg, &mut news);
        }
        self.sample_rtt(cx, &news);
        if self.mtu_probe.is_some() && news.advanced > 0 {
            self.try_full_size(cx);
        }
        // RFC 5681 section 2, DUPLICATE ACKNOWLEDGMENT. A closed window may have made the peer drop what it answers to (Linux:
        // FLAG_WIN_UPDATE).
        news.duplicate = news.advanced == 0
            && outstanding_before > 0
            && seg.payload.is_empty()
            && !repr.flags.intersects(Flags::SYN | Flags::FIN)
            && self.snd_wnd == window_before
            && self.snd_wnd > 0
            && !news.dsack;
        if news.advanced > 0 {
            self.progress(cx);
        }
        self.delivered(&news);
        news.ece = self.ecn.on() && self.is_echo(cx, repr, delivered_before) && outstanding_before > 0;
        if self.mend.is_some() {
            self.update_reo_wnd(&news);
            self.process_tlp_ack(cx, repr.ack, &news);
        }
        let quiet = self.phase == Phase::Open && !news.sacked && !news.duplicate && !news.dsack && !news.ece;
        if !quiet {
            self.alert(cx, &mut news);
        }
        if news.rearm || self.retransmit_at.is_none() || self.rexmit == Rexmit::Persist {
            self.rearm_after_ack(cx, news.advanced > 0);
        }
        self.cong_control(cx, &news);
        if news.advanced > 0 {
            self.make_room(cx);
        }
        self.output_wanted |=
            news.advanced > 0 || news.delivered > 0 || news.duplicate || self.snd_wnd != window_before;
        AckOutcome::Ok
    }

    fn no_news(&self, repr: &Repr) -> AckNews {
        AckNews {
            prior_una: self.snd_una,
            prior_pipe: self.pipe(),
            advanced: 0,
            delivered: 0,
            lost: 0,
            echo: self.echo(repr),
            rtt: None,
            rtt_longest: None,
            sacked: false,
            duplicate: false,
            dsack: false,
            dsack_probe: false,
            repaired: false,
            original: false,
            lost_again: false,
            rearm: false,
            ece: false,
            newest: None,
        }
    }

    /// The timestamp that `repr` echoes, as milliseconds of our clock; zero means "no echo".
    fn echo(&self, repr: &Repr) -> Option<u32> {
        let (_, echo) = repr.options.timestamps.filter(|(_, echo)| self.ts.on && *echo != 0)?;
        Some(echo.wrapping_sub(self.ts.offset))
    }

    /// The round trip that the echo means, when it can be one.
    pub(super) fn echoed_rtt(&self, now: Instant, repr: &Repr) -> Option<Duration> {
        self.echo(repr).map(|echo| since_echo(now, echo)).filter(|rtt| *rtt < RTO_MAX)
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

    fn arrival(&self, now: Instant, news: &AckNews) -> Arrival {
        Arrival { now, min_rtt: self.rtt.min_rtt(), echo: news.echo }
    }

    /// Linux: `tcp_clean_rtx_queue`.
    fn take_cumulative(&mut self, cx: &mut Cx<'_>, ack: SeqNumber, news: &mut AckNews) {
        let arrival = self.arrival(cx.now, news);
        let prior_fack = self.board.high_sacked();
        let got = self.board.ack_to(ack, arrival);
        news.advanced = u32::try_from(ack - self.snd_una).unwrap_or(0);
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
        news.rearm = true;
        news.repaired = got.repaired;
        self.collect(&got, news);
        if self.sack_ok {
            news.delivered += got.bytes;
            if let Some(late) = got.late {
                // A hole was filled by what had been sent once: the network reordered.
                self.note_reordering(late, prior_fack);
            }
        } else {
            // Without SACK, what is acknowledged may be the retransmission or the original.
            news.original &= !got.repaired;
            news.delivered += self.remove_reno_sacks(news.advanced);
        }
        news.rtt_longest = got.rtt;
    }

    /// Notes of what arrived: what is the same for cumulative and selective acknowledgements.
    fn collect(&mut self, got: &Delivered, news: &mut AckNews) {
        news.newest = super::rate::Newest::later(news.newest, got.newest);
        news.original |= got.original.is_some_and(|end| end.le(self.high_seq));
        news.rtt = match (news.rtt, got.rtt_min) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        if let Some(rtt) = got.rtt_min {
            self.rtt.note_min(rtt);
        }
    }

    /// A D-SACK, if there is one. What the acknowledgement covers is still in the scoreboard, so that it is known whether it was sent
    /// more than once.
    fn take_duplicate(&mut self, cx: &mut Cx<'_>, repr: &Repr, news: &mut AckNews) {
        if let Some((start, end)) = duplicate_of(repr) {
            self.take_dsack(cx, start, end, news);
        }
    }

    /// The SACK option (Linux: `tcp_sacktag_write_queue`).
    fn take_sack(&mut self, cx: &mut Cx<'_>, seg: &SegmentIn, news: &mut AckNews) {
        let blocks = &seg.repr.options.sack_blocks;
        let mut valid = SackBlocks::new();
        let duplicates = usize::from(duplicate_of(&seg.repr).is_some());
        for (start, end) in blocks.iter().skip(duplicates) {
            // Linux's `tcp_is_sackblock_valid`: beyond SND.UNA, since at it the peer would have acknowledged it.
            if start.gt(self.snd_una) && start.lt(end) && end.le(self.snd_nxt) {
                valid.push(start, end);
            } else if !end.le(self.snd_una) || !start.lt(end) {
                cx.counters.tcp_sack_discarded += 1;
            }
        }
        if valid.is_empty() {
            return;
        }
        let prior_fack = self.board.high_sacked();
        // What arrives beyond a hole is acknowledged with the timestamp of what came before the hole (RFC 7323 section 4.3): it says
        // nothing of the data reported.
        let arrival = Arrival { echo: None, ..self.arrival(cx.now, news) };
        let got = self.board.on_sack(&valid, arrival);
        if got.bytes == 0 {
            return;
        }
        news.delivered += got.bytes;
        news.sacked = true;
        self.collect(&got, news);
        if let Some(late) = got.late {
            self.note_reordering(late, prior_fack);
        }
        if news.rtt_longest.is_none()
            && let Some(rtt) = got.rtt
        {
            news.rtt_longest = Some(rtt);
            // Not for news of what was sent after the head: its time-out would move on and on (Linux).
            news.rearm |= self.board.head_sent_at().is_some_and(|at| rtt > cx.now.since(at));
        }
    }

    /// RFC 6298 section 3 (Karn), RFC 7323 section 4: time of what was sent once, else the echoed timestamp.
    fn sample_rtt(&mut self, cx: &Cx<'_>, news: &AckNews) {
        if let Some(rtt) = news.rtt_longest {
            self.rtt.sample(rtt, self.snd_una, self.snd_nxt);
        } else if news.advanced > 0 && self.rtt.known() {
            // More than the largest RTO cannot be.
            let Some(rtt) = news.echo.map(|echo| since_echo(cx.now, echo)) else { return };
            // With a D-SACK the first acknowledgement was lost and this one answers our repetition, but may echo
            // the original: the time between is our own time-out, and each such sample would double it. But the back-off ends, as
            // on Linux, which takes the sample.
            if news.dsack {
                self.backoff = 0;
            }
            if rtt >= RTO_MAX || news.dsack {
                return;
            }
            self.rtt.sample(rtt, self.snd_una, self.snd_nxt);
        } else {
            return;
        }
        self.rtt.pass(cx.now);
        if let Some(mend) = &mut self.mend {
            mend.tlp_spent = false;
        }
        // RFC 6298 section 5.7, Karn: the back-off ends with a valid measurement only.
        self.backoff = 0;
    }

    /// SND.UNA moved.
    fn progress(&mut self, cx: &mut Cx<'_>) {
        if self.retries > 0 {
            let lasted = self.trouble_since.map_or(0, |since| cx.now.since(since).as_millis());
            self.stats.rto_recoveries = self.stats.rto_recoveries.saturating_add(1);
            self.stats.rto_ms = self.stats.rto_ms.saturating_add(u32::try_from(lasted).unwrap_or(u32::MAX));
        }
        self.retries = 0;
        self.trouble_since = None;
    }

    /// Counts what arrived, in segments.
    pub(super) fn delivered(&mut self, news: &AckNews) {
        let segments = news.delivered.div_ceil(u32::from(self.mss).max(1));
        self.stats.delivered = self.stats.delivered.wrapping_add(segments);
    }

    /// Bytes were acknowledged, and the window may have grown: the user may send more.
    fn make_room(&mut self, cx: &Cx<'_>) {
        self.sendbuf.set_limit(self.send_limit(cx.opts));
        if !self.nospace.get() || self.shut_wr {
            return;
        }
        // What was acknowledged is memory again: it may be what there was too little of.
        self.charge.renew(self.recvbuf.memory() + self.sendbuf.len());
        if self.writable(self.sendbuf.limit()) {
            self.nospace.set(false);
            self.raise(Readiness::OUT);
        }
    }

    /// SND.UNA =< SEG.SEQ < SND.NXT
    pub(super) fn is_in_flight(&self, seq: SeqNumber) -> bool {
        seq.ge(self.snd_una) && seq.lt(self.snd_nxt)
    }
}
