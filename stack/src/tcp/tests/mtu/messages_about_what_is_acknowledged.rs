//! RFC 5927 sections 4.1 and 7.2: a message must quote what is in flight. Of what was acknowledged it is known that it was not
//! too big.

use super::*;

#[test]
fn they_are_ignored() {
    let mut b = Bench::connected(WIDE);
    b.send(&[1; 14_600]);
    b.flush();
    b.peer(ACK, 1, 2921, &[]);
    b.flush();
    let end = 1 + b.info().bytes_sent as u32;
    for seq in [0, 1, 2920, end, end + 100_000] {
        too_big(&mut b, seq, 600);
    }
    b.silent();
    assert_eq!((b.info().snd_mss, b.counters.tcp_icmp_out_of_window), (1460, 5));
    too_big(&mut b, 2921, 600);
    assert_eq!(b.info().snd_mss, 560);
}
