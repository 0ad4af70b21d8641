//! Writes what passes a link to a pcapng file (IETF draft-ietf-opsawg-pcapng), as it would look on a cable.
//!
//! Frames are written whole, up to 64 kB, with their direction and nanosecond times. Checksums that were left to the device are
//! completed in the copy, so that a reader can verify them; the frame itself is not touched. Each block is one writev(2)
//! from where the bytes lie: nothing is buffered here, so what was captured survives a SIGKILL of the program.
//!
//! A frame of several UDP datagrams is written as that many packets.
//!
//! Limits: a frame of several TCP segments is one packet in the file. A write that fails ends the capture with one warning; the
//! file is cut back to its last whole block where it can be, and the link works on.

use std::ffi::CString;
use std::os::fd::RawFd;
use std::time::{SystemTime, UNIX_EPOCH};

use matnet_stack::{Buf, Capabilities, Instant, RxChecksum, RxMeta, Transmit};

use super::checksum::{self, DATAGRAM};
use super::{Link, LinkError, OpenError};
use crate::config::expand_pid;
use crate::errno::Errno;
use crate::runtime::quiet::{self, iovec};
use crate::runtime::{fdspace, sys};

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const LINKTYPE_ETHERNET: u16 = 1;

const OPT_END: u16 = 0;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;
const FLAG_INBOUND: u32 = 1;
const FLAG_OUTBOUND: u32 = 2;

/// Longest headers that are patched on the stack: Ethernet, IPv4 with options, TCP with options is 134.
const HEADER_COPY: usize = 256;
/// Parts of a block: its head, three pieces of a frame or header and payload slices, its tail.
const PARTS_INLINE: usize = 24;

/// A link whose frames are recorded.
pub struct Capture {
    inner: Box<dyn Link>,
    /// -1 once a write has failed.
    fd: RawFd,
    path: String,
    /// Bytes of whole blocks in the file.
    written: u64,
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Capture {
    /// Opens the file (`%p` in its name is the process id) and writes its beginning. `name` is the interface's name in the
    /// file, `place` moves the descriptor out of the program's way.
    pub fn new(
        inner: Box<dyn Link>,
        path: &str,
        name: &str,
        place: fn(RawFd) -> RawFd,
    ) -> Result<Capture, OpenError> {
        let path = expand_pid(path, sys::getpid());
        let refuse = |errno: Errno| OpenError {
            errno,
            line: format!(
                "MATNET_PCAP: \"{path}\": cannot be written ({errno}): name a file in a directory that this process may \
                 write to"
            ),
        };
        let flags = libc::O_WRONLY
            | libc::O_CREAT
            | libc::O_TRUNC
            | libc::O_APPEND
            | libc::O_CLOEXEC
            | libc::O_NOCTTY;
        let c_path = CString::new(path.as_str()).map_err(|_| refuse(Errno(libc::EINVAL)))?;
        let fd = place(sys::open(&c_path, flags, 0o644).map_err(refuse)?);
        if fd < 0 {
            return Err(refuse(Errno(libc::EMFILE)));
        }
        let mut capture = Capture { inner, fd, path: path.clone(), written: 0 };
        capture.write_all(&[&beginning(name)]).map_err(refuse)?;
        Ok(capture)
    }

    /// Records one frame given in pieces. Failing, it ends the capture.
    fn record(&mut self, direction: u32, at: u64, pieces: &[&[u8]]) {
        if self.fd < 0 {
            return;
        }
        let len: usize = pieces.iter().map(|p| p.len()).sum();
        let Ok(frame_len) = u32::try_from(len) else { return };
        let padding = len.next_multiple_of(4) - len;
        let Ok(block_len) = u32::try_from(HEAD + len + padding + TAIL) else { return };
        let (head, tail) = (head(at, frame_len, block_len), tail(direction, block_len));
        let padding = [0; 3].get(..padding).unwrap_or_default();
        let mut inline: [&[u8]; PARTS_INLINE] = [&[]; PARTS_INLINE];
        let all =
            || [head.as_slice()].into_iter().chain(pieces.iter().copied()).chain([padding, tail.as_slice()]);
        let result = if pieces.len() + 3 <= PARTS_INLINE {
            for (slot, part) in inline.iter_mut().zip(all()) {
                *slot = part;
            }
            self.write_all(inline.get(..pieces.len() + 3).unwrap_or_default())
        } else {
            self.write_all(&all().collect::<Vec<_>>())
        };
        if let Err(e) = result {
            crate::log_warn!("MATNET_PCAP: \"{}\": a write failed ({e}): the capture ends here", self.path);
            // Not possible on a pipe, and nobody is left to be told.
            let _ = quiet::truncate(self.fd, i64::try_from(self.written).unwrap_or(i64::MAX));
            self.stop();
        }
    }

    /// Writes one block from its pieces with one call, or more when the file takes it in parts (a pipe).
    fn write_all(&mut self, pieces: &[&[u8]]) -> Result<(), Errno> {
        let total: usize = pieces.iter().map(|p| p.len()).sum();
        let mut inline = [iovec(&[]); PARTS_INLINE];
        let spilled: Vec<libc::iovec>;
        let vector = if pieces.len() <= PARTS_INLINE {
            for (slot, piece) in inline.iter_mut().zip(pieces) {
                *slot = iovec(piece);
            }
            inline.get(..pieces.len()).unwrap_or_default()
        } else {
            spilled = pieces.iter().map(|p| iovec(p)).collect();
            spilled.as_slice()
        };
        let mut done = again(|| quiet::writev(self.fd, vector))?;
        if done < total {
            let rest = pieces.concat();
            while done < total {
                done += again(|| quiet::write(self.fd, rest.get(done..).unwrap_or_default()))?;
            }
        }
        self.written += total as u64;
        Ok(())
    }

    /// Records a frame as it came in.
    fn record_received(&mut self, frame: &[u8], meta: &RxMeta) {
        if self.fd < 0 {
            return;
        }
        let at = now();
        let (header, payload) = frame.split_at_checked(DATAGRAM).unwrap_or((frame, &[]));
        if let Some(several) = checksum::datagrams(header, payload, meta.gso_size) {
            several.for_each(|(header, data)| self.record(FLAG_INBOUND, at, &[&header, data]));
            return;
        }
        let patch = match meta.checksum {
            RxChecksum::Trusted => checksum::expected(frame),
            RxChecksum::Unverified => None,
        };
        match patch {
            Some((field, value)) => {
                let before = frame.get(..field).unwrap_or_default();
                let after = frame.get(field + value.len()..).unwrap_or_default();
                self.record(FLAG_INBOUND, at, &[before, &value, after]);
            }
            None => self.record(FLAG_INBOUND, at, &[frame]),
        }
    }

    fn stop(&mut self) {
        if self.fd >= 0 {
            fdspace::close_internal(self.fd);
            self.fd = -1;
        }
    }
}

/// A write that is not stopped by a signal and does not spin on zero.
fn again(mut f: impl FnMut() -> Result<usize, Errno>) -> Result<usize, Errno> {
    loop {
        match f() {
            Err(e) if e.0 == libc::EINTR => {}
            Ok(0) => return Err(Errno(libc::EIO)),
            other => return other,
        }
    }
}

/// Nanoseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Bytes of a packet block before the frame.
const HEAD: usize = 28;
/// Bytes after the frame and its padding.
const TAIL: usize = 16;

/// Type, block length, interface 0, time, captured and original length.
fn head(at: u64, frame_len: u32, block_len: u32) -> [u8; HEAD] {
    let (high, low) = ((at >> 32) as u32, at as u32);
    let mut head = [0; HEAD];
    let words = [ENHANCED_PACKET, block_len, 0, high, low, frame_len, frame_len];
    for (to, word) in head.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_ne_bytes());
    }
    head
}

/// The option with the direction, the end of options, block length.
fn tail(direction: u32, block_len: u32) -> [u8; TAIL] {
    let [a, b] = EPB_FLAGS.to_ne_bytes();
    let [c, d] = 4_u16.to_ne_bytes();
    let mut tail = [0; TAIL];
    let words = [[a, b, c, d], direction.to_ne_bytes(), [0; 4], block_len.to_ne_bytes()];
    for (to, word) in tail.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word);
    }
    tail
}

/// An option: code, length, value, padding.
fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend(code.to_ne_bytes());
    out.extend(u16::try_from(value.len()).unwrap_or(0).to_ne_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// A block: type, length, body, length.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len() + 12).unwrap_or(u32::MAX).to_ne_bytes();
    [&kind.to_ne_bytes()[..], &len, body, &len].concat()
}

/// Section header and interface description.
fn beginning(name: &str) -> Vec<u8> {
    let mut section = Vec::new();
    section.extend(BYTE_ORDER_MAGIC.to_ne_bytes());
    section.extend(1_u16.to_ne_bytes());
    section.extend(0_u16.to_ne_bytes());
    // The section's length is not known: -1.
    section.extend([0xff; 8]);
    option(&mut section, SHB_USERAPPL, concat!("matnet ", env!("CARGO_PKG_VERSION")).as_bytes());
    option(&mut section, OPT_END, &[]);

    let mut interface = Vec::new();
    interface.extend(LINKTYPE_ETHERNET.to_ne_bytes());
    interface.extend([0; 2]);
    // No limit on the captured length.
    interface.extend([0; 4]);
    option(&mut interface, IF_NAME, name.as_bytes());
    // Times are in units of 10^-9 seconds.
    option(&mut interface, IF_TSRESOL, &[9]);
    option(&mut interface, OPT_END, &[]);
    [block(SECTION_HEADER, &section), block(INTERFACE_DESCRIPTION, &interface)].concat()
}

impl Link for Capture {
    fn fd(&self) -> Option<RawFd> {
        self.inner.fd()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn mtu(&self) -> u16 {
        self.inner.mtu()
    }

    fn is_timed(&self) -> bool {
        self.inner.is_timed()
    }

    fn deadline(&self) -> Option<Instant> {
        self.inner.deadline()
    }

    fn poll(&mut self) -> Result<(), LinkError> {
        self.inner.poll()
    }

    fn has_output(&self) -> bool {
        self.inner.has_output()
    }

    fn flush(&mut self) {
        self.inner.flush();
    }

    fn summary(&self) -> Option<String> {
        self.inner.summary()
    }

    fn recv(&mut self) -> Result<Option<(Buf, RxMeta)>, Errno> {
        let got = self.inner.recv()?;
        if let Some((frame, meta)) = &got {
            self.record_received(frame, meta);
        }
        Ok(got)
    }

    fn send(&mut self, frame: &Transmit<'_>) -> Result<(), LinkError> {
        // The peer may answer before `send` returns, so the time is taken first; what was not sent is not recorded.
        let at = now();
        self.inner.send(frame)?;
        if self.fd < 0 {
            return Ok(());
        }
        // A frame that waited for its neighbour's address comes in one piece; its headers are the beginning of that.
        let split = match frame.payload {
            [payload] => Some((frame.header, *payload)),
            [] => frame.header.split_at_checked(DATAGRAM),
            _ => None,
        };
        if let (Some(gso), Some((header, payload))) = (frame.meta.gso, split) {
            if let Some(several) = checksum::datagrams(header, payload, gso.size) {
                several.for_each(|(header, data)| self.record(FLAG_OUTBOUND, at, &[&header, data]));
                return Ok(());
            }
        }
        let (header, rest) = frame.header.split_at_checked(HEADER_COPY).unwrap_or((frame.header, &[]));
        let joined: Vec<&[u8]>;
        let payload = if rest.is_empty() {
            frame.payload
        } else {
            joined = [rest].into_iter().chain(frame.payload.iter().copied()).collect();
            &joined
        };
        let mut copy = [0_u8; HEADER_COPY];
        let header = match (frame.meta.checksum, copy.get_mut(..header.len())) {
            (Some(what), Some(to)) => {
                to.copy_from_slice(header);
                checksum::complete(to, payload, what);
                &*to
            }
            _ => header,
        };
        let mut inline: [&[u8]; PARTS_INLINE] = [&[]; PARTS_INLINE];
        let pieces = payload.len() + 1;
        let all = || [header].into_iter().chain(payload.iter().copied());
        if pieces <= PARTS_INLINE {
            for (slot, piece) in inline.iter_mut().zip(all()) {
                *slot = piece;
            }
            self.record(FLAG_OUTBOUND, at, inline.get(..pieces).unwrap_or_default());
        } else {
            self.record(FLAG_OUTBOUND, at, &all().collect::<Vec<_>>());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use matnet_stack::{TxChecksum, TxMeta};

    /// A link that takes everything and gives one frame.
    struct Sponge(Option<(Buf, RxMeta)>);

    impl Link for Sponge {
        fn fd(&self) -> Option<RawFd> {
            None
        }
        fn capabilities(&self) -> Capabilities {
            Capabilities::default()
        }
        fn mtu(&self) -> u16 {
            1500
        }
        fn recv(&mut self) -> Result<Option<(Buf, RxMeta)>, Errno> {
            Ok(self.0.take())
        }
        fn send(&mut self, _: &Transmit<'_>) -> Result<(), LinkError> {
            Ok(())
        }
    }

    fn temporary(name: &str) -> String {
        let file = format!("matnet-capture-{}-{name}", std::process::id());
        std::env::temp_dir().join(file).to_str().unwrap().to_owned()
    }

    /// The blocks of a file: type and body.
    fn blocks(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let word = |b: &[u8], at: usize| u32::from_ne_bytes(b[at..at + 4].try_into().unwrap());
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let len = word(bytes, 4) as usize;
            assert_eq!(len % 4, 0);
            assert_eq!(word(bytes, len - 4) as usize, len);
            found.push((word(bytes, 0), bytes[8..len - 4].to_vec()));
            bytes = &bytes[len..];
        }
        found
    }

    #[test]
    fn blocks_are_whole_whatever_the_frame() {
        let path = temporary("blocks");
        let inbound = Buf::from_vec((0..61).collect());
        let sponge = Sponge(Some((inbound.clone(), RxMeta::default())));
        let mut capture = Capture::new(Box::new(sponge), &path, "x0", |fd| fd).unwrap();
        assert_eq!(capture.recv().unwrap().unwrap().0.len(), 61);
        let data: Vec<u8> = (0..255).collect();
        let mut wanted = vec![inbound.to_vec()];
        for slices in [0, 1, 5, 20, 21, 22, 23, 24, 60] {
            let payload: Vec<&[u8]> = (0..slices).map(|i| &data[i..i * 2 + 1]).collect();
            capture
                .send(&Transmit { header: &data[..54], payload: &payload, meta: TxMeta::default() })
                .unwrap();
            wanted.push([&data[..54], &payload.concat()].concat());
        }
        let file = std::fs::read(&path).unwrap();
        let all = blocks(&file);
        assert_eq!([all[0].0, all[1].0], [SECTION_HEADER, INTERFACE_DESCRIPTION]);
        assert_eq!(all.len(), 2 + wanted.len());
        for ((kind, body), frame) in all[2..].iter().zip(&wanted) {
            assert_eq!(*kind, ENHANCED_PACKET);
            assert_eq!(body[20..20 + frame.len()], frame[..]);
            assert_eq!(body[12..16], (frame.len() as u32).to_ne_bytes());
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn several_datagrams_are_several_packets() {
        let path = temporary("several");
        let mut header = [0; 42];
        header[12..15].copy_from_slice(&[8, 0, 0x45]);
        header[23] = 17;
        let data: Vec<u8> = (0..250).collect();
        let inbound = Buf::from_vec([&header[..], &data].concat());
        let meta = RxMeta { checksum: RxChecksum::Trusted, gso_size: 100 };
        let sponge = Sponge(Some((inbound, meta)));
        let mut capture = Capture::new(Box::new(sponge), &path, "x0", |fd| fd).unwrap();
        assert_eq!(capture.recv().unwrap().unwrap().0.len(), 292);
        let meta = TxMeta {
            checksum: Some(TxChecksum { start: 34, offset: 6 }),
            gso: Some(matnet_stack::Gso { size: 200, header_len: 42 }),
        };
        capture.send(&Transmit { header: &header, payload: &[&data], meta }).unwrap();
        let all = blocks(&std::fs::read(&path).unwrap());
        let sizes: Vec<u8> = all[2..].iter().map(|(_, body)| body[12]).collect();
        assert_eq!(sizes, [142, 142, 92, 242, 92]);
        let got: Vec<u8> =
            all[2..].iter().flat_map(|(_, b)| b[62..20 + usize::from(b[12])].to_vec()).collect();
        assert_eq!(got, [&data[..], &data].concat());
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn only_the_copy_gets_the_checksum() {
        let path = temporary("sum");
        let mut capture = Capture::new(Box::new(Sponge(None)), &path, "x0", |fd| fd).unwrap();
        let header = vec![0x11; 54];
        let meta = TxMeta { checksum: Some(TxChecksum { start: 34, offset: 16 }), gso: None };
        capture.send(&Transmit { header: &header, payload: &[&[1, 2, 3]], meta }).unwrap();
        assert_eq!(header, vec![0x11; 54]);
        let mut summed = header.clone();
        checksum::complete(&mut summed, &[&[1, 2, 3]], TxChecksum { start: 34, offset: 16 });
        assert_ne!(summed, header);
        let (_, body) = blocks(&std::fs::read(&path).unwrap()).pop().unwrap();
        assert_eq!(body[20..74], summed[..]);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_frame_in_one_piece_is_completed_too() {
        let path = temporary("whole");
        let mut capture = Capture::new(Box::new(Sponge(None)), &path, "x0", |fd| fd).unwrap();
        for len in [60, 255, 256, 257, 558, 1514] {
            let frame: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            let what = TxChecksum { start: 34, offset: 6 };
            let meta = TxMeta { checksum: Some(what), gso: None };
            capture.send(&Transmit { header: &frame, payload: &[], meta }).unwrap();
            let mut summed = frame.clone();
            checksum::complete(&mut summed, &[], what);
            assert_ne!(summed, frame);
            let (_, body) = blocks(&std::fs::read(&path).unwrap()).pop().unwrap();
            assert_eq!(body[20..20 + frame.len()], summed[..], "{len} bytes");
        }
        let mut frame = vec![0; 42 + 450];
        frame[12..15].copy_from_slice(&[8, 0, 0x45]);
        frame[23] = 17;
        let gso = Some(matnet_stack::Gso { size: 200, header_len: 42 });
        let meta = TxMeta { checksum: Some(TxChecksum { start: 34, offset: 6 }), gso };
        capture.send(&Transmit { header: &frame, payload: &[], meta }).unwrap();
        let all = blocks(&std::fs::read(&path).unwrap());
        let sizes: Vec<u8> = all[all.len() - 3..].iter().map(|(_, body)| body[12]).collect();
        assert_eq!(sizes, [242, 242, 92]);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_reader_that_leaves_ends_the_capture_not_the_link() {
        let path = temporary("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let fifo = path.clone();
        let reader = std::thread::spawn(move || {
            use std::io::Read as _;
            let mut first = [0; 4];
            std::fs::File::open(fifo).unwrap().read_exact(&mut first).unwrap();
            u32::from_ne_bytes(first)
        });
        let mut capture = Capture::new(Box::new(Sponge(None)), &path, "x0", |fd| fd).unwrap();
        assert_eq!(reader.join().unwrap(), SECTION_HEADER);
        let frame = Transmit { header: &[0; 60], payload: &[], meta: TxMeta::default() };
        capture.send(&frame).unwrap();
        assert_eq!(capture.fd, -1);
        capture.send(&frame).unwrap();
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_written_is_one_line() {
        for path in ["/nowhere/at/all", "/dev/full"] {
            let error = Capture::new(Box::new(Sponge(None)), path, "x0", |fd| fd).err().unwrap();
            assert!(
                error.line.starts_with(&format!("MATNET_PCAP: \"{path}\": cannot be written (")),
                "{error}"
            );
        }
    }
}
