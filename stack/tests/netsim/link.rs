//! The link: two directions of a pipe with faults (matnet-faults), and what a device does to frames before they enter it.
//!
//! With offloads and a clean link, frames of up to 64 kB cross whole with their gso size, as on a TAP. With faults the link
//! cuts them to the MTU and completes their checksums first, as a real device would; a lost frame is one segment then.

use std::ops::Range;

use matnet_faults::{Direction, Frame, Lane, Path, Pipe, Spec};
use matnet_stack::{Instant, RxChecksum, RxMeta, TxMeta};

pub use crate::cut::segment;

/// A frame on the way.
#[derive(Clone)]
pub struct Packet {
    pub bytes: Vec<u8>,
    pub rx: RxMeta,
}

impl Frame for Packet {
    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn lane(&self) -> Lane {
        self.bytes.lane()
    }

    fn corrupt(&mut self, draw: u64) -> bool {
        self.bytes.corrupt(draw)
    }
}

/// One direction.
pub struct Line {
    pipe: Pipe<Packet>,
    cut: bool,
    /// Frames with payload so far.
    data: u64,
    /// Those of them that are lost, whatever the pipe would do.
    pub drop: Option<Range<u64>>,
    /// When the first of them was.
    pub dropped_at: Option<Instant>,
}

impl Line {
    pub fn new(path: &Path, seed: u64, direction: Direction) -> Line {
        // A delay alone leaves frames whole, a rate does not: a queue counts what it really carries.
        let clean = Path { delay: path.delay, ..Path::default() };
        Line {
            pipe: Pipe::new(path, seed, direction, 0),
            cut: *path != clean,
            data: 0,
            drop: None,
            dropped_at: None,
        }
    }

    /// A frame of a stack enters.
    pub fn send(&mut self, now: Instant, bytes: Vec<u8>, meta: TxMeta) {
        if !self.cut {
            let checksum = if meta.checksum.is_some() { RxChecksum::Trusted } else { RxChecksum::Unverified };
            let rx = RxMeta { checksum, gso_size: meta.gso.map_or(0, |gso| gso.size) };
            return self.push(now, Packet { bytes, rx });
        }
        for bytes in segment(bytes, meta) {
            self.push(now, Packet { bytes, rx: RxMeta::default() });
        }
    }

    /// A frame that came from another line.
    pub fn push(&mut self, now: Instant, packet: Packet) {
        if payload_len(&packet.bytes) > 0 {
            let number = self.data;
            self.data += 1;
            if self.drop.as_ref().is_some_and(|range| range.contains(&number)) {
                self.dropped_at.get_or_insert(now);
                return;
            }
        }
        self.pipe.push(now.micros(), packet);
    }

    pub fn pop(&mut self, now: Instant) -> Option<Packet> {
        self.pipe.pop(now.micros())
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.pipe.deadline().map(Instant::from_micros)
    }

    pub fn is_empty(&self) -> bool {
        self.pipe.is_empty()
    }
}

/// A description such as `rate=100mbit,delay=5ms,loss=1%`, the same both ways unless it says otherwise.
pub fn spec(text: &str) -> Spec {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Bytes of TCP payload in a frame.
fn payload_len(bytes: &[u8]) -> usize {
    if bytes.len() < 54 || bytes[12..14] != [8, 0] || bytes[23] != 6 {
        return 0;
    }
    let total = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    total.saturating_sub(20 + usize::from(bytes[46] >> 4) * 4)
}
