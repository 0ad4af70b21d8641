//! The sender's scoreboard: what is in the network, what arrived, what is lost (RFC 6675 section 3, RFC 8985).
//!
//! [`Scoreboard`] holds one record for each frame sent and not acknowledged, in sequence order: when it was
//! sent last, and whether it is believed in flight, known delivered (SACK) or lost. A frame of 64 kB is one
//! record; SACK blocks and partial retransmission split it. Sums of the SACKed, the lost and the
//! retransmitted bytes are kept, so that *pipe* is a subtraction.
//!
//! Which records are lost is decided by [`super::rack`]; here is what it asks: the latest of what was delivered,
//! by time of transmission (RACK.segment), and a walk over what was sent before it. Records that were sent once
//! lie in the order of their transmission, so the walk ends at the first that is younger, unless there are
//! retransmissions beyond.
//!
//! Limit: a peer that acknowledges single bytes may split records; beyond 16 thousand, blocks are ignored.

use std::collections::VecDeque;

use super::rate::{Departure, Newest, Rate};
use crate::time::{Duration, Instant};
use crate::wire::SeqNumber;
use crate::wire::tcp::SackBlocks;

const MAX_RECORDS: usize = 16 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InFlight,
    Sacked,
    /// Lost, and not sent again since.
    Lost,
}

/// A range of sequence space that was sent in one piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    start: SeqNumber,
    len: u32,
    sent_at: Instant,
    state: State,
    /// A retransmission is believed in flight (Linux: TCPCB_SACKED_RETRANS).
    resent: bool,
    /// Sent more than once (TCPCB_EVER_RETRANS).
    retransmitted: bool,
    departure: Departure,
}

impl Record {
    fn end(&self) -> SeqNumber {
        self.start + self.len as usize
    }
}

/// What an acknowledgement told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivered {
    /// Bytes that arrived, not counting what SACK told before.
    pub bytes: u32,
    /// Since the oldest acknowledged segment that was sent only once (Karn) was sent.
    pub rtt: Option<Duration>,
    /// The same for the youngest.
    pub rtt_min: Option<Duration>,
    /// Data that was sent more than once is acknowledged (Linux: FLAG_RETRANS_DATA_ACKED).
    pub repaired: bool,
    /// Start of the lowest data that was sent once and arrived only now, although later data had been SACKed.
    pub late: Option<SeqNumber>,
    /// Lowest end of what was sent once and arrived.
    pub original: Option<SeqNumber>,
    /// The youngest frame of it, for the delivery rate.
    pub newest: Option<Newest>,
}

impl Delivered {
    fn take(&mut self, record: &Record, now: Instant) {
        self.bytes += record.len;
        self.newest = Newest::pick(self.newest, record.departure, record.sent_at);
        if !record.retransmitted {
            let rtt = now.since(record.sent_at);
            self.rtt = Some(self.rtt.map_or(rtt, |r| r.max(rtt)));
            self.rtt_min = Some(self.rtt_min.map_or(rtt, |r| r.min(rtt)));
            self.original = Some(self.original.map_or(record.end(), |e| e.min(record.end())));
        }
    }

    fn note_late(&mut self, record: &Record, high_sacked: SeqNumber) {
        if !record.retransmitted && record.start.lt(high_sacked) {
            self.late = Some(self.late.map_or(record.start, |l| l.min(record.start)));
        }
    }
}

/// The circumstances of an acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub now: Instant,
    pub min_rtt: Duration,
    /// The timestamp that it echoes, as milliseconds of our clock.
    pub echo: Option<u32>,
}

impl Arrival {
    /// True when it speaks of an earlier transmission of `record` than the last: the timestamp is older, or no round trip
    /// was ever so short (RFC 8985 section 6.2 step 2).
    fn is_of_original(&self, record: &Record) -> bool {
        let older = |echo: u32| (echo.wrapping_sub(record.sent_at.millis() as u32) as i32) < 0;
        record.retransmitted
            && (self.now.since(record.sent_at) < self.min_rtt || self.echo.is_some_and(older))
    }
}

/// RACK.segment of RFC 8985 section 5.2: of what was delivered, what had been sent last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latest {
    pub sent_at: Instant,
    pub end: SeqNumber,
    /// RACK.rtt, microseconds.
    rtt: u32,
    /// Something was delivered since the last search for losses.
    pub advanced: bool,
}

impl Latest {
    /// RACK.rtt
    pub(super) fn rtt(&self) -> Duration {
        Duration::from_micros(self.rtt.into())
    }
}

/// What a search for losses found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Bytes marked lost.
    pub lost: u32,
    /// Retransmissions among them.
    pub again: bool,
    /// How long until the last of the suspects is lost too.
    pub wait: Option<Duration>,
}

/// See the module.
pub(super) struct Scoreboard {
    records: VecDeque<Record>,
    sacked: u32,
    lost: u32,
    /// Bytes retransmitted and believed in flight.
    resent: u32,
    /// End of the highest SACKed record.
    high_sacked: SeqNumber,
    /// End of the highest retransmission.
    high_resent: SeqNumber,
    latest: Latest,
    /// The blocks of the last acknowledgement, so that a block that grows is not walked again.
    seen: Option<Box<SackBlocks>>,
    /// How fast things are delivered.
    pub rate: Rate,
}

impl Scoreboard {
    pub(super) fn new(una: SeqNumber) -> Scoreboard {
        Scoreboard {
            records: VecDeque::new(),
            sacked: 0,
            lost: 0,
            resent: 0,
            high_sacked: una,
            high_resent: una,
            latest: Latest { sent_at: Instant::ZERO, end: una, rtt: 0, advanced: false },
            seen: None,
            rate: Rate::default(),
        }
    }

    /// For the memory of the queue (`spare.rs`).
    pub(super) fn queue(&mut self) -> &mut VecDeque<Record> {
        &mut self.records
    }

    /// Bytes known delivered beyond SND.UNA.
    pub(super) const fn sacked(&self) -> u32 {
        self.sacked
    }

    /// Bytes lost and not yet retransmitted.
    pub(super) const fn lost(&self) -> u32 {
        self.lost
    }

    /// Bytes retransmitted and believed in flight.
    pub(super) const fn resent(&self) -> u32 {
        self.resent
    }

    /// End of the highest data that the peer has, SND.UNA if nothing is SACKed.
    pub(super) const fn high_sacked(&self) -> SeqNumber {
        self.high_sacked
    }

    /// See [`Latest`].
    pub(super) fn latest(&mut self) -> &mut Latest {
        &mut self.latest
    }

    /// Records held: about the packets in flight when they are small.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// When the first unacknowledged data was sent last.
    pub(super) fn head_sent_at(&self) -> Option<Instant> {
        self.records.front().map(|r| r.sent_at)
    }

    /// The first unacknowledged data was sent more than once.
    pub(super) fn head_retransmitted(&self) -> bool {
        self.records.front().is_some_and(|r| r.retransmitted)
    }

    /// The peer has the first unacknowledged data, so it says, and yet it does not acknowledge it.
    pub(super) fn head_sacked(&self) -> bool {
        self.records.front().is_some_and(|r| r.state == State::Sacked)
    }

    fn forget_seen(&mut self) {
        if let Some(seen) = &mut self.seen {
            **seen = SackBlocks::new();
        }
    }

    /// New data `start..start+len` was sent.
    pub(super) fn on_send(&mut self, start: SeqNumber, len: u32, now: Instant) {
        if self.records.is_empty() {
            self.high_sacked = start;
            self.high_resent = start;
            self.forget_seen();
        }
        let departure = self.rate.on_send(now, self.records.is_empty());
        self.records.push_back(Record {
            departure,
            start,
            len,
            sent_at: now,
            state: State::InFlight,
            resent: false,
            retransmitted: false,
        });
    }

    /// Everything below `una` arrived.
    pub(super) fn ack_to(&mut self, una: SeqNumber, arrival: Arrival) -> Delivered {
        let mut delivered = Delivered::default();
        while let Some(front) = self.records.front_mut() {
            if front.start.ge(una) {
                break;
            }
            let mut part = *front;
            let whole = front.end().le(una);
            if !whole {
                part.len = u32::try_from(una - front.start).unwrap_or(0);
                front.start = una;
                front.len -= part.len;
            }
            match part.state {
                State::Sacked => self.sacked -= part.len,
                State::Lost => self.lost -= part.len,
                State::InFlight => {}
            }
            if part.resent {
                self.resent -= part.len;
            }
            if part.state != State::Sacked {
                delivered.take(&part, arrival.now);
                self.rate.delivered = self.rate.delivered.wrapping_add(part.len);
                delivered.note_late(&part, self.high_sacked);
                delivered.repaired |= part.retransmitted;
                self.note_delivery(&part, arrival);
            }
            if !whole {
                break;
            }
            self.records.pop_front();
        }
        if delivered.repaired {
            // What lay behind a hole had to wait for its repair: no measure of the path either (Linux:
            // FLAG_RETRANS_DATA_ACKED).
            delivered.rtt = None;
            delivered.rtt_min = None;
        }
        self.high_sacked = self.high_sacked.max(una);
        self.high_resent = self.high_resent.max(una);
        delivered
    }

    /// RFC 8985 section 6.2 step 2.
    fn note_delivery(&mut self, record: &Record, arrival: Arrival) {
        if arrival.is_of_original(record) {
            return;
        }
        self.latest.advanced = true;
        self.latest.rtt = u32::try_from(arrival.now.since(record.sent_at).as_micros()).unwrap_or(u32::MAX);
        if sent_after((record.sent_at, record.end()), (self.latest.sent_at, self.latest.end)) {
            self.latest.sent_at = record.sent_at;
            self.latest.end = record.end();
        }
    }

    /// Takes the peer's SACK blocks, each of which lies within SND.UNA..SND.NXT.
    pub(super) fn on_sack(&mut self, blocks: &SackBlocks, arrival: Arrival) -> Delivered {
        let mut delivered = Delivered::default();
        if self.sacked == 0 {
            // Of data long acknowledged: 2^32 bytes later the same numbers would be others.
            self.forget_seen();
        }
        for (start, end) in blocks.iter() {
            let mut from = start;
            for (s, e) in self.seen.iter().flat_map(|seen| seen.iter()) {
                if s.le(from) && e.gt(from) && e.le(end) {
                    from = e;
                }
            }
            self.sack_range(from, end, arrival, &mut delivered);
        }
        **self.seen.get_or_insert_default() = *blocks;
        delivered
    }

    fn sack_range(&mut self, start: SeqNumber, end: SeqNumber, arrival: Arrival, delivered: &mut Delivered) {
        let mut i = self.records.partition_point(|r| r.end().le(start));
        while let Some(record) = self.records.get(i).copied() {
            if record.start.ge(end) {
                break;
            }
            if record.state == State::Sacked {
                i += 1;
                continue;
            }
            if record.start.lt(start) {
                if !self.split(i, u32::try_from(start - record.start).unwrap_or(0)) {
                    break;
                }
                i += 1;
                continue;
            }
            if record.end().gt(end) {
                if !self.split(i, u32::try_from(end - record.start).unwrap_or(0)) {
                    break;
                }
                continue;
            }
            if record.state == State::Lost {
                self.lost -= record.len;
            }
            if record.resent {
                self.resent -= record.len;
            }
            self.sacked += record.len;
            delivered.take(&record, arrival.now);
            self.rate.delivered = self.rate.delivered.wrapping_add(record.len);
            delivered.note_late(&record, self.high_sacked);
            self.high_sacked = self.high_sacked.max(record.end());
            self.note_delivery(&record, arrival);
            if let Some(record) = self.records.get_mut(i) {
                record.state = State::Sacked;
                record.resent = false;
            }
            i += 1;
        }
    }

    /// Cuts record `i` after `len` bytes. False when there are too many records.
    fn split(&mut self, i: usize, len: u32) -> bool {
        if self.records.len() >= MAX_RECORDS {
            return false;
        }
        let Some(record) = self.records.get_mut(i) else { return false };
        if len == 0 || len >= record.len {
            return false;
        }
        let mut tail = *record;
        record.len = len;
        tail.start += len as usize;
        tail.len -= len;
        self.records.insert(i + 1, tail);
        true
    }

    /// Marks record `i` lost, unless it is or has arrived. Answers its bytes.
    fn mark(&mut self, i: usize) -> u32 {
        let Some(record) = self.records.get_mut(i) else { return 0 };
        if record.state != State::InFlight {
            return 0;
        }
        record.state = State::Lost;
        self.lost += record.len;
        self.rate.lost = self.rate.lost.wrapping_add(record.len);
        if record.resent {
            record.resent = false;
            self.resent -= record.len;
        }
        record.len
    }

    /// RFC 8985 section 6.2 step 5: what was sent before [`Latest`], and was given `reo_wnd` more than the round trip, is
    /// lost.
    pub(super) fn find_lost(&mut self, now: Instant, reo_wnd: Duration) -> Found {
        let mut found = Found::default();
        self.latest.advanced = false;
        let latest = (self.latest.sent_at, self.latest.end);
        let patience = self.latest.rtt() + reo_wnd;
        for i in 0..self.records.len() {
            let Some(record) = self.records.get(i) else { break };
            if record.state != State::InFlight {
                continue;
            }
            if !sent_after(latest, (record.sent_at, record.end())) {
                if !record.retransmitted && record.start.ge(self.high_resent) {
                    break;
                }
                continue;
            }
            let waited = now.since(record.sent_at);
            if waited >= patience {
                found.again |= record.resent;
                found.lost += self.mark(i);
            } else {
                let left = patience.saturating_sub(waited);
                found.wait = Some(found.wait.map_or(left, |w| w.max(left)));
            }
        }
        found
    }

    /// True when at least `segments` of `mss` bytes are SACKed; a shorter one counts as one.
    pub(super) fn sacked_segments_reach(&self, segments: u32, mss: u16) -> bool {
        let mss = u32::from(mss.max(1));
        if self.sacked >= segments.saturating_mul(mss) {
            return true;
        }
        let mut count = 0;
        let mut bytes = 0;
        for record in &self.records {
            if record.state == State::Sacked {
                count += record.len.div_ceil(mss);
                bytes += record.len;
                if count >= segments {
                    return true;
                }
                if bytes == self.sacked {
                    break;
                }
            }
        }
        false
    }

    /// Bytes of `start..end` that were sent more than once and are not acknowledged cumulatively.
    pub(super) fn retransmitted_within(&self, start: SeqNumber, end: SeqNumber) -> u32 {
        let mut bytes = 0;
        let first = self.records.partition_point(|r| r.end().le(start));
        for record in self.records.range(first..) {
            if record.start.ge(end) {
                break;
            }
            if record.retransmitted {
                let part = record.end().min(end) - record.start.max(start);
                bytes += u32::try_from(part).unwrap_or(0);
            }
        }
        bytes
    }

    /// The lowest data of `start..end` that was sent more than once and is SACKed.
    pub(super) fn repaired_within(&self, start: SeqNumber, end: SeqNumber) -> Option<SeqNumber> {
        let first = self.records.partition_point(|r| r.end().le(start));
        self.records
            .range(first..)
            .take_while(|r| r.start.lt(end))
            .find(|r| r.retransmitted && r.state == State::Sacked)
            .map(|r| r.start.max(start))
    }

    /// Marks the first `len` bytes lost, for a peer without SACK (RFC 6582 section 3.2 steps 2 and 3). Answers how many
    /// were not before.
    pub(super) fn mark_head_lost(&mut self, len: u32) -> u32 {
        let Some(front) = self.records.front().copied() else { return 0 };
        // What is being repaired is no new loss when a part of it is acknowledged (`tcp_newreno_mark_lost`).
        if front.state != State::InFlight || front.resent {
            return 0;
        }
        if front.len > len {
            self.split(0, len);
        }
        self.mark(0)
    }

    /// A time-out: what is not known delivered is lost (RFC 6675 section 5.1), but for what was sent so short a time ago that it
    /// may still come, the head excepted (RFC 8985 section 6.3). Answers true when the head was SACKed although it is not
    /// acknowledged: then the peer dropped what it had (RFC 2018 section 8), and no SACK counts.
    pub(super) fn mark_all_lost(&mut self, recent: Option<(Instant, Duration)>) -> bool {
        let reneged = self.head_sacked();
        for i in 0..self.records.len() {
            let Some(record) = self.records.get_mut(i) else { break };
            if reneged && record.state == State::Sacked {
                record.state = State::InFlight;
            }
            if let Some((now, patience)) = recent
                && !reneged
                && i > 0
                && now.since(record.sent_at) < patience
            {
                continue;
            }
            self.mark(i);
        }
        if reneged {
            self.sacked = 0;
            self.forget_seen();
            self.high_sacked = self.records.front().map_or(self.high_sacked, |r| r.start);
        }
        reneged
    }

    /// Segments of more than `len` bytes did not get through.
    pub(super) fn mark_larger_lost(&mut self, len: u32) {
        for i in 0..self.records.len() {
            if self.records.get(i).is_some_and(|r| r.len > len) {
                self.mark(i);
            }
        }
    }

    /// The losses were none: everything not delivered is in flight (again).
    pub(super) fn unmark_lost(&mut self) {
        self.lost = 0;
        self.latest.advanced = true;
        for record in &mut self.records {
            if record.state == State::Lost {
                record.state = State::InFlight;
            }
        }
    }

    /// The next lost range at or behind record `i`.
    pub(super) fn next_lost_from(&self, i: usize) -> Option<(usize, SeqNumber, u32)> {
        if self.lost == 0 {
            return None;
        }
        let from = i.min(self.records.len());
        let n = self.records.range(from..).position(|r| r.state == State::Lost)?;
        self.records.get(from + n).map(|r| (from + n, r.start, r.len))
    }

    /// The last `len` bytes of what is in flight, cut off as a record of their own, or fewer if the record has fewer: a probe
    /// repeats them.
    pub(super) fn cut_tail(&mut self, len: u32) -> Option<(usize, SeqNumber, u32)> {
        let last = self.records.len().checked_sub(1)?;
        let record = self.records.get(last).copied()?;
        if record.len > len {
            self.split(last, record.len - len);
        }
        let last = self.records.len().checked_sub(1)?;
        self.records.get(last).map(|r| (last, r.start, r.len))
    }

    /// The first `len` bytes of record `i` were retransmitted. `probe`: to provoke an answer, and not for being lost.
    pub(super) fn on_retransmit(&mut self, i: usize, len: u32, now: Instant, probe: bool) {
        if self.records.get(i).is_some_and(|r| r.len > len) {
            self.split(i, len);
        }
        let Some(record) = self.records.get_mut(i) else { return };
        record.retransmitted = true;
        record.departure = self.rate.on_send(now, false);
        record.sent_at = now;
        self.high_resent = self.high_resent.max(record.end());
        if probe {
            return;
        }
        if record.state == State::Lost {
            record.state = State::InFlight;
            self.lost -= record.len;
        }
        if !record.resent {
            record.resent = true;
            self.resent += record.len;
        }
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        let sum = |f: fn(&Record) -> bool| self.records.iter().filter(|r| f(r)).map(|r| r.len).sum::<u32>();
        assert_eq!(self.sacked, sum(|r| r.state == State::Sacked));
        assert_eq!(self.lost, sum(|r| r.state == State::Lost));
        assert_eq!(self.resent, sum(|r| r.resent));
        assert!(self.records.iter().all(|r| !r.resent || (r.retransmitted && r.state == State::InFlight)));
        for (a, b) in self.records.iter().zip(self.records.iter().skip(1)) {
            assert_eq!(a.end(), b.start);
        }
    }

    /// For each byte from SND.UNA on: (delivered, lost, sent last at).
    #[cfg(test)]
    pub(super) fn bytes(&self) -> Vec<(bool, bool, Instant)> {
        let of = |r: &Record| (r.state == State::Sacked, r.state == State::Lost, r.sent_at);
        self.records.iter().flat_map(|r| std::iter::repeat_n(of(r), r.len as usize)).collect()
    }
}

/// RACK_sent_after of RFC 8985 section 6.2: by time, then by sequence number.
fn sent_after(a: (Instant, SeqNumber), b: (Instant, SeqNumber)) -> bool {
    a.0 > b.0 || (a.0 == b.0 && a.1.gt(b.1))
}
