//! What carries frames between the stack and the world.
//!
//! [`Link`] is the door: one frame in, one frame out, never blocking. [`Tap`] is the Linux device, [`Faults`] loses and
//! delays what passes another link, [`Capture`] writes it to a pcapng file. `open` finds or makes the device and says in one
//! line why it cannot; `netdev` asks the kernel about devices and addresses; `offload` is the header in front of each frame
//! and what the device was talked into.

use std::fmt;
use std::os::fd::RawFd;

use matnet_stack::{Buf, Capabilities, Instant, RxMeta, Transmit};

use crate::errno::Errno;

mod capture;
pub mod checksum;
mod cut;
mod faults;
pub mod netdev;
pub mod offload;
pub mod open;
mod pool;
mod tap;

pub use capture::Capture;
pub use faults::Faults;
pub use pool::FramePool;
pub use tap::{Tap, TunFile};

/// Carries Ethernet frames. No call blocks.
pub trait Link: Send {
    /// The descriptor to wait on: readable when a frame is there, writable when it takes frames again. None: nothing to
    /// wait for.
    fn fd(&self) -> Option<RawFd>;

    /// What is left to the device.
    fn capabilities(&self) -> Capabilities;

    /// The largest IP packet, bytes.
    fn mtu(&self) -> u16;

    /// Takes one frame; None: nothing now. An error means that the link is gone for good (EBADFD: the device was
    /// removed).
    fn recv(&mut self) -> Result<Option<(Buf, RxMeta)>, Errno>;

    /// Sends one frame.
    fn send(&mut self, frame: &Transmit<'_>) -> Result<(), LinkError>;

    /// Whether it keeps frames until their time; if so the four below have something to say.
    fn is_timed(&self) -> bool {
        false
    }

    /// When `recv` and `poll` should be called although the descriptor is not readable.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Sends what is due.
    fn poll(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    /// Frames that were sent are kept here yet.
    fn has_output(&self) -> bool {
        false
    }

    /// Sends what is kept, due or not: the process ends.
    fn flush(&mut self) {}

    /// One line on what happened, for the log at the end.
    fn summary(&self) -> Option<String> {
        None
    }
}

/// Why a frame was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// The device takes no more now: wait for the descriptor to be writable and send the frame again.
    Full,
    /// The frame is lost, as on a cable that is not plugged in; the next one may pass.
    Down,
    /// The device is gone for good.
    Gone(Errno),
}

/// Why the device cannot be used: for the program an errno, for a person one line with cause and remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenError {
    /// What the kernel said, or the nearest errno.
    pub errno: Errno,
    /// Cause and remedy, one line.
    pub line: String,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}
