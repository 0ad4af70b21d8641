//! RFC 5961 section 3.2: a RST resets only at exactly RCV.NXT; elsewhere in the window it is challenged, outside it is
//! dropped. As Linux, the end of the highest SACK block, and RCV.NXT - 1 after the peer's FIN, are exact too.

use super::*;

#[test]
fn inside_the_window_it_is_challenged() {
    for seq in [2, 1000, 60_000] {
        let mut b = Bench::connected(PLAIN);
        b.peer(RST, seq, 0, &[]);
        let sent = b.flush();
        assert_eq!((sent.len(), sent[0].repr.flags), (1, ACK));
        assert_eq!((b.state(), b.counters.tcp_challenge_acks), (TcpState::Established, 1));
    }
}

#[test]
fn outside_it_is_dropped() {
    for seq in [0, 0u32.wrapping_sub(5000), 1 << 20, 1 << 31] {
        let mut b = Bench::connected(PLAIN);
        b.peer(RST, seq, 0, &[]);
        b.silent();
        assert_eq!(b.state(), TcpState::Established);
    }
}

#[test]
fn at_the_next_byte_it_counts() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 1, b"abc");
    b.peer(RST, 4, 0, &[]);
    assert_eq!(b.state(), TcpState::Closed);
}

#[test]
fn at_the_end_of_the_highest_block_it_counts() {
    let mut b = Bench::connected(SACK);
    b.peer(ACK, 101, 1, &[1; 100]);
    b.peer(ACK, 301, 1, &[1; 100]);
    b.flush();
    b.peer(RST, 201, 0, &[]);
    assert_eq!(b.state(), TcpState::Established);
    b.peer(RST, 401, 0, &[]);
    assert_eq!(b.state(), TcpState::Closed);
}

#[test]
fn before_the_fin_that_was_taken_it_counts() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | FIN, 1, 1, &[]);
    b.peer(RST, 1, 0, &[]);
    assert_eq!(b.state(), TcpState::Closed);
}
