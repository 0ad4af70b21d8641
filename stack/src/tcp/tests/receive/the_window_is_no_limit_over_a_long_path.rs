//! Receive auto-tuning (DRS): over a path of 100 Mbit/s and 50 ms, and one of 1 Gbit/s and 100 ms, the receiver's window and the
//! sender's buffer grow ahead of the congestion window, so that the transfer takes no longer than with the largest buffers from
//! the beginning.

use super::super::pair::{CLEAN, Link, World};
use super::*;

/// Moves `total` bytes; answers how long it took, and for which part of that the peer's window was the limit.
fn transfer(
    rate: u64,
    delay: Duration,
    timestamps: bool,
    total: usize,
    buffers: Option<usize>,
) -> (Duration, u32) {
    let mut w = World::new(Link { rate, delay, timestamps, cc: Congestion::Cubic, ..CLEAN }, 1);
    let address = SocketAddrV4::new(PEER, 80);
    let listener = w.ends[1].0.open();
    w.ends[1].0.bind(listener, address).unwrap();
    w.ends[1].0.listen(listener, 1).unwrap();
    let client = w.ends[0].0.open();
    for (end, id) in [(0, client), (1, listener)] {
        let mut opts = w.ends[end].0.options(id).unwrap().clone();
        (opts.rcvbuf, opts.sndbuf, opts.pacing) = (buffers, buffers, false);
        w.ends[end].0.set_options(w.now, id, opts).unwrap();
    }
    let _ = w.ends[0].0.connect(w.now, client, address, US, 1500);
    let begun = w.now;
    let data = vec![7; 1 << 20];
    let mut buf = vec![0; 1 << 20];
    let (mut sent, mut got, mut server, mut limited) = (0, 0, None, 0);
    while got < total {
        assert!(w.step(), "{sent} {got}");
        if server.is_none() {
            server = w.ends[1].0.accept(listener).ok().map(|(id, _)| id);
        }
        while sent < total {
            let part = (total - sent).min(data.len());
            let Ok(n) = w.ends[0].0.send(w.now, client, &data[..part], false) else { break };
            sent += n;
        }
        if let Some(server) = server {
            while let Ok(n) = w.ends[1].0.recv(w.now, server, &mut buf) {
                got += n;
            }
        }
        let i = w.ends[0].0.info(w.now, client).unwrap();
        // Room in cwnd, something to send, and no room in the window.
        let flight = i.bytes_in_flight;
        limited +=
            u32::from(i.notsent > 0 && flight + 2 * i.snd_mss < i.cwnd && flight + i.snd_mss > i.snd_wnd);
    }
    (w.now.since(begun), limited)
}

#[test]
fn at_100_mbit_and_50_ms() {
    for timestamps in [true, false] {
        let (took, limited) = transfer(12_500_000, ms(25), timestamps, 15_000_000, None);
        let (best, _) = transfer(12_500_000, ms(25), timestamps, 15_000_000, Some(32 << 20));
        assert_eq!(limited, 0, "timestamps {timestamps}");
        assert!(took <= best + ms(50), "{took:?} {best:?}");
    }
}

#[test]
fn at_1_gbit_and_100_ms() {
    let (took, limited) = transfer(125_000_000, ms(50), true, 60_000_000, None);
    let (best, _) = transfer(125_000_000, ms(50), true, 60_000_000, Some(32 << 20));
    assert_eq!(limited, 0);
    assert!(took <= best + ms(100), "{took:?} {best:?}");
}
