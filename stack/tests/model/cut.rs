//! What a device does with a frame that stands for several, when there is no device that does: the frames themselves.

use matnet_stack::TxMeta;
use matnet_stack::wire::{checksum, ipv4};

/// What a device without offloads would have sent.
pub fn segment(bytes: Vec<u8>, meta: TxMeta) -> Vec<Vec<u8>> {
    let Some(at) = meta.checksum else { return vec![bytes] };
    let complete = |mut frame: Vec<u8>, len_delta: usize| {
        let start = at.start as usize;
        let field = start + at.offset as usize;
        // The field holds the pseudo-header sum over the length of the whole frame.
        let held = u32::from(u16::from_be_bytes([frame[field], frame[field + 1]]));
        let corrected = checksum::fold(checksum::combine(held, u32::from(!(len_delta as u16))));
        frame[field..field + 2].copy_from_slice(&corrected.to_be_bytes());
        let sum = checksum::checksum(&frame[start..]);
        frame[field..field + 2].copy_from_slice(&sum.to_be_bytes());
        frame
    };
    let Some(gso) = meta.gso else { return vec![complete(bytes, 0)] };
    let (header, payload) = bytes.split_at(gso.header_len as usize);
    let (mut ip, _) = ipv4::Repr::parse(&bytes[14..]).unwrap();
    let l4_header = ip.payload_len - payload.len();
    let count = payload.chunks(gso.size.into()).count();
    let pieces = payload.chunks(gso.size.into()).enumerate().map(|(n, piece)| {
        let mut frame = header[..14].to_vec();
        ip.payload_len = l4_header + piece.len();
        ip.emit(&mut frame);
        ip.ident = ip.ident.wrapping_add(1);
        frame.extend_from_slice(&header[34..]);
        frame.extend_from_slice(piece);
        let offset = (n * gso.size as usize) as u32;
        let seq = u32::from_be_bytes(frame[38..42].try_into().unwrap()).wrapping_add(offset);
        frame[38..42].copy_from_slice(&seq.to_be_bytes());
        if n + 1 < count {
            // FIN and PSH belong to the last one.
            frame[47] &= !0x09;
        }
        if n > 0 {
            // CWR is said once (RFC 3168 section 6.1.2).
            frame[47] &= !0x80;
        }
        complete(frame, payload.len() - piece.len())
    });
    pieces.collect()
}
