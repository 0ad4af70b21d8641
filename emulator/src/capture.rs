//! A capture as pcap with nanoseconds (the format of libpcap's savefile manual page, magic 0xa1b23c4d), written in large pieces.
//!
//! It is taken where the emulator reads and writes a device, so it drops nothing and both stacks are captured on one spot.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

/// An open capture.
pub struct Capture {
    file: BufWriter<File>,
    snap: usize,
}

impl Capture {
    /// Creates `path`; of each frame the first `snap` bytes are kept.
    pub fn create(path: &str, snap: usize) -> io::Result<Capture> {
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let words: [u32; 6] = [0xa1b2_3c4d, 2 | 4 << 16, 0, 0, u32::try_from(snap).unwrap_or(u32::MAX), 1];
        for word in words {
            file.write_all(&word.to_ne_bytes())?;
        }
        Ok(Capture { file, snap })
    }

    /// Adds a frame that passed at `time` since the epoch.
    pub fn add(&mut self, time: Duration, frame: &[u8]) -> io::Result<()> {
        let kept = frame.get(..self.snap).unwrap_or(frame);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let words = [
            u32::try_from(time.as_secs()).unwrap_or(u32::MAX),
            time.subsec_nanos(),
            number(kept.len()),
            number(frame.len()),
        ];
        for word in words {
            self.file.write_all(&word.to_ne_bytes())?;
        }
        self.file.write_all(kept)
    }

    /// Writes what is still in memory.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.flush()
    }
}
