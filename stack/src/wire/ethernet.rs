//! Ethernet II frames (RFC 894). No VLAN tags and no 802.3 lengths: both come out as
//! [`EtherType::Other`]. The frame check sequence is the device's business and not part of a frame here.

use super::{Result, WireError, array_at, put, u16_at};
use crate::types::MacAddr;

/// Bytes of the header.
pub const HEADER_LEN: usize = 14;

mod field {
    pub const DST: usize = 0;
    pub const SRC: usize = 6;
    pub const ETHERTYPE: usize = 12;
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EtherType {
    /// 0x0800
    Ipv4,
    /// 0x0806
    Arp,
    /// 0x86dd
    Ipv6,
    /// Anything else, 802.3 lengths (below 0x0600) included.
    Other(u16),
}

impl From<u16> for EtherType {
    fn from(value: u16) -> EtherType {
        match value {
            0x0800 => EtherType::Ipv4,
            0x0806 => EtherType::Arp,
            0x86dd => EtherType::Ipv6,
            other => EtherType::Other(other),
        }
    }
}

impl From<EtherType> for u16 {
    fn from(value: EtherType) -> u16 {
        match value {
            EtherType::Ipv4 => 0x0800,
            EtherType::Arp => 0x0806,
            EtherType::Ipv6 => 0x86dd,
            EtherType::Other(other) => other,
        }
    }
}

/// A view of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Views `buffer` after verifying that the header is whole.
    pub fn new_checked(buffer: T) -> Result<Packet<T>> {
        if buffer.as_ref().len() < HEADER_LEN {
            return Err(WireError::Truncated);
        }
        Ok(Packet { buffer })
    }

    /// Destination address.
    pub fn dst(&self) -> MacAddr {
        MacAddr(array_at(self.buffer.as_ref(), field::DST))
    }

    /// Source address.
    pub fn src(&self) -> MacAddr {
        MacAddr(array_at(self.buffer.as_ref(), field::SRC))
    }

    /// What the frame carries.
    pub fn ethertype(&self) -> EtherType {
        EtherType::from(u16_at(self.buffer.as_ref(), field::ETHERTYPE))
    }

    /// Everything after the header, padding included.
    pub fn payload(&self) -> &[u8] {
        self.buffer.as_ref().get(HEADER_LEN..).unwrap_or(&[])
    }
}

/// The header of a frame as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Source address.
    pub src: MacAddr,
    /// Destination address.
    pub dst: MacAddr,
    /// What the frame carries.
    pub ethertype: EtherType,
}

impl Repr {
    /// Reads the header of `frame`; also answers where the payload begins.
    pub fn parse(frame: &[u8]) -> Result<(Repr, usize)> {
        let packet = Packet::new_checked(frame)?;
        Ok((Repr { src: packet.src(), dst: packet.dst(), ethertype: packet.ethertype() }, HEADER_LEN))
    }

    /// Appends the header to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let mut header = [0; HEADER_LEN];
        put(&mut header, field::DST, self.dst.0);
        put(&mut header, field::SRC, self.src.0);
        put(&mut header, field::ETHERTYPE, u16::from(self.ethertype).to_be_bytes());
        out.extend_from_slice(&header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ethertypes() {
        for (value, ethertype) in [
            (0x0800, EtherType::Ipv4),
            (0x0806, EtherType::Arp),
            (0x86dd, EtherType::Ipv6),
            (0x8100, EtherType::Other(0x8100)),
            (46, EtherType::Other(46)),
        ] {
            assert_eq!(EtherType::from(value), ethertype);
            assert_eq!(u16::from(ethertype), value);
        }
    }

    #[test]
    fn a_short_frame_is_truncated() {
        assert_eq!(Repr::parse(&[0; 13]), Err(WireError::Truncated));
        let frame = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 8, 0, 42];
        let (repr, at) = Repr::parse(&frame).unwrap();
        assert_eq!(repr.dst, MacAddr([1, 2, 3, 4, 5, 6]));
        assert_eq!(repr.src, MacAddr([7, 8, 9, 10, 11, 12]));
        assert_eq!(Packet::new_checked(&frame).unwrap().payload(), &frame[at..]);
    }
}
