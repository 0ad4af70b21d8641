//! TIME_WAIT: what is left of a connection that we closed first, for 60 s as on Linux (RFC 9293 section 3.6.1
//! says 2 MSL, four minutes; Linux's TCP_TIMEWAIT_LEN has served).
//!
//! A hundred bytes and no buffers. It acknowledges a FIN that is sent again, and yields its 4-tuple to a SYN
//! that is provably newer (RFC 6191, RFC 9293 section 3.10.7.4). A RST ends it, as with Linux's tcp_rfc1337 =
//! 0. When connect(2) finds hardly a free port it takes one over whose timestamps are older than a second: segments of the
//! old connection are told by theirs (Linux's tcp_tw_reuse = 1; its default, 2, does so on loopback only).
//!
//! Limit: beyond 32 thousand, connections are closed without it.

use super::ports::{Hold, Use};
use super::socket::Timestamps;
use super::{Bare, Reply, SegmentIn, Target, Tcp, Tuple, bare_repr};
use crate::counters::Counters;
use crate::time::{Duration, Instant};
use crate::wire::SeqNumber;
use crate::wire::tcp::Flags;

/// How long it lasts.
pub(super) const LIFETIME: Duration = Duration::from_secs(60);
const MAX: usize = 32 << 10;
/// How old the last timestamp must be before connect(2) may take the 4-tuple (Linux: `tcp_twsk_unique`).
const REUSE_AFTER: Duration = Duration::from_secs(1);
/// Least interval between acknowledgements of nonsense.
const ACK_INTERVAL: Duration = Duration::from_millis(500);

/// See the module.
pub(super) struct TimeWait {
    pub snd_nxt: SeqNumber,
    pub rcv_nxt: SeqNumber,
    pub rcv_wnd: u32,
    pub rcv_wscale: u8,
    pub ts: Timestamps,
    pub tos: u8,
    pub ttl: u8,
    pub hold: Hold,
    pub last_ack: Option<Instant>,
}

impl TimeWait {
    /// From when on connect(2) may take the 4-tuple over; `None`: not before the end.
    pub(super) fn reusable_from(&self) -> Option<Instant> {
        self.ts.on.then(|| self.ts.recent_at + REUSE_AFTER)
    }

    /// The first sequence number of a connection that takes it over: beyond all that this one can have used.
    pub(super) fn next_iss(&self) -> SeqNumber {
        self.snd_nxt + 65_537
    }

    fn ack(&self, now: Instant, tuple: &Tuple) -> Bare {
        let window = u16::try_from(self.rcv_wnd >> self.rcv_wscale).unwrap_or(u16::MAX);
        let mut repr = bare_repr(tuple, self.snd_nxt, self.rcv_nxt, Flags::ACK, window);
        if self.ts.on {
            let clock = (now.millis() as u32).wrapping_add(self.ts.offset);
            repr.options.timestamps = Some((clock, self.ts.recent));
        }
        Bare { src: *tuple.local.ip(), dst: *tuple.remote.ip(), tos: self.tos, ttl: self.ttl, repr }
    }
}

impl Tcp {
    /// Puts a connection to rest; `ack`: its peer's FIN is not acknowledged yet.
    pub(super) fn insert_timewait(&mut self, now: Instant, tuple: Tuple, timewait: TimeWait, ack: bool) {
        if ack {
            let bare = timewait.ack(now, &tuple);
            self.push_reply(Reply::Segment(bare));
        }
        if self.timewaits.len() >= MAX {
            // As Linux does beyond tcp_max_tw_buckets: closed without.
            self.timewait_overflow += 1;
            return;
        }
        self.ports.hold((timewait.hold, Use::Connection));
        let (index, _) = self.timewaits.insert((tuple, timewait));
        self.demux.insert(tuple, Target::TimeWait(index));
        self.timewait_timers.set(index, now + LIFETIME);
    }

    pub(super) fn remove_timewait(&mut self, index: u32) {
        self.timewait_timers.cancel(index);
        let Some((tuple, timewait)) = self.timewaits.remove(index) else { return };
        self.ports.release((timewait.hold, Use::Connection));
        if self.demux.get(&tuple) == Some(&Target::TimeWait(index)) {
            self.demux.remove(&tuple);
        }
    }

    /// Linux's `tcp_timewait_state_process`.
    pub(super) fn timewait_segment(
        &mut self,
        now: Instant,
        index: u32,
        tuple: Tuple,
        seg: SegmentIn,
        counters: &mut Counters,
    ) {
        let Some((_, tw)) = self.timewaits.get_mut(index) else { return };
        let (repr, flags) = (seg.repr, seg.repr.flags);
        let mut old = false;
        let mut newer_stamp = false;
        if let (true, Some((val, _))) = (tw.ts.on, repr.options.timestamps) {
            let ahead = val.wrapping_sub(tw.ts.recent) as i32;
            old = ahead < 0;
            newer_stamp = ahead > 0;
        }
        let rst = flags.contains(Flags::RST);
        if !old && repr.seq == tw.rcv_nxt && (seg.seq_len() == 0 || rst) {
            // In order and without news.
            if rst {
                counters.tcp_resets_in += 1;
                self.remove_timewait(index);
                return;
            }
            if let (true, Some((val, _))) = (tw.ts.on, repr.options.timestamps) {
                tw.ts.recent = val;
                tw.ts.recent_at = now;
            }
            self.timewait_timers.set(index, now + LIFETIME);
            return;
        }
        // RFC 9293 section 3.10.7.4: "it MAY accept a new SYN from the remote TCP endpoint to reopen the
        // connection directly from TIME-WAIT state (MAY-2), if it [...] assigns its initial sequence number
        // for the new connection to be larger than the largest sequence number it used on the previous
        // connection incarnation".
        let fresh = repr.seq.gt(tw.rcv_nxt) || newer_stamp;
        if flags.contains(Flags::SYN) && !flags.intersects(Flags::RST | Flags::ACK) && !old && fresh {
            let isn = tw.next_iss();
            let listens = self.find_listener(&tuple).is_some();
            if listens {
                counters.tcp_timewait_reused += 1;
                self.remove_timewait(index);
                self.new_segment(now, tuple, seg, Some(isn), counters);
                return;
            }
        }
        let Some((_, tw)) = self.timewaits.get_mut(index) else { return };
        if old {
            counters.tcp_paws += 1;
        }
        if rst {
            return;
        }
        // "The only thing that can arrive in this state is a retransmission of the remote FIN. Acknowledge
        // it, and restart the 2 MSL timeout."
        if old || flags.contains(Flags::ACK) {
            self.timewait_timers.set(index, now + LIFETIME);
        }
        // tcp_oow_rate_limited: data is answered each time.
        let bare = seg.seq_len() == 0 || flags.contains(Flags::SYN);
        if bare && tw.last_ack.is_some_and(|at| now.since(at) < ACK_INTERVAL) {
            counters.tcp_challenge_limited += 1;
            return;
        }
        tw.last_ack = Some(now);
        let bare = tw.ack(now, &tuple);
        self.push_reply(Reply::Segment(bare));
    }
}
