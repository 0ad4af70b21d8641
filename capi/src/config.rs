//! Options given by the program instead of by the environment.

use std::ffi::CStr;
use std::mem::size_of;

use libc::{c_char, c_int, size_t};
use matnet_host::config::{self, Settings};
use matnet_host::runtime::{environ, start};
use matnet_host::{Errno, log_error, log_warn};

use crate::call::zero;

/// Options of the stack. Make it with MATNET_CONFIG_INIT and set what you need; later versions add
/// fields at the end.
///
/// Each field is a string as in the variable of the same name, MATNET_TAP for `tap` and so on. NULL
/// leaves it to that variable, and without one to the default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct matnet_config {
    /// sizeof(struct matnet_config) of the caller.
    pub size: size_t,
    /// The TAP device, such as "matnet0".
    pub tap: *const c_char,
    /// The program's own IPv4 address and prefix, such as "10.88.45.2/24".
    pub addr: *const c_char,
    /// The router of the default route; "none" for no route.
    pub gateway: *const c_char,
    /// The program's own Ethernet address.
    pub mac: *const c_char,
    /// The largest IP packet on the link, in bytes.
    pub mtu: *const c_char,
    /// Destinations that go to the kernel, such as "192.168.0.0/16,10.0.0.5:53".
    pub bypass: *const c_char,
    /// Who serves 127.0.0.0/8: "kernel" or "stack".
    pub loopback: *const c_char,
    /// Congestion control: "reno", "cubic" or "bbr" (MATNET_CC).
    pub congestion: *const c_char,
    /// A file that gets every frame as pcapng; %p stands for the process id.
    pub pcap: *const c_char,
    /// How long exit may wait for bytes that the peer has not acknowledged, such as "5s".
    pub linger: *const c_char,
    /// How much is logged: "error", "warn", "info", "debug" or "trace".
    pub log: *const c_char,
    /// A file that gets the log lines; %p stands for the process id.
    pub log_file: *const c_char,
    /// Faults on the link, such as "loss=1%,delay=20ms".
    pub fault: *const c_char,
    /// Explicit congestion notification: "off", "passive" or "on".
    pub ecn: *const c_char,
}

impl matnet_config {
    /// Every option left to the environment.
    pub(crate) const NONE: matnet_config = {
        let null = std::ptr::null();
        matnet_config {
            size: size_of::<matnet_config>(),
            tap: null,
            addr: null,
            gateway: null,
            mac: null,
            mtu: null,
            bypass: null,
            loopback: null,
            congestion: null,
            pcap: null,
            linger: null,
            log: null,
            log_file: null,
            fault: null,
            ecn: null,
        }
    };

    /// Each option's variable and value.
    pub(crate) fn fields(&self) -> [(&'static str, *const c_char); 14] {
        [
            ("MATNET_TAP", self.tap),
            ("MATNET_ADDR", self.addr),
            ("MATNET_GATEWAY", self.gateway),
            ("MATNET_MAC", self.mac),
            ("MATNET_MTU", self.mtu),
            ("MATNET_BYPASS", self.bypass),
            ("MATNET_LOOPBACK", self.loopback),
            ("MATNET_CC", self.congestion),
            ("MATNET_PCAP", self.pcap),
            ("MATNET_LINGER", self.linger),
            ("MATNET_LOG", self.log),
            ("MATNET_LOG_FILE", self.log_file),
            ("MATNET_FAULT", self.fault),
            ("MATNET_ECN", self.ecn),
        ]
    }
}

/// Gives the options by program. It is not needed when the defaults and the environment will do.
/// `config` may be NULL: everything from the environment.
///
/// Call it first in main, before other threads start: before the first `matnet_socket`, and with
/// the shared library before any socket(2) for the internet, which reads the options too. Under
/// LD_PRELOAD it may be too late in any case: then the environment holds.
///
/// Nothing is opened yet: that is for the first `matnet_socket`.
///
/// Returns 0, or -1 and errno: EBUSY when the options were read already, EINVAL when a value (here
/// or in the environment) is not understood: one line on standard error says which and what was
/// expected. EINVAL also when `size` is not set; E2BIG when the structure is of a later version and
/// uses a field that this one does not know.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn matnet_init(config: *const matnet_config) -> c_int {
    // SAFETY: the caller vouches for the structure.
    zero(unsafe { take(config) }.and_then(|config| apply(&config)))
}

/// Copies the caller's structure, which may be of an earlier or a later version.
///
/// # Safety
/// `config` is NULL or points to as many bytes as its `size` says.
pub(crate) unsafe fn take(config: *const matnet_config) -> Result<matnet_config, Errno> {
    let mut known = matnet_config::NONE;
    if config.is_null() {
        return Ok(known);
    }
    // SAFETY: not null; every version starts with its size.
    let size = unsafe { (&raw const (*config).size).read() };
    if size < size_of::<size_t>() {
        return Err(Errno::EINVAL);
    }
    // SAFETY: the caller vouches for `size` bytes; they are only looked at as bytes.
    let later = unsafe { std::slice::from_raw_parts(config.cast::<u8>(), size) };
    if later.get(size_of::<matnet_config>()..).unwrap_or(&[]).iter().any(|b| *b != 0) {
        return Err(Errno(libc::E2BIG));
    }
    // SAFETY: both have as many bytes and are apart; any bytes make a valid structure of pointers.
    unsafe {
        let n = size.min(size_of::<matnet_config>());
        std::ptr::copy_nonoverlapping(config.cast::<u8>(), (&raw mut known).cast(), n);
    }
    Ok(known)
}

/// Reads the values, and makes them those of this process.
fn apply(config: &matnet_config) -> Result<(), Errno> {
    let (settings, warnings) = read(config).map_err(|line| {
        log_error!("matnet_init: {line}");
        Errno::EINVAL
    })?;
    start::configure(settings.clone())?;
    matnet_host::log::configure(&settings);
    for w in warnings {
        log_warn!("{w}");
    }
    Ok(())
}

/// The structure over the environment over the defaults; the error is the line to log.
pub(crate) fn read(config: &matnet_config) -> Result<(Settings, Vec<String>), String> {
    let mut vars = Vec::new();
    for (name, value) in config.fields() {
        if value.is_null() {
            continue;
        }
        // SAFETY: not null; a string by the caller's word.
        let value = unsafe { CStr::from_ptr(value) };
        let text = value.to_str().map_err(|_| not_text(name, &value.to_string_lossy()))?;
        vars.push((String::from(name), String::from(text)));
    }
    let given = vars.len();
    // As with every other way in: a program with more rights than its user is not steered by the
    // user.
    if !environ::is_secure() {
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|n| n.starts_with("MATNET_")) else { continue };
            match value.to_str() {
                Some(text) => vars.push((name.to_owned(), text.to_owned())),
                None if config::find(name).is_some() => return Err(not_text(name, &value.to_string_lossy())),
                None => vars.push((name.to_owned(), String::new())),
            }
        }
    }
    let names: Vec<String> = vars.iter().skip(given).map(|(n, _)| n.clone()).collect();
    // The first of a name wins: the program's own.
    let mut lookup = |name: &str| vars.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let (settings, warnings, result) = Settings::from_lookup(&mut lookup, &names);
    result.map(|()| (settings, warnings))
}

fn not_text(name: &str, value: &str) -> String {
    config::line(name, value, "expected text in UTF-8")
}
