//! Names to addresses and back: the services of nsswitch.conf in turn, the domains of resolv.conf for each name.
//!
//! The order of tries is that of libc's resolver (res_query.c): a name with enough dots as it is first, then in each domain of the
//! search list, then as it is. Errors are those of h_errno, chosen as there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::conf::{Conf, Service, Status, Step};
use super::message::{self, Addresses, Extras, TYPE_A, TYPE_AAAA, TYPE_PTR, rcode};
use super::{conf, files, transport};
use crate::errno::Errno;

/// Why a name has no answer (h_errno in gethostbyname(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fail {
    /// HOST_NOT_FOUND
    NotFound,
    /// TRY_AGAIN, and what res_send had as errno.
    TryAgain(Errno),
    /// NO_RECOVERY: the server does not do that.
    NoRecovery,
    /// NO_RECOVERY too: an answer with records, none of them of use.
    Unusable,
    /// NO_DATA
    NoData,
}

impl Fail {
    /// The value for h_errno.
    pub fn h_errno(self) -> i32 {
        match self {
            Fail::NotFound => 1,
            Fail::TryAgain(_) => 2,
            Fail::NoRecovery | Fail::Unusable => 3,
            Fail::NoData => 4,
        }
    }

    fn status(self) -> Status {
        match self {
            Fail::NotFound | Fail::NoData | Fail::NoRecovery => Status::NotFound,
            Fail::TryAgain(Errno::ECONNREFUSED | Errno::ETIMEDOUT) => Status::Unavailable,
            Fail::TryAgain(_) | Fail::Unusable => Status::TryAgain,
        }
    }
}

/// Which addresses are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4
    V4,
    /// IPv6
    V6,
    /// Both, asked for together.
    Both,
}

impl Family {
    fn types(self, conf: &Conf) -> &'static [u16] {
        match self {
            Family::V4 => &[TYPE_A],
            Family::Both if conf.no_aaaa => &[TYPE_A],
            Family::V6 => &[TYPE_AAAA],
            Family::Both => &[TYPE_A, TYPE_AAAA],
        }
    }
}

/// The addresses of `name`.
pub fn by_name(name: &str, family: Family) -> Result<Addresses, Fail> {
    in_services(|service| match service {
        Service::Files => in_hosts(&files::hosts().unwrap_or_default(), name, family, conf::multi()),
        Service::Dns => in_dns(name, family),
    })
}

/// The host that has `addr`.
pub fn by_addr(addr: IpAddr) -> Result<Addresses, Fail> {
    in_services(|service| match service {
        Service::Files => {
            let line = files::hosts().unwrap_or_default().into_iter().find(|l| l.addr == addr);
            let line = line.ok_or(Fail::NotFound)?;
            Ok(Addresses { canonical: line.name, aliases: line.aliases, addrs: vec![addr] })
        }
        Service::Dns => {
            // Mapped and compatible addresses are IPv4 (nss_dns/dns-host.c).
            let asked = match addr {
                IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(addr, IpAddr::V4),
                IpAddr::V4(_) => addr,
            };
            let conf = Conf::load();
            let answers = query(message::reverse(asked).as_bytes(), &[TYPE_PTR], message::CLASS_IN, &conf)?;
            let host = answers.iter().flatten().find_map(|a| message::pointer(a)).ok_or(Fail::Unusable)?;
            Ok(Addresses { canonical: host, aliases: Vec::new(), addrs: vec![asked] })
        }
    })
}

/// Asks one service after the other, as nsswitch.conf says.
fn in_services(mut ask: impl FnMut(Service) -> Result<Addresses, Fail>) -> Result<Addresses, Fail> {
    walk(&conf::steps(), &mut ask)
}

pub(super) fn walk(
    steps: &[Step],
    ask: &mut dyn FnMut(Service) -> Result<Addresses, Fail>,
) -> Result<Addresses, Fail> {
    let mut result = Err(Fail::NotFound);
    for step in steps {
        result = ask(step.service);
        let status = result.as_ref().map_or_else(|fail| fail.status(), |_| Status::Success);
        if step.ends(status) {
            break;
        }
    }
    result
}

/// The addresses that /etc/hosts has for a name; the first line only for a single family, unless host.conf says `multi on`.
pub(super) fn in_hosts(
    lines: &[files::Line],
    name: &str,
    family: Family,
    multi: bool,
) -> Result<Addresses, Fail> {
    let mut found: Option<Addresses> = None;
    for line in lines.iter().filter(|l| l.has(name)) {
        let addr = match (family, line.addr) {
            (Family::V4, _) => match line.ipv4() {
                Some(v4) => IpAddr::V4(v4),
                None => continue,
            },
            (Family::V6, IpAddr::V4(_)) => continue,
            (_, addr) => addr,
        };
        match &mut found {
            None => {
                found = Some(Addresses {
                    canonical: line.name.clone(),
                    aliases: line.aliases.clone(),
                    addrs: vec![addr],
                });
            }
            Some(host) => {
                host.addrs.push(addr);
                host.aliases.extend(line.aliases.iter().cloned());
                if !line.name.eq_ignore_ascii_case(&host.canonical) {
                    host.aliases.push(line.name.clone());
                }
            }
        }
        if !multi && family != Family::Both {
            break;
        }
    }
    found.ok_or(Fail::NotFound)
}

/// The addresses that the name servers have for a name.
fn in_dns(name: &str, family: Family) -> Result<Addresses, Fail> {
    if !message::is_host_name(name) {
        return Err(Fail::NotFound);
    }
    let conf = Conf::load();
    let types = family.types(&conf);
    let answers = search(name.as_bytes(), types, message::CLASS_IN, &conf)?;
    let mut host: Option<Addresses> = None;
    for (rtype, answer) in types.iter().zip(&answers) {
        let Some(found) = answer.as_ref().and_then(|a| message::addresses(a, *rtype)) else { continue };
        match &mut host {
            _ if found.addrs.is_empty() => {}
            None => host = Some(found),
            Some(host) => host.addrs.extend(found.addrs),
        }
    }
    // Records, but no address: a CNAME that leads nowhere, or nonsense.
    host.ok_or(Fail::Unusable)
}

/// Raw answers to a question, one for each type; at least one of them has records.
pub type Answers = Vec<Option<Vec<u8>>>;

/// Looks for a name in the domains of the search list (res_search).
pub fn search(name: &[u8], types: &[u16], class: u16, conf: &Conf) -> Result<Answers, Fail> {
    search_with(name, conf, &mut |full| query(full, types, class, conf))
}

/// The order of tries; `ask` asks for one full name.
pub(super) fn search_with<T>(
    name: &[u8],
    conf: &Conf,
    ask: &mut dyn FnMut(&[u8]) -> Result<T, Fail>,
) -> Result<T, Fail> {
    let dots = name.iter().filter(|b| **b == b'.').count();
    let absolute = name.ends_with(b".");
    let mut as_it_is = None;
    if absolute || dots >= conf.ndots as usize {
        match ask(name) {
            Ok(found) => return Ok(found),
            Err(fail) if absolute => return Err(fail),
            Err(fail) => as_it_is = Some(fail),
        }
    }
    let (mut no_data, mut again, mut last) = (false, None, Fail::NotFound);
    let mut root_in_list = false;
    for domain in &conf.search {
        let domain = domain.strip_prefix('.').unwrap_or(domain);
        root_in_list |= domain.is_empty();
        let full = if domain.is_empty() { name.to_vec() } else { [name, b".", domain.as_bytes()].concat() };
        match ask(&full) {
            Ok(found) => return Ok(found),
            Err(fail) => last = fail,
        }
        match last {
            Fail::NotFound => {}
            Fail::NoData => no_data = true,
            // Nobody to ask: nobody for the next name either.
            Fail::TryAgain(Errno::ECONNREFUSED) => return Err(last),
            Fail::TryAgain(_) | Fail::NoRecovery | Fail::Unusable => {
                again = Some(last);
                break;
            }
        }
    }
    let tld = dots == 0 && conf.no_tld_query && !conf.search.is_empty();
    if as_it_is.is_none() && !root_in_list && !tld {
        match ask(name) {
            Ok(found) => return Ok(found),
            Err(fail) => last = fail,
        }
    }
    Err(match (as_it_is, no_data, again) {
        // The errno is the last question's, which was answered.
        (Some(Fail::TryAgain(_)), ..)
            if matches!(last, Fail::NotFound | Fail::NoData) && !conf.search.is_empty() =>
        {
            Fail::TryAgain(Errno(0))
        }
        (Some(fail), ..) => fail,
        (_, true, _) => Fail::NoData,
        (_, _, Some(fail)) => fail,
        _ => last,
    })
}

/// Asks the servers for one name (res_query).
pub fn query(name: &[u8], types: &[u16], class: u16, conf: &Conf) -> Result<Answers, Fail> {
    let answers = ask(name, types, class, conf)?;
    judge(&answers)?;
    Ok(answers)
}

/// As [`query`]; what is answered may also be that there is nothing.
pub(super) fn ask(name: &[u8], types: &[u16], class: u16, conf: &Conf) -> Result<Answers, Fail> {
    let extras = Extras { edns0: conf.edns0, trust_ad: conf.trust_ad };
    let mut queries = Vec::new();
    for rtype in types {
        let id = transport::random_id().map_err(Fail::TryAgain)?;
        queries.push(message::query(name, *rtype, class, id, extras).ok_or(Fail::NoRecovery)?);
    }
    let slices: Vec<&[u8]> = queries.iter().map(Vec::as_slice).collect();
    transport::exchange(&slices, conf).map_err(Fail::TryAgain)
}

/// What a set of answers means as a whole: fine when one of them has records.
pub(super) fn judge(answers: &[Option<Vec<u8>>]) -> Result<(), Fail> {
    let headers: Vec<_> = answers.iter().map(|a| a.as_ref().and_then(|a| message::header(a))).collect();
    if headers.iter().flatten().any(|h| h.rcode == rcode::NOERROR && h.answers > 0) {
        return Ok(());
    }
    let Some(first) = headers.iter().flatten().next() else { return Err(Fail::TryAgain(Errno::ETIMEDOUT)) };
    Err(match first.rcode {
        rcode::NXDOMAIN => Fail::NotFound,
        rcode::SERVFAIL => Fail::TryAgain(Errno::EAGAIN),
        // Without the other answer it is not known that there is nothing.
        rcode::NOERROR if headers.iter().any(Option::is_none) => Fail::TryAgain(Errno::EAGAIN),
        rcode::NOERROR => Fail::NoData,
        _ => Fail::NoRecovery,
    })
}

/// A dotted quad or fewer numbers, as inet_aton(3) reads them: up to four of decimal, octal or hexadecimal, blanks end them.
pub fn aton(text: &str) -> Option<Ipv4Addr> {
    let text = text.split([' ', '\t', '\n', '\r', '\x0b', '\x0c']).next()?;
    let mut numbers = Vec::new();
    for part in text.split('.') {
        let (digits, radix) = match part.as_bytes() {
            [b'0', b'x' | b'X', ..] => (part.get(2..)?, 16),
            [b'0', _, ..] => (part.get(1..)?, 8),
            _ => (part, 10),
        };
        if !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        numbers.push(u32::from_str_radix(digits, radix).ok()?);
    }
    let (last, first) = numbers.split_last()?;
    let rest = 4_u32.checked_sub(u32::try_from(first.len()).ok()?).filter(|n| *n > 0)?;
    if first.iter().any(|n| *n > 255) || (rest < 4 && *last >> (8 * rest) != 0) {
        return None;
    }
    let high = first.iter().fold(0_u32, |high, n| (high << 8) | n);
    let high = if rest == 4 { 0 } else { high << (8 * rest) };
    Some(Ipv4Addr::from(high | last))
}

/// True for what every function takes as an address without asking anybody.
pub fn is_numeric(name: &str) -> bool {
    let plain = name.split('%').next().unwrap_or(name);
    aton(name).is_some() || plain.parse::<Ipv6Addr>().is_ok()
}
