//! RFC 7323 section 3.2 and Linux's `tcp_rcv_synsent_state_process`: a SYN-ACK that echoes a timestamp later than our SYN's is an old
//! one, or forged, and is reset (counter TCPPAWSActiveEstab there); in an open connection such an echo is no measurement.

use super::*;

#[test]
fn in_syn_sent_it_is_reset() {
    let mut b = Bench::new();
    b.connect();
    b.ts_seen = b.ts_seen.wrapping_add(100_000);
    b.syn_ack(MODERN);
    assert_eq!(b.state(), TcpState::SynSent);
    assert!(b.flush().iter().any(|s| s.repr.flags.contains(RST)));
    assert_eq!(b.counters.tcp_paws, 1);
}

#[test]
fn in_an_open_connection_it_is_no_measurement() {
    let mut b = Bench::connected(MODERN);
    let before = b.info().srtt;
    b.send(&[1; 1000]);
    b.flush();
    // Retransmitted, so that only the echo could tell.
    b.advance(ms(400));
    b.ts_seen = b.ts_seen.wrapping_add(500_000);
    b.peer(ACK, 1, 1001, &[]);
    assert_eq!(b.info().srtt, before);
}

/// RFC 7323 section 3.2: without ACK, TSecr is sent as zero.
#[test]
fn a_syn_echoes_nothing() {
    let mut b = Bench::new();
    assert_eq!(b.connect().repr.options.timestamps.unwrap().1, 0);
}

/// RFC 7323 section 3.2: without ACK, TSecr is ignored: a SYN with one opens a connection like any other.
#[test]
fn without_ack_it_says_nothing() {
    let mut b = Bench::listening(5);
    b.timestamps = true;
    let mut syn = b.segment(SYN, 0, 0, &[]);
    syn.repr.options.timestamps = Some((1000, 0xdead_beef));
    b.rx(syn);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.options.timestamps.unwrap().1), (SYN | ACK, 1000));
}

/// RFC 7323 section 4.1: only what moves SND.UNA is a measurement.
#[test]
fn what_moves_nothing_is_no_measurement() {
    let mut b = Bench::connected(MODERN);
    let before = b.info().srtt;
    let seen = b.ts_seen;
    b.advance(Duration::from_secs(3));
    b.ts_seen = seen;
    b.peer(ACK, 1, 1, b"data without news for the sender");
    assert_eq!(b.info().srtt, before);
}
