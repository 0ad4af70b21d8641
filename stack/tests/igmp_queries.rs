//! Answers to queries, after a random part of the time they allow (RFC 9776 section 5.2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;
#[path = "common/igmp.rs"]
mod igmp;

use common::*;
use igmp::*;
use matnet_stack::{FilterMode, SocketId};
use std::net::Ipv4Addr;

const IS_IN: u8 = 1;
const IS_EX: u8 = 2;

fn member(host: &mut Host) -> SocketId {
    let id = host.udp(7);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    host.advance(secs(5));
    id
}

#[test]
fn a_general_query_is_answered_with_all_groups() {
    let mut host = Host::new();
    let id = member(&mut host);
    let other = Ipv4Addr::new(239, 2, 2, 2);
    host.stack.join_source(host.now, id, other, SOURCES[0]).unwrap();
    host.advance(secs(5));
    assert!(host.feed(query(NONE, &[], 100, 2)).is_empty(), "not at once");
    let told = reports(&host.advance(secs(10)));
    assert_eq!(told, vec![vec![(IS_EX, GROUP, vec![]), (IS_IN, other, vec![SOURCES[0]])]]);
    assert_eq!(host.stack.poll_timeout(), None);
}

#[test]
fn the_delay_is_random_and_within_what_is_allowed() {
    let mut delays = Vec::new();
    let mut host = Host::new();
    member(&mut host);
    for _ in 0..50 {
        host.feed(query(NONE, &[], 100, 2));
        delays.push(host.stack.poll_timeout().unwrap().since(host.now));
        assert_eq!(reports(&host.advance(secs(10))).len(), 1);
    }
    assert!(delays.iter().any(|d| *d < secs(4)) && delays.iter().any(|d| *d > secs(6)));
    assert!(delays.iter().all(|d| *d < secs(10)));
}

#[test]
fn a_group_query_is_answered_by_members() {
    let mut host = Host::new();
    member(&mut host);
    host.feed(query(GROUP, &[], 10, 2));
    assert_eq!(reports(&host.advance(secs(1))), vec![vec![(IS_EX, GROUP, vec![])]]);
    host.feed(query(Ipv4Addr::new(239, 129, 1, 2), &[], 10, 2));
    assert!(host.advance(secs(1)).is_empty());
}

#[test]
fn a_source_query_is_answered_with_those_of_the_sources_that_are_wanted() {
    let mut host = Host::new();
    let id = member(&mut host);
    let [x, y, z] = SOURCES;
    host.stack.set_source_filter(host.now, id, GROUP, FilterMode::Include, &[x, y]).unwrap();
    host.advance(secs(5));
    host.feed(query(GROUP, &[y, z], 10, 2));
    assert_eq!(reports(&host.advance(secs(1))), vec![vec![(IS_IN, GROUP, vec![y])]]);
    host.feed(query(GROUP, &[z], 10, 2));
    assert!(host.advance(secs(1)).is_empty());
    host.stack.set_source_filter(host.now, id, GROUP, FilterMode::Exclude, &[x]).unwrap();
    host.advance(secs(5));
    host.feed(query(GROUP, &[x, z], 10, 2));
    assert_eq!(reports(&host.advance(secs(1))), vec![vec![(IS_IN, GROUP, vec![z])]]);
}

#[test]
fn two_questions_get_one_answer_to_both() {
    let mut host = Host::new();
    let id = member(&mut host);
    let [x, y, _] = SOURCES;
    host.stack.set_source_filter(host.now, id, GROUP, FilterMode::Include, &[x, y]).unwrap();
    host.advance(secs(5));
    host.feed(query(GROUP, &[x], 100, 2));
    host.feed(query(GROUP, &[y], 100, 2));
    assert_eq!(reports(&host.advance(secs(10))), vec![vec![(IS_IN, GROUP, vec![x, y])]]);
    host.feed(query(GROUP, &[x], 100, 2));
    host.feed(query(GROUP, &[], 100, 2));
    assert_eq!(reports(&host.advance(secs(10))), vec![vec![(IS_IN, GROUP, vec![x, y])]]);
}

#[test]
fn hosts_without_groups_say_nothing() {
    let mut host = Host::new();
    host.feed(query(NONE, &[], 10, 2));
    assert_eq!((host.stack.poll_timeout(), host.count("igmp_in")), (None, 1));
}

#[test]
fn malformed_ones_are_dropped() {
    let mut host = Host::new();
    member(&mut host);
    let mut bad = query(GROUP, &[], 10, 2);
    let last = bad.len() - 1;
    bad[last] ^= 1;
    host.feed(bad);
    let mut cut = query(GROUP, &SOURCES, 10, 2);
    cut.truncate(cut.len() - 4);
    let total = (cut.len() - 14) as u16;
    cut[16..18].copy_from_slice(&total.to_be_bytes());
    cut[24..26].fill(0);
    let sum = matnet_stack::wire::checksum::checksum(&cut[14..34]).to_be_bytes();
    cut[24..26].copy_from_slice(&sum);
    host.feed(cut);
    // A general query has no sources.
    host.feed(query(NONE, &SOURCES, 10, 2));
    assert_eq!(host.count("igmp_malformed"), 3);
    assert_eq!(host.stack.poll_timeout(), None);
}

#[test]
fn a_bridge_without_an_address_may_ask() {
    let mut host = Host::new();
    member(&mut host);
    let mut frame = query(GROUP, &[], 10, 2);
    frame[26..30].fill(0);
    frame[24..26].fill(0);
    let sum = matnet_stack::wire::checksum::checksum(&frame[14..34]).to_be_bytes();
    frame[24..26].copy_from_slice(&sum);
    host.feed(frame);
    assert_eq!(reports(&host.advance(secs(1))).len(), 1);
    assert_eq!(host.count("ip_martian_source"), 0);
}
