//! Small segments that pass are no proof of a hole: the full size has three trials (RFC 4821 section 7.7, against false
//! suspicion). Without it plain heavy loss made segments small for the rest of a connection.

use super::*;

#[test]
fn after_an_outage_the_next_new_segments_are_large_again() {
    let (mut b, mut hole) = suspecting(30_000, 0);
    hole.limit = 1500;
    hole.run(&mut b, 200);
    assert_eq!(hole.next, 30_001);
    assert_eq!((b.info().snd_mss, b.counters.tcp_mtu_probes), (1460, 0));
}

#[test]
fn a_hole_is_believed_in_after_three() {
    let (mut b, mut hole) = suspecting(300_000, 1100);
    hole.seen.clear();
    let begun = b.now;
    while hole.next < 60_000 {
        hole.run(&mut b, 1);
        assert!(b.now.since(begun) < Duration::from_secs(10), "{} bytes", hole.next);
    }
    // Each trial ends with a time-out, so that the full size was seen at most for one window and its repetitions.
    assert_eq!(b.info().snd_mss, 1024);
    let large = hole.seen.iter().filter(|n| **n > 1024).count();
    assert!((3..=40).contains(&large), "{large}: {:?}", hole.seen);
}

#[test]
fn what_is_smaller_than_the_full_size_proves_nothing() {
    let (mut b, mut hole) = suspecting(3000, 1200);
    b.options(|o| o.nodelay = true);
    for _ in 0..100 {
        hole.run(&mut b, 1);
        if b.info().bytes_in_flight == 0 && b.info().notsent == 0 {
            // Larger than what is known to pass, and yet it passes.
            b.send(&[1; 1100]);
        }
    }
    b.send(&[1; 30_000]);
    let begun = b.now;
    let end = hole.next;
    while hole.next < end + 20_000 {
        hole.run(&mut b, 1);
        assert!(b.now.since(begun) < Duration::from_secs(10), "{} of {end}", hole.next);
    }
}
