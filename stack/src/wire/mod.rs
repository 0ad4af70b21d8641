//! Reading and writing packet headers: Ethernet II, ARP, IPv4, ICMPv4, UDP and TCP.
//!
//! Every protocol has two faces. A `Packet` is a *borrowed view*: `Packet::new_checked` verifies once that
//! the header and every length it states lie inside the buffer, and the accessors then read single fields.
//! A `Repr` is a *value*: `Repr::parse` reads all that the stack uses and `Repr::emit` appends a complete
//! header to a buffer. Field offsets live in one private `mod field` per protocol.
//!
//! Every function here is total: bytes from the network can make it answer a [`WireError`], never panic.
//! Accessors of a `Packet` that was not checked answer zero or an empty slice for what is out of bounds.
//!
//! Limits: no VLAN tags, no 802.3 length frames, no IPv6 (a frame of each is recognised by its
//! [`ethernet::EtherType`] and left alone), no IPv4 options on output (they are skipped on input).

pub mod arp;
pub mod checksum;
pub mod ethernet;
pub mod icmpv4;
pub mod ipv4;
pub mod seq;
pub mod tcp;
pub mod tcp_options;
pub mod udp;

pub use seq::SeqNumber;

use std::fmt;

/// Why bytes are not a packet of the protocol they were read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WireError {
    /// The buffer ends before the header, or before the length that the header states.
    Truncated,
    /// A field holds a value that the protocol does not allow.
    Malformed,
    /// The checksum does not match.
    Checksum,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WireError::Truncated => "truncated packet",
            WireError::Malformed => "malformed packet",
            WireError::Checksum => "wrong checksum",
        })
    }
}

impl std::error::Error for WireError {}

/// Shorthand for results of parsing.
pub type Result<T> = std::result::Result<T, WireError>;

/// Who completes the layer-4 checksum of a packet that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ChecksumMode {
    /// We do: the field holds the final checksum over pseudo header, header and payload.
    #[default]
    Full,
    /// The device does (virtio `NEEDS_CSUM`): the field holds the folded, not inverted sum of the pseudo
    /// header over the full layer-4 length, and the payload is not read.
    Partial,
    /// Nobody: the field is zero, which UDP has for none (RFC 768).
    Absent,
}

/// The byte at `at`, or zero beyond the end.
fn u8_at(data: &[u8], at: usize) -> u8 {
    data.get(at).copied().unwrap_or(0)
}

/// The `N` bytes at `at`, or zeros beyond the end.
fn array_at<const N: usize>(data: &[u8], at: usize) -> [u8; N] {
    data.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
}

/// The big-endian 16-bit value at `at`, or zero beyond the end.
fn u16_at(data: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(array_at(data, at))
}

/// The big-endian 32-bit value at `at`, or zero beyond the end.
fn u32_at(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array_at(data, at))
}

/// Writes `bytes` over `out[at..]`; nothing happens when they do not fit.
fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    if let Some(room) = out.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<N>()) {
        *room = bytes;
    }
}

/// A length as it fits a 16-bit field. Callers never build packets beyond 65535 bytes; a longer one would be
/// cut here rather than wrap round to a small and plausible length.
fn len16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}
