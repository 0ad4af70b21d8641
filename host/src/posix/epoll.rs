//! epoll on sockets of ours.
//!
//! Two ways. A set that a hook saw being made is *served*: our sockets are registered here (`runtime::sets`), epoll_wait drives the
//! stack as any waiting call does, and answers without the kernel. Descriptors of the kernel in the same set stay in the kernel's own;
//! a thread that waits holds the set's number in its ppoll beside the device and asks the kernel when that is ready.
//! A set of unknown origin, or one that somebody else may look at, is the *kernel's*: it watches a pair that mirrors the socket
//! (`runtime::mirror`). Registrations there are recorded, because a socket that gets a new object behind its number (it moves to the
//! kernel, or needs a fresh pair) has to be registered again.
//!
//! epoll_wait never restarts: a handler that ran means EINTR, unless something is ready (signal(7)).

use std::time::Duration;

use libc::{c_int, epoll_event, pollfd, sigset_t};

use super::Outcome;
use super::socket::with;
use crate::errno::Errno;
use crate::runtime::inside::{self, Interrupt};
use crate::runtime::mirror::Registration;
use crate::runtime::sets::SetId;
use crate::runtime::wait::{SPARE, Woken};
use crate::runtime::{self, Locked, Runtime, Shared, fdtable, file::FileId, sys};

/// epoll_ctl(2) with `fd` ours.
pub fn epoll_ctl(epfd: c_int, op: c_int, fd: c_int, event: Option<&mut epoll_event>) -> Outcome<c_int> {
    Outcome::Done(with(fd, |shared, id| control(shared, id, epfd, op, fd, event)))
}

fn control(
    shared: &mut Shared,
    id: FileId,
    epfd: c_int,
    op: c_int,
    fd: c_int,
    event: Option<&mut epoll_event>,
) -> Result<c_int, Errno> {
    let mut none = epoll_event { events: 0, u64: 0 };
    let event = match event {
        Some(e) => e,
        None if op == libc::EPOLL_CTL_DEL => &mut none,
        None => return Err(Errno::EFAULT),
    };
    // Only a registration makes a candidate a served set: it has none of ours yet.
    let served = if op == libc::EPOLL_CTL_ADD { shared.served(epfd) } else { shared.sets.find(epfd) };
    match (served, op) {
        (None, _) => in_kernel(shared, id, epfd, op, fd, event)?,
        (Some(set), libc::EPOLL_CTL_ADD) => shared.set_add(set, id, fd, *event)?,
        (Some(set), libc::EPOLL_CTL_MOD) => shared.set_mod(set, id, fd, *event)?,
        (Some(set), libc::EPOLL_CTL_DEL) => shared.set_del(set, id, fd)?,
        (Some(_), _) => return Err(Errno::EINVAL),
    }
    Ok(0)
}

/// epoll_ctl on a set of the kernel.
fn in_kernel(
    shared: &mut Shared,
    id: FileId,
    epfd: c_int,
    op: c_int,
    fd: c_int,
    event: &mut epoll_event,
) -> Result<(), Errno> {
    if op == libc::EPOLL_CTL_ADD && shared.file(id)?.mirror.is_none() {
        shared.materialise(id)?;
    }
    let known = shared.file(id)?.mirror.as_ref().map_or(&[][..], |m| &m.registrations);
    let fired = known.iter().any(|r| r.epfd == epfd && r.fd == fd && r.fired);
    match op {
        // The kernel does not have it: see `Registration`.
        libc::EPOLL_CTL_ADD if fired => return Err(Errno::EEXIST),
        libc::EPOLL_CTL_MOD if fired => sys::epoll_ctl(epfd, libc::EPOLL_CTL_ADD, fd, event)?,
        libc::EPOLL_CTL_DEL if fired => {}
        _ => sys::epoll_ctl(epfd, op, fd, event)?,
    }
    let registration = Registration { epfd, fd, events: event.events, data: event.u64, fired: false };
    if let Some(m) = shared.file_mut(id)?.mirror.as_mut() {
        m.unregister(Some(epfd), Some(fd));
        if op != libc::EPOLL_CTL_DEL {
            m.registrations.push(registration);
        }
    }
    Ok(())
}

/// Before EPOLL_CTL_ADD of the kernel's descriptor `fd` to the set `epfd`; after it comes [`epoll_mixes`].
pub fn epoll_mixing(epfd: c_int, fd: c_int) -> Result<(), Errno> {
    if fdtable::mark(fd).is_some() && epfd != fd {
        // A set in a set: only the kernel can tell the outer one of the inner.
        epoll_leave(fd)?;
    }
    fdtable::mix_candidate(epfd);
    Ok(())
}

/// A descriptor of the kernel was added to the set `epfd`.
pub fn epoll_mixes(epfd: c_int) {
    if let Some(runtime) = runtime::get() {
        let mut shared = runtime.lock();
        if let Some(set) = shared.sets.find(epfd) {
            shared.set_mixes(set);
        }
    }
}

/// Somebody is about to look at the epoll set `epfd` past epoll_wait: it becomes the kernel's for good.
pub(super) fn epoll_leave(epfd: c_int) -> Result<(), Errno> {
    match runtime::get() {
        Some(runtime) => runtime.lock().move_set(epfd),
        None => {
            fdtable::demote(epfd);
            Ok(())
        }
    }
}

/// epoll_wait(2) and kin on a set that the slot table calls served. When the answer is the kernel's, `timeout` is the time left.
/// Without room in `out` nothing is taken, and the answer is 1 when there is something: EFAULT, for the caller.
pub fn epoll_wait(
    epfd: c_int,
    out: &mut [epoll_event],
    timeout: &mut Option<Duration>,
    mask: Option<&sigset_t>,
) -> Outcome<c_int> {
    runtime::inside::cancellation_point();
    let Some(runtime) = runtime::get() else { return Outcome::Kernel };
    wait(runtime, epfd, out, timeout, mask).into()
}

fn wait(
    runtime: &'static Runtime,
    epfd: c_int,
    out: &mut [epoll_event],
    timeout: &mut Option<Duration>,
    mask: Option<&sigset_t>,
) -> Result<Outcome<c_int>, Errno> {
    inside::clear_interrupts();
    let at_once = timeout.is_some_and(|t| t.is_zero());
    // The clock counts microseconds; a wait must not be shorter than what was asked for.
    let until = timeout.filter(|_| !at_once).map(|t| sys::now() + t.saturating_add(Duration::from_micros(1)));
    let mut locked = runtime.lock();
    if at_once {
        locked.look_at_companions_first();
    }
    let Some(set) = locked.sets.find(epfd) else { return Ok(Outcome::Kernel) };
    let mut woken = None;
    let mut early = !at_once;
    let mut news = at_once.then_some(true);
    let result = loop {
        if woken == Some(Woken::Interrupted) {
            // Nothing was ready when the signal came; what its handler has brought about since does not count.
            break Err(Errno::EINTR);
        }
        match locked.sets.get_mut(set) {
            None => return Err(Errno::EBADF),
            Some(s) if s.moved => {
                if let Some(until) = until {
                    *timeout = Some(until.since(sys::now()));
                }
                locked.reap_set(set);
                return Ok(Outcome::Kernel);
            }
            Some(_) => {}
        }
        let mut found = look(&mut locked, set, out, news);
        if found == 0 && at_once && locked.set_attend(set) {
            found = look(&mut locked, set, out, Some(false));
        }
        if found > 0 || at_once {
            break Ok(found);
        }
        if woken.is_some() && inside::interrupts() != Interrupt::None {
            break Err(Errno::EINTR);
        }
        if woken == Some(Woken::TimedOut) {
            break Ok(0);
        }
        if std::mem::take(&mut early) && locked.set_look_early(set) {
            news = locked.sets.get_mut(set).and_then(|s| s.news_unslept());
            continue;
        }
        let kernel = locked.sets.get_mut(set).filter(|s| s.mixed).map_or(-1, |s| s.epfd());
        let mut fds = [pollfd { fd: -1, events: 0, revents: 0 }; 1 + SPARE];
        if let Some(first) = fds.first_mut() {
            (first.fd, first.events) = (kernel, libc::POLLIN);
        }
        let how;
        (how, locked) = runtime.sleep(locked, &[], Some(set), &mut fds, until, mask)?;
        news = match how {
            Woken::Early => locked.sets.get_mut(set).and_then(|s| s.news_unslept()),
            _ => fds.first().map(|f| f.revents != 0),
        };
        woken = Some(how);
    };
    locked.pass_on(set);
    locked.reap_set(set);
    result.map(|n| Outcome::Done(Ok(c_int::try_from(n).unwrap_or(c_int::MAX))))
}

/// Takes what is ready of both worlds. `news`: whether the kernel has something; None: not known, and only worth asking if
/// the call returns anyway, since a sleep would tell. Whoever gets no room goes first the next time.
fn look(locked: &mut Locked<'_>, id: SetId, out: &mut [epoll_event], news: Option<bool>) -> usize {
    let Some(set) = locked.sets.get_mut(id) else { return 0 };
    let (epfd, mixed) = (set.epfd(), set.mixed);
    if out.is_empty() {
        let ready = |epfd| {
            sys::poll(&mut [pollfd { fd: epfd, events: libc::POLLIN, revents: 0 }], Some(Duration::ZERO))
        };
        return usize::from(locked.would_collect(id) || (mixed && ready(epfd) == Ok(1)));
    }
    let kernel_first = mixed && std::mem::take(&mut set.kernel_first);
    let ask = |out: &mut [epoll_event]| sys::epoll_look(epfd, out).unwrap_or(0);
    let mut found = if kernel_first { ask(out) } else { 0 };
    let rest = out.get_mut(found..).unwrap_or_default();
    found += locked.collect(id, rest);
    if !mixed || kernel_first {
        return found;
    }
    match out.get_mut(found..) {
        Some(rest) if !rest.is_empty() => {
            if news.unwrap_or(found > 0) {
                let more = ask(rest);
                found += more;
                // Listed first: as a rule the kernel's descriptors are few and of the older news.
                out.get_mut(..found).unwrap_or_default().rotate_right(more);
            }
        }
        _ => {
            if let Some(set) = locked.sets.get_mut(id) {
                set.kernel_first = true;
            }
        }
    }
    found
}
