//! The host's side of IGMP: version 3 (RFC 9776), and 2 and 1 where an older router asks (RFC 2236, RFC 1112).
//!
//! What changes is told to the routers at once and again, [`Igmp::robustness`] times in all, at random times within a second
//! (section 5.1); a report then says how things are by that time. Questions are answered after a random part of the time that
//! they allow (section 5.2): a general one with all groups in as few packets as the MTU allows, others group by group.
//! While a router of version 2 or 1 is about (section 7.2.1) each group is reported by itself, a report of somebody else makes ours
//! needless, and leaving is told by whoever reported last, in version 1 by nobody.
//!
//! All messages have TTL 1, Router Alert (RFC 2113) and precedence "internetwork control". Nobody reports 224.0.0.1. Delays come from the
//! stack's entropy, so that hosts do not answer in step. Limits: as Linux, queries are taken from any source and with any TTL.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::iface::ALL_HOSTS;
use crate::iface::keys::{Keyed, Random};
use crate::iface::multicast::Wanted;
use crate::time::{Duration, Instant};
use crate::types::{FilterMode, MacAddr};
use crate::wire::checksum::checksum;

/// Message types (RFC 9776 section 4).
const QUERY: u8 = 0x11;
const V1_REPORT: u8 = 0x12;
const V2_REPORT: u8 = 0x16;
const V2_LEAVE: u8 = 0x17;
const V3_REPORT: u8 = 0x22;
/// Where version 3 reports go.
const V3_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);
/// Where version 2 tells of leaving.
const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);

/// Defaults of section 8: Robustness Variable, Unsolicited Report Interval of versions 3 and 2.
const ROBUSTNESS: u8 = 2;
const V3_INTERVAL: Duration = Duration::from_secs(1);
const V2_INTERVAL: Duration = Duration::from_secs(10);
/// A version 1 query says nothing of the time (RFC 2236 section 4).
const V1_RESPONSE: Duration = Duration::from_secs(10);
/// Older Version Querier Present Timeout with the default values (section 8.12): 2 * 125 s + 10 s.
const OLDER_VERSION: Duration = Duration::from_secs(260);
/// IPv4 header with Router Alert, and the header of a report.
const REPORT_OVERHEAD: usize = 24 + 8;
const RECORD_LEN: usize = 8;
/// Sources that queries under way may ask for; beyond, the answer is about all of the group.
const MAX_ASKED: usize = 64;

/// Types of group records (section 4.2.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Record {
    IsInclude = 1,
    IsExclude = 2,
    ToInclude = 3,
    ToExclude = 4,
    Allow = 5,
    Block = 6,
}

/// A group that we are in, or have left and not yet told of often enough.
#[derive(Debug)]
struct Group {
    addr: Ipv4Addr,
    wanted: Wanted,
    /// Reports still to carry a change of mode.
    mode_left: u8,
    /// Reports still to carry a source that was allowed or blocked.
    sources_left: Vec<(Ipv4Addr, u8)>,
    /// When to answer a query, or to report again (versions 1 and 2).
    answer_at: Option<Instant>,
    /// The sources that the query is about; empty: all.
    asked: Vec<Ipv4Addr>,
    /// Unsolicited reports still to make (versions 1 and 2).
    unsolicited: u8,
    /// We were the last to report it (RFC 2236 section 3).
    reporter: bool,
}

impl Group {
    fn new(addr: Ipv4Addr) -> Group {
        Group {
            addr,
            wanted: Wanted::NOTHING,
            mode_left: 0,
            sources_left: Vec::new(),
            answer_at: None,
            asked: Vec::new(),
            unsolicited: 0,
            reporter: false,
        }
    }

    fn is_quiet(&self) -> bool {
        self.wanted.is_nothing() && self.mode_left == 0 && self.sources_left.is_empty()
    }

    /// A query about `asked`, or about all if that is empty, is to be answered. Two questions under way become one about both; one
    /// about all stays that.
    fn ask(&mut self, asked: &[Ipv4Addr], due: Instant) {
        let all = asked.is_empty() || (self.answer_at.is_some() && self.asked.is_empty());
        if self.answer_at.is_none() {
            self.asked.clear();
        }
        if all || self.asked.len().saturating_add(asked.len()) > MAX_ASKED {
            self.asked.clear();
        } else {
            let new: Vec<Ipv4Addr> = asked.iter().copied().filter(|s| !self.asked.contains(s)).collect();
            self.asked.extend(new);
        }
        self.unsolicited = 0;
        self.answer_at = Some(self.answer_at.map_or(due, |before| before.min(due)));
    }
}

/// Groups by the low 23 bits of their addresses, which are those of the frames that they come in (RFC 1112 section 6.4).
type Key = (u32, Ipv4Addr);

fn key(group: Ipv4Addr) -> Key {
    (u32::from(group) & 0x7f_ffff, group)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    V2,
    V3,
}

/// A message to send: the destination and the IP payload.
pub(crate) type Message = (Ipv4Addr, Vec<u8>);

#[derive(Debug)]
pub(crate) struct Igmp {
    groups: BTreeMap<Key, Group>,
    /// When the first of all timers is due: asked for at each turn of the stack.
    due: Option<Instant>,
    random: Random,
    /// From the last querier.
    robustness: u8,
    v1_until: Option<Instant>,
    v2_until: Option<Instant>,
    /// When the next report of changes is due.
    change_at: Option<Instant>,
    /// When a general query is to be answered.
    general_at: Option<Instant>,
    /// Messages that need no waiting.
    ready: Vec<Message>,
}

impl Igmp {
    pub(crate) fn new(key: Keyed) -> Igmp {
        Igmp {
            groups: BTreeMap::new(),
            due: None,
            random: Random::new(key),
            robustness: ROBUSTNESS,
            v1_until: None,
            v2_until: None,
            change_at: None,
            general_at: None,
            ready: Vec::new(),
        }
    }

    /// What this host wants of a group that it is in or has just left.
    pub(crate) fn wanted(&self, group: Ipv4Addr) -> Option<&Wanted> {
        self.groups.get(&key(group)).map(|g| &g.wanted)
    }

    /// True when this host is in a group whose datagrams come in frames to `mac`.
    pub(crate) fn hears_frames_to(&self, mac: MacAddr) -> bool {
        let MacAddr([0x01, 0x00, 0x5e, a @ ..0x80, b, c]) = mac else { return false };
        let low = u32::from_be_bytes([0, a, b, c]);
        let alike = self.groups.range((low, Ipv4Addr::UNSPECIFIED)..=(low, Ipv4Addr::BROADCAST));
        alike.into_iter().any(|(_, g)| !g.wanted.is_nothing())
    }

    /// The host's state for `group` becomes `wanted`.
    pub(crate) fn change(&mut self, now: Instant, group: Ipv4Addr, wanted: Wanted) {
        if group != ALL_HOSTS {
            self.become_as(now, group, wanted);
            self.reckon();
        }
    }

    fn become_as(&mut self, now: Instant, group: Ipv4Addr, wanted: Wanted) {
        let version = self.version(now);
        let robustness = self.robustness;
        let g = self.groups.entry(key(group)).or_insert_with(|| Group::new(group));
        let old = std::mem::replace(&mut g.wanted, wanted);
        if old == g.wanted {
            if g.is_quiet() {
                self.groups.remove(&key(group));
            }
            return;
        }
        if version == Version::V3 {
            if old.mode != g.wanted.mode {
                g.mode_left = robustness;
                g.sources_left.clear();
            } else {
                // ALLOW(B-A), BLOCK(A-B), or the other way round: which one a source is, its being in the list tells.
                let differs = |s: &Ipv4Addr| old.sources.contains(s) != g.wanted.sources.contains(s);
                let mut sources: Vec<Ipv4Addr> =
                    old.sources.iter().chain(&g.wanted.sources).copied().filter(differs).collect();
                sources.dedup();
                g.sources_left.retain(|(s, _)| !sources.contains(s));
                g.sources_left.extend(sources.into_iter().map(|s| (s, robustness)));
            }
            if g.wanted.is_nothing() {
                g.answer_at = None;
            }
            self.change_at = Some(now);
            return;
        }
        // The older versions know groups, not sources.
        if old.is_nothing() {
            g.unsolicited = robustness;
            g.answer_at = Some(now);
        } else if g.wanted.is_nothing() {
            if version == Version::V2 && g.reporter {
                self.ready.push((ALL_ROUTERS, simple(V2_LEAVE, group)));
            }
            self.groups.remove(&key(group));
        }
    }

    /// Takes a message; `to_group`: it came by multicast. False when it is malformed.
    pub(crate) fn receive(&mut self, now: Instant, message: &[u8], to_group: bool) -> bool {
        let [kind, code, _, _, a, b, c, d, rest @ ..] = message else { return false };
        if checksum(message) != 0 {
            return false;
        }
        let group = Ipv4Addr::new(*a, *b, *c, *d);
        match *kind {
            QUERY => {
                let fine = self.on_query(now, *code, group, rest);
                self.reckon();
                return fine;
            }
            V1_REPORT | V2_REPORT if to_group => {
                if let Some(g) = self.groups.get_mut(&key(group)) {
                    (g.answer_at, g.unsolicited, g.reporter) = (None, 0, false);
                    self.reckon();
                }
            }
            _ => {}
        }
        true
    }

    fn on_query(&mut self, now: Instant, code: u8, group: Ipv4Addr, rest: &[u8]) -> bool {
        let mut group = group;
        let mut asked = Vec::new();
        let most;
        if rest.is_empty() {
            if code == 0 {
                self.v1_until = Some(now + OLDER_VERSION);
                most = V1_RESPONSE;
                group = Ipv4Addr::UNSPECIFIED;
            } else {
                self.v2_until = Some(now + OLDER_VERSION);
                most = Duration::from_millis(u64::from(code) * 100);
            }
            // Section 7.2.1: pending reports of version 3 are cancelled.
            self.change_at = None;
            self.groups.retain(|_, g| {
                g.mode_left = 0;
                g.sources_left.clear();
                !g.wanted.is_nothing()
            });
        } else {
            let [flags, _qqic, n0, n1, sources @ ..] = rest else { return false };
            match self.version(now) {
                Version::V1 => {
                    most = V1_RESPONSE;
                    group = Ipv4Addr::UNSPECIFIED;
                }
                Version::V2 => most = max_response(code),
                Version::V3 => {
                    most = max_response(code);
                    self.robustness = if flags & 7 == 0 { ROBUSTNESS } else { flags & 7 };
                    let count = usize::from(u16::from_be_bytes([*n0, *n1]));
                    let Some(list) = sources.get(..count.saturating_mul(4)) else { return false };
                    asked = list.chunks_exact(4).filter_map(address).collect();
                    if group.is_unspecified() {
                        if !asked.is_empty() {
                            return false;
                        }
                        let at = now + part_of(&mut self.random, most);
                        if !self.groups.is_empty() && self.general_at.is_none_or(|due| at < due) {
                            self.general_at = Some(at);
                        }
                        return true;
                    }
                }
            }
        }
        let random = &mut self.random;
        let all = group.is_unspecified();
        let range = if all {
            (0, Ipv4Addr::UNSPECIFIED)..=(u32::MAX, Ipv4Addr::BROADCAST)
        } else {
            key(group)..=key(group)
        };
        for (_, g) in self.groups.range_mut(range).filter(|(_, g)| !g.wanted.is_nothing()) {
            g.ask(&asked, now + part_of(random, most));
        }
        true
    }

    /// True when there is no group and nothing to tell, as in most programs.
    pub(crate) fn is_idle(&self) -> bool {
        self.groups.is_empty() && self.ready.is_empty()
    }

    /// When [`Igmp::on_timeout`] has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Finds that time anew.
    fn reckon(&mut self) {
        let answers = self.groups.values().filter_map(|g| g.answer_at);
        let due = answers.chain(self.change_at).chain(self.general_at).min();
        self.due = due.filter(|_| !self.groups.is_empty());
    }

    /// The messages that are due; packets of at most `mtu` bytes.
    pub(crate) fn on_timeout(&mut self, now: Instant, mtu: usize) -> Vec<Message> {
        let mut out = std::mem::take(&mut self.ready);
        if self.poll_timeout().is_none_or(|at| at > now) {
            return out;
        }
        let version = self.version(now);
        let room = mtu.saturating_sub(REPORT_OVERHEAD);
        let mut report = Report { room, records: Vec::new(), count: 0, out: &mut out };
        if self.change_at.is_some_and(|at| at <= now) {
            for g in self.groups.values_mut() {
                g.tell_change(&mut report);
            }
            report.flush();
            self.groups.retain(|_, g| !g.is_quiet());
            let again = self.groups.values().any(|g| g.mode_left != 0 || !g.sources_left.is_empty());
            self.change_at = again.then(|| now + part_of(&mut self.random, V3_INTERVAL));
        }
        if self.general_at.is_some_and(|at| at <= now) {
            self.general_at = None;
            for g in self.groups.values().filter(|g| !g.wanted.is_nothing()) {
                report.add(g.current(), g.addr, &g.wanted.sources);
            }
            report.flush();
        }
        let mut singles = Vec::new();
        for g in self.groups.values_mut().filter(|g| g.answer_at.is_some_and(|at| at <= now)) {
            g.answer_at = None;
            match version {
                Version::V3 => g.answer(&mut report),
                Version::V1 => singles.push((g.addr, simple(V1_REPORT, g.addr))),
                Version::V2 => singles.push((g.addr, simple(V2_REPORT, g.addr))),
            }
            g.reporter = true;
            g.unsolicited = g.unsolicited.saturating_sub(1);
            if g.unsolicited > 0 && version != Version::V3 {
                g.answer_at = Some(now + part_of(&mut self.random, V2_INTERVAL));
            }
        }
        report.flush();
        out.extend(singles);
        self.reckon();
        out
    }

    fn version(&self, now: Instant) -> Version {
        match () {
            () if self.v1_until.is_some_and(|until| now < until) => Version::V1,
            () if self.v2_until.is_some_and(|until| now < until) => Version::V2,
            () => Version::V3,
        }
    }
}

/// A random part of a time.
fn part_of(random: &mut Random, most: Duration) -> Duration {
    let micros = u32::try_from(most.as_micros()).unwrap_or(u32::MAX);
    Duration::from_micros(random.below(micros.max(1)).into())
}

impl Group {
    /// The record that says how things are.
    fn current(&self) -> Record {
        if self.wanted.mode == FilterMode::Include { Record::IsInclude } else { Record::IsExclude }
    }

    /// The records of what changed, once more (section 5.1).
    fn tell_change(&mut self, report: &mut Report<'_>) {
        let including = self.wanted.mode == FilterMode::Include;
        if self.mode_left > 0 {
            // A report of the mode has all sources: theirs is told with it.
            let record = if including { Record::ToInclude } else { Record::ToExclude };
            report.add(record, self.addr, &self.wanted.sources);
            self.mode_left = self.mode_left.saturating_sub(1);
        } else {
            for (record, listed) in [(Record::Allow, including), (Record::Block, !including)] {
                let is_one = |s: &Ipv4Addr| self.wanted.sources.contains(s) == listed;
                let sources: Vec<Ipv4Addr> =
                    self.sources_left.iter().map(|(s, _)| *s).filter(is_one).collect();
                if !sources.is_empty() {
                    report.add(record, self.addr, &sources);
                }
            }
        }
        self.sources_left.retain_mut(|(_, left)| {
            *left = left.saturating_sub(1);
            *left > 0
        });
    }

    /// The answer to a query about this group, or some sources of it (section 5.2, rules 4 and 5).
    fn answer(&mut self, report: &mut Report<'_>) {
        let asked = std::mem::take(&mut self.asked);
        if asked.is_empty() {
            report.add(self.current(), self.addr, &self.wanted.sources);
            return;
        }
        let including = self.wanted.mode == FilterMode::Include;
        let wanted: Vec<Ipv4Addr> =
            asked.into_iter().filter(|s| self.wanted.sources.contains(s) == including).collect();
        if !wanted.is_empty() {
            report.add(Record::IsInclude, self.addr, &wanted);
        }
    }
}

/// A report that is being put together.
struct Report<'a> {
    /// Bytes for records in one packet.
    room: usize,
    records: Vec<u8>,
    count: u16,
    out: &'a mut Vec<Message>,
}

impl Report<'_> {
    /// Adds a record; what does not fit goes into further packets, but excluded sources, which must stay together, are
    /// cut (section 4.2.16).
    fn add(&mut self, record: Record, group: Ipv4Addr, sources: &[Ipv4Addr]) {
        let fit = |room: usize| room.saturating_sub(RECORD_LEN) / 4;
        let whole = RECORD_LEN.saturating_add(sources.len().saturating_mul(4));
        if self.records.len().saturating_add(whole) > self.room {
            self.flush();
        }
        let most = fit(self.room).max(1);
        let mut rest = sources;
        loop {
            let (now, later) = rest.split_at_checked(most).unwrap_or((rest, &[]));
            self.records.extend_from_slice(&[record as u8, 0]);
            self.records.extend_from_slice(&(now.len() as u16).to_be_bytes());
            self.records.extend_from_slice(&group.octets());
            now.iter().for_each(|s| self.records.extend_from_slice(&s.octets()));
            self.count = self.count.saturating_add(1);
            if later.is_empty() || matches!(record, Record::IsExclude | Record::ToExclude) {
                return;
            }
            self.flush();
            rest = later;
        }
    }

    /// Finishes the packet.
    fn flush(&mut self) {
        if self.count == 0 {
            return;
        }
        let mut message = vec![V3_REPORT, 0, 0, 0, 0, 0];
        message.extend_from_slice(&self.count.to_be_bytes());
        message.append(&mut self.records);
        self.count = 0;
        self.out.push((V3_ROUTERS, summed(message)));
    }
}

/// A message of versions 1 and 2.
fn simple(kind: u8, group: Ipv4Addr) -> Vec<u8> {
    let [a, b, c, d] = group.octets();
    summed(vec![kind, 0, 0, 0, a, b, c, d])
}

/// `message` with its checksum.
fn summed(mut message: Vec<u8>) -> Vec<u8> {
    let sum = checksum(&message).to_be_bytes();
    if let Some([_, _, a, b]) = message.first_chunk_mut::<4>() {
        [*a, *b] = sum;
    }
    message
}

/// Section 4.1.1: tenths of a second, from 128 on with a mantissa and an exponent.
fn max_response(code: u8) -> Duration {
    let tenths = if code < 128 {
        u64::from(code)
    } else {
        u64::from(code & 0x0f | 0x10) << (u32::from(code >> 4 & 7) + 3)
    };
    // Zero: at once.
    Duration::from_millis(tenths * 100)
}

fn address(bytes: &[u8]) -> Option<Ipv4Addr> {
    bytes.first_chunk::<4>().map(|b| Ipv4Addr::from(*b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_codes_from_128_are_floating_point() {
        assert_eq!(max_response(100), Duration::from_secs(10));
        assert_eq!(max_response(0x80), Duration::from_millis(12_800));
        assert_eq!(max_response(0xff), Duration::from_millis(31_744 * 100));
    }

    #[test]
    fn many_sources_fill_several_packets_and_excluded_ones_are_cut() {
        let sources: Vec<Ipv4Addr> = (0..400u32).map(|n| Ipv4Addr::from(0x0a00_0000 + n)).collect();
        let group = Ipv4Addr::new(239, 1, 1, 1);
        for (record, packets) in [(Record::Allow, 2), (Record::IsExclude, 1)] {
            let mut out = Vec::new();
            let mut report =
                Report { room: 1500 - REPORT_OVERHEAD, records: Vec::new(), count: 0, out: &mut out };
            report.add(Record::IsInclude, group, &sources[..3]);
            report.add(record, group, &sources);
            report.flush();
            assert_eq!(out.len(), packets + 1);
            assert!(out.iter().all(|(to, m)| *to == V3_ROUTERS && m.len() <= 1500 - 24 && checksum(m) == 0));
        }
    }
}
