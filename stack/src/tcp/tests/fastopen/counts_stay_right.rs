//! Whatever comes in whatever order (SYNs with and without cookie, again, ACKs, RSTs, FINs; accept, close, time), the counts of requests,
//! of early children and of orphans are those of what is there; also when the listener is shut down and listens again.

use super::super::pair::Rng;
use super::*;
use crate::tcp::socket::{Body, Owner};

fn check(b: &Bench, listener: SocketId) {
    let mut early = 0;
    let mut orphans = 0;
    for (_, _, sock) in b.tcp.socks.iter() {
        if let Body::Conn(conn) = &sock.body {
            early += u32::from(conn.is_early_child());
            orphans += usize::from(sock.owner == Owner::Orphan);
        }
    }
    assert_eq!(b.tcp.orphans, orphans);
    assert_eq!(b.tcp.audit().broken, Vec::<String>::new());
    let Some(sock) = b.tcp.socks.get_gen(listener.index, listener.generation) else { return };
    let Body::Listen(l) = &sock.body else { panic!("no listener") };
    assert_eq!(l.requests, b.tcp.requests.len());
    assert!(l.young <= l.requests);
    assert_eq!(l.early.as_ref().map_or(0, |e| e.pending()), early);
    // (A SYN that takes a TIME_WAIT over finds room among the requests at any rate, as on Linux.)
    assert!(early <= sock.opts.fast_open);
}

fn run(seed: u64) {
    let mut rng = Rng(seed);
    let mut b = Bench::listening(1 + (rng.next() % 6) as u32);
    b.options(|o| {
        o.fast_open = 1 + (seed % 4) as u32;
        o.rcvbuf = seed.is_multiple_of(3).then_some(2304);
        o.defer_accept = seed.is_multiple_of(5).into();
    });
    let listener = b.id;
    let mut good = cookie_of(&mut b);
    good = FastOpen::new(good.cookie()).unwrap();
    let mut answers: Vec<(u16, u32, u32)> = Vec::new();
    let mut held = Vec::new();
    for step in 0..400 {
        let pick = rng.next();
        match pick % 12 {
            _ if pick.is_multiple_of(41) && step < 380 => {
                b.tcp.shutdown(b.now, listener, Shutdown::Read).unwrap();
                b.flush();
                assert_eq!(b.tcp.audit().broken, Vec::<String>::new());
                b.tcp.listen(listener, 1 + (rng.next() % 6) as u32).unwrap();
            }
            0..=3 => {
                b.remote = 40_000 + (rng.next() % 12) as u16;
                let data = [7u8; 300];
                let mut syn = b.segment(SYN, 0, 0, &data[..(rng.next() % 300) as usize]);
                syn.repr.options.mss = Some(1000);
                syn.repr.options.fast_open = match rng.next() % 4 {
                    0 => None,
                    1 => Some(FastOpen::REQUEST),
                    2 => FastOpen::new(&[1; 8]),
                    _ => Some(good),
                };
                b.rx(syn);
            }
            4..=8 if !answers.is_empty() => {
                let (port, seq, ack) = answers[rng.next() as usize % answers.len()];
                b.remote = port;
                let flags = [ACK, ACK | PSH, ACK | FIN, RST, SYN, RST | ACK][(rng.next() % 6) as usize];
                let mut seg = b.segment(flags, 0, 0, &[9; 20][..(rng.next() % 20) as usize]);
                seg.repr.seq = SeqNumber(ack) + [0, 0, 0, 1, 400, 2310, 65_535][(rng.next() % 7) as usize];
                seg.repr.ack = SeqNumber(seq) + [1, 1, 1, 2, 0][(rng.next() % 5) as usize];
                b.rx(seg);
            }
            9 => {
                while let Ok((id, _)) = b.tcp.accept(listener) {
                    held.push(id);
                }
            }
            10 if !held.is_empty() => {
                let id = held.swap_remove(rng.next() as usize % held.len());
                let mut buf = [0; 1000];
                match rng.next() % 4 {
                    0 => b.tcp.abort(b.now, id),
                    1 => b.tcp.close(b.now, id),
                    2 => {
                        let _ = b.tcp.recv(b.now, id, &mut buf);
                        let _ = b.tcp.send(b.now, id, &[5; 2000], false);
                        b.tcp.close(b.now, id);
                    }
                    _ => {
                        let _ = b.tcp.shutdown(b.now, id, Shutdown::Write);
                        held.push(id);
                    }
                }
            }
            _ => {
                let sent = b.advance(ms(rng.next() % [5, 2000, 90_000][(rng.next() % 3) as usize]));
                answers.extend(sent.iter().map(|s| (s.repr.dst_port, s.repr.seq.0, s.repr.ack.0)));
            }
        }
        let sent = b.flush();
        answers.extend(sent.iter().map(|s| (s.repr.dst_port, s.repr.seq.0, s.repr.ack.0)));
        if answers.len() > 30 {
            answers.drain(..answers.len() - 30);
        }
        if step == 380 {
            b.tcp.close(b.now, listener);
            b.flush();
        }
        check(&b, listener);
    }
    for id in held {
        b.tcp.close(b.now, id);
    }
    b.advance(Duration::from_secs(4000));
    assert_eq!((b.tcp.socks.len(), b.tcp.requests.len(), b.tcp.timewaits.len()), (0, 0, 0), "{seed}");
    assert!(b.tcp.demux.is_empty() && b.tcp.orphans == 0 && !b.tcp.pending_output());
    assert_eq!(b.tcp.poll_timeout(), None);
}

#[test]
fn counts_stay_right() {
    for seed in 0..300 {
        run(seed);
    }
}
