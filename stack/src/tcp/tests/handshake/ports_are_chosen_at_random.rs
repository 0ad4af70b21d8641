//! RFC 6056 section 3.3.3: where the search for a local port begins depends on the peer and a secret.

use super::*;

fn port(secret: u8, peer: u16) -> u16 {
    let mut b = Bench::new();
    b.tcp = Tcp::new(TcpOptions::default(), [secret; 32]);
    b.id = b.tcp.open();
    b.remote = peer;
    b.connect();
    b.local
}

#[test]
fn ports_are_chosen_at_random() {
    let ports: std::collections::HashSet<u16> =
        (0..20).flat_map(|secret| (0..20).map(move |peer| port(secret, 80 + peer))).collect();
    // 400 draws of 14 thousand even ports: nearly all differ.
    assert!(ports.len() > 370, "{}", ports.len());
    assert!(ports.iter().all(|p| (32_768..61_000).contains(p)));
    assert_eq!(port(1, 80), port(1, 80));
}
