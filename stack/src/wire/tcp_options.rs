//! TCP options: MSS (RFC 9293 section 3.7.1), window scale and timestamps (RFC 7323), SACK (RFC 2018), Fast Open (RFC 7413).
//!
//! Unknown options are skipped by their length; an option whose length makes no sense ends the parsing and
//! the rest is ignored, as Linux does. MSS, window scale, SACK-permitted and Fast Open count only on segments with SYN.
//! On output the layout is that of Linux, every option padded to four bytes in front of it, and no more SACK
//! blocks than fit into 40 bytes are written. No TCP-AO, no MD5, and of Fast Open not the experimental
//! option 254.

use std::fmt;

use super::seq::SeqNumber;
use super::{u8_at, u16_at, u32_at};

/// Most bytes that options can take: the data offset counts 15 words, 5 of them the fixed header.
pub const MAX_LEN: usize = 40;

mod kind {
    pub const END: u8 = 0;
    pub const NOP: u8 = 1;
    pub const MSS: u8 = 2;
    pub const WINDOW_SCALE: u8 = 3;
    pub const SACK_PERMITTED: u8 = 4;
    pub const SACK: u8 = 5;
    pub const TIMESTAMPS: u8 = 8;
    pub const FAST_OPEN: u8 = 34;
}

mod field {
    /// Within each option.
    pub const LEN: usize = 1;
    /// Within each option.
    pub const VALUE: usize = 2;
    /// Within timestamps.
    pub const TS_ECR: usize = 6;
}

const MSS_LEN: usize = 4;
const WINDOW_SCALE_LEN: usize = 3;
const SACK_PERMITTED_LEN: usize = 2;
const TIMESTAMPS_LEN: usize = 10;
const SACK_BLOCK_LEN: usize = 8;
const FAST_OPEN_LEN: usize = 2;

/// The largest shift allowed; a greater one is read as this (RFC 7323 section 2.3).
pub const MAX_WINDOW_SCALE: u8 = 14;

/// Up to four SACK blocks, each `left..right` with `right` one past the last byte (RFC 2018 section 3).
#[derive(Clone, Copy, Default)]
pub struct SackBlocks {
    blocks: [(SeqNumber, SeqNumber); 4],
    len: u8,
}

impl SackBlocks {
    /// No blocks.
    pub const fn new() -> SackBlocks {
        SackBlocks { blocks: [(SeqNumber(0), SeqNumber(0)); 4], len: 0 }
    }

    /// Appends a block; false when all four are taken.
    pub fn push(&mut self, left: SeqNumber, right: SeqNumber) -> bool {
        match self.blocks.get_mut(usize::from(self.len)) {
            Some(block) => {
                *block = (left, right);
                self.len += 1;
                true
            }
            None => false,
        }
    }

    /// The blocks in the order in which they stand in the option.
    pub fn as_slice(&self) -> &[(SeqNumber, SeqNumber)] {
        self.blocks.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// The blocks, by value.
    pub fn iter(&self) -> impl Iterator<Item = (SeqNumber, SeqNumber)> + '_ {
        self.as_slice().iter().copied()
    }

    /// The first block, where a D-SACK would stand (RFC 2883 section 4).
    pub fn first(&self) -> Option<(SeqNumber, SeqNumber)> {
        self.as_slice().first().copied()
    }

    /// Number of blocks.
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// True when there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Keeps the first `n` blocks.
    pub fn truncate(&mut self, n: usize) {
        self.len = self.len.min(u8::try_from(n).unwrap_or(u8::MAX));
    }
}

impl fmt::Debug for SackBlocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(left, right)| left.0..right.0)).finish()
    }
}

// Slots beyond `len` are leftovers and must not tell two equal lists apart.
impl PartialEq for SackBlocks {
    fn eq(&self, other: &SackBlocks) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for SackBlocks {}

impl FromIterator<(SeqNumber, SeqNumber)> for SackBlocks {
    /// Takes the first four.
    fn from_iter<I: IntoIterator<Item = (SeqNumber, SeqNumber)>>(blocks: I) -> SackBlocks {
        let mut all = SackBlocks::new();
        for (left, right) in blocks.into_iter().take(4) {
            all.push(left, right);
        }
        all
    }
}

/// The Fast Open option (RFC 7413 section 4.1.1): a cookie, or none, which asks for one.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct FastOpen {
    bytes: [u8; FastOpen::MAX],
    len: u8,
}

impl FastOpen {
    /// Asks for a cookie.
    pub const REQUEST: FastOpen = FastOpen { bytes: [0; FastOpen::MAX], len: 0 };
    /// Shortest cookie, bytes.
    const MIN: usize = 4;
    /// Longest cookie, bytes.
    const MAX: usize = 16;

    /// With this cookie: an even number of bytes, 4 to 16; None for another length.
    pub fn new(cookie: &[u8]) -> Option<FastOpen> {
        let len = cookie.len();
        if !(Self::MIN..=Self::MAX).contains(&len) || !len.is_multiple_of(2) {
            return None;
        }
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..len)?.copy_from_slice(cookie);
        // At most 16.
        Some(FastOpen { bytes, len: len as u8 })
    }

    /// The cookie; empty when one is asked for.
    pub fn cookie(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// True when it asks for a cookie.
    pub const fn is_request(&self) -> bool {
        self.len == 0
    }

    /// Bytes that it takes among the options, padding included.
    const fn padded(&self) -> usize {
        (FAST_OPEN_LEN + self.len as usize + 3) & !3
    }
}

impl fmt::Debug for FastOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_request() {
            return f.write_str("request");
        }
        self.cookie().iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

/// The options of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Largest payload that the sender accepts, bytes; only on SYN. Never 0 when read.
    pub mss: Option<u16>,
    /// Shift of the sender's window field, 0 to 14; only on SYN.
    pub window_scale: Option<u8>,
    /// The sender understands SACK; only on SYN.
    pub sack_permitted: bool,
    /// TSval and TSecr.
    pub timestamps: Option<(u32, u32)>,
    /// What arrived out of order.
    pub sack_blocks: SackBlocks,
    /// Fast Open; only on SYN.
    pub fast_open: Option<FastOpen>,
}

impl Options {
    /// Reads the bytes after the fixed header; `syn` says whether the segment carries SYN.
    pub fn parse(data: &[u8], syn: bool) -> Options {
        let mut options = Options::default();
        // Nearly every segment of a connection has exactly this (RFC 7323 appendix A).
        match data.strip_prefix(&[kind::NOP, kind::NOP, kind::TIMESTAMPS, 10]) {
            Some(value) if value.len() == 8 => {
                options.timestamps = Some((u32_at(value, 0), u32_at(value, 4)));
                return options;
            }
            _ => {}
        }
        let mut rest = data;
        while let Some(&kind) = rest.first() {
            match kind {
                kind::END => break,
                kind::NOP => {
                    rest = rest.get(1..).unwrap_or(&[]);
                    continue;
                }
                _ => {}
            }
            let len = usize::from(u8_at(rest, field::LEN));
            if len < 2 {
                break;
            }
            let (Some(option), Some(after)) = (rest.get(..len), rest.get(len..)) else { break };
            options.take(kind, option, syn);
            rest = after;
        }
        options
    }

    /// Takes one whole option; one of a known kind and a wrong length is ignored. A repeated option replaces
    /// the earlier one.
    fn take(&mut self, kind: u8, option: &[u8], syn: bool) {
        match (kind, option.len()) {
            (kind::MSS, MSS_LEN) if syn => match u16_at(option, field::VALUE) {
                // As Linux: an MSS of zero is no statement at all.
                0 => {}
                mss => self.mss = Some(mss),
            },
            (kind::WINDOW_SCALE, WINDOW_SCALE_LEN) if syn => {
                self.window_scale = Some(u8_at(option, field::VALUE).min(MAX_WINDOW_SCALE));
            }
            (kind::SACK_PERMITTED, SACK_PERMITTED_LEN) if syn => self.sack_permitted = true,
            (kind::TIMESTAMPS, TIMESTAMPS_LEN) => {
                self.timestamps = Some((u32_at(option, field::VALUE), u32_at(option, field::TS_ECR)));
            }
            (kind::FAST_OPEN, FAST_OPEN_LEN) if syn => self.fast_open = Some(FastOpen::REQUEST),
            // One of a length that cannot be is no statement (tcp_parse_fastopen_option).
            (kind::FAST_OPEN, _) if syn => {
                self.fast_open = FastOpen::new(option.get(field::VALUE..).unwrap_or(&[]));
            }
            (kind::SACK, len) if len > 2 && (len - 2) % SACK_BLOCK_LEN == 0 => {
                self.sack_blocks = option
                    .get(field::VALUE..)
                    .unwrap_or(&[])
                    .chunks_exact(SACK_BLOCK_LEN)
                    .map(|b| (SeqNumber(u32_at(b, 0)), SeqNumber(u32_at(b, 4))))
                    .collect();
            }
            _ => {}
        }
    }

    /// Bytes that [`Options::emit`] writes: a multiple of four, at most 40.
    pub fn len(&self) -> usize {
        let fixed = self.fixed_len();
        match self.sack_blocks_that_fit(fixed) {
            0 => fixed,
            n => fixed + 4 + n * SACK_BLOCK_LEN,
        }
    }

    /// True when nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of everything but SACK blocks, each option padded to words as it is written.
    fn fixed_len(&self) -> usize {
        let mut len = 0;
        if self.mss.is_some() {
            len += 4;
        }
        if self.timestamps.is_some() {
            len += 12;
        } else if self.sack_permitted {
            len += 4;
        }
        if self.window_scale.is_some() {
            len += 4;
        }
        if let Some(fast_open) = &self.fast_open {
            len += fast_open.padded();
        }
        len
    }

    fn sack_blocks_that_fit(&self, fixed: usize) -> usize {
        self.sack_blocks.len().min(MAX_LEN.saturating_sub(fixed + 4) / SACK_BLOCK_LEN)
    }

    /// Appends the options to `out` in the order and with the padding of Linux.
    pub fn emit(&self, out: &mut Vec<u8>) {
        if let Some(mss) = self.mss {
            let [a, b] = mss.to_be_bytes();
            out.extend_from_slice(&[kind::MSS, 4, a, b]);
        }
        // SACK-permitted takes the place of the two NOPs in front of timestamps.
        match (self.sack_permitted, self.timestamps.is_some()) {
            (true, true) => out.extend_from_slice(&[kind::SACK_PERMITTED, 2]),
            (true, false) => out.extend_from_slice(&[kind::NOP, kind::NOP, kind::SACK_PERMITTED, 2]),
            (false, true) => out.extend_from_slice(&[kind::NOP, kind::NOP]),
            (false, false) => {}
        }
        if let Some((value, echo)) = self.timestamps {
            out.extend_from_slice(&[kind::TIMESTAMPS, 10]);
            out.extend_from_slice(&value.to_be_bytes());
            out.extend_from_slice(&echo.to_be_bytes());
        }
        if let Some(shift) = self.window_scale {
            out.extend_from_slice(&[kind::NOP, kind::WINDOW_SCALE, 3, shift]);
        }
        if let Some(fast_open) = &self.fast_open {
            let cookie = fast_open.cookie();
            out.extend_from_slice(&[kind::FAST_OPEN, FAST_OPEN_LEN as u8 + fast_open.len]);
            out.extend_from_slice(cookie);
            let padding = fast_open.padded() - FAST_OPEN_LEN - cookie.len();
            out.extend_from_slice([kind::NOP; 3].get(..padding).unwrap_or(&[]));
        }
        let blocks = self.sack_blocks_that_fit(self.fixed_len());
        if blocks > 0 {
            // At most 2 + 4 * 8.
            let len = (2 + blocks * SACK_BLOCK_LEN) as u8;
            out.extend_from_slice(&[kind::NOP, kind::NOP, kind::SACK, len]);
            for (left, right) in self.sack_blocks.iter().take(blocks) {
                out.extend_from_slice(&left.0.to_be_bytes());
                out.extend_from_slice(&right.0.to_be_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emitted(options: &Options) -> Vec<u8> {
        let mut out = Vec::new();
        options.emit(&mut out);
        assert_eq!(out.len(), options.len());
        out
    }

    #[test]
    fn layout_is_that_of_linux() {
        let syn = Options {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some((0x01020304, 0)),
            ..Options::default()
        };
        let bytes = [2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7];
        assert_eq!(emitted(&syn), bytes);
        assert_eq!(Options::parse(&bytes, true), syn);

        let without_timestamps = Options { timestamps: None, ..syn };
        assert_eq!(emitted(&without_timestamps), [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7]);

        let mut ack = Options { timestamps: Some((1, 2)), ..Options::default() };
        assert_eq!(emitted(&ack), [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
        ack.sack_blocks.push(SeqNumber(5), SeqNumber(9));
        assert_eq!(emitted(&ack)[12..], [1, 1, 5, 10, 0, 0, 0, 5, 0, 0, 0, 9]);
        assert_eq!(Options::parse(&emitted(&ack), false), ack);
    }

    #[test]
    fn three_sack_blocks_fit_beside_timestamps_and_four_without() {
        let mut options = Options { timestamps: Some((1, 2)), ..Options::default() };
        for i in 0..4 {
            assert!(options.sack_blocks.push(SeqNumber(i), SeqNumber(i + 1)));
        }
        assert!(!options.sack_blocks.push(SeqNumber(9), SeqNumber(10)));
        assert_eq!(Options::parse(&emitted(&options), false).sack_blocks.len(), 3);
        options.timestamps = None;
        assert_eq!(Options::parse(&emitted(&options), false).sack_blocks.len(), 4);
    }

    #[test]
    fn fast_open_cookies_come_back_as_they_left() {
        for len in [0, 4, 6, 8, 16] {
            let cookie: Vec<u8> = (1..=len).collect();
            let fast_open = if len == 0 { Some(FastOpen::REQUEST) } else { FastOpen::new(&cookie) };
            let options = Options { fast_open, mss: Some(1460), ..Options::default() };
            let bytes = emitted(&options);
            assert_eq!((bytes.len() % 4, &bytes[4..6]), (0, &[34, 2 + len][..]));
            assert_eq!(Options::parse(&bytes, true), options);
            assert_eq!(Options::parse(&bytes, false).fast_open, None);
        }
        // Odd, too short, too long: as if it were not there.
        for len in [2usize, 3, 5, 17, 18] {
            assert_eq!(FastOpen::new(&vec![1; len]), None);
            let option = [&[34, 2 + len as u8][..], &vec![1; len]].concat();
            assert_eq!(Options::parse(&option, true).fast_open, None);
        }
        // What a modern SYN has beside it leaves room for a cookie of 16.
        let full = Options {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some((1, 2)),
            fast_open: FastOpen::new(&[7; 16]),
            ..Options::default()
        };
        assert_eq!(emitted(&full).len(), MAX_LEN);
    }

    #[test]
    fn options_of_syn_are_ignored_elsewhere() {
        let bytes = [2, 4, 5, 180, 4, 2, 1, 3, 3, 7];
        assert_eq!(Options::parse(&bytes, false), Options::default());
    }

    #[test]
    fn odd_values() {
        assert_eq!(Options::parse(&[3, 3, 99], true).window_scale, Some(14));
        assert_eq!(Options::parse(&[2, 4, 0, 0], true).mss, None);
        assert_eq!(Options::parse(&[2, 4, 0, 1, 2, 4, 0, 9], true).mss, Some(9));
        // Known kind, wrong length: that option alone is ignored.
        assert_eq!(Options::parse(&[2, 3, 7, 2, 4, 0, 9], true).mss, Some(9));
        assert!(Options::parse(&[5, 2, 1, 1], false).sack_blocks.is_empty());
        assert!(Options::parse(&[5, 6, 1, 1, 1, 1], false).sack_blocks.is_empty());
    }

    #[test]
    fn unknown_options_are_skipped_and_nonsense_ends_it() {
        let mss = [2, 4, 0, 9];
        for before in [&[1][..], &[1, 1, 1], &[254, 4, 1, 2], &[34, 2], &[30, 3, 0, 99, 2]] {
            assert_eq!(Options::parse(&[before, &mss].concat(), true).mss, Some(9), "{before:?}");
        }
        for before in [&[0][..], &[254, 0], &[254, 1], &[254, 7]] {
            assert_eq!(Options::parse(&[before, &mss].concat(), true).mss, None, "{before:?}");
        }
        assert_eq!(Options::parse(&[2], true), Options::default());
        assert_eq!(Options::parse(&[2, 4, 0], true), Options::default());
        // The usual timestamps with something after them do not take the short cut.
        let more = Options::parse(&[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 2, 4, 0, 9], true);
        assert_eq!((more.timestamps, more.mss), (Some((1, 2)), Some(9)));
    }

    #[test]
    fn block_lists_compare_by_what_is_in_them() {
        let mut a: SackBlocks =
            [(SeqNumber(1), SeqNumber(2)), (SeqNumber(3), SeqNumber(4))].into_iter().collect();
        let b: SackBlocks = [(SeqNumber(1), SeqNumber(2))].into_iter().collect();
        assert_ne!(a, b);
        a.truncate(1);
        assert_eq!(a, b);
        assert_eq!(a.first(), Some((SeqNumber(1), SeqNumber(2))));
    }
}
