//! RFC 2018 section 4: every block beyond a gap is in some acknowledgement, also when the host feeds in a whole burst with more gaps
//! than an option can tell before anything leaves (Linux: `tcp_sack_new_ofo_skb` sends what it had put off).

use super::*;

/// A burst of `many` segments with a gap before each; the starts of all blocks told, in the order of the acknowledgements.
fn told(peer: Peer, many: u32) -> (Vec<u32>, usize) {
    let (mut b, seq) = settled(peer);
    for i in 0..many {
        let segment = b.segment(ACK, seq + 1000 + 2000 * i, 1, &[1; 1000]);
        b.rx(segment);
    }
    let acks = b.flush();
    let base = b.irs + seq;
    let mut starts = Vec::new();
    for ack in &acks {
        assert_eq!(ack.repr.ack.0, base);
        starts.extend(ack.repr.options.sack_blocks.iter().map(|block| block.0.0 - base));
    }
    (starts, acks.len())
}

#[test]
fn every_block_of_a_burst_is_told() {
    let (mut starts, acks) = told(SACK, 10);
    // The segment that came last is in the first block of the last acknowledgement.
    assert!(acks > 1 && acks <= 5, "{acks} acknowledgements");
    starts.sort_unstable();
    starts.dedup();
    assert_eq!(starts, (0..10).map(|i| 1000 + 2000 * i).collect::<Vec<_>>());
}

#[test]
fn what_an_option_can_tell_costs_one_acknowledgement() {
    assert_eq!(told(SACK, 3).1, 1);
}

#[test]
fn each_of_several_duplicates_is_told_once() {
    // RFC 2883 section 4: each duplicate is reported, in one acknowledgement.
    let (mut b, seq) = settled(SACK);
    b.peer(ACK, seq, 1, &[1; 3000]);
    b.flush();
    for i in 0..3 {
        let segment = b.segment(ACK, seq + 1000 * i, 1, &[1; 1000]);
        b.rx(segment);
    }
    let first: Vec<u32> = b
        .flush()
        .iter()
        .filter_map(|a| Some(a.repr.options.sack_blocks.first()?.0.0 - b.irs - seq))
        .collect();
    assert_eq!(first, [0, 1000, 2000]);
}
