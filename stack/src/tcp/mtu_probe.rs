//! The path MTU where no message tells of it: packetisation layer path MTU discovery (RFC 4821).
//!
//! A *black hole* drops packets above a size and says nothing. It is suspected as Linux does with tcp_mtu_probing=1: when
//! retransmissions have failed for as long as tcp_retries1 allows, some 3 s. Then segments shrink to what gets through nearly
//! everywhere (1064 bytes, tcp_base_mss), and if that fails as well, by halves to 552. From there *probes* look for more:
//! segments of new data, larger than the others, sent as one packet when enough follows to show by SACK that it was lost. One
//! that arrives makes its size the common one; the loss of one says nothing of congestion, so the window stays (section 7.6.2).
//!
//! Small segments that pass prove no hole while it is not known that large ones still fail: it may have been an outage, or plain bad
//! luck (at 20 % loss each way one time-out in sixty meets four more). So as soon as something is acknowledged and the time-out
//! is the usual one again, the full size has a *trial*: if one segment of it arrives, everything is as before; if it meets a
//! time-out, segments are small again. After three trials the hole is believed in.
//!
//! Then the first probe has the full size once more. After it the range is halved until it is below 8 bytes; ten minutes later the
//! search begins anew.
//!
//! Deviations from Linux, which by default suspects nothing (tcp_mtu_probing=0), and else halves from the start and goes down to
//! 48 bytes: an outage or heavy loss costs a few small segments here. Nor is a hole suspected of a head segment that is small already.
//!
//! Limits: each connection finds out for itself; datagrams are not probed with.

use super::Cx;
use super::recovery::Phase;
use super::socket::Conn;
use crate::time::{Duration, Instant};
use crate::wire::SeqNumber;

/// Linux's tcp_base_mss, with the headers.
const BASE: u16 = 1024 + 40;
/// Below it a path is not followed (Linux: min_pmtu; its tcp_mtu_probe_floor is 48).
const FLOOR: u16 = 552;
/// Linux's tcp_probe_threshold: less is not worth a probe.
const THRESHOLD: u16 = 8;
/// Linux's tcp_probe_interval; RFC 4821 section 7.3.
const AGAIN: Duration = Duration::from_secs(600);
/// Segments that must follow a probe, so that its loss is noticed: the usual measure of reordering, and one.
const FOLLOWERS: usize = 4;
/// How often the full size meets a time-out again before a hole is believed in (Linux's tcp_retries1).
const TRIALS: u8 = 3;
/// Segments of the least window that may lose one of them.
const LEAST_WINDOW: usize = 11;

/// A probe on its way.
#[derive(Clone, Copy, Debug)]
struct Flying {
    start: SeqNumber,
    end: SeqNumber,
    /// Bytes of the packet.
    size: u16,
}

/// The search. Sizes are those of IP packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct MtuProbe {
    /// Gets through.
    low: u16,
    /// Does perhaps; more does not.
    high: u16,
    /// Nothing was lost since `high` was set to the most there is.
    fresh: bool,
    flying: Option<Flying>,
    /// Trials of the full size that are left, and whether one is under way: `flying` is its first large segment then.
    trials: u8,
    trying: bool,
    /// When the search began.
    since: Instant,
}

impl MtuProbe {
    /// The size that gets through, or is believed to for the time being.
    pub(super) const fn known_good(&self) -> u16 {
        if self.trying { self.high } else { self.low }
    }
}

#[cfg(test)]
impl MtuProbe {
    /// As after the last trial.
    pub(super) fn believe(&mut self) {
        self.trials = 0;
    }
}

/// Is the next new segment a probe?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probing {
    /// No.
    No,
    /// It will be when something is acknowledged; nothing else goes before it.
    Wait,
    /// Yes, with so many bytes of payload.
    Now(usize),
}

impl Conn {
    /// Retransmissions have failed for some time: perhaps the segments are too large for the path. `head` is the payload at the
    /// head of what is in flight.
    pub(super) fn suspect_black_hole(&mut self, cx: &mut Cx<'_>, head: u32) {
        let lower = match &self.mtu_probe {
            None => BASE,
            Some(probe) => (probe.low / 2).min(BASE),
        };
        let lower = lower.max(FLOOR);
        let head = u16::try_from(head).unwrap_or(u16::MAX).min(self.mss);
        if self.packet_for(head) <= lower {
            return;
        }
        cx.counters.tcp_black_holes += 1;
        let high = self.largest_packet(cx.opts.maxseg);
        let trials = self.mtu_probe.as_ref().map_or(TRIALS, |probe| probe.trials);
        let probe =
            MtuProbe { low: lower, high, fresh: true, flying: None, trials, trying: false, since: cx.now };
        self.mtu_probe = Some(Box::new(probe));
        self.update_mss(self.pmtu, cx.opts.maxseg);
        // The loss window is one segment (RFC 5681 section 3.1): one of those that are sent now.
        self.win.cwnd = self.win.cwnd.min(self.mss.into());
    }

    /// Decides on the next new segment (Linux: `tcp_mtu_probe`).
    pub(super) fn probing(&mut self, cx: &Cx<'_>) -> Probing {
        if self.mtu_probe.is_none() {
            return Probing::No;
        }
        let most = self.largest_packet(cx.opts.maxseg);
        let Some(probe) = &mut self.mtu_probe else { return Probing::No };
        if probe.trying {
            return Probing::No;
        }
        if probe.low >= most {
            // Nothing more to find.
            self.mtu_probe = None;
            return Probing::No;
        }
        let high = probe.high.min(most);
        if high < probe.low.saturating_add(THRESHOLD) {
            if cx.now.since(probe.since) >= AGAIN {
                **probe = MtuProbe { high: most, fresh: true, since: cx.now, ..**probe };
            }
            return Probing::No;
        }
        let size = if probe.fresh { high } else { probe.low + (high - probe.low) / 2 };
        let mss = usize::from(self.mss);
        let cwnd = self.win.cwnd as usize;
        if probe.flying.is_some()
            || self.phase != Phase::Open
            || cwnd < LEAST_WINDOW * mss
            || !self.blocks.is_empty()
            || self.urgent.is_some()
        {
            return Probing::No;
        }
        let overhead = self.packet_for(0);
        let payload = usize::from(size.saturating_sub(overhead));
        let needed = payload.saturating_add(FOLLOWERS * mss);
        if self.unsent() < needed || (self.snd_wnd as usize) < needed {
            return Probing::No;
        }
        let window = usize::try_from(self.window_end() - self.snd_nxt).unwrap_or(0);
        let room = cwnd.saturating_sub(self.pipe() as usize);
        if window < needed || room < payload.saturating_add(mss) {
            return if self.outstanding() > 0 { Probing::Wait } else { Probing::No };
        }
        Probing::Now(payload)
    }

    /// The probe has left, as the segment from `start` on.
    pub(super) fn probe_sent(&mut self, cx: &mut Cx<'_>, start: SeqNumber, payload: usize) {
        let size = self.packet_for(u16::try_from(payload).unwrap_or(u16::MAX));
        if let Some(probe) = &mut self.mtu_probe {
            probe.flying = Some(Flying { start, end: start + payload, size });
            cx.counters.tcp_mtu_probes += 1;
        }
    }

    /// Something was acknowledged: the probe perhaps.
    pub(super) fn probe_acked(&mut self, cx: &mut Cx<'_>) {
        let full = self.packet_for(self.mss);
        let Some(probe) = &mut self.mtu_probe else { return };
        let Some(flying) = probe.flying.filter(|f| f.end.le(self.snd_una)) else { return };
        if probe.trying {
            probe.flying = None;
            if flying.size >= full {
                // No hole.
                self.mtu_probe = None;
            }
        } else {
            probe.flying = None;
            probe.low = probe.low.max(flying.size);
            cx.counters.tcp_mtu_probes_arrived += 1;
        }
        self.update_mss(self.pmtu, cx.opts.maxseg);
        self.output_wanted = true;
    }

    /// Something was acknowledged after a hole was suspected, and round trips are measured: is the full size as good as ever?
    pub(super) fn try_full_size(&mut self, cx: &mut Cx<'_>) {
        let Some(probe) = &mut self.mtu_probe else { return };
        if self.backoff > 0 || probe.trying || probe.trials == 0 || !probe.fresh || probe.flying.is_some() {
            return;
        }
        probe.trying = true;
        probe.trials -= 1;
        self.update_mss(self.pmtu, cx.opts.maxseg);
    }

    /// `len` bytes from `start` on have left, in segments of `mss`: perhaps the first large ones of a trial.
    pub(super) fn note_trial(&mut self, start: SeqNumber, len: usize, mss: usize) {
        let payload = len.min(mss);
        let size = self.packet_for(u16::try_from(payload).unwrap_or(u16::MAX));
        let full = self.packet_for(self.mss);
        if let Some(probe) = &mut self.mtu_probe
            && probe.trying
            && size > probe.low
            && probe.flying.is_none_or(|f| f.size < size && f.size < full)
        {
            probe.flying = Some(Flying { start, end: start + payload, size });
        }
    }

    /// A time-out: if large segments of a trial were under way, they are too large.
    pub(super) fn trial_timed_out(&mut self, cx: &mut Cx<'_>) {
        let Some(probe) = &mut self.mtu_probe else { return };
        if probe.trying && probe.flying.take().is_some() {
            probe.trying = false;
            self.update_mss(self.pmtu, cx.opts.maxseg);
        }
    }

    /// A loss is evident. True when it is that of a probe: no sign of congestion.
    pub(super) fn probe_lost(&mut self, now: Instant) -> bool {
        let una = self.snd_una;
        if self.phase >= Phase::Cwr {
            return false;
        }
        let Some(probe) = &mut self.mtu_probe else { return false };
        let Some(flying) = probe.flying.filter(|f| f.start == una && !probe.trying) else { return false };
        probe.flying = None;
        probe.fresh = false;
        probe.high = flying.size.saturating_sub(1);
        if !self.sack_ok {
            self.board.mark_head_lost(u32::try_from(flying.end - flying.start).unwrap_or(0));
        }
        self.repair(now);
        true
    }

    /// A router says that more than `mtu` bytes are too much. True when the probe was.
    pub(super) fn probe_too_big(&mut self, mtu: u16) -> bool {
        let Some(probe) = &mut self.mtu_probe else { return false };
        probe.high = probe.high.min(mtu);
        probe.flying.take_if(|f| f.size > mtu).is_some()
    }

    /// Something is sent again: what becomes of the probe proves nothing any more.
    pub(super) fn probe_inconclusive(&mut self) {
        if let Some(probe) = &mut self.mtu_probe
            && !probe.trying
        {
            probe.flying = None;
        }
    }
}
