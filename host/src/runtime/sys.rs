//! System calls without libc: the hooks interpose libc's symbols, so the library itself must not call them.
//!
//! One `raw` per architecture (syscall(2) lists the registers), and typed wrappers for what the library uses. None of these
//! is a cancellation point. Time comes from libc's `clock_gettime` (vDSO; it is not hooked).

use std::os::fd::RawFd;

use libc::{c_int, c_long, c_short, c_void};
use matnet_stack::Instant;

use crate::errno::Errno;

/// Makes system call `nr`; a result in -4095..=-1 is an errno (syscall(2)).
///
/// # Safety
/// The arguments must be what system call `nr` expects; pointers must be valid for its accesses.
#[cfg(target_arch = "x86_64")]
#[inline]
pub unsafe fn raw(nr: c_long, a: [usize; 6]) -> Result<usize, Errno> {
    let ret: isize;
    // SAFETY: the x86-64 convention; rcx and r11 are clobbered by `syscall`. The caller vouches for the arguments.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") nr as isize => ret,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    result(ret)
}

/// Makes system call `nr`; a result in -4095..=-1 is an errno (syscall(2)).
///
/// # Safety
/// The arguments must be what system call `nr` expects; pointers must be valid for its accesses.
#[cfg(target_arch = "aarch64")]
#[inline]
pub unsafe fn raw(nr: c_long, a: [usize; 6]) -> Result<usize, Errno> {
    let ret: isize;
    // SAFETY: the AArch64 convention. The caller vouches for the arguments.
    unsafe {
        std::arch::asm!(
            "svc 0",
            in("x8") nr,
            inlateout("x0") a[0] as isize => ret,
            in("x1") a[1], in("x2") a[2], in("x3") a[3], in("x4") a[4], in("x5") a[5],
            options(nostack)
        );
    }
    result(ret)
}

#[inline]
fn result(ret: isize) -> Result<usize, Errno> {
    if (-4095..0).contains(&ret) { Err(Errno(-ret as c_int)) } else { Ok(ret as usize) }
}

macro_rules! sys {
    ($nr:ident) => { raw(libc::$nr, [0; 6]) };
    ($nr:ident, $a:expr) => { raw(libc::$nr, [$a as usize, 0, 0, 0, 0, 0]) };
    ($nr:ident, $a:expr, $b:expr) => { raw(libc::$nr, [$a as usize, $b as usize, 0, 0, 0, 0]) };
    ($nr:ident, $a:expr, $b:expr, $c:expr) => { raw(libc::$nr, [$a as usize, $b as usize, $c as usize, 0, 0, 0]) };
    ($nr:ident, $a:expr, $b:expr, $c:expr, $d:expr) => {
        raw(libc::$nr, [$a as usize, $b as usize, $c as usize, $d as usize, 0, 0])
    };
    ($nr:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr) => {
        raw(libc::$nr, [$a as usize, $b as usize, $c as usize, $d as usize, $e as usize, 0])
    };
    ($nr:ident, $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr) => {
        raw(libc::$nr, [$a as usize, $b as usize, $c as usize, $d as usize, $e as usize, $f as usize])
    };
}

/// read(2)
pub fn read(fd: RawFd, buf: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the slice is valid for writes of its length.
    unsafe { sys!(SYS_read, fd, buf.as_mut_ptr(), buf.len()) }
}

/// write(2)
pub fn write(fd: RawFd, buf: &[u8]) -> Result<usize, Errno> {
    // SAFETY: the slice is valid for reads of its length.
    unsafe { sys!(SYS_write, fd, buf.as_ptr(), buf.len()) }
}

/// sched_yield(2)
pub fn sched_yield() {
    // SAFETY: no pointers.
    let _ = unsafe { sys!(SYS_sched_yield) };
}

/// pread(2)
pub fn pread(fd: RawFd, buf: &mut [u8], offset: i64) -> Result<usize, Errno> {
    // SAFETY: as in `read`.
    unsafe { sys!(SYS_pread64, fd, buf.as_mut_ptr(), buf.len(), offset) }
}

/// lseek(2)
pub fn lseek(fd: RawFd, offset: i64, whence: c_int) -> Result<i64, Errno> {
    // SAFETY: no pointers.
    unsafe { sys!(SYS_lseek, fd, offset, whence) }.map(|n| n as i64)
}

/// writev(2)
pub fn writev(fd: RawFd, iov: &[libc::iovec]) -> Result<usize, Errno> {
    // SAFETY: the array is valid; its entries were made from live slices by the caller.
    unsafe { sys!(SYS_writev, fd, iov.as_ptr(), iov.len()) }
}

/// readv(2)
///
/// # Safety
/// Each entry must be valid for writes of its length.
pub unsafe fn readv(fd: RawFd, iov: &[libc::iovec]) -> Result<usize, Errno> {
    // SAFETY: the caller vouches for the entries.
    unsafe { sys!(SYS_readv, fd, iov.as_ptr(), iov.len()) }
}

/// open(2), by `openat`; `path` must end with a NUL (a missing one is EINVAL).
pub fn open(path: &std::ffi::CStr, flags: c_int, mode: u32) -> Result<RawFd, Errno> {
    // SAFETY: a CStr is NUL-terminated.
    unsafe { sys!(SYS_openat, libc::AT_FDCWD as isize, path.as_ptr(), flags, mode) }.map(|n| n as RawFd)
}

/// close(2)
pub fn close(fd: RawFd) -> Result<(), Errno> {
    // SAFETY: no pointers; the caller owns the number.
    unsafe { sys!(SYS_close, fd) }.map(drop)
}

/// socket(2)
pub fn socket(domain: c_int, ty: c_int, protocol: c_int) -> Result<RawFd, Errno> {
    // SAFETY: no pointers.
    unsafe { sys!(SYS_socket, domain, ty, protocol) }.map(|n| n as RawFd)
}

/// socketpair(2) of AF_UNIX sockets.
pub fn socketpair(ty: c_int) -> Result<[RawFd; 2], Errno> {
    let mut fds: [c_int; 2] = [-1; 2];
    // SAFETY: `fds` has room for two numbers.
    unsafe { sys!(SYS_socketpair, libc::AF_UNIX, ty, 0, fds.as_mut_ptr()) }.map(|_| fds)
}

/// dup3(2)
pub fn dup3(old: RawFd, new: RawFd, flags: c_int) -> Result<RawFd, Errno> {
    // SAFETY: no pointers.
    unsafe { sys!(SYS_dup3, old, new, flags) }.map(|n| n as RawFd)
}

/// fcntl(2) with an integer argument.
pub fn fcntl(fd: RawFd, cmd: c_int, arg: usize) -> Result<c_int, Errno> {
    // SAFETY: the commands used with this take integers.
    unsafe { sys!(SYS_fcntl, fd, cmd, arg) }.map(|n| n as c_int)
}

/// ioctl(2)
///
/// # Safety
/// `arg` must be what `request` expects.
pub unsafe fn ioctl(fd: RawFd, request: c_long, arg: usize) -> Result<c_int, Errno> {
    // SAFETY: the caller vouches for the argument.
    unsafe { sys!(SYS_ioctl, fd, request, arg) }.map(|n| n as c_int)
}

/// eventfd(2)
pub fn eventfd(flags: c_int) -> Result<RawFd, Errno> {
    // SAFETY: no pointers.
    unsafe { sys!(SYS_eventfd2, 0, flags) }.map(|n| n as RawFd)
}

/// poll by ppoll(2), without a change of the signal mask; not a cancellation point.
pub fn poll(fds: &mut [libc::pollfd], timeout: Option<std::time::Duration>) -> Result<usize, Errno> {
    let ts = timeout.map(timespec);
    let ts = ts.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the array and the time are valid; the kernel may write the remaining time back into a private copy only
    // through libc, so the raw call gets a mutable local below.
    unsafe {
        let mut copy = if ts.is_null() { libc::timespec { tv_sec: 0, tv_nsec: 0 } } else { *ts };
        let p = if ts.is_null() { std::ptr::null_mut() } else { &raw mut copy };
        sys!(SYS_ppoll, fds.as_mut_ptr(), fds.len(), p, 0, 8)
    }
}

/// A span as the kernel takes it.
pub fn timespec(d: std::time::Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(d.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: libc::c_long::from(d.subsec_nanos() as i32),
    }
}

/// sendto(2) with an optional address in the kernel's form.
pub fn sendto(fd: RawFd, buf: &[u8], flags: c_int, to: &[u8]) -> Result<usize, Errno> {
    let p = if to.is_empty() { std::ptr::null() } else { to.as_ptr() };
    // SAFETY: both slices are valid for reads.
    unsafe { sys!(SYS_sendto, fd, buf.as_ptr(), buf.len(), flags, p, to.len()) }
}

/// recv(2)
pub fn recv(fd: RawFd, buf: &mut [u8], flags: c_int) -> Result<usize, Errno> {
    // SAFETY: the slice is valid for writes.
    unsafe { sys!(SYS_recvfrom, fd, buf.as_mut_ptr(), buf.len(), flags, 0, 0) }
}

/// bind(2)
pub fn bind(fd: RawFd, addr: &[u8]) -> Result<(), Errno> {
    // SAFETY: the slice is valid for reads.
    unsafe { sys!(SYS_bind, fd, addr.as_ptr(), addr.len()) }.map(drop)
}

/// listen(2)
pub fn listen(fd: RawFd, backlog: c_int) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { sys!(SYS_listen, fd, backlog) }.map(drop)
}

/// accept4(2), the peer's sockaddr into `from`: the new descriptor and the length of the sockaddr.
pub fn accept(fd: RawFd, from: &mut [u8], flags: c_int) -> Result<(RawFd, usize), Errno> {
    let mut len = from.len() as libc::socklen_t;
    // SAFETY: the slice is valid for writes of `len`.
    unsafe { sys!(SYS_accept4, fd, from.as_mut_ptr(), &raw mut len, flags) }
        .map(|new| (new as RawFd, len as usize))
}

/// getsockname(2) into `name`: its length.
pub fn getsockname(fd: RawFd, name: &mut [u8]) -> Result<usize, Errno> {
    let mut len = name.len() as libc::socklen_t;
    // SAFETY: the slice is valid for writes of `len`.
    unsafe { sys!(SYS_getsockname, fd, name.as_mut_ptr(), &raw mut len) }.map(|_| len as usize)
}

/// sendmsg(2)
pub fn sendmsg(fd: RawFd, bufs: &[&[u8]], to: &[u8], control: &[u8], flags: c_int) -> Result<usize, Errno> {
    let mut list: Vec<libc::iovec> = bufs
        .iter()
        .map(|b| libc::iovec { iov_base: b.as_ptr().cast_mut().cast(), iov_len: b.len() })
        .collect();
    // SAFETY: all zero is a header that names nothing.
    let mut m: libc::msghdr = unsafe { std::mem::zeroed() };
    (m.msg_iov, m.msg_iovlen) = (list.as_mut_ptr(), list.len());
    (m.msg_name, m.msg_namelen) = (to.as_ptr().cast_mut().cast(), to.len() as libc::socklen_t);
    (m.msg_control, m.msg_controllen) = (control.as_ptr().cast_mut().cast(), control.len());
    // SAFETY: everything that the header names is valid for reads, and the call does not write.
    unsafe { sys!(SYS_sendmsg, fd, &raw const m, flags) }
}

/// What recvmsg(2) filled in.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The call's value.
    pub len: usize,
    /// Bytes of the sender's sockaddr.
    pub from: usize,
    /// Bytes of control data.
    pub control: usize,
    /// msg_flags
    pub flags: c_int,
}

/// recvmsg(2)
pub fn recvmsg(
    fd: RawFd,
    bufs: &mut [&mut [u8]],
    from: &mut [u8],
    control: &mut [u8],
    flags: c_int,
) -> Result<Message, Errno> {
    let mut list: Vec<libc::iovec> =
        bufs.iter_mut().map(|b| libc::iovec { iov_base: b.as_mut_ptr().cast(), iov_len: b.len() }).collect();
    // SAFETY: all zero is a header that names nothing.
    let mut m: libc::msghdr = unsafe { std::mem::zeroed() };
    (m.msg_iov, m.msg_iovlen) = (list.as_mut_ptr(), list.len());
    (m.msg_name, m.msg_namelen) = (from.as_mut_ptr().cast(), from.len() as libc::socklen_t);
    (m.msg_control, m.msg_controllen) = (control.as_mut_ptr().cast(), control.len());
    // SAFETY: everything that the header names is valid for writes.
    let len = unsafe { sys!(SYS_recvmsg, fd, &raw mut m, flags) }?;
    Ok(Message { len, from: m.msg_namelen as usize, control: m.msg_controllen, flags: m.msg_flags })
}

/// shutdown(2)
pub fn shutdown(fd: RawFd, how: c_int) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { sys!(SYS_shutdown, fd, how) }.map(drop)
}

/// setsockopt(2)
pub fn setsockopt(fd: RawFd, level: c_int, name: c_int, value: &[u8]) -> Result<(), Errno> {
    // SAFETY: the slice is valid for reads.
    unsafe { sys!(SYS_setsockopt, fd, level, name, value.as_ptr(), value.len()) }.map(drop)
}

/// getsockopt(2); returns the length the kernel wrote.
pub fn getsockopt(fd: RawFd, level: c_int, name: c_int, value: &mut [u8]) -> Result<usize, Errno> {
    let mut len = value.len() as libc::socklen_t;
    // SAFETY: the slice is valid for writes of `len`.
    unsafe { sys!(SYS_getsockopt, fd, level, name, value.as_mut_ptr(), &raw mut len) }.map(|_| len as usize)
}

/// epoll_ctl(2)
pub fn epoll_ctl(epfd: RawFd, op: c_int, fd: RawFd, event: &mut libc::epoll_event) -> Result<(), Errno> {
    // SAFETY: `event` is valid.
    unsafe { sys!(SYS_epoll_ctl, epfd, op, fd, std::ptr::from_mut(event)) }.map(drop)
}

/// epoll_create1(2)
pub(crate) fn epoll_create() -> Result<RawFd, Errno> {
    // SAFETY: no pointers.
    unsafe { sys!(SYS_epoll_create1, libc::EPOLL_CLOEXEC) }.map(|n| n as RawFd)
}

/// epoll_wait(2) without waiting: how many of `out` were filled. An empty `out` is EINVAL.
pub fn epoll_look(epfd: RawFd, out: &mut [libc::epoll_event]) -> Result<usize, Errno> {
    let most = out.len().min(c_int::MAX as usize);
    // SAFETY: the slice is valid for writes of that many events; no signal mask is given.
    unsafe { sys!(SYS_epoll_pwait, epfd, out.as_mut_ptr(), most, 0, 0, 8) }
}

/// prlimit(2) of this process: returns the old limits.
pub fn rlimit(resource: u32, new: Option<libc::rlimit64>) -> Result<libc::rlimit64, Errno> {
    let mut old = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let p = new.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: both pointers are valid or null.
    unsafe { sys!(SYS_prlimit64, 0, resource, p, &raw mut old) }.map(|_| old)
}

/// True when the process has this capability (capabilities(7)), in effect now.
pub fn capable(capability: u32) -> bool {
    // struct __user_cap_header_struct with version 3 and our own pid, and two of __user_cap_data_struct, 12 bytes each.
    let header: [u32; 2] = [0x2008_0522, 0];
    let mut data = [0u32; 6];
    // SAFETY: both arrays are what capget(2) expects.
    let asked = unsafe { sys!(SYS_capget, header.as_ptr() as usize, data.as_mut_ptr() as usize) };
    let word = data.get(if capability < 32 { 0 } else { 3 }).copied().unwrap_or(0);
    asked.is_ok() && word >> (capability % 32) & 1 == 1
}

/// ioctl(2) with a request that fills in a number.
pub(crate) fn ioctl_int(fd: RawFd, request: usize) -> Result<c_int, Errno> {
    let mut value: c_int = 0;
    // SAFETY: the kernel writes one int.
    unsafe { sys!(SYS_ioctl, fd, request, &raw mut value) }.map(|_| value)
}

/// Bytes of memory that the machine has (sysinfo(2)); 0: not known.
pub fn machine_memory() -> usize {
    // SAFETY: all zero is a value of the struct.
    let mut info: libc::sysinfo = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel fills in the struct.
    let asked = unsafe { sys!(SYS_sysinfo, &raw mut info) };
    let unit = usize::try_from(info.mem_unit).unwrap_or(1).max(1);
    asked.map_or(0, |_| usize::try_from(info.totalram).unwrap_or(usize::MAX).saturating_mul(unit))
}

/// getegid(2)
pub fn getegid() -> u32 {
    // SAFETY: no arguments.
    unsafe { sys!(SYS_getegid) }.map_or(0, |n| n as u32)
}

/// getgroups(2): fills in the groups and answers how many; with no room only how many there are.
pub fn getgroups(groups: &mut [u32]) -> Result<usize, Errno> {
    // SAFETY: the slice is valid for writes of its length.
    unsafe { sys!(SYS_getgroups, groups.len(), groups.as_mut_ptr()) }
}

/// getpid(2)
pub fn getpid() -> c_int {
    // SAFETY: no arguments.
    unsafe { sys!(SYS_getpid) }.map_or(0, |n| n as c_int)
}

/// gettid(2)
pub fn gettid() -> c_int {
    // SAFETY: no arguments.
    unsafe { sys!(SYS_gettid) }.map_or(0, |n| n as c_int)
}

/// Sends `sig` to thread `tid` of this process (tgkill(2)).
pub fn tgkill(tid: c_int, sig: c_int) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { sys!(SYS_tgkill, getpid(), tid, sig) }.map(drop)
}

/// close_range(2)
pub fn close_range(first: u32, last: u32, flags: u32) -> Result<(), Errno> {
    // SAFETY: no pointers.
    unsafe { sys!(SYS_close_range, first, last, flags) }.map(drop)
}

/// A kernel signal set: bit n-1 is signal n.
pub type KernelSigset = u64;

/// rt_sigprocmask(2): returns the old mask.
pub fn sigprocmask(how: c_int, set: Option<KernelSigset>) -> Result<KernelSigset, Errno> {
    let mut old: KernelSigset = 0;
    let p = set.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: both are 8 bytes, the kernel's sigset size.
    unsafe { sys!(SYS_rt_sigprocmask, how, p, &raw mut old, 8) }.map(|_| old)
}

/// Fills `buf` with random bytes (getrandom(2)); false if the kernel refuses.
pub fn getrandom(buf: &mut [u8]) -> bool {
    // SAFETY: the slice is valid for writes.
    unsafe { sys!(SYS_getrandom, buf.as_mut_ptr(), buf.len(), 0) }.is_ok_and(|n| n == buf.len())
}

/// The monotonic clock in the stack's terms.
pub fn now() -> Instant {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `ts` is valid; clock_gettime of CLOCK_MONOTONIC cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut ts) };
    Instant::from_micros((ts.tv_sec as u64).wrapping_mul(1_000_000).wrapping_add(ts.tv_nsec as u64 / 1000))
}

/// The time of day, since 1970.
pub fn wall_clock() -> std::time::Duration {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `ts` is valid; clock_gettime of CLOCK_REALTIME cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut ts) };
    std::time::Duration::new(ts.tv_sec as u64, ts.tv_nsec as u32)
}

/// True when `set` asks for a wait (poll bits) on `fd` that is satisfied now, by a zero-time poll.
pub fn ready(fd: RawFd, events: c_short) -> bool {
    let mut p = [libc::pollfd { fd, events, revents: 0 }];
    poll(&mut p, Some(std::time::Duration::ZERO)).is_ok_and(|n| n > 0)
}

/// Null-safe pointer check used before building slices from caller pointers.
pub fn is_null(p: *const c_void) -> bool {
    p.is_null()
}
