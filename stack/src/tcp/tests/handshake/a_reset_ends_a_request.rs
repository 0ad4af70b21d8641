//! RFC 9293 section 3.10.7.4: a RST returns a passive SYN-RECEIVED to LISTEN, in order only (RFC 5961 section 3.2).

use super::*;

#[test]
fn a_reset_ends_a_request() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.peer(RST, 9, 0, &[]);
    assert_eq!(b.tcp.requests.len(), 1);
    b.peer(RST, 1, 0, &[]);
    assert_eq!(b.tcp.requests.len(), 0);
    b.silent();
}
