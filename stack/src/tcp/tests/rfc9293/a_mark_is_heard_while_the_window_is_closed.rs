//! RFC 9293 section 3.10.7.4, MUST-66: "a TCP receiver MUST process the RST and URG fields of all incoming segments, even
//! when the receive window is zero".

use super::*;

#[test]
fn a_mark_is_heard_while_the_window_is_closed() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.rcvbuf = Some(4000)));
    for n in 0..4 {
        b.peer(ACK, 1 + n * 1000, 1, &[1; 1000]);
    }
    let ack = b.flush().pop().unwrap();
    assert_eq!(ack.repr.window, 0);
    b.events();
    let mut seg = b.segment(ACK | Flags::URG, 4001, 1, &[]);
    seg.repr.urgent = 10;
    b.rx(seg);
    let edges = b.events().into_iter().fold(Readiness::NONE, |all, (_, edges)| all | edges);
    assert!(edges.contains(Readiness::MARK), "{edges:?}");
}
