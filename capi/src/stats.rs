//! Counters of the running stack.
//!
//! A structure with the figures that most people want, and every counter by its name.

use std::ffi::CStr;
use std::mem::size_of;

use libc::{c_char, c_int, size_t};
use matnet_host::runtime::Shared;
use matnet_host::{Errno, runtime};

use crate::call::zero;

/// What the stack has done so far. Make it with MATNET_STATS_INIT; later versions add fields at the
/// end.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct matnet_stats {
    /// sizeof(struct matnet_stats) of the caller, set before the call. Afterwards: how many bytes
    /// were filled.
    pub size: size_t,
    /// Frames received from the device.
    pub frames_in: u64,
    /// Bytes of frames received from the device.
    pub bytes_in: u64,
    /// Frames handed to the device.
    pub frames_out: u64,
    /// Bytes of frames handed to the device.
    pub bytes_out: u64,
    /// IPv4 packets received.
    pub ip_in: u64,
    /// IPv4 packets sent.
    pub ip_out: u64,
    /// ICMP messages received.
    pub icmp_in: u64,
    /// UDP datagrams delivered to a socket.
    pub udp_in: u64,
    /// UDP datagrams sent.
    pub udp_out: u64,
    /// TCP segments received (a frame of several counts its segments).
    pub tcp_in: u64,
    /// TCP segments sent.
    pub tcp_out: u64,
    /// Sockets of this process that are open now.
    pub sockets: u64,
}

impl matnet_stats {
    fn of(shared: &Shared) -> matnet_stats {
        let c = shared.stack.counters();
        matnet_stats {
            size: size_of::<matnet_stats>(),
            frames_in: c.frames_in,
            bytes_in: c.bytes_in,
            frames_out: c.frames_out,
            bytes_out: c.bytes_out,
            ip_in: c.ip_in,
            ip_out: c.ip_out,
            icmp_in: c.icmp_in,
            udp_in: c.udp_in,
            udp_out: c.udp_out,
            tcp_in: c.tcp_in,
            tcp_out: c.tcp_out,
            sockets: shared.files.iter().count() as u64,
        }
    }
}

/// Reads the stack's figures. All are 0 before the first socket.
///
/// Returns 0, or -1 and errno: EFAULT for NULL, EINVAL when `size` is not set.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn matnet_stats(stats: *mut matnet_stats) -> c_int {
    let fill = || {
        if stats.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: not null; every version of the structure starts with its size. Not a reference: the caller's
        // structure may be shorter than ours.
        let room = unsafe { (&raw const (*stats).size).read() };
        if room < size_of::<size_t>() {
            return Err(Errno::EINVAL);
        }
        let size = room.min(size_of::<matnet_stats>());
        let mut now = runtime::get().map_or_else(matnet_stats::default, |r| matnet_stats::of(&r.lock()));
        now.size = size;
        // SAFETY: both have `size` bytes and are apart.
        unsafe { std::ptr::copy_nonoverlapping((&raw const now).cast::<u8>(), stats.cast(), size) };
        Ok(())
    };
    zero(fill())
}

/// Reads one of the stack's counters by its name, such as "frame_runt"; there is one for every
/// reason to drop a packet. It is 0 before the first socket.
///
/// Returns 0, or -1 and errno: EFAULT for NULL, ENOENT when there is no such counter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn matnet_counter(name: *const c_char, value: *mut u64) -> c_int {
    let find = || {
        if name.is_null() || value.is_null() {
            return Err(Errno::EFAULT);
        }
        // SAFETY: not null; a string by the caller's word.
        let name = unsafe { CStr::from_ptr(name) };
        let mut found = None;
        let counters = runtime::get().map_or_else(Default::default, |r| *r.lock().stack.counters());
        counters.for_each(|n, v, _| {
            if n.as_bytes() == name.to_bytes() {
                found = Some(v);
            }
        });
        // What setsockopt accepted without effect, refused, and did not know.
        let (held, refused, unknown) = matnet_host::posix::options::table::totals();
        for (n, v) in [("sockopt_held", held), ("sockopt_refused", refused), ("sockopt_unknown", unknown)] {
            if n.as_bytes() == name.to_bytes() {
                found = Some(v);
            }
        }
        // SAFETY: not null; writable by the caller's word.
        unsafe { value.write(found.ok_or(Errno::ENOENT)?) };
        Ok(())
    };
    zero(find())
}
