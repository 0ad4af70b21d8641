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
use crate::link::{Capture, Faults, Link, OpenError, Tap};

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

/// False when a value could not be understood: then nothing goes to the network.
pub(crate) fn is_usable() -> bool {
    configuration().error.is_none()
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

/// How long a forked child waits for its parent to end and let go of the device.
const PARENT_LEAVES: std::time::Duration = std::time::Duration::from_secs(1);

/// The device. A daemon whose parent made a socket before the fork comes here while the parent is on its way out.
fn open_device(settings: &Settings) -> Result<Tap, String> {
    let mut opened = Tap::open(settings, place);
    let busy = |opened: &Result<Tap, OpenError>| opened.as_ref().is_err_and(|e| e.errno.0 == libc::EBUSY);
    if busy(&opened) && fork::may_be_parents_device() {
        let begin = sys::now();
        while busy(&opened) && sys::now() - begin < PARENT_LEAVES {
            let _ = sys::poll(&mut [], Some(std::time::Duration::from_millis(2)));
            opened = Tap::open(settings, place);
        }
    }
    opened.map_err(|e| e.line)
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
    let tap = open_device(settings)?;
    let device_fd = tap.fd().unwrap_or(-1);
    let mut link: Box<dyn Link> = Box::new(tap);
    if let Some(spec) = &settings.fault {
        let mut seed = [0; 4];
        sys::getrandom(&mut seed);
        link = Box::new(Faults::new(link, spec, u32::from_ne_bytes(seed).into(), sys::now));
    }
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
        ecn: settings.ecn,
        loopback: settings.loopback_stack,
    };
    let fail = |what: &str, e: Errno| format!("cannot make {what}: {e}");
    crate::log_info!("{} at {} on {} (MTU {})", config.addr, config.mac, settings.tap, config.mtu);
    let mut stack = Stack::new(config, sys::now(), entropy);
    // As much as Linux gives its TCP: 9.4 % (tcp_init_mem).
    stack.set_tcp_memory(sys::machine_memory() / 32 * 3);
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
            timed: link.is_timed(),
            link,
            by_socket: Default::default(),
            waiters: wait::Waiters::default(),
            sets: Default::default(),
            spills: Default::default(),
            wakes: Vec::new(),
            device_full: false,
            device_gone: false,
            watch: Default::default(),
            habits: Default::default(),
            placeholder,
            clock: Default::default(),
            turn: 0,
            held_back: false,
            receiving: None,
        }),
        wake_fd,
        device_fd,
        control: Default::default(),
        device_index: Default::default(),
    }));
    // 6. fork must find the locks free.
    fork::install();
    // 7. The thread.
    runtime.announce();
    thread::spawn(runtime).map_err(|e| fail("the stack thread", e))?;
    // 8. Bad pointers of the program.
    super::probe::start();
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
