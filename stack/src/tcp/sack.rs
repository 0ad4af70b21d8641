//! Selective acknowledgements: the sender's scoreboard and the receiver's list of blocks (RFC 2018, 2883,
//! 6675).
//!
//! [`Scoreboard`] holds one record for each frame sent and not acknowledged, in sequence order: when it was
//! sent last, and whether it is believed in flight, known delivered (SACK) or lost. A frame of 64 kB is one
//! record; SACK blocks and partial retransmission split it. Sums of the SACKed and of the lost bytes are
//! kept, so that *pipe* is a subtraction.
//!
//! Loss is inferred as in RFC 6675: three segments' worth delivered above. A retransmission is
//! inferred lost again as in RFC 8985: something sent later, by more than a reordering window, was delivered.
//!
//! Limit: a peer that acknowledges single bytes may split records; beyond 16 thousand, blocks are ignored.

use std::collections::VecDeque;

use crate::time::{Duration, Instant};
use crate::wire::SeqNumber;
use crate::wire::tcp::SackBlocks;

/// RFC 6675 section 2.
const DUP_THRESH: u32 = 3;
const MAX_RECORDS: usize = 16 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InFlight,
    Sacked,
    Lost,
}

/// A range of sequence space that was sent in one piece.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    start: SeqNumber,
    len: u32,
    sent_at: Instant,
    state: State,
    /// Sent more than once.
    retransmitted: bool,
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
    /// A D-SACK: something arrived twice (RFC 2883).
    pub dsack: bool,
}

impl Delivered {
    fn take(&mut self, record: &Record, now: Instant) {
        self.bytes += record.len;
        if !record.retransmitted {
            let rtt = now.since(record.sent_at);
            self.rtt = Some(self.rtt.map_or(rtt, |r| r.max(rtt)));
            self.rtt_min = Some(self.rtt_min.map_or(rtt, |r| r.min(rtt)));
        }
    }
}

/// See the module.
pub(super) struct Scoreboard {
    records: VecDeque<Record>,
    sacked: u32,
    lost: u32,
    /// Records that were retransmitted and are believed in flight.
    retransmits: usize,
    /// End of the highest SACKed record.
    high_sacked: SeqNumber,
    /// Everything below has been examined for loss.
    lost_mark: SeqNumber,
    /// When the latest of what was delivered had been sent (RFC 8985: RACK.xmit_ts).
    delivered_sent_at: Instant,
    /// The blocks of the last acknowledgement, so that a block that grows is not walked again.
    seen: SackBlocks,
}

impl Scoreboard {
    pub(super) fn new(una: SeqNumber) -> Scoreboard {
        Scoreboard {
            records: VecDeque::new(),
            sacked: 0,
            lost: 0,
            retransmits: 0,
            high_sacked: una,
            lost_mark: una,
            delivered_sent_at: Instant::ZERO,
            seen: SackBlocks::new(),
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

    /// Records held: about the packets in flight when they are small.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// New data `start..start+len` was sent.
    pub(super) fn on_send(&mut self, start: SeqNumber, len: u32, now: Instant) {
        if self.records.is_empty() {
            self.high_sacked = start;
            self.lost_mark = start;
            self.seen = SackBlocks::new();
        }
        self.records.push_back(Record {
            start,
            len,
            sent_at: now,
            state: State::InFlight,
            retransmitted: false,
        });
    }

    /// Everything below `una` arrived.
    pub(super) fn ack_to(&mut self, una: SeqNumber, now: Instant, min_rtt: Duration) -> Delivered {
        let mut delivered = Delivered::default();
        let mut repaired = false;
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
            if part.state != State::Sacked {
                delivered.take(&part, now);
            }
            repaired |= part.retransmitted;
            if part.retransmitted && part.state == State::InFlight && whole {
                self.retransmits = self.retransmits.saturating_sub(1);
            }
            self.note_delivery(&part, now, min_rtt);
            if !whole {
                break;
            }
            self.records.pop_front();
        }
        if repaired {
            // What lay behind a hole had to wait for its repair: no measure of the path either (Linux:
            // FLAG_RETRANS_DATA_ACKED).
            delivered.rtt = None;
            delivered.rtt_min = None;
        }
        self.high_sacked = self.high_sacked.max(una);
        self.lost_mark = self.lost_mark.max(una);
        delivered
    }

    /// RFC 8985 section 6.2 step 2, with its guard: an acknowledgement sooner after a retransmission than any
    /// round trip was is one of the original.
    fn note_delivery(&mut self, record: &Record, now: Instant, min_rtt: Duration) {
        if record.retransmitted && now.since(record.sent_at) < min_rtt {
            return;
        }
        self.delivered_sent_at = self.delivered_sent_at.max(record.sent_at);
    }

    /// Takes the peer's SACK blocks. `una` and `nxt` bound what can be meant.
    pub(super) fn on_sack(
        &mut self,
        blocks: &SackBlocks,
        una: SeqNumber,
        nxt: SeqNumber,
        now: Instant,
        min_rtt: Duration,
    ) -> Delivered {
        let mut delivered = Delivered::default();
        for (i, (start, end)) in blocks.iter().enumerate() {
            // RFC 2883 section 4: a first block below the cumulative acknowledgement, or inside the second
            // block, reports a duplicate.
            if i == 0 {
                let inside = blocks.as_slice().get(1).is_some_and(|(s, e)| start.ge(*s) && end.le(*e));
                if end.le(una) || inside {
                    delivered.dsack = true;
                    continue;
                }
            }
            if !start.lt(end) || end.gt(nxt) || end.le(una) {
                continue;
            }
            let mut from = start.max(una);
            for (s, e) in self.seen.iter() {
                if s.le(from) && e.gt(from) && e.le(end) {
                    from = e;
                }
            }
            self.sack_range(from, end, now, min_rtt, &mut delivered);
        }
        self.seen = *blocks;
        delivered
    }

    fn sack_range(
        &mut self,
        start: SeqNumber,
        end: SeqNumber,
        now: Instant,
        min_rtt: Duration,
        delivered: &mut Delivered,
    ) {
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
            } else if record.retransmitted {
                self.retransmits = self.retransmits.saturating_sub(1);
            }
            self.sacked += record.len;
            self.high_sacked = self.high_sacked.max(record.end());
            delivered.take(&record, now);
            self.note_delivery(&record, now, min_rtt);
            if let Some(record) = self.records.get_mut(i) {
                record.state = State::Sacked;
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
        if tail.state == State::InFlight && tail.retransmitted {
            self.retransmits += 1;
        }
        self.records.insert(i + 1, tail);
        true
    }

    /// RFC 6675 section 4, IsLost: marks what has three segments' worth delivered above it. Answers true when
    /// anything was marked.
    pub(super) fn mark_lost(&mut self, mss: u16) -> bool {
        if self.sacked == 0 {
            return false;
        }
        let mss = u32::from(mss.max(1));
        let mut above = 0;
        let mut i = self.records.partition_point(|r| r.start.lt(self.high_sacked));
        let mut any = false;
        let mut mark = None;
        while i > 0 {
            i -= 1;
            let Some(record) = self.records.get_mut(i) else { break };
            if record.end().le(self.lost_mark) {
                break;
            }
            if record.state == State::Sacked {
                above += record.len.div_ceil(mss);
            } else if above >= DUP_THRESH {
                mark = mark.or(Some(record.end()));
                if record.state == State::InFlight && !record.retransmitted {
                    record.state = State::Lost;
                    self.lost += record.len;
                    any = true;
                }
            }
        }
        if let Some(mark) = mark {
            self.lost_mark = self.lost_mark.max(mark);
        }
        any
    }

    /// Marks retransmissions lost that were sent more than `window` before something that arrived (RFC 8985
    /// section 6.2 step 5).
    pub(super) fn mark_lost_retransmits(&mut self, window: Duration) {
        if self.retransmits == 0 {
            return;
        }
        for record in &mut self.records {
            if record.retransmitted
                && record.state == State::InFlight
                && record.sent_at + window < self.delivered_sent_at
            {
                record.state = State::Lost;
                self.lost += record.len;
                self.retransmits = self.retransmits.saturating_sub(1);
            }
        }
    }

    /// Marks the first `len` bytes lost, for a peer without SACK (RFC 6582 section 3.2 steps 2 and 3).
    pub(super) fn mark_head_lost(&mut self, len: u32) {
        let Some(front) = self.records.front().copied() else { return };
        if front.state != State::InFlight {
            return;
        }
        if front.len > len {
            self.split(0, len);
        }
        if let Some(front) = self.records.front_mut() {
            front.state = State::Lost;
            self.lost += front.len;
            if front.retransmitted {
                self.retransmits = self.retransmits.saturating_sub(1);
            }
        }
    }

    /// A time-out: everything that is not known delivered is lost (RFC 6675 section 5.1). A head that is
    /// SACKed although not acknowledged means that the peer dropped it again (RFC 2018 section 8): then no
    /// SACK counts.
    pub(super) fn mark_all_lost(&mut self) {
        let reneged = self.records.front().is_some_and(|r| r.state == State::Sacked);
        self.lost = 0;
        self.sacked = 0;
        self.retransmits = 0;
        for record in &mut self.records {
            if record.state == State::Sacked && !reneged {
                self.sacked += record.len;
            } else {
                record.state = State::Lost;
                self.lost += record.len;
            }
        }
        if reneged {
            self.seen = SackBlocks::new();
            self.high_sacked = self.records.front().map_or(self.high_sacked, |r| r.start);
        }
    }

    /// The losses were none: everything not delivered is in flight (again).
    pub(super) fn unmark_lost(&mut self) {
        self.lost = 0;
        self.lost_mark = self.records.front().map_or(self.lost_mark, |r| r.start);
        for record in &mut self.records {
            if record.state == State::Lost {
                record.state = State::InFlight;
                if record.retransmitted {
                    self.retransmits += 1;
                }
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

    /// The first `len` bytes of record `i` were retransmitted.
    pub(super) fn on_retransmit(&mut self, i: usize, len: u32, now: Instant) {
        if self.records.get(i).is_some_and(|r| r.len > len) {
            self.split(i, len);
        }
        let Some(record) = self.records.get_mut(i) else { return };
        if record.state == State::Lost {
            self.lost -= record.len;
            self.retransmits += 1;
        } else if !record.retransmitted {
            self.retransmits += 1;
        }
        record.state = State::InFlight;
        record.retransmitted = true;
        record.sent_at = now;
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        let sum = |s: State| self.records.iter().filter(|r| r.state == s).map(|r| r.len).sum::<u32>();
        assert_eq!(self.sacked, sum(State::Sacked));
        assert_eq!(self.lost, sum(State::Lost));
        let n = self.records.iter().filter(|r| r.state == State::InFlight && r.retransmitted).count();
        assert_eq!(self.retransmits, n);
        for (a, b) in self.records.iter().zip(self.records.iter().skip(1)) {
            assert_eq!(a.end(), b.start);
        }
    }
}

/// What we tell the peer of data beyond a gap, the most recent first (RFC 2018 section 4).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RecentBlocks {
    blocks: [(SeqNumber, SeqNumber); 4],
    len: usize,
    /// A duplicate to report once (RFC 2883 section 4).
    dsack: Option<(SeqNumber, SeqNumber)>,
}

impl RecentBlocks {
    /// `start..end` arrived beyond a gap.
    pub(super) fn add(&mut self, start: SeqNumber, end: SeqNumber) {
        let mut joined = (start, end);
        let mut kept = [(SeqNumber(0), SeqNumber(0)); 4];
        let mut n = 0;
        for (s, e) in self.blocks.iter().take(self.len).copied() {
            if s.le(joined.1) && e.ge(joined.0) {
                joined = (s.min(joined.0), e.max(joined.1));
            } else if let Some(slot) = kept.get_mut(n) {
                *slot = (s, e);
                n += 1;
            }
        }
        // RFC 2018 section 4: "The first SACK block MUST specify the contiguous block of data containing the
        // segment which triggered this ACK".
        if let Some((first, rest)) = self.blocks.split_first_mut() {
            *first = joined;
            for (slot, block) in rest.iter_mut().zip(kept.iter().take(n)) {
                *slot = *block;
            }
        }
        self.len = (n + 1).min(self.blocks.len());
    }

    /// `start..end` arrived twice.
    pub(super) fn add_duplicate(&mut self, start: SeqNumber, end: SeqNumber) {
        self.dsack = Some((start, end));
    }

    /// Everything below `rcv_nxt` is acknowledged.
    pub(super) fn trim(&mut self, rcv_nxt: SeqNumber) {
        let mut n = 0;
        for i in 0..self.len {
            let Some((s, e)) = self.blocks.get(i).copied() else { break };
            if e.gt(rcv_nxt)
                && let Some(slot) = self.blocks.get_mut(n)
            {
                *slot = (s.max(rcv_nxt), e);
                n += 1;
            }
        }
        self.len = n;
    }

    /// True when there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0 && self.dsack.is_none()
    }

    /// The end of the block on top of the highest, for the RST rule of RFC 5961 as Linux has it.
    pub(super) fn highest(&self) -> Option<SeqNumber> {
        let mut ends = self.blocks.iter().take(self.len).map(|b| b.1);
        let first = ends.next()?;
        Some(ends.fold(first, SeqNumber::max))
    }

    /// The option, of at most `max` blocks.
    pub(super) fn option(&self, max: usize) -> SackBlocks {
        self.dsack.into_iter().chain(self.blocks.iter().take(self.len).copied()).take(max).collect()
    }

    /// The option has been sent.
    pub(super) fn sent(&mut self) {
        self.dsack = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks(list: &[(u32, u32)]) -> SackBlocks {
        list.iter().map(|(s, e)| (SeqNumber(*s), SeqNumber(*e))).collect()
    }

    #[test]
    fn three_segments_above_make_a_loss() {
        let mut board = Scoreboard::new(SeqNumber(0));
        board.on_send(SeqNumber(0), 10_000, Instant::ZERO);
        let now = Instant::from_micros(1000);
        let sack = |board: &mut Scoreboard, b: &[(u32, u32)]| {
            board.on_sack(&blocks(b), SeqNumber(0), SeqNumber(10_000), now, Duration::ZERO).bytes
        };
        assert_eq!(sack(&mut board, &[(1000, 3000)]), 2000);
        assert!(!board.mark_lost(1000));
        assert_eq!(sack(&mut board, &[(1000, 4000)]), 1000);
        assert!(board.mark_lost(1000));
        assert_eq!(board.lost(), 1000);
        assert_eq!(board.next_lost_from(0), Some((0, SeqNumber(0), 1000)));
        board.on_retransmit(0, 1000, now);
        assert_eq!((board.lost(), board.sacked()), (0, 3000));
        board.check();
        let d = board.ack_to(SeqNumber(4000), now, Duration::ZERO);
        assert_eq!((d.bytes, d.rtt), (1000, None));
        board.check();
    }

    #[test]
    fn the_newest_block_comes_first() {
        let mut recent = RecentBlocks::default();
        let seq = SeqNumber;
        recent.add(seq(10), seq(20));
        recent.add(seq(30), seq(40));
        assert_eq!(recent.option(4), blocks(&[(30, 40), (10, 20)]));
        recent.add(seq(20), seq(30));
        assert_eq!(recent.option(4), blocks(&[(10, 40)]));
        for i in 5..10 {
            recent.add(seq(i * 20), seq(i * 20 + 1));
        }
        assert_eq!(recent.option(4), blocks(&[(180, 181), (160, 161), (140, 141), (120, 121)]));
        recent.trim(seq(161));
        assert_eq!(recent.option(4), blocks(&[(180, 181)]));
        recent.add_duplicate(seq(1), seq(2));
        assert_eq!(recent.option(3), blocks(&[(1, 2), (180, 181)]));
    }

    proptest! {
        /// Against a byte map: what is SACKed, what is lost, and that the sums agree.
        #[test]
        fn scoreboard_agrees_with_a_map_of_bytes(
            sizes in prop::collection::vec(1u32..30, 1..12),
            ops in prop::collection::vec((0u8..4, 0u32..300, 0u32..60), 1..40),
            base in any::<u32>(),
        ) {
            let total: u32 = sizes.iter().sum();
            let at = |o: u32| SeqNumber(base.wrapping_add(o));
            let mut board = Scoreboard::new(at(0));
            let mut next = 0;
            for s in &sizes {
                board.on_send(at(next), *s, Instant::ZERO);
                next += s;
            }
            let mut sacked = vec![false; total as usize];
            let mut una = 0;
            let now = Instant::from_micros(5);
            for (op, a, b) in ops {
                match op {
                    0 | 1 => {
                        let (s, e) = (a % (total + 1), (a % (total + 1) + b).min(total));
                        let block: SackBlocks = [(at(s), at(e))].into_iter().collect();
                        let got = board.on_sack(&block, at(una), at(total), now, Duration::ZERO);
                        let mut fresh = 0;
                        for o in s.max(una)..e.max(s).max(una) {
                            if !sacked[o as usize] { sacked[o as usize] = true; fresh += 1; }
                        }
                        prop_assert_eq!(got.bytes, fresh);
                    }
                    2 => {
                        let to = (una + a % 40).min(total);
                        board.ack_to(at(to), now, Duration::ZERO);
                        una = to;
                    }
                    _ => {
                        board.mark_lost(5);
                        if let Some((i, _, len)) = board.next_lost_from(0) {
                            board.on_retransmit(i, (b % 7 + 1).min(len), now);
                        }
                    }
                }
                board.check();
                let want = sacked.iter().skip(una as usize).filter(|s| **s).count();
                prop_assert_eq!(board.sacked() as usize, want);
                if let Some((_, start, len)) = board.next_lost_from(0) {
                    for o in 0..len {
                        let byte = start.0.wrapping_add(o).wrapping_sub(base);
                        prop_assert!(!sacked[byte as usize]);
                    }
                }
            }
        }
    }
}
