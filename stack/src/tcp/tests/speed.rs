//! What the code itself costs, without a device: run by hand, in release, with `--ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant as Clock;

use super::*;

/// Counts and forgets.
struct Hole {
    last: Option<Repr>,
    end: SeqNumber,
    frames: u64,
    bytes: u64,
}

impl IpOutput for Hole {
    fn send_tcp(&mut self, _now: Instant, tx: &TcpOut<'_>) -> std::result::Result<(), Full> {
        self.last = Some(*tx.repr);
        self.frames += 1;
        let len = tx.payload.iter().map(|s| s.len()).sum::<usize>();
        self.bytes += len as u64;
        self.end = tx.repr.seq + len;
        Ok(())
    }
    fn path_mtu(&self, _dst: Ipv4Addr) -> u16 {
        1500
    }
    fn link_mtu(&self, _dst: Ipv4Addr) -> u16 {
        1500
    }
    fn tso_max(&self, _dst: Ipv4Addr) -> usize {
        65_435
    }
}

#[test]
#[ignore = "a benchmark"]
fn sending_bulk() {
    let mut b = Bench::connected(MODERN);
    let mut hole = Hole { last: None, end: SeqNumber(0), frames: 0, bytes: 0 };
    let data = vec![7u8; 128 << 10];
    let total = 20u64 << 30;
    let start = Clock::now();
    while hole.bytes < total {
        b.now = b.now + Duration::from_micros(20);
        let _ = b.tcp.send(b.now, b.id, &data, false);
        b.tcp.poll_transmit(b.now, &mut hole, &mut b.counters).unwrap();
        let acked = hole.end.0.wrapping_sub(b.iss);
        b.ts_seen = hole.last.unwrap().options.timestamps.unwrap().0;
        b.peer(ACK, 1, acked, &[]);
    }
    let took = start.elapsed().as_secs_f64();
    let each = took * 1e9 / hole.frames as f64;
    eprintln!(
        "send: {:.1} Gb/s, {each:.0} ns a frame of {}",
        hole.bytes as f64 * 8e-9 / took,
        hole.bytes / hole.frames
    );
}

#[test]
#[ignore = "a benchmark"]
fn receiving_bulk() {
    for size in [65_160usize, 1448] {
        let mut b = Bench::connected(MODERN);
        let mut hole = Hole { last: None, end: SeqNumber(0), frames: 0, bytes: 0 };
        let pool: Vec<Arc<Vec<u8>>> = (0..128).map(|_| Arc::new(vec![7u8; 65_549])).collect();
        let mut out = vec![0u8; 128 << 10];
        let total = if size > 2000 { 20u64 << 30 } else { 2 << 30 };
        let mut seq = 1u32;
        let mut done = 0u64;
        let mut i = 0;
        let start = Clock::now();
        while done < total {
            b.now = b.now + Duration::from_micros(20);
            for _ in 0..2 {
                let mut seg = b.segment(ACK, seq, 1, &[]);
                seg.payload = Buf::from_arc(Arc::clone(&pool[i % 128]), 66, 66 + size);
                seg.gso_size = if size > 2000 { 1448 } else { 0 };
                i += 1;
                b.rx(seg);
                seq = seq.wrapping_add(size as u32);
                done += size as u64;
            }
            while b.tcp.recv(b.now, b.id, &mut out).is_ok() {}
            b.tcp.poll_transmit(b.now, &mut hole, &mut b.counters).unwrap();
        }
        let took = start.elapsed().as_secs_f64();
        let frames = done / size as u64;
        let each = took * 1e9 / frames as f64;
        eprintln!(
            "receive {size}: {:.1} Gb/s, {each:.0} ns a frame, {} acks",
            done as f64 * 8e-9 / took,
            hole.frames
        );
    }
}

#[test]
#[ignore = "a benchmark"]
fn request_and_response() {
    let mut b = Bench::connected(MODERN);
    let mut hole = Hole { last: None, end: SeqNumber(0), frames: 0, bytes: 0 };
    let request = Arc::new(vec![1u8; 64 + 66]);
    let (mut seq, mut ack) = (1u32, 1u32);
    let mut out = [0u8; 4096];
    let n = 2_000_000;
    let start = Clock::now();
    for _ in 0..n {
        b.now = b.now + Duration::from_micros(20);
        let mut seg = b.segment(ACK | PSH, seq, ack, &[]);
        seg.payload = Buf::from_arc(Arc::clone(&request), 66, 130);
        b.rx(seg);
        seq = seq.wrapping_add(64);
        let got = b.tcp.recv(b.now, b.id, &mut out).unwrap();
        b.tcp.send(b.now, b.id, &out[..got], false).unwrap();
        b.tcp.poll_transmit(b.now, &mut hole, &mut b.counters).unwrap();
        while b.tcp.poll_event().is_some() {}
        ack = ack.wrapping_add(64);
    }
    let each = start.elapsed().as_secs_f64() * 1e9 / f64::from(n);
    eprintln!("request and response: {each:.0} ns, {} frames for {n}", hole.frames);
    eprintln!(
        "a connection: {} bytes and its socket {}",
        size_of::<super::super::socket::Conn>(),
        size_of::<super::super::socket::Socket>()
    );
}
