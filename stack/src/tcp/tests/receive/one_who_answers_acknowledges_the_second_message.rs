//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn one_who_answers_acknowledges_the_second_message() {
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK | PSH, seq, 1, &[1; 100]);
    b.send(b"answer");
    assert_eq!(b.flush().len(), 1);
    b.peer(ACK | PSH, seq + 100, 7, &[1; 100]);
    assert_eq!(b.recv(1000).unwrap().len(), 200);
    b.silent();
    b.peer(ACK | PSH, seq + 200, 7, &[1; 100]);
    assert_eq!(b.recv(1000).unwrap().len(), 100);
    assert_eq!(b.flush().len(), 1);
}
