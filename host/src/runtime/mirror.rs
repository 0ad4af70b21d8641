//! The kernel's view of a socket of ours: readiness on an AF_UNIX pair.
//!
//! A placeholder is enough while only hooked calls touch a descriptor. When the kernel must know the
//! socket (it enters an epoll set), one end `A` of a stream socketpair takes over the descriptor's number and the other end
//! `M` stays here. Readiness is mirrored on the pair:
//!
//! | the socket | the pair |
//! | --- | --- |
//! | IN | a byte sent from M waits in A; each new edge sends one more, so that EPOLLET sees it |
//! | no OUT | A's send buffer is full of bytes that M has not read |
//! | RDHUP | M is shut for writing |
//! | HUP | M is shut both ways |
//! | ERR | M is closed with unread bytes (the kernel then reports ECONNRESET on A) |
//! | PRI | an urgent byte waits in A, if a registration asks for it; A says IN too then |
//!
//! Raising works from M alone. Clearing touches A and so happens only in calls of the program on that very descriptor, under
//! the runtime lock, which every close and dup of the number also takes. Limits: ERR and HUP cannot be taken back except
//! by a new pair; a program that reads the number past the hooks reads mirror bytes.

use std::os::fd::RawFd;

use libc::c_int;
use matnet_stack::Readiness;

use super::spill::Spill;
use super::{fdspace, sys};
use crate::errno::Errno;

/// After this many unread mirror bytes further ones bring no edge (measured: 278), so stop well before.
const MAX_PENDING: u32 = 128;
/// Smallest SO_SNDBUF; the kernel doubles and clamps it (net/core/sock.c, SOCK_MIN_SNDBUF).
const SMALL: c_int = 1;

/// One registration of the descriptor in an epoll set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registration {
    pub(crate) epfd: RawFd,
    pub(crate) fd: RawFd,
    pub(crate) events: u32,
    pub(crate) data: u64,
    /// A EPOLLONESHOT that has fired and was not armed again. The kernel's set does not have it, since EPOLL_CTL_ADD would arm it.
    pub(crate) fired: bool,
}

/// The pair behind a descriptor.
#[derive(Debug)]
pub(crate) struct Mirror {
    /// Our end; -1 once it was closed to report an error.
    m: RawFd,
    /// Bytes in A.
    pending: u32,
    /// A's send buffer was filled.
    full: bool,
    rdhup: bool,
    hup: bool,
    err: bool,
    /// A byte that we never read waits in M.
    armed: bool,
    /// An urgent byte waits in A.
    urgent: bool,
    /// Where the program registered the descriptor.
    pub(crate) registrations: Vec<Registration>,
    /// The pair carries the bytes themselves: readiness follows from them, and nothing is raised here.
    pub(crate) spill: Option<Box<Spill>>,
}

impl Mirror {
    /// Makes a pair: the mirror and the program's end, which the caller puts on the program's number.
    pub(crate) fn pair() -> Result<(Mirror, RawFd), Errno> {
        let [a, m] = sys::socketpair(libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK)?;
        let size = SMALL.to_ne_bytes();
        let _ = sys::setsockopt(a, libc::SOL_SOCKET, libc::SO_SNDBUF, &size);
        let m = fdspace::internal(m)?;
        let mirror = Mirror {
            m,
            pending: 0,
            full: false,
            rdhup: false,
            hup: false,
            err: false,
            armed: false,
            urgent: false,
            registrations: Vec::new(),
            spill: None,
        };
        Ok((mirror, a))
    }

    /// A pair that carries bytes, see `spill`.
    pub(crate) fn spilled(m: RawFd, spill: Box<Spill>) -> Mirror {
        Mirror {
            m,
            pending: 0,
            full: false,
            rdhup: false,
            hup: false,
            err: false,
            armed: false,
            urgent: false,
            registrations: Vec::new(),
            spill: Some(spill),
        }
    }

    /// Our end; -1 once it was closed to report an error.
    pub(crate) fn end(&self) -> RawFd {
        self.m
    }

    /// Raises what newly happened. Called wherever the stack reports an edge.
    pub(crate) fn raise(&mut self, edges: Readiness, now: Readiness) {
        if self.m < 0 || self.spill.is_some() {
            return;
        }
        if now.contains(Readiness::ERR) && !self.err {
            // The peer end is closed while bytes that it never read are waiting: A gets ERR, HUP, RDHUP and IN.
            self.err = true;
            self.hup = true;
            self.rdhup = true;
            self.close_with_error();
            return;
        }
        if edges.contains(Readiness::OUT) || now.contains(Readiness::OUT) {
            self.raise_out();
        }
        if now.contains(Readiness::IN) && (self.pending == 0 || edges.intersects(Readiness::IN)) {
            self.raise_in();
        }
        if now.contains(Readiness::PRI) && !self.urgent {
            self.raise_urgent();
        }
        if now.contains(Readiness::HUP) && !self.hup {
            self.hup = true;
            self.rdhup = true;
            let _ = sys::shutdown(self.m, libc::SHUT_RDWR);
        } else if now.contains(Readiness::RDHUP) && !self.rdhup {
            self.rdhup = true;
            let _ = sys::shutdown(self.m, libc::SHUT_WR);
        }
    }

    /// Brings A in line with `now` after a call of the program on `a`.
    pub(crate) fn settle(&mut self, a: RawFd, now: Readiness) {
        if self.m < 0 || self.spill.is_some() {
            return;
        }
        if self.urgent && !now.contains(Readiness::PRI) {
            self.clear_in(a);
        }
        // Full of edges that a program always behind its sender has not read: start over, or no further edge would come.
        if self.pending > 0 && (!now.contains(Readiness::IN) || self.pending >= MAX_PENDING / 2) {
            self.clear_in(a);
        }
        if !now.contains(Readiness::OUT) && !self.full && !self.hup {
            self.clear_out(a);
        }
        self.raise(Readiness::NONE, now);
        if !self.armed && !self.full && !self.hup {
            self.arm_error(a);
        }
    }

    fn raise_in(&mut self) {
        if self.pending >= MAX_PENDING || self.rdhup {
            return;
        }
        if sys::sendto(self.m, &[0], libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL, &[]).is_ok() {
            self.pending += 1;
        }
    }

    /// unix_poll reports PRI for an urgent byte, and IN, as for any byte.
    fn raise_urgent(&mut self) {
        if self.rdhup || !self.registrations.iter().any(|r| r.events & libc::EPOLLPRI as u32 != 0) {
            return;
        }
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL | libc::MSG_OOB;
        self.urgent = sys::sendto(self.m, &[0], flags, &[]).is_ok();
    }

    fn clear_in(&mut self, a: RawFd) {
        if std::mem::take(&mut self.urgent) {
            let _ = sys::recv(a, &mut [0], libc::MSG_DONTWAIT | libc::MSG_OOB);
        }
        let mut junk = [0u8; MAX_PENDING as usize * 2];
        let _ = sys::recv(a, &mut junk, libc::MSG_DONTWAIT);
        self.pending = 0;
    }

    fn raise_out(&mut self) {
        if !self.full {
            return;
        }
        let mut junk = [0u8; 8192];
        while sys::recv(self.m, &mut junk, libc::MSG_DONTWAIT).is_ok_and(|n| n > 0) {}
        self.full = false;
        self.armed = false;
    }

    fn clear_out(&mut self, a: RawFd) {
        let filler = [0u8; 2048];
        // One message of this size is enough for the smallest buffer; the loop is for kernels that round differently.
        for _ in 0..16 {
            if sys::sendto(a, &filler, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL, &[]).is_err() {
                break;
            }
        }
        self.full = true;
        self.armed = true;
    }

    /// True once an error was reported: the pair is spent, and a socket that recovers needs a fresh one.
    pub(crate) fn is_spent(&self) -> bool {
        self.m < 0 && self.spill.is_none()
    }

    /// unix_release sets ECONNRESET on the peer only when unread data is left in the socket being closed.
    pub(crate) fn close_with_error(&mut self) {
        fdspace::close_internal(self.m);
        self.m = -1;
    }

    /// Leaves one unread byte in M, so that closing M reports ERR on A.
    pub(crate) fn arm_error(&mut self, a: RawFd) {
        let _ = sys::sendto(a, &[0], libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL, &[]);
        self.armed = true;
    }

    /// Takes `fd` out of its epoll sets: its socket ends, and M goes before A, which hangs up then; a child of a fork may keep A.
    pub(crate) fn leave(&self, fd: RawFd) {
        for r in self.registrations.iter().filter(|r| r.fd == fd && !r.fired) {
            let mut none = libc::epoll_event { events: 0, u64: 0 };
            let _ = sys::epoll_ctl(r.epfd, libc::EPOLL_CTL_DEL, fd, &mut none);
        }
    }

    /// Takes out the registrations that the kernel still knows. A set may be closed, and its number another set's, which
    /// must not get events with a stranger's data.
    pub(crate) fn take_live(&mut self) -> Vec<Registration> {
        let mut all = std::mem::take(&mut self.registrations);
        all.retain_mut(|r| {
            if r.fired {
                return true;
            }
            r.fired = r.events & libc::EPOLLONESHOT as u32 != 0 && has_fired(r.epfd, r.fd);
            let mut probe = libc::epoll_event { events: 0, u64: r.data };
            match sys::epoll_ctl(r.epfd, libc::EPOLL_CTL_ADD, r.fd, &mut probe) {
                Err(e) => e == Errno(libc::EEXIST),
                Ok(_) => {
                    let _ = sys::epoll_ctl(r.epfd, libc::EPOLL_CTL_DEL, r.fd, &mut probe);
                    false
                }
            }
        });
        all
    }

    /// Forgets registrations of `fd`, or all in set `epfd`.
    pub(crate) fn unregister(&mut self, epfd: Option<RawFd>, fd: Option<RawFd>) {
        self.registrations.retain(|r| epfd.is_some_and(|e| e != r.epfd) || fd.is_some_and(|f| f != r.fd));
    }
}

/// True when the kernel's set holds `fd` as a oneshot that has fired: proc(5) shows the bits that are left.
fn has_fired(epfd: RawFd, fd: RawFd) -> bool {
    let private = (libc::EPOLLONESHOT | libc::EPOLLET | libc::EPOLLWAKEUP) as u32;
    let Ok(path) = std::ffi::CString::new(format!("/proc/self/fdinfo/{epfd}")) else { return false };
    let Ok(info) = sys::open(&path, libc::O_RDONLY | libc::O_CLOEXEC, 0) else { return false };
    let (mut text, mut part) = (Vec::new(), [0u8; 4096]);
    while let Ok(n @ 1..) = sys::read(info, &mut part) {
        text.extend_from_slice(part.get(..n).unwrap_or_default());
    }
    let _ = sys::close(info);
    fired_in(&String::from_utf8_lossy(&text), fd, private)
}

/// Looks for a line such as `tfd:        5 events: 40000000 data: ...`.
fn fired_in(info: &str, fd: RawFd, private: u32) -> bool {
    info.lines().any(|line| {
        let mut words = line.split_whitespace();
        let tfd = (words.next() == Some("tfd:")).then(|| words.next()?.parse::<RawFd>().ok()).flatten();
        let events =
            (words.next() == Some("events:")).then(|| u32::from_str_radix(words.next()?, 16).ok()).flatten();
        tfd == Some(fd) && events.is_some_and(|e| e & !private == 0)
    })
}

impl Drop for Mirror {
    fn drop(&mut self) {
        if self.m >= 0 {
            fdspace::close_internal(self.m);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fired_oneshot_is_known_to_the_kernel() {
        let epfd = sys::epoll_create().unwrap();
        let [a, b] = sys::socketpair(libc::SOCK_STREAM | libc::SOCK_CLOEXEC).unwrap();
        let mut event = libc::epoll_event { events: (libc::EPOLLOUT | libc::EPOLLONESHOT) as u32, u64: 7 };
        sys::epoll_ctl(epfd, libc::EPOLL_CTL_ADD, a, &mut event).unwrap();
        assert!(!has_fired(epfd, a));
        let mut out = [libc::epoll_event { events: 0, u64: 0 }; 2];
        assert_eq!(sys::epoll_look(epfd, &mut out), Ok(1));
        assert!(has_fired(epfd, a));
        assert!(!has_fired(epfd, b));
        sys::epoll_ctl(epfd, libc::EPOLL_CTL_MOD, a, &mut event).unwrap();
        assert!(!has_fired(epfd, a));
        for fd in [a, b, epfd] {
            sys::close(fd).unwrap();
        }
    }
}
