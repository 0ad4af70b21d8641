//! One direction of a link with faults.
//!
//! All is decided when a frame is pushed, so a pipe is a few queues in order of time and costs O(1) a frame:
//!
//! | stage | what it does |
//! | --- | --- |
//! | outage | while it is dark what enters is lost; what is under way arrives |
//! | transmitter | sends one frame after the other at the rate; drops at the tail of its queue, but takes any frame when idle |
//! | loss | each frame by itself, or in bursts (two states, E. N. Gilbert, "Capacity of a burst-noise channel", 1960): the share lost is the same, a run has the mean length asked for |
//! | corruption | inverts one bit, where [`Frame::corrupt`] allows it |
//! | duplication | a copy follows right behind, with the same delay |
//! | reordering | a frame waits until `gap` others have passed it, or `hold` is over |
//! | delay | from the end of sending to delivery, uniform between delay - jitter and delay + jitter |
//!
//! Where this differs from netem (net/sched/sch_netem.c): jitter alone keeps the order, as in a queue, where a frame that is late
//! makes those behind it late (netem lets them overtake); a reordered frame arrives late, not early, so it needs no delay; and a lost
//! frame has taken its time at the transmitter, as on a radio link. With jitter and many frames in one jitter's
//! time, delays therefore lie above the middle.
//!
//! Limit: a direction holds at most [`LARGEST`] bytes; what comes on top is dropped as by a full queue.

use std::collections::VecDeque;
use std::time::Duration;

use crate::chance::{Chance, Draws, Purpose, below};
use crate::spec::{Path, Queue};

/// The way that a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards the program.
    In,
    /// From the program.
    Out,
}

impl Direction {
    /// As it stands before a key.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Direction::In => "in.",
            Direction::Out => "out.",
        }
    }
}

/// Frames that are numbered together: a host solicits routers when its own clock says so, and that must not decide which data is
/// lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// IPv4.
    Data,
    /// ARP: passes at once and untouched, except in an outage. The faults are those of a path, not of the first hop's address cache,
    /// where one lost request would cost a second.
    Arp,
    /// Everything else.
    Other,
}

/// What a pipe carries.
pub trait Frame: Clone {
    /// Bytes, as they count for the rate.
    fn size(&self) -> usize;

    /// With which frames it is numbered.
    fn lane(&self) -> Lane;

    /// Inverts the bit that `draw`, uniform over all of u64, selects; false when this frame is not to be touched.
    fn corrupt(&mut self, draw: u64) -> bool;
}

impl Lane {
    /// Where an Ethernet frame belongs.
    pub fn of(frame: &[u8]) -> Lane {
        match frame.get(12..14) {
            Some([8, 0]) => Lane::Data,
            Some([8, 6]) => Lane::Arp,
            _ => Lane::Other,
        }
    }
}

/// Inverts one bit of the IPv4 packet in an Ethernet frame, its header included; false when it holds none. Never one of the Ethernet
/// header, which a card's check sequence would have caught.
pub fn corrupt_packet(frame: &mut [u8], draw: u64) -> bool {
    const ETHERNET: usize = 14;
    if Lane::of(frame) != Lane::Data {
        return false;
    }
    let Some(packet) = frame.get_mut(ETHERNET..) else { return false };
    // Behind the packet may be padding, which nobody looks at.
    let total = match packet.get(2..4) {
        Some([a, b]) => usize::from(u16::from_be_bytes([*a, *b])),
        _ => 0,
    };
    let bits = (packet.len().min(total) as u64).saturating_mul(8);
    let bit = below(draw, bits);
    let byte = usize::try_from(bit / 8).ok().and_then(|at| packet.get_mut(at));
    match byte {
        Some(byte) if bits > 0 => {
            *byte ^= 1 << (bit % 8);
            true
        }
        _ => false,
    }
}

/// A whole Ethernet frame.
impl Frame for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }

    fn lane(&self) -> Lane {
        Lane::of(self)
    }

    fn corrupt(&mut self, draw: u64) -> bool {
        corrupt_packet(self, draw)
    }
}

/// What happened to the frames of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that came to the pipe.
    pub offered: u64,
    /// Frames that left it, copies included.
    pub delivered: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Lost since the link was dark.
    pub outage: u64,
    /// Dropped since the transmitter's queue was full, or the pipe itself.
    pub queue: u64,
    /// With one bit inverted.
    pub corrupted: u64,
    /// Copies made.
    pub duplicated: u64,
    /// Held back.
    pub reordered: u64,
}

/// Bytes that a direction holds at most, each frame counted with [`OVERHEAD`].
pub const LARGEST: usize = 64 << 20;
/// Bytes that a frame costs beside its own.
const OVERHEAD: usize = 128;

/// Nanoseconds.
type Nanos = u64;

/// A frame on the way, with its copy.
struct Held<T> {
    frame: T,
    copy: Option<T>,
    /// Released when so many have passed.
    passed: u64,
    /// Released then at the latest.
    until: Nanos,
    /// From the release to delivery.
    lag: Nanos,
}

/// The numbering of one lane.
struct Numbering {
    draws: Draws,
    next: u64,
    /// Inside a burst of losses; None before the first frame.
    dark: Option<bool>,
}

/// One direction of a link. Times are microseconds of any clock that does not go back.
pub struct Pipe<T> {
    path: Path,
    start: Nanos,
    data: Numbering,
    other: Numbering,
    /// When the transmitter is idle again.
    idle_at: Nanos,
    /// When each frame in the transmitter's queue is sent, with a limit in frames.
    sending: VecDeque<Nanos>,
    /// Frames that have passed the stage of reordering.
    passed: u64,
    /// Held back; both release conditions are in order.
    held: VecDeque<Held<T>>,
    /// There already: what meets no faults.
    express: VecDeque<(Nanos, T)>,
    /// On the way, in order of delivery.
    line: VecDeque<(Nanos, T)>,
    last_due: Nanos,
    /// Bytes in `held`, `express` and `line`, overhead included.
    stored: usize,
    counters: Counters,
}

impl<T: Frame> Pipe<T> {
    /// A pipe that behaves as `path` says; its time begins at `now`, for outages.
    pub fn new(path: &Path, seed: u64, direction: Direction, now: u64) -> Pipe<T> {
        let lane = |lane: u64| Numbering {
            draws: Draws::new(seed, lane + if direction == Direction::In { 16 } else { 32 }),
            next: 0,
            dark: None,
        };
        Pipe {
            path: path.clone(),
            start: nanos(now),
            data: lane(0),
            other: lane(1),
            express: VecDeque::new(),
            idle_at: 0,
            sending: VecDeque::new(),
            passed: 0,
            held: VecDeque::new(),
            line: VecDeque::new(),
            last_due: 0,
            stored: 0,
            counters: Counters::default(),
        }
    }

    /// A frame enters at `now`, microseconds.
    pub fn push(&mut self, now: u64, mut frame: T) {
        let now = nanos(now);
        self.counters.offered += 1;
        let fate = self.decide(frame.lane());
        if self.path.outage.is_some_and(|o| o.covers(Duration::from_nanos(now.saturating_sub(self.start)))) {
            self.counters.outage += 1;
            return;
        }
        let size = frame.size();
        let charge = charge(&frame);
        let full = self.stored.saturating_add(charge) > LARGEST;
        let Some(fate) = fate.filter(|_| !full) else {
            if full {
                self.counters.queue += 1;
            } else {
                self.stored = self.stored.saturating_add(charge);
                self.express.push_back((now, frame));
            }
            return;
        };
        let Some(sent) = self.transmit(now, size) else {
            self.counters.queue += 1;
            return;
        };
        if fate.lost {
            self.counters.lost += 1;
            return;
        }
        if fate.corrupt.is_some_and(|draw| frame.corrupt(draw)) {
            self.counters.corrupted += 1;
        }
        let copy = fate.duplicate.then(|| frame.clone());
        self.stored = self.stored.saturating_add(charge);
        if copy.is_some() {
            self.counters.duplicated += 1;
            self.stored = self.stored.saturating_add(charge);
        }
        self.release_late(sent);
        if fate.reorder {
            self.counters.reordered += 1;
            let gap = self.path.gap.unwrap_or(Path::GAP);
            let hold = span(self.path.hold.unwrap_or(Path::HOLD));
            let passed = self.passed.saturating_add(u64::from(gap));
            self.held.push_back(Held {
                frame,
                copy,
                passed,
                until: sent.saturating_add(hold),
                lag: fate.lag,
            });
            return;
        }
        self.enqueue(sent.saturating_add(fate.lag), frame, copy);
        self.passed += 1;
        while let Some(h) = pop_if(&mut self.held, |h| h.passed <= self.passed) {
            self.enqueue(sent.saturating_add(h.lag), h.frame, h.copy);
        }
    }

    /// The next frame that is there at `now`, microseconds.
    pub fn pop(&mut self, now: u64) -> Option<T> {
        let now = nanos(now);
        self.release_late(now);
        let there = |(due, _): &(Nanos, T)| *due <= now;
        let (_, frame) = pop_if(&mut self.express, there).or_else(|| pop_if(&mut self.line, there))?;
        self.stored = self.stored.saturating_sub(charge(&frame));
        self.counters.delivered += 1;
        Some(frame)
    }

    /// When `pop` should be asked next, microseconds; None: not before the next `push`. A frame that was held back for too long
    /// gets its delay then, so `pop` may give nothing yet.
    pub fn deadline(&self) -> Option<u64> {
        let due = self.line.front().into_iter().chain(self.express.front()).map(|(due, _)| *due);
        let late = self.held.front().map(|h| h.until);
        due.chain(late).min().map(|ns| ns.div_ceil(1000))
    }

    /// Nothing is on the way.
    pub fn is_empty(&self) -> bool {
        self.line.is_empty() && self.held.is_empty() && self.express.is_empty()
    }

    /// What happened so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// All decisions for the next frame of a lane, each with a draw of its own; None for one that meets no faults.
    fn decide(&mut self, lane: Lane) -> Option<Fate> {
        let lane = match lane {
            Lane::Data => &mut self.data,
            Lane::Arp => return None,
            Lane::Other => &mut self.other,
        };
        let number = lane.next;
        lane.next = number.wrapping_add(1);
        let path = &self.path;
        let draw = |purpose| lane.draws.draw(purpose, number);
        let lost = match (path.burst, lane.dark) {
            (Some(burst), Some(dark)) => {
                let go_on = if dark { stays(burst) } else { enters(path.loss, burst) };
                u128::from(draw(Purpose::Loss)) < go_on
            }
            _ => path.loss.hits(draw(Purpose::Loss)),
        };
        lane.dark = Some(lost);
        let low = span(path.delay.saturating_sub(path.jitter));
        let high = span(path.delay.saturating_add(path.jitter));
        let more = below(draw(Purpose::Jitter), high.saturating_sub(low).saturating_add(1));
        Some(Fate {
            lost,
            corrupt: path.corrupt.hits(draw(Purpose::Corrupt)).then(|| draw(Purpose::CorruptWhere)),
            duplicate: path.dup.hits(draw(Purpose::Duplicate)),
            reorder: path.reorder.hits(draw(Purpose::Reorder)),
            lag: low.saturating_add(more),
        })
    }

    /// When the transmitter has sent `size` bytes that come at `now`; None when its queue is full.
    fn transmit(&mut self, now: Nanos, size: usize) -> Option<Nanos> {
        let Some(rate) = self.path.rate.filter(|r| *r > 0) else { return Some(now) };
        const SECOND: u128 = 1_000_000_000;
        let wait = self.idle_at.saturating_sub(now);
        if wait > 0 {
            let fits = match self.path.queue.unwrap_or_else(|| Path::default_queue(rate)) {
                Queue::Bytes(limit) => {
                    let waiting = u128::from(wait) * u128::from(rate) / (8 * SECOND);
                    waiting.saturating_add(size as u128) <= u128::from(limit)
                }
                Queue::Frames(limit) => {
                    while pop_if(&mut self.sending, |sent| *sent <= now).is_some() {}
                    self.sending.len() < usize::try_from(limit).unwrap_or(usize::MAX)
                }
                Queue::Time(limit) => wait <= span(limit),
            };
            if !fits {
                return None;
            }
        }
        let takes = ((size as u128).saturating_mul(8 * SECOND) + u128::from(rate / 2)) / u128::from(rate);
        self.idle_at = self.idle_at.max(now).saturating_add(Nanos::try_from(takes).unwrap_or(Nanos::MAX));
        if matches!(self.path.queue, Some(Queue::Frames(_))) {
            if wait == 0 {
                self.sending.clear();
            }
            self.sending.push_back(self.idle_at);
        }
        Some(self.idle_at)
    }

    /// Releases what was held back until `at` or earlier.
    fn release_late(&mut self, at: Nanos) {
        while let Some(h) = pop_if(&mut self.held, |h| h.until <= at) {
            self.enqueue(h.until.saturating_add(h.lag), h.frame, h.copy);
        }
    }

    /// A frame and its copy on the way, behind all others.
    fn enqueue(&mut self, due: Nanos, frame: T, copy: Option<T>) {
        self.last_due = self.last_due.max(due);
        self.line.extend([Some(frame), copy].into_iter().flatten().map(|f| (self.last_due, f)));
    }
}

/// Takes the first one if `ready` says so.
fn pop_if<E>(queue: &mut VecDeque<E>, ready: impl FnOnce(&E) -> bool) -> Option<E> {
    if queue.front().is_some_and(ready) { queue.pop_front() } else { None }
}

/// What is decided for one frame.
struct Fate {
    lost: bool,
    corrupt: Option<u64>,
    duplicate: bool,
    reorder: bool,
    lag: Nanos,
}

/// The probability, as a bound for draws, that a burst of mean length `burst` thousandths goes on.
fn stays(burst: u32) -> u128 {
    let burst = u128::from(burst.max(1000));
    ((burst - 1000) << 64) / burst
}

/// The probability that a burst begins, such that `loss` of all frames are lost: in balance as many bursts begin as end.
fn enters(loss: Chance, burst: u32) -> u128 {
    let lost = u128::from(loss.billionths());
    let passed = u128::from(Chance::ALWAYS.billionths()) - lost;
    ((lost * 1000) << 64) / (u128::from(burst.max(1000)) * passed.max(1))
}

fn charge<T: Frame>(frame: &T) -> usize {
    frame.size().saturating_add(OVERHEAD)
}

fn nanos(micros: u64) -> Nanos {
    micros.saturating_mul(1000)
}

fn span(d: Duration) -> Nanos {
    Nanos::try_from(d.as_nanos()).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
#[path = "pipe_tests.rs"]
mod tests;
