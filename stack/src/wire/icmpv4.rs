//! ICMP for IPv4 (RFC 792, RFC 1191 for the MTU in "fragmentation needed").
//!
//! Error messages quote the packet that caused them: [`parse_quoted`] reads that as leniently as it must be,
//! since the quote is cut anywhere after the first 8 bytes of layer 4 and routers may have changed the
//! header on the way (TTL, checksum). The code of echo messages is not looked at, as on Linux. Extension objects (RFC 4884) are left in the quote and not looked at.

use std::net::Ipv4Addr;

use super::seq::SeqNumber;
use super::{Result, WireError, array_at, checksum, ipv4, put, u8_at, u16_at, u32_at};

/// Bytes of the header of every message used here.
pub const HEADER_LEN: usize = 8;

/// Message types (RFC 792).
pub mod kind {
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 0;
    /// Destination unreachable.
    pub const DST_UNREACHABLE: u8 = 3;
    /// Source quench, deprecated by RFC 6633.
    pub const SOURCE_QUENCH: u8 = 4;
    /// Redirect.
    pub const REDIRECT: u8 = 5;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 8;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 11;
    /// Parameter problem.
    pub const PARAM_PROBLEM: u8 = 12;
}

/// Codes of destination unreachable (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1).
pub mod unreachable {
    /// Network unreachable.
    pub const NET: u8 = 0;
    /// Host unreachable.
    pub const HOST: u8 = 1;
    /// Protocol unreachable.
    pub const PROTOCOL: u8 = 2;
    /// Port unreachable.
    pub const PORT: u8 = 3;
    /// Fragmentation needed and DF set.
    pub const FRAG_NEEDED: u8 = 4;
    /// Source route failed.
    pub const SOURCE_ROUTE_FAILED: u8 = 5;
    /// Destination network unknown.
    pub const NET_UNKNOWN: u8 = 6;
    /// Destination host unknown.
    pub const HOST_UNKNOWN: u8 = 7;
    /// Source host isolated.
    pub const SOURCE_ISOLATED: u8 = 8;
    /// Network administratively prohibited.
    pub const NET_PROHIBITED: u8 = 9;
    /// Host administratively prohibited.
    pub const HOST_PROHIBITED: u8 = 10;
    /// Network unreachable for the type of service.
    pub const NET_TOS: u8 = 11;
    /// Host unreachable for the type of service.
    pub const HOST_TOS: u8 = 12;
    /// Communication administratively prohibited.
    pub const ADMIN_PROHIBITED: u8 = 13;
}

mod field {
    pub const KIND: usize = 0;
    pub const CODE: usize = 1;
    pub const CHECKSUM: usize = 2;
    /// Echo.
    pub const IDENT: usize = 4;
    /// Echo.
    pub const SEQ: usize = 6;
    /// Parameter problem.
    pub const POINTER: usize = 4;
    /// Redirect.
    pub const GATEWAY: usize = 4;
    /// Destination unreachable, fragmentation needed (RFC 1191 section 4).
    pub const MTU: usize = 6;
}

/// A view of an ICMP message.
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

    /// Message type, see [`kind`].
    pub fn kind(&self) -> u8 {
        u8_at(self.buffer.as_ref(), field::KIND)
    }

    /// Message code.
    pub fn code(&self) -> u8 {
        u8_at(self.buffer.as_ref(), field::CODE)
    }

    /// Identifier of an echo message.
    pub fn ident(&self) -> u16 {
        u16_at(self.buffer.as_ref(), field::IDENT)
    }

    /// Sequence number of an echo message.
    pub fn seq(&self) -> u16 {
        u16_at(self.buffer.as_ref(), field::SEQ)
    }

    /// MTU of the next hop in "fragmentation needed"; 0 from routers older than RFC 1191.
    pub fn mtu(&self) -> u16 {
        u16_at(self.buffer.as_ref(), field::MTU)
    }

    /// Offset of the byte that a parameter problem complains of.
    pub fn pointer(&self) -> u8 {
        u8_at(self.buffer.as_ref(), field::POINTER)
    }

    /// Router named by a redirect.
    pub fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(array_at::<4>(self.buffer.as_ref(), field::GATEWAY))
    }

    /// True when the checksum over the whole message matches.
    pub fn verify_checksum(&self) -> bool {
        checksum::checksum(self.buffer.as_ref()) == 0
    }

    /// What follows the header: echo data, or the quoted packet.
    pub fn payload(&self) -> &[u8] {
        self.buffer.as_ref().get(HEADER_LEN..).unwrap_or(&[])
    }
}

/// An ICMP message as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repr<'a> {
    /// Are you there?
    EchoRequest {
        /// Names the asker's socket.
        ident: u16,
        /// Counts requests.
        seq: u16,
        /// Comes back unchanged.
        data: &'a [u8],
    },
    /// I am.
    EchoReply {
        /// From the request.
        ident: u16,
        /// From the request.
        seq: u16,
        /// From the request.
        data: &'a [u8],
    },
    /// A packet could not be delivered.
    DstUnreachable {
        /// Why, see [`mod@unreachable`].
        code: u8,
        /// MTU of the next hop, only with code 4; 0 from old routers.
        mtu: u16,
        /// Beginning of the packet, see [`parse_quoted`].
        quoted: &'a [u8],
    },
    /// A packet ran out of hops (code 0), or of time in reassembly (code 1).
    TimeExceeded {
        /// Which of the two.
        code: u8,
        /// Beginning of the packet.
        quoted: &'a [u8],
    },
    /// A header field was bad.
    ParamProblem {
        /// 0: the pointer says where; 1: an option is missing; 2: bad length.
        code: u8,
        /// Offset of the bad byte in the quoted packet.
        pointer: u8,
        /// Beginning of the packet.
        quoted: &'a [u8],
    },
    /// Slow down; ignored since RFC 6633.
    SourceQuench {
        /// Beginning of the packet.
        quoted: &'a [u8],
    },
    /// Use another router.
    Redirect {
        /// For the network, the host, and each with type of service.
        code: u8,
        /// The other router.
        gateway: Ipv4Addr,
        /// Beginning of the packet.
        quoted: &'a [u8],
    },
    /// Any other message.
    Other {
        /// Message type.
        kind: u8,
        /// Message code.
        code: u8,
    },
}

impl<'a> Repr<'a> {
    /// Reads a message that fills `data`. The checksum is verified unless the device vouched for it.
    pub fn parse(data: &'a [u8], verify_checksum: bool) -> Result<Repr<'a>> {
        let packet = Packet::new_checked(data)?;
        if verify_checksum && !packet.verify_checksum() {
            return Err(WireError::Checksum);
        }
        let rest = data.get(HEADER_LEN..).unwrap_or(&[]);
        let code = packet.code();
        Ok(match packet.kind() {
            kind::ECHO_REQUEST => Repr::EchoRequest { ident: packet.ident(), seq: packet.seq(), data: rest },
            kind::ECHO_REPLY => Repr::EchoReply { ident: packet.ident(), seq: packet.seq(), data: rest },
            kind::DST_UNREACHABLE => {
                let mtu = if code == unreachable::FRAG_NEEDED { packet.mtu() } else { 0 };
                Repr::DstUnreachable { code, mtu, quoted: rest }
            }
            kind::TIME_EXCEEDED => Repr::TimeExceeded { code, quoted: rest },
            kind::PARAM_PROBLEM => Repr::ParamProblem { code, pointer: packet.pointer(), quoted: rest },
            kind::SOURCE_QUENCH => Repr::SourceQuench { quoted: rest },
            kind::REDIRECT => Repr::Redirect { code, gateway: packet.gateway(), quoted: rest },
            kind => Repr::Other { kind, code },
        })
    }

    /// Bytes of the whole message.
    pub fn len(&self) -> usize {
        HEADER_LEN.saturating_add(self.payload().len())
    }

    /// Never true: a message has a header.
    pub fn is_empty(&self) -> bool {
        false
    }

    fn payload(&self) -> &'a [u8] {
        match *self {
            Repr::EchoRequest { data, .. } | Repr::EchoReply { data, .. } => data,
            Repr::DstUnreachable { quoted, .. }
            | Repr::TimeExceeded { quoted, .. }
            | Repr::ParamProblem { quoted, .. }
            | Repr::SourceQuench { quoted }
            | Repr::Redirect { quoted, .. } => quoted,
            Repr::Other { .. } => &[],
        }
    }

    /// Appends the whole message to `out`, data or quote included, checksum complete.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let mut header = [0; HEADER_LEN];
        let (kind, code) = match *self {
            Repr::EchoRequest { .. } => (kind::ECHO_REQUEST, 0),
            Repr::EchoReply { .. } => (kind::ECHO_REPLY, 0),
            Repr::DstUnreachable { code, .. } => (kind::DST_UNREACHABLE, code),
            Repr::TimeExceeded { code, .. } => (kind::TIME_EXCEEDED, code),
            Repr::ParamProblem { code, .. } => (kind::PARAM_PROBLEM, code),
            Repr::SourceQuench { .. } => (kind::SOURCE_QUENCH, 0),
            Repr::Redirect { code, .. } => (kind::REDIRECT, code),
            Repr::Other { kind, code } => (kind, code),
        };
        put(&mut header, field::KIND, [kind]);
        put(&mut header, field::CODE, [code]);
        match *self {
            Repr::EchoRequest { ident, seq, .. } | Repr::EchoReply { ident, seq, .. } => {
                put(&mut header, field::IDENT, ident.to_be_bytes());
                put(&mut header, field::SEQ, seq.to_be_bytes());
            }
            // Elsewhere the field is unused and must be zero (RFC 792).
            Repr::DstUnreachable { code: unreachable::FRAG_NEEDED, mtu, .. } => {
                put(&mut header, field::MTU, mtu.to_be_bytes());
            }
            Repr::ParamProblem { pointer, .. } => put(&mut header, field::POINTER, [pointer]),
            Repr::Redirect { gateway, .. } => put(&mut header, field::GATEWAY, gateway.octets()),
            Repr::DstUnreachable { .. }
            | Repr::TimeExceeded { .. }
            | Repr::SourceQuench { .. }
            | Repr::Other { .. } => {}
        }
        let payload = self.payload();
        let sum = !checksum::fold(checksum::sum_slices(&[&header, payload]));
        put(&mut header, field::CHECKSUM, sum.to_be_bytes());
        out.extend_from_slice(&header);
        out.extend_from_slice(payload);
    }
}

/// What the quoted IPv4 header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotedIp {
    /// Who sent the packet: we, if the message is honest.
    pub src: Ipv4Addr,
    /// Where it was going.
    pub dst: Ipv4Addr,
    /// Protocol of its payload.
    pub protocol: u8,
    /// Bytes of the whole packet, as its header states them.
    pub total_len: usize,
}

/// The packet that an ICMP error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// Its IPv4 header.
    pub ip: QuotedIp,
    /// What is quoted of its layer 4: 8 bytes or more.
    pub l4: &'a [u8],
}

impl Quoted<'_> {
    /// Source and destination port, for TCP and UDP.
    pub fn ports(&self) -> (u16, u16) {
        (u16_at(self.l4, 0), u16_at(self.l4, 2))
    }

    /// Sequence number, for TCP.
    pub fn tcp_seq(&self) -> SeqNumber {
        SeqNumber(u32_at(self.l4, 4))
    }

    /// Identifier of the echo message, for ICMP.
    pub fn echo_ident(&self) -> u16 {
        u16_at(self.l4, field::IDENT)
    }
}

/// Reads the packet quoted by an ICMP error. The quote may end anywhere after 8 bytes of layer 4 (RFC 792);
/// its header checksum and total length are not verified. A quoted fragment other than the first has no
/// layer-4 header and is [`WireError::Malformed`] (RFC 1122 section 3.2.2: no errors about those).
pub fn parse_quoted(quoted: &[u8]) -> Result<Quoted<'_>> {
    let packet = ipv4::Packet::new_header_checked(quoted)?;
    if packet.fragment_offset() != 0 {
        return Err(WireError::Malformed);
    }
    let l4 = quoted.get(packet.header_len()..).unwrap_or(&[]);
    if l4.len() < 8 {
        return Err(WireError::Truncated);
    }
    let ip = QuotedIp {
        src: packet.src(),
        dst: packet.dst(),
        protocol: packet.protocol(),
        total_len: packet.total_len(),
    };
    Ok(Quoted { ip, l4 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emitted(repr: &Repr<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        repr.emit(&mut out);
        assert_eq!(out.len(), repr.len());
        out
    }

    #[test]
    fn every_message_comes_back() {
        let quoted = &[1, 2, 3][..];
        for repr in [
            Repr::EchoRequest { ident: 1, seq: 2, data: quoted },
            Repr::EchoReply { ident: 1, seq: 2, data: &[] },
            Repr::DstUnreachable { code: unreachable::FRAG_NEEDED, mtu: 1400, quoted },
            Repr::DstUnreachable { code: unreachable::PORT, mtu: 0, quoted },
            Repr::TimeExceeded { code: 1, quoted },
            Repr::ParamProblem { code: 0, pointer: 20, quoted },
            Repr::SourceQuench { quoted },
            Repr::Redirect { code: 1, gateway: Ipv4Addr::new(10, 0, 0, 9), quoted },
            Repr::Other { kind: 13, code: 7 },
        ] {
            assert_eq!(Repr::parse(&emitted(&repr), true), Ok(repr));
        }
    }

    #[test]
    fn the_mtu_counts_with_code_4_only() {
        // RFC 792: unused bytes must be zero when sent, and RFC 1191 gives them meaning in code 4 alone.
        let port = Repr::DstUnreachable { code: unreachable::PORT, mtu: 1400, quoted: &[] };
        let mut message = emitted(&port);
        assert_eq!(message[6..8], [0, 0]);
        message[6] = 9;
        assert_eq!(
            Repr::parse(&message, false),
            Ok(Repr::DstUnreachable { code: unreachable::PORT, mtu: 0, quoted: &[] })
        );
    }

    #[test]
    fn bad_messages() {
        let message = emitted(&Repr::EchoRequest { ident: 1, seq: 2, data: b"abc" });
        assert_eq!(Repr::parse(&message[..7], false), Err(WireError::Truncated));
        assert_eq!(Repr::parse(&message[..10], true), Err(WireError::Checksum));
        assert!(Repr::parse(&message[..10], false).is_ok());
    }

    #[test]
    fn quotes_with_options_and_cut_headers() {
        let mut quoted =
            vec![0x46, 0, 5, 220, 0, 0, 0x20, 0, 1, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 1];
        assert_eq!(parse_quoted(&quoted), Err(WireError::Truncated));
        quoted.extend_from_slice(&[0, 1, 0, 2, 0, 0, 0, 3]);
        let read = parse_quoted(&quoted).unwrap();
        assert_eq!((read.ip.total_len, read.ip.protocol), (1500, 6));
        assert_eq!((read.ports(), read.tcp_seq()), ((1, 2), SeqNumber(3)));
        quoted[0] = 0x44;
        assert_eq!(parse_quoted(&quoted), Err(WireError::Malformed));
        quoted[0] = 0x66;
        assert_eq!(parse_quoted(&quoted), Err(WireError::Malformed));
        assert_eq!(parse_quoted(&[]), Err(WireError::Truncated));
    }
}
