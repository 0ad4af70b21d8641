//! Values as people write them. Every error is what was expected, to stand behind the name and the value.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use matnet_stack::{Ipv4Cidr, MacAddr};

use super::{BypassRule, Gateway, IpCidr, Protocol};

/// IFNAMSIZ less the NUL (netdevice(7)).
const DEVICE_NAME_MAX: usize = 15;

/// A network device's name: what the kernel takes (`dev_valid_name`), less what would need quoting elsewhere.
pub(super) fn device(v: &str) -> Result<String, String> {
    let fits = (1..=DEVICE_NAME_MAX).contains(&v.len()) && v != "." && v != "..";
    let plain = v.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+=~".contains(&b));
    if fits && plain {
        Ok(v.to_owned())
    } else {
        Err(String::from("expected a device name of 1 to 15 letters, digits or . _ - such as matnet0"))
    }
}

/// Our own address: one that a host can have, with its prefix.
pub(super) fn own_address(v: &str) -> Result<Ipv4Cidr, String> {
    let expected = || String::from("expected an IPv4 address with prefix such as 10.88.45.2/24");
    let (addr, prefix) = v.split_once('/').ok_or_else(expected)?;
    let addr: Ipv4Addr = addr.parse().map_err(|_| expected())?;
    let prefix =
        decimal(prefix).filter(|p| *p <= 32).and_then(|p| u8::try_from(p).ok()).ok_or_else(expected)?;
    let cidr = Ipv4Cidr { addr, prefix };
    if prefix == 0 {
        return Err(String::from("expected a prefix length of 1 to 32"));
    }
    if addr.is_loopback() || addr.is_multicast() || addr.octets().first() == Some(&0) || addr.is_broadcast() {
        return Err(String::from("expected the address of a host, such as 10.88.45.2/24"));
    }
    if prefix < 31 && addr == cidr.network() {
        return Err(String::from(
            "this is the network's own address, expected one of its hosts such as 10.88.45.2/24",
        ));
    }
    if cidr.broadcast() == Some(addr) {
        return Err(String::from("this is the network's broadcast address, expected one of its hosts"));
    }
    Ok(cidr)
}

/// `auto`, `none` or a host's address.
pub(super) fn gateway(v: &str) -> Result<Gateway, String> {
    match v {
        "auto" => Ok(Gateway::Auto),
        "none" => Ok(Gateway::None),
        _ => match v.parse::<Ipv4Addr>() {
            Ok(a) if !a.is_loopback() && !a.is_multicast() && !a.is_unspecified() && !a.is_broadcast() => {
                Ok(Gateway::Addr(a))
            }
            _ => Err(String::from("expected an IPv4 address such as 10.88.45.1, `auto` or `none`")),
        },
    }
}

/// Six hexadecimal bytes of a unicast address.
pub(super) fn mac(v: &str) -> Result<MacAddr, String> {
    let expected = || String::from("expected an Ethernet address such as 02:00:5e:10:00:01");
    let separator = if v.contains('-') { '-' } else { ':' };
    let mut bytes = [0_u8; 6];
    let mut parts = v.split(separator);
    for b in &mut bytes {
        let part =
            parts.next().filter(|p| (1..=2).contains(&p.len()) && p.bytes().all(|c| c.is_ascii_hexdigit()));
        *b = u8::from_str_radix(part.ok_or_else(expected)?, 16).map_err(|_| expected())?;
    }
    let mac = MacAddr(bytes);
    if parts.next().is_some() {
        return Err(expected());
    }
    if mac.is_multicast() || bytes == [0; 6] {
        return Err(String::from(
            "expected an address of one host: the lowest bit of the first byte clear, not all zero",
        ));
    }
    Ok(mac)
}

/// A whole number in a range.
pub(super) fn number(v: &str, low: u64, high: u64, unit: &str) -> Result<u64, String> {
    decimal(v)
        .filter(|n| (low..=high).contains(n))
        .ok_or_else(|| format!("expected a number of {unit} from {low} to {high}"))
}

/// Digits only: no sign, no blanks.
fn decimal(v: &str) -> Option<u64> {
    (!v.is_empty() && v.bytes().all(|b| b.is_ascii_digit())).then(|| v.parse().ok()).flatten()
}

/// Name servers, separated by commas; empty means unset.
pub(super) fn servers(v: &str) -> Result<Option<Vec<SocketAddr>>, String> {
    const PORT: u16 = 53;
    if v.is_empty() {
        return Ok(None);
    }
    let server = |text: &str| {
        let addr = text.parse::<SocketAddr>().ok();
        let addr = addr.or_else(|| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, PORT)))?;
        let host = !addr.ip().is_unspecified() && !addr.ip().is_multicast() && addr.port() != 0;
        (host && addr.ip() != IpAddr::V4(Ipv4Addr::BROADCAST)).then_some(addr)
    };
    let list: Option<Vec<SocketAddr>> = v.split(',').map(|s| server(s.trim())).collect();
    list.map(Some).ok_or_else(|| {
        String::from(
            "expected addresses of name servers such as 10.88.45.1 or 10.88.45.1:5353, comma-separated",
        )
    })
}

/// The list as [`servers`] reads it.
pub(super) fn show_servers(servers: Option<&[SocketAddr]>) -> String {
    let list: Vec<String> = servers.unwrap_or(&[]).iter().map(SocketAddr::to_string).collect();
    list.join(",")
}

/// One word of several.
pub(super) fn choice<T: Copy>(v: &str, words: &[(&'static str, T)]) -> Result<T, String> {
    if let Some((_, value)) = words.iter().find(|(w, _)| w.eq_ignore_ascii_case(v)) {
        return Ok(*value);
    }
    let mut text = String::from("expected ");
    for (i, (word, _)) in words.iter().enumerate() {
        let before = match i {
            0 => "",
            _ if i + 1 == words.len() => " or ",
            _ => ", ",
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "{before}{word}");
    }
    Err(text)
}

/// A file's name; empty means unset.
pub(super) fn path(v: &str) -> Result<Option<String>, String> {
    if v.contains('\0') {
        return Err(String::from("expected a file name"));
    }
    Ok((!v.is_empty()).then(|| v.to_owned()))
}

/// Faults on the link; empty or `none` means unset.
pub(super) fn fault(v: &str) -> Result<Option<matnet_faults::Spec>, String> {
    if v.trim().is_empty() || v == "none" {
        return Ok(None);
    }
    v.parse().map(Some).map_err(|e: matnet_faults::ParseError| e.to_string())
}

/// Units of time with their length in nanoseconds.
const UNITS: &[(&str, u64)] = &[
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A span such as `5s`, `200ms`, `1.5m`; a plain number is seconds.
pub(super) fn duration(v: &str, most: Duration) -> Result<Duration, String> {
    let expected = || format!("expected a time such as 5s, 200ms or 1m, at most {}", show_duration(most));
    let digits = v.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(v.len());
    let (figure, unit) = v.split_at_checked(digits).ok_or_else(expected)?;
    let unit = if unit.is_empty() { "s" } else { unit };
    let (_, nanos) = UNITS.iter().find(|(u, _)| *u == unit).ok_or_else(expected)?;
    let (whole, fraction) = figure.split_once('.').unwrap_or((figure, "0"));
    let whole = decimal(whole).and_then(|n| n.checked_mul(*nanos)).ok_or_else(expected)?;
    let digits = decimal(fraction).filter(|_| fraction.len() <= 9).ok_or_else(expected)?;
    let scale = 10_u64.checked_pow(u32::try_from(fraction.len()).unwrap_or(9)).unwrap_or(u64::MAX);
    let part = u128::from(digits) * u128::from(*nanos) / u128::from(scale.max(1));
    let total = whole.checked_add(u64::try_from(part).unwrap_or(u64::MAX)).ok_or_else(expected)?;
    Some(Duration::from_nanos(total)).filter(|d| *d <= most).ok_or_else(expected)
}

/// The shortest exact text of a span, in one unit.
pub(super) fn show_duration(d: Duration) -> String {
    let nanos = d.as_nanos();
    let exact = UNITS.iter().rev().find(|(_, n)| nanos != 0 && nanos.is_multiple_of(u128::from(*n)));
    match exact {
        Some((unit, n)) => format!("{}{unit}", nanos / u128::from(*n)),
        None => format!("{}s", d.as_secs_f64()),
    }
}

/// The protocols that a rule may name.
const PROTOCOLS: &[(&str, Protocol)] =
    &[("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("icmp", Protocol::Icmp)];

/// `CIDR[:port][/protocol]`, comma-separated. An address without a prefix is one host. `none` or nothing: an empty list.
pub(super) fn bypass(v: &str) -> Result<Vec<BypassRule>, String> {
    if v.trim().is_empty() || v == "none" {
        return Ok(Vec::new());
    }
    v.split(',').map(|item| rule(item.trim())).collect()
}

fn rule(item: &str) -> Result<BypassRule, String> {
    let wrong = || {
        format!(
            "in \"{item}\": expected networks such as 192.168.0.0/16, 10.0.0.5:53, 10.0.0.0/8:53/udp, fd00::/8 or \
             [fd00::/8]:53, separated by commas"
        )
    };
    let named = |word: &str| PROTOCOLS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    let (item, protocol) = match item.rsplit_once('/').map(|(rest, word)| (rest, named(word))) {
        Some((rest, Some((_, protocol)))) => (rest, Some(*protocol)),
        _ => (item, None),
    };
    let (net, port) = if let Some(rest) = item.strip_prefix('[') {
        // Both [::1]/128 and [::1/128] are seen in the wild.
        let (inside, after) = rest.split_once(']').ok_or_else(wrong)?;
        let (suffix, port) = after.split_once(':').map_or((after, None), |(s, p)| (s, Some(p)));
        if !(suffix.is_empty() || suffix.starts_with('/') && !inside.contains('/')) {
            return Err(wrong());
        }
        (format!("{inside}{suffix}"), port)
    } else {
        match item.split_once(':') {
            // More than one colon outside brackets is an IPv6 address without a port.
            Some((net, port)) if !port.contains(':') => (net.to_owned(), Some(port)),
            _ => (item.to_owned(), None),
        }
    };
    let (addr, prefix) = net.split_once('/').map_or((net.as_str(), None), |(a, p)| (a, Some(p)));
    let (addr, most) = if let Ok(v4) = addr.parse::<Ipv4Addr>() {
        (IpAddr::V4(v4), 32)
    } else {
        (IpAddr::V6(addr.parse::<Ipv6Addr>().map_err(|_| wrong())?), 128)
    };
    let prefix = match prefix {
        None => most,
        Some(p) => decimal(p)
            .filter(|p| *p <= u64::from(most))
            .and_then(|p| u8::try_from(p).ok())
            .ok_or_else(wrong)?,
    };
    let port = match port {
        None => None,
        Some(p) => {
            let p = decimal(p).filter(|p| (1..=65535).contains(p)).ok_or_else(wrong)?;
            u16::try_from(p).ok()
        }
    };
    Ok(BypassRule { cidr: IpCidr { addr, prefix }, port, protocol })
}

/// The list as [`bypass`] reads it.
pub(super) fn show_bypass(rules: &[BypassRule]) -> String {
    if rules.is_empty() {
        return String::from("none");
    }
    let one = |r: &BypassRule| {
        let IpCidr { addr, prefix } = r.cidr;
        let protocol = PROTOCOLS.iter().find(|(_, p)| Some(*p) == r.protocol);
        let protocol = protocol.map_or(String::new(), |(name, _)| format!("/{name}"));
        match (addr, r.port) {
            (_, None) => format!("{addr}/{prefix}{protocol}"),
            (IpAddr::V4(_), Some(port)) => format!("{addr}/{prefix}:{port}{protocol}"),
            (IpAddr::V6(_), Some(port)) => format!("[{addr}/{prefix}]:{port}{protocol}"),
        }
    };
    rules.iter().map(one).collect::<Vec<_>>().join(",")
}

/// The candidate that differs least from `name`, if any is close enough to be what was meant.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_ascii_uppercase();
    let tail = |s: &str| s.strip_prefix("MATNET_").unwrap_or(s).to_owned();
    let name = tail(&name);
    let scored = candidates.map(|c| (distance(&name, &tail(c)), c));
    let (d, best) = scored.min_by_key(|(d, _)| *d)?;
    // A third of the letters may be wrong; more is a guess, not a typing error.
    (d <= name.chars().count().div_ceil(3).max(1)).then_some(best)
}

/// Edit distance (Levenshtein, with swaps of neighbours counted once), bounded input.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let at = |r: &[usize], j: usize| r.get(j).copied().unwrap_or(usize::MAX / 2);
    for (i, ca) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let change = at(&row, j) + usize::from(ca != cb);
            let mut d = change.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = j > 0 && i > 0 && b.get(j - 1) == Some(ca) && a.get(i - 1) == Some(cb);
            if swapped {
                d = d.min(at(&before, j - 1) + 1);
            }
            next.push(d);
        }
        before = std::mem::replace(&mut row, next);
    }
    at(&row, b.len())
}
