//! RFC 4987: a hundred thousand SYNs from addresses that are not there leave a bounded queue, and a client still gets in.

use super::*;

#[test]
fn a_flood_leaves_memory_bounded_and_lets_clients_in() {
    let mut b = Bench::listening(128);
    let flood = |b: &mut Bench, count: u32| {
        for n in 0..count {
            let mut syn = b.segment(SYN, 0, 0, &[]);
            syn.src = Ipv4Addr::from(0x0b00_0000 + n);
            syn.repr.src_port = 1024 + (n % 60_000) as u16;
            syn.repr.options.mss = Some(1460);
            b.rx(syn);
            if n % 64 == 0 {
                b.flush();
                b.now = b.now + ms(1);
            }
        }
        b.flush();
    };
    flood(&mut b, 100_000);
    assert_eq!((b.tcp.requests.len(), b.tcp.socks.len()), (128, 1));
    assert!(b.tcp.demux.len() <= 128 && b.tcp.replies.len() <= 1024);
    assert!(b.tcp.demux.capacity() < 1024 && b.tcp.replies.capacity() <= 2048);
    assert!(b.counters.tcp_syn_cookies_out > 99_000);
    // A client in the midst of it.
    b.client_syn(MODERN);
    flood(&mut b, 1000);
    b.client_ack();
    let (child, peer) = b.tcp.accept(b.id).unwrap();
    assert_eq!(peer, b.peer_addr());
    b.peer(ACK | PSH, 1, 1, b"GET /");
    b.id = child;
    assert_eq!(b.recv(10).unwrap(), b"GET /");
    // The queue empties by itself.
    b.advance(Duration::from_secs(64));
    assert_eq!(b.tcp.requests.len(), 0);
}
