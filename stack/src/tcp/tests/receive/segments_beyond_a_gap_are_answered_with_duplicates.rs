//! RFC 5681 section 2: an acknowledgement is a duplicate only with the window of the one before. So beyond a gap the window stands
//! still for a peer that counts them, and takes few steps for one that has SACK (as 6.18's `tcp_rcvbuf_grow`, which takes many).

use super::*;

/// The windows told while 300 segments come beyond a gap, after a reader has taken some round trips of data.
fn windows(peer: Peer) -> Vec<u32> {
    let (mut b, seq) = settled(Peer { wscale: Some(7), ..peer });
    let mut told = Vec::new();
    for i in 0..300 {
        b.peer(ACK, seq + 1000 * (i + 1), 1, &[1; 1000]);
        for ack in b.flush() {
            assert_eq!(ack.repr.ack.0, b.irs + seq);
            told.push(u32::from(ack.repr.window));
        }
    }
    assert!(told.len() >= 100, "{}", told.len());
    told.dedup();
    told
}

#[test]
fn without_sack_the_window_stands_still() {
    assert_eq!(windows(PLAIN).len(), 1);
}

#[test]
fn with_sack_it_grows_in_few_steps() {
    let told = windows(SACK);
    assert!((2..=8).contains(&told.len()), "{told:?}");
    assert!(told.is_sorted());
}
