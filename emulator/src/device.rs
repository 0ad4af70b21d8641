//! The emulator's hold on the system: TAP devices in network namespaces, the clocks, ppoll, priority and signals.
//!
//! A TAP is attached without IFF_VNET_HDR and with TUNSETOFFLOAD 0 (Documentation/networking/tuntap.rst), so the kernel
//! segments and completes checksums before a frame is read here. Every `unsafe` of the emulator is in this file.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libc::{c_int, c_ulong};

// linux/if_tun.h: _IOW of an int, the same on x86-64 and aarch64.
const TUNSETIFF: c_ulong = 0x4004_54ca;
const TUNSETOFFLOAD: c_ulong = 0x4004_54d0;
const IFF_TAP: u16 = 0x0002;
const IFF_NO_PI: u16 = 0x1000;
/// IFNAMSIZ and the size of struct ifreq.
const NAME: usize = 16;
const IFREQ: usize = 40;

/// An attached TAP device; the emulator reads what the kernel sends into it.
pub struct Tap {
    fd: OwnedFd,
}

impl Tap {
    /// Attaches to `device` in the network namespace `namespace` (a file such as /proc/PID/ns/net; None: the process's own,
    /// in which the caller is again afterwards).
    pub fn open(namespace: Option<&str>, device: &str) -> io::Result<Tap> {
        let home = File::open("/proc/self/ns/net")?;
        if let Some(path) = namespace {
            enter(&File::open(path)?)?;
        }
        let tap = Tap::attach(device);
        enter(&home)?;
        tap
    }

    fn attach(device: &str) -> io::Result<Tap> {
        // SAFETY: a constant path with its terminator; the result is checked.
        let fd = unsafe {
            libc::open(c"/dev/net/tun".as_ptr(), libc::O_RDWR | libc::O_NONBLOCK | libc::O_CLOEXEC)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor that was just opened and that nobody else has.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut request = [0_u8; IFREQ];
        let name = CString::new(device).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let bytes = name.as_bytes_with_nul();
        let (to, flags) = request.split_at_mut(NAME);
        to.get_mut(..bytes.len()).ok_or(io::ErrorKind::InvalidInput)?.copy_from_slice(bytes);
        if let Some(to) = flags.first_chunk_mut() {
            *to = (IFF_TAP | IFF_NO_PI).to_ne_bytes();
        }
        // SAFETY: `request` has the size of struct ifreq, which the kernel reads and writes back.
        ok(unsafe { libc::ioctl(fd.as_raw_fd(), TUNSETIFF, request.as_mut_ptr()) })?;
        // SAFETY: this request takes an integer.
        ok(unsafe { libc::ioctl(fd.as_raw_fd(), TUNSETOFFLOAD, 0 as c_ulong) })?;
        Ok(Tap { fd })
    }

    /// The descriptor, to wait for.
    pub fn fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// Reads one frame into `buffer`; None: there is none now.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        // SAFETY: the pointer and the length are those of `buffer`.
        let n = unsafe { libc::read(self.fd(), buffer.as_mut_ptr().cast(), buffer.len()) };
        match usize::try_from(n) {
            Ok(n) => Ok(Some(n)),
            Err(_) => match io::Error::last_os_error() {
                e if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
                e => Err(e),
            },
        }
    }

    /// Hands one frame to the kernel; false: it did not take it.
    pub fn write(&self, frame: &[u8]) -> bool {
        // SAFETY: the pointer and the length are those of `frame`.
        let n = unsafe { libc::write(self.fd(), frame.as_ptr().cast(), frame.len()) };
        usize::try_from(n) == Ok(frame.len())
    }
}

fn ok(status: c_int) -> io::Result<()> {
    if status < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn enter(namespace: &File) -> io::Result<()> {
    // SAFETY: an open descriptor; the process has one thread.
    ok(unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) })
}

fn clock(which: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills the struct.
    unsafe { libc::clock_gettime(which, &raw mut time) };
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// CLOCK_MONOTONIC.
pub fn monotonic() -> Duration {
    clock(libc::CLOCK_MONOTONIC)
}

/// CLOCK_REALTIME, for the captures.
pub fn wall() -> Duration {
    clock(libc::CLOCK_REALTIME)
}

/// Sleeps until one of the devices has a frame, `timeout` is over (None: never) or a signal arrives.
pub fn wait(devices: [RawFd; 2], timeout: Option<Duration>) {
    let mut set = devices.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    let limit = timeout.map(|t| libc::timespec {
        tv_sec: i64::try_from(t.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(t.subsec_nanos()),
    });
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: `set` has two entries and both outlive the call; an error (a signal) is a wake-up like any other.
    unsafe { libc::ppoll(set.as_mut_ptr(), 2, limit, std::ptr::null()) };
}

static ENDED: AtomicBool = AtomicBool::new(false);

extern "C" fn on_signal(_: c_int) {
    ENDED.store(true, Ordering::Relaxed);
}

/// Whether a signal asked for the end.
pub fn ended() -> bool {
    ENDED.load(Ordering::Relaxed)
}

/// TERM, INT and HUP end the loop, and so does the end of the process that started this one.
pub fn end_on_signals() {
    let handler = on_signal as extern "C" fn(c_int) as libc::sighandler_t;
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        // SAFETY: the handler only stores to an atomic.
        unsafe { libc::signal(signal, handler) };
    }
    // SAFETY: takes integers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM as c_ulong) };
}

/// Goes before every ordinary process, so that a busy machine does not add to the emulated delay. False: not permitted.
pub fn real_time() -> bool {
    let lowest = libc::sched_param { sched_priority: 1 };
    // SAFETY: the struct is read; 0 is this process.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const lowest) == 0 }
}
