//! Explicit congestion notification (RFC 3168): a router marks a packet (CE) where it would have dropped it, the receiver
//! echoes the mark (ECE) until the sender says that it slowed down (CWR).
//!
//! Agreed on in the handshake: a SYN with ECE and CWR asks, a SYN-ACK with ECE alone agrees. As on Linux we agree when asked and
//! do not ask ([`EcnMode::Passive`], tcp_ecn=2). A SYN that is sent again asks no more, since it may be the asking that a
//! box on the way dislikes (section 6.1.1.1; tcp_ecn_fallback).
//!
//! Then every new data segment is marked as capable, ECT(0); a SYN, a pure acknowledgement, a probe and a retransmission never
//! are (sections 6.1.1, 6.1.4 to 6.1.6). An echo lowers the congestion window once a window of data, as one loss would; the
//! next new data segment has CWR, the first of them in a frame that the device cuts. The receiver acknowledges without
//! delay when marks begin and when CWR comes, as Linux does: the sender's window may be tiny.
//!
//! Limits: no nonce (RFC 8311 retired it); no accurate ECN: who asks for that is answered as by one who knows RFC 3168 only, which he falls back
//! to (RFC 9768 section 3.1.2); no ECT on control packets (RFC 8311 section 4.3).

use super::socket::Conn;
use super::{Cx, SegmentIn};
use crate::types::EcnMode;
use crate::wire::SeqNumber;
use crate::wire::ipv4::Ecn as Codepoint;
use crate::wire::tcp::{Flags, Repr};

/// On a SYN: a request to use ECN.
const SETUP: Flags = Flags::ECE.union(Flags::CWR);
/// Acknowledgements sent at once after a mark (Linux: `tcp_enter_quickack_mode`).
const QUICK: u8 = 2;

/// What a connection knows of ECN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ecn(u8);

impl Ecn {
    /// Both sides speak it; in SYN-SENT: we asked.
    const OK: u8 = 1;
    /// The window was reduced: CWR goes with the next new data.
    const CWR_DUE: u8 = 2;
    /// A mark came, and no CWR since: acknowledgements carry ECE.
    const ECHO: u8 = 4;
    /// A marked or markable packet came.
    const SEEN: u8 = 8;

    /// True when it is in use.
    pub(super) const fn on(self) -> bool {
        self.0 & Self::OK != 0
    }

    /// True when the peer has used it.
    pub(super) const fn seen(self) -> bool {
        self.0 & Self::SEEN != 0
    }

    /// The congestion window was reduced, whatever for: the peer is told (section 6.1.2).
    pub(super) fn reduced(&mut self) {
        if self.on() {
            self.0 |= Self::CWR_DUE;
        }
    }

    /// The reduction is undone, and need not be told if it was not yet (Linux: `tcp_ecn_withdraw_cwr`).
    pub(super) fn withdraw(&mut self) {
        self.0 &= !Self::CWR_DUE;
    }

    /// The flags that a SYN asks with. `again`: it was sent before.
    pub(super) fn ask(&mut self, mode: EcnMode, again: bool) -> Flags {
        if mode != EcnMode::On || again {
            return Flags::NONE;
        }
        self.0 = Self::OK;
        SETUP
    }

    /// The flags that a SYN-ACK agrees with.
    pub(super) fn agree(self) -> Flags {
        if self.on() { Flags::ECE } else { Flags::NONE }
    }

    /// The peer's SYN or SYN-ACK. `asked`: we sent a SYN ourselves; only then it may be an answer.
    pub(super) fn on_syn(&mut self, flags: Flags, asked: bool) {
        let agreed = if flags.contains(Flags::ACK) {
            self.on() && flags.contains(Flags::ECE) && !flags.contains(Flags::CWR)
        } else {
            (self.on() || !asked) && flags.contains(SETUP)
        };
        self.0 = if agreed { Self::OK } else { 0 };
    }
}

/// A SYN's request to use ECN, taken off it unless it is to be agreed to: the mode forbids it, or the SYN is marked as
/// capable itself, which no honest one is (section 6.1.1; Linux: `tcp_ecn_create_request`).
pub(super) fn screen(seg: &mut SegmentIn, mode: EcnMode) {
    let wanted = mode != EcnMode::Off && Codepoint::of(seg.tos) == Codepoint::NotEct;
    if !wanted || !seg.repr.flags.contains(SETUP) {
        seg.repr.flags = seg.repr.flags.without(SETUP);
    }
}

/// The flags that the answer to a screened SYN agrees with.
pub(super) fn agree_to(syn: &Repr) -> Flags {
    if syn.flags.contains(SETUP) { Flags::ECE } else { Flags::NONE }
}

impl Conn {
    /// True for a segment of `len` payload bytes from `seq` on that is marked as capable: data never sent before.
    pub(super) fn is_ect(&self, repr: &Repr, len: usize) -> bool {
        self.ecn.on() && len > 0 && repr.seq.ge(self.snd_nxt) && !repr.flags.contains(Flags::SYN)
    }

    /// The flags that a segment from `seq` on with `len` bytes has.
    pub(super) fn ecn_flags(&self, seq: SeqNumber, len: usize) -> Flags {
        let Ecn(bits) = self.ecn;
        let mut flags = Flags::NONE;
        if bits & Ecn::ECHO != 0 {
            flags |= Flags::ECE;
        }
        if bits & Ecn::CWR_DUE != 0 && len > 0 && seq.ge(self.snd_nxt) {
            flags |= Flags::CWR;
        }
        flags
    }

    /// A segment with CWR has left.
    pub(super) fn cwr_sent(&mut self) {
        self.ecn.0 &= !Ecn::CWR_DUE;
    }

    /// An acceptable segment with data or a FIN: marks, and the end of echoing (section 6.1.3).
    pub(super) fn take_ecn(&mut self, cx: &mut Cx<'_>, seg: &SegmentIn) {
        if seg.repr.flags.contains(Flags::CWR) {
            self.ecn.0 &= !Ecn::ECHO;
            // The sender's window may be a single packet now (Linux: `tcp_ecn_accept_cwr`).
            self.ack_now();
        }
        if (seg.repr.seq + seg.payload.len()).le(self.rcv_nxt) {
            // Sent again although it is here: of the network as it was.
            return;
        }
        match Codepoint::of(seg.tos) {
            // Once they were marked: a retransmission, so something was lost.
            Codepoint::NotEct if self.ecn.seen() => self.enter_quick(QUICK),
            Codepoint::NotEct => {}
            Codepoint::Ce => {
                cx.counters.tcp_ecn_ce_in += u64::from(seg.segments());
                if self.ecn.0 & Ecn::ECHO == 0 {
                    self.enter_quick(QUICK);
                }
                self.ecn.0 |= Ecn::ECHO | Ecn::SEEN;
            }
            Codepoint::Ect0 | Codepoint::Ect1 => self.ecn.0 |= Ecn::SEEN,
        }
    }

    /// True when an acknowledgement echoes a mark. `delivered` counts the segments delivered before it.
    pub(super) fn is_echo(&mut self, cx: &mut Cx<'_>, repr: &Repr, delivered: u32) -> bool {
        let echo = repr.flags.contains(Flags::ECE) && !repr.flags.contains(Flags::SYN);
        if !echo || !self.ecn.on() {
            return false;
        }
        cx.counters.tcp_ecn_echoes_in += 1;
        let now = self.stats.delivered.wrapping_sub(delivered);
        self.stats.delivered_ce = self.stats.delivered_ce.wrapping_add(now);
        true
    }
}
