//! A frame that the device cuts has CWR for its first segment (VIRTIO_NET_HDR_GSO_ECN, `host/src/link/offload.rs`): one
//! frame after a reduction, not each.

use super::*;

#[test]
fn only_the_first_frame_has_it() {
    let mut b = connected(SACK);
    b.below.tso = 4000;
    b.send(&[1; 10_000]);
    b.flush();
    b.peer(ACK | ECE, 1, 10_001, &[]);
    b.peer_window = 60_000;
    for n in 0..8 {
        b.send(&[1; 10_000]);
        let sent = marks(&mut b);
        assert!(sent.iter().all(|s| s.2 == ECT0));
        let with = sent.iter().filter(|s| s.0.contains(CWR)).count();
        assert_eq!(with, usize::from(n == 0), "{sent:?}");
        let acked = 10_001 + b.info().bytes_sent as u32 - 10_000;
        b.peer(ACK, 1, acked, &[]);
    }
}
