//! The one table of options: name, default, meaning, parser and printer of every variable that a user may set.
//!
//! The environment, the configuration file (MATNET_CONFIG), the options of the `matnet` command, the manual page and the
//! example configuration all come from [`OPTIONS`], so none of them can disagree with another. The environment
//! wins over the file. A value that does not parse is an error, never a silent fall-back: the caller logs
//! the line and lets the program's internet sockets fail. A name that starts with `MATNET_` and is not in the table
//! gives one warning with the nearest name. Under AT_SECURE (setuid and kin) the environment is ignored.
//!
//! Limits: values are UTF-8; the configuration file is read once, up to 64 kB.

mod file;
mod parse;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use matnet_stack::{Congestion, EcnMode, Ipv4Cidr, MacAddr};

use crate::errno::Errno;
use crate::log::LogLevel;

/// One option: a row of the table.
pub struct OptionSpec {
    /// The environment variable, such as `MATNET_TAP`.
    pub name: &'static str,
    /// The key in a configuration file, and with `--` before it the option of the command, such as `tap`.
    pub key: &'static str,
    /// What stands for the value in usage texts, such as `NAME`.
    pub value_name: &'static str,
    /// The default as a person would read it.
    pub default: &'static str,
    /// What it does, in one paragraph.
    pub help: &'static str,
    /// False for names that are reserved: every value is refused in this version.
    pub available: bool,
    /// Reads a value; the error says what was expected.
    pub parse: fn(&str, &mut Settings) -> Result<(), String>,
    /// Writes the value in the form that `parse` reads; empty when unset.
    pub show: fn(&Settings) -> String,
}

/// The default route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Gateway {
    /// The first address of the network that is not our own.
    #[default]
    Auto,
    /// No route beyond the network.
    None,
    /// This router.
    Addr(Ipv4Addr),
}

/// An address of either family with a prefix length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpCidr {
    /// The address; host bits are ignored when matching.
    pub addr: IpAddr,
    /// Length of the network part in bits.
    pub prefix: u8,
}

impl IpCidr {
    /// True when `ip` lies in this network. The families must be the same.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.addr, ip) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => Ipv4Cidr { addr: net, prefix: self.prefix }.contains(ip),
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix.min(128))).unwrap_or(0);
                u128::from(net) & mask == u128::from(ip) & mask
            }
            _ => false,
        }
    }
}

/// What a rule of MATNET_BYPASS can be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
    /// Ping and raw sockets.
    Icmp,
}

impl From<matnet_stack::Kind> for Protocol {
    fn from(kind: matnet_stack::Kind) -> Protocol {
        match kind {
            matnet_stack::Kind::Tcp => Protocol::Tcp,
            matnet_stack::Kind::Udp => Protocol::Udp,
            _ => Protocol::Icmp,
        }
    }
}

/// One entry of MATNET_BYPASS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BypassRule {
    /// Destinations that go to the kernel.
    pub cidr: IpCidr,
    /// Only this port; None: every port.
    pub port: Option<u16>,
    /// Only this protocol; None: every one.
    pub protocol: Option<Protocol>,
}

impl BypassRule {
    /// True when traffic of `protocol` to `ip` and `port` goes to the kernel by this rule.
    pub fn matches(&self, ip: IpAddr, port: u16, protocol: Protocol) -> bool {
        self.cidr.contains(ip)
            && self.port.is_none_or(|p| p == port)
            && self.protocol.is_none_or(|p| p == protocol)
    }
}

/// Whose socket calls are served (MATNET_HOOK).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum HookMode {
    /// All when preloaded, only `matnet_*` when merely linked.
    #[default]
    Auto,
    /// All.
    On,
    /// Only `matnet_*`.
    Off,
}

/// Every option's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// MATNET_TAP
    pub tap: String,
    /// MATNET_ADDR
    pub addr: Ipv4Cidr,
    /// MATNET_GATEWAY
    pub gateway: Gateway,
    /// MATNET_MAC; None: derived.
    pub mac: Option<MacAddr>,
    /// MATNET_MTU, bytes of an IP packet; None: the device's.
    pub mtu: Option<u16>,
    /// MATNET_DNS; None: names are not resolved here.
    pub dns: Option<Vec<SocketAddr>>,
    /// MATNET_BYPASS
    pub bypass: Vec<BypassRule>,
    /// MATNET_LOOPBACK=stack
    pub loopback_stack: bool,
    /// MATNET_HOOK
    pub hook: HookMode,
    /// MATNET_CC
    pub congestion: Congestion,
    /// MATNET_ECN
    pub ecn: EcnMode,
    /// MATNET_PCAP, `%p` not yet replaced.
    pub pcap: Option<String>,
    /// MATNET_FAULT; None: the link is as it is.
    pub fault: Option<matnet_faults::Spec>,
    /// MATNET_LINGER
    pub linger: Duration,
    /// MATNET_SPIN
    pub spin: Duration,
    /// MATNET_IO_URING=allow
    pub io_uring_allow: bool,
    /// MATNET_LOG
    pub log: LogLevel,
    /// MATNET_LOG_FILE, `%p` not yet replaced; None: stderr.
    pub log_file: Option<String>,
    /// MATNET_CONFIG
    pub config: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            tap: String::from("matnet0"),
            addr: Ipv4Cidr { addr: Ipv4Addr::new(10, 88, 45, 2), prefix: 24 },
            gateway: Gateway::Auto,
            mac: None,
            mtu: None,
            dns: None,
            bypass: vec![
                BypassRule {
                    cidr: IpCidr { addr: Ipv4Addr::new(127, 0, 0, 0).into(), prefix: 8 },
                    port: None,
                    protocol: None,
                },
                BypassRule {
                    cidr: IpCidr { addr: std::net::Ipv6Addr::LOCALHOST.into(), prefix: 128 },
                    port: None,
                    protocol: None,
                },
            ],
            loopback_stack: false,
            hook: HookMode::Auto,
            congestion: Congestion::default(),
            ecn: EcnMode::default(),
            pcap: None,
            fault: None,
            linger: Duration::from_secs(5),
            spin: Duration::ZERO,
            io_uring_allow: false,
            log: LogLevel::Warn,
            log_file: None,
            config: None,
        }
    }
}

/// What reading the options gave: the settings (defaults where a value was bad), warnings, and the first error.
pub type Loaded = (Settings, Vec<String>, Result<(), String>);

impl Settings {
    /// Reads the process's environment and the configuration file that it names.
    pub fn from_env() -> Loaded {
        if crate::runtime::environ::is_secure() {
            return (Settings::default(), Vec::new(), Ok(()));
        }
        let mut undecodable = None;
        let mut vars: Vec<(String, String)> = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|n| n.starts_with("MATNET_")) else { continue };
            match value.to_str() {
                Some(text) => vars.push((name.to_owned(), text.to_owned())),
                None if find(name).is_some() => {
                    undecodable = Some(line(name, &value.to_string_lossy(), "expected text in UTF-8"));
                }
                None => vars.push((name.to_owned(), String::new())),
            }
        }
        let names: Vec<String> = vars.iter().map(|(n, _)| n.clone()).collect();
        let mut lookup = |name: &str| vars.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let (settings, warnings, result) = Settings::from_lookup(&mut lookup, &names);
        (settings, warnings, undecodable.map_or(result, Err))
    }

    /// Reads options from anywhere: `vars` gives the value of a variable, `all_names` are the names that exist (only
    /// those that start with `MATNET_` matter; they are checked for typing errors).
    pub fn from_lookup(vars: &mut dyn FnMut(&str) -> Option<String>, all_names: &[String]) -> Loaded {
        Settings::from_sources(vars, all_names, &mut file::read)
    }

    /// As [`Settings::from_lookup`], with the reader of the configuration file given: for tests.
    pub(crate) fn from_sources(
        vars: &mut dyn FnMut(&str) -> Option<String>,
        all_names: &[String],
        read: &mut dyn FnMut(&str) -> Result<Vec<u8>, Errno>,
    ) -> Loaded {
        let mut settings = Settings::default();
        let mut warnings = Vec::new();
        let mut errors: Vec<String> = Vec::new();
        for name in all_names.iter().filter(|n| n.starts_with("MATNET_") && find(n).is_none()) {
            warnings.push(unknown(name, ""));
        }
        let mut config = Vec::new();
        let config_path = vars("MATNET_CONFIG").unwrap_or_default();
        if !config_path.is_empty() {
            let path = config_path.as_str();
            match read(path) {
                Err(errno) => {
                    let why =
                        format!("cannot read this file ({errno}), expected a file of lines `key = value`");
                    errors.push(line("MATNET_CONFIG", path, &why));
                }
                Ok(bytes) => match file::entries(&bytes) {
                    Ok(entries) => config = entries,
                    Err((number, text)) => {
                        let why = "expected a line `key = value`, or a comment that starts with #";
                        errors.push(line(&format!("{path}:{number}"), &text, why));
                    }
                },
            }
            for entry in &config {
                if find(&entry.name).is_none() {
                    warnings.push(unknown(&entry.name, &format!("{path}:{}: ", entry.line)));
                } else if entry.name == "MATNET_CONFIG" {
                    warnings.push(format!(
                        "{path}:{}: a configuration file cannot name another: ignored",
                        entry.line
                    ));
                }
            }
            config.retain(|e| e.name != "MATNET_CONFIG");
        }
        for spec in OPTIONS {
            let from_file = config.iter().rev().find(|e| e.name == spec.name);
            let (value, place) = match (vars(spec.name), from_file) {
                (Some(value), _) => (value, String::from(spec.name)),
                (None, Some(e)) => (e.value.clone(), format!("{} ({config_path}:{})", spec.name, e.line)),
                (None, None) => continue,
            };
            if let Err(expected) = (spec.parse)(&value, &mut settings) {
                errors.push(line(&place, &value, &expected));
            }
        }
        if errors.is_empty() {
            errors.extend(settings.check().err());
        }
        let result = errors.into_iter().next().map_or(Ok(()), Err);
        (settings, warnings, result)
    }

    /// What no single option can know: do they fit each other?
    fn check(&self) -> Result<(), String> {
        if let Gateway::Addr(gateway) = self.gateway {
            let network = self.addr.network();
            let prefix = self.addr.prefix;
            if !self.addr.contains(gateway) || gateway == self.addr.addr {
                let why = format!(
                    "expected another address of the network {network}/{prefix} (MATNET_ADDR is {}), or `none`",
                    self.addr
                );
                return Err(line("MATNET_GATEWAY", &gateway.to_string(), &why));
            }
        }
        Ok(())
    }

    /// The router of the default route; None for no route.
    pub fn resolved_gateway(&self) -> Option<Ipv4Addr> {
        match self.gateway {
            Gateway::Auto => self.first_other_address(),
            Gateway::None => None,
            Gateway::Addr(a) => Some(a),
        }
    }

    /// The address that the host side of a device of ours gets: the gateway's, or the first of the network when there
    /// is no gateway. None when the network has no second address.
    pub fn host_address(&self) -> Option<Ipv4Cidr> {
        let addr = self.resolved_gateway().or_else(|| self.first_other_address())?;
        Some(Ipv4Cidr { addr, prefix: self.addr.prefix })
    }

    /// The first address of the network that can be a host's and is not ours.
    fn first_other_address(&self) -> Option<Ipv4Addr> {
        let network = u32::from(self.addr.network());
        let candidates = match self.addr.prefix {
            // RFC 3021: both addresses of a /31 are hosts.
            31 => [network, network.wrapping_add(1)],
            32.. => return None,
            _ => [network.wrapping_add(1), network.wrapping_add(2)],
        };
        candidates.into_iter().map(Ipv4Addr::from).find(|a| *a != self.addr.addr)
    }

    /// Our hardware address: as given, or derived from the device's name and our address, so that it stays the same from
    /// run to run and two programs on one network differ.
    pub fn resolved_mac(&self) -> MacAddr {
        self.mac.unwrap_or_else(|| {
            // FNV-1a, then a finaliser (the one of SplitMix64) since the low bytes of FNV are weak.
            let bytes = self.tap.bytes().chain([0]).chain(self.addr.addr.octets());
            let mut h = bytes
                .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
            h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            h ^= h >> 31;
            let [a, b, c, d, e, f, ..] = h.to_be_bytes();
            // Locally administered, unicast (IEEE 802-2014 section 8.2.2).
            MacAddr([(a & 0xfc) | 0x02, b, c, d, e, f])
        })
    }

    /// True when traffic of `protocol` to `ip` and `port` is the kernel's: loopback addresses (unless MATNET_LOOPBACK=stack gives 127/8
    /// to the stack) and what MATNET_BYPASS names. v4-mapped addresses count as IPv4.
    pub fn bypasses(&self, ip: IpAddr, port: u16, protocol: Protocol) -> bool {
        let ip = ip.to_canonical();
        let rules = || self.bypass.iter().filter(|r| r.matches(ip, port, protocol));
        match ip {
            // The default rule for 127/8 does not take back what MATNET_LOOPBACK=stack gives; a narrower one does.
            IpAddr::V4(v4) if v4.is_loopback() && self.loopback_stack => {
                rules().any(|r| r.port.is_some() || r.protocol.is_some() || r.cidr.prefix > 8)
            }
            _ => ip.is_loopback() || rules().next().is_some(),
        }
    }

    /// The options whose values differ from the default, as (variable, value): what a person wants to see at start.
    pub fn changed(&self) -> Vec<(&'static str, String)> {
        let default = Settings::default();
        let rows = OPTIONS.iter().map(|o| (o.name, (o.show)(self), (o.show)(&default)));
        rows.filter(|(_, mine, usual)| mine != usual).map(|(name, mine, _)| (name, mine)).collect()
    }
}

/// The table's row of a variable.
pub fn find(name: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|o| o.name == name)
}

/// Replaces `%p` by the process id and `%%` by one per cent sign, in file names.
pub fn expand_pid(path: &str, pid: i32) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('%', Some('p')) => {
                out.push_str(&pid.to_string());
                chars.next();
            }
            ('%', Some('%')) => {
                out.push('%');
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out
}

/// `NAME: "value": what was expected`, on one line whatever the value holds.
pub fn line(name: &str, value: &str, expected: &str) -> String {
    const LONGEST: usize = 120;
    let shown: String = value.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    // escape_debug also escapes quotes, which read better as they are.
    let shown = shown.replace("\\'", "'").replace("\\\"", "\"");
    let more = if value.chars().nth(LONGEST).is_some() { "..." } else { "" };
    format!("{name}: \"{shown}{more}\": {expected}")
}

/// The warning for a name that is not in the table.
fn unknown(name: &str, place: &str) -> String {
    let shown: String = name.chars().take(60).flat_map(char::escape_debug).collect();
    match parse::nearest(name, OPTIONS.iter().map(|o| o.name)) {
        Some(near) => format!("{place}{shown}: no such option, did you mean {near}?"),
        None => format!("{place}{shown}: no such option (`matnet run --help` lists them)"),
    }
}

fn shown<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map(T::to_string).unwrap_or_default()
}

/// Every option, in the order of the manual.
pub static OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        name: "MATNET_TAP",
        key: "tap",
        value_name: "NAME",
        default: "matnet0",
        help: "The TAP device. If it does not exist and the process may create it, it is created, brought up, and its \
               host side gets the gateway's address.",
        available: true,
        parse: |v, s| parse::device(v).map(|x| s.tap = x),
        show: |s| s.tap.clone(),
    },
    OptionSpec {
        name: "MATNET_ADDR",
        key: "addr",
        value_name: "ADDR/PREFIX",
        default: "10.88.45.2/24",
        help: "The program's own IPv4 address and the length of its network's prefix.",
        available: true,
        parse: |v, s| parse::own_address(v).map(|x| s.addr = x),
        show: |s| s.addr.to_string(),
    },
    OptionSpec {
        name: "MATNET_GATEWAY",
        key: "gateway",
        value_name: "ADDR",
        default: "first address of the network (10.88.45.1)",
        help: "The router of the default route; `none` for no route beyond the network, `auto` for the default.",
        available: true,
        parse: |v, s| parse::gateway(v).map(|x| s.gateway = x),
        show: |s| match s.gateway {
            Gateway::Auto => String::new(),
            Gateway::None => String::from("none"),
            Gateway::Addr(a) => a.to_string(),
        },
    },
    OptionSpec {
        name: "MATNET_MAC",
        key: "mac",
        value_name: "MAC",
        default: "derived from the device's name and the address, locally administered",
        help: "The program's own Ethernet address.",
        available: true,
        parse: |v, s| parse::mac(v).map(|x| s.mac = Some(x)),
        show: |s| shown(&s.mac),
    },
    OptionSpec {
        name: "MATNET_MTU",
        key: "mtu",
        value_name: "BYTES",
        default: "the device's MTU",
        help: "The largest IP packet on the link, 68 to 65521. A device that is created gets it as its MTU.",
        available: true,
        parse: |v, s| parse::number(v, 68, 65521, "bytes").map(|x| s.mtu = u16::try_from(x).ok()),
        show: |s| shown(&s.mtu),
    },
    OptionSpec {
        name: "MATNET_DNS",
        key: "dns",
        value_name: "ADDR[:PORT],...",
        default: "unset: names resolve as without matnet",
        help: "Name servers, comma-separated, asked in this order from the program's own address; one that MATNET_BYPASS or the \
               loopback rule gives to the kernel is asked over the kernel. /etc/hosts and the search list and options of \
               /etc/resolv.conf count as ever.",
        available: true,
        parse: |v, s| {
            // A bad list is an empty one, so that no name is resolved past it.
            let servers = parse::servers(v);
            s.dns = servers.as_ref().map_or_else(|_| Some(Vec::new()), Clone::clone);
            servers.map(drop)
        },
        show: |s| parse::show_servers(s.dns.as_deref()),
    },
    OptionSpec {
        name: "MATNET_BYPASS",
        key: "bypass",
        value_name: "CIDR[:PORT][/PROTO],...",
        default: "127.0.0.0/8,::1/128",
        help: "Destinations that go to the kernel, comma-separated, each for all ports and protocols or for one: \
               10.0.0.0/8:53/udp (tcp, udp or icmp); an IPv6 network with a port is written in brackets, \
               [fd00::/8]:53. `none` for an empty list; loopback addresses are the kernel's even then.",
        available: true,
        parse: |v, s| parse::bypass(v).map(|x| s.bypass = x),
        show: |s| parse::show_bypass(&s.bypass),
    },
    OptionSpec {
        name: "MATNET_LOOPBACK",
        key: "loopback",
        value_name: "kernel|stack",
        default: "kernel",
        help: "Who serves 127.0.0.0/8: the kernel, or the program's own stack. ::1 is the kernel's in both cases.",
        available: true,
        parse: |v, s| parse::choice(v, &[("kernel", false), ("stack", true)]).map(|x| s.loopback_stack = x),
        show: |s| String::from(if s.loopback_stack { "stack" } else { "kernel" }),
    },
    OptionSpec {
        name: "MATNET_HOOK",
        key: "hook",
        value_name: "auto|on|off",
        default: "auto",
        help: "Whether the program's own socket calls are served. auto: when preloaded yes; when merely linked only \
               matnet_* functions make sockets of ours, and read, write, poll and close work on them.",
        available: true,
        parse: |v, s| {
            let choices = [("auto", HookMode::Auto), ("on", HookMode::On), ("off", HookMode::Off)];
            parse::choice(v, &choices).map(|x| s.hook = x)
        },
        show: |s| {
            String::from(match s.hook {
                HookMode::Auto => "auto",
                HookMode::On => "on",
                HookMode::Off => "off",
            })
        },
    },
    OptionSpec {
        name: "MATNET_CC",
        key: "cc",
        value_name: "NAME",
        default: "cubic",
        help: "Congestion control of new connections: reno, cubic or bbr.",
        available: true,
        parse: |v, s| parse::choice(v, Congestion::ALL).map(|x| s.congestion = x),
        show: |s| String::from(s.congestion.name()),
    },
    OptionSpec {
        name: "MATNET_ECN",
        key: "ecn",
        value_name: "off|passive|on",
        default: "passive",
        help: "Explicit congestion notification (RFC 3168) of TCP connections. passive: when the peer asks for it; on: asked \
               for with each connect, too.",
        available: true,
        parse: |v, s| parse::choice(v, EcnMode::ALL).map(|x| s.ecn = x),
        show: |s| String::from(s.ecn.name()),
    },
    OptionSpec {
        name: "MATNET_PCAP",
        key: "pcap",
        value_name: "FILE",
        default: "unset",
        help: "Write every frame to this file as pcapng; %p stands for the process id.",
        available: true,
        parse: |v, s| parse::path(v).map(|x| s.pcap = x),
        show: |s| shown(&s.pcap),
    },
    OptionSpec {
        name: "MATNET_FAULT",
        key: "fault",
        value_name: "FAULTS",
        default: "unset",
        help: "Faults on the link in both directions, comma-separated, such as loss=1%,delay=20ms,jitter=2ms,dup=0.1%,reorder=1%,\
               corrupt=0.1%,rate=100mbit,outage=5s+2s,seed=7; in. or out. before one limits it to a direction. docs/faults.md \
               explains each. `none` for none.",
        available: true,
        parse: |v, s| parse::fault(v).map(|x| s.fault = x),
        show: |s| shown(&s.fault),
    },
    OptionSpec {
        name: "MATNET_LINGER",
        key: "linger",
        value_name: "TIME",
        default: "5s",
        help: "How long exit may wait for bytes that the peer has not acknowledged, such as 500ms, 5s or 1m, at most \
               1h; 0: not at all. A number without a unit is seconds.",
        available: true,
        parse: |v, s| parse::duration(v, Duration::from_secs(3600)).map(|x| s.linger = x),
        show: |s| parse::show_duration(s.linger),
    },
    OptionSpec {
        name: "MATNET_SPIN",
        key: "spin",
        value_name: "MICROSECONDS",
        default: "0",
        help: "Microseconds to spin before blocking, up to 1000000; 0: never. While it spins a thread keeps its core busy, so leave \
               cores for the others.",
        available: true,
        parse: |v, s| {
            parse::number(v, 0, 1_000_000, "microseconds").map(|n| s.spin = Duration::from_micros(n))
        },
        show: |s| s.spin.as_micros().to_string(),
    },
    OptionSpec {
        name: "MATNET_IO_URING",
        key: "io-uring",
        value_name: "deny|allow",
        default: "deny",
        help: "deny: io_uring_setup answers ENOSYS, so that programs use calls that are seen here; allow lets it through.",
        available: true,
        parse: |v, s| parse::choice(v, &[("deny", false), ("allow", true)]).map(|x| s.io_uring_allow = x),
        show: |s| String::from(if s.io_uring_allow { "allow" } else { "deny" }),
    },
    OptionSpec {
        name: "MATNET_LOG",
        key: "log",
        value_name: "LEVEL",
        default: "warn",
        help: "How much is logged: error, warn, info, debug or trace.",
        available: true,
        parse: |v, s| parse::choice(v, LogLevel::ALL).map(|x| s.log = x),
        show: |s| String::from(s.log.name()),
    },
    OptionSpec {
        name: "MATNET_LOG_FILE",
        key: "log-file",
        value_name: "FILE",
        default: "standard error",
        help: "Append log lines to this file; %p stands for the process id.",
        available: true,
        parse: |v, s| parse::path(v).map(|x| s.log_file = x),
        show: |s| shown(&s.log_file),
    },
    OptionSpec {
        name: "MATNET_STATS",
        key: "stats",
        value_name: "FILE",
        default: "unset",
        help: "Write counters as JSON to this file at exit.",
        available: false,
        parse: |_, _| refused(),
        show: |_| String::new(),
    },
    OptionSpec {
        name: "MATNET_CONFIG",
        key: "config",
        value_name: "FILE",
        default: "unset",
        help: "A file of the same options, `key = value` a line, # for comments, with or without MATNET_ before the key. \
               The environment wins.",
        available: true,
        parse: |v, s| parse::path(v).map(|x| s.config = x),
        show: |s| shown(&s.config),
    },
];

fn refused() -> Result<(), String> {
    Err(String::from("this option is not available in this version, unset it"))
}
