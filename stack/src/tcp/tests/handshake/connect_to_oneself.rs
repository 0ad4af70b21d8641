//! RFC 9293 section 3.5, figure 7: a socket connected to itself opens simultaneously with itself, as on Linux.

use super::*;

#[test]
fn connect_to_oneself() {
    let mut b = Bench::new();
    b.tcp.bind(b.id, SocketAddrV4::new(US, 9999)).unwrap();
    let me = SocketAddrV4::new(US, 9999);
    assert_eq!(b.tcp.connect(b.now, b.id, me, US, 1500), Err(Error::InProgress));
    let loopback = |b: &mut Bench| {
        for _ in 0..10 {
            for s in b.flush() {
                let payload = Buf::from_vec(s.payload);
                let seg = SegmentIn {
                    src: s.src,
                    dst: s.dst,
                    tos: 0,
                    ttl: 64,
                    head: Buf::default(),
                    repr: s.repr,
                    payload,
                    gso_size: 0,
                };
                b.rx(seg);
            }
        }
    };
    loopback(&mut b);
    assert_eq!(b.state(), TcpState::Established);
    b.send(b"echo");
    loopback(&mut b);
    assert_eq!(b.recv(10).unwrap(), b"echo");
    b.tcp.shutdown(b.now, b.id, Shutdown::Write).unwrap();
    loopback(&mut b);
    assert_eq!(b.recv(10).unwrap(), b"");
}
