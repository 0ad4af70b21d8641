//! RFC 9293 section 3.10.7.4, eighth: a FIN takes effect when all before it is here; what lies behind it is not data.

use super::*;

#[test]
fn it_waits_for_what_is_before_it() {
    let mut b = Bench::connected(SACK);
    b.peer(ACK, 11, 1, &[2; 10]);
    b.peer(ACK | FIN, 21, 1, &[3; 10]);
    assert_eq!(b.state(), TcpState::Established);
    assert_eq!(b.recv(100), Err(Error::WouldBlock));
    b.peer(ACK, 1, 1, &[1; 10]);
    assert_eq!(b.state(), TcpState::CloseWait);
    assert_eq!(b.flush().last().unwrap().repr.ack.0, b.irs + 32);
    assert_eq!(b.recv(100).unwrap().len(), 30);
    assert_eq!(b.recv(100), Ok(vec![]));
}

#[test]
fn data_behind_it_is_not_taken() {
    let mut b = Bench::connected(SACK);
    b.peer(ACK | FIN, 6, 1, b"world");
    b.peer(ACK, 11, 1, b"more!");
    b.peer(ACK, 1, 1, b"hello");
    assert_eq!(b.state(), TcpState::CloseWait);
    b.peer(ACK, 11, 1, b"more!");
    b.peer(ACK, 12, 1, b"more!");
    assert_eq!(b.recv(100).unwrap(), b"helloworld");
    assert_eq!(b.recv(100), Ok(vec![]));
    assert_eq!(b.flush().last().unwrap().repr.ack.0, b.irs + 12);
}

#[test]
fn a_second_fin_further_on_changes_nothing() {
    let mut b = Bench::connected(SACK);
    b.peer(ACK | FIN, 6, 1, b"world");
    b.peer(ACK | FIN, 11, 1, b"more!");
    b.peer(ACK, 1, 1, b"hello");
    assert_eq!(b.recv(100).unwrap(), b"helloworld");
    assert_eq!(b.recv(100), Ok(vec![]));
    assert_eq!(b.state(), TcpState::CloseWait);
}

#[test]
fn it_is_answered_again_when_repeated() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | FIN, 1, 1, b"bye");
    b.flush();
    b.peer(ACK | FIN, 1, 1, b"bye");
    let sent = b.flush();
    assert_eq!((sent.len(), sent[0].repr.ack.0), (1, b.irs + 5));
    assert_eq!(b.recv(10).unwrap(), b"bye");
    assert_eq!(b.recv(10), Ok(vec![]));
}
