//! Linux's `tcp_mtu_probing`: what gets nothing through either is halved. Not below 552 bytes of packet.

use super::*;

#[test]
fn smaller_and_smaller_but_not_tiny() {
    let mut b = Bench::connected(WIDE);
    b.send(&[1; 30_000]);
    let sent = b.advance(Duration::from_secs(300));
    let mut sizes: Vec<usize> = sent.iter().map(|s| s.payload.len()).collect();
    sizes.dedup();
    assert_eq!(sizes, [1460, 1024, 512]);
    assert_eq!(b.state(), TcpState::Established);
}

#[test]
fn a_path_of_600_bytes_is_followed() {
    let (mut b, mut hole) = fallen_into(600);
    hole.run(&mut b, 300);
    assert_eq!(hole.next, 30_001);
}
