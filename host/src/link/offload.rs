//! The header in front of each frame, and the ladder of what the device can be talked into.
//!
//! With IFF_VNET_HDR each frame read or written is preceded by a `virtio_net_hdr` (virtio 1.2, section 5.1.6; include/uapi/linux/
//! virtio_net.h): whose checksum is still to be filled in, and how a frame of up to 64 kB is to be cut. Byte order is
//! the machine's own. TUNSETOFFLOAD says what we take from the kernel in that form.
//!
//! The ladder, from the best step that the device takes: UDP segmentation, TSO and checksum (Linux 6.2); TSO and checksum;
//! checksum; a header without offloads; no header. A bit that the kernel does not know is EINVAL, and so is one half of UDP
//! segmentation (TUN_F_USO4) without the other.

use matnet_stack::{Capabilities, RxChecksum, RxMeta, Transmit};

use crate::errno::Errno;

/// IFF_TAP: Ethernet frames.
pub const IFF_TAP: u16 = 0x0002;
/// IFF_NO_PI: no packet information in front of frames.
pub const IFF_NO_PI: u16 = 0x1000;
/// IFF_VNET_HDR: a `virtio_net_hdr` in front of frames.
pub const IFF_VNET_HDR: u16 = 0x4000;
/// IFF_MULTI_QUEUE: must be as the device was made.
pub const IFF_MULTI_QUEUE: u16 = 0x0100;

/// TUN_F_CSUM: frames without their checksum.
pub const TUN_F_CSUM: u32 = 0x01;
/// TUN_F_TSO4: TCP over IPv4 of up to 64 kB.
pub const TUN_F_TSO4: u32 = 0x02;
/// TUN_F_TSO6: TCP over IPv6 of up to 64 kB.
pub const TUN_F_TSO6: u32 = 0x04;
/// TUN_F_TSO_ECN: such frames with CWR set.
pub const TUN_F_TSO_ECN: u32 = 0x08;
/// TUN_F_USO4: several UDP datagrams over IPv4 in one frame.
pub const TUN_F_USO4: u32 = 0x20;
/// TUN_F_USO6: the same over IPv6.
pub const TUN_F_USO6: u32 = 0x40;

const TSO: u32 = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
/// Steps of the ladder below a device with headers, best first.
const OFFLOADS: [u32; 4] = [TSO | TUN_F_USO4 | TUN_F_USO6, TSO, TUN_F_CSUM, 0];

/// VIRTIO_NET_HDR_F_NEEDS_CSUM
const NEEDS_CSUM: u8 = 1;
/// VIRTIO_NET_HDR_F_DATA_VALID
const DATA_VALID: u8 = 2;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
const GSO_UDP_L4: u8 = 5;
/// VIRTIO_NET_HDR_GSO_ECN, a flag beside the type: the first segment has CWR set.
const GSO_ECN: u8 = 0x80;

/// The header's largest size here: `virtio_net_hdr_mrg_rxbuf`.
pub const HEADER_MAX: usize = 12;
/// The header without the field for merged buffers: what a device has when it refuses the larger one.
const HEADER_MIN: usize = 10;

/// What is asked of a TUN file: system calls in life, a table in tests.
pub trait TunControl {
    /// TUNSETIFF
    fn attach(&mut self, flags: u16) -> Result<(), Errno>;
    /// TUNSETVNETHDRSZ
    fn set_header_len(&mut self, len: usize) -> Result<(), Errno>;
    /// TUNSETOFFLOAD
    fn set_offload(&mut self, bits: u32) -> Result<(), Errno>;
}

/// What the device agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Bytes in front of each frame: 12, 10 or 0.
    pub header_len: usize,
    /// What the stack may leave to the device.
    pub capabilities: Capabilities,
}

/// Attaches to the device with the most that it takes.
///
/// EINVAL from TUNSETIFF has several meanings: a device made with several queues takes only files with that flag, and a kernel
/// without IFF_VNET_HDR refuses it; so these are tried. Other errors (EPERM, EBUSY) end the attempt.
pub fn agree(tun: &mut dyn TunControl) -> Result<Agreed, Errno> {
    let mut first = None;
    for flags in [IFF_VNET_HDR, IFF_VNET_HDR | IFF_MULTI_QUEUE, 0, IFF_MULTI_QUEUE] {
        match tun.attach(IFF_TAP | IFF_NO_PI | flags) {
            Ok(()) if flags & IFF_VNET_HDR == 0 => {
                return Ok(Agreed { header_len: 0, capabilities: Capabilities::default() });
            }
            Ok(()) => {
                let large = tun.set_header_len(HEADER_MAX).is_ok();
                let header_len = if large { HEADER_MAX } else { HEADER_MIN };
                let bits = OFFLOADS.into_iter().find(|bits| tun.set_offload(*bits).is_ok()).unwrap_or(0);
                let capabilities = Capabilities {
                    tx_checksum: bits & TUN_F_CSUM != 0,
                    tso: bits & TUN_F_TSO4 != 0,
                    uso: bits & TUN_F_USO4 != 0,
                };
                return Ok(Agreed { header_len, capabilities });
            }
            Err(e) if e.0 == libc::EINVAL => {
                first.get_or_insert(e);
            }
            Err(e) => return Err(e),
        }
    }
    Err(first.unwrap_or(Errno(libc::EINVAL)))
}

/// Reads the header of a received frame; None when it is shorter than `header_len`.
pub fn parse(bytes: &[u8], header_len: usize) -> Option<RxMeta> {
    if header_len == 0 {
        return Some(RxMeta::default());
    }
    let header: &[u8; HEADER_MIN] = bytes.get(..header_len)?.first_chunk()?;
    let [flags, gso_type, _, _, size_a, size_b, ..] = *header;
    let gso_size = match gso_type & !GSO_ECN {
        GSO_TCPV4 | GSO_TCPV6 | GSO_UDP_L4 => u16::from_ne_bytes([size_a, size_b]),
        // None, or one that was not asked for: a frame is a packet then.
        _ => 0,
    };
    let trusted = flags & (NEEDS_CSUM | DATA_VALID) != 0;
    Some(RxMeta { checksum: if trusted { RxChecksum::Trusted } else { RxChecksum::Unverified }, gso_size })
}

/// The header of a frame to send; the first `header_len` bytes are used.
pub fn emit(frame: &Transmit<'_>) -> [u8; HEADER_MAX] {
    let mut flags = 0;
    let (mut start, mut offset) = ([0; 2], [0; 2]);
    if let Some(c) = frame.meta.checksum {
        flags = NEEDS_CSUM;
        start = c.start.to_ne_bytes();
        offset = c.offset.to_ne_bytes();
    }
    let (mut kind, mut len, mut size) = (0, [0; 2], [0; 2]);
    if let Some(gso) = frame.meta.gso {
        kind = gso_type(frame.header);
        len = gso.header_len.to_ne_bytes();
        size = gso.size.to_ne_bytes();
    }
    [flags, kind, len[0], len[1], size[0], size[1], start[0], start[1], offset[0], offset[1], 0, 0]
}

/// How a large frame is cut, told by its headers; 0 when it cannot be.
fn gso_type(header: &[u8]) -> u8 {
    const TCP: u8 = 6;
    const UDP: u8 = 17;
    let byte = |at: usize| header.get(at).copied().unwrap_or(0);
    let (v4, l4, protocol) = match (byte(12), byte(13)) {
        (0x08, 0x00) => (true, 14 + usize::from(byte(14) & 15) * 4, byte(23)),
        (0x86, 0xdd) => (false, 54, byte(20)),
        _ => return 0,
    };
    match protocol {
        TCP => {
            const CWR: u8 = 0x80;
            let ecn = if byte(l4 + 13) & CWR != 0 { GSO_ECN } else { 0 };
            (if v4 { GSO_TCPV4 } else { GSO_TCPV6 }) | ecn
        }
        UDP => GSO_UDP_L4,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use matnet_stack::{Gso, TxChecksum, TxMeta};

    /// A device that takes what its fields say.
    #[derive(Default)]
    struct Model {
        flags: Vec<(u16, i32)>,
        header: bool,
        offloads: u32,
        asked: Vec<u32>,
        attached: Option<u16>,
    }

    impl TunControl for Model {
        fn attach(&mut self, flags: u16) -> Result<(), Errno> {
            match self.flags.iter().find(|(bits, _)| flags & bits == *bits) {
                Some((_, errno)) => Err(Errno(*errno)),
                None => {
                    self.attached = Some(flags);
                    Ok(())
                }
            }
        }
        fn set_header_len(&mut self, _: usize) -> Result<(), Errno> {
            if self.header { Ok(()) } else { Err(Errno(libc::EINVAL)) }
        }
        fn set_offload(&mut self, bits: u32) -> Result<(), Errno> {
            self.asked.push(bits);
            if bits & !self.offloads == 0 { Ok(()) } else { Err(Errno(libc::EINVAL)) }
        }
    }

    #[test]
    fn the_ladder() {
        let caps = |tx_checksum, tso| Capabilities { tx_checksum, tso, uso: false };
        let all = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
        let with_uso = Capabilities { uso: true, ..caps(true, true) };
        for (offloads, header, want) in [
            (all | 0x60, true, Agreed { header_len: 12, capabilities: with_uso }),
            // Half of it is not had.
            (all | 0x20, true, Agreed { header_len: 12, capabilities: caps(true, true) }),
            (0x61, true, Agreed { header_len: 12, capabilities: caps(true, false) }),
            (all, true, Agreed { header_len: 12, capabilities: caps(true, true) }),
            (all, false, Agreed { header_len: 10, capabilities: caps(true, true) }),
            (TUN_F_CSUM | TUN_F_TSO4, true, Agreed { header_len: 12, capabilities: caps(true, false) }),
            (TUN_F_CSUM, true, Agreed { header_len: 12, capabilities: caps(true, false) }),
            (0, true, Agreed { header_len: 12, capabilities: caps(false, false) }),
        ] {
            let mut model = Model { offloads, header, ..Model::default() };
            assert_eq!(agree(&mut model), Ok(want), "{offloads:#x}");
            assert_eq!(model.attached, Some(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR));
        }
        // From the best step down, each once.
        let mut model = Model { offloads: TUN_F_CSUM, header: true, ..Model::default() };
        agree(&mut model).unwrap();
        assert_eq!(model.asked, [0x6f, 0x0f, 0x01]);
        // No IFF_VNET_HDR at all.
        let mut model = Model { flags: vec![(IFF_VNET_HDR, libc::EINVAL)], ..Model::default() };
        assert_eq!(agree(&mut model), Ok(Agreed { header_len: 0, capabilities: caps(false, false) }));
        assert!(model.asked.is_empty());
    }

    #[test]
    fn refusals_that_are_final() {
        for errno in [libc::EPERM, libc::EBUSY] {
            let mut model = Model { flags: vec![(IFF_TAP, errno)], ..Model::default() };
            assert_eq!(agree(&mut model), Err(Errno(errno)));
        }
        let mut model = Model { flags: vec![(IFF_TAP, libc::EINVAL)], ..Model::default() };
        assert_eq!(agree(&mut model), Err(Errno(libc::EINVAL)));
    }

    #[test]
    fn headers_out() {
        let mut header = vec![0_u8; 54];
        header[12] = 8;
        header[14] = 0x45;
        header[23] = 6;
        let meta = TxMeta {
            checksum: Some(TxChecksum { start: 34, offset: 16 }),
            gso: Some(Gso { size: 1460, header_len: 54 }),
        };
        let out = emit(&Transmit { header: &header, payload: &[], meta });
        let ne = |v: u16| v.to_ne_bytes();
        let want = [&[1, 1][..], &ne(54), &ne(1460), &ne(34), &ne(16), &[0, 0]].concat();
        assert_eq!(out.to_vec(), want);
        header[14 + 20 + 13] = 0x90;
        assert_eq!(emit(&Transmit { header: &header, payload: &[], meta })[1], 0x81);
        assert_eq!(emit(&Transmit { header: &header, payload: &[], meta: TxMeta::default() }), [0; 12]);
        header[23] = 17;
        assert_eq!(emit(&Transmit { header: &header, payload: &[], meta })[1], 5);
    }

    #[test]
    fn headers_in() {
        let ne = |v: u16| v.to_ne_bytes();
        let header =
            |flags, kind| [&[flags, kind][..], &ne(66), &ne(1448), &ne(34), &ne(16), &[0, 0]].concat();
        let trusted = |gso_size| Some(RxMeta { checksum: RxChecksum::Trusted, gso_size });
        assert_eq!(parse(&header(1, 1), 12), trusted(1448));
        assert_eq!(parse(&header(1, 0x81), 12), trusted(1448));
        assert_eq!(parse(&header(1, 5), 12), trusted(1448));
        assert_eq!(parse(&header(2, 0), 12), trusted(0));
        // VIRTIO_NET_HDR_GSO_UDP is one datagram, to be fragmented.
        assert_eq!(parse(&header(1, 3), 12), trusted(0));
        assert_eq!(parse(&header(0, 0), 10), Some(RxMeta::default()));
        assert_eq!(parse(&[], 0), Some(RxMeta::default()));
        assert_eq!(parse(&[0; 11], 12), None);
    }
}
