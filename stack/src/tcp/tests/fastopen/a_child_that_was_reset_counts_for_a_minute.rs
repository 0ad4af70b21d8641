//! RFC 7413 section 5.1: a RST means that a SYN with a good cookie was spoofed perhaps: that child counts for another minute
//! (reqsk_fastopen_remove).

use super::*;

#[test]
fn a_child_that_was_reset_counts_for_a_minute() {
    let mut b = server(1);
    let cookie = cookie_of(&mut b);
    syn_with(&mut b, Some(cookie), b"data");
    let (listener, child) = (b.id, accept(&mut b));
    b.peer(RST, 5, 0, &[]);
    b.id = child;
    assert_eq!(b.state(), TcpState::Closed);
    assert_eq!(b.recv(10).unwrap(), b"data");
    assert_eq!(b.recv(10), Err(Error::ConnectionReset));
    b.id = listener;
    let acked = |b: &mut Bench| {
        b.remote += 1;
        let acked = syn_with(b, Some(cookie), b"data").repr.ack.0 - b.irs;
        b.peer(RST, acked, 0, &[]);
        acked
    };
    assert_eq!(acked(&mut b), 1);
    b.advance(Duration::from_secs(59));
    assert_eq!(acked(&mut b), 1);
    b.advance(Duration::from_secs(2));
    assert_eq!(acked(&mut b), 5);
    // That one was not accepted: it does not count on, as on Linux.
    assert_eq!(acked(&mut b), 5);
}
