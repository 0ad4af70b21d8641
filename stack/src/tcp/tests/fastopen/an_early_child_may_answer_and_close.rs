//! RFC 7413 section 4.2.2: a server may send data, and close, before the handshake is over.

use super::*;

#[test]
fn an_early_child_may_answer_and_close() {
    let mut b = server(5);
    let cookie = cookie_of(&mut b);
    syn_with(&mut b, Some(cookie), b"GET /");
    b.id = accept(&mut b);
    assert_eq!(b.recv(100).unwrap(), b"GET /");
    assert_eq!(b.send(b"200 OK"), 6);
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(ACK | PSH | FIN, 1, 6)]);
    // One acknowledgement for all: the SYN, the data, the FIN.
    b.peer(ACK | FIN, 6, 8, &[]);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0), (ACK, b.irs + 7));
    assert_eq!((b.tcp.socks.len(), b.tcp.timewaits.len()), (1, 1));
    assert!(!b.tcp.pending_output());
}

#[test]
fn lost_data_of_an_early_child_is_repeated_after_the_handshake() {
    let mut b = server(5);
    let cookie = cookie_of(&mut b);
    syn_with(&mut b, Some(cookie), b"GET /");
    b.id = accept(&mut b);
    b.send(b"200 OK");
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 6)]);
    // Before the SYN-ACK is acknowledged nothing else is repeated (tcp_retransmit_timer).
    let sent = b.advance(ms(1100));
    assert!(sent.iter().all(|s| s.repr.flags == SYN | ACK) && sent.len() == 1, "{sent:?}");
    b.peer(ACK, 6, 1, &[]);
    assert_eq!(b.state(), TcpState::Established);
    let sent = b.advance(ms(3100));
    assert!(sent.iter().any(|s| s.payload == b"200 OK"), "{sent:?}");
}
