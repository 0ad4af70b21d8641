//! Faults of a link: loss, bursts, delay, jitter, duplicates, reordering, corruption, a rate with a queue, outages.
//!
//! Frames and the time go in, frames and a deadline come out. It reads no clock, owns no thread and no file. [`Spec`] is what a
//! person asks for (`loss=1%,delay=20ms,in.rate=100mbit,seed=7`), [`Pipe`] is one direction of a link that behaves so.
//!
//! A frame passes the stages in this order; `pipe` says what each does:
//!
//! outage, then the transmitter (rate and queue), then loss, corruption, duplication, reordering, delay and jitter.
//!
//! What happens to a frame is decided by the seed, the direction and the frame's number in its [`Lane`], never by the time: the same
//! frames in the same order meet the same fate whatever the machine's load, and one kind of fault does not shift another's. Only
//! what is made of time depends on time: the queue, outages and the moments of delivery.
#![forbid(unsafe_code)]

mod chance;
mod pipe;
mod spec;
mod text;

pub use chance::Chance;
pub use pipe::{Counters, Direction, Frame, Lane, Pipe, corrupt_packet};
pub use spec::{Outage, Path, Queue, Spec};
pub use text::ParseError;
