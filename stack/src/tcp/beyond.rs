//! Data beyond a gap in the stream, until the gap is filled.
//!
//! Pieces lie in a map by offset, none overlapping. A payload that fills most of its frame is kept by reference; a smaller one is copied,
//! and joined with its neighbours, so that a stream of tiny segments becomes few pieces. Each is charged at the memory that it pins.
//! When that passes the budget, pieces are given up from the far end (Linux: `tcp_prune_ofo_queue`), which is where
//! least is lost; the caller then takes them out of what it SACKs. RFC 2018 section 8 permits that ("reneging").

use std::collections::BTreeMap;

use crate::buf::Buf;

/// Payloads from this size on are kept by reference, when they fill half of their frame.
const SHARE_FROM: usize = 2048;
/// Size up to which a piece grows behind, and up to which it is joined with the next.
const GROW_MAX: usize = 16 << 10;
const JOIN_MAX: usize = 4 << 10;
/// What a piece costs beside its bytes: its place in the map, and the allocator's own.
pub(super) const OVERHEAD: usize = 128;

enum Piece {
    Shared(Buf),
    Copied(Vec<u8>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Shared(buf) => buf.as_slice(),
            Piece::Copied(data) => data,
        }
    }

    fn charge(&self) -> usize {
        OVERHEAD
            + match self {
                Piece::Shared(buf) => buf.charge(),
                Piece::Copied(data) => data.capacity(),
            }
    }
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// All or part of it is new and kept.
    Kept,
    /// It was here already.
    Known,
    /// There is no room.
    Refused,
}

/// See the module.
#[derive(Default)]
pub(super) struct Beyond {
    pieces: BTreeMap<u64, Piece>,
    charge: usize,
}

impl Beyond {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Memory that is pinned, bytes.
    pub(super) const fn charge(&self) -> usize {
        self.charge
    }

    /// Pieces that there are.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.pieces.len()
    }

    /// True when every byte of the range is here.
    #[cfg(test)]
    pub(super) fn holds(&self, start: u64, end: u64) -> bool {
        let mut at = start;
        while at < end {
            let piece = self.pieces.range(..=at).next_back().map(|(s, p)| s + p.bytes().len() as u64);
            match piece {
                Some(stop) if stop > at => at = stop,
                _ => return false,
            }
        }
        true
    }

    /// End of the last piece.
    pub(super) fn end(&self) -> Option<u64> {
        self.pieces.last_key_value().map(|(at, piece)| at + piece.bytes().len() as u64)
    }

    fn remove(&mut self, at: u64) -> Option<Piece> {
        let piece = self.pieces.remove(&at)?;
        self.charge = self.charge.saturating_sub(piece.charge());
        Some(piece)
    }

    fn add(&mut self, at: u64, piece: Piece) {
        self.charge += piece.charge();
        self.pieces.insert(at, piece);
    }

    /// Takes the bytes at `start`; at most `budget` bytes of memory are pinned afterwards. What is here already stays as it
    /// is. The second answer: pieces were given up, and what lies at [`Beyond::end`] or later is not here any more.
    pub(super) fn put(&mut self, mut start: u64, mut buf: Buf, budget: usize) -> (Put, bool) {
        if buf.is_empty() {
            return (Put::Known, false);
        }
        let mut joins = None;
        if let Some((at, before)) = self.pieces.range(..=start).next_back() {
            let end = *at + before.bytes().len() as u64;
            if end > start {
                buf.advance(usize::try_from(end - start).unwrap_or(usize::MAX));
                start = end;
            }
            if end == start && matches!(before, Piece::Copied(data) if data.len() + buf.len() <= GROW_MAX) {
                joins = Some(*at);
            }
        }
        if buf.is_empty() {
            return (Put::Known, false);
        }
        let end = start + buf.len() as u64;
        let mut covered = start;
        while let Some(piece) = self.pieces.get(&covered) {
            covered += piece.bytes().len() as u64;
            if covered >= end {
                return (Put::Known, false);
            }
        }
        while let Some((at, after)) = self.pieces.range(start..end).next() {
            let at = *at;
            if at + after.bytes().len() as u64 <= end {
                // It is inside of what we have now.
                self.remove(at);
            } else {
                buf.truncate(usize::try_from(at - start).unwrap_or(usize::MAX));
                break;
            }
        }
        if buf.is_empty() {
            return (Put::Known, false);
        }
        let small = !(buf.len() >= SHARE_FROM && buf.len() >= buf.charge() / 2);
        let piece = match joins.filter(|_| small).and_then(|at| Some((at, self.remove(at)?))) {
            Some((at, Piece::Copied(mut data))) => {
                data.extend_from_slice(&buf);
                start = at;
                Piece::Copied(data)
            }
            // A piece that joins is a copied one.
            Some((at, shared)) => {
                self.add(at, shared);
                Piece::Copied(buf.to_vec())
            }
            None if small => Piece::Copied(buf.to_vec()),
            None => Piece::Shared(buf),
        };
        let piece = self.join_next(start, piece);
        self.add(start, piece);
        if self.charge <= budget {
            return (Put::Kept, false);
        }
        let pruned = self.prune(budget);
        (if self.pieces.contains_key(&start) { Put::Kept } else { Put::Refused }, pruned)
    }

    /// Joins a copied piece with the one that begins at its end, if both are small.
    fn join_next(&mut self, start: u64, piece: Piece) -> Piece {
        let Piece::Copied(mut data) = piece else { return piece };
        let next = start + data.len() as u64;
        let fits = |p: &Piece| matches!(p, Piece::Copied(d) if d.len() + data.len() <= JOIN_MAX);
        if self.pieces.get(&next).is_some_and(fits)
            && let Some(after) = self.remove(next)
        {
            data.extend_from_slice(after.bytes());
        }
        Piece::Copied(data)
    }

    /// Gives up pieces from the far end until at most `budget` bytes are pinned. Answers whether any was.
    pub(super) fn prune(&mut self, budget: usize) -> bool {
        let before = self.pieces.len();
        while self.charge > budget {
            let Some((_, piece)) = self.pieces.pop_last() else { break };
            self.charge = self.charge.saturating_sub(piece.charge());
        }
        self.pieces.len() < before
    }

    /// The first piece, if it begins at `next` or before: its bytes from there on.
    pub(super) fn take(&mut self, next: u64) -> Option<Buf> {
        let (at, _) = self.pieces.first_key_value()?;
        let at = *at;
        if at > next {
            return None;
        }
        let mut buf = match self.remove(at)? {
            Piece::Shared(buf) => buf,
            Piece::Copied(data) => Buf::from_vec(data),
        };
        buf.advance(usize::try_from(next - at).unwrap_or(usize::MAX));
        Some(buf)
    }
}
