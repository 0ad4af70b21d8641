//! RFC 4987 section 3.6: an ACK that answers no SYN-ACK of ours makes no connection.

use super::*;

#[test]
fn a_guess_is_reset() {
    let mut b = flooded();
    b.client_syn(PLAIN);
    let mut rand = 1u32;
    for _ in 0..10_000 {
        rand = rand.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b.peer(ACK, 1, rand, &[]);
        assert_eq!(b.flush()[0].repr.flags, RST);
    }
    // The right number from another port, or for another first byte.
    b.remote += 1;
    b.peer(ACK, 1, 1, &[]);
    b.remote -= 1;
    b.peer(ACK, 1000, 1, &[]);
    assert!(b.flush().iter().all(|s| s.repr.flags == RST));
    assert_eq!(b.tcp.accept(b.id), Err(Error::WouldBlock));
    assert_eq!(b.counters.tcp_syn_cookies_bad, 10_002);
    b.client_ack();
    assert!(b.tcp.accept(b.id).is_ok());
}
