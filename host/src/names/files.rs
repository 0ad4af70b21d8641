//! /etc/hosts (hosts(5)), and reading of small files.
//!
//! Files are read with raw system calls, since libc's are hooked, up to a bound. Bytes that are not UTF-8 end up as
//! replacement characters, in comments as a rule.

use std::ffi::CStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::runtime::sys;

/// The most that is read of a file, bytes. Block lists in /etc/hosts have some megabytes.
const LARGEST: usize = 32 << 20;

/// The text of a file; None when it cannot be read.
pub(super) fn read(path: &CStr) -> Option<String> {
    let fd = sys::open(path, libc::O_RDONLY | libc::O_CLOEXEC, 0).ok()?;
    let mut all = Vec::new();
    let mut chunk = [0; 8192];
    while all.len() < LARGEST {
        match sys::read(fd, &mut chunk) {
            Ok(0) => break,
            Ok(n) => all.extend_from_slice(chunk.get(..n).unwrap_or(&[])),
            Err(crate::Errno::EINTR) => {}
            Err(_) => break,
        }
    }
    let _ = sys::close(fd);
    Some(String::from_utf8(all).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// What blanks separate.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', '\t', '\r', '\n']).filter(|w| !w.is_empty())
}

/// This host's name (uname(2)).
pub(super) fn host_name() -> String {
    read(c"/proc/sys/kernel/hostname").unwrap_or_default().trim_end().to_owned()
}

/// A line of /etc/hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The address.
    pub addr: IpAddr,
    /// The host's own name.
    pub name: String,
    /// Its other names.
    pub aliases: Vec<String>,
}

impl Line {
    fn parse(line: &str) -> Option<Line> {
        let mut fields = words(line.split('#').next()?);
        let addr = fields.next()?;
        let addr = addr.parse().ok().or_else(|| addr.parse::<Ipv6Addr>().ok().map(IpAddr::V6))?;
        let name = fields.next()?.to_owned();
        Some(Line { addr, name, aliases: fields.map(str::to_owned).collect() })
    }

    /// True when one of its names is `name`.
    pub fn has(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.aliases.iter().any(|a| a.eq_ignore_ascii_case(name))
    }

    /// The address for one who asks for IPv4 only: mapped addresses and ::1 are IPv4 then (nss/nss_files/files-hosts.c).
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        match self.addr {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(v6) if v6.is_loopback() => Some(Ipv4Addr::LOCALHOST),
            IpAddr::V6(v6) => v6.to_ipv4_mapped(),
        }
    }
}

/// The lines of /etc/hosts that mean something; None without the file.
pub fn hosts() -> Option<Vec<Line>> {
    Some(parse_hosts(&read(c"/etc/hosts")?))
}

pub(super) fn parse_hosts(text: &str) -> Vec<Line> {
    text.lines().filter_map(Line::parse).collect()
}
