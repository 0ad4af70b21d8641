//! RFC 7413 with loss, duplicates and reordering, of SYNs too: what either side sends arrives once and in order, whether it went with the
//! SYN, followed the SYN-ACK, or had to be sent again; and nothing is left behind.

use super::super::pair::{CLEAN, Link, Rng, World, pattern};
use super::*;

/// One end of a connection.
struct End {
    id: SocketId,
    number: u64,
    send: usize,
    sent: usize,
    got: usize,
    want: usize,
    shut: bool,
    eof: bool,
}

/// An end was out of patience: a closed connection repeats its data for two minutes and no longer.
fn gave_up(w: &World) -> bool {
    w.ends.iter().any(|end| end.2.tcp_timeouts > 0)
}

impl End {
    fn fail(&self, w: &mut World, error: Error) -> bool {
        assert!(gave_up(w), "{}: {error:?}", self.number);
        true
    }

    /// Sends and receives what is possible; true when all is done.
    fn work(&mut self, w: &mut World, side: usize) -> bool {
        let mut buf = [0u8; 4000];
        let tcp = &mut w.ends[side].0;
        while self.sent < self.send {
            let n = (self.send - self.sent).min(1 + self.sent * 7 % 3000);
            for (i, b) in buf[..n].iter_mut().enumerate() {
                *b = pattern(self.number * 2 + side as u64, self.sent + i);
            }
            match tcp.send(w.now, self.id, &buf[..n], false) {
                Ok(n) => self.sent += n,
                Err(Error::WouldBlock) => break,
                Err(e) => return self.fail(w, e),
            }
        }
        if self.sent == self.send && !self.shut && tcp.state(self.id) != TcpState::SynSent {
            tcp.shutdown(w.now, self.id, Shutdown::Write).unwrap();
            self.shut = true;
        }
        while !self.eof {
            match tcp.recv(w.now, self.id, &mut buf) {
                Ok(0) => self.eof = true,
                Ok(n) => {
                    for (i, b) in buf[..n].iter().enumerate() {
                        assert_eq!(*b, pattern(self.number * 2 + 1 - side as u64, self.got + i));
                    }
                    self.got += n;
                }
                Err(Error::WouldBlock) => break,
                Err(e) => return self.fail(w, e),
            }
        }
        if self.shut && self.eof {
            assert_eq!(self.got, self.want, "{}", self.number);
            tcp.close(w.now, self.id);
            return true;
        }
        false
    }
}

fn sizes(rng: &mut Rng) -> [usize; 2] {
    let mut size = || [0, 1, 40, 1000, 1420, 1421, 20_000][(rng.next() % 7) as usize];
    [size(), size()]
}

/// Answers how many SYNs had data that counted, and how many did not.
fn run(seed: u64) -> (u64, u64) {
    let mut pick = Rng(seed ^ 0xfa57);
    // Timestamps without SACK: an echo of what came twice makes the RTO grow (as Linux's), and orphans give up.
    let sack = pick.chance(700);
    let link = Link {
        loss: [0, 20, 60, 100][(pick.next() % 4) as usize],
        dup: pick.next() % 50,
        reorder: pick.next() % 300,
        timestamps: sack && pick.chance(700),
        sack,
        ..CLEAN
    };
    let mut w = World::new(link, seed);
    let server = w.ends[1].0.open();
    w.ends[1].0.bind(server, SocketAddrV4::new(PEER, 80)).unwrap();
    w.ends[1].0.listen(server, 50).unwrap();
    let mut opts = w.ends[1].0.options(server).unwrap().clone();
    opts.fast_open = (pick.next() % 4) as u32;
    opts.fast_open_no_cookie = pick.chance(200);
    w.ends[1].0.set_options(w.now, server, opts).unwrap();
    let remote = SocketAddrV4::new(PEER, 80);
    let (mut clients, mut servers) = (Vec::new(), Vec::new());
    let mut all = std::collections::HashMap::new();
    let mut begun = 0;
    while begun < 20 || !clients.is_empty() || !servers.is_empty() {
        if begun < 20 && (clients.is_empty() || pick.chance(300)) {
            begun += 1;
            let number = seed * 100 + begun;
            let [up, down] = sizes(&mut pick);
            let tcp = &mut w.ends[0].0;
            let id = tcp.open();
            let data: Vec<u8> = (0..up).map(|i| pattern(number * 2, i)).collect();
            let sent = match pick.next() % 3 {
                0 => {
                    assert_eq!(tcp.connect(w.now, id, remote, US, 1500), Err(Error::InProgress));
                    0
                }
                1 => tcp.send_fast_open(w.now, id, Some((remote, US, 1500)), &data).unwrap(),
                _ => {
                    let mut opts = tcp.options(id).unwrap().clone();
                    opts.fast_open_connect = true;
                    tcp.set_options(w.now, id, opts).unwrap();
                    match tcp.connect(w.now, id, remote, US, 1500) {
                        Ok(()) => tcp.send(w.now, id, &data, false).unwrap_or(0),
                        Err(e) => {
                            assert_eq!(e, Error::InProgress);
                            0
                        }
                    }
                }
            };
            all.insert(tcp.local_addr(id).unwrap().port(), (number, up, down));
            clients.push(End { id, number, send: up, sent, got: 0, want: down, shut: false, eof: false });
        }
        if !w.step() {
            assert!(gave_up(&w), "seed {seed}: dead, {link:?}");
            return (0, 0);
        }
        while let Ok((id, peer)) = w.ends[1].0.accept(server) {
            // A duplicate of a SYN, come after its connection has ended, is taken for another one (RFC 7413 section 2.1).
            let Some((number, up, down)) = all.remove(&peer.port()) else {
                w.ends[1].0.abort(w.now, id);
                continue;
            };
            servers.push(End { id, number, send: down, sent: 0, got: 0, want: up, shut: false, eof: false });
        }
        clients.retain_mut(|end| !end.work(&mut w, 0));
        servers.retain_mut(|end| !end.work(&mut w, 1));
    }
    w.ends[1].0.close(w.now, server);
    while w.step() {}
    for (tcp, _, _) in &w.ends {
        assert_eq!((tcp.socks.len(), tcp.timewaits.len(), tcp.requests.len(), tcp.orphans), (0, 0, 0, 0));
        assert!(tcp.demux.is_empty() && !tcp.pending_output());
    }
    (w.ends[0].2.tcp_fastopen_active, w.ends[0].2.tcp_fastopen_active_fail)
}

#[test]
fn every_byte_arrives_over_a_bad_link() {
    let (mut good, mut bad) = (0, 0);
    for seed in 0..60 {
        let (g, b) = run(seed);
        good += g;
        bad += b;
    }
    assert!(good > 100 && bad > 10, "{good} {bad}");
}

/// The same for long: `cargo test --release -p matnet-stack --lib fastopen -- --ignored`.
#[test]
#[ignore = "takes minutes"]
fn every_byte_arrives_with_many_seeds() {
    for seed in 1000..6000 {
        run(seed);
    }
}
