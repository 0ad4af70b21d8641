//! TCP sequence numbers: a circle of 2^32, on which "less" only means "less than half-way round behind".
//!
//! Deliberately not `Ord`: the order of RFC 9293 section 3.4 is not transitive, so sorting, `max()` of an
//! iterator and range patterns would be wrong by surprise. Compare with [`SeqNumber::lt`] and its kin, which
//! hold as long as both numbers lie within 2^31 of each other (window sizes are bounded by 2^30, RFC 7323
//! section 2.3).

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};

/// A sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// `self < other` on the circle.
    pub const fn lt(self, other: SeqNumber) -> bool {
        (self.0.wrapping_sub(other.0) as i32) < 0
    }

    /// `self <= other` on the circle.
    pub const fn le(self, other: SeqNumber) -> bool {
        (self.0.wrapping_sub(other.0) as i32) <= 0
    }

    /// `self > other` on the circle.
    pub const fn gt(self, other: SeqNumber) -> bool {
        (self.0.wrapping_sub(other.0) as i32) > 0
    }

    /// `self >= other` on the circle.
    pub const fn ge(self, other: SeqNumber) -> bool {
        (self.0.wrapping_sub(other.0) as i32) >= 0
    }

    /// The later of the two.
    #[must_use]
    pub const fn max(self, other: SeqNumber) -> SeqNumber {
        if self.lt(other) { other } else { self }
    }

    /// The earlier of the two.
    #[must_use]
    pub const fn min(self, other: SeqNumber) -> SeqNumber {
        if self.gt(other) { other } else { self }
    }

    /// `lo <= self < hi`. Exact for every window size: it compares distances from `lo`, so an empty window
    /// (`lo == hi`) holds nothing.
    pub const fn between(self, lo: SeqNumber, hi: SeqNumber) -> bool {
        self.0.wrapping_sub(lo.0) < hi.0.wrapping_sub(lo.0)
    }
}

impl fmt::Display for SeqNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

// Only `usize` is added: with a second `Add` the literal in `seq + 1` would have no type.
impl Add<usize> for SeqNumber {
    type Output = SeqNumber;
    fn add(self, n: usize) -> SeqNumber {
        SeqNumber(self.0.wrapping_add(n as u32))
    }
}

impl AddAssign<usize> for SeqNumber {
    fn add_assign(&mut self, n: usize) {
        *self = *self + n;
    }
}

impl Sub<usize> for SeqNumber {
    type Output = SeqNumber;
    fn sub(self, n: usize) -> SeqNumber {
        SeqNumber(self.0.wrapping_sub(n as u32))
    }
}

impl SubAssign<usize> for SeqNumber {
    fn sub_assign(&mut self, n: usize) {
        *self = *self - n;
    }
}

impl Sub<SeqNumber> for SeqNumber {
    type Output = i32;
    /// How far `self` lies ahead of `other`; negative when behind.
    fn sub(self, other: SeqNumber) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }
}
