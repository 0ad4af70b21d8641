//! RFC 5961 section 4: any SYN in a synchronized state is answered by a challenge ACK whatever its sequence number, with what the
//! peer would know anyway, and changes nothing.

use super::*;

#[test]
fn a_blind_syn_learns_nothing() {
    for (seq, flags) in [(1, SYN), (5000, SYN), (4_000_000_000, SYN), (1, SYN | ACK), (0, SYN | ACK)] {
        let mut b = Bench::connected(PLAIN);
        b.peer(flags, seq, 1, &[]);
        let sent = b.flush();
        assert_eq!(sent.len(), 1, "{seq}");
        assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0, sent[0].repr.ack.0), (ACK, b.iss + 1, b.irs + 1));
        assert_eq!((b.state(), b.counters.tcp_challenge_acks), (TcpState::Established, 1));
        b.peer(ACK, 1, 1, b"goes on");
        assert_eq!(b.recv(10).unwrap(), b"goes on");
    }
}
