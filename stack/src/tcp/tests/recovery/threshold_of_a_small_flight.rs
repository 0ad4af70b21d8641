//! RFC 5681 section 3.1, equation 4: the threshold is half of what was in flight, and duplicates are no more of it.

use super::*;

#[test]
fn it_is_half_of_six() {
    for peer in [PLAIN, SACK] {
        let mut b = Bench::connected(peer);
        b.send(&[1; 6000]);
        b.flush();
        b.now = b.now + ms(10);
        for n in 1..4 {
            if peer.sack {
                b.sack(1, &[(1001, 1001 + n * 1000)]);
            } else {
                b.peer(ACK, 1, 1, &[]);
            }
        }
        assert_eq!((b.info().recovery, b.info().ssthresh), (3, 3000), "{}", peer.sack);
    }
}
