//! RFC 9293 section 3.6: who has shut one direction only may wait for ever.

use super::*;

#[test]
fn a_held_socket_in_fin_wait_2_waits() {
    let mut b = Bench::connected(PLAIN);
    shut(&mut b, Shutdown::Write);
    b.flush();
    b.peer(ACK, 1, 2, &[]);
    b.advance(Duration::from_secs(1000));
    assert_eq!(b.state(), TcpState::FinWait2);
    assert_eq!(b.tcp.poll_timeout(), None);
}
