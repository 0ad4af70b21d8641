//! RFC 9293 section 3.6 (half-close): who has sent FIN still receives, who has received it still sends.

use super::*;

#[test]
fn data_flows_after_either_half_is_closed() {
    let mut b = Bench::connected(PLAIN);
    shut(&mut b, Shutdown::Write);
    b.flush();
    b.peer(ACK, 1, 2, &[]);
    for n in 0..10u32 {
        b.peer(ACK | PSH, 1 + n * 4, 2, b"data");
        assert_eq!(b.recv(10).unwrap(), b"data");
    }
    assert_eq!(b.state(), TcpState::FinWait2);
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | FIN, 1, 1, &[]);
    b.flush();
    for n in 0..10u32 {
        assert_eq!(b.send(b"data"), 4);
        assert_eq!(b.sent(), vec![(ACK | PSH, 1 + n * 4, 4)]);
        b.peer(ACK, 2, 5 + n * 4, &[]);
    }
    assert_eq!(b.state(), TcpState::CloseWait);
}
