//! Bulk transfer: small writes that make large frames, chunks that become part of the send buffer, buffers that grow with the
//! path.

use super::super::output::GATHER_FROM;
use super::*;

mod a_chunk_is_sent_without_a_copy_and_takes_its_turn;
mod asking_for_room_is_enough_to_be_told;
mod received_frames_are_shown_without_a_copy;
mod small_writes_make_full_frames_while_much_is_under_way;
mod the_send_buffer_grows_with_the_window;
mod what_ends_gathering;

/// A connection with `rtt` to the peer and a congestion window of some 400 kB, nothing under way.
/// Answers the next sequence number too.
fn warm(rtt: Duration) -> (Bench, u32) {
    let mut b = Bench::new();
    b.below.tso = 65_415;
    b.connect();
    b.now = b.now + rtt;
    b.syn_ack(Peer { window: 65_535, ..MODERN });
    b.flush();
    let mut next = 1;
    for _ in 0..6 {
        b.tcp.send(b.now, b.id, &[0; 400_000], false).unwrap_or(0);
        let sent = b.flush();
        next += sent.iter().map(|s| s.payload.len()).sum::<usize>() as u32;
        b.now = b.now + rtt;
        b.peer(ACK, 1, next, &[]);
        // What the window held back.
        next += b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32;
        b.now = b.now + rtt;
        b.peer(ACK, 1, next, &[]);
        next += b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32;
    }
    b.now = b.now + rtt;
    b.peer(ACK, 1, next, &[]);
    b.silent();
    assert!(b.info().cwnd > 400_000, "{}", b.info().cwnd);
    assert_eq!(b.info().notsent, 0);
    (b, next)
}

const NEAR: Duration = Duration::from_micros(50);

fn sizes(sent: &[Sent]) -> Vec<usize> {
    sent.iter().map(|s| s.payload.len()).collect()
}
