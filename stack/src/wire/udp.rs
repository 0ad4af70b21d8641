//! UDP (RFC 768). A checksum of zero means that the sender computed none (allowed over IPv4).

use std::net::Ipv4Addr;
use std::ops::Range;

use super::{ChecksumMode, Result, WireError, checksum, ipv4, len16, put, u16_at};

/// Bytes of the header.
pub const HEADER_LEN: usize = 8;
/// Where the checksum lies in the header: what a device that completes it is told.
pub const CHECKSUM_OFFSET: u16 = field::CHECKSUM as u16;

mod field {
    pub const SRC_PORT: usize = 0;
    pub const DST_PORT: usize = 2;
    pub const LEN: usize = 4;
    pub const CHECKSUM: usize = 6;
}

/// A view of a datagram.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Views `buffer` after verifying the length that the header states.
    pub fn new_checked(buffer: T) -> Result<Packet<T>> {
        let packet = Packet { buffer };
        let data = packet.buffer.as_ref();
        if data.len() < HEADER_LEN {
            return Err(WireError::Truncated);
        }
        if packet.datagram_len() < HEADER_LEN || packet.datagram_len() > data.len() {
            return Err(WireError::Malformed);
        }
        Ok(packet)
    }

    /// Source port.
    pub fn src_port(&self) -> u16 {
        u16_at(self.buffer.as_ref(), field::SRC_PORT)
    }

    /// Destination port.
    pub fn dst_port(&self) -> u16 {
        u16_at(self.buffer.as_ref(), field::DST_PORT)
    }

    /// Bytes of header and payload as the header states them.
    pub fn datagram_len(&self) -> usize {
        usize::from(u16_at(self.buffer.as_ref(), field::LEN))
    }

    /// The checksum field; zero means none.
    pub fn checksum(&self) -> u16 {
        u16_at(self.buffer.as_ref(), field::CHECKSUM)
    }

    /// True when the checksum matches or there is none.
    pub fn verify_checksum(&self, src: Ipv4Addr, dst: Ipv4Addr) -> bool {
        if self.checksum() == 0 {
            return true;
        }
        let len = self.datagram_len();
        let Some(datagram) = self.buffer.as_ref().get(..len) else { return false };
        let pseudo = checksum::pseudo_header_v4(src, dst, ipv4::PROTO_UDP, len16(len));
        checksum::fold(checksum::combine(pseudo, checksum::sum(datagram))) == 0xffff
    }

    /// The payload, up to the length that the header states.
    pub fn payload(&self) -> &[u8] {
        self.buffer.as_ref().get(HEADER_LEN..self.datagram_len()).unwrap_or(&[])
    }
}

/// A UDP header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
}

impl Repr {
    /// Reads the header of `datagram` (an IPv4 payload); also answers where the payload lies in it. A length
    /// field below the buffer's length is fine: the rest is padding.
    pub fn parse(
        datagram: &[u8],
        src: Ipv4Addr,
        dst: Ipv4Addr,
        verify: bool,
    ) -> Result<(Repr, Range<usize>)> {
        let packet = Packet::new_checked(datagram)?;
        if verify && !packet.verify_checksum(src, dst) {
            return Err(WireError::Checksum);
        }
        let repr = Repr { src_port: packet.src_port(), dst_port: packet.dst_port() };
        Ok((repr, HEADER_LEN..packet.datagram_len()))
    }

    /// Appends the header (not the payload) of a datagram that carries `payload` to `out`.
    pub fn emit(
        &self,
        out: &mut Vec<u8>,
        src: Ipv4Addr,
        dst: Ipv4Addr,
        payload: &[&[u8]],
        mode: ChecksumMode,
    ) {
        let len = len16(payload.iter().map(|s| s.len()).fold(HEADER_LEN, usize::saturating_add));
        let mut header = [0; HEADER_LEN];
        put(&mut header, field::SRC_PORT, self.src_port.to_be_bytes());
        put(&mut header, field::DST_PORT, self.dst_port.to_be_bytes());
        put(&mut header, field::LEN, len.to_be_bytes());
        let pseudo = checksum::pseudo_header_v4(src, dst, ipv4::PROTO_UDP, len);
        let sum = match mode {
            ChecksumMode::Partial => checksum::fold(pseudo),
            ChecksumMode::Absent => 0,
            ChecksumMode::Full => {
                let own = checksum::combine(pseudo, checksum::sum(&header));
                // RFC 768: a computed checksum of zero is sent as all ones, since zero means none.
                match !checksum::fold(checksum::combine(own, checksum::sum_slices(payload))) {
                    0 => 0xffff,
                    sum => sum,
                }
            }
        };
        put(&mut header, field::CHECKSUM, sum.to_be_bytes());
        out.extend_from_slice(&header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SRC: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const DST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    const REPR: Repr = Repr { src_port: 1000, dst_port: 53 };

    #[test]
    fn a_checksum_of_zero_is_sent_as_ones() {
        // With this payload the sum comes out as ffff, so its inverse would mean "none".
        let mut bare = Vec::new();
        REPR.emit(&mut bare, SRC, DST, &[&[0, 0]], ChecksumMode::Full);
        let payload = [bare[6], bare[7]];
        let mut datagram = Vec::new();
        REPR.emit(&mut datagram, SRC, DST, &[&payload], ChecksumMode::Full);
        assert_eq!(datagram[6..], [0xff, 0xff]);
        datagram.extend_from_slice(&payload);
        assert_eq!(Repr::parse(&datagram, SRC, DST, true), Ok((REPR, 8..10)));
    }

    #[test]
    fn lengths() {
        let mut datagram = Vec::new();
        REPR.emit(&mut datagram, SRC, DST, &[b"abc", b"d"], ChecksumMode::Full);
        datagram.extend_from_slice(b"abcd");
        assert_eq!(Repr::parse(&datagram, SRC, DST, true), Ok((REPR, 8..12)));
        assert_eq!(Repr::parse(&datagram[..11], SRC, DST, true), Err(WireError::Malformed));
        assert_eq!(Repr::parse(&datagram[..7], SRC, DST, true), Err(WireError::Truncated));
        datagram.push(0);
        assert_eq!(Repr::parse(&datagram, SRC, DST, true), Ok((REPR, 8..12)));
        datagram[5] = 7;
        assert_eq!(Repr::parse(&datagram, SRC, DST, false), Err(WireError::Malformed));
    }

    #[test]
    fn checksums_are_looked_at_only_when_asked() {
        let mut datagram = Vec::new();
        REPR.emit(&mut datagram, SRC, DST, &[b"x"], ChecksumMode::Full);
        datagram.push(b'y');
        assert_eq!(Repr::parse(&datagram, SRC, DST, true), Err(WireError::Checksum));
        assert!(Repr::parse(&datagram, SRC, DST, false).is_ok());
        datagram[6..8].fill(0);
        assert!(Repr::parse(&datagram, SRC, DST, true).is_ok());
    }
}
