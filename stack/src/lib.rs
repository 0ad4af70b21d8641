//! A TCP/IP stack without input or output of its own.
//!
//! Bytes and the time go in, bytes and a deadline come out: [`Stack::on_frame`], [`Stack::on_timeout`],
//! [`Stack::poll_transmit`], [`Stack::poll_timeout`], [`Stack::poll_event`], and the socket verbs. It reads no clock,
//! owns no thread, no file and no global, so every run is repeatable.
#![forbid(unsafe_code)]

pub mod buf;
pub mod counters;
pub mod error;
pub mod filter;
mod iface;
mod raw;
mod stack;
mod tcp;
pub mod time;
pub mod types;
mod udp;
pub mod wire;

pub use buf::Buf;
pub use counters::Counters;
pub use error::{Error, Result};
pub use filter::Filter;
pub use stack::{Connection, LogEntry, Stack};
#[doc(hidden)]
pub use tcp::audit::{Audit, AuditConn};
pub use time::{Duration, Instant};
pub use types::*;
