//! inet_csk_listen_start: requests from before a shutdown(2) of the listener are still its own, and count.

use super::*;

#[test]
fn a_listener_that_listens_again_counts_its_requests() {
    let mut b = Bench::listening(1);
    b.client_syn(PLAIN);
    b.tcp.shutdown(b.now, b.id, Shutdown::Read).unwrap();
    b.tcp.listen(b.id, 1).unwrap();
    b.remote = 40_001;
    b.client_syn(PLAIN);
    assert_eq!((b.tcp.requests.len(), b.counters.tcp_syn_cookies_out), (1, 1), "the queue is full");
    b.remote = 40_000;
    b.peer(RST, 1, 1, &[]);
    for (remote, cookies) in [(40_002, 1), (40_003, 2)] {
        b.remote = remote;
        b.client_syn(PLAIN);
        assert_eq!((b.tcp.requests.len(), b.counters.tcp_syn_cookies_out), (1, cookies));
    }
}
