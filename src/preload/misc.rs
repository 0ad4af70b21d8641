//! `syscall()`, and pipes.
//!
//! glibc's `syscall` takes up to six arguments of a word each, so a function of fixed arity stands in for it (an argument
//! that was not given is whatever the register holds, as it is for the kernel). Numbers in the table go to the same bodies as
//! the functions; the few whose arguments differ are here. Every other number passes through, never denied.
//!
//! Limits: as glibc's functions do, ppoll leaves the time as it was, where the raw call writes back what is left. clone3, and clone
//! with more than a plain fork's flags, pass through. io_uring set up without libc (liburing's own system calls) is not seen.

use libc::{c_int, c_long, c_void, epoll_event, fd_set, iovec, nfds_t, pollfd, sigset_t, timespec};
use matnet_host::Errno;
use matnet_host::posix;
use matnet_host::runtime::{self, fdspace, fdtable};

use super::contain::contained;
use super::create::made_pair;
use super::table::{self, real};
use super::{data, fail, made, readiness};

/// pipe(2)
pub(super) unsafe fn pipe(pair: *mut c_int) -> c_int {
    // SAFETY: the caller's own argument, which the kernel has filled on success.
    unsafe { if real::pipe(pair) == 0 { made_pair(pair) } else { -1 } }
}

/// pipe2(2)
pub(super) unsafe fn pipe2(pair: *mut c_int, flags: c_int) -> c_int {
    // SAFETY: the caller's own argument, which the kernel has filled on success.
    unsafe { if real::pipe2(pair, flags) == 0 { made_pair(pair) } else { -1 } }
}

/// The arguments of a `syscall()`.
#[derive(Clone, Copy)]
pub(super) struct Args([usize; 6]);

/// Takes arguments one after the other.
pub(super) struct Rest(std::array::IntoIter<usize, 6>);

impl Rest {
    #[inline(always)]
    pub(super) fn next(&mut self) -> usize {
        self.0.next().unwrap_or(0)
    }
}

impl Args {
    #[inline(always)]
    pub(super) fn first(&self) -> usize {
        self.0[0]
    }

    #[inline(always)]
    pub(super) fn iter(&self) -> Rest {
        Rest(self.0.into_iter())
    }

    /// The raw call.
    #[inline(always)]
    unsafe fn real(&self, nr: c_long) -> c_long {
        let [a, b, c, d, e, f] = self.0;
        // SAFETY: the caller's own arguments.
        unsafe { real::syscall(nr, a, b, c, d, e, f) }
    }

    /// The raw call, which makes a descriptor.
    pub(super) fn made(&self, nr: c_long) -> c_long {
        // SAFETY: the program's own arguments.
        c_long::from(made(unsafe { self.real(nr) } as c_int))
    }
}

/// syscall(2)
pub(super) unsafe fn syscall(
    nr: c_long,
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
) -> c_long {
    let args = Args([a, b, c, d, e, f]);
    match table::dispatch(nr, args).or_else(|| irregular(nr, args)) {
        Some(result) => result,
        // SAFETY: the caller's own arguments.
        None => unsafe { args.real(nr) },
    }
}

/// System calls whose arguments are not those of the function of their name.
fn irregular(nr: c_long, args: Args) -> Option<c_long> {
    let [a, b, c, d, e, f] = args.0;
    #[cfg(target_arch = "x86_64")]
    if (nr == libc::SYS_fork || nr == libc::SYS_vfork) && fdspace::program_soft_limit().is_some() {
        return Some(fork());
    }
    match nr {
        libc::SYS_exit_group => {
            let _ = contained(runtime::on_exit);
            None
        }
        // The program's last thread: the process ends with it, but the stack thread would keep it alive.
        libc::SYS_exit if runtime::get().is_some() && runtime::is_last_thread() => {
            let _ = contained(runtime::on_exit);
            // SAFETY: the status, the caller's own.
            Some(unsafe { args.real(libc::SYS_exit_group) })
        }
        // As _Fork: the child has to know that it is one. (flags, stack, ...)
        libc::SYS_clone
            if a == libc::SIGCHLD as usize && b == 0 && fdspace::program_soft_limit().is_some() =>
        {
            Some(fork())
        }
        libc::SYS_ppoll => {
            // SAFETY: the program's own pointers, as ppoll(2) has them.
            let result = unsafe {
                let mask = kernel_mask(d as *const u64);
                let mask = mask.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
                readiness::ppoll(a as *mut pollfd, b as nfds_t, c as *const timespec, mask)
            };
            Some(c_long::from(result))
        }
        // (set, events, room, time, mask, size of the mask)
        libc::SYS_epoll_pwait | libc::SYS_epoll_pwait2
            if fdtable::mark(a as c_int).is_some() && (e == 0 || f == size_of::<u64>()) =>
        {
            // SAFETY: the program's own pointers, as epoll_wait(2) has them.
            let result = unsafe {
                let mask = kernel_mask(e as *const u64);
                let mask = mask.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
                let (set, events, room) = (a as c_int, b as *mut epoll_event, c as c_int);
                if nr == libc::SYS_epoll_pwait {
                    readiness::epoll_pwait(set, events, room, d as c_int, mask)
                } else {
                    readiness::epoll_pwait2(set, events, room, d as *const timespec, mask)
                }
            };
            Some(c_long::from(result))
        }
        libc::SYS_pselect6 => {
            let sets = (b as *mut fd_set, c as *mut fd_set, d as *mut fd_set);
            // SAFETY: the program's own pointers, as select(2) has them; the last points to a pointer and a size.
            unsafe {
                if !posix::select_has_ours(a as c_int, sets.0, sets.1, sets.2) {
                    return None;
                }
                let mask = (f as *const *const u64).as_ref().and_then(|&mask| kernel_mask(mask));
                let mask = mask.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
                let time = e as *const timespec;
                Some(c_long::from(readiness::pselect(a as c_int, sets.0, sets.1, sets.2, time, mask)))
            }
        }
        // (fd, iov, n, low half, high half, flags); on 64-bit machines the low half is the whole offset.
        libc::SYS_preadv2 if fdtable::is_special(a as c_int) => {
            // SAFETY: the program's own pointers.
            Some(unsafe { data::preadv2(a as c_int, b as *const iovec, c as c_int, d as i64, f as c_int) }
                as c_long)
        }
        libc::SYS_pwritev2 if fdtable::is_special(a as c_int) => {
            // SAFETY: the program's own pointers.
            Some(unsafe { data::pwritev2(a as c_int, b as *const iovec, c as c_int, d as i64, f as c_int) }
                as c_long)
        }
        libc::SYS_io_uring_setup if denies_io_uring() => Some(fail(Errno::ENOSYS)),
        libc::SYS_io_uring_setup | libc::SYS_openat2 | libc::SYS_userfaultfd | libc::SYS_perf_event_open => {
            Some(args.made(nr))
        }
        _ => None,
    }
}

/// A program that has io_uring would do its network input and output past every hook (MATNET_IO_URING).
fn denies_io_uring() -> bool {
    contained(|| runtime::hooks_enabled() && !runtime::settings().io_uring_allow).unwrap_or(false)
}

fn fork() -> c_long {
    // SAFETY: no arguments.
    c_long::from(unsafe { libc::fork() })
}

/// The kernel's 8 bytes of signal mask as libc has them.
///
/// # Safety
/// `mask` must be null or valid.
unsafe fn kernel_mask(mask: *const u64) -> Option<sigset_t> {
    if mask.is_null() {
        return None;
    }
    // SAFETY: all zero is an empty set, and its first 8 bytes are the kernel's.
    unsafe {
        let mut set: sigset_t = std::mem::zeroed();
        (&raw mut set).cast::<c_void>().copy_from_nonoverlapping(mask.cast(), size_of::<u64>());
        Some(set)
    }
}
