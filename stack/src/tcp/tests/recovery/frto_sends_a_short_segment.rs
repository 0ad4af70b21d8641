//! RFC 5682 section 2.1 step 2.b: new data is sent, whatever Nagle's rule says (Linux: tcp_xmit_recovery, TCP_NAGLE_OFF); else a delay
//! would be taken for a loss.

use super::*;

#[test]
fn although_another_short_one_is_under_way() {
    let mut b = Bench::connected(PLAIN);
    b.send(&[1; 2500]);
    assert_eq!(starts(&mut b), [1, 1001, 2001]);
    b.send(&[2; 300]);
    b.silent();
    assert_eq!(b.advance(ms(300)).len(), 1);
    b.peer(ACK, 1, 1001, &[]);
    assert_eq!(starts(&mut b), [2501]);
    b.peer(ACK, 1, 2001, &[]);
    assert_eq!(starts(&mut b), []);
    assert_eq!((b.counters.tcp_spurious_rtos, b.counters.tcp_retransmits), (1, 1));
}
