//! Putting fragments together (RFC 791 section 3.2, RFC 815), with the limits without which it is a weapon.
//!
//! Fragments are kept by reference to their frames, small ones copied, each charged at the memory that it pins, in a
//! map by offset. A datagram is complete when its last fragment and every byte before it are here.
//!
//! - Memory: 4 MB in all (Linux `ipfrag_high_thresh`) and 64 incomplete datagrams per source (in the spirit of
//!   `ipfrag_max_dist`); beyond either the oldest, of all or of that source, is dropped.
//! - Time: 30 s from the first fragment (Linux `ipfrag_time`).
//! - Overlap: the whole datagram is dropped, as Linux does and RFC 5722 demands for IPv6: only attacks overlap. An
//!   exact repetition, or one inside what is here, is ignored instead.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

use crate::buf::Buf;
use crate::iface::keys::Keyed;
use crate::time::{Duration, Instant};
use crate::wire::ipv4::{self, Ecn};

const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_MEMORY: usize = 4 * 1024 * 1024;
const MAX_PER_SOURCE: usize = 64;
/// What an entry of the map costs beside the bytes.
const OVERHEAD: usize = 128;
const MAX_PAYLOAD: usize = 65_535 - ipv4::HEADER_LEN;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    src: Ipv4Addr,
    dst: Ipv4Addr,
    ident: u16,
    protocol: u8,
}

#[derive(Debug)]
struct Partial {
    /// By offset: end, and the bytes.
    fragments: BTreeMap<usize, (usize, Buf)>,
    /// Length of the whole payload, known from the last fragment.
    total: Option<usize>,
    received: usize,
    /// Bytes of the largest packet that brought a piece.
    largest: u16,
    /// Code points of congestion notification seen, one bit for each.
    ecn: u8,
    memory: usize,
    expires: Instant,
    /// Header of the fragment at offset 0, and the packet that it was, for ICMP to quote.
    first: Option<(ipv4::Repr, Buf)>,
}

/// What became of a fragment.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Kept; more are needed.
    Waiting,
    /// The whole datagram: a packet with a plain header of 20 bytes; and the bytes of its largest fragment.
    Complete(Buf, u16),
    /// Dropped alone: it was here already.
    Duplicate,
    /// Dropped: impossible offset or length alone, the whole datagram for marks that contradict each other.
    Malformed,
    /// Dropped with its whole datagram.
    Overlap,
}

/// Datagrams waiting for fragments.
#[derive(Debug)]
pub(crate) struct Reassembly {
    partials: HashMap<Key, Partial, Keyed>,
    by_age: BTreeSet<(Instant, Key)>,
    by_source: BTreeSet<(Ipv4Addr, Instant, Key)>,
    sources: HashMap<Ipv4Addr, usize, Keyed>,
    memory: usize,
    /// Datagrams dropped for memory; collected by the owner.
    pub(crate) evicted: u64,
}

impl Reassembly {
    pub(crate) fn new(key: Keyed) -> Reassembly {
        Reassembly {
            partials: HashMap::with_hasher(key),
            by_age: BTreeSet::new(),
            by_source: BTreeSet::new(),
            sources: HashMap::with_hasher(key),
            memory: 0,
            evicted: 0,
        }
    }

    /// Takes one fragment: `packet` with header `repr` of `header_len` bytes, link padding removed.
    pub(crate) fn insert(
        &mut self,
        now: Instant,
        repr: &ipv4::Repr,
        header_len: usize,
        packet: &Buf,
    ) -> Outcome {
        let start = usize::from(repr.fragment_offset);
        // All but the last end on a multiple of 8; Linux cuts them to it.
        let len = if repr.more_fragments { repr.payload_len & !7 } else { repr.payload_len };
        let end = start.saturating_add(len);
        if len == 0 || end > MAX_PAYLOAD {
            return Outcome::Malformed;
        }
        let key = Key { src: repr.src, dst: repr.dst, ident: repr.ident, protocol: repr.protocol };
        if !self.partials.contains_key(&key) {
            self.open(now, key);
        }
        let Some(partial) = self.partials.get_mut(&key) else { return Outcome::Malformed };

        // A second opinion on the length, or bytes beyond the end, is as bad as an overlap.
        let known_end = partial.fragments.last_key_value().map_or(0, |(_, (end, _))| *end);
        let contradicts = match partial.total {
            Some(total) => end > total || (!repr.more_fragments && end != total),
            None => !repr.more_fragments && end < known_end,
        };
        if contradicts {
            self.remove(&key);
            return Outcome::Overlap;
        }
        if let Some((_, (last_end, _))) = partial.fragments.range(..end).next_back() {
            if *last_end > start {
                // The neighbour below `end` reaches into us: all of us, or some?
                let inside =
                    partial.fragments.range(..=start).next_back().is_some_and(|(_, (e, _))| *e >= end);
                if inside {
                    return Outcome::Duplicate;
                }
                self.remove(&key);
                return Outcome::Overlap;
            }
        }

        if !repr.more_fragments {
            partial.total = Some(end);
        }
        let payload = packet.slice(header_len, header_len.saturating_add(len)).compact();
        let mut cost = payload.charge().saturating_add(OVERHEAD);
        if start == 0 {
            // Header and 8 bytes are enough to quote and do not pin the frame a second time.
            let quote = packet.slice(0, header_len.saturating_add(len).min(548)).compact();
            cost = cost.saturating_add(quote.charge());
            partial.first = Some((*repr, quote));
        }
        partial.fragments.insert(start, (end, payload));
        let whole = u16::try_from(header_len.saturating_add(repr.payload_len)).unwrap_or(u16::MAX);
        partial.largest = partial.largest.max(whole);
        partial.ecn |= 1 << (repr.tos & Ecn::MASK);
        partial.received = partial.received.saturating_add(len);
        partial.memory = partial.memory.saturating_add(cost);
        self.memory = self.memory.saturating_add(cost);

        if partial.total == Some(partial.received) {
            let largest = partial.largest;
            return match self.remove(&key).and_then(assemble) {
                Some(whole) => Outcome::Complete(whole, largest),
                None => Outcome::Malformed,
            };
        }
        while self.memory > MAX_MEMORY {
            let Some((_, oldest)) = self.by_age.first().copied() else { break };
            self.remove(&oldest);
            self.evicted = self.evicted.wrapping_add(1);
        }
        Outcome::Waiting
    }

    /// When the oldest incomplete datagram is given up.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.by_age.first().map(|(at, _)| *at)
    }

    /// The next datagram whose time is over: fragment 0 if it was here. Call until `None`.
    pub(crate) fn on_timeout(&mut self, now: Instant) -> Option<Option<(ipv4::Repr, Buf)>> {
        let (at, key) = self.by_age.first().copied()?;
        if at > now {
            return None;
        }
        Some(self.remove(&key).and_then(|partial| partial.first))
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        while let Some((_, key)) = self.by_age.first().copied() {
            self.remove(&key);
        }
    }

    fn open(&mut self, now: Instant, key: Key) {
        let count = self.sources.get(&key.src).copied().unwrap_or(0);
        if count >= MAX_PER_SOURCE {
            let oldest = self.by_source.range((key.src, Instant::ZERO, KEY_MIN)..).next().copied();
            if let Some((src, _, oldest)) = oldest {
                if src == key.src {
                    self.remove(&oldest);
                    self.evicted = self.evicted.wrapping_add(1);
                }
            }
        }
        let expires = now + TIMEOUT;
        let partial = Partial {
            fragments: BTreeMap::new(),
            total: None,
            received: 0,
            largest: 0,
            ecn: 0,
            memory: OVERHEAD,
            expires,
            first: None,
        };
        self.memory = self.memory.saturating_add(OVERHEAD);
        self.partials.insert(key, partial);
        self.by_age.insert((expires, key));
        self.by_source.insert((key.src, expires, key));
        *self.sources.entry(key.src).or_insert(0) += 1;
    }

    fn remove(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.partials.remove(key)?;
        self.by_age.remove(&(partial.expires, *key));
        self.by_source.remove(&(key.src, partial.expires, *key));
        if let Some(count) = self.sources.get_mut(&key.src) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.sources.remove(&key.src);
            }
        }
        self.memory = self.memory.saturating_sub(partial.memory);
        Some(partial)
    }
}

/// The least key, to begin a range with.
const KEY_MIN: Key = Key { src: Ipv4Addr::UNSPECIFIED, dst: Ipv4Addr::UNSPECIFIED, ident: 0, protocol: 0 };

/// The TOS byte of the whole. RFC 3168 section 5.3: a mark on one fragment is one on the whole, and a mark beside a fragment that is not
/// capable is a mistake, or somebody's hiding of one: dropped (Linux: `ip_frag_ecn_table`).
fn join_marks(first: u8, seen: u8) -> Option<u8> {
    const MARKED: u8 = 1 << 3;
    const INCAPABLE: u8 = 1;
    match (seen & MARKED != 0, seen & INCAPABLE != 0) {
        (false, _) => Some(first),
        (true, false) => Some(Ecn::Ce.on(first)),
        (true, true) => None,
    }
}

/// One packet of all fragments, options left out.
fn assemble(partial: Partial) -> Option<Buf> {
    let (first, _) = partial.first?;
    let header = ipv4::Repr {
        tos: join_marks(first.tos, partial.ecn)?,
        more_fragments: false,
        fragment_offset: 0,
        payload_len: partial.received,
        ..first
    };
    let mut packet = Vec::with_capacity(ipv4::HEADER_LEN.saturating_add(partial.received));
    header.emit(&mut packet);
    for (_, bytes) in partial.fragments.values() {
        packet.extend_from_slice(bytes);
    }
    Some(Buf::from_vec(packet))
}

#[cfg(test)]
#[path = "reassembly_tests.rs"]
mod tests;
