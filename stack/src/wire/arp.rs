//! ARP for IPv4 over Ethernet (RFC 826). Other hardware or protocol types, and operations other than request
//! and reply (RARP, InARP), are [`WireError::Malformed`]. Bytes after the 28 are padding and ignored.

use std::net::Ipv4Addr;

use super::{Result, WireError, array_at, put, u8_at, u16_at};
use crate::types::MacAddr;

/// Bytes of an ARP packet for IPv4 over Ethernet.
pub const PACKET_LEN: usize = 28;

mod field {
    pub const HARDWARE: usize = 0;
    pub const PROTOCOL: usize = 2;
    pub const HARDWARE_LEN: usize = 4;
    pub const PROTOCOL_LEN: usize = 5;
    pub const OPERATION: usize = 6;
    pub const SHA: usize = 8;
    pub const SPA: usize = 14;
    pub const THA: usize = 18;
    pub const TPA: usize = 24;
}

const HARDWARE_ETHERNET: u16 = 1;
const PROTOCOL_IPV4: u16 = 0x0800;
const REQUEST: u16 = 1;
const REPLY: u16 = 2;

/// What an ARP packet wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Who has the target protocol address?
    Request,
    /// The sender has it.
    Reply,
}

/// A view of an ARP packet.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Views `buffer` after verifying its length, and that it is about IPv4 over Ethernet.
    pub fn new_checked(buffer: T) -> Result<Packet<T>> {
        let data = buffer.as_ref();
        if data.len() < PACKET_LEN {
            return Err(WireError::Truncated);
        }
        if u16_at(data, field::HARDWARE) != HARDWARE_ETHERNET
            || u16_at(data, field::PROTOCOL) != PROTOCOL_IPV4
            || u8_at(data, field::HARDWARE_LEN) != 6
            || u8_at(data, field::PROTOCOL_LEN) != 4
        {
            return Err(WireError::Malformed);
        }
        Ok(Packet { buffer })
    }

    /// The raw operation code.
    pub fn operation(&self) -> u16 {
        u16_at(self.buffer.as_ref(), field::OPERATION)
    }

    /// Sender's hardware address.
    pub fn sha(&self) -> MacAddr {
        MacAddr(array_at(self.buffer.as_ref(), field::SHA))
    }

    /// Sender's protocol address.
    pub fn spa(&self) -> Ipv4Addr {
        Ipv4Addr::from(array_at::<4>(self.buffer.as_ref(), field::SPA))
    }

    /// Target's hardware address.
    pub fn tha(&self) -> MacAddr {
        MacAddr(array_at(self.buffer.as_ref(), field::THA))
    }

    /// Target's protocol address.
    pub fn tpa(&self) -> Ipv4Addr {
        Ipv4Addr::from(array_at::<4>(self.buffer.as_ref(), field::TPA))
    }
}

/// An ARP packet as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Request or reply.
    pub operation: Operation,
    /// Sender's hardware address.
    pub sha: MacAddr,
    /// Sender's protocol address.
    pub spa: Ipv4Addr,
    /// Target's hardware address (zero in a request).
    pub tha: MacAddr,
    /// Target's protocol address.
    pub tpa: Ipv4Addr,
}

impl Repr {
    /// Reads an ARP packet.
    pub fn parse(data: &[u8]) -> Result<Repr> {
        let packet = Packet::new_checked(data)?;
        let operation = match packet.operation() {
            REQUEST => Operation::Request,
            REPLY => Operation::Reply,
            _ => return Err(WireError::Malformed),
        };
        Ok(Repr { operation, sha: packet.sha(), spa: packet.spa(), tha: packet.tha(), tpa: packet.tpa() })
    }

    /// Appends the packet to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let operation = match self.operation {
            Operation::Request => REQUEST,
            Operation::Reply => REPLY,
        };
        let mut packet = [0; PACKET_LEN];
        put(&mut packet, field::HARDWARE, HARDWARE_ETHERNET.to_be_bytes());
        put(&mut packet, field::PROTOCOL, PROTOCOL_IPV4.to_be_bytes());
        put(&mut packet, field::HARDWARE_LEN, [6]);
        put(&mut packet, field::PROTOCOL_LEN, [4]);
        put(&mut packet, field::OPERATION, operation.to_be_bytes());
        put(&mut packet, field::SHA, self.sha.0);
        put(&mut packet, field::SPA, self.spa.octets());
        put(&mut packet, field::THA, self.tha.0);
        put(&mut packet, field::TPA, self.tpa.octets());
        out.extend_from_slice(&packet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_on_the_wire() {
        let repr = Repr {
            operation: Operation::Request,
            sha: MacAddr([2, 0, 0, 0, 0, 1]),
            spa: Ipv4Addr::new(10, 88, 45, 2),
            tha: MacAddr::default(),
            tpa: Ipv4Addr::new(10, 88, 45, 1),
        };
        let mut packet = Vec::new();
        repr.emit(&mut packet);
        assert_eq!(
            packet,
            [0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 88, 45, 2, 0, 0, 0, 0, 0, 0, 10, 88, 45, 1]
        );
        packet.resize(46, 0); // a frame of the least size
        assert_eq!(Repr::parse(&packet), Ok(repr));
        packet[7] = 3; // RARP
        assert_eq!(Repr::parse(&packet), Err(WireError::Malformed));
    }
}
