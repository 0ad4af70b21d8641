//! Selective acknowledgements, the receiver's side: the list of blocks that it reports (RFC 2018, 2883). The sender's is
//! `scoreboard.rs`.
//!
//! RFC 2018 section 4 reckons with an acknowledgement for each segment beyond a gap, so that every block is told at least once, though
//! an option holds three or four. The host feeds in many frames before it sends one acknowledgement, so what was not
//! told yet is remembered here, and acknowledgements go out until nothing is left ([`RecentBlocks::owes`]; Linux sends
//! the one that it had put off before a block falls off its list, `tcp_sack_new_ofo_skb`). Else the peer takes what he never heard of for
//! lost, and sends it again.

use std::collections::VecDeque;

use crate::wire::SeqNumber;
use crate::wire::tcp::SackBlocks;

type Block = (SeqNumber, SeqNumber);

/// Blocks, and duplicates, that wait for an acknowledgement at most beside those of an option: more than one reading of the
/// device brings. What comes on top is not reported.
const WAITING: usize = 64;

/// What we tell the peer of data beyond a gap, the most recent first (RFC 2018 section 4). Without a gap it holds no memory.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentBlocks(Option<Box<List>>);

impl RecentBlocks {
    /// `start..end` arrived beyond a gap. True: it is a block of its own, behind another gap.
    pub(super) fn add(&mut self, start: SeqNumber, end: SeqNumber) -> bool {
        self.0.get_or_insert_default().add(start, end)
    }

    /// `start..end` arrived twice.
    pub(super) fn add_duplicate(&mut self, start: SeqNumber, end: SeqNumber) {
        self.0.get_or_insert_default().add_duplicate(start, end);
    }

    /// Everything below `rcv_nxt` is acknowledged.
    pub(super) fn trim(&mut self, rcv_nxt: SeqNumber) {
        self.change(|list| list.keep(|(s, e)| e.gt(rcv_nxt).then(|| (s.max(rcv_nxt), e))));
    }

    /// What lies at `end` or later is not here any more.
    pub(super) fn cut(&mut self, end: SeqNumber) {
        self.change(|list| list.keep(|(s, e)| s.lt(end).then(|| (s, e.min(end)))));
    }

    /// True when there is nothing to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|list| list.is_empty())
    }

    /// Something was in no acknowledgement yet: one more must leave.
    pub(super) fn owes(&self) -> bool {
        self.0.as_ref().is_some_and(|list| list.dsack.is_some() || list.untold() > 0)
    }

    /// The end of the block on top of the highest, for the RST rule of RFC 5961 as Linux has it.
    pub(super) fn highest(&self) -> Option<SeqNumber> {
        self.0.as_ref().and_then(|list| list.highest())
    }

    /// The option, of at most `max` blocks. While more is untold than fits, the oldest of that comes first: as if each segment had been
    /// answered in its turn.
    pub(super) fn option(&self, max: usize) -> SackBlocks {
        self.0.as_ref().map(|list| list.option(max)).unwrap_or_default()
    }

    /// The option of at most `max` blocks has been sent.
    pub(super) fn sent(&mut self, max: usize) {
        self.change(|list| list.sent(max));
    }

    fn change(&mut self, change: impl FnOnce(&mut List)) {
        let Some(list) = self.0.as_deref_mut() else { return };
        change(list);
        if list.is_empty() && list.waiting.is_none() {
            self.0 = None;
        }
    }
}

#[derive(Clone, Debug, Default)]
struct List {
    blocks: [Block; 4],
    len: u8,
    /// The first so many were in no acknowledgement yet.
    fresh: u8,
    /// A duplicate to report once (RFC 2883 section 4).
    dsack: Option<Block>,
    /// More to tell than fits in here.
    waiting: Option<Box<Waiting>>,
}

/// What one reading of the device brought beyond what an option can tell.
#[derive(Clone, Debug, Default)]
struct Waiting {
    /// In no acknowledgement yet, older than those of the list, the newest first.
    blocks: VecDeque<Block>,
    /// The oldest first.
    duplicates: VecDeque<Block>,
}

impl List {
    fn add(&mut self, start: SeqNumber, end: SeqNumber) -> bool {
        let mut joined = (start, end);
        let touches = |(s, e): Block, joined: &mut Block| {
            let touch = s.le(joined.1) && e.ge(joined.0);
            if touch {
                *joined = (s.min(joined.0), e.max(joined.1));
            }
            touch
        };
        let mut kept = [(SeqNumber(0), SeqNumber(0)); 4];
        let mut n = 0;
        let mut fresh = 0;
        for (i, block) in self.blocks.iter().take(self.len.into()).copied().enumerate() {
            if touches(block, &mut joined) {
                continue;
            }
            if let Some(slot) = kept.get_mut(n) {
                *slot = block;
                n += 1;
                fresh += u8::from(i < usize::from(self.fresh));
            }
        }
        if let Some(waiting) = self.waiting.as_deref_mut() {
            waiting.blocks.retain(|block| !touches(*block, &mut joined));
        }
        // The last of a full list falls off; nobody has heard of it yet.
        if usize::from(fresh) == kept.len()
            && let Some(last) = kept.last().copied()
        {
            let waiting = self.waiting.get_or_insert_default();
            waiting.blocks.push_front(last);
            waiting.blocks.truncate(WAITING);
        }
        // RFC 2018 section 4: "The first SACK block MUST specify the contiguous block of data containing the
        // segment which triggered this ACK".
        if let Some((first, rest)) = self.blocks.split_first_mut() {
            *first = joined;
            for (slot, block) in rest.iter_mut().zip(kept.iter().take(n)) {
                *slot = *block;
            }
        }
        let most = u8::try_from(self.blocks.len()).unwrap_or(u8::MAX);
        self.len = u8::try_from(n).unwrap_or(most).saturating_add(1).min(most);
        self.fresh = fresh.saturating_add(1).min(self.len);
        joined == (start, end)
    }

    fn add_duplicate(&mut self, start: SeqNumber, end: SeqNumber) {
        if self.dsack.is_none() {
            self.dsack = Some((start, end));
            return;
        }
        let waiting = self.waiting.get_or_insert_default();
        if waiting.duplicates.len() < WAITING {
            waiting.duplicates.push_back((start, end));
        }
    }

    /// Each block becomes what `part` leaves of it.
    fn keep(&mut self, part: impl Fn(Block) -> Option<Block>) {
        let mut n = 0_u8;
        let mut fresh = 0_u8;
        for i in 0..usize::from(self.len) {
            let Some(block) = self.blocks.get(i).copied() else { break };
            if let Some(left) = part(block)
                && let Some(slot) = self.blocks.get_mut(usize::from(n))
            {
                *slot = left;
                n = n.saturating_add(1);
                fresh = fresh.saturating_add(u8::from(i < usize::from(self.fresh)));
            }
        }
        self.len = n;
        self.fresh = fresh;
        if let Some(waiting) = self.waiting.as_deref_mut() {
            waiting.blocks = waiting.blocks.iter().filter_map(|block| part(*block)).collect();
        }
    }

    fn is_empty(&self) -> bool {
        self.len == 0 && self.dsack.is_none() && self.waiting.as_ref().is_none_or(|w| w.blocks.is_empty())
    }

    /// Blocks that were in no acknowledgement yet.
    fn untold(&self) -> usize {
        usize::from(self.fresh).saturating_add(self.waiting.as_ref().map_or(0, |w| w.blocks.len()))
    }

    fn highest(&self) -> Option<SeqNumber> {
        let waiting = self.waiting.iter().flat_map(|w| w.blocks.iter());
        let mut ends = self.blocks.iter().take(self.len.into()).chain(waiting).map(|b| b.1);
        let first = ends.next()?;
        Some(ends.fold(first, SeqNumber::max))
    }

    fn option(&self, max: usize) -> SackBlocks {
        let room = max.saturating_sub(usize::from(self.dsack.is_some()));
        let skip = self.untold().saturating_sub(room);
        let waiting = self.waiting.iter().flat_map(|w| w.blocks.iter());
        let listed = if skip > 0 { usize::from(self.fresh) } else { usize::from(self.len) };
        let blocks = self.blocks.iter().take(listed).chain(waiting).skip(skip).copied();
        self.dsack.into_iter().chain(blocks).take(max).collect()
    }

    fn sent(&mut self, max: usize) {
        if self.fresh == 0 && self.dsack.is_none() && self.waiting.is_none() {
            return;
        }
        let mut told = max.saturating_sub(usize::from(self.dsack.is_some()));
        self.dsack = None;
        if let Some(waiting) = self.waiting.as_deref_mut() {
            self.dsack = waiting.duplicates.pop_front();
            while told > 0 && waiting.blocks.pop_back().is_some() {
                told -= 1;
            }
            if waiting.blocks.is_empty() && waiting.duplicates.is_empty() {
                self.waiting = None;
            }
        }
        self.fresh = self.fresh.saturating_sub(u8::try_from(told).unwrap_or(u8::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(list: &[(u32, u32)]) -> SackBlocks {
        list.iter().map(|(s, e)| (SeqNumber(*s), SeqNumber(*e))).collect()
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
        // Six were added since an option was last sent: the oldest are told first, and all of them.
        let mut told = Vec::new();
        while recent.owes() {
            let option: Vec<_> = recent.option(3).iter().collect();
            told.extend(option.into_iter().rev());
            recent.sent(3);
        }
        assert_eq!(told.iter().map(|b| b.0.0).collect::<Vec<_>>(), [10, 100, 120, 140, 160, 180]);
        assert_eq!(recent.option(4), blocks(&[(180, 181), (160, 161), (140, 141), (120, 121)]));
        recent.trim(seq(161));
        assert_eq!(recent.option(4), blocks(&[(180, 181)]));
        recent.add_duplicate(seq(1), seq(2));
        assert_eq!(recent.option(3), blocks(&[(1, 2), (180, 181)]));
    }
}
