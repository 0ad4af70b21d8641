//! What a link is asked to do to frames: a value for each direction. `text` reads and writes it.

use std::time::Duration;

use crate::Chance;
use crate::pipe::Direction;

/// Faults of both directions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// Towards the program.
    pub inbound: Path,
    /// From the program.
    pub outbound: Path,
    /// What all decisions come from; None: whoever builds the pipes chooses one.
    pub seed: Option<u64>,
}

impl Spec {
    /// One direction's part.
    pub fn path(&self, direction: Direction) -> &Path {
        match direction {
            Direction::In => &self.inbound,
            Direction::Out => &self.outbound,
        }
    }

    /// True when nothing is done to any frame.
    pub fn is_clean(&self) -> bool {
        let clean = Path::default();
        self.inbound == clean && self.outbound == clean
    }
}

/// Faults of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// How many frames are lost.
    pub loss: Chance,
    /// Mean length of a run of losses, in thousandths of a frame, at least 1000 (the Gilbert model); None: each frame is
    /// lost or not by itself.
    pub burst: Option<u32>,
    /// How many frames have one bit inverted.
    pub corrupt: Chance,
    /// How many frames come twice.
    pub dup: Chance,
    /// How many frames are held back while others pass.
    pub reorder: Chance,
    /// How many frames pass one that is held back; None: [`Path::GAP`].
    pub gap: Option<u32>,
    /// How long a frame is held back at most; None: [`Path::HOLD`].
    pub hold: Option<Duration>,
    /// Time on the way.
    pub delay: Duration,
    /// The delay varies by up to this much in both directions, but is never below 0.
    pub jitter: Duration,
    /// Bits a second of the transmitter; None: frames take no time to send.
    pub rate: Option<u64>,
    /// How much waits for the transmitter before frames are dropped; None: [`Path::default_queue`].
    pub queue: Option<Queue>,
    /// When nothing passes.
    pub outage: Option<Outage>,
}

impl Path {
    /// Frames that pass one that is held back: the fewest that make a duplicate-ACK threshold of 3 (RFC 5681) cry loss.
    pub const GAP: u32 = 3;
    /// The longest that a frame is held back: it may be the last of its flight, with nobody to pass it.
    pub const HOLD: Duration = Duration::from_millis(50);

    /// The queue of a transmitter at `rate` bit/s when none is given: what it sends in 100 ms, at least 30,000 bytes
    /// (20 full frames on Ethernet).
    pub fn default_queue(rate: u64) -> Queue {
        Queue::Bytes((rate / 80).max(30_000))
    }
}

/// The limit of a transmitter's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Bytes of frames that are not wholly sent.
    Bytes(u64),
    /// Frames that are not wholly sent.
    Frames(u32),
    /// A frame that would wait longer than this is dropped.
    Time(Duration),
}

/// When nothing passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// From the start of the link to the first moment.
    pub start: Duration,
    /// How long.
    pub length: Duration,
    /// From the beginning of one to that of the next; None: there is only one.
    pub period: Option<Duration>,
}

impl Outage {
    /// Whether it is dark, `since` after the start of the link.
    pub fn covers(&self, since: Duration) -> bool {
        let Some(into) = since.checked_sub(self.start) else { return false };
        let into = match self.period {
            Some(period) if !period.is_zero() => into.as_nanos() % period.as_nanos(),
            _ => into.as_nanos(),
        };
        into < self.length.as_nanos()
    }
}
