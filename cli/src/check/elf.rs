//! The few facts of an ELF file that decide whether a library can be loaded into it (elf(5)).
//!
//! Limits: the section table is only looked at for Go's mark; a file without one is taken as not Go.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// What is known of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elf {
    /// 64-bit file.
    pub wide: bool,
    /// Most significant byte first.
    pub big_endian: bool,
    /// e_machine
    pub machine: u16,
    /// The loader that the program asks for (PT_INTERP); None: static.
    pub interpreter: Option<String>,
    /// Built by the Go tools.
    pub is_go: bool,
}

/// Why a file is not a program.
#[derive(Debug)]
pub enum NotElf {
    /// It is something else.
    Magic,
    /// It claims to be one, and is not.
    Broken,
    /// It cannot be read.
    Io(io::Error),
}

const PT_INTERP: u32 = 3;
/// More than any program has.
const TABLE_MAX: usize = 1 << 20;
/// The section that the Go linker writes.
const GO_MARK: &[u8] = b".go.buildinfo";

/// e_machine values with the names that people use.
const MACHINES: &[(u16, &str)] = &[
    (3, "i386 (32-bit)"),
    (8, "MIPS"),
    (20, "PowerPC (32-bit)"),
    (21, "ppc64"),
    (22, "s390"),
    (40, "arm (32-bit)"),
    (62, "x86_64"),
    (183, "aarch64"),
    (243, "riscv"),
    (258, "loongarch"),
];

impl Elf {
    /// True when this machine's loader takes it, and with it a library of the command's own kind.
    pub fn is_native(&self) -> bool {
        let own = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
        self.wide && !self.big_endian && self.machine == own
    }

    /// The machine that it is for.
    pub fn machine_name(&self) -> String {
        let name = MACHINES.iter().find(|(n, _)| *n == self.machine).map(|(_, name)| (*name).to_owned());
        let name = name.unwrap_or_else(|| format!("machine {}", self.machine));
        match (self.wide, self.machine) {
            (false, 62) => String::from("x32"),
            _ => name,
        }
    }
}

/// Reads a file's headers.
pub fn inspect(file: &File) -> Result<Elf, NotElf> {
    let header = read(file, 0, 64)?;
    if header.get(..4) != Some(b"\x7fELF") {
        return Err(NotElf::Magic);
    }
    let byte = |at: usize| header.get(at).copied().unwrap_or(0);
    let (wide, big_endian) = (byte(4) == 2, byte(5) == 2);
    if !(1..=2).contains(&byte(4)) || !(1..=2).contains(&byte(5)) {
        return Err(NotElf::Broken);
    }
    let f = Fields { wide, big_endian };
    let half = |at| f.u16(&header, at).ok_or(NotElf::Broken);
    // Offsets of e_phoff, e_shoff, e_phentsize and what follows, for both sizes.
    let (phoff, shoff, sizes) = if wide { (32, 40, 54) } else { (28, 32, 42) };
    let phoff = f.word(&header, phoff).ok_or(NotElf::Broken)?;
    let shoff = f.word(&header, shoff).ok_or(NotElf::Broken)?;
    let (phentsize, phnum) = (usize::from(half(sizes)?), usize::from(half(sizes + 2)?));
    let (shentsize, shnum) = (usize::from(half(sizes + 4)?), usize::from(half(sizes + 6)?));
    let strings = usize::from(half(sizes + 8)?);
    let mut elf = Elf { wide, big_endian, machine: half(18)?, interpreter: None, is_go: false };
    // ET_EXEC and ET_DYN; the rest (objects, cores) cannot be run.
    if !(2..=3).contains(&half(16)?) || phnum == 0 || phentsize == 0 {
        return Err(NotElf::Broken);
    }
    let table = read(file, phoff, (phentsize * phnum).min(TABLE_MAX))?;
    for entry in table.chunks_exact(phentsize) {
        if f.u32(entry, 0) == Some(PT_INTERP) {
            let (offset, size) = if wide { (8, 32) } else { (4, 16) };
            let offset = f.word(entry, offset).ok_or(NotElf::Broken)?;
            let size = f.word(entry, size).and_then(|s| usize::try_from(s).ok()).ok_or(NotElf::Broken)?;
            let name = read(file, offset, size.min(4096))?;
            let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
            let name = String::from_utf8_lossy(name.get(..end).unwrap_or_default()).into_owned();
            elf.interpreter = Some(name).filter(|n| !n.is_empty());
        }
    }
    elf.is_go = has_go_mark(file, &f, shoff, shentsize, shnum, strings).unwrap_or(false);
    Ok(elf)
}

/// Looks for Go's section among the names of sections; None when the table makes no sense, which a stripped program may
/// afford.
fn has_go_mark(
    file: &File,
    f: &Fields,
    shoff: u64,
    shentsize: usize,
    shnum: usize,
    strings: usize,
) -> Option<bool> {
    if shoff == 0 || shentsize == 0 || shentsize * shnum > TABLE_MAX {
        return None;
    }
    let table = read(file, shoff, shentsize * shnum).ok()?;
    let entry = table.chunks_exact(shentsize).nth(strings)?;
    let (offset, size) = if f.wide { (24, 32) } else { (16, 20) };
    let size = usize::try_from(f.word(entry, size)?).ok()?;
    let names = read(file, f.word(entry, offset)?, size.min(TABLE_MAX)).ok()?;
    Some(names.split(|b| *b == 0).any(|name| name == GO_MARK))
}

/// Up to `len` bytes at `offset`: fewer at the end of the file.
fn read(file: &File, offset: u64, len: usize) -> Result<Vec<u8>, NotElf> {
    let mut bytes = vec![0; len];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|r| !r.is_empty()) {
        match file.read_at(rest, offset.saturating_add(done as u64)) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            // An offset beyond what a file can have.
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => return Err(NotElf::Broken),
            Err(e) => return Err(NotElf::Io(e)),
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

/// How numbers are written in the file.
struct Fields {
    wide: bool,
    big_endian: bool,
}

impl Fields {
    fn u16(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let b = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) })
    }

    fn u32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let b = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) })
    }

    /// An address or offset: 8 bytes in wide files, 4 in others.
    fn word(&self, bytes: &[u8], at: usize) -> Option<u64> {
        if !self.wide {
            return self.u32(bytes, at).map(u64::from);
        }
        let b = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big_endian { u64::from_be_bytes(b) } else { u64::from_le_bytes(b) })
    }
}
