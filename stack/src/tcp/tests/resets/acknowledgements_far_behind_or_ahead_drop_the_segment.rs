//! RFC 5961 section 5.2: an ACK must be in the range SND.UNA - MAX.SND.WND to SND.NXT.

use super::*;

#[test]
fn acknowledgements_far_behind_or_ahead_drop_the_segment() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 0u32.wrapping_sub(100_000), b"evil");
    assert_eq!(b.flush()[0].repr.flags, ACK);
    b.advance(ms(600));
    b.peer(ACK, 1, 50, b"evil");
    assert_eq!(b.flush()[0].repr.flags, ACK);
    assert_eq!(b.recv(10), Err(Error::WouldBlock));
    b.peer(ACK, 1, 0, b"good");
    assert_eq!(b.recv(10).unwrap(), b"good");
}
