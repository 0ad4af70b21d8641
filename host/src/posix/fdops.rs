//! Numbers: close, dup and kin, fcntl, close_range.

use std::time::Duration;

use libc::c_int;

use super::Outcome;
use super::socket::with;
use crate::errno::Errno;
use crate::runtime::fdtable::{self, Slot};
use crate::runtime::{self, exit, fdspace, sys};

/// close(2). The library's own descriptors are not the program's to close: EBADF, as for a number that is not open.
pub fn close(fd: c_int) -> Result<(), Errno> {
    match fdtable::get(fd) {
        Slot::Internal => return Err(Errno::EBADF),
        Slot::Kernel => {
            closing(fd);
            return sys::close(fd);
        }
        Slot::Inherited => {
            fdtable::forget_inherited(fd);
            return sys::close(fd);
        }
        Slot::File(_) => {}
    }
    let Some(runtime) = runtime::get() else { return sys::close(fd) };
    let mut shared = runtime.lock();
    let id = shared.lookup(fd)?;
    let spilled = shared.is_spilled(id);
    let lingers = shared.file(id).ok().filter(|_| !spilled).and_then(|f| match f.linger {
        (true, seconds) if seconds > 0 && f.is_stream() && f.fds.len() == 1 => {
            Some((f.socket, Duration::from_secs(seconds.unsigned_abs().into())))
        }
        _ => None,
    });
    if let Some((socket, limit)) = lingers {
        // SO_LINGER: the number is free at once, the call waits for the peer to have everything.
        shared.hold(id);
        shared.displace(fd);
        let unread = shared.stack.recv_queued(socket) > 0;
        if !unread {
            let _ = shared.stack.shutdown(sys::now(), socket, matnet_stack::Shutdown::Write);
        }
        drop(shared);
        let result = sys::close(fd);
        if !unread {
            exit::linger_on(runtime, id, limit);
        }
        runtime.lock().release(id);
        return result;
    }
    // Under the lock: the slot is free before the number is.
    shared.displace(fd);
    sys::close(fd)
}

/// libc itself will read and write `fd` (fdopen): from now on that works. ENETDOWN for an inherited socket, EBADF for the library's own.
pub fn spill(fd: c_int) -> Result<(), Errno> {
    with(fd, |shared, id| shared.spill(id))
}

/// An fd-making call returned `fd` although its slot was taken: somebody closed it where no hook looks.
pub fn forget(fd: c_int) {
    match runtime::get() {
        Some(runtime) => runtime.lock().displace(fd),
        None => fdtable::forget_kernel(fd),
    }
}

/// The kernel's descriptor `fd` is about to be closed.
pub fn closing(fd: c_int) {
    match runtime::get() {
        Some(runtime) => {
            let mut shared = runtime.lock();
            shared.keep_set(fd);
            shared.displace(fd);
        }
        None => fdtable::forget_kernel(fd),
    }
}

/// dup(2), F_DUPFD and F_DUPFD_CLOEXEC.
pub fn dup(fd: c_int, lowest: c_int, cloexec: bool) -> Result<c_int, Errno> {
    let lowest = usize::try_from(lowest).map_err(|_| Errno::EINVAL)?;
    if fdspace::program_soft_limit().is_some_and(|soft| lowest as u64 >= soft) {
        return Err(Errno::EINVAL);
    }
    match fdtable::get(fd) {
        Slot::Internal => Err(Errno::EBADF),
        Slot::Inherited => {
            let new = fdspace::program_fd(fd, lowest, cloexec)?;
            fdtable::mark_inherited(new);
            Ok(new)
        }
        Slot::Kernel => {
            let new = fdspace::program_fd(fd, lowest, cloexec)?;
            same_set(fd, new)?;
            Ok(new)
        }
        Slot::File(_) => with(fd, |shared, id| shared.duplicate(fd, id, lowest, cloexec)),
    }
}

/// `new` has just become another number of the kernel's `old`, perhaps of an epoll set.
fn same_set(old: c_int, new: c_int) -> Result<(), Errno> {
    if runtime::get().is_none() {
        forget(new);
        fdtable::copy_candidate(old, new);
    }
    // A stack that has come up meanwhile may serve the set already.
    let Some(runtime) = runtime::get() else { return Ok(()) };
    let mut shared = runtime.lock();
    shared.displace(new);
    shared.name_set(old, new)
}

/// dup2(2) (`dup2` true) and dup3(2), where either number is not simply the kernel's.
pub fn dup_onto(old: c_int, new: c_int, flags: c_int, dup2: bool) -> Outcome<c_int> {
    if !fdtable::is_noted(old) && !fdtable::is_noted(new) {
        return Outcome::Kernel;
    }
    Outcome::Done(dup_special(old, new, flags, dup2))
}

fn dup_special(old: c_int, new: c_int, flags: c_int, dup2: bool) -> Result<c_int, Errno> {
    if fdtable::is_internal(old) || fdtable::is_internal(new) {
        return Err(Errno::EBADF);
    }
    if fdspace::program_soft_limit().is_some_and(|soft| new < 0 || new as u64 >= soft) {
        return Err(Errno::EBADF);
    }
    if flags & !libc::O_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    if old == new {
        return if dup2 { sys::fcntl(old, libc::F_GETFD, 0).map(|_| new) } else { Err(Errno::EINVAL) };
    }
    let Some(runtime) = runtime::get() else {
        sys::dup3(old, new, flags)?;
        if fdtable::get(old) == Slot::Inherited {
            fdtable::mark_inherited(new);
            say_inherited(new);
        } else {
            same_set(old, new)?;
        }
        return Ok(new);
    };
    let mut shared = runtime.lock();
    let id = match fdtable::get(old) {
        Slot::File(_) => Some(shared.lookup(old)?),
        _ => None,
    };
    sys::dup3(old, new, flags)?;
    shared.displace(new);
    match (id, fdtable::get(old)) {
        (Some(id), _) => shared.name(new, id)?,
        (None, Slot::Inherited) => {
            fdtable::mark_inherited(new);
            say_inherited(new);
        }
        (None, _) => shared.name_set(old, new)?,
    }
    Ok(new)
}

/// <asm-generic/fcntl.h>
const F_SETSIG: c_int = 10;
const F_GETSIG: c_int = 11;
const F_SETOWN_EX: c_int = 15;
const F_GETOWN_EX: c_int = 16;

/// An inherited socket is put where C streams are: they cannot say why they fail.
fn say_inherited(fd: c_int) {
    if (0..=2).contains(&fd) {
        crate::log_warn!(
            "descriptor {fd} is a socket of the parent process, which is not served here: input and output on it fail"
        );
    }
}

/// fcntl(2). The status flags are ours; the rest is the kernel's, on the placeholder.
pub fn fcntl(fd: c_int, cmd: c_int, arg: usize) -> Outcome<c_int> {
    let settable = libc::O_APPEND | libc::O_NONBLOCK | libc::O_DIRECT | libc::O_NOATIME;
    match (cmd, fdtable::get(fd)) {
        (_, Slot::Internal) => Outcome::fail(Errno::EBADF),
        (libc::F_DUPFD, _) => Outcome::Done(dup(fd, arg as c_int, false)),
        (libc::F_DUPFD_CLOEXEC, _) => Outcome::Done(dup(fd, arg as c_int, true)),
        (libc::F_GETFL, Slot::File(_)) => Outcome::Done(with(fd, |shared, id| {
            let f = shared.file(id)?;
            Ok(libc::O_RDWR | f.status_flags | if f.nonblock { libc::O_NONBLOCK } else { 0 })
        })),
        (libc::F_SETFL, Slot::File(_)) => Outcome::Done(with(fd, |shared, id| {
            let flags = arg as c_int;
            shared.set_async(id, fd, flags & libc::O_ASYNC != 0)?;
            let f = shared.file_mut(id)?;
            f.nonblock = flags & libc::O_NONBLOCK != 0;
            f.status_flags = flags & (settable | libc::O_ASYNC) & !libc::O_NONBLOCK;
            Ok(0)
        })),
        (
            libc::F_SETOWN | libc::F_GETOWN | F_SETSIG..=F_GETSIG | F_SETOWN_EX..=F_GETOWN_EX,
            Slot::File(_),
        ) => with(fd, |shared, id| shared.owner_call(id, cmd, arg))
            .map(|answer| answer.map_or(Outcome::Kernel, |n| Outcome::Done(Ok(n))))
            .into(),
        _ => Outcome::Kernel,
    }
}

/// close_range(2): ours are closed as close does, the library's own survive, the kernel closes the rest.
pub fn close_range(first: u32, last: u32, flags: u32) -> Result<(), Errno> {
    if first > last || flags & !(libc::CLOSE_RANGE_CLOEXEC | libc::CLOSE_RANGE_UNSHARE) != 0 {
        return Err(Errno::EINVAL);
    }
    if flags & libc::CLOSE_RANGE_CLOEXEC != 0 {
        // The library's own are CLOEXEC already.
        return sys::close_range(first, last, flags);
    }
    let mut gap = u64::from(first);
    for fd in fdtable::noted_from(first) {
        if fd > last {
            break;
        }
        if gap < u64::from(fd) {
            sys::close_range(gap as u32, fd - 1, flags)?;
        }
        gap = u64::from(fd) + 1;
        if !fdtable::is_internal(fd as c_int) {
            let _ = close(fd as c_int);
        }
    }
    if gap <= u64::from(last) { sys::close_range(gap as u32, last, flags) } else { Ok(()) }
}
