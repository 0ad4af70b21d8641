//! Segment sizes: RFC 1191, RFC 5927 section 7, RFC 4821.

use std::collections::BTreeMap;

use super::*;
use crate::iface::icmp::IcmpError;

mod an_outage_is_no_hole;
mod black_hole;
mod hole_found_again;
mod messages_about_what_is_acknowledged;
mod path_grows;
mod path_shrinks;
mod probe_conditions;
mod probe_inconclusive;
mod probe_lost;
mod probes_find_the_size;
mod small_heads_meet_no_hole;
mod the_full_size_is_tried_first;
mod told_of_a_probe;
mod what_fits_is_not_sent_again;
mod who_ignores_the_path;
mod whole_transfers;

/// A peer whose segments and ours have 1460 bytes on an Ethernet.
const WIDE: Peer = Peer { mss: Some(1460), wscale: Some(7), sack: true, timestamps: false, window: 60_000 };

/// A path that drops packets above `limit` bytes without a word, and a peer that acknowledges the rest.
struct Hole {
    limit: usize,
    /// What has arrived: by start, the end.
    here: BTreeMap<u32, u32>,
    /// The next byte that the peer expects.
    next: u32,
    /// Payload of each packet that came to the hole.
    seen: Vec<usize>,
}

impl Hole {
    fn new(limit: usize) -> Hole {
        Hole { limit, here: BTreeMap::new(), next: 1, seen: Vec::new() }
    }

    /// What was sent arrives, as far as it does; answers come 10 ms later, one for each.
    fn take(&mut self, b: &mut Bench, sent: &[Sent]) {
        let mut acks = Vec::new();
        for s in sent {
            let (start, len) = (s.repr.seq.0.wrapping_sub(b.iss), s.payload.len());
            self.seen.push(len);
            if len == 0 || len + s.repr.header_len() + 20 > self.limit {
                continue;
            }
            self.here.insert(start, start + len as u32);
            while let Some(end) = self.here.range(..=self.next).map(|(_, e)| *e).find(|e| *e > self.next) {
                self.next = end;
            }
            self.here.retain(|_, end| *end > self.next);
            let mut block = None;
            if start > self.next {
                block = Some((start, start + len as u32));
            }
            acks.push((self.next, block));
        }
        b.now = b.now + ms(10);
        for (next, block) in acks {
            match block {
                Some(block) => b.sack(next, &[block]),
                None => b.peer(ACK, 1, next, &[]),
            }
        }
    }

    /// Rounds until everything that was written has arrived; timers run when nothing moves.
    fn run(&mut self, b: &mut Bench, rounds: usize) {
        for _ in 0..rounds {
            let sent = next(b);
            self.take(b, &sent);
        }
    }
}

/// A connection that a hole for packets above `limit` bytes has made use small segments.
fn fallen_into(limit: usize) -> (Bench, Hole) {
    fallen_with(30_000, limit)
}

/// The same, with so many bytes written. There are no trials of the full size any more.
fn fallen_with(bytes: usize, limit: usize) -> (Bench, Hole) {
    let (mut b, hole) = suspecting(bytes, limit);
    let super::super::socket::Body::Conn(conn) = &mut b.tcp.socks.get_mut(b.id.index).unwrap().body else {
        panic!("no connection")
    };
    conn.mtu_probe.as_mut().unwrap().believe();
    (b, hole)
}

/// A connection that has just begun to suspect a hole.
fn suspecting(bytes: usize, limit: usize) -> (Bench, Hole) {
    let mut b = Bench::connected(WIDE);
    let mut hole = Hole::new(limit);
    b.send(&vec![1; bytes]);
    while b.counters.tcp_black_holes == 0 {
        hole.run(&mut b, 1);
        assert!(b.now.since(Instant::from_micros(1_000_000_000)) < Duration::from_secs(60));
    }
    (b, hole)
}

fn too_big(b: &mut Bench, seq: u32, mtu: u16) {
    let local = SocketAddrV4::new(US, b.local);
    let seq = SeqNumber(b.iss.wrapping_add(seq));
    b.tcp.on_icmp_error(b.now, local, b.peer_addr(), seq, IcmpError::PathMtu(mtu), &mut b.counters);
}

/// What the stack sends now, or if that is nothing, when its next timer has run.
fn next(b: &mut Bench) -> Vec<Sent> {
    let sent = b.flush();
    match b.tcp.poll_timeout() {
        Some(at) if sent.is_empty() => {
            let wait = at.since(b.now).max(ms(1));
            b.advance(wait)
        }
        _ => sent,
    }
}

/// Keeps enough data waiting for a probe and what must follow it.
fn fill(b: &mut Bench) {
    if b.info().notsent < 30_000 {
        b.send(&[1; 30_000]);
    }
}
