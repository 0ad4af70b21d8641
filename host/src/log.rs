//! Lines for the person who started the program: `matnet[pid]: text`, one write(2) each.
//!
//! A line is put together on the stack of the calling thread, so logging allocates nothing and takes no lock; a level that
//! is off costs one relaxed load. Lines go to MATNET_LOG_FILE, or to descriptor 2 as it is at that moment.
//!
//! Limits: a line is cut at 1 kB. Descriptor 2 belongs to the program: once it was closed, its number may name any file,
//! so nothing is written there until the program puts something on 2 again with dup2 (see [`stderr_closed`]). A
//! SIGPIPE that one of our lines would cause is swallowed.

use std::ffi::CString;
use std::fmt::{self, Write as _};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, Ordering};

use crate::config::{Settings, expand_pid};
use crate::errno::Errno;
use crate::runtime::{fdspace, fdtable, quiet, sys};

/// How much is logged (MATNET_LOG).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum LogLevel {
    /// Something does not work.
    Error = 1,
    /// Something is not as it should be.
    #[default]
    Warn = 2,
    /// What happens once: start, addresses, settings.
    Info = 3,
    /// What happens often.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

impl LogLevel {
    /// Every level with the name users type.
    pub const ALL: &'static [(&'static str, LogLevel)] = &[
        ("error", LogLevel::Error),
        ("warn", LogLevel::Warn),
        ("info", LogLevel::Info),
        ("debug", LogLevel::Debug),
        ("trace", LogLevel::Trace),
    ];

    /// The name users type.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, l)| *l == self).map_or("warn", |(n, _)| n)
    }
}

/// The most verbose level that is written.
static LEVEL: AtomicU8 = AtomicU8::new(LogLevel::Warn as u8);
/// The log file, or -1: descriptor 2.
static LOG_FD: AtomicI32 = AtomicI32::new(-1);
/// The log file's descriptor, -1 while lines go to stderr.
pub(crate) fn fd() -> RawFd {
    LOG_FD.load(Ordering::Relaxed)
}

/// The program closed descriptor 2: its number is not stderr any more.
static STDERR_CLOSED: AtomicBool = AtomicBool::new(false);

/// The longest line, prefix and newline included: at most PIPE_BUF, so that lines of several processes do not mix.
const LONGEST: usize = 1024;

/// Takes level and file from the settings. When the file cannot be opened, a line on stderr says so and lines go there.
pub fn configure(settings: &Settings) {
    LEVEL.store(settings.log as u8, Ordering::Relaxed);
    if sys::fcntl(2, libc::F_GETFD, 0).is_err() {
        stderr_closed();
    }
    let Some(path) = settings.log_file.as_deref() else { return };
    let path = expand_pid(path, sys::getpid());
    match open(&path) {
        Ok(fd) => LOG_FD.store(fd, Ordering::Relaxed),
        Err(e) => crate::log_error!("MATNET_LOG_FILE: \"{path}\": cannot be opened ({e}), logging to stderr"),
    }
}

/// Opens a log file, out of the program's way.
fn open(path: &str) -> Result<RawFd, Errno> {
    let path = CString::new(path).map_err(|_| Errno(libc::EINVAL))?;
    let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC | libc::O_NOCTTY;
    let fd = sys::open(&path, flags, 0o644)?;
    fdspace::prepare();
    fdspace::internal(fd)
}

/// The program closed descriptor 2 (close, close_range, closefrom): stay silent, the number may be reused.
pub fn stderr_closed() {
    STDERR_CLOSED.store(true, Ordering::Relaxed);
}

/// The program put a file of its choice on descriptor 2 (dup2, dup3): that is its stderr now.
pub fn stderr_replaced() {
    STDERR_CLOSED.store(false, Ordering::Relaxed);
}

/// True when lines of this level are written: one relaxed load.
#[inline]
pub fn enabled(level: LogLevel) -> bool {
    level as u8 <= LEVEL.load(Ordering::Relaxed)
}

/// Writes one line. Use the macros, which ask [`enabled`] first.
#[cold]
pub fn line(level: LogLevel, text: fmt::Arguments<'_>) {
    if !enabled(level) {
        return;
    }
    let file = LOG_FD.load(Ordering::Relaxed);
    let fd = if file >= 0 {
        file
    } else if STDERR_CLOSED.load(Ordering::Relaxed) || fdtable::is_ours(2) {
        // A socket of ours on descriptor 2 (inetd style) is a conversation with a peer, not a place for our lines.
        return;
    } else {
        2
    };
    let mut line = Line { bytes: [0; LONGEST], len: 0 };
    // Both can only fail when the line is full, and then it is cut.
    let _ = write!(line, "matnet[{}]: ", sys::getpid());
    let _ = line.write_fmt(text);
    // A line that cannot be written is lost; there is nobody to tell.
    let _ = quiet::write(fd, line.finish());
}

/// A line under construction.
struct Line {
    bytes: [u8; LONGEST],
    len: usize,
}

impl Line {
    /// Ends the line and gives its bytes.
    fn finish(&mut self) -> &[u8] {
        if let Some(end) = self.bytes.get_mut(self.len) {
            *end = b'\n';
        }
        self.bytes.get(..=self.len).unwrap_or(&[])
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for c in s.chars() {
            // One line is one line, whatever a file name or a value holds.
            let c = if c.is_control() { ' ' } else { c };
            let mut utf8 = [0_u8; 4];
            let piece = c.encode_utf8(&mut utf8).as_bytes();
            // One byte is kept for the newline.
            let end = self.len + piece.len();
            match self.bytes.get_mut(self.len..end) {
                Some(to) if end < LONGEST => to.copy_from_slice(piece),
                _ => return Err(fmt::Error),
            }
            self.len = end;
        }
        Ok(())
    }
}

/// Logs at a level given as a [`LogLevel`] variant.
#[macro_export]
macro_rules! log_at {
    ($level:ident, $($arg:tt)*) => {
        if $crate::log::enabled($crate::log::LogLevel::$level) {
            $crate::log::line($crate::log::LogLevel::$level, format_args!($($arg)*));
        }
    };
}

/// Logs that something does not work.
#[macro_export]
macro_rules! log_error { ($($arg:tt)*) => { $crate::log_at!(Error, $($arg)*) }; }
/// Logs that something is not as it should be.
#[macro_export]
macro_rules! log_warn { ($($arg:tt)*) => { $crate::log_at!(Warn, $($arg)*) }; }
/// Logs what happens once.
#[macro_export]
macro_rules! log_info { ($($arg:tt)*) => { $crate::log_at!(Info, $($arg)*) }; }
/// Logs what happens often.
#[macro_export]
macro_rules! log_debug { ($($arg:tt)*) => { $crate::log_at!(Debug, $($arg)*) }; }
/// Logs everything.
#[macro_export]
macro_rules! log_trace { ($($arg:tt)*) => { $crate::log_at!(Trace, $($arg)*) }; }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_and_bounded() {
        let mut line = Line { bytes: [0; LONGEST], len: 0 };
        write!(line, "a\nb\u{7f}ü").unwrap();
        assert_eq!(line.finish(), "a b ü\n".as_bytes());
        let mut line = Line { bytes: [0; LONGEST], len: 0 };
        assert!(write!(line, "{}", "ü".repeat(LONGEST)).is_err());
        let text = line.finish();
        assert!(text.len() <= LONGEST && text.len() > LONGEST - 3);
        assert!(std::str::from_utf8(text).unwrap().ends_with("ü\n"));
    }

    #[test]
    fn levels_are_ordered() {
        assert!(LogLevel::Error < LogLevel::Trace);
        for (name, level) in LogLevel::ALL {
            assert_eq!(level.name(), *name);
        }
    }
}
