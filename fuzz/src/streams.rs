//! What every byte of every TCP stream must be, so that a lost, repeated or misplaced one is seen at once.
//!
//! The network's side: the byte at sequence number `s` is a function of `s` alone, however often and however cut
//! it is sent. So what a socket reads must be that function from one of the SYNs sent on its flow on.
//! The stack's side: the program writes a function of the offset, so a segment's payload follows from its
//! distance to the stack's own SYN.

use matnet_stack::wire::{SeqNumber, tcp};

/// One byte of a stream: two neighbours, and two at a distance of any power of two, differ mostly.
fn mix(at: u32, salt: u32) -> u8 {
    let x = (at ^ salt).wrapping_mul(0x9e37_79b1);
    ((x ^ (x >> 15)).wrapping_mul(0x85eb_ca6b) >> 24) as u8
}

/// What the network sends at a sequence number.
pub fn network_byte(seq: SeqNumber) -> u8 {
    mix(seq.0, 0x1234_5678)
}

pub fn network_bytes(seq: SeqNumber, len: usize) -> Vec<u8> {
    (0..len).map(|i| network_byte(seq + i)).collect()
}

/// What a program writes at an offset of its stream.
pub fn program_byte(offset: u32) -> u8 {
    mix(offset, 0x00c0_ffee)
}

pub fn program_bytes(offset: u32, len: usize) -> Vec<u8> {
    (0..len).map(|i| program_byte(offset.wrapping_add(i as u32))).collect()
}

/// Both directions between one port of ours and one of a peer's, over all the connections they ever had.
#[derive(Default)]
pub struct Flow {
    /// Sequence numbers of the SYNs that the network sent.
    pub syns: Vec<SeqNumber>,
    /// Start and length in sequence space of every segment that the network sent.
    pub spans: Vec<(SeqNumber, u32)>,
    /// Sequence number of the last SYN that the stack sent.
    pub iss: Option<SeqNumber>,
    /// One past the highest that the stack sent since.
    pub snd_max: SeqNumber,
    /// What the stack last acknowledged.
    pub rcv_nxt: Option<SeqNumber>,
    /// Right edges of the windows that the network announced.
    pub edges: Vec<SeqNumber>,
    /// The largest window shift that the network announced.
    pub shift: u8,
    /// Right edge of the window that the stack last announced, on connections from the network.
    announced: Option<SeqNumber>,
    /// The stack opened the last connection.
    active: bool,
    /// The stack's window shift.
    announced_shift: u8,
    /// The stack's last timestamp.
    pub ts_val: u32,
    /// The network sent something urgent, so a byte may be missing from the stream.
    pub urgent: bool,
}

impl Flow {
    /// Notes a segment on its way to the stack.
    pub fn network_sends(&mut self, repr: &tcp::Repr, len: usize) {
        let syn = repr.flags.contains(tcp::Flags::SYN);
        let fin = repr.flags.contains(tcp::Flags::FIN);
        if syn && !self.syns.contains(&repr.seq) {
            self.syns.push(repr.seq);
            // Perhaps a new connection, whose SYN-ACK may be lost before it leaves.
            self.announced = None;
        }
        self.urgent |= repr.flags.contains(tcp::Flags::URG);
        self.shift = self.shift.max(repr.options.window_scale.unwrap_or(0));
        self.edges.push(repr.ack + (usize::from(repr.window) << self.shift));
        self.spans.push((repr.seq, len as u32 + u32::from(syn) + u32::from(fin)));
    }

    /// Judges a segment that the stack sent.
    pub fn stack_sends(&mut self, repr: &tcp::Repr, payload: &[u8]) {
        use tcp::Flags;
        let (syn, ack, rst) = (
            repr.flags.contains(Flags::SYN),
            repr.flags.contains(Flags::ACK),
            repr.flags.contains(Flags::RST),
        );
        assert!(!(syn && rst), "SYN and RST at once");
        assert!(syn || rst || ack, "a segment without ACK: {repr:?}");
        if ack {
            // What is acknowledged was sent: the last byte before `ack` lies in a segment of the network.
            let covered =
                self.spans.iter().any(|&(seq, len)| (repr.ack - 1).between(seq, seq + len as usize));
            // RFC 9293 section 3.10.7.1: a reset acknowledges SEG.SEQ+SEG.LEN, also of an empty segment.
            let reset = rst && self.spans.iter().any(|&(seq, len)| repr.ack == seq + len as usize);
            assert!(covered || reset, "acknowledges {} which was never sent", repr.ack);
            for (left, right) in repr.options.sack_blocks.iter() {
                assert!(left.lt(right), "an empty SACK block");
                for edge in [left, right - 1] {
                    let sent = self.spans.iter().any(|&(seq, len)| edge.between(seq, seq + len as usize));
                    assert!(sent, "a SACK of {edge} which was never sent");
                }
            }
        }
        if rst {
            assert!(payload.is_empty(), "a reset with payload");
            self.announced = None;
            return;
        }
        if let Some((value, _)) = repr.options.timestamps {
            self.ts_val = value;
        }
        if syn {
            assert!(payload.is_empty(), "a SYN with payload");
            if self.iss != Some(repr.seq) {
                self.iss = Some(repr.seq);
                self.snd_max = repr.seq;
                self.rcv_nxt = None;
                self.announced = None;
                self.active = !ack;
            }
        }
        // A connection whose SYN was lost before it left (no neighbour, device full) shows itself by an
        // acknowledgement, which then stands at the start of its stream.
        if !self.iss.is_some_and(|iss| repr.seq.ge(iss) && repr.seq.le(self.snd_max)) {
            self.iss = Some(repr.seq - 1);
            self.snd_max = repr.seq;
            self.announced = None;
        }
        // (After crossing SYNs the window of the SYN-ACK is not a promise that is kept to the byte.)
        if syn && ack && !self.active {
            self.announced = Some(repr.ack + usize::from(repr.window));
            self.announced_shift = repr.options.window_scale.unwrap_or(0);
        } else if let Some(before) = self.announced {
            // RFC 9293 section 3.8.6: a window should not be taken back, but for what the shift cuts off.
            let edge = repr.ack + (usize::from(repr.window) << self.announced_shift);
            let cut = (1 << self.announced_shift) - 1;
            assert!((edge + cut).ge(before), "the window shrinks by {}", before - edge);
            self.announced = Some(edge.max(before));
        }
        if ack {
            self.rcv_nxt = Some(repr.ack);
        }
        let len = payload.len() + usize::from(syn) + usize::from(repr.flags.contains(Flags::FIN));
        self.snd_max = self.snd_max.max(repr.seq + len);
        if !payload.is_empty() {
            let iss = self.iss.expect("data only on a connection whose SYN was seen");
            let end = repr.seq + payload.len();
            assert!(self.edges.iter().any(|&edge| end.le(edge)), "{end} is beyond every window announced");
            let offset = (repr.seq - iss - 1) as u32;
            for (i, &byte) in payload.iter().enumerate() {
                assert_eq!(byte, program_byte(offset.wrapping_add(i as u32)), "byte {i} at offset {offset}");
            }
        }
    }
}

/// What a program's socket has read so far, and what it may have been.
pub struct Reading {
    /// Sequence numbers that the first byte may have had; `None`: the peer is a program of ours.
    starts: Option<Vec<SeqNumber>>,
    pub read: u32,
}

impl Reading {
    pub fn from_program() -> Reading {
        Reading { starts: None, read: 0 }
    }

    pub fn from_network(flow: &Flow) -> Reading {
        Reading { starts: Some(flow.syns.iter().map(|&syn| syn + 1).collect()), read: 0 }
    }

    /// Judges bytes `ahead` of what was read.
    pub fn peek(&mut self, ahead: u32, data: &[u8]) {
        let at = self.read.wrapping_add(ahead);
        match &mut self.starts {
            None => {
                for (i, &byte) in data.iter().enumerate() {
                    assert_eq!(byte, program_byte(at.wrapping_add(i as u32)), "byte {i} after {at}");
                }
            }
            Some(starts) => {
                starts.retain(|&start| {
                    let from = start + at as usize;
                    data.iter().enumerate().all(|(i, &byte)| byte == network_byte(from + i))
                });
                assert!(!starts.is_empty(), "{} bytes after {at} are not what was sent", data.len());
            }
        }
    }

    pub fn read(&mut self, data: &[u8]) {
        self.peek(0, data);
        self.read = self.read.wrapping_add(data.len() as u32);
    }
}
