//! tcp(7), TCP_QUICKACK: "This flag is not permanent, it only enables a switch to or from quickack mode." (Linux:
//! `__tcp_sock_set_quickack`)

use super::*;

#[test]
fn it_sends_what_waits_and_then_the_traffic_decides() {
    let mut b = Bench::connected(PLAIN);
    assert!(b.tcp.quickack(b.id));
    // The user answers: acknowledgements wait.
    b.peer(ACK | PSH, 1, 1, b"ask");
    b.send(b"answer");
    b.flush();
    b.recv(10).unwrap();
    b.peer(ACK | PSH, 4, 7, b"ask");
    b.silent();
    assert!(!b.tcp.quickack(b.id));
    b.tcp.set_quickack(b.now, b.id, true, false);
    assert_eq!(b.flush().len(), 1);
    assert!(b.tcp.quickack(b.id));
    b.peer(ACK | PSH, 7, 7, b"ask");
    assert_eq!(b.flush().len(), 1, "at once");
    b.send(b"answer");
    b.flush();
    b.peer(ACK | PSH, 10, 13, b"ask");
    b.silent();
}

#[test]
fn zero_makes_them_wait() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.set_quickack(b.now, b.id, false, false);
    b.peer(ACK | PSH, 1, 1, b"first");
    b.silent();
    assert_eq!(b.advance(ms(50)).len(), 1);
}

#[test]
fn an_even_number_is_for_once() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.set_quickack(b.now, b.id, false, false);
    b.peer(ACK | PSH, 1, 1, b"first");
    b.silent();
    b.tcp.set_quickack(b.now, b.id, true, true);
    assert_eq!(b.flush().len(), 1);
    assert!(!b.tcp.quickack(b.id));
}
