//! The configuration file: `key = value` a line.
//!
//! A line that starts with `#`, and whatever follows a blank and `#`, is a comment. A value in double quotes is taken as it is.
//! Keys are those of the table in any case, with or without `MATNET_`, `-` and `_` alike.

use std::ffi::CString;

use crate::errno::Errno;
use crate::runtime::sys;

/// More than any real file has; a wrong name such as /dev/zero must not eat memory.
const LARGEST: usize = 64 * 1024;

/// One line that sets something.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its number, from 1.
    pub line: usize,
    /// The variable's name, `MATNET_...`.
    pub name: String,
    /// The value.
    pub value: String,
}

/// Reads a whole file by plain system calls.
pub(super) fn read(path: &str) -> Result<Vec<u8>, Errno> {
    let path = CString::new(path).map_err(|_| Errno(libc::EINVAL))?;
    // O_NONBLOCK: a fifo must not hold the program up.
    let fd = sys::open(&path, libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK | libc::O_NOCTTY, 0)?;
    let mut data = Vec::new();
    let mut chunk = [0_u8; 4096];
    let result = loop {
        match sys::read(fd, &mut chunk) {
            Ok(0) => break Ok(()),
            Ok(n) => data.extend_from_slice(chunk.get(..n).unwrap_or(&[])),
            Err(Errno(libc::EINTR)) => {}
            Err(e) => break Err(e),
        }
        if data.len() > LARGEST {
            break Err(Errno(libc::EFBIG));
        }
    };
    // Nothing was written, so close cannot lose anything.
    let _ = sys::close(fd);
    result.map(|()| data)
}

/// The lines that set something, or the first line (number, text) that makes no sense.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, (usize, String)> {
    let mut found = Vec::new();
    for (i, raw) in bytes.split(|b| *b == b'\n').enumerate() {
        let bad = || (i + 1, String::from_utf8_lossy(raw).trim().to_owned());
        let text = std::str::from_utf8(raw).map_err(|_| bad())?.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (key, value) = text.split_once('=').ok_or_else(bad)?;
        let key = key.trim();
        if key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(bad());
        }
        let value = unquote(value.trim()).ok_or_else(bad)?;
        let name = key.to_ascii_uppercase().replace('-', "_");
        let name = if name.starts_with("MATNET_") { name } else { format!("MATNET_{name}") };
        found.push(Entry { line: i + 1, name, value });
    }
    Ok(found)
}

/// The value without quotes or trailing comment; None when what follows the quotes makes no sense.
fn unquote(value: &str) -> Option<String> {
    if let Some(rest) = value.strip_prefix('"') {
        let (inside, after) = rest.split_once('"')?;
        let after = after.trim();
        return (after.is_empty() || after.starts_with('#')).then(|| inside.to_owned());
    }
    if value.starts_with('#') {
        return Some(String::new());
    }
    let end = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
    value.get(..end).map(|v| v.trim_end().to_owned())
}
