//! Closing: RFC 9293 sections 3.6 and 3.10.4, RFC 1122 section 4.2.2.13, TIME_WAIT, orphans.

use super::*;

fn shut(b: &mut Bench, how: Shutdown) {
    b.tcp.shutdown(b.now, b.id, how).unwrap();
}

/// RFC 9293 section 3.6, figure 12, from the side that closes first.
#[test]
fn we_close_first() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"bye");
    shut(&mut b, Shutdown::Write);
    assert_eq!(b.sent(), vec![(ACK | PSH | FIN, 1, 3)]);
    assert_eq!(b.state(), TcpState::FinWait1);
    assert!(b.tcp.pending_output());
    b.peer(ACK, 1, 5, &[]);
    assert_eq!(b.state(), TcpState::FinWait2);
    assert!(!b.tcp.pending_output());
    b.peer(ACK, 1, 5, b"still talking");
    assert_eq!(b.recv(100).unwrap(), b"still talking");
    b.flush();
    b.peer(ACK | FIN, 14, 5, &[]);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0), (ACK, b.irs + 15));
    assert_eq!(b.tcp.timewaits.len(), 1);
    assert_eq!(b.recv(100).unwrap(), b"");
    assert_eq!(b.state(), TcpState::Closed);
    // The FIN again: acknowledged again, and the 60 seconds begin anew.
    b.advance(Duration::from_secs(30));
    b.peer(ACK | FIN, 14, 5, &[]);
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 15);
    b.advance(Duration::from_secs(59));
    assert_eq!(b.tcp.timewaits.len(), 1);
    b.advance(Duration::from_secs(2));
    assert_eq!(b.tcp.timewaits.len(), 0);
    b.tcp.close(b.now, b.id);
    assert_eq!(b.tcp.socks.len(), 0);
    b.silent();
}

#[test]
fn the_peer_closes_first() {
    let mut b = Bench::connected(PLAIN);
    b.events();
    let id = b.id;
    b.peer(ACK | FIN, 1, 1, &[]);
    assert_eq!(b.events(), vec![(id, Readiness::IN | Readiness::RDHUP)]);
    assert_eq!(b.state(), TcpState::CloseWait);
    assert_eq!(b.ready(), Readiness::IN | Readiness::OUT | Readiness::RDHUP);
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 2);
    b.send(b"rest");
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(ACK | PSH | FIN, 1, 4)]);
    b.peer(ACK, 2, 6, &[]);
    assert_eq!((b.tcp.socks.len(), b.tcp.timewaits.len()), (0, 0));
    b.silent();
}

/// RFC 9293 section 3.6, figure 13.
#[test]
fn simultaneous_close() {
    let mut b = Bench::connected(PLAIN);
    shut(&mut b, Shutdown::Write);
    b.flush();
    b.peer(ACK | FIN, 1, 1, &[]);
    assert_eq!(b.state(), TcpState::Closing);
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 2);
    b.peer(ACK, 2, 2, &[]);
    assert_eq!(b.tcp.timewaits.len(), 1);
    b.silent();
}

#[test]
fn fin_and_its_ack_in_one_segment() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(ACK | FIN, 1, 2, &[]);
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 2);
    assert_eq!((b.tcp.socks.len(), b.tcp.timewaits.len()), (0, 1));
}

#[test]
fn fin_is_retransmitted() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(ACK | FIN, 1, 0)]);
    let sent = b.advance(ms(250));
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (ACK | FIN, b.iss + 1));
}

#[test]
fn a_fin_before_the_data_waits_for_it() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | FIN, 4, 1, b"def");
    assert_eq!(b.state(), TcpState::Established);
    b.peer(ACK, 1, 1, b"abc");
    assert_eq!(b.state(), TcpState::CloseWait);
    assert_eq!(b.recv(100).unwrap(), b"abcdef");
    assert_eq!(b.recv(100).unwrap(), b"");
    assert_eq!(b.flush().last().unwrap().repr.ack.0, b.irs + 8);
}

#[test]
fn a_bare_fin_beyond_a_gap() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | FIN, 4, 1, b"");
    b.peer(ACK, 1, 1, b"abc");
    assert_eq!(b.state(), TcpState::CloseWait);
    assert_eq!(b.flush().last().unwrap().repr.ack.0, b.irs + 5);
}

#[test]
fn unread_data_makes_close_a_reset() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 1, b"unread");
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(RST | ACK, 1, 0)]);
    assert_eq!(b.tcp.socks.len(), 0);
}

#[test]
fn linger_zero_makes_close_a_reset() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.linger = Some(Duration::ZERO));
    b.send(b"lost");
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(RST | ACK, 1, 0)]);
}

#[test]
fn data_after_close_is_reset() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(ACK, 1, 2, b"hello?");
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (RST, b.iss + 2));
    assert_eq!(b.tcp.socks.len(), 0);
    assert_eq!(b.counters.tcp_data_after_close, 1);
}

#[test]
fn an_orphan_in_fin_wait_2_is_given_60_seconds() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(ACK, 1, 2, &[]);
    b.advance(Duration::from_secs(59));
    assert_eq!(b.tcp.socks.len(), 1);
    b.advance(Duration::from_secs(2));
    assert_eq!(b.tcp.socks.len(), 0);
}

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

#[test]
fn an_orphan_gives_up_sooner() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"into the void");
    b.tcp.close(b.now, b.id);
    assert!(b.tcp.pending_output());
    b.advance(Duration::from_secs(90));
    assert_eq!(b.tcp.socks.len(), 1);
    b.advance(Duration::from_secs(120));
    assert_eq!(b.tcp.socks.len(), 0);
    assert!(!b.tcp.pending_output());
}

#[test]
fn close_in_syn_sent_is_silent() {
    let mut b = Bench::new();
    b.connect();
    b.tcp.close(b.now, b.id);
    b.silent();
    assert_eq!(b.tcp.socks.len(), 0);
    assert_eq!(b.tcp.poll_timeout(), None);
}

#[test]
fn shutdown_states() {
    let mut b = Bench::new();
    let fresh = b.tcp.open();
    assert_eq!(b.tcp.readiness(fresh), Readiness::OUT | Readiness::HUP);
    assert_eq!(b.tcp.shutdown(b.now, fresh, Shutdown::Write), Err(Error::NotConnected));
    let mut c = Bench::connected(PLAIN);
    shut(&mut c, Shutdown::Read);
    assert_eq!(c.ready(), Readiness::IN | Readiness::OUT | Readiness::RDHUP);
    assert_eq!(c.recv(10).unwrap(), b"");
    // Linux takes data after SHUT_RD all the same.
    c.peer(ACK, 1, 1, b"data");
    assert_eq!(c.recv(10).unwrap(), b"data");
    shut(&mut c, Shutdown::Write);
    assert!(c.ready().contains(Readiness::HUP | Readiness::OUT | Readiness::IN));
    assert_eq!(c.tcp.send(c.now, c.id, b"x", false), Err(Error::BrokenPipe));
}

fn in_time_wait() -> Bench {
    let (mut b, listener) = Bench::accepted(MODERN);
    b.tcp.close(b.now, b.id);
    b.flush();
    b.ts_peer += 10;
    b.peer(ACK | FIN, 1, 2, &[]);
    b.flush();
    assert_eq!(b.tcp.timewaits.len(), 1);
    b.id = listener;
    b
}

/// RFC 9293 section 3.10.7.4, RFC 6191.
#[test]
fn a_newer_syn_reuses_a_time_wait() {
    let mut b = in_time_wait();
    let before = b.iss;
    b.irs = b.irs.wrapping_add(100_000);
    b.ts_peer += 10;
    let syn_ack = b.client_syn(MODERN);
    assert!(syn_ack.repr.seq.gt(SeqNumber(before)));
    assert_eq!(b.tcp.timewaits.len(), 0);
    b.client_ack();
    assert!(b.tcp.accept(b.id).is_ok());
    assert_eq!(b.counters.tcp_timewait_reused, 1);
}

#[test]
fn a_lower_sequence_number_with_a_newer_timestamp_will_do() {
    let mut b = in_time_wait();
    b.irs = b.irs.wrapping_sub(100_000);
    b.ts_peer += 10;
    b.client_syn(MODERN);
    assert_eq!(b.tcp.timewaits.len(), 0);
}

#[test]
fn an_old_syn_in_time_wait_is_acknowledged() {
    let mut b = in_time_wait();
    b.ts_peer -= 5;
    let mut syn = b.segment(SYN, 0, 0, &[]);
    syn.repr.seq = SeqNumber(b.irs.wrapping_sub(100));
    b.rx(syn);
    assert_eq!(b.flush()[0].repr.flags, ACK);
    assert_eq!(b.tcp.timewaits.len(), 1);
}

#[test]
fn a_reset_ends_time_wait() {
    let mut b = in_time_wait();
    b.peer(RST, 2, 0, &[]);
    assert_eq!(b.tcp.timewaits.len(), 0);
    assert_eq!(b.tcp.poll_timeout(), None);
}

#[test]
fn time_wait_holds_the_port_against_bind() {
    let mut b = in_time_wait();
    b.tcp.close(b.now, b.id);
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 8000);
    let id = b.tcp.open();
    assert_eq!(b.tcp.bind(id, any), Err(Error::AddrInUse));
    // Both must have said SO_REUSEADDR; the old one had not.
    b.id = id;
    b.options(|o| o.reuseaddr = true);
    assert_eq!(b.tcp.bind(id, any), Err(Error::AddrInUse));
    b.advance(Duration::from_secs(61));
    assert_eq!(b.tcp.bind(id, any), Ok(()));
}

/// Both FINs cross, and the peer's FIN and its acknowledgement of ours arrive in one batch: ours must still leave, or the
/// peer repeats its FIN.
#[test]
fn crossing_fins_read_in_one_batch_are_acknowledged() {
    let mut b = Bench::connected(PLAIN);
    shut(&mut b, Shutdown::Write);
    b.flush();
    b.peer(ACK | FIN, 1, 1, &[]);
    assert_eq!(b.state(), TcpState::Closing);
    b.peer(ACK, 2, 2, &[]);
    assert_eq!(b.tcp.timewaits.len(), 1);
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0), (ACK, b.irs + 2));
}
