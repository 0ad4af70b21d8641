//! A socket and its connection: the state that RFC 9293 section 3.3.1 calls the TCB.
//!
//! [`Socket`] is what the user's id names: options, bound port, pending error, and a body that is closed,
//! listening or a connection. [`Conn`] is the connection. Its methods live beside their subject: segments in
//! `input.rs`, acknowledgements in `recovery.rs`, `output.rs`, `timers.rs`; here are birth, death and
//! questions.
//!
//! Limit: a connection keeps its box after it is closed, while the user holds the socket, since unread data
//! may be in it.

use std::cell::Cell;
use std::net::SocketAddrV4;
use std::sync::Arc;

use super::ack::AckState;
use super::chunks::ChunkPool;
use super::congestion::{Algorithm, Window};
use super::ecn::Ecn;
use super::fastopen::Fast;
use super::listener::Listener;
use super::memory::{Charge, Memory, Strain};
use super::mtu_probe::MtuProbe;
use super::ports::{Claim, Hold};
use super::recovery::{Mend, Phase};
use super::recvbuf::RecvBuf;
use super::rtt::RttEstimator;
use super::sack::RecentBlocks;
use super::scoreboard::Scoreboard;
use super::sendbuf::SendBuf;
use super::timewait::TimeWait;
use super::urgent::Urgent;
use super::{Bare, Tuple};
use crate::error::Error;
use crate::time::{Duration, Instant};
use crate::types::{Readiness, TcpInfo, TcpOptions, TcpState};
use crate::udp::errors::Errors;
use crate::wire::SeqNumber;
use crate::wire::tcp::Flags;

/// The peer's MSS when its SYN names none (RFC 9293 section 3.7.1, MUST-15).
pub(super) const DEFAULT_MSS: u16 = 536;
/// Smallest MSS that we believe: below it headers outweigh data (Linux: TCP_MIN_SND_MSS).
pub(super) const MIN_MSS: u16 = 48;
/// Bytes of IPv4 and TCP headers without options.
pub(super) const HEADERS: u16 = 40;
/// Bytes that the timestamp option takes from each segment.
pub(super) const TIMESTAMP_LEN: u16 = 12;

/// Who has the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The user holds an id.
    User,
    /// A child of this listener (index, generation) whose handshake is not over.
    Embryo(u32, u32),
    /// In its listener's accept queue.
    Accepting,
    /// The user let go; the connection finishes by itself.
    Orphan,
}

/// A socket's claim on its local port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PortHold {
    None,
    /// By bind(2): kept until the socket is gone.
    Explicit(Claim),
    /// By connect(2) or inheritance: counted, and gone with the connection.
    Counted(Hold),
}

/// What a socket is.
pub(super) enum Body {
    Closed,
    Listen(Box<Listener>),
    Conn(Box<Conn>),
}

/// What an id names.
pub(super) struct Socket {
    /// Shared by the sockets whose settings are the same.
    pub opts: Arc<TcpOptions>,
    pub owner: Owner,
    pub port: PortHold,
    /// SO_ERROR.
    pub error: Option<Error>,
    /// Errors of the attempt to connect, to be read (MSG_ERRQUEUE); None: none.
    pub errors: Option<Box<Errors>>,
    /// Events not yet seen.
    pub edges: Readiness,
    /// In the event queue.
    pub evented: bool,
    /// In the ready-to-send queue.
    pub queued: bool,
    /// Counted in `Tcp::pending`.
    pub counted_pending: bool,
    /// Counted in `Tcp::orphans`.
    pub counted_orphan: bool,
    /// shutdown(2) was called on it while closed.
    pub shut: (bool, bool),
    /// connect(2) has begun and its outcome has not been told.
    pub connecting: bool,
    pub body: Body,
}

impl Socket {
    pub(super) fn new(opts: Arc<TcpOptions>, owner: Owner, body: Body) -> Socket {
        Socket {
            opts,
            owner,
            port: PortHold::None,
            error: None,
            errors: None,
            edges: Readiness::NONE,
            evented: false,
            queued: false,
            counted_pending: false,
            counted_orphan: false,
            shut: (false, false),
            connecting: false,
            body,
        }
    }

    /// getsockname(2): the connection's, else the bound address.
    pub(super) fn local(&self) -> Option<SocketAddrV4> {
        match (&self.body, self.port) {
            (Body::Conn(conn), _) if conn.state != TcpState::Closed => Some(conn.tuple.local),
            (Body::Conn(conn), PortHold::None) => Some(conn.tuple.local),
            (_, PortHold::Explicit((hold, _))) => Some(hold.addr),
            _ => None,
        }
    }

    /// What poll(2) reports; the order of tests is that of Linux's `tcp_poll`. Notes that the user wants to
    /// hear of room to write when there is none.
    pub(super) fn readiness(&self) -> Readiness {
        let error =
            if self.error.is_some() || self.errors.is_some() { Readiness::ERR } else { Readiness::NONE };
        match &self.body {
            Body::Listen(listener) => {
                error | if listener.has_child() { Readiness::IN } else { Readiness::NONE }
            }
            Body::Closed => {
                let mut ready = error | Readiness::OUT | Readiness::HUP;
                if self.shut.0 {
                    ready |= Readiness::IN | Readiness::RDHUP;
                }
                ready
            }
            Body::Conn(conn) => error | conn.readiness(&self.opts),
        }
    }
}

/// How a connection ends, as far as the tables are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing is left of it.
    Closed,
    /// It waits for old segments to die. `ack`: a last acknowledgement is due first.
    TimeWait { ack: bool },
}

/// What `retransmit_at` is for. They exclude each other, as Linux's `icsk_pending` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rexmit {
    /// Retransmission (RFC 6298).
    Rto,
    /// Window probe, or the end of corking (RFC 9293 section 3.8.6.1).
    Persist,
    /// The end of the reordering window (RFC 8985 section 6.2).
    Reorder,
    /// Tail loss probe (RFC 8985 section 7.2).
    Probe,
}

/// RFC 7323 timestamps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timestamps {
    pub on: bool,
    /// TS.Recent
    pub recent: u32,
    /// When TS.Recent was taken.
    pub recent_at: Instant,
    /// What we add to our clock for this peer.
    pub offset: u32,
}

/// Figures for TCP_INFO that nothing else needs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stats {
    pub bytes_acked: u64,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    pub bytes_retrans: u64,
    pub segs_out: u32,
    pub segs_in: u32,
    pub total_retrans: u32,
    pub data_segs_in: u32,
    pub data_segs_out: u32,
    pub delivered: u32,
    pub delivered_ce: u32,
    pub dsack_dups: u32,
    pub out_of_order_in: u32,
    pub rto_ms: u32,
    pub total_rto: u16,
    pub rto_recoveries: u16,
    pub last_data_sent: Instant,
    pub last_ack_recv: Instant,
}

/// A limit where 0 stands for none.
pub(super) fn limit(n: u32) -> u32 {
    if n == 0 { u32::MAX } else { n }
}

/// A connection.
pub(super) struct Conn {
    pub tuple: Tuple,
    pub state: TcpState,
    /// Set when the tables must forget it.
    pub fate: Option<Fate>,
    /// What it died of, or what the user must hear of.
    pub error: Option<Error>,
    /// What ICMP last complained of; reported when a time-out ends it (RFC 1122 section 4.2.3.9).
    pub soft_error: Option<Error>,
    /// Edges since the last `settle`.
    pub edges: Readiness,
    /// `output` may have something to do.
    pub output_wanted: bool,
    /// A RST is owed to the peer.
    pub send_rst: bool,
    /// RCV_SHUTDOWN: by the peer's FIN or shutdown(2).
    pub shut_rd: bool,
    /// SEND_SHUTDOWN: by shutdown(2) or close(2).
    pub shut_wr: bool,
    /// The peer's FIN has been taken.
    pub fin_taken: bool,

    // Send sequence space.
    pub iss: SeqNumber,
    pub snd_una: SeqNumber,
    pub snd_nxt: SeqNumber,
    /// The peer's window, scaled.
    pub snd_wnd: u32,
    pub snd_wl1: SeqNumber,
    /// Largest window the peer ever announced.
    pub max_window: u32,
    pub snd_wscale: u8,
    /// End of the last segment shorter than the MSS (Minshall's Nagle).
    pub snd_sml: SeqNumber,
    /// Sequence number of the first byte in `sendbuf`.
    pub buf_seq: SeqNumber,
    pub sendbuf: SendBuf,
    /// The user has sent his last byte.
    pub fin_queued: bool,
    /// FIN is on the way, or acknowledged.
    pub fin_sent: bool,
    /// The last send said MSG_MORE.
    pub more: bool,
    /// The last send came while much was under way (`output`).
    pub gather: bool,
    /// Send what is queued, Nagle and cork notwithstanding: data up to here.
    pub push_to: SeqNumber,
    /// Send less than a segment into a small window, once.
    pub force_small: bool,
    /// The user met a full send buffer: tell him of room.
    pub nospace: Cell<bool>,
    /// A zero-length probe (window or keepalive) is owed.
    pub probe: bool,

    // Segment sizes, payload bytes.
    /// The MSS option of the peer.
    pub peer_mss: u16,
    /// What we announced.
    pub advmss: u16,
    /// IP MTU of the path.
    pub pmtu: u16,
    /// SND.UNA when the neighbour cache was last told that the peer answers.
    pub confirmed: SeqNumber,
    /// And the second.
    pub confirmed_second: u16,
    /// What we send at most, without SACK options.
    pub mss: u16,
    /// The search for a path MTU, once a black hole was suspected.
    pub mtu_probe: Option<Box<MtuProbe>>,

    // Loss and congestion.
    pub board: Scoreboard,
    pub phase: Phase,
    /// Recovery ends when this is acknowledged.
    pub high_seq: SeqNumber,
    pub dupacks: u32,
    /// Send one retransmission whatever cwnd says.
    pub force_retransmit: bool,
    /// Memory of losses, once there were some.
    pub mend: Option<Box<Mend>>,
    pub cc: Algorithm,
    pub win: Window,
    pub usage: super::control::Usage,
    /// When the next paced frame may leave, and whether one waits for that.
    pub departs: Instant,
    pub departure_due: bool,
    /// It waited longer than it had to.
    pub departure_late: bool,
    pub chrono: super::chrono::Chrono,
    pub sack_ok: bool,
    pub ecn: Ecn,

    // Timers.
    pub rtt: RttEstimator,
    pub retransmit_at: Option<Instant>,
    pub rexmit: Rexmit,
    pub delack_at: Option<Instant>,
    /// Keepalive, or the end of an orphan's FIN_WAIT2.
    pub keepalive_at: Option<Instant>,
    /// Retransmission time-outs since something was acknowledged.
    pub retries: u8,
    /// Doublings of the interval, of RTO or of the window probe.
    pub backoff: u8,
    /// Probes sent without an answer.
    pub probes: u8,
    /// When the first retransmission (or probe) without success happened.
    pub trouble_since: Option<Instant>,
    /// When SYN or SYN-ACK went out, unless it was retransmitted (Karn).
    pub syn_sent_at: Option<Instant>,
    /// SYN or SYN-ACK must be sent.
    pub syn_due: bool,
    /// Made of a SYN cookie: when the SYN-ACK went out is not known.
    pub from_cookie: bool,
    /// Fast Open, where it is used.
    pub fast: Option<Box<Fast>>,

    // Receive sequence space.
    pub irs: SeqNumber,
    pub rcv_nxt: SeqNumber,
    /// RCV.NXT in the last segment that we sent (Last.ACK.sent).
    pub rcv_wup: SeqNumber,
    /// Right edge of the window that we announced.
    pub rcv_adv: SeqNumber,
    pub rcv_wscale: u8,
    /// Windows are scaled: both sides offered it.
    pub wscale_ok: bool,
    /// Where the peer's FIN lies, when it came before data was complete.
    pub rcv_fin: Option<SeqNumber>,
    pub recvbuf: RecvBuf,
    pub blocks: RecentBlocks,
    pub ack: AckState,
    pub ts: Timestamps,
    /// When an acknowledgement was last sent for an unacceptable segment.
    pub last_oow_ack: Option<Instant>,
    pub stats: Stats,
    /// TCP_WINDOW_CLAMP; the most there is when not set.
    pub window_clamp: u32,
    /// TCP_NOTSENT_LOWAT, likewise.
    pub notsent_lowat: u32,
    /// TCP_SAVED_SYN: IP and TCP header of the peer's SYN.
    pub saved_syn: Option<Box<Box<[u8]>>>,
    /// Urgent data, once there was some.
    pub urgent: Option<Box<Urgent>>,
    /// Its part of the stack's memory.
    pub charge: Charge,
}

impl Conn {
    /// A connection in CLOSED, on the way to SYN-SENT or SYN-RECEIVED.
    pub(super) fn new(tuple: Tuple, iss: SeqNumber, ts_offset: u32, opts: &TcpOptions, now: Instant) -> Conn {
        Conn {
            tuple,
            state: TcpState::Closed,
            fate: None,
            error: None,
            soft_error: None,
            edges: Readiness::NONE,
            output_wanted: false,
            send_rst: false,
            shut_rd: false,
            shut_wr: false,
            fin_taken: false,
            iss,
            snd_una: iss,
            snd_nxt: iss,
            snd_wnd: 0,
            snd_wl1: SeqNumber(0),
            max_window: 0,
            snd_wscale: 0,
            snd_sml: iss,
            buf_seq: iss + 1,
            sendbuf: SendBuf::new(),
            fin_queued: false,
            fin_sent: false,
            more: false,
            gather: false,
            push_to: iss,
            force_small: false,
            nospace: Cell::new(false),
            probe: false,
            peer_mss: DEFAULT_MSS,
            advmss: DEFAULT_MSS,
            pmtu: 0,
            confirmed: iss,
            confirmed_second: ((now.millis() / 1000) as u16).wrapping_sub(60),
            mss: DEFAULT_MSS,
            mtu_probe: None,
            board: Scoreboard::new(iss),
            phase: Phase::Open,
            high_seq: iss,
            dupacks: 0,
            force_retransmit: false,
            mend: None,
            cc: Algorithm::new(opts.congestion),
            win: Window::default(),
            usage: super::control::Usage::new(iss, now),
            departs: Instant::ZERO,
            departure_due: false,
            departure_late: false,
            chrono: Default::default(),
            sack_ok: false,
            ecn: Ecn::default(),
            rtt: {
                let mut rtt = RttEstimator::new();
                rtt.set_bounds(opts.rto_min, opts.rto_max);
                rtt
            },
            retransmit_at: None,
            rexmit: Rexmit::Rto,
            delack_at: None,
            keepalive_at: None,
            retries: 0,
            backoff: 0,
            probes: 0,
            trouble_since: None,
            syn_sent_at: None,
            syn_due: false,
            from_cookie: false,
            fast: None,
            irs: SeqNumber(0),
            rcv_nxt: SeqNumber(0),
            rcv_wup: SeqNumber(0),
            rcv_adv: SeqNumber(0),
            rcv_wscale: RecvBuf::window_shift(opts),
            wscale_ok: true,
            rcv_fin: None,
            recvbuf: RecvBuf::new(opts.rcvbuf),
            blocks: RecentBlocks::default(),
            ack: AckState::default(),
            ts: Timestamps { offset: ts_offset, ..Timestamps::default() },
            last_oow_ack: None,
            stats: Stats { last_data_sent: now, last_ack_recv: now, ..Stats::default() },
            window_clamp: limit(opts.window_clamp),
            notsent_lowat: limit(opts.notsent_lowat),
            saved_syn: None,
            urgent: None,
            charge: Charge::default(),
        }
    }

    /// Our timestamp clock: milliseconds, as Linux, plus the peer's offset.
    pub(super) fn ts_now(&self, now: Instant) -> u32 {
        (now.millis() as u32).wrapping_add(self.ts.offset)
    }

    /// SND.UNA + SND.WND
    pub(super) fn window_end(&self) -> SeqNumber {
        self.snd_una + self.snd_wnd as usize
    }

    /// One past the last byte that the user has given us.
    pub(super) fn data_end(&self) -> SeqNumber {
        self.buf_seq + self.sendbuf.len()
    }

    /// Bytes given to us and never sent.
    pub(super) fn unsent(&self) -> usize {
        usize::try_from(self.data_end() - self.snd_nxt).unwrap_or(0)
    }

    /// How much more TCP_NOTSENT_LOWAT lets in.
    pub(super) fn notsent_room(&self) -> usize {
        if self.notsent_lowat == u32::MAX {
            return usize::MAX;
        }
        // sk_stream_memory_free is asked before each segment, so the last one may go beyond.
        let room = (self.notsent_lowat as usize).saturating_sub(self.unsent());
        if room > 0 { room.saturating_add(self.mss.into()) } else { 0 }
    }

    /// Bytes of sequence space sent and not acknowledged.
    pub(super) fn outstanding(&self) -> u32 {
        u32::try_from(self.snd_nxt - self.snd_una).unwrap_or(0)
    }

    /// True when data or a FIN of ours is not acknowledged.
    pub(super) fn has_pending_output(&self) -> bool {
        match self.state {
            TcpState::Closed | TcpState::Listen | TcpState::TimeWait => false,
            TcpState::SynSent | TcpState::SynReceived => !self.sendbuf.is_empty() || self.fin_queued,
            _ => !self.sendbuf.is_empty() || (self.fin_queued && !(self.fin_sent && self.outstanding() == 0)),
        }
    }

    /// Bytes that arrived in order and are not acknowledged yet.
    pub(super) fn unacked_received(&self) -> u32 {
        u32::try_from(self.rcv_nxt - self.rcv_wup).unwrap_or(0)
    }

    /// True in the states in which the user may send.
    pub(super) fn may_send(&self) -> bool {
        matches!(self.state, TcpState::Established | TcpState::CloseWait) || self.is_early_child()
    }

    /// SYN or SYN-ACK had to be repeated.
    pub(super) fn syn_was_lost(&self) -> bool {
        self.syn_sent_at.is_none() && !self.from_cookie
    }

    /// It had to be repeated twice: the initial window is one segment. RFC 5681 section 3.1 says once, when the first
    /// repetition came after 3 s and not after 1 s (`tcp_init_transfer`).
    pub(super) fn starts_small(&self) -> bool {
        self.syn_was_lost() && self.stats.total_retrans > 1
    }

    /// True when the handshake is over and the connection is not.
    pub(super) fn is_synchronized(&self) -> bool {
        !matches!(
            self.state,
            TcpState::Closed
                | TcpState::Listen
                | TcpState::SynSent
                | TcpState::SynReceived
                | TcpState::TimeWait
        )
    }

    /// The limit of the send buffer: the user's, or twice cwnd, so that the next window is there when the
    /// current one is acknowledged (as Linux's `tcp_sndbuf_expand`). A far peer gets more than Linux's 4 MB (tcp_wmem[2]),
    /// which would bound 100 ms at 320 Mbit/s, and four times cwnd: what follows a hole stays until the hole is repaired, so a
    /// recovery holds the window of before it and what is sent in its round trips, while cwnd is lower already. (Linux
    /// reckons with whole pages for each segment, six times cwnd, and never goes down.) While memory is short no buffer grows.
    pub(super) fn send_limit(&self, opts: &TcpOptions) -> usize {
        const MIN: usize = 128 << 10;
        const MAX: usize = 4 << 20;
        const MAX_FAR: usize = 32 << 20;
        const FAR: Duration = Duration::from_millis(5);
        if let Some(fixed) = opts.sndbuf {
            return fixed;
        }
        let cwnd = self.win.cwnd as usize;
        let (want, max) = if self.rtt.min_rtt() < FAR { (2 * cwnd, MAX) } else { (4 * cwnd, MAX_FAR) };
        match self.charge.strain() {
            Strain::None => want.clamp(MIN, max),
            _ => want.clamp(MIN, self.sendbuf.limit().max(MIN)),
        }
    }

    /// Linux's `sk_stream_is_writeable`: at least a third of the buffer is free.
    pub(super) fn writable(&self, opts_limit: usize) -> bool {
        let queued = self.sendbuf.len();
        let roomy = queued < opts_limit && opts_limit - queued >= queued / 2;
        // tcp_stream_memory_free: half of TCP_NOTSENT_LOWAT.
        roomy
            && (self.notsent_lowat == u32::MAX
                || self.unsent().saturating_mul(2) < self.notsent_lowat as usize)
            // Where Linux sleeps until there is memory (sk_stream_wait_memory): who waits for room must not find it and get none.
            && self.room_when_full() != Some(0)
    }

    /// As Linux's `tcp_poll`.
    fn readiness(&self, opts: &TcpOptions) -> Readiness {
        let mut ready = Readiness::NONE;
        if (self.shut_rd && self.shut_wr) || self.state == TcpState::Closed {
            ready |= Readiness::HUP;
        }
        if self.shut_rd {
            ready |= Readiness::IN | Readiness::RDHUP;
        }
        if self.is_deferred() {
            // tcp_poll: the first write begins the handshake.
            ready |= Readiness::OUT;
        }
        if !matches!(self.state, TcpState::SynSent | TcpState::SynReceived) || self.is_early_child() {
            let mut target = opts.rcvlowat.max(1);
            if self.urgent.is_some() {
                let (more, here) = self.urgent_readiness(opts.oobinline);
                target += more;
                if here {
                    ready |= Readiness::PRI;
                }
            }
            // tcp_stream_is_readable: also when the peer can hardly send more.
            let waiting = self.recvbuf.len();
            if waiting >= target
                || (waiting > 0 && opts.rcvlowat > 1 && self.receive_window() <= self.ack.rcv_mss)
            {
                ready |= Readiness::IN;
            }
            if self.shut_wr || self.state == TcpState::Closed || self.writable(self.sendbuf.limit()) {
                ready |= Readiness::OUT;
            } else {
                self.nospace.set(true);
            }
        }
        ready
    }

    /// Raises an edge.
    pub(super) fn raise(&mut self, edge: Readiness) {
        self.edges |= edge;
    }

    /// The end: `error` is what the user hears; `rst`: the peer is told.
    pub(super) fn die(&mut self, error: Option<Error>, rst: bool) {
        if self.state == TcpState::Closed {
            return;
        }
        self.send_rst = rst;
        self.state = TcpState::Closed;
        if error.is_some() {
            self.error = error;
        }
        self.fate = Some(Fate::Closed);
        self.output_wanted = false;
    }

    /// Brings its part of the stack's memory up to date.
    pub(super) fn charge_memory(&mut self, memory: &Memory) {
        self.charge.set(memory, self.recvbuf.memory() + self.sendbuf.len());
    }

    /// Lets go of everything but what the user may still read.
    pub(super) fn finish(&mut self, pool: &mut ChunkPool) {
        self.state = TcpState::Closed;
        self.sendbuf.clear(pool);
        self.board = Scoreboard::new(self.snd_una);
        self.recvbuf.drop_out_of_order();
        self.shut_rd = true;
        self.shut_wr = true;
        self.retransmit_at = None;
        self.delack_at = None;
        self.keepalive_at = None;
        self.output_wanted = false;
    }

    /// The RST that ends this connection: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>.
    pub(super) fn reset_segment(&self, now: Instant, opts: &TcpOptions) -> Bare {
        let mut repr = super::bare_repr(&self.tuple, self.snd_nxt, self.rcv_nxt, Flags::RST | Flags::ACK, 0);
        if self.ts.on {
            repr.options.timestamps = Some((self.ts_now(now), self.ts.recent));
        }
        Bare { src: *self.tuple.local.ip(), dst: *self.tuple.remote.ip(), tos: opts.tos, ttl: opts.ttl, repr }
    }

    /// What TIME_WAIT must remember.
    pub(super) fn time_wait(&self, opts: &TcpOptions) -> TimeWait {
        TimeWait {
            snd_nxt: self.snd_nxt,
            rcv_nxt: self.rcv_nxt,
            rcv_wnd: self.receive_window(),
            rcv_wscale: self.rcv_wscale,
            ts: self.ts,
            tos: opts.tos,
            ttl: opts.ttl,
            hold: Hold::new(self.tuple.local, opts),
            last_ack: None,
        }
    }

    /// The earliest timer.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let mut at = self.retransmit_at;
        let paced = self.departure_due.then_some(self.departs);
        for other in [self.delack_at, self.keepalive_at, paced].into_iter().flatten() {
            at = Some(at.map_or(other, |t| t.min(other)));
        }
        at
    }

    /// TCP_INFO.
    pub(super) fn info(&self, now: Instant) -> TcpInfo {
        let [busy, by_window, by_buffer] = self.chrono.times(now);
        let (delivery_rate, delivery_rate_app_limited) = self.board.rate.told();
        TcpInfo {
            state: self.state,
            retransmits: self.retries,
            probes: self.probes,
            rcv_wscale: self.rcv_wscale,
            snd_wscale: self.snd_wscale,
            timestamps: self.ts.on,
            sack: self.sack_ok,
            wscale: self.wscale_ok,
            ecn: self.ecn.on(),
            ecn_seen: self.ecn.seen(),
            rto: self.rtt.rto(),
            srtt: self.rtt.srtt(),
            rttvar: self.rtt.rttvar(),
            min_rtt: self.rtt.min_rtt(),
            snd_mss: u32::from(self.mss),
            rcv_mss: self.ack.rcv_mss,
            advmss: u32::from(self.advmss),
            pmtu: u32::from(self.pmtu),
            cwnd: self.win.cwnd,
            ssthresh: self.win.ssthresh,
            snd_wnd: self.snd_wnd,
            rcv_wnd: self.receive_window(),
            bytes_in_flight: self.outstanding(),
            notsent: u32::try_from(self.unsent()).unwrap_or(u32::MAX),
            bytes_acked: self.stats.bytes_acked,
            bytes_received: self.stats.bytes_received,
            bytes_sent: self.stats.bytes_sent,
            bytes_retrans: self.stats.bytes_retrans,
            segs_out: self.stats.segs_out,
            segs_in: self.stats.segs_in,
            total_retrans: self.stats.total_retrans,
            last_data_sent: now.since(self.stats.last_data_sent),
            last_data_recv: now.since(self.ack.last_data),
            last_ack_recv: now.since(self.stats.last_ack_recv),
            timestamp: self.ts_now(now),
            recovery: self.phase as u8,
            backoff: self.backoff,
            ato: self.ack.ato(),
            // Duplicates stand for what a peer without SACK has (Linux: sacked_out).
            sacked: self.board.sacked().saturating_add(self.dupacks.saturating_mul(self.mss.into())),
            // Linux counts what was lost until it is acknowledged, retransmitted or not.
            lost: self.board.lost().saturating_add(self.board.resent()),
            retrans: self.board.resent(),
            reordering: self.reordering(),
            reord_seen: self.mend.as_ref().map_or(0, |m| m.reord_seen),
            data_segs_in: self.stats.data_segs_in,
            data_segs_out: self.stats.data_segs_out,
            delivered: self.stats.delivered,
            delivered_ce: self.stats.delivered_ce,
            dsack_dups: self.stats.dsack_dups,
            out_of_order_in: self.stats.out_of_order_in,
            total_rto: self.stats.total_rto,
            rto_recoveries: self.stats.rto_recoveries,
            rto_time: Duration::from_millis(self.stats.rto_ms.into()),
            syn_data: self.fast.as_ref().is_some_and(|f| f.data_acked),
            fast_open_fail: self.fast.as_ref().map_or(0, |f| f.fail as u8),
            rcv_space: self.recvbuf.tuning.space(),
            rcv_rtt: self.recvbuf.tuning.rtt(),
            pacing_rate: self.pacing_rate(u64::MAX),
            max_pacing_rate: u64::MAX,
            delivery_rate,
            delivery_rate_app_limited,
            busy_time: busy,
            rwnd_limited: by_window,
            sndbuf_limited: by_buffer,
            bbr: self.cc.bbr_info(),
        }
    }
}
