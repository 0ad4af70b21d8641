//! RFC 9293 section 3.10.7.4, second: a RST ends FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING and LAST-ACK.

use super::*;

fn reset(prepare: impl FnOnce(&mut Bench) -> u32, state: TcpState) {
    let mut b = Bench::connected(PLAIN);
    let seq = prepare(&mut b);
    b.flush();
    assert_eq!(b.state(), state);
    b.peer(RST, seq, 0, &[]);
    assert_eq!((b.state(), b.tcp.poll_timeout()), (TcpState::Closed, None));
    assert!(!b.tcp.pending_output());
    b.silent();
}

#[test]
fn a_reset_ends_every_closing_state() {
    reset(
        |b| {
            shut(b, Shutdown::Write);
            1
        },
        TcpState::FinWait1,
    );
    reset(
        |b| {
            shut(b, Shutdown::Write);
            b.flush();
            b.peer(ACK, 1, 2, &[]);
            1
        },
        TcpState::FinWait2,
    );
    reset(
        |b| {
            b.peer(ACK | FIN, 1, 1, &[]);
            2
        },
        TcpState::CloseWait,
    );
    reset(
        |b| {
            shut(b, Shutdown::Write);
            b.flush();
            b.peer(ACK | FIN, 1, 1, &[]);
            2
        },
        TcpState::Closing,
    );
    reset(
        |b| {
            b.peer(ACK | FIN, 1, 1, &[]);
            b.flush();
            shut(b, Shutdown::Write);
            2
        },
        TcpState::LastAck,
    );
}
