//! The send buffer of a far peer holds what a recovery sends: the window from before the loss stays in it until the hole is
//! repaired, and proportional rate reduction (RFC 9937) wants new data for what arrives meanwhile.

use super::*;

/// Lets `d` pass; the client is a program that blocks: it goes on when a third of the buffer is free.
fn run(p: &mut Path, d: Duration) {
    let end = p.now + d;
    let mut buf = vec![0; 65_536];
    loop {
        let (now, id) = (p.now, p.ids[0]);
        while p.ends[0].0.readiness(id).contains(Readiness::OUT)
            && p.ends[0].0.send(now, id, &buf, false).is_ok()
        {}
        while let Ok(n) = p.ends[1].0.recv(p.now, p.ids[1], &mut buf) {
            p.received += n;
        }
        if !p.step(Some(end)) {
            break;
        }
    }
    p.now = end;
}

#[test]
fn a_program_that_blocks_keeps_the_link_busy_through_a_loss() {
    let link = Bottleneck { rate: 12_500_000, delay: ms(25), queue: 625_000, ..PATH };
    let mut p = Path::new(link, Congestion::Cubic);
    run(&mut p, ms(2500));
    assert_eq!((p.dropped, p.info().total_retrans), (0, 0));
    // One segment of those that leave now, repaired a round trip later.
    p.lose = vec![p.sent_segments()];
    let before = p.received;
    run(&mut p, ms(600));
    let got = (p.received - before) as f64 / 0.6;
    assert_eq!(p.info().total_retrans, 1);
    assert!(got > 0.99 * p.capacity(), "{got} of {}", p.capacity());
}
