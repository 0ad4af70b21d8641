//! RFC 9293 section 3.7.4: full segments do not wait; a small one only for another small one (Minshall's rule, as Linux has it).

use super::*;

#[test]
fn nagle_lets_full_segments_pass() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"first");
    b.flush();
    b.send(&[2; 2300]);
    assert_eq!(b.sent(), vec![(ACK, 6, 1000), (ACK, 1006, 1000)]);
    b.peer(ACK, 1, 6, &[]);
    // Minshall: no small segment is on its way now.
    assert_eq!(b.sent(), vec![(ACK | PSH, 2006, 300)]);
}
