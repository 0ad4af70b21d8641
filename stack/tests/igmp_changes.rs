//! What a host tells of its groups unasked: state-change reports (RFC 9776 section 5.1).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;
#[path = "common/igmp.rs"]
mod igmp;

use common::*;
use igmp::*;
use matnet_stack::FilterMode;
use std::net::Ipv4Addr;

const TO_IN: u8 = 3;
const TO_EX: u8 = 4;
const ALLOW: u8 = 5;
const BLOCK: u8 = 6;

#[test]
fn a_join_is_told_at_once_and_again_within_a_second() {
    let mut host = Host::new();
    let id = host.udp(7);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    let record = vec![vec![(TO_EX, GROUP, vec![])]];
    assert_eq!(reports(&host.transmit()), record);
    assert_eq!(reports(&host.advance(secs(1))), record);
    assert!(host.advance(secs(60)).is_empty());
    assert_eq!((host.count("igmp_out"), host.stack.poll_timeout()), (2, None), "an idle member has no timer");
}

#[test]
fn the_last_one_to_leave_tells() {
    let mut host = Host::new();
    let (a, b) = (host.udp(7), host.udp(8));
    for id in [a, b] {
        host.stack.join_group(host.now, id, GROUP).unwrap();
    }
    assert_eq!(reports(&host.advance(secs(5))).len(), 2);
    host.stack.leave_group(host.now, a, GROUP).unwrap();
    assert!(host.advance(secs(5)).is_empty());
    host.stack.close(host.now, b);
    let record = vec![(TO_IN, GROUP, vec![])];
    assert_eq!(reports(&host.transmit()), vec![record.clone()]);
    assert_eq!(reports(&host.advance(secs(1))), vec![record]);
    assert_eq!(host.stack.poll_timeout(), None);
}

#[test]
fn sources_are_allowed_and_blocked() {
    let mut host = Host::new();
    let id = host.udp(7);
    let [x, y, z] = SOURCES;
    host.stack.join_source(host.now, id, GROUP, x).unwrap();
    assert_eq!(reports(&host.advance(secs(1))), vec![vec![(ALLOW, GROUP, vec![x])]; 2]);
    host.stack.set_source_filter(host.now, id, GROUP, FilterMode::Include, &[y, z]).unwrap();
    let both = vec![(ALLOW, GROUP, vec![y, z]), (BLOCK, GROUP, vec![x])];
    assert_eq!(reports(&host.advance(secs(1))), vec![both; 2]);
    host.stack.set_source_filter(host.now, id, GROUP, FilterMode::Exclude, &[z]).unwrap();
    assert_eq!(reports(&host.advance(secs(1))), vec![vec![(TO_EX, GROUP, vec![z])]; 2]);
    host.stack.drop_source(host.now, id, GROUP, z, FilterMode::Exclude).unwrap();
    assert_eq!(reports(&host.advance(secs(1))), vec![vec![(ALLOW, GROUP, vec![z])]; 2]);
    host.stack.set_source_filter(host.now, id, GROUP, FilterMode::Include, &[x]).unwrap();
    assert_eq!(reports(&host.advance(secs(1))), vec![vec![(TO_IN, GROUP, vec![x])]; 2]);
    host.stack.close(host.now, id);
    assert_eq!(reports(&host.advance(secs(1))), vec![vec![(BLOCK, GROUP, vec![x])]; 2]);
}

#[test]
fn a_change_before_the_second_report_is_told_as_it_is_then() {
    let mut host = Host::new();
    let id = host.udp(7);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    host.transmit();
    host.stack.leave_group(host.now, id, GROUP).unwrap();
    let told = reports(&host.advance(secs(2)));
    assert_eq!(told, vec![vec![(TO_IN, GROUP, vec![])]; 2]);
}

#[test]
fn several_groups_share_a_report() {
    let mut host = Host::new();
    let id = host.udp(7);
    for n in 0..20 {
        host.stack.join_group(host.now, id, Ipv4Addr::new(239, 1, 1, n)).unwrap();
    }
    let told = reports(&host.transmit());
    assert_eq!((told.len(), told[0].len()), (1, 20));
}

#[test]
fn the_querier_says_how_often() {
    let mut host = Host::new();
    host.feed(query(NONE, &[], 10, 5));
    let id = host.udp(7);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    assert_eq!(reports(&host.advance(secs(10))).len(), 5);
}

#[test]
fn nobody_tells_of_all_hosts() {
    let mut host = Host::new();
    let id = host.udp(7);
    host.stack.join_group(host.now, id, ALL_HOSTS).unwrap();
    assert!(host.advance(secs(5)).is_empty());
}
