//! DNS messages: queries made, answers read (RFC 1035, EDNS0 of RFC 6891). The format is the simple-dns crate's work.
//!
//! What comes from the network is hostile until proven otherwise: the crate checks every length and follows compression
//! pointers backwards only; here a name counts as a host's only if it has a host's letters, as in libc (res_hnok). An answer belongs to a
//! query when its id and its question are the same; where it came from is the socket's business.

use std::net::IpAddr;

use simple_dns::rdata::{OPT, RData};
use simple_dns::{CLASS, Label, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, TYPE, header_buffer};

/// Types of records (RFC 1035 section 3.2.2, RFC 3596).
pub const TYPE_A: u16 = 1;
/// PTR
pub const TYPE_PTR: u16 = 12;
/// AAAA
pub const TYPE_AAAA: u16 = 28;
/// The class of the internet.
pub const CLASS_IN: u16 = 1;

/// A fixed header (RFC 1035 section 4.1.1).
const HEADER: usize = 12;
/// Type and class behind the name of a question.
const QFIXED: usize = 4;
/// The UDP payload that is announced with `options edns0`, as libc's resolver has it.
pub(super) const EDNS_SIZE: u16 = 1200;

/// What a query asks for beyond the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// `options edns0`
    pub edns0: bool,
    /// `options trust-ad`
    pub trust_ad: bool,
}

/// A query for `name`, dots between its labels; None when it is not a name (an empty or overlong label, 255 bytes).
pub fn query(name: &[u8], rtype: u16, class: u16, id: u16, extras: Extras) -> Option<Vec<u8>> {
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    if extras.trust_ad {
        packet.set_flags(PacketFlag::AUTHENTIC_DATA);
    }
    let labels = labels(name)?;
    let qtype = QTYPE::try_from(rtype).unwrap_or(QTYPE::TYPE(TYPE::from(rtype)));
    let qclass = QCLASS::try_from(class).ok()?;
    packet.questions.push(Question::new(Name::new_with_labels(&labels), qtype, qclass, false));
    if extras.edns0 {
        *packet.opt_mut() = Some(OPT { udp_packet_size: EDNS_SIZE, version: 0, opt_codes: Vec::new() });
    }
    packet.build_bytes_vec().ok()
}

/// The labels of a name; one dot at the end is the root.
fn labels(name: &[u8]) -> Option<Vec<Label<'_>>> {
    let name = name.strip_suffix(b".").unwrap_or(name);
    if name.is_empty() {
        return Some(Vec::new());
    }
    // On the wire: a length before each label, and the root's.
    if name.len() + 2 > 255 {
        return None;
    }
    let fits = |l: &[u8]| (1..=63).contains(&l.len());
    name.split(|b| *b == b'.').map(|l| fits(l).then(|| Label::new_unchecked(l))).collect()
}

/// The question of a message, name and types as they lie in it; None unless it has exactly one, without compression.
fn question(message: &[u8]) -> Option<(&[u8], &[u8])> {
    if header_buffer::questions(message).ok()? != 1 {
        return None;
    }
    let body = message.get(HEADER..)?;
    let mut at = 0_usize;
    loop {
        let len = usize::from(*body.get(at)?);
        at += 1 + len;
        match len {
            0 => break,
            1..=63 => {}
            _ => return None,
        }
    }
    Some((body.get(..at)?, body.get(at..at + QFIXED)?))
}

/// True when `answer` is a response to `query`: the same id and the same question.
pub fn answers(query: &[u8], answer: &[u8]) -> bool {
    let response = header_buffer::has_flags(answer, PacketFlag::RESPONSE).unwrap_or(false);
    let id = |m: &[u8]| header_buffer::id(m).ok();
    if !response || id(answer) != id(query) {
        return false;
    }
    match (question(query), question(answer)) {
        (Some((name, types)), Some((other, others))) => name.eq_ignore_ascii_case(other) && types == others,
        _ => false,
    }
}

/// What a response's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The response code, 0 to 15.
    pub rcode: u8,
    /// It was cut: ask again by TCP.
    pub truncated: bool,
    /// Records in the answer section.
    pub answers: u16,
    /// Nothing in it, from a server that neither knows nor asks others: ask the next one.
    pub lame: bool,
}

/// Response codes (RFC 1035 section 4.1.1).
pub mod rcode {
    #![allow(missing_docs)]
    pub const NOERROR: u8 = 0;
    pub const SERVFAIL: u8 = 2;
    pub const NXDOMAIN: u8 = 3;
    pub const NOTIMP: u8 = 4;
    pub const REFUSED: u8 = 5;
}

/// Reads the header of a response.
pub fn header(answer: &[u8]) -> Option<Header> {
    let rcode = answer.get(3)? & 0xf;
    let answers = header_buffer::answers(answer).ok()?;
    let has = |flag| header_buffer::has_flags(answer, flag).unwrap_or(false);
    let lame = rcode == rcode::NOERROR
        && answers == 0
        && !has(PacketFlag::AUTHORITATIVE_ANSWER)
        && !has(PacketFlag::RECURSION_AVAILABLE)
        && header_buffer::additional_records(answer).ok()? == 0;
    Some(Header { rcode, truncated: has(PacketFlag::TRUNCATION), answers, lame })
}

/// The addresses that a name has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The name at the end of the chain of CNAMEs.
    pub canonical: String,
    /// The names before it.
    pub aliases: Vec<String>,
    /// In the server's order.
    pub addrs: Vec<IpAddr>,
}

/// Reads the addresses in an answer about a name; None when it is malformed. A CNAME is followed whatever its target is called,
/// but only a host's name becomes the canonical one.
pub fn addresses(answer: &[u8], rtype: u16) -> Option<Addresses> {
    let packet = Packet::parse(answer).ok()?;
    let mut owner = &packet.questions.first()?.qname;
    let mut found = Addresses { canonical: host_name(owner)?, ..Default::default() };
    for record in packet.answers.iter().filter(|r| r.class == CLASS::IN) {
        if !same(&record.name, owner) {
            continue;
        }
        match &record.rdata {
            RData::CNAME(target) => {
                owner = &target.0;
                if let Some(target) = host_name(owner) {
                    let before = std::mem::replace(&mut found.canonical, target);
                    found.aliases.push(host_name(&record.name).unwrap_or(before));
                }
            }
            RData::A(a) if rtype == TYPE_A => found.addrs.push(IpAddr::V4(a.address.into())),
            RData::AAAA(a) if rtype == TYPE_AAAA => found.addrs.push(IpAddr::V6(a.address.into())),
            _ => {}
        }
    }
    Some(found)
}

/// The name that an answer about an address gives; None when there is none.
pub fn pointer(answer: &[u8]) -> Option<String> {
    let packet = Packet::parse(answer).ok()?;
    let mut owner = packet.questions.first()?.qname.clone();
    for record in packet.answers.iter().filter(|r| r.class == CLASS::IN) {
        if !same(&record.name, &owner) {
            continue;
        }
        match &record.rdata {
            // Delegation of less than a /24 (RFC 2317).
            RData::CNAME(target) => owner = target.0.clone(),
            RData::PTR(target) => return host_name(&target.0),
            _ => {}
        }
    }
    None
}

fn same(a: &Name<'_>, b: &Name<'_>) -> bool {
    let (a, b) = (a.as_bytes().collect::<Vec<_>>(), b.as_bytes().collect::<Vec<_>>());
    a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.eq_ignore_ascii_case(b))
}

/// A name as text, if it can be a host's: letters, digits, `-` and `_`, not `-` first (res_hnok in resolv/res-name-checking.c).
fn host_name(name: &Name<'_>) -> Option<String> {
    let mut text = String::new();
    for (i, label) in name.as_bytes().enumerate() {
        if i > 0 {
            text.push('.');
        }
        let label = std::str::from_utf8(label).ok().filter(|l| is_host_text(l.as_bytes()))?;
        text.push_str(label);
    }
    (!text.starts_with('-') && text.len() <= 255).then_some(text)
}

/// Letters, digits, `-` and `_`.
fn is_host_text(text: &[u8]) -> bool {
    text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// True for what can be a host's name (as [`host_name`]), one dot at the end allowed: libc asks nobody about anything else.
pub fn is_host_name(name: &str) -> bool {
    let Some(labels) = labels(name.as_bytes()) else { return false };
    let mut labels = labels.iter().map(|l| l.as_ref());
    labels.all(is_host_text) && !name.starts_with('-')
}

/// The name under which an address's host is found: in-addr.arpa (RFC 1035 section 3.5) or ip6.arpa (RFC 3596).
pub fn reverse(addr: IpAddr) -> String {
    use std::fmt::Write as _;
    let mut name = String::new();
    match addr {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            let _ = write!(name, "{d}.{c}.{b}.{a}.in-addr.arpa");
        }
        IpAddr::V6(v6) => {
            for byte in v6.octets().iter().rev() {
                let _ = write!(name, "{:x}.{:x}.", byte & 0xf, byte >> 4);
            }
            name.push_str("ip6.arpa");
        }
    }
    name
}
