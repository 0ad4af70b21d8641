//! RFC 5227: the address is announced, and defended when another host claims it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{LogEntry, MacAddr};

const THIEF: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x66]);

#[test]
fn the_first_frame_announces_our_address() {
    let mut host = Host::with(config());
    let frames = host.transmit();
    assert_eq!(frames.len(), 1);
    let repr = frames[0].arp().unwrap();
    assert_eq!(
        (frames[0].ethernet().dst, repr.spa, repr.tpa, repr.sha),
        (MacAddr::BROADCAST, OWN, OWN, OWN_MAC)
    );
    assert_eq!(host.count("arp_announcements_out"), 1);
}

#[test]
fn a_claim_is_logged_and_answered_once_in_ten_seconds() {
    let mut host = Host::new();
    let frames = host.feed(arp_request(THIEF, OWN, OWN));
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].arp().unwrap().spa, OWN);
    assert_eq!(host.stack.poll_log(), Some(LogEntry::AddressConflict { addr: OWN, mac: THIEF }));
    assert!(host.feed(arp_request(THIEF, OWN, PEER)).is_empty());
    host.advance(millis(9_999));
    assert!(host.feed(arp_request(THIEF, OWN, PEER)).is_empty());
    host.advance(millis(1));
    assert_eq!(host.feed(arp_reply(THIEF, OWN)).len(), 1);
    assert!(host.stack.poll_log().is_some() && host.stack.poll_log().is_none());
    assert_eq!(host.count("arp_conflicts"), 4);
}

#[test]
fn our_own_announcement_coming_back_is_no_conflict() {
    let mut host = Host::new();
    assert!(host.feed(arp_request(OWN_MAC, OWN, OWN)).is_empty());
    assert!(host.stack.poll_log().is_none());
}
