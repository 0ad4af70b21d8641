//! Listening sockets: half-open requests and the accept queue, as Linux has them.
//!
//! A SYN makes a [`Request`], some 200 bytes, not a connection: a flood of SYNs is bounded and cheap. The
//! final ACK of the handshake turns the request into a connection in SYN-RECEIVED, which then processes that
//! segment like any other. When the accept queue holds more than `backlog` connections, SYNs and final ACKs
//! are dropped: the client, who thinks that it is connected, sends again, and gets in when the user has
//! accepted some.
//!
//! Requests of a listener that is gone are found out when they are next touched.
//!
//! Limits: no SYN cookies; at most 4096 requests, and per listener the backlog or 256, whichever is more.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::ports::{Hold, Use};
use super::recvbuf::RecvBuf;
use super::rtt::{RTO_INITIAL, RTO_MAX};
use super::socket::{Body, Conn, Owner, PortHold, RCV_WSCALE, Socket};
use super::timers::SYN_ACK_RETRIES;
use super::{Bare, IpOutput, Reply, SegmentIn, Target, Tcp, Tuple, bare_repr};
use crate::counters::Counters;
use crate::iface::icmp::IcmpError;
use crate::time::{Duration, Instant};
use crate::types::{Readiness, TcpState};
use crate::wire::SeqNumber;
use crate::wire::tcp::{Flags, Options, Repr};

/// Half-open requests of all listeners.
const MAX_REQUESTS: usize = 4096;
/// Half-open requests of a listener with a smaller backlog.
const MIN_REQUESTS: usize = 256;
/// Least interval between answers to repeated SYNs of a request.
const AGAIN_INTERVAL: Duration = Duration::from_millis(500);

/// What a socket in LISTEN holds.
pub(super) struct Listener {
    pub port: u16,
    pub addr: Ipv4Addr,
    pub backlog: usize,
    /// Connections to accept, oldest first.
    pub children: VecDeque<u32>,
    /// Half-open requests.
    pub requests: usize,
}

impl Listener {
    /// True when accept(2) would answer.
    pub(super) fn has_child(&self) -> bool {
        !self.children.is_empty()
    }

    /// Linux's `sk_acceptq_is_full`: *more* than the backlog.
    fn is_full(&self) -> bool {
        self.children.len() > self.backlog
    }
}

/// A SYN that was answered, waiting for the final ACK.
pub(super) struct Request {
    listener: (u32, u32),
    tuple: Tuple,
    /// The header of the SYN.
    syn: Repr,
    /// TCP_SAVE_SYN: its IP and TCP header.
    saved: Option<Box<[u8]>>,
    /// When the client completed the handshake without data (TCP_DEFER_ACCEPT).
    acked_at: Option<Instant>,
    /// The SYN-ACK was sent again.
    resent: bool,
    iss: SeqNumber,
    ts_offset: u32,
    ts_recent: u32,
    pmtu: u16,
    advmss: u16,
    retries: u8,
    /// When the SYN-ACK first left.
    sent_at: Option<Instant>,
    last_answer: Instant,
}

impl Tcp {
    /// The listener for a segment: an exact address before the wildcard; among several (SO_REUSEPORT), by
    /// hash.
    pub(super) fn find_listener(&self, tuple: &Tuple) -> Option<u32> {
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, tuple.local.port());
        let list = self.listeners.get(&tuple.local).or_else(|| self.listeners.get(&any))?;
        if let [one] = list.as_slice() {
            return Some(*one);
        }
        let hash = std::hash::BuildHasher::hash_one(&self.hash, tuple);
        let chosen = hash.checked_rem(list.len() as u64)?;
        list.get(usize::try_from(chosen).ok()?).copied()
    }

    /// Enters a listener into the table of those that take IPv4.
    pub(super) fn link_listener(&mut self, index: u32) {
        if let Some(Socket { body: Body::Listen(l), opts, .. }) = self.socks.get(index)
            && !opts.v6only
        {
            self.listeners.entry(SocketAddrV4::new(l.addr, l.port)).or_default().push(index);
        }
    }

    /// Takes it out.
    pub(super) fn unlink_listener(&mut self, index: u32) {
        let Some(Socket { body: Body::Listen(l), .. }) = self.socks.get(index) else { return };
        let addr = SocketAddrV4::new(l.addr, l.port);
        if let Some(list) = self.listeners.get_mut(&addr) {
            list.retain(|i| *i != index);
            if list.is_empty() {
                self.listeners.remove(&addr);
            }
        }
    }

    /// RFC 9293 section 3.10.7.2: a segment for a socket in LISTEN.
    pub(super) fn listener_segment(
        &mut self,
        now: Instant,
        index: u32,
        tuple: Tuple,
        mut seg: SegmentIn,
        isn: Option<SeqNumber>,
        counters: &mut Counters,
    ) {
        let flags = seg.repr.flags;
        // "First, check for a RST: an incoming RST should be ignored. Return. Second, check for an ACK: any
        // acknowledgment is bad if it arrives on a connection still in the LISTEN state. An acceptable reset
        // segment should be formed. Third, check for a SYN". SYN with FIN is nonsense, as Linux has it.
        if flags.contains(Flags::RST) {
            return;
        }
        if flags.contains(Flags::ACK) {
            counters.tcp_no_socket += 1;
            self.reply_reset(&tuple, &seg, counters);
            return;
        }
        if !flags.contains(Flags::SYN) || flags.contains(Flags::FIN) {
            return;
        }
        let Some(generation) = self.socks.generation(index) else { return };
        let total = self.requests.len();
        let Some(Socket { body: Body::Listen(listener), opts, .. }) = self.socks.get_mut(index) else {
            return;
        };
        if !seg.may_enter(opts, counters) {
            return;
        }
        let save_syn = opts.save_syn;
        if listener.is_full() {
            counters.tcp_backlog_full += 1;
            return;
        }
        if listener.requests >= listener.backlog.max(MIN_REQUESTS) || total >= MAX_REQUESTS {
            counters.tcp_requests_full += 1;
            return;
        }
        listener.requests += 1;
        let saved = save_syn.then(|| seg.head.to_vec().into_boxed_slice());
        let iss = isn.unwrap_or_else(|| self.secrets.isn(&tuple, now));
        let request = Request {
            listener: (index, generation),
            tuple,
            syn: seg.repr,
            saved,
            acked_at: None,
            resent: false,
            iss,
            ts_offset: self.secrets.timestamp_offset(*tuple.local.ip(), *tuple.remote.ip()),
            ts_recent: seg.repr.options.timestamps.map_or(0, |t| t.0),
            pmtu: 0,
            advmss: 0,
            retries: 0,
            sent_at: None,
            last_answer: now,
        };
        counters.tcp_requests += 1;
        let (request, generation) = self.requests.insert(request);
        self.demux.insert(tuple, Target::Request(request));
        self.request_timers.set(request, now + RTO_INITIAL);
        self.push_reply(Reply::SynAck { index: request, generation });
    }

    /// The SYN-ACK of a request, for the path as it is now.
    pub(super) fn syn_ack(
        &mut self,
        now: Instant,
        index: u32,
        generation: u32,
        ip: &dyn IpOutput,
    ) -> Option<Bare> {
        let request = self.requests.get_gen_mut(index, generation)?;
        let sock = self.socks.get_gen(request.listener.0, request.listener.1)?;
        let tuple = request.tuple;
        let peer = *tuple.remote.ip();
        request.pmtu = if sock.opts.mtu_discover.uses_path() { ip.path_mtu(peer) } else { ip.link_mtu(peer) };
        request.advmss = Conn::mss_for_mtu(request.pmtu).min(sock.opts.maxseg.unwrap_or(u16::MAX));
        request.sent_at.get_or_insert(now);
        let offered = &request.syn.options;
        let clock = (now.millis() as u32).wrapping_add(request.ts_offset);
        let clamp = u16::try_from(super::socket::limit(sock.opts.window_clamp)).unwrap_or(u16::MAX);
        let window = RecvBuf::first_window(sock.opts.rcvbuf).min(clamp);
        let mut repr = bare_repr(&tuple, request.iss, request.syn.seq + 1, Flags::SYN | Flags::ACK, window);
        repr.options = Options {
            mss: Some(request.advmss),
            window_scale: offered.window_scale.map(|_| RCV_WSCALE),
            sack_permitted: offered.sack_permitted,
            timestamps: offered.timestamps.map(|_| (clock, request.ts_recent)),
            ..Options::default()
        };
        Some(Bare {
            src: *tuple.local.ip(),
            dst: *tuple.remote.ip(),
            tos: sock.opts.tos,
            ttl: sock.opts.ttl,
            repr,
        })
    }

    /// A segment of a half-open request (Linux: `tcp_check_req`).
    pub(super) fn request_segment(
        &mut self,
        now: Instant,
        index: u32,
        tuple: Tuple,
        mut seg: SegmentIn,
        counters: &mut Counters,
    ) {
        let Some(generation) = self.requests.generation(index) else { return };
        let Some(request) = self.requests.get_mut(index) else { return };
        let (repr, flags) = (seg.repr, seg.repr.flags);
        if self.socks.get_gen(request.listener.0, request.listener.1).is_none() {
            self.remove_request(index);
            self.new_segment(now, tuple, seg, None, counters);
            return;
        }
        if let Some(sock) = self.socks.get_gen(request.listener.0, request.listener.1)
            && !seg.may_enter(&sock.opts, counters)
        {
            return;
        }
        let rcv_nxt = request.syn.seq + 1;
        let repeated_syn = flags.contains(Flags::SYN)
            && !flags.intersects(Flags::ACK | Flags::RST)
            && repr.seq == request.syn.seq;
        if repeated_syn {
            // The SYN-ACK was lost.
            if now.since(request.last_answer) >= AGAIN_INTERVAL {
                request.last_answer = now;
                request.resent = true;
                if let Some((val, _)) = repr.options.timestamps {
                    request.ts_recent = val;
                }
                self.push_reply(Reply::SynAck { index, generation });
            }
            return;
        }
        let old = match (request.syn.options.timestamps, repr.options.timestamps) {
            (Some(_), Some((val, _))) => (val.wrapping_sub(request.ts_recent) as i32) < 0,
            _ => false,
        };
        let end = repr.seq + seg.seq_len();
        let in_window = end.ge(rcv_nxt) && repr.seq.le(rcv_nxt + 65_535);
        if (old && !flags.contains(Flags::RST)) || !in_window {
            // "If an incoming segment is not acceptable, an acknowledgment should be sent in reply (unless
            // the RST bit is set [...])".
            if !flags.contains(Flags::RST) && now.since(request.last_answer) >= AGAIN_INTERVAL {
                request.last_answer = now;
                let (iss, ts) = (request.iss, request.ts_recent);
                let clock = (now.millis() as u32).wrapping_add(request.ts_offset);
                let has_ts = request.syn.options.timestamps.is_some();
                // RFC 7323 section 2.2: the window of a segment without SYN is scaled.
                let shift = if request.syn.options.window_scale.is_some() { RCV_WSCALE } else { 0 };
                let mut ack = bare_repr(&tuple, iss + 1, rcv_nxt, Flags::ACK, 0xffff >> shift);
                ack.options.timestamps = has_ts.then_some((clock, ts));
                self.push_reply(Reply::Segment(Bare {
                    src: *tuple.local.ip(),
                    dst: *tuple.remote.ip(),
                    tos: 0,
                    ttl: 64,
                    repr: ack,
                }));
            }
            counters.tcp_out_of_window += 1;
            return;
        }
        if flags.contains(Flags::RST) {
            // RFC 5961 section 3.2; RFC 9293: "If this connection was initiated with a passive OPEN, then
            // return this connection to the LISTEN state".
            if repr.seq == rcv_nxt {
                counters.tcp_resets_in += 1;
                self.remove_request(index);
            }
            return;
        }
        if flags.contains(Flags::SYN) {
            // Linux: a SYN in the window ends the request, and says so.
            self.remove_request(index);
            self.reply_reset(&tuple, &seg, counters);
            return;
        }
        if !flags.contains(Flags::ACK) {
            return;
        }
        if repr.ack != request.iss + 1 {
            // "If the segment acknowledgment is not acceptable, form a reset segment <SEQ=SEG.ACK><CTL=RST>".
            self.reply_reset(&tuple, &seg, counters);
            return;
        }
        let (full, defer) = match self.socks.get(request.listener.0) {
            Some(Socket { body: Body::Listen(listener), opts, .. }) => {
                (listener.is_full(), opts.defer_accept)
            }
            _ => (true, 0),
        };
        if request.retries < defer && end == rcv_nxt {
            // TCP_DEFER_ACCEPT: a bare ACK does not open the connection (tcp_check_req).
            request.acked_at.get_or_insert(now);
            counters.tcp_deferred += 1;
            return;
        }
        if full {
            counters.tcp_backlog_full += 1;
            return;
        }
        if let Some(child) = self.promote(now, index) {
            self.conn_segment(now, child, seg, true, counters);
        }
    }

    /// Makes a connection of a request.
    fn promote(&mut self, now: Instant, index: u32) -> Option<u32> {
        let (listener, generation) = self.requests.get(index)?.listener;
        let opts = self.socks.get_gen(listener, generation)?.opts.clone();
        let request = self.remove_request(index)?;
        let tuple = request.tuple;
        let mut conn = Conn::new(tuple, request.iss, request.ts_offset, &opts, now);
        conn.take_syn(now, &request.syn);
        conn.saved_syn = request.saved;
        conn.ts.recent = request.ts_recent;
        conn.state = TcpState::SynReceived;
        conn.snd_nxt = request.iss + 1;
        conn.snd_wnd = u32::from(request.syn.window);
        conn.max_window = conn.snd_wnd;
        conn.snd_wl1 = request.syn.seq;
        conn.pmtu = request.pmtu;
        conn.advmss = request.advmss;
        conn.retries = request.retries;
        // Should the segment at hand not establish it after all, it lives on as a request would.
        conn.backoff = request.retries;
        conn.retransmit_at = Some(now + RTO_INITIAL);
        if !request.resent {
            // A round trip ends with the acknowledgement, not with the data that TCP_DEFER_ACCEPT waits for.
            let waited = request.acked_at.map_or(Duration::ZERO, |at| now.since(at));
            conn.syn_sent_at = request.sent_at.map(|at| at + waited);
        }
        let hold = Hold::new(tuple.local, &opts);
        self.ports.hold((hold, Use::Connection));
        let mut sock = Socket::new(opts, Owner::Embryo(listener, generation), Body::Conn(Box::new(conn)));
        sock.port = PortHold::Counted(hold);
        let (child, _) = self.socks.insert(sock);
        self.demux.insert(tuple, Target::Conn(child));
        Some(child)
    }

    /// A child's handshake is over: it waits to be accepted.
    pub(super) fn enqueue_child(&mut self, listener: u32, generation: u32, child: u32) {
        let Some(Socket { body: Body::Listen(l), edges, .. }) = self.socks.get_gen_mut(listener, generation)
        else {
            // The listener went in between.
            self.kill(child);
            return;
        };
        l.children.push_back(child);
        *edges |= Readiness::IN;
        if let Some(sock) = self.socks.get_mut(child) {
            sock.owner = Owner::Accepting;
        }
        self.flush_edges(listener);
    }

    /// Retransmits the SYN-ACK, or gives up.
    pub(super) fn request_timeout(&mut self, now: Instant, index: u32, counters: &mut Counters) {
        let Some(generation) = self.requests.generation(index) else { return };
        let Some(request) = self.requests.get_mut(index) else { return };
        let listener = self.socks.get_gen(request.listener.0, request.listener.1);
        let defer = listener.map_or(0, |l| l.opts.defer_accept);
        // TCP_SYNCNT of a listener counts for its SYN-ACKs; its default is not a setting (inet_csk_listen_start).
        let most = listener.map_or(0, |l| {
            let set = l.opts.syncnt;
            if set == crate::types::TcpOptions::default().syncnt { SYN_ACK_RETRIES } else { set }
        });
        // syn_ack_recalc: who completed the handshake is asked again only when the time to wait for data is nearly over,
        // so that the answer opens the connection.
        let waits = defer > 0 && request.acked_at.is_some();
        let (expired, again) = (
            request.retries >= most && (!waits || request.retries >= defer),
            !waits || request.retries >= defer - 1,
        );
        if listener.is_none() || expired {
            counters.tcp_requests_expired += 1;
            self.remove_request(index);
            return;
        }
        request.retries += 1;
        let wait = (RTO_INITIAL * (1 << request.retries.min(7))).min(RTO_MAX);
        self.request_timers.set(index, now + wait);
        if !again {
            return;
        }
        request.last_answer = now;
        request.resent = true;
        counters.tcp_syn_retransmits += 1;
        self.push_reply(Reply::SynAck { index, generation });
    }

    /// Linux removes a request silently when its SYN-ACK finds no way; accept(2) does not report it.
    pub(super) fn request_icmp_error(
        &mut self,
        index: u32,
        seq: SeqNumber,
        error: IcmpError,
        counters: &mut Counters,
    ) {
        let Some(request) = self.requests.get(index) else { return };
        if seq != request.iss {
            counters.tcp_icmp_out_of_window += 1;
            return;
        }
        if matches!(error, IcmpError::NetUnreachable | IcmpError::HostUnreachable | IcmpError::TimeExceeded) {
            counters.tcp_icmp_aborts += 1;
            self.remove_request(index);
        }
    }

    pub(super) fn remove_request(&mut self, index: u32) -> Option<Request> {
        self.request_timers.cancel(index);
        let request = self.requests.remove(index)?;
        if self.demux.get(&request.tuple) == Some(&Target::Request(index)) {
            self.demux.remove(&request.tuple);
        }
        if let Some(Socket { body: Body::Listen(listener), .. }) =
            self.socks.get_gen_mut(request.listener.0, request.listener.1)
        {
            listener.requests = listener.requests.saturating_sub(1);
        }
        Some(request)
    }
}
