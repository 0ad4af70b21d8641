//! sendto(2) with MSG_FASTOPEN on sockets that are something already (tcp_sendmsg_fastopen).

use super::*;

#[test]
fn what_may_not_begin() {
    let mut b = Bench::connected(PLAIN);
    assert_eq!(send_to(&mut b, b"x"), Err(Error::IsConnected));
    let mut b = Bench::listening(5);
    assert_eq!(send_to(&mut b, b"x"), Err(Error::IsConnected));
    let mut b = Bench::new();
    assert_eq!(b.tcp.send_fast_open(b.now, b.id, None, b"x"), Err(Error::NotConnected));
    b.connect();
    assert_eq!(send_to(&mut b, b"x"), Err(Error::Already));
    b.peer(RST | ACK, 0, 1, &[]);
    assert_eq!(send_to(&mut b, b"x"), Err(Error::ConnectionRefused));
    assert_eq!(send_to(&mut b, b"x"), Ok(0));
}

#[test]
fn a_refused_syn_with_data_leaves_nothing() {
    let mut b = client();
    send_to(&mut b, b"hello").unwrap();
    syn(&mut b);
    b.peer(RST | ACK, 0, 6, &[]);
    assert_eq!(b.tcp.outcome(b.id), Err(Error::ConnectionRefused));
    assert!(!b.tcp.pending_output());
    assert_eq!(b.tcp.poll_timeout(), None);
}
