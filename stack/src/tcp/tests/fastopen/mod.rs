//! TCP Fast Open (RFC 7413), both sides.

use super::*;
use crate::wire::tcp::FastOpen;

mod a_child_that_was_reset_counts_for_a_minute;
mod a_cookie_request_is_answered_in_the_syn_ack;
mod a_deferred_connect_waits_for_the_first_write;
mod a_destination_that_loses_such_syns_is_spared;
mod a_key_of_two_accepts_the_older;
mod a_repeated_syn_has_neither_data_nor_option;
mod a_stray_segment_does_not_wake_a_deferred_connect;
mod a_syn_ack_may_bring_data;
mod a_wrong_cookie_is_replaced;
mod an_early_child_may_answer_and_close;
mod an_early_syn_ack_is_repeated_six_times;
mod closing_the_listener_resets_early_children;
mod counts_stay_right;
mod data_in_the_syn_is_delivered_before_the_handshake_ends;
mod data_that_is_not_acknowledged_is_sent_again;
mod every_byte_arrives_over_a_bad_link;
mod first_contact_asks_for_a_cookie;
mod no_cookie_is_needed_where_told_so;
mod pending_children_are_limited;
mod the_known_cookie_goes_with_the_data;
mod what_may_not_begin;
mod without_the_option_data_in_a_syn_waits;

/// A listener with TCP_FASTOPEN.
pub(super) fn server(most: u32) -> Bench {
    let mut b = Bench::listening(50);
    b.options(|o| o.fast_open = most);
    b
}

/// The client's SYN with this option and data; what it is answered with.
pub(super) fn syn_with(b: &mut Bench, option: Option<FastOpen>, data: &[u8]) -> Sent {
    let mut syn = b.segment(SYN, 0, 0, data);
    syn.repr.ack = SeqNumber(0);
    syn.repr.options.mss = Some(1000);
    syn.repr.options.fast_open = option;
    b.rx(syn);
    let sent = b.flush();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].repr.flags, SYN | ACK);
    b.iss = sent[0].repr.seq.0;
    sent[0].clone()
}

/// The cookie that the server gives to who asks.
pub(super) fn cookie_of(b: &mut Bench) -> FastOpen {
    let port = b.remote;
    b.remote = 39_999;
    let cookie = syn_with(b, Some(FastOpen::REQUEST), b"").repr.options.fast_open;
    b.peer(RST, 1, 1, &[]);
    b.remote = port;
    cookie.expect("a cookie")
}

/// The next child of the listener `b.id`.
pub(super) fn accept(b: &mut Bench) -> SocketId {
    b.tcp.accept(b.id).unwrap().0
}

/// sendto with MSG_FASTOPEN.
pub(super) fn send_to(b: &mut Bench, data: &[u8]) -> Result<usize> {
    let to = Some((b.peer_addr(), US, 1500));
    b.tcp.send_fast_open(b.now, b.id, to, data)
}

/// The SYN that leaves now.
pub(super) fn syn(b: &mut Bench) -> Sent {
    let sent = b.flush();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].repr.flags, SYN);
    b.iss = sent[0].repr.seq.0;
    b.local = sent[0].repr.src_port;
    sent[0].clone()
}

/// The peer's SYN-ACK for `ack` bytes of the SYN's data, with this option.
pub(super) fn syn_ack(b: &mut Bench, ack: u32, option: Option<FastOpen>) {
    let mut seg = b.segment(SYN | ACK, 0, 1 + ack, &[]);
    seg.repr.options.mss = Some(1000);
    seg.repr.options.fast_open = option;
    b.rx(seg);
}

/// A client that has the peer's cookie from a connection before, and a fresh socket.
pub(super) fn client() -> Bench {
    let mut b = Bench::new();
    assert_eq!(send_to(&mut b, b"first"), Ok(0));
    syn(&mut b);
    b.advance(ms(10));
    syn_ack(&mut b, 0, FastOpen::new(&[7; 8]));
    b.flush();
    let old = b.id;
    b.tcp.abort(b.now, old);
    b.flush();
    b.id = b.tcp.open();
    b
}
