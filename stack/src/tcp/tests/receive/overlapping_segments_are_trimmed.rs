//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn overlapping_segments_are_trimmed() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 1, b"abcdef");
    b.peer(ACK, 4, 1, b"defghi");
    b.peer(ACK, 12, 1, b"lmn");
    b.peer(ACK, 8, 1, b"hijklm");
    assert_eq!(b.recv(100).unwrap(), b"abcdefghijklmn");
}
