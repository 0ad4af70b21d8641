//! The neighbour cache: hardware addresses learnt by ARP (RFC 826), with the states that Linux gives its neighbours.
//!
//! ```text
//!            send                 reply                30 s                  send
//!  (none) --------> Incomplete ---------> Reachable --------> (stale) -----------------> Delay
//!                     | 3 requests, 1 s apart   ^                                          | send after 5 s
//!                     v                         | reply                                    v
//!                  (removed, senders told)      +-------------------------------------- Probe
//!                     ^                                     3 unicast requests, 1 s apart  |
//!                     +-------------------------------------------------------------------+
//! ```
//!
//! What an upper layer knows of a neighbour's life makes it reachable too: a TCP whose data is acknowledged, and a sender
//! that says MSG_CONFIRM. So a neighbour with which there is such traffic is never asked.
//!
//! Reachable, stale and Delay age lazily, when a packet asks for them, so a neighbour that nobody talks to costs no
//! wake-up; only Incomplete and Probe have timers. Packets for an unresolved neighbour are held, bounded in number
//! and bytes, oldest dropped first (RFC 1122 section 2.3.2.2). The table is bounded too; the least recently used
//! entry goes. We learn from requests that ask for us and from replies to our own, and refresh (never create) from other
//! traffic, as Linux does without `arp_accept`: a neighbour cannot fill the table with inventions.
//!
//! Limits: no static entries.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::Ipv4Addr;

use crate::iface::keys::Keyed;
use crate::time::{Duration, Instant};
use crate::types::{MacAddr, Neighbor, NeighborState, TxMeta};

/// Linux `base_reachable_time`.
const REACHABLE_TIME: Duration = Duration::from_secs(30);
/// Linux `delay_first_probe_time`.
const DELAY_TIME: Duration = Duration::from_secs(5);
/// Linux `retrans_time`.
const RETRANS_TIME: Duration = Duration::from_secs(1);
/// Linux `mcast_solicit` and `ucast_solicit`.
const MAX_PROBES: u8 = 3;
/// Linux `locktime`: of several answers to one request the first counts (proxy ARP).
const LOCK_TIME: Duration = Duration::from_secs(1);
/// Linux `gc_thresh3`.
const MAX_ENTRIES: usize = 1024;
const MAX_HELD_FRAMES: usize = 128;
/// Bytes held for one neighbour, near Linux `unres_qlen_bytes`.
const MAX_HELD_BYTES: usize = 256 * 1024;
/// Bytes held for all neighbours.
const MAX_HELD_TOTAL: usize = 4 * 1024 * 1024;

/// A frame that waits for its destination address.
#[derive(Debug)]
pub(crate) struct HeldFrame {
    /// The whole frame; the first six bytes are filled in at release.
    pub(crate) bytes: Vec<u8>,
    pub(crate) meta: TxMeta,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Asked, not answered: no address.
    Incomplete { sent: u8 },
    /// Answered lately; stale after `until`.
    Reachable { until: Instant },
    /// An address of unknown worth.
    Stale,
    /// In use while stale; a packet after `until` starts probing.
    Delay { until: Instant },
    /// In use, asked, not answered yet.
    Probe { sent: u8 },
}

#[derive(Debug)]
struct Entry {
    mac: MacAddr,
    state: State,
    /// When the address last changed.
    updated: Instant,
    /// Serial number of the last use, for eviction.
    used: u64,
    timer: Option<Instant>,
    held: VecDeque<HeldFrame>,
    held_bytes: usize,
}

impl Entry {
    fn is_valid(&self) -> bool {
        !matches!(self.state, State::Incomplete { .. })
    }
}

/// A request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Whom to ask for.
    pub(crate) target: Ipv4Addr,
    /// Where: the known address when probing, else everybody.
    pub(crate) to: MacAddr,
}

/// What an ARP packet tells of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) addr: Ipv4Addr,
    pub(crate) mac: MacAddr,
    /// A reply sent to us alone: the neighbour hears us.
    pub(crate) confirmed: bool,
    /// The sender asks for us: worth an entry, for we are about to talk.
    pub(crate) asks_us: bool,
    /// Sender and target address are the same: an announcement, which overrides at once.
    pub(crate) announcement: bool,
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Neighbors {
    table: HashMap<Ipv4Addr, Entry, Keyed>,
    timers: BTreeSet<(Instant, Ipv4Addr)>,
    /// Requests for egress to send.
    pub(crate) requests: VecDeque<Request>,
    /// Frames whose destination became known, for egress to send.
    pub(crate) released: VecDeque<HeldFrame>,
    serial: u64,
    held_total: usize,
    /// Counted here and collected by the owner.
    pub(crate) dropped: u64,
    pub(crate) evicted: u64,
}

impl Neighbors {
    /// All entries, by address, with their states at `now`.
    pub(crate) fn list(&self, now: Instant) -> Vec<Neighbor> {
        let row = |(addr, e): (&Ipv4Addr, &Entry)| Neighbor {
            addr: *addr,
            mac: e.is_valid().then_some(e.mac),
            state: match e.state {
                State::Incomplete { .. } => NeighborState::Incomplete,
                State::Reachable { until } if now < until => NeighborState::Reachable,
                State::Reachable { .. } | State::Stale => NeighborState::Stale,
                State::Delay { .. } => NeighborState::Delay,
                State::Probe { .. } => NeighborState::Probe,
            },
        };
        let mut all: Vec<Neighbor> = self.table.iter().map(row).collect();
        all.sort_by_key(|n| n.addr);
        all
    }

    pub(crate) fn new(key: Keyed) -> Neighbors {
        Neighbors {
            table: HashMap::with_hasher(key),
            timers: BTreeSet::new(),
            requests: VecDeque::new(),
            released: VecDeque::new(),
            serial: 0,
            held_total: 0,
            dropped: 0,
            evicted: 0,
        }
    }

    /// The hardware address of `addr` if it is known, right or stale. If not, or if it is time to make sure, a
    /// request is queued.
    pub(crate) fn resolve(&mut self, now: Instant, addr: Ipv4Addr) -> Option<MacAddr> {
        self.serial = self.serial.wrapping_add(1);
        let Some(entry) = self.table.get_mut(&addr) else {
            let timer = self.arm(now, addr);
            self.insert(addr, MacAddr::default(), State::Incomplete { sent: 1 }, now, timer);
            self.requests.push_back(Request { target: addr, to: MacAddr::BROADCAST });
            return None;
        };
        entry.used = self.serial;
        match entry.state {
            State::Incomplete { .. } => return None,
            State::Reachable { until } if now < until => {}
            State::Delay { until } if now < until => {}
            State::Probe { .. } => {}
            State::Reachable { .. } | State::Stale => entry.state = State::Delay { until: now + DELAY_TIME },
            State::Delay { .. } => {
                entry.state = State::Probe { sent: 1 };
                let timer = now + RETRANS_TIME;
                entry.timer = Some(timer);
                self.timers.insert((timer, addr));
                self.requests.push_back(Request { target: addr, to: entry.mac });
            }
        }
        Some(entry.mac)
    }

    /// An upper layer knows that `addr` answers (RFC 1122 section 2.3.2.1; Linux: `neigh_confirm`): it need not be asked.
    pub(crate) fn confirm(&mut self, now: Instant, addr: Ipv4Addr) {
        let Some(entry) = self.table.get_mut(&addr).filter(|entry| entry.is_valid()) else { return };
        entry.state = State::Reachable { until: now + REACHABLE_TIME };
        if let Some(timer) = entry.timer.take() {
            self.timers.remove(&(timer, addr));
        }
    }

    /// Holds a frame until `addr` is resolved. Over the limits the oldest goes.
    pub(crate) fn hold(&mut self, addr: Ipv4Addr, frame: HeldFrame) {
        let Some(entry) = self.table.get_mut(&addr) else {
            self.dropped = self.dropped.wrapping_add(1);
            return;
        };
        let size = frame.bytes.len();
        while !entry.held.is_empty()
            && (entry.held.len() >= MAX_HELD_FRAMES || entry.held_bytes.saturating_add(size) > MAX_HELD_BYTES)
        {
            let freed = entry.held.pop_front().map_or(0, |old| old.bytes.len());
            entry.held_bytes = entry.held_bytes.saturating_sub(freed);
            self.held_total = self.held_total.saturating_sub(freed);
            self.dropped = self.dropped.wrapping_add(1);
        }
        if self.held_total.saturating_add(size) > MAX_HELD_TOTAL {
            self.dropped = self.dropped.wrapping_add(1);
            return;
        }
        entry.held_bytes = entry.held_bytes.saturating_add(size);
        self.held_total = self.held_total.saturating_add(size);
        entry.held.push_back(frame);
    }

    /// Takes what an ARP packet says of its sender. Answers false when it was not worth knowing.
    pub(crate) fn learn(&mut self, now: Instant, claim: Claim) -> bool {
        let fresh =
            if claim.confirmed { State::Reachable { until: now + REACHABLE_TIME } } else { State::Stale };
        let Some(entry) = self.table.get_mut(&claim.addr) else {
            if claim.asks_us {
                self.insert(claim.addr, claim.mac, State::Stale, now, None);
            }
            return claim.asks_us;
        };
        if entry.is_valid() {
            if entry.mac == claim.mac {
                // An address that did not change is not made stale by mere talk.
                if !claim.confirmed {
                    return true;
                }
            } else if now < entry.updated + LOCK_TIME && !claim.announcement {
                return false;
            }
        }
        if entry.mac != claim.mac || !entry.is_valid() {
            entry.updated = now;
        }
        entry.mac = claim.mac;
        entry.state = fresh;
        if let Some(timer) = entry.timer.take() {
            self.timers.remove(&(timer, claim.addr));
        }
        self.held_total = self.held_total.saturating_sub(std::mem::take(&mut entry.held_bytes));
        for mut frame in entry.held.drain(..) {
            if let Some(dst) = frame.bytes.first_chunk_mut::<6>() {
                *dst = claim.mac.0;
            }
            self.released.push_back(frame);
        }
        true
    }

    /// The next time that a request wants repeating.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Repeats requests. The next neighbour that was given up, with the frames it leaves behind; call until `None`.
    pub(crate) fn on_timeout(&mut self, now: Instant) -> Option<(Ipv4Addr, VecDeque<HeldFrame>)> {
        while let Some((at, addr)) = self.timers.first().copied() {
            if at > now {
                return None;
            }
            self.timers.pop_first();
            let timer = now + RETRANS_TIME;
            let Some(entry) = self.table.get_mut(&addr) else { continue };
            entry.timer = None;
            let to = match &mut entry.state {
                State::Incomplete { sent } if *sent < MAX_PROBES => {
                    *sent += 1;
                    MacAddr::BROADCAST
                }
                State::Probe { sent } if *sent < MAX_PROBES => {
                    *sent += 1;
                    entry.mac
                }
                State::Incomplete { .. } | State::Probe { .. } => {
                    let entry = self.table.remove(&addr)?;
                    self.held_total = self.held_total.saturating_sub(entry.held_bytes);
                    return Some((addr, entry.held));
                }
                State::Reachable { .. } | State::Stale | State::Delay { .. } => continue,
            };
            entry.timer = Some(timer);
            self.timers.insert((timer, addr));
            self.requests.push_back(Request { target: addr, to });
        }
        None
    }

    /// True while frames wait for an answer, or to leave after one.
    pub(crate) fn holds_frames(&self) -> bool {
        self.held_total != 0 || !self.released.is_empty()
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.table.clear();
        self.timers.clear();
        self.requests.clear();
        self.released.clear();
        self.held_total = 0;
    }

    fn arm(&mut self, now: Instant, addr: Ipv4Addr) -> Option<Instant> {
        let timer = now + RETRANS_TIME;
        self.timers.insert((timer, addr));
        Some(timer)
    }

    fn insert(&mut self, addr: Ipv4Addr, mac: MacAddr, state: State, now: Instant, timer: Option<Instant>) {
        if self.table.len() >= MAX_ENTRIES {
            self.evict();
        }
        self.serial = self.serial.wrapping_add(1);
        let (used, held) = (self.serial, VecDeque::new());
        self.table.insert(addr, Entry { mac, state, updated: now, used, timer, held, held_bytes: 0 });
    }

    /// Removes the least recently used entry. A walk over the table, but only when it is full and then once for each
    /// neighbour that is new: a table this large means a scan of the network, by us or of us.
    fn evict(&mut self) {
        let oldest = self.table.iter().min_by_key(|(_, entry)| entry.used).map(|(addr, _)| *addr);
        let Some(addr) = oldest else { return };
        let Some(entry) = self.table.remove(&addr) else { return };
        if let Some(timer) = entry.timer {
            self.timers.remove(&(timer, addr));
        }
        self.held_total = self.held_total.saturating_sub(entry.held_bytes);
        self.dropped = self.dropped.wrapping_add(entry.held.len() as u64);
        self.evicted = self.evicted.wrapping_add(1);
    }
}

#[cfg(test)]
#[path = "neighbor_tests.rs"]
mod tests;
