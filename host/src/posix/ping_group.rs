//! Who may have a ping socket: net.ipv4.ping_group_range (icmp(7), `ping_init_sock`).
//!
//! The setting is the kernel's, of the network namespace that the program is in, and is read anew for each socket, as it may change.
//! A program whose effective group, or one of its others, lies in the range may; capabilities do not count. Where the file
//! cannot be read (no /proc, or a descriptor too many) nothing forbids it.

use crate::errno::Errno;
use crate::runtime::sys;

const PATH: &std::ffi::CStr = c"/proc/sys/net/ipv4/ping_group_range";

/// EACCES for a program that may not.
pub(super) fn check() -> Result<(), Errno> {
    let mut text = [0u8; 64];
    let Ok(fd) = sys::open(PATH, libc::O_RDONLY | libc::O_CLOEXEC, 0) else { return Ok(()) };
    let read = sys::read(fd, &mut text);
    let _ = sys::close(fd);
    let Some(range) = read.ok().and_then(|n| parse(text.get(..n)?)) else { return Ok(()) };
    let mut groups = vec![0u32; sys::getgroups(&mut []).unwrap_or(0)];
    let count = sys::getgroups(&mut groups).unwrap_or(0);
    let mine = std::iter::once(sys::getegid()).chain(groups.into_iter().take(count));
    if allowed(range, mine) { Ok(()) } else { Err(Errno::EACCES) }
}

/// Lowest and highest group.
fn parse(text: &[u8]) -> Option<(u32, u32)> {
    let mut words = std::str::from_utf8(text).ok()?.split_ascii_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

fn allowed((low, high): (u32, u32), mut groups: impl Iterator<Item = u32>) -> bool {
    groups.any(|g| (low..=high).contains(&g))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_read_as_the_kernel_writes_it() {
        assert_eq!(parse(b"1\t0\n"), Some((1, 0)));
        assert_eq!(parse(b"0\t2147483647\n"), Some((0, 2_147_483_647)));
        assert_eq!(parse(b"7"), None);
        assert_eq!(parse(b""), None);
    }

    #[test]
    fn one_group_of_several_will_do() {
        // The default, "1 0", has nobody in it, root neither.
        assert!(!allowed((1, 0), [0, 1, 5].into_iter()));
        assert!(allowed((100, 200), [0, 150].into_iter()));
        assert!(!allowed((100, 200), [99, 201].into_iter()));
        assert!(allowed((0, 0), [0].into_iter()));
    }
}
