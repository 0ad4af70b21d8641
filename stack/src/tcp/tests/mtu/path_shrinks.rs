//! RFC 1191 section 6.5: what a router refused is sent again at once, in smaller segments; the window is not the network's business.

use super::*;

#[test]
fn sent_again_at_once_and_smaller() {
    let mut b = Bench::connected(WIDE);
    b.send(&[1; 14_600]);
    assert_eq!(b.sent().len(), 10);
    let before = b.info();
    b.below.mtu = 1000;
    too_big(&mut b, 1, 1000);
    let again = b.flush();
    assert_eq!(again[0].repr.seq.0, b.iss + 1);
    assert!(again.iter().all(|s| s.payload.len() <= 960) && !again.is_empty());
    let info = b.info();
    assert_eq!(
        (info.cwnd, info.ssthresh, info.pmtu, info.snd_mss),
        (before.cwnd, before.ssthresh, 1000, 960)
    );
}

#[test]
fn one_message_for_each_packet_is_one_cause() {
    let mut b = Bench::connected(WIDE);
    b.send(&[1; 14_600]);
    b.flush();
    b.below.mtu = 1000;
    too_big(&mut b, 1, 1000);
    assert!(b.flush().len() >= 10);
    for n in 1..10 {
        too_big(&mut b, 1 + n * 1460, 1000);
    }
    b.silent();
}

#[test]
fn a_larger_figure_is_no_news() {
    let mut b = Bench::connected(WIDE);
    b.send(&[1; 14_600]);
    b.flush();
    too_big(&mut b, 1, 1500);
    too_big(&mut b, 1, 9000);
    b.silent();
    assert_eq!(b.info().snd_mss, 1460);
}

#[test]
fn a_figure_above_what_is_known_changes_nothing_for_an_instant() {
    let mut b = Bench::connected_with(WIDE, |b| b.options(|o| o.maxseg = Some(700)));
    b.send(&[1; 7000]);
    b.flush();
    b.below.mtu = 1000;
    too_big(&mut b, 1, 1000);
    b.flush();
    for mtu in [1000, 1001, 1400, 9000] {
        too_big(&mut b, 1, mtu);
        let info = b.info();
        assert_eq!((info.pmtu, info.snd_mss), (1000, 700), "{mtu}");
    }
    b.silent();
}
