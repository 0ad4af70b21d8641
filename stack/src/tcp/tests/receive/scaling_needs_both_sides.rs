//! RFC 7323 section 2.2: windows are scaled only when both SYNs had the option; a shift above 14 counts as 14 (section 2.3).

use super::*;

#[test]
fn scaling_needs_both_sides() {
    let mut b = Bench::connected(PLAIN);
    let i = b.info();
    assert_eq!((i.rcv_wscale, i.snd_wscale, i.wscale), (0, 0, false));
    b.peer_window = 100;
    b.peer(ACK, 1, 1, &[1; 1000]);
    assert_eq!(b.info().snd_wnd, 100);
    // Unscaled, all of the field: no more than 64 kB may come, however large the buffer is.
    let sent = b.flush();
    assert!(sent[0].repr.window > 60_000, "{}", sent[0].repr.window);
    assert!(b.info().rcv_wnd <= 65_535);
    // A server does not offer what was not offered.
    let syn_ack = Bench::listening(1).client_syn(PLAIN);
    assert_eq!(syn_ack.repr.options.window_scale, None);
}

#[test]
fn a_shift_of_zero_is_agreement_all_the_same() {
    let mut b = Bench::connected(Peer { wscale: Some(0), ..MODERN });
    assert_eq!((b.info().snd_wscale, b.info().wscale), (0, true));
    let shift = b.info().rcv_wscale;
    b.peer(ACK, 1, 1, b"x");
    assert!(window(&b.flush()[0], shift) > 200_000);
}

#[test]
fn a_shift_above_14_counts_as_14() {
    let mut b = Bench::connected(Peer { wscale: Some(200), ..MODERN });
    assert_eq!(b.info().snd_wscale, 14);
    b.peer_window = 3;
    b.peer(ACK, 1, 1, &[]);
    assert_eq!(b.info().snd_wnd, 3 << 14);
}

#[test]
fn the_option_in_a_later_segment_is_ignored() {
    for peer in [PLAIN, MODERN] {
        let mut b = Bench::connected(peer);
        let before = b.info().snd_wscale;
        let mut seg = b.segment(ACK, 1, 1, b"x");
        seg.repr.options.window_scale = Some(3);
        b.rx(seg);
        assert_eq!((b.info().snd_wscale, b.recv(10).unwrap()), (before, b"x".to_vec()));
    }
}
