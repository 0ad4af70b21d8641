//! Pointers of the program: iovecs, message headers, control data, socket addresses, ioctl arguments.
//!
//! The one place of `posix` that follows them (select's sets are the other). What a pointer leads to is probed before it is used, and a
//! bad one is EFAULT (`runtime::probe`). The bytes of a transfer are probed where they are about to be copied, for the kernel finds out
//! no earlier: a receive into nowhere waits for its data.
//!
//! Up to 16 entries need no memory. Limits and errnos are those of import_iovec: more than IOV_MAX entries is EINVAL, a length above
//! SSIZE_MAX is EINVAL, and a transfer ends at 0x7ffff000 bytes. `messages` has sendmsg and kin.

mod control;
mod messages;

use libc::{c_int, c_long, c_uint, c_ulong, c_void, iovec, sockaddr, socklen_t};

pub(super) use control::{Extra, want};
pub(super) use messages::control_to_send;
pub use messages::{recvmmsg, recvmsg, sendmmsg, sendmsg};

use super::socket::with;
use super::{Outcome, SockAddr, transfer};
use crate::errno::Errno;
use crate::runtime::{inside, probe, quiet, sys};

/// Entries that need no memory.
const INLINE: usize = 16;
/// UIO_MAXIOV, also the most messages that sendmmsg takes.
const IOV_MAX: usize = 1024;
/// MAX_RW_COUNT: no call moves more.
pub(super) const MAX_RW: usize = 0x7fff_f000;

/// Memory of one call, freed inside the library also when cancellation unwinds: a signal handler that runs during the
/// free might need the allocator itself.
pub(super) struct Heap<T>(Vec<T>);

impl<T: Clone> Heap<T> {
    /// `n` copies of `value`.
    pub(super) fn new(value: T, n: usize) -> Heap<T> {
        let _inside = inside::enter();
        Heap(vec![value; n])
    }
}

impl<T> Heap<T> {
    pub(super) fn as_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> Drop for Heap<T> {
    fn drop(&mut self) {
        let _inside = inside::enter();
        drop(std::mem::take(&mut self.0));
    }
}

/// Runs `f` on the bytes that an iovec array names, to read from.
///
/// # Safety
/// `iov` must point to `count` entries, each null or valid for reads of its length.
unsafe fn with_sources<R>(
    iov: *const iovec,
    count: usize,
    f: impl FnOnce(&[&[u8]]) -> R,
) -> Result<R, Errno> {
    // SAFETY: the caller vouches for the array.
    let entries = unsafe { entries(iov, count) }?;
    let mut few: [&[u8]; INLINE] = [&[]; INLINE];
    let mut many: Heap<&[u8]>;
    let list = match few.get_mut(..count) {
        Some(list) => list,
        None => {
            many = Heap::new(&[][..], count);
            many.as_mut()
        }
    };
    let mut room = MAX_RW;
    for (to, v) in list.iter_mut().zip(entries) {
        let len = length(v, &mut room)?;
        if len > 0 {
            // SAFETY: not null, and what cannot be read is not read (`probe`).
            *to = unsafe { std::slice::from_raw_parts(base(v), len) };
        }
    }
    Ok(f(list))
}

/// Runs `f` on the bytes that an iovec array names, to write to.
///
/// # Safety
/// `iov` must point to `count` entries, each null or valid for writes of its length; entries do not overlap.
unsafe fn with_targets<R>(
    iov: *const iovec,
    count: usize,
    f: impl FnOnce(&mut [&mut [u8]]) -> R,
) -> Result<R, Errno> {
    // SAFETY: the caller vouches for the array.
    let entries = unsafe { entries(iov, count) }?;
    let mut few: [&mut [u8]; INLINE] = std::array::from_fn(|_| &mut [][..]);
    let mut many: Heap<&mut [u8]>;
    let list = match few.get_mut(..count) {
        Some(list) => list,
        None => {
            let _inside = inside::enter();
            many = Heap((0..count).map(|_| &mut [][..]).collect());
            many.as_mut()
        }
    };
    let mut room = MAX_RW;
    for (to, v) in list.iter_mut().zip(entries) {
        let len = length(v, &mut room)?;
        if len > 0 {
            // SAFETY: not null, and what cannot be written is not written (`probe`).
            *to = unsafe { std::slice::from_raw_parts_mut(base(v), len) };
        }
    }
    Ok(f(list))
}

/// # Safety
/// As [`with_sources`].
unsafe fn entries<'a>(iov: *const iovec, count: usize) -> Result<&'a [iovec], Errno> {
    if count == 0 {
        return Ok(&[]);
    }
    if iov.is_null() || !probe::readable(iov.cast(), count.saturating_mul(size_of::<iovec>())) {
        return Err(Errno::EFAULT);
    }
    // SAFETY: readable.
    Ok(unsafe { std::slice::from_raw_parts(iov, count) })
}

/// How much of an entry takes part, given the room that is left in the call.
fn length(v: &iovec, room: &mut usize) -> Result<usize, Errno> {
    if isize::try_from(v.iov_len).is_err() {
        return Err(Errno::EINVAL);
    }
    let len = v.iov_len.min(*room);
    *room -= len;
    // Without the handler a probe could not come back; null at least is known to be bad.
    if len > 0 && v.iov_base.is_null() && !probe::is_watched() { Err(Errno::EFAULT) } else { Ok(len) }
}

/// Where an entry begins. No slice may begin at null, and the byte behind it is no better.
fn base(v: &iovec) -> *mut u8 {
    if v.iov_base.is_null() { std::ptr::dangling_mut() } else { v.iov_base.cast() }
}

/// The number of entries that readv and writev were given.
fn entry_count(n: c_int) -> Result<usize, Errno> {
    usize::try_from(n).ok().filter(|n| *n <= IOV_MAX).ok_or(Errno::EINVAL)
}

/// writev(2). Nothing to write is 0 and sends no datagram (vfs_writev).
///
/// # Safety
/// `iov` must point to `n` entries, each valid for reads of its length.
pub unsafe fn writev(fd: c_int, iov: *const iovec, n: c_int) -> Outcome<usize> {
    let send = |bufs: &[&[u8]]| {
        if bufs.iter().all(|b| b.is_empty()) {
            return nothing(fd);
        }
        super::send(fd, bufs, 0, None)
    };
    let run = || {
        let n = entry_count(n)?;
        // SAFETY: the caller's promise.
        unsafe { with_sources(iov, n, send) }
    };
    run().into()
}

/// readv(2). No room to read into is 0 and takes nothing.
///
/// # Safety
/// `iov` must point to `n` entries, each valid for writes of its length.
pub unsafe fn readv(fd: c_int, iov: *const iovec, n: c_int) -> Result<usize, Errno> {
    let n = entry_count(n)?;
    let receive = |bufs: &mut [&mut [u8]]| {
        if bufs.iter().all(|b| b.is_empty()) {
            return with(fd, |_, _| Ok(0));
        }
        super::recv(fd, bufs, 0).map(|r| r.len)
    };
    // SAFETY: the caller's promise.
    unsafe { with_targets(iov, n, receive) }?
}

fn nothing(fd: c_int) -> Outcome<usize> {
    Outcome::Done(with(fd, |_, _| Ok(0)))
}

/// Fills the address arguments of accept, getsockname and recvfrom: cut to the room there is, with the true length
/// reported. A null `addr` wants nothing.
///
/// # Safety
/// `len` must be null or valid; `addr` null or valid for writes of `*len` bytes.
pub unsafe fn store_sockaddr(from: &SockAddr, addr: *mut sockaddr, len: *mut socklen_t) -> Result<(), Errno> {
    if len.is_null() || addr.is_null() {
        return Ok(());
    }
    let bytes = from.as_bytes();
    let n = bytes.len().min(probe::read(len)? as usize);
    probe::write_bytes(addr.cast(), bytes.get(..n).unwrap_or(bytes))?;
    probe::write(len, bytes.len() as socklen_t)
}

/// The third argument of ioctl.
#[derive(Clone, Copy, Debug)]
pub struct Arg(*mut c_void);

impl Arg {
    /// Reads an int.
    pub(super) fn read_int(self) -> Result<c_int, Errno> {
        probe::read(self.0.cast())
    }

    /// Writes an int.
    pub(super) fn write_int(self, value: usize) -> Result<(), Errno> {
        let value = c_int::try_from(value).unwrap_or(c_int::MAX);
        probe::write(self.0.cast(), value)
    }

    /// As [`Arg::write_int`], for a number that may be negative.
    pub(super) fn write_signed(self, value: c_int) -> Result<(), Errno> {
        probe::write(self.0.cast(), value)
    }

    /// The struct ifreq that the interface requests take.
    pub(super) fn ifreq(&mut self) -> Result<&mut [u8; 40], Errno> {
        let p = self.0.cast::<[u8; 40]>();
        probe::read(p)?;
        if !probe::writable(p.cast(), 40) {
            return Err(Errno::EFAULT);
        }
        // SAFETY: it can be read and written; these requests take 40 bytes on 64-bit machines.
        Ok(unsafe { &mut *p })
    }

    /// Reads the struct arpreq of SIOCGARP.
    pub(super) fn arpreq(self) -> Result<[u8; 68], Errno> {
        probe::read(self.0.cast())
    }

    /// Writes it.
    pub(super) fn write_arpreq(self, arpreq: [u8; 68]) -> Result<(), Errno> {
        probe::write(self.0.cast(), arpreq)
    }

    /// Fills in the struct ifconf of SIOCGIFCONF, as many entries as it has room for; without a buffer its length is told
    /// (dev_ifconf in net/core/dev_ioctl.c).
    pub(super) fn ifconf(self, entries: &[[u8; 40]]) -> Result<(), Errno> {
        let p = self.0.cast::<libc::ifconf>();
        let mut conf = probe::read(p)?;
        // SAFETY: both members of the union are pointers.
        let buffer = unsafe { conf.ifc_ifcu.ifcu_buf }.cast::<[u8; 40]>();
        let mut room = usize::try_from(conf.ifc_len).unwrap_or(0) / size_of::<[u8; 40]>();
        if buffer.is_null() {
            room = entries.len();
        }
        let fits = entries.get(..room).unwrap_or(entries);
        if !buffer.is_null() {
            for (i, entry) in fits.iter().enumerate() {
                probe::write(buffer.wrapping_add(i), *entry)?;
            }
        }
        conf.ifc_len = c_int::try_from(size_of_val(fits)).unwrap_or(c_int::MAX);
        probe::write(p, conf)
    }

    /// Makes the request on a descriptor of the kernel.
    pub(super) fn kernel(self, fd: c_int, request: c_ulong) -> Result<c_int, Errno> {
        // SAFETY: the argument is what the request expects, by the word of `ioctl`'s caller.
        unsafe { sys::ioctl(fd, request as c_long, self.0 as usize) }
    }
}

/// The instructions of a struct sock_fprog.
pub(super) fn read_filter(at: usize, count: usize) -> Result<Vec<matnet_stack::filter::Instruction>, Errno> {
    let first = at as *const libc::sock_filter;
    let read = |i| {
        let libc::sock_filter { code, jt, jf, k } = probe::read(first.wrapping_add(i))?;
        Ok(matnet_stack::filter::Instruction { code, jt, jf, k })
    };
    (0..count).map(read).collect()
}

/// Asks the kernel about an interface (netdevice(7)) by a descriptor of its own.
pub(super) fn kernel_ifreq(fd: c_int, request: c_ulong, ifreq: &mut [u8; 40]) -> Result<c_int, Errno> {
    // SAFETY: these requests take a struct ifreq, 40 bytes on 64-bit machines, and that is what the array is.
    unsafe { sys::ioctl(fd, request as c_long, ifreq.as_mut_ptr() as usize) }
}

/// ioctl(2) on a socket of ours.
///
/// # Safety
/// `arg` must be what `request` expects.
pub unsafe fn ioctl(fd: c_int, request: c_ulong, arg: *mut c_void) -> Outcome<c_int> {
    super::ioctl::serve(fd, request, Arg(arg))
}

/// sendfile(2) with a socket of ours on either side.
///
/// # Safety
/// `offset` must be null or valid.
pub unsafe fn sendfile(
    out: c_int,
    from: c_int,
    offset: *mut libc::off_t,
    count: usize,
) -> Result<usize, Errno> {
    let Some(mut position) = probe::read_some(offset)? else {
        return transfer::send_file(out, from, None, count);
    };
    let sent = transfer::send_file(out, from, Some(&mut position), count);
    // Even when nothing was sent (do_sendfile).
    probe::write(offset, position)?;
    sent
}

/// splice(2) with a socket of ours on either side.
///
/// # Safety
/// Both offsets must be null or valid.
pub unsafe fn splice(
    from: c_int,
    from_offset: *mut libc::loff_t,
    to: c_int,
    to_offset: *mut libc::loff_t,
    len: usize,
    flags: c_uint,
) -> Result<usize, Errno> {
    transfer::splice_bytes(from, !from_offset.is_null(), to, !to_offset.is_null(), len, flags)
}

/// preadv2 with RWF_NOWAIT at the current position: EAGAIN instead of a wait.
pub(super) fn read_nowait(fd: c_int, buf: &mut [u8]) -> Result<usize, Errno> {
    let v = [iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() }];
    let position = -1isize as usize;
    let flags = libc::RWF_NOWAIT as usize;
    // SAFETY: the entry is the slice.
    unsafe { sys::raw(libc::SYS_preadv2, [fd as usize, v.as_ptr() as usize, 1, position, position, flags]) }
}

/// pwritev2 with RWF_NOWAIT at the current position, of the first 16 buffers.
pub(super) fn write_nowait(fd: c_int, bufs: &[&[u8]]) -> Result<usize, Errno> {
    let mut v = [quiet::iovec(&[]); INLINE];
    for (entry, buf) in v.iter_mut().zip(bufs) {
        *entry = quiet::iovec(buf);
    }
    let n = bufs.len().min(INLINE);
    let position = -1isize as usize;
    let flags = libc::RWF_NOWAIT as usize;
    // SAFETY: the entries are the slices.
    unsafe { sys::raw(libc::SYS_pwritev2, [fd as usize, v.as_ptr() as usize, n, position, position, flags]) }
}

/// preadv: fills `buf` from `position` on, and with `look` tells whether the file goes on behind it.
pub(super) fn pread_more(
    fd: c_int,
    buf: &mut [u8],
    position: i64,
    look: bool,
) -> Result<(usize, bool), Errno> {
    let mut next = 0u8;
    let v = [
        iovec { iov_base: buf.as_mut_ptr().cast(), iov_len: buf.len() },
        iovec { iov_base: (&raw mut next).cast(), iov_len: 1 },
    ];
    let n = if look { 2 } else { 1 };
    // The position in two halves, of which 64-bit kernels take the first whole.
    let args = [fd as usize, v.as_ptr() as usize, n, position as usize, 0, 0];
    // SAFETY: the entries are the slice and one byte.
    let read = unsafe { sys::raw(libc::SYS_preadv, args) }?;
    Ok((read.min(buf.len()), read > buf.len()))
}

#[cfg(test)]
mod tests;
