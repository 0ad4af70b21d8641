//! Urgent data: what the peer's pointer does to reads, poll and SIOCATMARK, and what ours looks like. The expectations were
//! read off Linux (net/ipv4/tcp_input.c, tcp.c; tcp_stdurg = 0).

use super::*;

const URG: Flags = Flags::URG;

impl Bench {
    /// A segment whose pointer is `up`, counted as in the header: one past the urgent byte.
    fn urgent(&mut self, seq: u32, up: u16, payload: &[u8]) {
        let mut seg = self.segment(ACK | URG, seq, 1, payload);
        seg.repr.urgent = up;
        self.rx(seg);
    }

    fn oob(&mut self) -> Result<Option<u8>> {
        self.tcp.recv_urgent(self.id, false)
    }

    fn at_mark(&self) -> bool {
        self.tcp.at_mark(self.id)
    }
}

#[test]
fn a_read_stops_before_the_urgent_byte_and_then_steps_over_it() {
    let mut b = Bench::connected(PLAIN);
    assert_eq!(b.oob(), Err(Error::InvalidArgument));
    b.urgent(1, 4, b"abcX");
    b.peer(ACK, 5, 1, b"def");
    assert!(b.events().iter().any(|(_, e)| e.contains(Readiness::MARK | Readiness::PRI)));
    assert!(b.ready().contains(Readiness::IN | Readiness::PRI));
    assert_eq!(b.tcp.recv_queued(b.id), 3);
    assert_eq!(b.recv(2), Ok(b"ab".to_vec()));
    assert!(!b.at_mark());
    assert_eq!(b.recv(10), Ok(b"c".to_vec()));
    assert!(b.at_mark());
    assert_eq!(b.oob(), Ok(Some(b'X')));
    assert!(b.at_mark() && !b.ready().contains(Readiness::PRI));
    assert_eq!(b.oob(), Err(Error::InvalidArgument));
    assert_eq!(b.recv(10), Ok(b"def".to_vec()));
    assert!(!b.at_mark());
}

#[test]
fn alone_in_the_queue_it_is_not_readable() {
    let mut b = Bench::connected(PLAIN);
    b.urgent(1, 1, b"X");
    assert!(b.at_mark());
    assert_eq!(b.ready(), Readiness::OUT | Readiness::PRI);
    assert_eq!(b.recv(10), Err(Error::WouldBlock));
    // The read has stepped over it: it is lost.
    assert!(!b.at_mark());
    assert_eq!(b.oob(), Err(Error::InvalidArgument));
    assert_eq!(b.ready(), Readiness::OUT);
}

#[test]
fn in_line_a_read_stops_and_goes_on() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.oobinline = true);
    b.urgent(1, 3, b"abX");
    b.peer(ACK, 4, 1, b"de");
    assert_eq!(b.tcp.recv_queued(b.id), 5);
    assert_eq!(b.oob(), Err(Error::InvalidArgument));
    assert_eq!(b.recv(10), Ok(b"ab".to_vec()));
    assert!(b.at_mark() && b.ready().contains(Readiness::IN | Readiness::PRI));
    assert_eq!(b.recv(10), Ok(b"Xde".to_vec()));
    assert!(!b.at_mark() && !b.ready().contains(Readiness::PRI));
}

#[test]
fn the_pointer_may_come_before_the_byte() {
    let mut b = Bench::connected(PLAIN);
    b.urgent(1, 6, b"ab");
    assert_eq!(b.oob(), Err(Error::WouldBlock));
    assert!(!b.ready().contains(Readiness::PRI));
    assert!(b.events().iter().any(|(_, e)| e.contains(Readiness::MARK)));
    b.urgent(3, 4, b"cdeX");
    // The same pointer: no second SIGURG, but the byte is here.
    let events = b.events();
    assert!(events.iter().any(|(_, e)| e.contains(Readiness::PRI)));
    assert!(!events.iter().any(|(_, e)| e.contains(Readiness::MARK)));
    assert_eq!(b.oob(), Ok(Some(b'X')));
    assert_eq!(b.recv(10), Ok(b"abcde".to_vec()));
}

#[test]
fn a_pointer_without_data_is_a_mark_to_come() {
    let mut b = Bench::connected(PLAIN);
    b.urgent(1, 1, b"");
    assert!(b.at_mark());
    assert_eq!(b.oob(), Err(Error::WouldBlock));
    b.peer(ACK, 1, 1, b"X");
    assert_eq!(b.oob(), Ok(Some(b'X')));
}

#[test]
fn a_newer_pointer_replaces_the_older_one() {
    let mut b = Bench::connected(PLAIN);
    b.urgent(1, 2, b"aX");
    b.urgent(3, 2, b"bY");
    assert_eq!(b.oob(), Ok(Some(b'Y')));
    // X is data now.
    assert_eq!(b.recv(10), Ok(b"aXb".to_vec()));
    // An older pointer says nothing.
    b.urgent(1, 2, b"aX");
    assert_eq!(b.events().iter().filter(|(_, e)| e.contains(Readiness::MARK)).count(), 1);
}

#[test]
fn an_urgent_byte_at_the_mark_goes_when_the_next_one_comes() {
    let mut b = Bench::connected(PLAIN);
    b.urgent(1, 1, b"X");
    assert_eq!(b.oob(), Ok(Some(b'X')));
    b.urgent(2, 1, b"Y");
    assert_eq!(b.oob(), Ok(Some(b'Y')));
    b.peer(ACK, 3, 1, b"z");
    assert_eq!(b.recv(10), Ok(b"z".to_vec()));
}

#[test]
fn looking_does_not_take() {
    let mut b = Bench::connected(PLAIN);
    b.urgent(1, 2, b"aX");
    b.peer(ACK, 3, 1, b"bc");
    assert_eq!(b.tcp.recv_urgent(b.id, true), Ok(Some(b'X')));
    let mut buf = [0; 8];
    assert_eq!(b.tcp.peek(b.id, 0, &mut buf), Ok(1));
    assert!(b.tcp.mark_is_at(b.id, 1));
    assert_eq!(b.recv(1), Ok(b"a".to_vec()));
    assert_eq!(b.tcp.peek(b.id, 0, &mut buf), Ok(2));
    assert_eq!(&buf[..2], b"bc");
    assert_eq!(b.tcp.peek(b.id, 1, &mut buf), Ok(1));
    assert_eq!(b.tcp.discard(b.now, b.id, 8), Ok(2));
}

#[test]
fn the_end_of_the_stream() {
    let mut b = Bench::connected(PLAIN);
    b.urgent(1, 9, b"a");
    b.peer(ACK | FIN, 2, 1, b"");
    assert_eq!(b.oob(), Ok(None));
    assert_eq!(b.recv(10), Ok(b"a".to_vec()));
    assert_eq!(b.recv(10), Ok(Vec::new()));
}

#[test]
fn ours_points_behind_the_last_byte() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"abcX");
    b.tcp.mark_urgent(b.id);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.urgent), (ACK | PSH | URG, 4));
    // More data behind it: no pointer.
    b.options(|o| o.nodelay = true);
    b.send(b"de");
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.urgent), (ACK | PSH, 0));
    b.peer(ACK, 1, 7, &[]);
    b.send(b"f");
    assert_eq!(b.flush()[0].repr.flags, ACK | PSH);
}

/// tcp_nagle_test, and tcp_write_xmit: one segment a frame, each with its own distance.
#[test]
fn urgent_mode_ignores_nagle_and_large_frames() {
    let mut b = Bench::connected_with(PLAIN, |b| b.below.tso = 65_000);
    b.send(b"a");
    b.flush();
    b.send(b"X");
    b.tcp.mark_urgent(b.id);
    let sent = b.flush();
    assert_eq!((sent.len(), sent[0].repr.urgent), (1, 1));
    b.peer(ACK, 1, 3, &[]);
    b.send(&[7; 2500]);
    b.tcp.mark_urgent(b.id);
    let ups: Vec<(usize, u16)> = b.flush().iter().map(|s| (s.payload.len(), s.repr.urgent)).collect();
    assert_eq!(ups, [(1000, 2500), (1000, 1500), (500, 500)]);
}

#[test]
fn the_pointer_crosses_a_closed_window() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.flush();
    b.send(b"X");
    b.tcp.mark_urgent(b.id);
    b.silent();
    let sent = b.advance(Duration::from_secs(2));
    assert!(sent.iter().any(|s| s.repr.flags.contains(URG) && s.repr.urgent == 1 && s.payload.is_empty()));
}

#[test]
fn a_retransmission_points_too() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"abX");
    b.tcp.mark_urgent(b.id);
    b.flush();
    let again = b.advance(Duration::from_secs(2));
    assert!(!again.is_empty() && again.iter().all(|s| s.repr.urgent == 3));
}
