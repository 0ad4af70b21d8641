//! RFC 9937 counts bytes, Linux's `tcp_cwnd_reduction` packets: an acknowledgement of a small segment that leaves nothing in the
//! network must let a full one be sent again, for there is nothing to come whose bytes would count towards it.

use super::*;

#[test]
fn a_lost_repetition_is_sent_a_third_time_without_a_timeout() {
    let mut b = Bench::connected_with(SACK, |b| b.options(|o| o.nodelay = true));
    for size in [1000, 50, 50, 50, 50] {
        b.send(&vec![1; size]);
        b.flush();
    }
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 1151)]);
    assert_eq!(starts(&mut b), [1]);
    // Something small leaves after the repetition, and arrives.
    b.now = b.now + ms(1);
    b.send(&[2; 50]);
    b.sack(1, &[(1001, 1201)]);
    assert_eq!(starts(&mut b), [1201]);
    b.now = b.now + ms(11);
    b.sack(1, &[(1001, 1251)]);
    assert_eq!(starts(&mut b), [1]);
    assert_eq!((b.counters.tcp_rto, b.counters.tcp_lost_retransmits), (0, 1));
}
