//! RFC 3168 section 6.1.3: after a mark every acknowledgement has ECE, those that data carries too, until a segment with CWR comes.

use super::*;

#[test]
fn every_acknowledgement_echoes_until_the_sender_slowed_down() {
    let mut b = connected(PLAIN);
    data(&mut b, Flags::NONE, 1, 1000, ECT0);
    b.advance(ms(50));
    data(&mut b, Flags::NONE, 1001, 1000, CE);
    assert_eq!(marks(&mut b), [(ACK | ECE, 0, 0)]);
    data(&mut b, Flags::NONE, 2001, 2000, ECT0);
    assert_eq!(marks(&mut b), [(ACK | ECE, 0, 0)]);
    b.send(&[1; 500]);
    assert_eq!(marks(&mut b), [(ACK | ECE, 500, ECT0)]);
    data(&mut b, CWR, 4001, 1000, ECT0);
    assert_eq!(marks(&mut b), [(ACK, 0, 0)]);
}

#[test]
fn a_mark_on_the_segment_with_cwr_is_echoed_again() {
    let mut b = connected(PLAIN);
    data(&mut b, Flags::NONE, 1, 1000, CE);
    b.flush();
    data(&mut b, CWR, 1001, 1000, CE);
    assert_eq!(marks(&mut b), [(ACK | ECE, 0, 0)]);
}

#[test]
fn cwr_without_data_ends_nothing() {
    let mut b = connected(PLAIN);
    data(&mut b, Flags::NONE, 1, 1000, CE);
    b.flush();
    b.peer(ACK | CWR, 1001, 1, &[]);
    data(&mut b, Flags::NONE, 1001, 2000, ECT0);
    assert_eq!(marks(&mut b), [(ACK | ECE, 0, 0)]);
}

#[test]
fn a_mark_beyond_a_gap_is_echoed() {
    let mut b = connected(SACK);
    data(&mut b, Flags::NONE, 1001, 1000, CE);
    assert_eq!(marks(&mut b), [(ACK | ECE, 0, 0)]);
}

#[test]
fn a_frame_of_several_segments_counts_as_one() {
    let mut b = connected(PLAIN);
    let mut seg = b.segment(ACK, 1, 1, &[7; 4000]);
    seg.tos = CE;
    seg.gso_size = 1000;
    b.rx(seg);
    assert_eq!(b.counters.tcp_ecn_ce_in, 4);
    assert_eq!(marks(&mut b), [(ACK | ECE, 0, 0)]);
    // CWR stands in the first segment of a frame.
    let mut seg = b.segment(ACK | CWR, 4001, 1, &[7; 4000]);
    seg.tos = ECT0;
    seg.gso_size = 1000;
    b.rx(seg);
    assert_eq!(marks(&mut b), [(ACK, 0, 0)]);
}
