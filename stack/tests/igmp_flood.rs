//! Queries that nobody honest sends: what is remembered of them, and what they are answered with, is bounded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;
#[path = "common/igmp.rs"]
mod igmp;

use common::*;
use igmp::*;
use std::net::Ipv4Addr;

const TO_EX: u8 = 4;
const IS_EX: u8 = 2;

/// RFC 9776 section 5.2 adds the sources of each query to those of the answer under way, which may be 53 minutes away. Beyond
/// some the answer is about all of the group.
#[test]
fn questions_about_many_sources_become_one_about_all() {
    let mut host = Host::new();
    let id = host.udp(7);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    host.advance(secs(5));
    for n in 0..200u32 {
        let sources: Vec<Ipv4Addr> = (0..360).map(|k| Ipv4Addr::from(0x0b00_0000 + n * 360 + k)).collect();
        host.feed(query(GROUP, &sources, 0xff, 2));
    }
    let told = reports(&host.advance(secs(3600)));
    assert_eq!(told, vec![vec![(IS_EX, GROUP, vec![])]]);
}

/// Section 4.1.6: a Querier's Robustness Variable of zero stands for the default of two.
#[test]
fn robustness_of_zero_is_the_default() {
    let mut host = Host::new();
    let id = host.udp(7);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    host.advance(secs(5));
    for (robustness, times) in [(7, 7), (0, 2), (3, 3)] {
        host.feed(query(GROUP, &[], 1, robustness));
        host.advance(secs(1));
        host.stack.leave_group(host.now, id, GROUP).unwrap();
        host.advance(secs(20));
        host.stack.join_group(host.now, id, GROUP).unwrap();
        let told = reports(&host.advance(secs(20)));
        assert_eq!(told, vec![vec![(TO_EX, GROUP, vec![])]; times]);
    }
}
