//! A large frame is shown to the reader where it lies, and reading may stop in the middle of it.

use super::*;

#[test]
fn received_frames_are_shown_without_a_copy() {
    let mut b = Bench::connected(MODERN);
    let frame = std::sync::Arc::new((0..60_000u32).map(|n| n as u8).collect::<Vec<_>>());
    let mut seg = b.segment(ACK, 1, 1, &[]);
    seg.payload = Buf::from_arc(std::sync::Arc::clone(&frame), 54, 60_000);
    seg.gso_size = 1448;
    b.rx(seg);
    b.peer(ACK | PSH, 59_947, 1, b"tail");
    let mut seen = Vec::new();
    let took = b.tcp.recv_with(b.now, b.id, 1 << 20, &mut |slices| {
        assert_eq!(slices[0].as_ptr(), frame[54..].as_ptr());
        seen = slices.concat();
        50_000
    });
    assert_eq!(took, Ok(50_000));
    assert_eq!((&seen[..59_946], &seen[59_946..]), (&frame[54..], &b"tail"[..]));
    assert_eq!(b.tcp.recv_with(b.now, b.id, 10, &mut |s| s.concat().len()), Ok(10));
    assert_eq!(b.tcp.recv_with(b.now, b.id, 10, &mut |_| 0), Ok(0));
    assert_eq!(b.recv(100_000).unwrap(), seen[50_010..]);
    assert_eq!(b.tcp.recv_with(b.now, b.id, 10, &mut |_| 1), Err(Error::WouldBlock));
    b.peer(ACK | FIN, 59_951, 1, &[]);
    assert_eq!(b.tcp.recv_with(b.now, b.id, 10, &mut |_| 1), Ok(0));
}
