//! From the first internet socket to a running stack, in numbered steps; and what is decided before that.
//!
//! A process that makes no internet socket never comes here: no device, no thread, no allocation.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering};

use matnet_stack::{LogEntry, Stack};
use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use super::{Runtime, Shared, fdspace, fork, inside, sys, thread, wait};
use crate::config::{HookMode, Settings};
use crate::errno::Errno;
use crate::link::{Capture, Link, Tap};

static RUNTIME: AtomicPtr<Runtime> = AtomicPtr::new(std::ptr::null_mut());
/// One start at a time; also taken around fork.
pub(crate) static GATE: Mutex<()> = Mutex::new(());
static CONFIGURATION: OnceCell<Configuration> = OnceCell::new();
static REPORTED: AtomicBool = AtomicBool::new(false);

/// Settings, and why they cannot be used, if so.
struct Configuration {
    settings: Settings,
    error: Option<String>,
}

const UNKNOWN: u8 = 0;
const ENABLED: u8 = 1;
const DISABLED: u8 = 2;
static HOOKS: AtomicU8 = AtomicU8::new(UNKNOWN);
static PRELOADED: AtomicBool = AtomicBool::new(false);

/// Told by the constructor of the shared library: it came in by LD_PRELOAD, not by linking.
pub fn set_preloaded(yes: bool) {
    PRELOADED.store(yes, Ordering::Relaxed);
}

/// Whether the program's own socket() makes our sockets (MATNET_HOOK).
pub fn hooks_enabled() -> bool {
    match HOOKS.load(Ordering::Relaxed) {
        ENABLED => true,
        DISABLED => false,
        // Merely linked and nothing said: the kernel's socket() must not read the settings, which a later matnet_init gives.
        _ if !PRELOADED.load(Ordering::Relaxed) && !super::environ::mentions_hook() => false,
        _ => {
            let on = match settings().hook {
                HookMode::On => true,
                HookMode::Off => false,
                HookMode::Auto => PRELOADED.load(Ordering::Relaxed),
            };
            HOOKS.store(if on { ENABLED } else { DISABLED }, Ordering::Relaxed);
            on
        }
    }
}

fn configuration() -> &'static Configuration {
    CONFIGURATION.get_or_init(|| {
        let _inside = inside::enter();
        let (settings, warnings, result) = Settings::from_env();
        crate::log::configure(&settings);
        for w in warnings {
            crate::log_warn!("{w}");
        }
        Configuration { settings, error: result.err() }
    })
}

/// The settings of this process, read once.
pub fn settings() -> &'static Settings {
    &configuration().settings
}

/// Gives settings by program instead of by environment (matnet_init). EBUSY when they were read already.
pub fn configure(settings: Settings) -> Result<(), Errno> {
    CONFIGURATION.set(Configuration { settings, error: None }).map_err(|_| Errno::EBUSY)
}

/// The running stack, if there is one.
#[inline]
pub fn get() -> Option<&'static Runtime> {
    // SAFETY: the pointer is null or came from Box::leak and is never freed.
    unsafe { RUNTIME.load(Ordering::Acquire).as_ref() }
}

/// Forgets the stack (the child of a fork: it stays with the parent).
pub(crate) fn forget() {
    RUNTIME.store(std::ptr::null_mut(), Ordering::Release);
}

/// The running stack, started if need be. ENETDOWN when that fails; the reason is logged once.
pub fn start() -> Result<&'static Runtime, Errno> {
    if let Some(runtime) = get() {
        return Ok(runtime);
    }
    let _inside = inside::enter();
    let _gate = GATE.lock();
    if let Some(runtime) = get() {
        return Ok(runtime);
    }
    bring_up().map_err(|line| {
        if !REPORTED.swap(true, Ordering::Relaxed) {
            crate::log_error!("{line}");
        }
        Errno::ENETDOWN
    })
}

fn bring_up() -> Result<&'static Runtime, String> {
    // 1. Settings. A value that does not parse must not become a silent default.
    let configuration = configuration();
    if let Some(error) = &configuration.error {
        return Err(error.clone());
    }
    let settings = &configuration.settings;
    // 2. Room for our descriptors.
    fdspace::prepare();
    // 3. The device.
    let tap = Tap::open(settings, place).map_err(|e| e.line)?;
    let device_fd = tap.fd().unwrap_or(-1);
    let mut link: Box<dyn Link> = Box::new(tap);
    if let Some(path) = &settings.pcap {
        link = Box::new(Capture::new(link, path, &settings.tap, place).map_err(|e| e.line)?);
    }
    // 4. The stack, with secrets of its own.
    let mut entropy = [0u8; 32];
    if !sys::getrandom(&mut entropy) {
        return Err(
            "the kernel gives no random bytes (getrandom); sequence numbers would be guessable".to_owned()
        );
    }
    let config = matnet_stack::Config {
        mac: settings.resolved_mac(),
        addr: settings.addr,
        gateway: settings.resolved_gateway(),
        mtu: settings.mtu.unwrap_or_else(|| link.mtu()).min(link.mtu()),
        capabilities: link.capabilities(),
        congestion: settings.congestion,
        loopback: settings.loopback_stack,
    };
    let fail = |what: &str, e: Errno| format!("cannot make {what}: {e}");
    crate::log_info!("{} at {} on {} (MTU {})", config.addr, config.mac, settings.tap, config.mtu);
    let stack = Stack::new(config, sys::now(), entropy);
    // 5. Descriptors of our own.
    let placeholder = sys::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0)
        .and_then(fdspace::internal)
        .map_err(|e| fail("a placeholder socket", e))?;
    let wake_fd = sys::eventfd(libc::EFD_CLOEXEC | libc::EFD_NONBLOCK)
        .and_then(fdspace::internal)
        .map_err(|e| fail("an event descriptor", e))?;
    let runtime: &'static Runtime = Box::leak(Box::new(Runtime {
        shared: Mutex::new(Shared {
            stack,
            files: Default::default(),
            link,
            by_socket: Default::default(),
            waiters: wait::Waiters::default(),
            sets: Default::default(),
            wakes: Vec::new(),
            device_full: false,
            device_gone: false,
            watch: Default::default(),
            habits: Default::default(),
            placeholder,
            clock: Default::default(),
            turn: 0,
            held_back: false,
        }),
        wake_fd,
        device_fd,
        control: Default::default(),
    }));
    // 6. fork must find the locks free.
    fork::install();
    // 7. The thread.
    runtime.announce();
    thread::spawn(runtime).map_err(|e| fail("the stack thread", e))?;
    RUNTIME.store(std::ptr::from_ref(runtime).cast_mut(), Ordering::Release);
    Ok(runtime)
}

/// Where the library's own descriptors go; the old number when there is no room above.
fn place(fd: RawFd) -> RawFd {
    fdspace::internal(fd).unwrap_or(-1)
}

/// Something on the network that a person should know.
pub(crate) fn log_entry(entry: &LogEntry) {
    match entry {
        LogEntry::AddressConflict { addr, mac } => {
            crate::log_warn!(
                "{addr} is also used by {mac}: give this program another address with MATNET_ADDR"
            );
        }
        // The enum may grow with the stack.
        other => crate::log_warn!("{other:?}"),
    }
}
