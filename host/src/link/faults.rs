//! A link with faults in both directions (MATNET_FAULT; docs/faults.md is for those who use it).
//!
//! It lies around the device and under the capture, so the capture shows what this host sends, before the faults, and what reaches
//! it, after them: the view of a program's own network card. The other end's view is that of the device itself.
//!
//! The kernel believes a frame that says "checksum not filled in", and one lost frame of 64 kB would be 44 lost segments. So the
//! device is opened without offloads and no capability is offered to the stack; every frame has the link's size and complete
//! checksums, and the stack verifies those of what comes in. What a device still gives in one piece (a frame queued before its
//! offloads were off) is cut here.
//!
//! Frames wait in two pipes (`matnet_faults`). What comes is due when [`Link::recv`] is asked, what goes when [`Link::poll`] is; the
//! runtime sleeps until [`Link::deadline`] at the latest. So the precision is that of ppoll, some 100 us.
//!
//! Limits: a frame is a copy of its bytes on the way out. A packet that the host sends to itself is on no link.

use std::os::fd::RawFd;

use matnet_faults::{Direction, Frame, Lane, Pipe, Spec, corrupt_packet};
use matnet_stack::{Buf, Capabilities, Instant, RxChecksum, RxMeta, Transmit, TxMeta};

use super::{Link, LinkError, checksum, cut};
use crate::errno::Errno;

/// Frames taken from the device before one is handed on.
const BUDGET: usize = 64;
/// How soon a device that took no more is tried again.
const RETRY: std::time::Duration = std::time::Duration::from_millis(1);

/// A received frame.
#[derive(Clone)]
struct Received(Buf);

impl Frame for Received {
    fn size(&self) -> usize {
        self.0.len()
    }

    fn lane(&self) -> Lane {
        Lane::of(&self.0)
    }

    fn corrupt(&mut self, draw: u64) -> bool {
        // The buffer may be shared with the copy of this frame, and with the pool.
        let mut bytes = self.0.to_vec();
        let done = corrupt_packet(&mut bytes, draw);
        self.0 = Buf::from_vec(bytes);
        done
    }
}

/// A link whose frames meet faults.
pub struct Faults {
    inner: Box<dyn Link>,
    seed: u64,
    clock: fn() -> Instant,
    inbound: Pipe<Received>,
    outbound: Pipe<Vec<u8>>,
    /// Due, but the device was full; and when to try again.
    stuck: Option<(Vec<u8>, Instant)>,
}

impl Faults {
    /// Puts faults around a link. `seed` counts where the spec names none.
    pub fn new(inner: Box<dyn Link>, spec: &Spec, seed: u64, clock: fn() -> Instant) -> Faults {
        let seed = spec.seed.unwrap_or(seed);
        let now = clock().micros();
        let spec = Spec { seed: Some(seed), ..spec.clone() };
        crate::log_info!("MATNET_FAULT: {spec}");
        Faults {
            inner,
            seed,
            clock,
            inbound: Pipe::new(&spec.inbound, seed, Direction::In, now),
            outbound: Pipe::new(&spec.outbound, seed, Direction::Out, now),
            stuck: None,
        }
    }

    /// Takes what the device has.
    fn take_in(&mut self, now: u64) -> Result<(), Errno> {
        for _ in 0..BUDGET {
            let Some((frame, meta)) = self.inner.recv()? else { break };
            if let Some(pieces) = cut::cut(&frame, meta.gso_size) {
                pieces.into_iter().for_each(|p| self.inbound.push(now, Received(Buf::from_vec(p))));
                continue;
            }
            let completed = match meta.checksum {
                RxChecksum::Trusted if checksum::expected(&frame).is_some() => {
                    let mut bytes = frame.to_vec();
                    cut::complete(&mut bytes);
                    Buf::from_vec(bytes)
                }
                _ => frame,
            };
            self.inbound.push(now, Received(completed));
        }
        Ok(())
    }

    /// Sends what is due at `now`.
    fn forward(&mut self, now: Instant) -> Result<(), LinkError> {
        loop {
            let frame = match self.stuck.take() {
                Some((frame, again)) if again > now => {
                    self.stuck = Some((frame, again));
                    return Ok(());
                }
                Some((frame, _)) => frame,
                None => match self.outbound.pop(now.micros()) {
                    Some(frame) => frame,
                    None => return Ok(()),
                },
            };
            match self.inner.send(&Transmit { header: &frame, payload: &[], meta: TxMeta::default() }) {
                Ok(()) | Err(LinkError::Down) => {}
                Err(LinkError::Full) => {
                    self.stuck = Some((frame, (self.clock)() + RETRY));
                    return Ok(());
                }
                Err(gone) => return Err(gone),
            }
        }
    }
}

impl Link for Faults {
    fn fd(&self) -> Option<RawFd> {
        self.inner.fd()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn mtu(&self) -> u16 {
        self.inner.mtu()
    }

    fn recv(&mut self) -> Result<Option<(Buf, RxMeta)>, Errno> {
        let now = (self.clock)().micros();
        self.take_in(now)?;
        Ok(self.inbound.pop(now).map(|Received(frame)| (frame, RxMeta::default())))
    }

    fn send(&mut self, frame: &Transmit<'_>) -> Result<(), LinkError> {
        let now = (self.clock)();
        let mut bytes = Vec::with_capacity(frame.len());
        bytes.extend_from_slice(frame.header);
        frame.payload.iter().for_each(|p| bytes.extend_from_slice(p));
        let pieces = frame.meta.gso.and_then(|gso| cut::cut(&bytes, gso.size));
        match (pieces, frame.meta.checksum) {
            (Some(pieces), _) => pieces.into_iter().for_each(|p| self.outbound.push(now.micros(), p)),
            (None, what) => {
                if let Some(what) = what {
                    checksum::complete(&mut bytes, &[], what);
                }
                self.outbound.push(now.micros(), bytes);
            }
        }
        self.forward(now)
    }

    fn is_timed(&self) -> bool {
        true
    }

    fn deadline(&self) -> Option<Instant> {
        let out = match &self.stuck {
            Some((_, again)) => Some(again.micros()),
            None => self.outbound.deadline(),
        };
        out.into_iter().chain(self.inbound.deadline()).min().map(Instant::from_micros)
    }

    fn poll(&mut self) -> Result<(), LinkError> {
        self.forward((self.clock)())
    }

    fn has_output(&self) -> bool {
        self.stuck.is_some() || !self.outbound.is_empty()
    }

    fn flush(&mut self) {
        // At the end of time everything is due.
        let _ = self.forward(Instant::from_micros(u64::MAX));
    }

    fn summary(&self) -> Option<String> {
        let one = |name: &str, c: matnet_faults::Counters| {
            let kinds = [
                (c.lost, "lost"),
                (c.outage, "lost in an outage"),
                (c.queue, "dropped by the queue"),
                (c.corrupted, "corrupted"),
                (c.duplicated, "duplicated"),
                (c.reordered, "reordered"),
            ];
            let happened = kinds.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!(", {n} {what}"));
            format!("{name} {} frames{}", c.offered, happened.collect::<String>())
        };
        let (inbound, outbound) = (self.inbound.counters(), self.outbound.counters());
        Some(format!("MATNET_FAULT: seed {}: {}; {}", self.seed, one("in", inbound), one("out", outbound)))
    }
}

#[cfg(test)]
#[path = "faults_tests.rs"]
mod tests;
