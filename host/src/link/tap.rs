//! The Linux TAP device (Documentation/networking/tuntap.rst): a descriptor that reads and writes Ethernet frames.
//!
//! A received frame is read with one read(2) into a pooled buffer, offload header first; a frame to send is written with one
//! writev(2) of offload header, headers and payload slices, straight from where they lie. `open` has the way in.
//!
//! Limits: one queue. The descriptor is non-blocking and never duplicated; only its owner closes it.

use std::ffi::CStr;
use std::os::fd::RawFd;

use libc::{c_int, c_long};
use matnet_stack::{Buf, Capabilities, RxMeta, Transmit};

use super::offload::{self, Agreed, HEADER_MAX, TunControl};
use super::pool::FramePool;
use super::{Link, LinkError};
use crate::errno::Errno;
use crate::runtime::quiet::iovec;
use crate::runtime::{fdspace, sys};

// linux/if_tun.h; _IOW and _IOR of an int, the same on x86-64 and aarch64.
const TUNSETIFF: c_long = nix::request_code_write!(b'T', 202, size_of::<c_int>()) as c_long;
const TUNSETPERSIST: c_long = nix::request_code_write!(b'T', 203, size_of::<c_int>()) as c_long;
const TUNSETOWNER: c_long = nix::request_code_write!(b'T', 204, size_of::<c_int>()) as c_long;
const TUNSETGROUP: c_long = nix::request_code_write!(b'T', 206, size_of::<c_int>()) as c_long;
const TUNSETOFFLOAD: c_long = nix::request_code_write!(b'T', 208, size_of::<c_int>()) as c_long;
const TUNSETVNETHDRSZ: c_long = nix::request_code_write!(b'T', 216, size_of::<c_int>()) as c_long;

/// `struct ifreq`: a name of 16 bytes and a union of 24.
const IFREQ: usize = 40;
/// IFNAMSIZ
const NAME: usize = 16;

/// Entries of the write vector kept on the stack: enough for every frame of up to 64 kB in slices of 4 kB.
const IOV_INLINE: usize = 20;

/// An open /dev/net/tun. Dropping it closes it; a device that is not persistent vanishes then.
pub struct TunFile {
    fd: RawFd,
    name: [u8; NAME],
}

impl Drop for TunFile {
    fn drop(&mut self) {
        if self.fd >= 0 {
            fdspace::close_internal(self.fd);
        }
    }
}

impl TunFile {
    /// The device node.
    pub const PATH: &'static CStr = c"/dev/net/tun";

    /// Opens the device node, for the device `name`; nothing is attached yet.
    pub fn open(name: &str) -> Result<TunFile, Errno> {
        let mut bytes = [0; NAME];
        match bytes.get_mut(..name.len()) {
            Some(to) if name.len() < NAME && !name.is_empty() => to.copy_from_slice(name.as_bytes()),
            _ => return Err(Errno(libc::EINVAL)),
        }
        let fd = sys::open(Self::PATH, libc::O_RDWR | libc::O_NONBLOCK | libc::O_CLOEXEC, 0)?;
        Ok(TunFile { fd, name: bytes })
    }

    /// Makes the device stay when nobody uses it, or not.
    pub fn set_persistent(&mut self, on: bool) -> Result<(), Errno> {
        self.by_value(TUNSETPERSIST, u32::from(on))
    }

    /// Sets the user who may use the device; u32::MAX: nobody in particular, where the kernel allows that.
    pub fn set_owner(&mut self, uid: u32) -> Result<(), Errno> {
        self.by_value(TUNSETOWNER, uid)
    }

    /// Sets the group that may use the device, as [`TunFile::set_owner`].
    pub fn set_group(&mut self, gid: u32) -> Result<(), Errno> {
        self.by_value(TUNSETGROUP, gid)
    }

    /// Moves the descriptor to where `place` puts it; a negative number means that there is no room.
    pub(super) fn relocate(&mut self, place: fn(RawFd) -> RawFd) -> Result<(), Errno> {
        self.fd = place(self.fd);
        if self.fd < 0 { Err(Errno(libc::EMFILE)) } else { Ok(()) }
    }

    fn by_value(&mut self, request: c_long, value: u32) -> Result<(), Errno> {
        // SAFETY: these requests take an integer, not a pointer.
        unsafe { sys::ioctl(self.fd, request, value as usize) }.map(drop)
    }
}

impl TunControl for TunFile {
    fn attach(&mut self, flags: u16) -> Result<(), Errno> {
        let mut request = [0_u8; IFREQ];
        let (name, union) = request.split_at_mut(NAME);
        name.copy_from_slice(&self.name);
        if let Some(to) = union.first_chunk_mut() {
            *to = flags.to_ne_bytes();
        }
        // SAFETY: `request` has the size of struct ifreq, which the kernel reads and writes back.
        unsafe { sys::ioctl(self.fd, TUNSETIFF, request.as_mut_ptr() as usize) }.map(drop)
    }

    fn set_header_len(&mut self, len: usize) -> Result<(), Errno> {
        let len = c_int::try_from(len).map_err(|_| Errno(libc::EINVAL))?;
        // SAFETY: the kernel reads one int.
        unsafe { sys::ioctl(self.fd, TUNSETVNETHDRSZ, (&raw const len) as usize) }.map(drop)
    }

    fn set_offload(&mut self, bits: u32) -> Result<(), Errno> {
        self.by_value(TUNSETOFFLOAD, bits)
    }
}

/// An attached TAP device.
pub struct Tap {
    file: TunFile,
    agreed: Agreed,
    mtu: u16,
    pool: FramePool,
}

impl Tap {
    /// An attached file becomes a link.
    pub(super) fn new(file: TunFile, agreed: Agreed, mtu: u16) -> Tap {
        Tap { file, agreed, mtu, pool: FramePool::new() }
    }

    /// Bytes of the offload header in front of each frame; 0: the device takes none.
    pub fn header_len(&self) -> usize {
        self.agreed.header_len
    }

    /// Receive buffers allocated so far: constant in a steady state.
    pub fn buffers_allocated(&self) -> u64 {
        self.pool.allocated()
    }
}

impl Link for Tap {
    fn fd(&self) -> Option<RawFd> {
        Some(self.file.fd)
    }

    fn capabilities(&self) -> Capabilities {
        self.agreed.capabilities
    }

    fn mtu(&self) -> u16 {
        self.mtu
    }

    fn recv(&mut self) -> Result<Option<(Buf, RxMeta)>, Errno> {
        loop {
            let n = match sys::read(self.file.fd, self.pool.space()) {
                Ok(n) => n,
                Err(e) if e.0 == libc::EAGAIN => return Ok(None),
                Err(e) if e.0 == libc::EINTR => continue,
                Err(e) => return Err(e),
            };
            let header_len = self.agreed.header_len;
            let filled = self.pool.filled();
            let n = n.min(filled.len());
            // The kernel never gives less than its own header; a frame that did would be nobody's.
            if let Some(meta) = offload::parse(filled.get(..n).unwrap_or_default(), header_len) {
                return Ok(Some((self.pool.frame(header_len, n), meta)));
            }
        }
    }

    fn send(&mut self, frame: &Transmit<'_>) -> Result<(), LinkError> {
        let header: [u8; HEADER_MAX] = offload::emit(frame);
        let header = header.get(..self.agreed.header_len).unwrap_or_default();
        let mut inline = [iovec(&[]); IOV_INLINE];
        let spilled: Vec<libc::iovec>;
        let parts = [header, frame.header].into_iter().chain(frame.payload.iter().copied());
        let parts = parts.filter(|p| !p.is_empty()).map(iovec);
        let vector = if frame.payload.len() + 2 <= IOV_INLINE {
            let mut used = 0;
            for (slot, part) in inline.iter_mut().zip(parts) {
                *slot = part;
                used += 1;
            }
            inline.get(..used).unwrap_or_default()
        } else {
            spilled = parts.collect();
            spilled.as_slice()
        };
        loop {
            match sys::writev(self.file.fd, vector).map_err(|e| e.0) {
                Ok(_) => return Ok(()),
                Err(libc::EINTR) => {}
                Err(libc::EAGAIN) => return Err(LinkError::Full),
                Err(e @ (libc::EBADFD | libc::EBADF | libc::ENODEV | libc::ENXIO)) => {
                    return Err(LinkError::Gone(Errno(e)));
                }
                // EIO: the device is down. The others (ENOMEM, ENOBUFS, EINVAL) concern this frame only.
                Err(_) => return Err(LinkError::Down),
            }
        }
    }
}
