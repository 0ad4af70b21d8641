//! What a connection sends, and when (RFC 9293 sections 3.7.4, 3.8 and 3.10.2).
//!
//! `output` runs when the connection may have something to say: retransmissions first, then new data as the
//! peer's window, the congestion window and Nagle's rule allow, then FIN, probe, acknowledgement. Each frame
//! is as large as the layer below takes, in whole segments; only the last may end in a shorter one. The
//! payload is handed down as slices of the send buffer: nothing is copied or allocated here.
//!
//! When the device is full the state is as if the frame had not been tried.

use super::congestion;
use super::mtu_probe::Probing;
use super::recovery::Phase;
use super::rtt::{RTO_INITIAL, RTO_MIN};
use super::sendbuf::MAX_SLICES;
use super::socket::{Conn, HEADERS, Rexmit};
use super::{Cx, IpOutput, TcpOut, segments_of};
use crate::time::{Duration, Instant};
use crate::types::{Full, TcpState};
use crate::wire::SeqNumber;
use crate::wire::ipv4::Ecn;
use crate::wire::tcp::{Flags, MAX_OPTIONS, Options, Repr};

/// Most payload in one frame: an IP packet has 65535 bytes, headers and options take up to 120.
const MAX_FRAME: usize = 65_535 - 120;

/// Bytes under way from which on a frame that is not full waits for more ([`Conn::gathers`]): two full frames.
pub(super) const GATHER_FROM: u32 = 128 << 10;
/// How often the neighbour cache is told that acknowledgements come: more often than it wants to know.
const CONFIRM_INTERVAL: Duration = Duration::from_secs(5);
/// Round trips up to which it does.
const GATHER_RTT: Duration = Duration::from_millis(1);

impl Conn {
    /// Sends what may be sent.
    pub(super) fn output(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput) -> Result<(), Full> {
        self.output_wanted = false;
        let result = match self.state {
            TcpState::Closed | TcpState::Listen | TcpState::TimeWait => Ok(()),
            TcpState::SynReceived if self.is_early_child() => self.output_early(cx, ip),
            TcpState::SynSent | TcpState::SynReceived => self.output_syn(cx, ip),
            _ => self.output_established(cx, ip),
        };
        if result.is_err() {
            self.output_wanted = true;
        }
        result
    }

    /// The MTU that bounds segments.
    fn mtu(&self, cx: &Cx<'_>, ip: &dyn IpOutput) -> u16 {
        let peer = *self.tuple.remote.ip();
        if cx.opts.mtu_discover.uses_path() { ip.path_mtu(peer) } else { ip.link_mtu(peer) }
    }

    /// A server's connection whose handshake is not over: data may follow the SYN-ACK (RFC 7413 section 4.2.2).
    fn output_early(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput) -> Result<(), Full> {
        if self.syn_due {
            self.output_syn(cx, ip)?;
            let window = self.recvbuf.limit().min(self.window_clamp as usize).min(65_535);
            self.ack_sent(self.rcv_nxt + window);
        }
        self.output_established(cx, ip)
    }

    /// SYN or SYN-ACK.
    fn output_syn(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput) -> Result<(), Full> {
        let answering = self.state == TcpState::SynReceived;
        if !(self.syn_due || (answering && self.ack.now)) {
            return Ok(());
        }
        let mtu = self.mtu(cx, ip);
        self.pmtu = mtu;
        self.advmss = Conn::mss_for_mtu(mtu);
        if let Some(user) = cx.opts.maxseg {
            self.advmss = self.advmss.min(user);
        }
        // Fast Open: the first SYN has data and the option, a repeated one has neither.
        let first = self.retries == 0 && self.snd_nxt == self.iss;
        let fast = self.fast.as_ref().filter(|_| first);
        let fast_open = fast.and_then(|f| f.option);
        let room = usize::from(mtu).saturating_sub(usize::from(HEADERS) + MAX_OPTIONS);
        let data = fast.map_or(0, |f| f.in_syn).min(room);
        let repr = Repr {
            src_port: self.tuple.local.port(),
            dst_port: self.tuple.remote.port(),
            seq: self.iss,
            ack: if answering { self.rcv_nxt } else { SeqNumber(0) },
            flags: if answering {
                Flags::SYN | Flags::ACK | self.ecn.agree()
            } else {
                Flags::SYN | self.ecn.ask(cx.opts.ecn, self.retries > 0)
            },
            // RFC 7323 section 2.2: "The window field in a segment where the SYN bit is set [...] MUST NOT be
            // scaled."
            window: u16::try_from(self.recvbuf.limit().min(self.window_clamp as usize)).unwrap_or(u16::MAX),
            urgent: 0,
            options: Options {
                mss: Some(self.advmss),
                window_scale: (!answering || self.wscale_ok).then_some(self.rcv_wscale),
                sack_permitted: !answering || self.sack_ok,
                timestamps: (!answering || self.ts.on).then(|| (self.ts_now(cx.now), self.ts.recent)),
                fast_open,
                ..Options::default()
            },
        };
        self.transmit(cx, ip, &repr, 0, data, None)?;
        if first {
            self.syn_sent_at = Some(cx.now);
            self.trouble_since = Some(cx.now);
        }
        if data > 0 {
            self.stats.bytes_sent += data as u64;
            self.stats.data_segs_out = self.stats.data_segs_out.wrapping_add(1);
        }
        self.snd_nxt = self.snd_nxt.max(self.iss + 1 + data);
        self.syn_due = false;
        self.ack.now = false;
        if self.retransmit_at.is_none() {
            self.rexmit = Rexmit::Rto;
            self.retransmit_at = Some(cx.now + RTO_INITIAL * (1 << self.backoff.min(7)));
        }
        Ok(())
    }

    fn output_established(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput) -> Result<(), Full> {
        let has_data = self.board.lost() > 0 || self.unsent() > 0 || (self.fin_queued && !self.fin_sent);
        if has_data {
            let mtu = self.mtu(cx, ip);
            if self.pmtu == 0 {
                self.advmss = Conn::mss_for_mtu(mtu);
            }
            let unset = self.win.cwnd == 0;
            self.update_mss(mtu, cx.opts.maxseg);
            if unset || (self.win.cwnd < congestion::initial_window(self.mss) && self.stats.bytes_sent == 0) {
                self.start_window(self.starts_small());
            }
            if unset {
                self.begin_control(cx.now, cx.opts.max_pacing_rate);
            }
            let nxt = self.snd_nxt;
            self.departure_late |= self.departure_due && self.departs <= cx.now;
            self.departure_due = false;
            self.usage.held = false;
            if self.mend.as_ref().is_some_and(|m| m.frto_hold) {
                self.send_for_frto(cx, ip)?;
            } else {
                if !self.mend.as_ref().is_some_and(|m| m.late_hold) {
                    self.retransmit_lost(cx, ip)?;
                }
                self.send_new(cx, ip)?;
            }
            self.departure_late = false;
            if self.snd_nxt != nxt || self.usage.held {
                self.note_usage(cx.now);
            }
            self.note_limit(cx.now);
            if self.notsent_lowat != u32::MAX {
                self.tell_of_room();
            }
        } else {
            // What waited for its departure arrived meanwhile, as SACK told.
            self.departure_late = false;
            self.departure_due = false;
            self.note_limit(cx.now);
        }
        if self.mend.as_ref().is_some_and(|m| m.tlp_due) {
            self.send_loss_probe(cx, ip)?;
        }
        if self.probe {
            if self.urgent_up().is_some() {
                // The pointer crosses a closed window (RFC 9293 section 3.8.5; Linux: tcp_write_wakeup).
                self.send_bare(cx, ip, self.snd_una)?;
            }
            self.send_bare(cx, ip, self.snd_una - 1)?;
            self.probe = false;
            cx.counters.tcp_probes_out += 1;
        }
        // More than one only when more was out of order than an option can tell.
        while self.ack.now {
            self.send_bare(cx, ip, self.snd_nxt)?;
            cx.counters.tcp_acks_out += 1;
        }
        self.arm_after_output(cx.now);
        Ok(())
    }

    /// RFC 6675 section 5, step C: what is marked lost, as long as cwnd - pipe has room for a segment.
    pub(super) fn retransmit_lost(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput) -> Result<(), Full> {
        let mss = self.segment_size();
        let max = self.frame_size(ip, mss);
        let pace = self.paced(cx.opts);
        let max = pace.map_or(max, |rate| self.burst(rate, mss, max));
        let mut from = 0;
        while let Some((index, start, len)) = self.board.next_lost_from(from) {
            // A segment at least: with nothing in flight no acknowledgement comes whose bytes would make a small window larger.
            let room = (self.win.cwnd as usize).max(mss).saturating_sub(self.pipe() as usize);
            let mut n = (len as usize).min(max);
            // What the peer's window no longer covers is not sent, the head excepted when it is closed: what it would not take of
            // a segment would wait for another time-out (`__tcp_retransmit_skb`).
            let window = usize::try_from(self.window_end() - start).unwrap_or(0);
            let window = if start == self.snd_una && window == 0 { mss } else { window };
            let mut allowed = room.min(window);
            if self.force_retransmit {
                allowed = allowed.max(mss.min(window));
            }
            if n > allowed {
                n = if window < mss && allowed == window { window } else { allowed - allowed % mss };
            }
            if n == 0 || (pace.is_some() && !self.force_retransmit && self.awaits_departure(cx.now)) {
                break;
            }
            let end = start + n;
            let data_end = self.data_end();
            let data = usize::try_from(end.min(data_end) - start).unwrap_or(0);
            let fin = self.fin_sent && end.gt(data_end);
            let flags = Flags::ACK | if fin { Flags::FIN } else { Flags::PSH };
            self.send_data(cx, ip, start, data, mss, flags)?;
            if let Some(rate) = pace {
                self.departed(cx.now, data, rate);
            }
            self.count_retransmission(cx, data, mss);
            self.force_retransmit = false;
            if self.mtu_probe.is_some() {
                self.probe_inconclusive();
                self.note_trial(start, n, mss);
            }
            let stamp = self.ts_now(cx.now);
            self.note_retransmission(n as u32, stamp);
            self.board.on_retransmit(index, n as u32, cx.now, false);
            // The time of what is suspected beyond the head stays as it is (`tcp_xmit_retransmit_queue`).
            let suspects = self.rexmit == Rexmit::Reorder;
            if self.retransmit_at.is_none() || (index == 0 && !suspects) {
                self.rexmit = Rexmit::Rto;
                self.retransmit_at =
                    Some(cx.now + self.before_user_timeout(cx, self.rtt.backed_off(self.backoff)));
            }
            from = index;
        }
        Ok(())
    }

    /// Data never sent before, and FIN.
    pub(super) fn send_new(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput) -> Result<(), Full> {
        if self.outstanding() == 0 {
            self.restart_after_idle(cx.now);
        }
        let mss = self.segment_size();
        let max = self.frame_size(ip, mss);
        let pace = self.paced(cx.opts);
        let max = pace.map_or(max, |rate| self.burst(rate, mss, max));
        loop {
            let unsent = self.unsent();
            if unsent == 0 {
                return self.send_fin(cx, ip);
            }
            let probing = self.probing(cx);
            let (mss, max) = match probing {
                Probing::No => (mss, max),
                Probing::Wait => return Ok(()),
                Probing::Now(size) => (size, size),
            };
            let window = usize::try_from(self.window_end() - self.snd_nxt).unwrap_or(0);
            if window < unsent.min(mss) && !(self.force_small && window > 0) {
                // RFC 9293 section 3.8.6.2.1: less than a segment of window is not worth a packet; a segment
                // is at most half of the largest window (`update_mss`).
                return Ok(());
            }
            let room = (self.win.cwnd as usize).max(mss).saturating_sub(self.pipe() as usize);
            // Small packets: as many as cwnd has segments, or a peer that acknowledges none could make us
            // keep a record for each byte.
            let packets = (self.win.cwnd as usize / mss.max(1)).max(16);
            if room < unsent.min(mss) || (self.board.len() >= packets && unsent < mss) {
                self.usage.held = true;
                return Ok(());
            }
            let mut n = unsent.min(max).min(window).min(room);
            if n == unsent && n < max && self.gathers(cx) {
                return Ok(());
            }
            if self.force_small {
                // As much as fits: the window has been small for too long.
                n = n.min(mss);
            } else if n < unsent || n > mss {
                let tail = n % mss;
                if tail > 0 && (n < unsent || self.holds_back(cx, n > tail)) {
                    n -= tail;
                }
            } else if n < mss && self.holds_back(cx, false) {
                n = 0;
            }
            if n == 0 {
                return Ok(());
            }
            if pace.is_some() && self.awaits_departure(cx.now) {
                return Ok(());
            }
            let last = n == unsent;
            let fin = last && self.fin_queued && window > n;
            let mut flags = Flags::ACK;
            if last {
                // RFC 9293 section 3.9.1.2, MUST-60: the end of what is queued is pushed.
                flags |= Flags::PSH;
            }
            if fin {
                flags |= Flags::FIN;
            }
            let start = self.snd_nxt;
            if self.outstanding() == 0 {
                self.tx_start(cx);
            }
            self.send_data(cx, ip, start, n, mss, flags)?;
            if let Some(rate) = pace {
                self.departed(cx.now, n, rate);
            }
            if probing != Probing::No {
                self.probe_sent(cx, start, n);
            } else if self.mtu_probe.is_some() {
                self.note_trial(start, n, mss);
            }
            self.sent_new(cx, start, n, fin, mss);
        }
    }

    /// `n` bytes that were never sent before have left, and a FIN with them.
    pub(super) fn sent_new(&mut self, cx: &Cx<'_>, start: SeqNumber, n: usize, fin: bool, mss: usize) {
        self.force_small = false;
        if !n.is_multiple_of(mss.max(1)) {
            self.snd_sml = start + n;
        }
        let len = n + usize::from(fin);
        self.snd_nxt = start + len;
        self.fin_sent |= fin;
        self.board.on_send(start, len as u32, cx.now);
        self.note_new_data(len as u32);
        self.stats.last_data_sent = cx.now;
        self.note_answer(cx.now);
        self.arm_rto(cx.now);
    }

    /// A FIN with nothing before it.
    fn send_fin(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput) -> Result<(), Full> {
        if !self.fin_queued || self.fin_sent || !self.window_end().gt(self.snd_nxt) {
            return Ok(());
        }
        let start = self.snd_nxt;
        self.send_data(cx, ip, start, 0, self.segment_size(), Flags::ACK | Flags::FIN)?;
        self.snd_nxt = start + 1;
        self.fin_sent = true;
        self.board.on_send(start, 1, cx.now);
        self.arm_rto(cx.now);
        Ok(())
    }

    /// Nagle's rule as Minshall amended it and Linux has it: a short segment waits while another short one is
    /// not acknowledged; and corking: it waits for more. `after_full`: full segments go before it in the same
    /// frame.
    fn holds_back(&self, cx: &Cx<'_>, after_full: bool) -> bool {
        // tcp_nagle_test: nor in urgent mode.
        if self.fin_queued || self.push_to.ge(self.data_end()) || self.urgent_up().is_some() {
            return false;
        }
        if cx.opts.cork || self.more {
            return true;
        }
        let flying = self.outstanding() > 0 || after_full;
        !cx.opts.nodelay && flying && self.snd_sml.gt(self.snd_una) && self.snd_sml.le(self.snd_nxt)
    }

    /// Small writes make large frames, since a frame costs much the same whatever its size. While two full ones are on
    /// their way to a near peer, the next leaves when it is full too, or when an acknowledgement comes, which takes less
    /// than the peer needs for those two. Only for a user who wrote while they were on their way already, and not with
    /// TCP_NODELAY: what Nagle's rule does for a segment. (Linux holds data back as long as its own queue has some of the
    /// connection: tcp_autocorking.)
    fn gathers(&self, cx: &Cx<'_>) -> bool {
        self.gather
            && self.outstanding() >= GATHER_FROM
            && !cx.opts.nodelay
            && !self.fin_queued
            && !self.force_small
            && !self.push_to.ge(self.data_end())
            && self.urgent_up().is_none()
            && self.phase == Phase::Open
            && self.rtt.min_rtt() < GATHER_RTT
    }

    /// Payload bytes of a full segment now: SACK blocks take their part.
    pub(super) fn segment_size(&self) -> usize {
        let blocks = self.sack_option().len();
        let options = if blocks == 0 { 0 } else { 4 + 8 * blocks };
        usize::from(self.mss).saturating_sub(options).max(1)
    }

    fn sack_option(&self) -> crate::wire::tcp::SackBlocks {
        if !self.sack_ok || self.blocks.is_empty() {
            return crate::wire::tcp::SackBlocks::new();
        }
        self.blocks.option(self.sack_room())
    }

    /// RFC 2018 section 3: 40 bytes of options hold four blocks, or three beside timestamps.
    pub(super) const fn sack_room(&self) -> usize {
        if self.ts.on { 3 } else { 4 }
    }

    /// Most payload of a frame, in whole segments.
    fn frame_size(&self, ip: &dyn IpOutput, mss: usize) -> usize {
        if self.urgent_up().is_some() {
            // One pointer is right for one segment (tcp_write_xmit).
            return mss;
        }
        let max = ip.tso_max(*self.tuple.remote.ip()).min(MAX_FRAME);
        (max - max % mss).max(mss)
    }

    /// The header of a segment that leaves now.
    fn header(&self, now: Instant, seq: SeqNumber, flags: Flags) -> (Repr, SeqNumber) {
        let (window, edge) = self.announce();
        let mut repr = Repr {
            src_port: self.tuple.local.port(),
            dst_port: self.tuple.remote.port(),
            seq,
            ack: self.rcv_nxt,
            flags,
            window,
            urgent: 0,
            options: Options {
                timestamps: self.ts.on.then(|| (self.ts_now(now), self.ts.recent)),
                sack_blocks: self.sack_option(),
                ..Options::default()
            },
        };
        if self.urgent.is_some() {
            self.point_to_urgent(&mut repr);
        }
        (repr, edge)
    }

    pub(super) fn send_data(
        &mut self,
        cx: &mut Cx<'_>,
        ip: &mut dyn IpOutput,
        start: SeqNumber,
        len: usize,
        mss: usize,
        flags: Flags,
    ) -> Result<(), Full> {
        let (mut repr, edge) = self.header(cx.now, start, flags);
        if self.ecn.on() {
            repr.flags |= self.ecn_flags(start, len);
        }
        let cwr = repr.flags.contains(Flags::CWR);
        let offset = usize::try_from(start - self.buf_seq).unwrap_or(0);
        // A device that cuts the frame knows sizes of 16 bits; MSS is one.
        let gso = (len > mss).then(|| u16::try_from(mss).unwrap_or(u16::MAX));
        self.transmit(cx, ip, &repr, offset, len, gso)?;
        if cwr {
            self.cwr_sent();
        }
        self.stats.bytes_sent += len as u64;
        if len > 0 {
            self.stats.data_segs_out = self.stats.data_segs_out.wrapping_add(segments_of(len, mss));
        }
        self.ack_sent(edge);
        Ok(())
    }

    /// A segment without payload: acknowledgement or probe.
    fn send_bare(&mut self, cx: &mut Cx<'_>, ip: &mut dyn IpOutput, seq: SeqNumber) -> Result<(), Full> {
        let (mut repr, edge) = self.header(cx.now, seq, Flags::ACK);
        if self.ecn.on() {
            repr.flags |= self.ecn_flags(seq, 0);
        }
        self.transmit(cx, ip, &repr, 0, 0, None)?;
        self.ack_sent(edge);
        Ok(())
    }

    fn transmit(
        &mut self,
        cx: &mut Cx<'_>,
        ip: &mut dyn IpOutput,
        repr: &Repr,
        offset: usize,
        len: usize,
        gso_size: Option<u16>,
    ) -> Result<(), Full> {
        let mut slices: [&[u8]; MAX_SLICES] = [&[]; MAX_SLICES];
        let (count, held) = if len == 0 { (0, 0) } else { self.sendbuf.slices(offset, len, &mut slices) };
        // Slices always suffice (`sendbuf.rs`), and what is sent is in the buffer.
        debug_assert_eq!(held, len);
        let second = (cx.now.millis() / 1000) as u16;
        let confirm = self.snd_una != self.confirmed
            && cx.now.since(self.stats.last_ack_recv) < CONFIRM_INTERVAL
            && u64::from(second.wrapping_sub(self.confirmed_second)) >= CONFIRM_INTERVAL.as_secs();
        if confirm {
            self.confirmed = self.snd_una;
            self.confirmed_second = second;
        }
        let tos = if self.is_ect(repr, len) { Ecn::Ect0.on(cx.opts.tos) } else { cx.opts.tos };
        ip.send_tcp(
            cx.now,
            &TcpOut {
                src: *self.tuple.local.ip(),
                dst: *self.tuple.remote.ip(),
                tos,
                ttl: cx.opts.ttl,
                repr,
                payload: slices.get(..count).unwrap_or(&[]),
                gso_size,
                mtu_discover: cx.opts.mtu_discover,
                confirm,
            },
        )?;
        let segments = segments_of(len, gso_size.map_or(0, usize::from));
        cx.counters.tcp_out += u64::from(segments);
        self.stats.segs_out = self.stats.segs_out.wrapping_add(segments);
        Ok(())
    }

    /// RFC 9293 section 3.8.6.1: with nothing in flight and data that may not go, the window is probed. The
    /// same timer ends corking, after 200 ms at least, as on Linux.
    fn arm_after_output(&mut self, now: Instant) {
        let waiting = self.unsent() > 0 || (self.fin_queued && !self.fin_sent);
        // What waits for its departure (`pacing.rs`) has a timer.
        if self.outstanding() == 0 && waiting && self.retransmit_at.is_none() && !self.departure_due {
            self.rexmit = Rexmit::Persist;
            self.backoff = 0;
            self.retransmit_at = Some(now + self.rtt.rto().max(RTO_MIN));
        }
    }

    /// The window probe (Linux: `tcp_write_wakeup`): what the window allows of the data that waits, else a
    /// segment without data from before the window, which the peer must answer.
    pub(super) fn send_probe(&mut self) {
        let window = usize::try_from(self.window_end() - self.snd_nxt).unwrap_or(0);
        let unsent = self.unsent();
        if window > 0 && unsent > 0 {
            // What fits goes, whatever silly-window avoidance, Nagle and cork say.
            self.push_to = self.data_end();
            self.force_small = window < unsent.min(usize::from(self.mss));
        } else {
            self.probe = true;
        }
        self.output_wanted = true;
    }
}
