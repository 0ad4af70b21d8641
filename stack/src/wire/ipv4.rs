//! IPv4 headers (RFC 791). Options are skipped on input and never written. Fragment offsets are in bytes.
//!
//! The reserved flag bit is ignored (RFC 791 wants zero; Linux does not look either). The header checksum is
//! always verified: no offload leaves it open.

use std::net::Ipv4Addr;

use super::{Result, WireError, array_at, checksum, len16, put, u8_at, u16_at};

/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// Every link carries packets of this size whole (RFC 791 section 3.2).
pub const MIN_MTU: usize = 68;
/// Protocol number of ICMP.
pub const PROTO_ICMP: u8 = 1;
/// Protocol number of IGMP.
pub const PROTO_IGMP: u8 = 2;
/// Protocol number of TCP.
pub const PROTO_TCP: u8 = 6;
/// Protocol number of UDP.
pub const PROTO_UDP: u8 = 17;

/// The two low bits of the TOS byte (RFC 3168 section 5): is the packet's sender one to be told of congestion, and is there some?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ecn {
    /// Not capable: a full router drops it.
    NotEct,
    /// Capable; RFC 8311 left this code point to experiments.
    Ect1,
    /// Capable: what TCP sends.
    Ect0,
    /// A router was full.
    Ce,
}

impl Ecn {
    /// Its bits of the TOS byte.
    pub const MASK: u8 = 3;

    /// That of a TOS byte.
    pub const fn of(tos: u8) -> Ecn {
        match tos & Self::MASK {
            0 => Ecn::NotEct,
            1 => Ecn::Ect1,
            2 => Ecn::Ect0,
            _ => Ecn::Ce,
        }
    }

    /// `tos` with this code point.
    pub const fn on(self, tos: u8) -> u8 {
        tos & !Self::MASK
            | match self {
                Ecn::NotEct => 0,
                Ecn::Ect1 => 1,
                Ecn::Ect0 => 2,
                Ecn::Ce => 3,
            }
    }
}

mod field {
    pub const VERSION_IHL: usize = 0;
    pub const TOS: usize = 1;
    pub const TOTAL_LEN: usize = 2;
    pub const IDENT: usize = 4;
    pub const FLAGS_OFFSET: usize = 6;
    pub const TTL: usize = 8;
    pub const PROTOCOL: usize = 9;
    pub const CHECKSUM: usize = 10;
    pub const SRC: usize = 12;
    pub const DST: usize = 16;
}

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// A view of an IPv4 packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Views `buffer` after verifying version, header length and total length.
    pub fn new_checked(buffer: T) -> Result<Packet<T>> {
        let packet = Packet::new_header_checked(buffer)?;
        if packet.total_len() < packet.header_len() {
            return Err(WireError::Malformed);
        }
        if packet.buffer.as_ref().len() < packet.total_len() {
            return Err(WireError::Truncated);
        }
        Ok(packet)
    }

    /// Views `buffer` after verifying version and header length only: for packets quoted by ICMP errors,
    /// whose payload is cut.
    pub fn new_header_checked(buffer: T) -> Result<Packet<T>> {
        let packet = Packet { buffer };
        let data = packet.buffer.as_ref();
        if data.len() < HEADER_LEN {
            return Err(WireError::Truncated);
        }
        if u8_at(data, field::VERSION_IHL) >> 4 != 4 || packet.header_len() < HEADER_LEN {
            return Err(WireError::Malformed);
        }
        if data.len() < packet.header_len() {
            return Err(WireError::Truncated);
        }
        Ok(packet)
    }

    /// Bytes of the header with its options.
    pub fn header_len(&self) -> usize {
        usize::from(u8_at(self.buffer.as_ref(), field::VERSION_IHL) & 0x0f) * 4
    }

    /// Bytes of the packet as its header states them.
    pub fn total_len(&self) -> usize {
        usize::from(u16_at(self.buffer.as_ref(), field::TOTAL_LEN))
    }

    /// Type of service: DSCP and ECN.
    pub fn tos(&self) -> u8 {
        u8_at(self.buffer.as_ref(), field::TOS)
    }

    /// Identification, for reassembly.
    pub fn ident(&self) -> u16 {
        u16_at(self.buffer.as_ref(), field::IDENT)
    }

    /// The don't-fragment flag.
    pub fn dont_fragment(&self) -> bool {
        u16_at(self.buffer.as_ref(), field::FLAGS_OFFSET) & DONT_FRAGMENT != 0
    }

    /// The more-fragments flag.
    pub fn more_fragments(&self) -> bool {
        u16_at(self.buffer.as_ref(), field::FLAGS_OFFSET) & MORE_FRAGMENTS != 0
    }

    /// Where this fragment's payload lies in the whole, bytes.
    pub fn fragment_offset(&self) -> u16 {
        (u16_at(self.buffer.as_ref(), field::FLAGS_OFFSET) & OFFSET_MASK) << 3
    }

    /// Hops left.
    pub fn ttl(&self) -> u8 {
        u8_at(self.buffer.as_ref(), field::TTL)
    }

    /// Protocol of the payload.
    pub fn protocol(&self) -> u8 {
        u8_at(self.buffer.as_ref(), field::PROTOCOL)
    }

    /// Source address.
    pub fn src(&self) -> Ipv4Addr {
        Ipv4Addr::from(array_at::<4>(self.buffer.as_ref(), field::SRC))
    }

    /// Destination address.
    pub fn dst(&self) -> Ipv4Addr {
        Ipv4Addr::from(array_at::<4>(self.buffer.as_ref(), field::DST))
    }

    /// True when the header checksum matches.
    pub fn verify_checksum(&self) -> bool {
        self.buffer.as_ref().get(..self.header_len()).is_some_and(|header| checksum::checksum(header) == 0)
    }

    /// The options, padding included.
    pub fn options(&self) -> &[u8] {
        self.buffer.as_ref().get(HEADER_LEN..self.header_len()).unwrap_or(&[])
    }

    /// What follows the header, up to the total length.
    pub fn payload(&self) -> &[u8] {
        self.buffer.as_ref().get(self.header_len()..self.total_len()).unwrap_or(&[])
    }
}

/// An IPv4 header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Hops left.
    pub ttl: u8,
    /// Type of service: DSCP and ECN.
    pub tos: u8,
    /// Identification, for reassembly.
    pub ident: u16,
    /// The don't-fragment flag.
    pub dont_fragment: bool,
    /// The more-fragments flag.
    pub more_fragments: bool,
    /// Where this fragment's payload lies in the whole, bytes (a multiple of 8).
    pub fragment_offset: u16,
    /// Bytes after the header.
    pub payload_len: usize,
}

impl Repr {
    /// Reads and verifies the header of `packet`; also answers its length. The payload is
    /// `packet[header_len..header_len + payload_len]`; what follows is link padding.
    pub fn parse(packet: &[u8]) -> Result<(Repr, usize)> {
        let packet = Packet::new_checked(packet)?;
        if !packet.verify_checksum() {
            return Err(WireError::Checksum);
        }
        let header_len = packet.header_len();
        let repr = Repr {
            src: packet.src(),
            dst: packet.dst(),
            protocol: packet.protocol(),
            ttl: packet.ttl(),
            tos: packet.tos(),
            ident: packet.ident(),
            dont_fragment: packet.dont_fragment(),
            more_fragments: packet.more_fragments(),
            fragment_offset: packet.fragment_offset(),
            payload_len: packet.total_len() - header_len,
        };
        Ok((repr, header_len))
    }

    /// Appends the header to `out`: 20 bytes, checksum complete.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let mut flags = (self.fragment_offset >> 3) & OFFSET_MASK;
        if self.dont_fragment {
            flags |= DONT_FRAGMENT;
        }
        if self.more_fragments {
            flags |= MORE_FRAGMENTS;
        }
        let mut header = [0; HEADER_LEN];
        put(&mut header, field::VERSION_IHL, [0x45]);
        put(&mut header, field::TOS, [self.tos]);
        put(&mut header, field::TOTAL_LEN, len16(self.payload_len.saturating_add(HEADER_LEN)).to_be_bytes());
        put(&mut header, field::IDENT, self.ident.to_be_bytes());
        put(&mut header, field::FLAGS_OFFSET, flags.to_be_bytes());
        put(&mut header, field::TTL, [self.ttl]);
        put(&mut header, field::PROTOCOL, [self.protocol]);
        put(&mut header, field::SRC, self.src.octets());
        put(&mut header, field::DST, self.dst.octets());
        let sum = checksum::checksum(&header);
        put(&mut header, field::CHECKSUM, sum.to_be_bytes());
        out.extend_from_slice(&header);
    }

    /// True for a piece of a packet rather than a whole one.
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.fragment_offset != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPR: Repr = Repr {
        src: Ipv4Addr::new(10, 0, 0, 1),
        dst: Ipv4Addr::new(10, 0, 0, 2),
        protocol: PROTO_UDP,
        ttl: 64,
        tos: 0x2e,
        ident: 77,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        payload_len: 4,
    };

    fn packet(repr: Repr) -> Vec<u8> {
        let mut packet = Vec::new();
        repr.emit(&mut packet);
        packet.resize(HEADER_LEN + repr.payload_len, 9);
        packet
    }

    #[test]
    fn padding_of_the_link_is_not_payload() {
        let mut packet = packet(REPR);
        packet.resize(46, 0);
        assert_eq!(Repr::parse(&packet), Ok((REPR, 20)));
        assert_eq!(Packet::new_checked(&packet).unwrap().payload(), [9; 4]);
    }

    #[test]
    fn fragments() {
        let last = Repr { dont_fragment: false, fragment_offset: 65_528, ..REPR };
        let first = Repr { dont_fragment: false, more_fragments: true, ..REPR };
        for repr in [last, first] {
            assert_eq!(Repr::parse(&packet(repr)), Ok((repr, 20)));
            assert!(repr.is_fragment());
        }
        assert!(!REPR.is_fragment());
    }

    #[test]
    fn lengths_and_version() {
        let good = packet(REPR);
        assert_eq!(Repr::parse(&good[..19]), Err(WireError::Truncated));
        assert_eq!(Repr::parse(&good[..23]), Err(WireError::Truncated));
        for (first, error) in
            [(0x65, WireError::Malformed), (0x44, WireError::Malformed), (0x4f, WireError::Truncated)]
        {
            let mut bad = good.clone();
            bad[0] = first;
            assert_eq!(Repr::parse(&bad), Err(error));
        }
        // A total length below the header's own.
        let mut bad = good;
        bad[3] = 19;
        assert_eq!(Repr::parse(&bad), Err(WireError::Malformed));
    }

    #[test]
    fn a_length_that_does_not_fit_is_not_wrapped() {
        let mut header = Vec::new();
        Repr { payload_len: 70_000, ..REPR }.emit(&mut header);
        assert_eq!(Packet::new_header_checked(&header).unwrap().total_len(), 65_535);
    }
}
