//! A peer that names an MSS of a few bytes would have us send mostly headers (CVE-2019-11479): 48 is the least that counts (Linux:
//! tcp_min_snd_mss), and what is under way is bounded in packets.

use super::*;

#[test]
fn a_tiny_mss_is_not_believed() {
    for (mss, segment) in [(0, 48), (1, 48), (47, 48), (48, 48), (88, 88)] {
        let mut b = Bench::connected(Peer { mss: Some(mss), ..PLAIN });
        b.send(&[1; 20_000]);
        let sent = b.flush();
        assert!(sent.iter().all(|s| s.payload.len() == segment), "{mss}: {:?}", sent[0].payload.len());
        assert!(sent.len() <= 10, "{}", sent.len());
    }
    let b = Bench::connected(Peer { mss: None, ..PLAIN });
    assert_eq!(b.info().snd_mss, 536);
}
