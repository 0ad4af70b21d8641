//! RFC 7323 section 2: the shift fits the largest window that there may be, as Linux's `tcp_select_initial_window` chooses it; the
//! window of a SYN is never scaled, that of every other segment is.

use super::*;

#[test]
fn the_shift_is_chosen_for_the_largest_window() {
    for (rcvbuf, shift) in
        [(None, 10), (Some(20_000), 0), (Some(100_000), 1), (Some(4 << 20), 7), (Some(1 << 30), 14)]
    {
        let mut b = Bench::new();
        b.options(|o| o.rcvbuf = rcvbuf);
        let syn = b.connect();
        assert_eq!(syn.repr.options.window_scale, Some(shift), "{rcvbuf:?}");
        assert_eq!(syn.repr.window, rcvbuf.map_or(65_535, |n| n.min(65_535) as u16));
        b.advance(ms(10));
        b.syn_ack(MODERN);
        let ack = b.flush().remove(0);
        let limit = rcvbuf.unwrap_or(256 << 10) as u32;
        // The exact limit, but for what the shift cuts off, and never more than the field can say.
        let said = window(&ack, shift);
        assert!(
            said <= limit.max(65_535) && said + (1 << shift) > limit.min(65_535 << shift),
            "{rcvbuf:?}: {said}"
        );
    }
}

#[test]
fn a_server_answers_with_its_own_shift() {
    let mut b = Bench::listening(5);
    b.options(|o| o.rcvbuf = Some(100_000));
    let syn_ack = b.client_syn(MODERN);
    assert_eq!((syn_ack.repr.options.window_scale, syn_ack.repr.window), (Some(1), 65_535));
    b.client_ack();
    let listener = b.id;
    (b.id, _) = b.tcp.accept(listener).unwrap();
    assert_eq!((b.info().rcv_wscale, b.info().snd_wscale, b.info().wscale), (1, 7, true));
    b.peer(ACK, 1, 1, &[1; 100]);
    assert!(window(&b.flush()[0], 1) > 90_000);
}
