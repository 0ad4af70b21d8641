//! poll on sockets of ours and descriptors of the kernel in one call.
//!
//! Ours are answered by the stack, the kernel's by ppoll. One call reports both: when ours are ready the kernel's get a look
//! without waiting. To wait, the thread registers on its sockets and sleeps in one ppoll on the kernel's descriptors and its own
//! event descriptor ([`Runtime::sleep`]). poll never restarts: a handler that ran means EINTR, unless something is ready.
//!
//! Each pass looks the numbers up again, as do_pollfd does: a number that was closed meanwhile is POLLNVAL once something wakes the
//! call, and one that became another socket is that socket. Up to 32 descriptors need no memory here.

use std::time::Duration;

use libc::{c_int, c_short, pollfd, sigset_t};
use matnet_stack::{Instant, Readiness};

use super::iovec::Heap;
use crate::errno::Errno;
use crate::runtime::fdtable::{self, Slot};
use crate::runtime::file::FileId;
use crate::runtime::inside::{self, Interrupt};
use crate::runtime::sets;
use crate::runtime::wait::{SPARE, Woken};
use crate::runtime::{self, Runtime, Shared, fdspace, sys};

/// Entries that need no memory.
const FEW: usize = 32;
/// Reported whether asked for or not (poll(2)).
const ALWAYS: c_short = libc::POLLERR | libc::POLLHUP | libc::POLLNVAL;

/// poll(2) and ppoll(2): fills `revents` and returns how many entries have any.
pub fn poll(
    fds: &mut [pollfd],
    timeout: Option<Duration>,
    sigmask: Option<&sigset_t>,
) -> Result<c_int, Errno> {
    if fdspace::program_soft_limit().is_some_and(|limit| fds.len() as u64 > limit) {
        return Err(Errno::EINVAL);
    }
    wait(fds, timeout, sigmask, |events| events | ALWAYS).map(|(count, _)| count)
}

/// The engine of poll and select. `wanted` says which of `revents` count for an entry that asked for `events`. Also tells whether
/// a number became another file's, or was closed, in the meantime.
pub(super) fn wait(
    fds: &mut [pollfd],
    timeout: Option<Duration>,
    mask: Option<&sigset_t>,
    wanted: fn(c_short) -> c_short,
) -> Result<(c_int, bool), Errno> {
    for p in fds.iter().filter(|p| fdtable::mark(p.fd).is_some()) {
        super::epoll::epoll_leave(p.fd)?;
    }
    inside::cancellation_point();
    inside::clear_interrupts();
    // Computed once: what is looked up again does not get new time.
    let until = timeout.map(|t| sys::now() + t);
    let at_once = timeout.is_some_and(|t| t.is_zero());
    let mut changed = false;
    loop {
        let mut call = Call::new(fds, wanted);
        let count = match runtime::get() {
            Some(runtime) => call.run(runtime, until, at_once, mask)?,
            // The child of a fork: inherited sockets have their answer already.
            None => Some(call.without_runtime(until)?),
        };
        if let Some(count) = count {
            return Ok((c_int::try_from(count).unwrap_or(c_int::MAX), changed));
        }
        changed = true;
    }
}

/// What poll(2) says for a socket in the state `r`: tcp_poll for streams, datagram_poll for the others.
fn bits(r: Readiness, stream: bool) -> c_short {
    sets::poll_bits(r, stream) as c_short
}

/// What has to happen on a socket before an entry that wants `bits` needs another look.
fn interest(bits: c_short) -> Readiness {
    let table = [
        (libc::POLLIN | libc::POLLRDNORM, Readiness::IN | Readiness::RDHUP),
        (libc::POLLOUT | libc::POLLWRNORM | libc::POLLWRBAND, Readiness::OUT),
        (libc::POLLRDHUP, Readiness::RDHUP),
        (libc::POLLPRI, Readiness::PRI),
    ];
    let always = Readiness::ERR | Readiness::HUP;
    table.iter().filter(|(mask, _)| bits & mask != 0).fold(always, |all, (_, r)| all | *r)
}

/// A list of known size; small ones need no memory.
struct Few<T, const N: usize> {
    inline: [T; N],
    heap: Option<Heap<T>>,
    len: usize,
}

impl<T: Copy, const N: usize> Few<T, N> {
    fn new(fill: T, len: usize) -> Few<T, N> {
        Few { inline: [fill; N], heap: (len > N).then(|| Heap::new(fill, len)), len }
    }

    fn slice(&mut self) -> &mut [T] {
        let whole = match self.heap.as_mut() {
            Some(heap) => heap.as_mut(),
            None => &mut self.inline,
        };
        whole.get_mut(..self.len).unwrap_or(&mut [])
    }
}

/// One look at the world as the slot table shows it; done anew when a socket moves to the kernel.
struct Call<'a> {
    fds: &'a mut [pollfd],
    wanted: fn(c_short) -> c_short,
    /// The same entries for the kernel: -1 where they are not its, and spare ones for the sleep.
    kernel: Few<pollfd, { FEW + SPARE }>,
    /// Our sockets in the order of `fds`.
    files: Few<(FileId, Readiness), FEW>,
    asks_kernel: bool,
    /// Entries whose answer needs no look: numbers that must seem closed, inherited sockets.
    settled: usize,
}

/// An entry that ppoll skips: not the kernel's.
const NOBODY: pollfd = pollfd { fd: -1, events: 0, revents: 0 };
/// Skipped as well: the kernel's, but without news for the caller.
const DEAF: c_int = -2;

impl<'a> Call<'a> {
    fn new(fds: &'a mut [pollfd], wanted: fn(c_short) -> c_short) -> Call<'a> {
        let ours = fds.iter().filter(|p| matches!(fdtable::get(p.fd), Slot::File(_))).count();
        let mut kernel = Few::new(NOBODY, fds.len() + SPARE);
        let mut files = Few::new((FileId(0), Readiness::NONE), ours);
        let (mut asks_kernel, mut settled, mut found) = (false, 0, 0);
        for (p, k) in fds.iter_mut().zip(kernel.slice()) {
            p.revents = 0;
            match fdtable::get(p.fd) {
                _ if p.fd < 0 => {}
                Slot::Kernel => {
                    *k = *p;
                    asks_kernel = true;
                }
                // Not the program's: as a number that is not open.
                Slot::Internal => p.revents = libc::POLLNVAL & wanted(p.events),
                // Its stack is in another process: every call on it fails.
                Slot::Inherited => p.revents = (libc::POLLERR | libc::POLLHUP) & wanted(p.events),
                Slot::File(n) => match files.slice().get_mut(found) {
                    Some(entry) => {
                        *entry = (FileId(n), interest(p.events));
                        found += 1;
                    }
                    // Became ours since the count above; the next look sees it.
                    None => p.revents = 0,
                },
            }
            settled += usize::from(p.revents != 0);
        }
        files.len = found;
        Call { fds, wanted, kernel, files, asks_kernel, settled }
    }

    /// Waits; None when the slot table has to be looked at again.
    fn run(
        &mut self,
        runtime: &'static Runtime,
        until: Option<Instant>,
        at_once: bool,
        mask: Option<&sigset_t>,
    ) -> Result<Option<usize>, Errno> {
        let mut woken = None;
        let mut early = self.files.len > 0 && !at_once;
        let mut locked = runtime.lock();
        if at_once && self.files.slice().iter().any(|f| locked.files.get(f.0).is_some_and(|f| f.companied)) {
            locked.look_at_companions_first();
        }
        loop {
            if woken == Some(Woken::Interrupted) {
                // Nothing was ready when the signal came; what its handler has brought about since does not count.
                drop(locked);
                return Err(Errno::EINTR);
            }
            let Some(ours) = self.look(&mut locked) else {
                drop(locked);
                return Ok(None);
            };
            let in_kernel = if woken == Some(Woken::Look) { self.take_kernel() } else { 0 };
            let interrupted = match woken {
                None => false,
                Some(_) => inside::interrupts() != Interrupt::None,
            };
            let expired = woken == Some(Woken::TimedOut) || (at_once && mask.is_none());
            if ours + in_kernel + self.settled > 0 || interrupted || expired {
                drop(locked);
                let in_kernel = if woken == Some(Woken::Look) { in_kernel } else { self.ask_kernel() };
                let total = ours + in_kernel + self.settled;
                return if total == 0 && interrupted { Err(Errno::EINTR) } else { Ok(Some(total)) };
            }
            if std::mem::take(&mut early) && locked.look_early() {
                continue;
            }
            let how;
            (how, locked) =
                runtime.sleep(locked, self.files.slice(), None, self.kernel.slice(), until, mask)?;
            woken = Some(how);
        }
    }

    /// Fills in our sockets; how many are ready, or None when one is ours no more.
    fn look(&mut self, shared: &mut Shared) -> Option<usize> {
        let mut files = self.files.slice().iter();
        let mut ready = 0;
        for (p, k) in self.fds.iter_mut().zip(self.kernel.slice()) {
            if p.fd < 0 || k.fd != NOBODY.fd || p.revents & libc::POLLNVAL != 0 {
                continue;
            }
            let slot = fdtable::get(p.fd);
            if slot == Slot::Inherited {
                continue;
            }
            let (id, _) = files.next()?;
            if slot != Slot::File(id.0) {
                return None;
            }
            let stream = shared.files.get(*id)?.is_stream();
            p.revents = bits(shared.readiness(*id), stream) & (self.wanted)(p.events);
            ready += usize::from(p.revents != 0);
        }
        Some(ready)
    }

    /// Takes over what the last ppoll said.
    fn take_kernel(&mut self) -> usize {
        let mut ready = 0;
        for (p, k) in self.fds.iter_mut().zip(self.kernel.slice()) {
            if k.fd < 0 {
                continue;
            }
            p.revents = k.revents & (self.wanted)(p.events);
            if p.revents != 0 {
                ready += 1;
            } else if k.revents != 0 {
                // Select does not ask for this, ppoll always tells it: waiting on it would spin. A descriptor in such a
                // state (hung up, watched for exceptions alone) gets no other news.
                k.fd = DEAF;
            }
        }
        ready
    }

    /// Looks at the kernel's descriptors without waiting.
    fn ask_kernel(&mut self) -> usize {
        if !self.asks_kernel {
            return 0;
        }
        if let Some(spare) = self.kernel.slice().last_mut() {
            *spare = NOBODY;
        }
        match sys::poll(self.kernel.slice(), Some(Duration::ZERO)) {
            Ok(_) => self.take_kernel(),
            Err(_) => 0,
        }
    }

    /// In a process without a stack of its own.
    fn without_runtime(&mut self, until: Option<Instant>) -> Result<usize, Errno> {
        if self.settled > 0 {
            return Ok(self.settled + self.ask_kernel());
        }
        sys::poll(self.kernel.slice(), until.map(|t| t.since(sys::now())))?;
        Ok(self.take_kernel())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_kernel() {
        let all = Readiness::IN | Readiness::OUT | Readiness::RDHUP;
        assert_eq!(
            bits(all, true),
            libc::POLLIN | libc::POLLRDNORM | libc::POLLOUT | libc::POLLWRNORM | libc::POLLRDHUP
        );
        assert_ne!(bits(Readiness::OUT, false) & libc::POLLWRBAND, 0);
        assert_eq!(bits(Readiness::HUP | Readiness::ERR, true), libc::POLLHUP | libc::POLLERR);
        assert_eq!(bits(Readiness::NONE, true), 0);
    }

    #[test]
    fn every_request_has_an_interest() {
        let urgent = Readiness::ERR | Readiness::HUP;
        assert_eq!(interest(0), urgent);
        assert!(interest(libc::POLLRDNORM).contains(Readiness::IN));
        assert!(interest(libc::POLLWRBAND).contains(Readiness::OUT));
        assert!(interest(libc::POLLPRI).contains(Readiness::PRI));
    }

    #[test]
    fn kernel_descriptors_alone() {
        let [a, b] = sys::socketpair(libc::SOCK_STREAM | libc::SOCK_CLOEXEC).unwrap();
        let mut fds = [
            pollfd { fd: a, events: libc::POLLIN, revents: 0x7f },
            pollfd { fd: -1, events: libc::POLLIN, revents: 0x7f },
            pollfd { fd: b, events: libc::POLLOUT, revents: 0 },
        ];
        assert_eq!(poll(&mut fds, Some(Duration::from_secs(5)), None), Ok(1));
        assert_eq!((fds[0].revents, fds[1].revents, fds[2].revents), (0, 0, libc::POLLOUT));
        sys::close(b).unwrap();
        assert_eq!(poll(&mut fds[..1], None, None), Ok(1));
        assert_ne!(fds[0].revents & libc::POLLHUP, 0);
        sys::close(a).unwrap();
        assert_eq!(poll(&mut fds[..1], None, None), Ok(1));
        assert_eq!(fds[0].revents, libc::POLLNVAL);
    }

    #[test]
    fn what_nobody_asked_for_does_not_end_select() {
        let [a, b] = sys::socketpair(libc::SOCK_STREAM | libc::SOCK_CLOEXEC).unwrap();
        sys::close(b).unwrap();
        let mut fds = [pollfd { fd: a, events: libc::POLLPRI, revents: 0 }];
        let mut call = Call::new(&mut fds, |_| libc::POLLPRI);
        assert_eq!(call.ask_kernel(), 0);
        assert_eq!(call.kernel.slice()[0].fd, DEAF);
        sys::close(a).unwrap();
    }

    #[test]
    fn few_or_many() {
        for n in [0, 1, 4, 5, 100] {
            let mut list: Few<u8, 4> = Few::new(7, n);
            assert_eq!(list.slice(), vec![7; n]);
        }
    }
}
