//! The forger: he sees everything, knows every number, and sends in the name of either host what must do no harm.

use super::*;
use matnet_stack::wire::tcp::Flags;
use matnet_stack::wire::{ChecksumMode, ethernet, icmpv4};

/// What is sent to `host` in the name of the other.
struct Forgery {
    flags: Flags,
    seq: u32,
    ack: u32,
    window: u16,
    data: Vec<u8>,
    urgent: u16,
    options: tcp::Options,
}

impl World<'_> {
    pub(super) fn forge(&mut self) {
        let host = usize::from(self.input.bool());
        let conn = usize::from(self.input.u8()) % self.links.len();
        let kind = self.input.u8() % 16;
        if kind == 15 {
            // Something that was seen before comes again.
            let seen = &self.seen[1 - host];
            if !seen.is_empty() {
                let frame = seen[usize::from(self.input.u8()) % seen.len()].clone();
                // Super-segments have no checksum of their own.
                if frame.len() <= 9014 {
                    self.report.forged += 1;
                    self.receive(host, frame, RxMeta::default());
                }
            }
            return;
        }
        if kind == 14 || kind == 13 {
            return self.forge_icmp(host, conn);
        }
        let (Some(here), Some(there)) = (self.audited(host, conn), self.audited(1 - host, conn)) else {
            return;
        };
        let open = |state| !matches!(state, TcpState::SynSent | TcpState::SynReceived | TcpState::Listen);
        if !open(here.state) || !open(there.state) {
            return;
        }
        let near = u32::from(self.input.u16());
        let far = self.input.u32();
        let window = here.rcv_adv.wrapping_sub(here.rcv_nxt);
        let mut forged = Forgery {
            flags: Flags::ACK,
            seq: here.rcv_nxt,
            ack: here.snd_una,
            window: self.input.pick(&[0, 1, 1000, 65_535]),
            data: Vec::new(),
            urgent: 0,
            options: tcp::Options::default(),
        };
        if let Some(recent) = here.ts_recent {
            // Newer than the peer's own it would shut the peer out, rightly (RFC 7323 section 5.3).
            let age = self.input.pick(&[0, 0, 1, 1000, 1 << 30]);
            if self.input.u8() & 3 != 0 {
                forged.options.timestamps = Some((recent.wrapping_sub(age), far));
            }
        }
        match kind {
            0 => {
                // Beside the window: to the right, or far to the left. At RCV.NXT - 1 it is right after a FIN.
                forged.flags = if near & 1 == 0 { Flags::RST } else { Flags::RST | Flags::ACK };
                forged.seq = if near & 2 == 0 {
                    here.rcv_adv.wrapping_add(1 + near)
                } else {
                    here.rcv_nxt.wrapping_sub(2 + near)
                };
            }
            1 if window > 1 => {
                // In the window, beside the mark (RFC 5961 section 3.2).
                forged.flags = Flags::RST;
                forged.seq = here.rcv_nxt.wrapping_add(1 + far % (window - 1));
                if here.sack_edge == Some(forged.seq) {
                    return;
                }
            }
            2 if self.input.one_in(8) => {
                forged.flags = Flags::RST;
                self.links[conn].killed = true;
            }
            3 => {
                forged.flags = if near & 1 == 0 { Flags::SYN } else { Flags::SYN | Flags::ACK };
                forged.seq = if near & 2 == 0 { far } else { here.rcv_nxt.wrapping_add(near) };
            }
            4 => forged.ack = here.snd_nxt.wrapping_add(1 + near),
            5 => forged.ack = here.snd_una.wrapping_sub(if near & 1 == 0 { near } else { far >> 1 }),
            6..=8 => {
                // True bytes, cut anew, perhaps with what else a segment can say.
                let sent = there.snd_nxt.wrapping_sub(there.iss).wrapping_sub(1) as usize;
                let sent = sent.min(self.links[conn].streams[1 - host].written);
                if sent == 0 || there.snd_nxt == there.iss {
                    return;
                }
                let start = far as usize % sent;
                let len = (near as usize % 3000 + 1).min(sent - start).min(1400);
                forged.seq = there.iss.wrapping_add(1 + start as u32);
                forged.data = (start..start + len).map(|offset| byte(conn, 1 - host, offset)).collect();
                if kind == 8 {
                    forged.flags = Flags::ACK | Flags::URG | Flags::PSH;
                    forged.urgent = near as u16;
                }
            }
            9 | 10 => {
                // What was never delivered, or never sent.
                for n in 0..1 + near % 4 {
                    let left = match n {
                        0 => here.snd_una.wrapping_add(far % 20_000),
                        1 => here.snd_una.wrapping_sub(far % 20_000),
                        _ => here.snd_nxt.wrapping_sub(far % 5000),
                    };
                    let right = left.wrapping_add(1 + near * 7 % 5000);
                    forged.options.sack_blocks.push(SeqNumber(left), SeqNumber(right));
                }
            }
            11 => {
                // An end where there is none.
                forged.flags = Flags::ACK | Flags::FIN;
                forged.seq = here.rcv_adv.wrapping_add(2 + near);
            }
            // A part of what the other has: an acknowledgement divided.
            _ => {
                let true_ack = there.rcv_nxt.wrapping_sub(here.snd_una);
                if true_ack as i32 <= 0 {
                    return;
                }
                forged.ack = here.snd_una.wrapping_add(1 + far % true_ack);
            }
        }
        self.report.forged += 1;
        self.send_forged(host, conn, &forged);
    }

    fn send_forged(&mut self, host: usize, conn: usize, forged: &Forgery) {
        let port = self.links[conn].port;
        let (src_port, dst_port) = if host == 0 { (PORT, port) } else { (port, PORT) };
        let repr = tcp::Repr {
            src_port,
            dst_port,
            seq: SeqNumber(forged.seq),
            ack: SeqNumber(forged.ack),
            flags: forged.flags,
            window: forged.window,
            urgent: forged.urgent,
            options: forged.options,
        };
        let mut segment = Vec::new();
        repr.emit(&mut segment, addr(1 - host), addr(host), &[&forged.data], ChecksumMode::Full);
        segment.extend_from_slice(&forged.data);
        trace!(self, "forged:");
        let frame = packet(1 - host, host, ipv4::PROTO_TCP, &segment);
        self.receive(host, frame, RxMeta::default());
    }

    /// An error about something that `host` sent.
    fn forge_icmp(&mut self, host: usize, conn: usize) {
        let Some(here) = self.audited(host, conn) else { return };
        if matches!(here.state, TcpState::SynSent | TcpState::SynReceived) || self.seen[host].is_empty() {
            return;
        }
        let at = usize::from(self.input.u8()) % self.seen[host].len();
        let frame = self.seen[host][at].clone();
        if frame[13] != 0 || frame[23] != ipv4::PROTO_TCP || frame[47] & 2 != 0 {
            return;
        }
        // Another connection's handshake may be ended by it, rightly.
        if (0..self.links.len()).any(|conn| {
            self.audited(host, conn)
                .is_some_and(|c| matches!(c.state, TcpState::SynSent | TcpState::SynReceived))
        }) {
            return;
        }
        let quoted = &frame[14..frame.len().min(14 + 28 + usize::from(self.input.u8()))];
        let code = self.input.u8() % 16;
        let mtu = self.input.pick(&[0, 68, 296, 552, 600, 1280, 1499, 65_535]);
        let mut message = Vec::new();
        match self.input.u8() % 6 {
            0 | 1 => icmpv4::Repr::DstUnreachable { code: 4, mtu, quoted },
            2 => icmpv4::Repr::DstUnreachable { code, mtu, quoted },
            3 => icmpv4::Repr::TimeExceeded { code: code % 2, quoted },
            4 => icmpv4::Repr::ParamProblem { code: 0, pointer: code, quoted },
            _ => icmpv4::Repr::SourceQuench { quoted },
        }
        .emit(&mut message);
        self.report.forged += 1;
        trace!(self, "forged ICMP:");
        let frame = packet(1 - host, host, ipv4::PROTO_ICMP, &message);
        self.receive(host, frame, RxMeta::default());
    }

    /// The truth about a packet that was too large.
    pub(super) fn router_complains(&mut self, to: usize, frame: &[u8]) {
        let quoted = &frame[14..frame.len().min(14 + 200)];
        let mut message = Vec::new();
        icmpv4::Repr::DstUnreachable { code: 4, mtu: self.net.mtu as u16, quoted }.emit(&mut message);
        let frame = packet(1 - to, to, ipv4::PROTO_ICMP, &message);
        self.serial += 1;
        let at = self.now + Duration::from_micros(self.net.delay);
        self.air.insert((at, self.serial), (to, frame, RxMeta::default()));
    }
}

fn packet(from: usize, to: usize, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ethernet::Repr { src: mac(from), dst: mac(to), ethertype: ethernet::EtherType::Ipv4 }.emit(&mut frame);
    ipv4::Repr {
        src: addr(from),
        dst: addr(to),
        protocol,
        ttl: 64,
        tos: 0,
        ident: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        payload_len: payload.len(),
    }
    .emit(&mut frame);
    frame.extend_from_slice(payload);
    frame
}
