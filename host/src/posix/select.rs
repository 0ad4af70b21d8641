//! select and pselect on the engine of poll.
//!
//! Each set bit becomes an entry with the poll bits that the kernel stands it for (fs/select.c: POLLIN_SET and so on), so hang-ups
//! are readable and errors both readable and writable. `nfds` may exceed FD_SETSIZE: the sets are taken as long as it says.
//! A number that is not open makes the whole call EBADF, with the sets untouched.

use std::time::Duration;

use libc::{c_int, c_short, c_ulong, fd_set, pollfd, sigset_t};

use super::iovec::Heap;
use super::poll;
use crate::errno::Errno;
use crate::runtime::{fdtable, probe, sys};

/// Bits of a word of an fd_set.
const WORD: usize = c_ulong::BITS as usize;
/// Entries that need no memory.
const FEW: usize = 32;

const READ: c_short = libc::POLLIN | libc::POLLRDNORM | libc::POLLRDBAND;
const WRITE: c_short = libc::POLLOUT | libc::POLLWRNORM | libc::POLLWRBAND;
const EXCEPT: c_short = libc::POLLPRI;
const READ_SET: c_short = READ | libc::POLLHUP | libc::POLLERR | libc::POLLNVAL;
const WRITE_SET: c_short = WRITE | libc::POLLERR | libc::POLLNVAL;
const EXCEPT_SET: c_short = EXCEPT | libc::POLLNVAL;

/// The three sets, as words of the program's memory.
struct Sets([*mut c_ulong; 3]);

impl Sets {
    fn new(read: *mut fd_set, write: *mut fd_set, except: *mut fd_set) -> Sets {
        Sets([read.cast(), write.cast(), except.cast()])
    }

    /// The poll events that stand for the sets which hold `fd`.
    ///
    /// # Safety
    /// Each set is null or has a word for `fd`.
    unsafe fn events(&self, fd: usize) -> c_short {
        let mut events = 0;
        for (set, bits) in self.0.iter().zip([READ, WRITE, EXCEPT]) {
            // SAFETY: the caller's promise.
            if !set.is_null() && unsafe { set.add(fd / WORD).read_unaligned() } >> (fd % WORD) & 1 != 0 {
                events |= bits;
            }
        }
        events
    }

    /// True if `test` holds for the bytes of each set.
    fn all(&self, nfds: c_int, test: impl Fn(*const u8, usize) -> bool) -> bool {
        let bytes = bound(nfds).unwrap_or(0).div_ceil(WORD) * size_of::<c_ulong>();
        self.0.iter().all(|set| set.is_null() || test(set.cast(), bytes))
    }

    /// Empties the sets up to `nfds`.
    ///
    /// # Safety
    /// As for [`Sets::events`], for every number below `nfds`.
    unsafe fn clear(&self, nfds: usize) {
        for set in self.0.iter().filter(|s| !s.is_null()) {
            for word in 0..nfds.div_ceil(WORD) {
                // SAFETY: the caller's promise.
                unsafe { set.add(word).write_unaligned(0) };
            }
        }
    }

    /// Puts `fd` into the sets that `revents` and `events` call for, and returns how many.
    ///
    /// # Safety
    /// As for [`Sets::events`].
    unsafe fn mark(&self, fd: usize, events: c_short, revents: c_short) -> c_int {
        let mut marked = 0;
        let table = [(READ, READ_SET), (WRITE, WRITE_SET), (EXCEPT, EXCEPT_SET)];
        for (set, (asked, counts)) in self.0.iter().zip(table) {
            if set.is_null() || events & asked == 0 || revents & counts == 0 {
                continue;
            }
            // SAFETY: the caller's promise.
            unsafe {
                let word = set.add(fd / WORD);
                word.write_unaligned(word.read_unaligned() | 1 << (fd % WORD));
            }
            marked += 1;
        }
        marked
    }
}

/// Which answers count for an entry that asked for `events`.
fn wanted(events: c_short) -> c_short {
    let table = [(READ, READ_SET), (WRITE, WRITE_SET), (EXCEPT, EXCEPT_SET)];
    table.iter().filter(|(asked, _)| events & asked != 0).fold(0, |all, (_, counts)| all | counts)
}

/// No number at or above the table's end can be open.
fn bound(nfds: c_int) -> Result<usize, Errno> {
    usize::try_from(nfds).map(|n| n.min(fdtable::MAX_FDS)).map_err(|_| Errno::EINVAL)
}

/// True when a set holds a number that is not plainly the kernel's, so that [`select`] has to serve the call.
///
/// # Safety
/// Each set is null or valid for `nfds` bits, rounded up to a word.
pub unsafe fn select_has_ours(
    nfds: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    except: *mut fd_set,
) -> bool {
    let sets = Sets::new(read, write, except);
    if !sets.all(nfds, probe::readable) {
        // The kernel says EFAULT.
        return false;
    }
    // SAFETY: the caller's promise.
    (0..bound(nfds).unwrap_or(0)).any(|fd| fdtable::is_noted(fd as c_int) && unsafe { sets.events(fd) } != 0)
}

/// select(2) and pselect(2): the number of bits left in the sets, and the time left, which a failed call tells too
/// (poll_select_finish).
///
/// # Safety
/// Each set is null or valid for `nfds` bits, rounded up to a word.
pub unsafe fn select(
    nfds: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    except: *mut fd_set,
    timeout: Option<Duration>,
    sigmask: Option<&sigset_t>,
) -> (Result<c_int, Errno>, Duration) {
    let until = timeout.map(|t| sys::now() + t);
    // SAFETY: the caller's promise.
    let result = unsafe { wait(nfds, read, write, except, timeout, sigmask) };
    (result, until.map_or(Duration::ZERO, |t| t.since(sys::now())))
}

/// As [`select`], without the time left.
///
/// # Safety
/// As for [`select`].
unsafe fn wait(
    nfds: c_int,
    read: *mut fd_set,
    write: *mut fd_set,
    except: *mut fd_set,
    timeout: Option<Duration>,
    sigmask: Option<&sigset_t>,
) -> Result<c_int, Errno> {
    let sets = Sets::new(read, write, except);
    // What cannot be written the kernel finds at the end only; no program makes its sets read-only.
    if !sets.all(nfds, |p, n| probe::writable(p.cast_mut(), n)) {
        return Err(Errno::EFAULT);
    }
    let nfds = bound(nfds)?;
    // SAFETY: the caller's promise.
    let entry = |fd: usize| pollfd { fd: fd as c_int, events: unsafe { sets.events(fd) }, revents: 0 };
    let count = (0..nfds).filter(|fd| entry(*fd).events != 0).count();
    let nobody = pollfd { fd: -1, events: 0, revents: 0 };
    let mut few = [nobody; FEW];
    let mut many: Heap<pollfd>;
    let list = match few.get_mut(..count) {
        Some(list) => list,
        None => {
            many = Heap::new(nobody, count);
            many.as_mut()
        }
    };
    for (to, p) in list.iter_mut().zip((0..nfds).map(entry).filter(|p| p.events != 0)) {
        *to = p;
    }
    let (_, changed) = poll::wait(list, timeout, sigmask, wanted)?;
    // One that was closed while this call waited counts as ready in every set (do_select).
    if !changed && list.iter().any(|p| p.revents & libc::POLLNVAL != 0) {
        return Err(Errno::EBADF);
    }
    // SAFETY: the caller's promise.
    unsafe { sets.clear(nfds) };
    let mut marked = 0;
    for p in list {
        // SAFETY: as above; the numbers come from the sets.
        marked += unsafe { sets.mark(p.fd as usize, p.events, p.revents) };
    }
    Ok(marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &mut [c_ulong]) -> *mut fd_set {
        words.as_mut_ptr().cast()
    }

    #[test]
    fn sets_go_in_and_out() {
        let (mut r, mut w, mut e) = ([0b101 as c_ulong, 1], [0b100 as c_ulong, 0], [0 as c_ulong, 1]);
        let sets = Sets::new(set(&mut r), set(&mut w), set(&mut e));
        // SAFETY: two words each.
        unsafe {
            assert_eq!(sets.events(0), READ);
            assert_eq!(sets.events(1), 0);
            assert_eq!(sets.events(2), READ | WRITE);
            assert_eq!(sets.events(64), READ | EXCEPT);
            sets.clear(65);
            assert_eq!(sets.events(64), 0);
            // An error is readable and writable, a hang-up readable only.
            assert_eq!(sets.mark(2, READ | WRITE, libc::POLLERR), 2);
            assert_eq!(sets.mark(64, READ | EXCEPT, libc::POLLHUP), 1);
        }
        assert_eq!((r, w, e), ([0b100, 1], [0b100, 0], [0, 0]));
    }

    #[test]
    fn kernel_descriptors_by_select() {
        let [a, b] = sys::socketpair(libc::SOCK_STREAM | libc::SOCK_CLOEXEC).unwrap();
        let mut r = [0 as c_ulong; 16];
        let mut w = [0 as c_ulong; 16];
        let at = |fd: c_int| (fd as usize / WORD, 1 << (fd as usize % WORD));
        r[at(a).0] |= at(a).1;
        w[at(b).0] |= at(b).1;
        let null = std::ptr::null_mut();
        // SAFETY: 1024 bits each.
        let got = unsafe { select(1024, set(&mut r), set(&mut w), null, Some(Duration::from_secs(9)), None) };
        let (n, left) = got;
        assert_eq!((n, r[at(a).0], w[at(b).0]), (Ok(1), 0, at(b).1));
        assert!(left > Duration::from_secs(8));
        sys::close(b).unwrap();
        // SAFETY: as above.
        let got = unsafe { select(b + 1, null, set(&mut w), null, Some(Duration::from_secs(9)), None) };
        assert_eq!(got.0, Err(Errno::EBADF));
        assert!(got.1 > Duration::from_secs(8));
        assert_eq!(w[at(b).0], at(b).1);
        sys::close(a).unwrap();
        // SAFETY: no sets at all.
        let got = unsafe { select(0, null, null, null, Some(Duration::from_millis(1)), None) };
        assert_eq!(got, (Ok(0), Duration::ZERO));
    }
}
