//! TCP segments (RFC 9293 section 3.1). Options are in [`super::tcp_options`]; sequence numbers in
//! [`super::seq`]. The window is raw: the stack applies the scale.

use std::fmt;
use std::net::Ipv4Addr;
use std::ops::{BitOr, BitOrAssign};

use super::seq::SeqNumber;
pub use super::tcp_options::{FastOpen, MAX_LEN as MAX_OPTIONS, Options, SackBlocks};
use super::{ChecksumMode, Result, WireError, checksum, ipv4, len16, put, u8_at, u16_at, u32_at};

/// Bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// Bytes of a header with as many options as fit.
pub const MAX_HEADER_LEN: usize = 60;
/// Where the checksum lies in the header: what a device that completes it is told.
pub const CHECKSUM_OFFSET: u16 = field::CHECKSUM as u16;

mod field {
    pub const SRC_PORT: usize = 0;
    pub const DST_PORT: usize = 2;
    pub const SEQ: usize = 4;
    pub const ACK: usize = 8;
    pub const DATA_OFFSET: usize = 12;
    pub const FLAGS: usize = 13;
    pub const WINDOW: usize = 14;
    pub const CHECKSUM: usize = 16;
    pub const URGENT: usize = 18;
}

/// The control bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(pub u8);

impl Flags {
    /// No bit.
    pub const NONE: Flags = Flags(0);
    /// No more data from the sender.
    pub const FIN: Flags = Flags(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Flags = Flags(0x02);
    /// Reset the connection.
    pub const RST: Flags = Flags(0x04);
    /// Push.
    pub const PSH: Flags = Flags(0x08);
    /// The acknowledgement field counts.
    pub const ACK: Flags = Flags(0x10);
    /// The urgent pointer counts.
    pub const URG: Flags = Flags(0x20);
    /// ECN-Echo (RFC 3168 section 6.1).
    pub const ECE: Flags = Flags(0x40);
    /// Congestion window reduced (RFC 3168 section 6.1).
    pub const CWR: Flags = Flags(0x80);

    /// True when all of `other` is set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// True when any of `other` is set.
    pub const fn intersects(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn union(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// This set without `other`.
    #[must_use]
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    /// True when no bit is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        self.union(other)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        *self = self.union(other);
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(Flags, &str); 8] = [
            (Flags::SYN, "SYN"),
            (Flags::FIN, "FIN"),
            (Flags::RST, "RST"),
            (Flags::PSH, "PSH"),
            (Flags::ACK, "ACK"),
            (Flags::URG, "URG"),
            (Flags::ECE, "ECE"),
            (Flags::CWR, "CWR"),
        ];
        let mut between = "";
        for (flag, name) in NAMES {
            if self.contains(flag) {
                write!(f, "{between}{name}")?;
                between = "|";
            }
        }
        if self.is_empty() { f.write_str("-") } else { Ok(()) }
    }
}

/// A view of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Views `buffer` after verifying the data offset.
    pub fn new_checked(buffer: T) -> Result<Packet<T>> {
        let packet = Packet { buffer };
        let data = packet.buffer.as_ref();
        if data.len() < HEADER_LEN {
            return Err(WireError::Truncated);
        }
        if packet.header_len() < HEADER_LEN {
            return Err(WireError::Malformed);
        }
        if packet.header_len() > data.len() {
            return Err(WireError::Truncated);
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

    /// Sequence number.
    pub fn seq(&self) -> SeqNumber {
        SeqNumber(u32_at(self.buffer.as_ref(), field::SEQ))
    }

    /// Acknowledgement number; counts with ACK only.
    pub fn ack(&self) -> SeqNumber {
        SeqNumber(u32_at(self.buffer.as_ref(), field::ACK))
    }

    /// Bytes of the header with its options.
    pub fn header_len(&self) -> usize {
        usize::from(u8_at(self.buffer.as_ref(), field::DATA_OFFSET) >> 4) * 4
    }

    /// The control bits.
    pub fn flags(&self) -> Flags {
        Flags(u8_at(self.buffer.as_ref(), field::FLAGS))
    }

    /// The window field, not scaled.
    pub fn window(&self) -> u16 {
        u16_at(self.buffer.as_ref(), field::WINDOW)
    }

    /// The urgent pointer; counts with URG only.
    pub fn urgent(&self) -> u16 {
        u16_at(self.buffer.as_ref(), field::URGENT)
    }

    /// True when the checksum matches.
    pub fn verify_checksum(&self, src: Ipv4Addr, dst: Ipv4Addr) -> bool {
        let data = self.buffer.as_ref();
        let pseudo = checksum::pseudo_header_v4(src, dst, ipv4::PROTO_TCP, len16(data.len()));
        checksum::fold(checksum::combine(pseudo, checksum::sum(data))) == 0xffff
    }

    /// The bytes of the options, padding included.
    pub fn options(&self) -> &[u8] {
        self.buffer.as_ref().get(HEADER_LEN..self.header_len()).unwrap_or(&[])
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        self.buffer.as_ref().get(self.header_len()..).unwrap_or(&[])
    }
}

/// A TCP header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number of the first byte, or of SYN.
    pub seq: SeqNumber,
    /// Next sequence number expected; counts with ACK only.
    pub ack: SeqNumber,
    /// Control bits.
    pub flags: Flags,
    /// The window field, not scaled.
    pub window: u16,
    /// The urgent pointer; counts with URG only.
    pub urgent: u16,
    /// The options.
    pub options: Options,
}

impl Repr {
    /// Reads the header of `segment` (a whole IPv4 payload); also answers where the payload begins. The
    /// checksum is verified when `verify`.
    pub fn parse(segment: &[u8], src: Ipv4Addr, dst: Ipv4Addr, verify: bool) -> Result<(Repr, usize)> {
        let packet = Packet::new_checked(segment)?;
        if verify && !packet.verify_checksum(src, dst) {
            return Err(WireError::Checksum);
        }
        let flags = packet.flags();
        let repr = Repr {
            src_port: packet.src_port(),
            dst_port: packet.dst_port(),
            seq: packet.seq(),
            ack: packet.ack(),
            flags,
            window: packet.window(),
            urgent: packet.urgent(),
            options: Options::parse(packet.options(), flags.contains(Flags::SYN)),
        };
        Ok((repr, packet.header_len()))
    }

    /// Bytes of the header with its options.
    pub fn header_len(&self) -> usize {
        HEADER_LEN + self.options.len()
    }

    /// Appends the header (not the payload) of a segment that carries `payload` to `out`.
    pub fn emit(
        &self,
        out: &mut Vec<u8>,
        src: Ipv4Addr,
        dst: Ipv4Addr,
        payload: &[&[u8]],
        mode: ChecksumMode,
    ) {
        let header_len = self.header_len();
        let len = len16(payload.iter().map(|s| s.len()).fold(header_len, usize::saturating_add));
        let pseudo = checksum::pseudo_header_v4(src, dst, ipv4::PROTO_TCP, len);
        let mut fixed = [0; HEADER_LEN];
        put(&mut fixed, field::SRC_PORT, self.src_port.to_be_bytes());
        put(&mut fixed, field::DST_PORT, self.dst_port.to_be_bytes());
        put(&mut fixed, field::SEQ, self.seq.0.to_be_bytes());
        put(&mut fixed, field::ACK, self.ack.0.to_be_bytes());
        // At most 15 words.
        put(&mut fixed, field::DATA_OFFSET, [((header_len / 4) as u8) << 4]);
        put(&mut fixed, field::FLAGS, [self.flags.0]);
        put(&mut fixed, field::WINDOW, self.window.to_be_bytes());
        put(&mut fixed, field::URGENT, self.urgent.to_be_bytes());
        let start = out.len();
        out.extend_from_slice(&fixed);
        self.options.emit(out);
        let Some(header) = out.get_mut(start..) else { return };
        let sum = match mode {
            ChecksumMode::Partial => checksum::fold(pseudo),
            // TCP has no such thing (RFC 9293 section 3.1).
            ChecksumMode::Full | ChecksumMode::Absent => {
                let own = checksum::combine(pseudo, checksum::sum(header));
                !checksum::fold(checksum::combine(own, checksum::sum_slices(payload)))
            }
        };
        put(header, field::CHECKSUM, sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDR: Ipv4Addr = Ipv4Addr::LOCALHOST;

    fn repr() -> Repr {
        Repr {
            src_port: 1,
            dst_port: 2,
            seq: SeqNumber(3),
            ack: SeqNumber(4),
            flags: Flags::PSH | Flags::ACK,
            window: 5,
            urgent: 6,
            options: Options { timestamps: Some((7, 8)), ..Options::default() },
        }
    }

    #[test]
    fn data_offset() {
        let mut segment = Vec::new();
        repr().emit(&mut segment, ADDR, ADDR, &[], ChecksumMode::Full);
        assert_eq!(segment.len(), 32);
        assert_eq!(Repr::parse(&segment, ADDR, ADDR, true), Ok((repr(), 32)));
        assert_eq!(Repr::parse(&segment[..31], ADDR, ADDR, false), Err(WireError::Truncated));
        segment[12] = 0x40;
        assert_eq!(Repr::parse(&segment, ADDR, ADDR, false), Err(WireError::Malformed));
        segment[12] = 0xf0;
        assert_eq!(Repr::parse(&segment, ADDR, ADDR, false), Err(WireError::Truncated));
        assert_eq!(Repr::parse(&segment[..19], ADDR, ADDR, false), Err(WireError::Truncated));
    }

    #[test]
    fn emit_appends_and_sums_only_its_own_bytes() {
        let (mut alone, mut after) = (Vec::new(), vec![0xaa; 7]);
        repr().emit(&mut alone, ADDR, ADDR, &[b"odd", b"even"], ChecksumMode::Full);
        repr().emit(&mut after, ADDR, ADDR, &[b"oddeven"], ChecksumMode::Full);
        assert_eq!(after[7..], alone[..]);
    }

    #[test]
    fn flags() {
        let flags = Flags::SYN | Flags::ACK;
        assert!(flags.contains(Flags::SYN) && flags.contains(flags));
        assert!(!flags.contains(Flags::SYN | Flags::FIN) && flags.intersects(Flags::SYN | Flags::FIN));
        assert_eq!(flags.without(Flags::ACK), Flags::SYN);
        assert_eq!(format!("{flags:?} {:?}", Flags::NONE), "SYN|ACK -");
    }
}
