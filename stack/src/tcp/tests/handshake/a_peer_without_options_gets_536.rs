//! RFC 9293 section 3.7.1 (MUST-15): without an MSS option the peer takes segments of 536 bytes.

use super::*;

#[test]
fn a_peer_without_options_gets_536() {
    let none = Peer { mss: None, ..PLAIN };
    let b = Bench::connected(none);
    let i = b.info();
    assert_eq!((i.snd_mss, i.wscale, i.sack, i.timestamps), (536, false, false, false));
}
