//! When to acknowledge, and which window to announce (RFC 9293 sections 3.8.6.2.2 and 3.8.6.3, RFC 5681
//! section 4.2).
//!
//! Linux's rules: acknowledge at once when more than one full segment is not acknowledged (a frame of several
//! segments is that by itself), while the sender is in slow start ("quick"), when something is out of order;
//! else within 40 ms, or up to a round trip and 200 ms where 40 were too short before, in the hope of data to send along
//! or of more to acknowledge. "At once" means with the next `poll_transmit`: the host feeds in all the frames that wait
//! first, so a burst costs one acknowledgement. A far peer whose segments come one by one hears more: of every second segment while it
//! sends little, of every fourth then, and, as from Linux, of each while something is amiss or it has just begun, for where
//! acknowledgements are lost too, one for all costs time-outs. (Packet loss of 20 % both ways, the kernel's cubic sends 312 kB: 120
//! acknowledgements of 220 segments where the kernel's receiver has 200, and the median stream took four times as long.)
//! While the user answers each message ("interactive"), quick acknowledgements stop.
//!
//! The window never shrinks, moves by worthwhile steps only, and a reader who frees much of it is announced
//! without waiting.

use super::Cx;
use super::memory::Strain;
use super::socket::{Conn, HEADERS};
use crate::time::{Duration, Instant};
use crate::types::TcpState;
use crate::wire::SeqNumber;

/// How long an acknowledgement waits at least (Linux: TCP_ATO_MIN, TCP_DELACK_MIN).
const DELAY: Duration = Duration::from_millis(40);
/// How long it waits at most while messages are answered, and else (Linux: TCP_DELACK_MAX, half a second).
const DELAY_ANSWERED: Duration = Duration::from_millis(200);
const DELAY_MAX: Duration = Duration::from_millis(500);
/// Most segments acknowledged at once at the start (Linux: TCP_MAX_QUICKACKS).
const MAX_QUICK: u8 = 16;
/// Payload bytes received since the last acknowledgement left, beyond which the host should transmit before it reads on.
const ACK_AT_MOST: u32 = 128 << 10;
/// The same in segments, for a far peer whose segments come one by one: so few acknowledgements as one for all that waited would
/// slow its growth, and the loss of one would weigh (RFC 5681 section 4.2 asks for every second segment; what a driver
/// merges gives Linux one for three to seven). It has the second figure when the user takes fewer segments in a round trip than the third.
const ACK_FAR: u32 = 4;
const ACK_FAR_FEW: u32 = 2;
const FEW: u32 = 64;
/// Duplicate acknowledgements that are not put together: as many as a sender counts (Linux: TCP_FASTRETRANS_THRESH, before
/// `tcp_ack_snd_check` compresses them).
const APART: u8 = 3;
/// Most frames that a near peer may have under way while each holds one segment: the queue of a TAP device
/// has room for 1000 and drops what comes then.
const UNMERGED_FRAMES: u32 = 640;
/// What is near: across a real network a window of 900 kB would cost speed, and its queues are not the TAP's.
const NEAR: Duration = Duration::from_millis(5);
/// Largest new window while memory is short and something is unread.
const PRESSED_WINDOW: u32 = 32 << 10;
/// First guess of the peer's segment size.
const INITIAL_RCV_MSS: u32 = 536;

/// What the acknowledgement policy remembers.
#[derive(Clone, Copy, Debug)]
pub(super) struct AckState {
    /// Something is not acknowledged.
    pub scheduled: bool,
    /// It must be with the next transmission.
    pub now: bool,
    /// Segments to acknowledge at once.
    quick: u8,
    /// The user answers what he receives.
    interactive: bool,
    /// Segments that ended a message (PSH), since the last acknowledgement; 2 stands for more.
    pushed: u8,
    /// When data last arrived.
    pub last_data: Instant,
    /// The peer's segment size, as observed.
    pub rcv_mss: u32,
    /// What a delay is hoped to be enough for, in microseconds (ATO); 0: no data was seen yet.
    ato: u32,
    /// Full segments come one to a frame: the device, or the network, does not merge them.
    unmerged: bool,
    /// The acknowledgement that is due should not stand for what comes next as well.
    apart: bool,
    /// So many such since data last came in order, for what lies beyond a gap.
    duplicates: u8,
}

impl Default for AckState {
    fn default() -> AckState {
        AckState {
            scheduled: false,
            now: false,
            quick: 0,
            interactive: false,
            pushed: 0,
            last_data: Instant::ZERO,
            rcv_mss: INITIAL_RCV_MSS,
            ato: 0,
            unmerged: false,
            apart: false,
            duplicates: 0,
        }
    }
}

impl AckState {
    /// How long an acknowledgement may wait, as the traffic suggests; zero: no data was seen yet.
    pub(super) fn ato(&self) -> Duration {
        Duration::from_micros(self.ato.into())
    }

    pub(super) fn set_ato(&mut self, ato: Duration) {
        self.ato = u32::try_from(ato.as_micros()).unwrap_or(u32::MAX);
    }

    /// Acknowledgements wait for data to go along with (pingpong mode).
    pub(super) const fn waits(&self) -> bool {
        self.interactive
    }
}

impl Conn {
    /// An acknowledgement must leave with the next transmission.
    pub(super) fn ack_now(&mut self) {
        self.ack.now = true;
        self.ack.scheduled = true;
        self.output_wanted = true;
    }

    /// As [`Conn::ack_now`], and this one tells the sender something by itself.
    pub(super) fn ack_apart(&mut self) {
        self.ack_now();
        self.ack.apart = true;
    }

    /// Something came beyond a gap.
    pub(super) fn ack_gap(&mut self) {
        self.ack_now();
        if self.ack.duplicates < APART {
            self.ack.duplicates += 1;
            self.ack.apart = true;
        }
    }

    /// As [`Conn::ack_now`], and quick acknowledgements begin anew: the sender needs them.
    pub(super) fn enter_quick(&mut self, max: u8) {
        let segments = self.receive_window() / (2 * self.ack.rcv_mss.max(1));
        let quick = u8::try_from(segments).unwrap_or(u8::MAX).clamp(2, max);
        self.ack.quick = self.ack.quick.max(quick);
        self.ack.interactive = false;
        self.ack.set_ato(DELAY);
    }

    /// Data arrived in order: measures the peer (Linux: `tcp_event_data_recv`).
    pub(super) fn note_data(&mut self, now: Instant, len: usize, gso_size: u16, push: bool) {
        let size = if gso_size > 0 { usize::from(gso_size) } else { len };
        let size = u32::try_from(size).unwrap_or(u32::MAX).min(u32::from(self.advmss));
        if size >= self.ack.rcv_mss {
            self.ack.rcv_mss = size;
        }
        if size >= self.ack.rcv_mss {
            self.ack.unmerged = gso_size == 0;
        }
        // Also one of exactly a full segment: what the peer writes next may be small, and wait for this acknowledgement.
        self.ack.pushed = (self.ack.pushed + u8::from(push)).min(2);
        let gap = now.since(self.ack.last_data);
        let (ato, rto) = (self.ack.ato(), self.rtt.rto());
        let first = ato.is_zero();
        if !first && gap <= DELAY / 2 {
            // The usual case: messages come close together.
            self.ack.set_ato(ato / 2 + DELAY / 2);
        } else if !first && gap < ato {
            self.ack.set_ato((ato / 2 + gap).min(rto));
        } else if first || gap > rto {
            // RFC 5681 section 4.2 allows it; a sender that starts anew grows by acknowledgements.
            let interactive = self.ack.interactive;
            self.enter_quick(MAX_QUICK);
            self.ack.interactive = interactive;
            self.ack.set_ato(if first { DELAY } else { ato });
        }
        self.ack.last_data = now;
        self.ack.scheduled = true;
        self.ack.duplicates = 0;
    }

    /// Decides between now and later (Linux: `__tcp_ack_snd_check`).
    pub(super) fn check_ack(&mut self, cx: &Cx<'_>) {
        if !self.ack.scheduled || self.ack.now {
            return;
        }
        // RFC 9293 section 3.8.6.3, MUST-58: "a TCP implementation MUST NOT excessively delay ACKs [...] in a
        // stream of full-sized segments there SHOULD be an ACK for at least every second segment".
        let full = self.unacked_received() > self.ack.rcv_mss;
        let quick = self.ack.quick > 0 && !self.ack.interactive;
        if full || quick || !self.recvbuf.is_contiguous() {
            self.ack_now();
            self.ack.apart |= quick;
        } else if self.delack_at.is_none() {
            self.delack_at = Some(cx.now + self.ack_delay().min(cx.opts.delack_max));
        }
    }

    /// How long an acknowledgement waits now (Linux: `tcp_send_delayed_ack`): longer than 40 ms only with a round trip that is
    /// longer too.
    fn ack_delay(&self) -> Duration {
        let ato = self.ack.ato();
        if ato <= DELAY {
            return ato;
        }
        let answered = self.ack.interactive || self.ack.pushed > 0;
        let mut most = if answered { DELAY_ANSWERED } else { DELAY_MAX };
        if self.rtt.known() {
            most = most.min(self.rtt.srtt().max(DELAY));
        }
        ato.min(most)
    }

    /// See `Tcp::set_quickack`.
    pub(super) fn set_quickack(&mut self, on: bool, once: bool) {
        self.ack.interactive = !on;
        if on && self.ack.scheduled && matches!(self.state, TcpState::Established | TcpState::CloseWait) {
            self.ack.interactive = once;
            self.ack_now();
        }
    }

    /// True when an acknowledgement should leave before more is read.
    pub(super) fn ack_overdue(&self) -> bool {
        if !self.ack.unmerged || self.rtt.srtt() < NEAR {
            return self.unacked_received() >= ACK_AT_MOST;
        }
        let few = self.recvbuf.tuning.space() < FEW.saturating_mul(self.ack.rcv_mss);
        let most = if few { ACK_FAR_FEW } else { ACK_FAR };
        self.ack.apart || self.unacked_received() >= most.saturating_mul(self.ack.rcv_mss)
    }

    /// The delayed acknowledgement is due: the guess that data would go back was wrong.
    pub(super) fn delayed_ack_due(&mut self, cx: &mut Cx<'_>) {
        self.delack_at = None;
        if self.ack.scheduled {
            if self.ack.interactive {
                self.ack.interactive = false;
                self.ack.set_ato(DELAY);
            } else {
                // It was too short: `tcp_delack_timer_handler` inflates it.
                self.ack.set_ato((self.ack.ato() * 2).min(self.rtt.rto()));
            }
            cx.counters.tcp_delayed_acks += 1;
            self.ack_now();
        }
    }

    /// A segment with our acknowledgement and window left.
    pub(super) fn ack_sent(&mut self, window_edge: SeqNumber) {
        let segments = self.unacked_received().div_ceil(self.ack.rcv_mss.max(1));
        self.ack.quick = self.ack.quick.saturating_sub(u8::try_from(segments).unwrap_or(u8::MAX).max(1));
        self.ack.scheduled = false;
        self.ack.now = false;
        self.ack.apart = false;
        self.ack.pushed = 0;
        self.delack_at = None;
        self.rcv_wup = self.rcv_nxt;
        self.rcv_adv = self.rcv_adv.max(window_edge);
        self.blocks.sent(self.sack_room());
        if self.sack_ok && self.blocks.owes() {
            self.ack_now();
        }
    }

    /// Data left: soon after data arrived, that is an answer.
    pub(super) fn note_answer(&mut self, now: Instant) {
        if now.since(self.ack.last_data) < self.ack.ato() {
            self.ack.interactive = true;
        }
    }

    /// RCV.WND: what the peer may still send.
    pub(super) fn receive_window(&self) -> u32 {
        u32::try_from(self.rcv_adv - self.rcv_nxt).unwrap_or(0)
    }

    /// The window that we could announce (Linux: `__tcp_select_window`).
    ///
    /// RFC 9293 section 3.8.6.2.2: "The receiver's SWS avoidance algorithm determines when the right window
    /// edge may be advanced". Here: not at all while less than a sixteenth of the buffer or one segment is
    /// free.
    fn offered_window(&self) -> u32 {
        let limit = self.recvbuf.limit();
        let free = self.recvbuf.free();
        let mss = usize::try_from(self.ack.rcv_mss).unwrap_or(usize::MAX).min(limit);
        if free < limit / 2 && (free < limit / 16 || free < mss) {
            return 0;
        }
        let mut free =
            u32::try_from(free).unwrap_or(u32::MAX).min(0xffff << self.rcv_wscale).min(self.window_clamp);
        if !self.recvbuf.is_empty() {
            // Memory is short, and this user has not read all (Linux: rcv_ssthresh becomes four segments).
            let little = 4 * u32::from(self.advmss);
            match self.charge.strain() {
                Strain::None => {}
                Strain::Pressed => free = free.min(little.max(PRESSED_WINDOW)),
                Strain::Full => free = free.min(little),
            }
        }
        if self.ack.unmerged && self.rtt.srtt() < NEAR {
            free = free.min(UNMERGED_FRAMES * self.ack.rcv_mss);
        }
        if self.rcv_wscale > 0 {
            // Rounded up, or what is less than a unit would be announced as nothing for ever (__tcp_select_window: ALIGN).
            (free.div_ceil(1 << self.rcv_wscale) << self.rcv_wscale).min(0xffff << self.rcv_wscale)
        } else {
            // Whole segments, unless the old window still says it well enough.
            let full = u32::try_from(limit).unwrap_or(u32::MAX).min(self.window_clamp);
            let mss = self.ack.rcv_mss.min(full).max(1);
            let old = self.receive_window();
            if old > free || old.saturating_add(mss) <= free {
                (free - free % mss).max(free.min(mss))
            } else if mss == full && free > old.saturating_add(full / 2) {
                // A segment is more than there will ever be: half of it is worth telling of.
                free
            } else {
                old
            }
        }
    }

    /// The window for a segment that leaves now: the field, and the right edge that it means.
    pub(super) fn announce(&self) -> (u16, SeqNumber) {
        let current = self.receive_window();
        // RFC 9293 section 3.8.6: "shrinking the window [...] strongly discouraged". A current window that is
        // not a multiple of the scale is rounded up, as Linux does.
        let unit = 1u32 << self.rcv_wscale;
        let window = self.offered_window().max(current.div_ceil(unit) << self.rcv_wscale);
        let field = u16::try_from(window >> self.rcv_wscale).unwrap_or(u16::MAX);
        (field, self.rcv_nxt + ((u32::from(field) << self.rcv_wscale) as usize))
    }

    /// The user has read: tell the peer when that matters (Linux: `tcp_cleanup_rbuf`).
    pub(super) fn after_read(&mut self, now: Instant) {
        self.recvbuf.tune(now, self.charge.strain());
        if !matches!(self.state, TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2) {
            return;
        }
        if self.ack.scheduled {
            let full = self.unacked_received() > self.ack.rcv_mss;
            let least = if self.ack.interactive { 2 } else { 1 };
            let done = self.ack.pushed >= least && self.recvbuf.is_empty();
            if full || done {
                self.ack_now();
                return;
            }
        }
        let current = self.receive_window();
        if current as usize * 2 <= self.recvbuf.limit() {
            let offered = self.offered_window();
            if offered > 0 && offered >= current.saturating_mul(2) {
                self.ack_now();
            }
        }
    }

    /// The MSS that we announce for a path of this MTU.
    pub(super) fn mss_for_mtu(mtu: u16) -> u16 {
        mtu.saturating_sub(HEADERS).max(super::socket::MIN_MSS)
    }
}
