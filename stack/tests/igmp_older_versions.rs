//! Routers of IGMP version 2 and 1 (RFC 2236, RFC 9776 section 7.2.1).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;
#[path = "common/igmp.rs"]
mod igmp;

use common::*;
use igmp::*;
use matnet_stack::SocketId;
use std::net::Ipv4Addr;

const QUERY: u8 = 0x11;
const V1_REPORT: u8 = 0x12;
const V2_REPORT: u8 = 0x16;
const LEAVE: u8 = 0x17;
const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);

/// Destination, type and group of each message.
fn told(frames: &[Frame]) -> Vec<(Ipv4Addr, u8, Ipv4Addr)> {
    let one = |(to, m): (Ipv4Addr, Vec<u8>)| {
        assert_eq!(m.len(), 8);
        (to, m[0], Ipv4Addr::new(m[4], m[5], m[6], m[7]))
    };
    frames.iter().filter_map(igmp).map(one).collect()
}

/// A host that has heard a query of that version (its code).
fn host(code: u8) -> (Host, SocketId) {
    let mut host = Host::new();
    host.feed(simple(QUERY, code, NONE, ALL_HOSTS));
    let id = host.udp(7);
    (host, id)
}

#[test]
fn version_2_reports_to_the_group_and_leaves_at_the_routers() {
    let (mut host, id) = host(100);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    let report = (GROUP, V2_REPORT, GROUP);
    assert_eq!(told(&host.transmit()), vec![report]);
    assert_eq!(told(&host.advance(secs(10))), vec![report], "once more");
    host.feed(simple(QUERY, 10, GROUP, GROUP));
    assert_eq!(told(&host.advance(secs(1))), vec![report]);
    host.stack.leave_group(host.now, id, GROUP).unwrap();
    assert_eq!(told(&host.transmit()), vec![(ALL_ROUTERS, LEAVE, GROUP)]);
    assert_eq!(host.stack.poll_timeout(), None);
}

#[test]
fn somebody_elses_report_makes_ours_needless() {
    let (mut host, id) = host(100);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    host.advance(secs(10));
    host.feed(simple(QUERY, 100, NONE, ALL_HOSTS));
    host.feed(simple(V2_REPORT, 0, GROUP, GROUP));
    assert!(host.advance(secs(10)).is_empty());
    host.stack.leave_group(host.now, id, GROUP).unwrap();
    assert!(host.transmit().is_empty(), "the other one was the last to report");
}

#[test]
fn version_1_has_no_leave() {
    let (mut host, id) = host(0);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    assert_eq!(told(&host.transmit()), vec![(GROUP, V1_REPORT, GROUP)]);
    host.advance(secs(10));
    host.feed(simple(QUERY, 0, NONE, ALL_HOSTS));
    assert_eq!(told(&host.advance(secs(10))), vec![(GROUP, V1_REPORT, GROUP)]);
    host.stack.leave_group(host.now, id, GROUP).unwrap();
    assert!(host.transmit().is_empty());
}

#[test]
fn an_older_query_ends_the_reports_of_version_3_under_way() {
    let mut host = Host::new();
    let id = host.udp(7);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    assert_eq!(reports(&host.transmit()).len(), 1);
    host.feed(simple(QUERY, 10, NONE, ALL_HOSTS));
    assert_eq!(told(&host.advance(secs(2))), vec![(GROUP, V2_REPORT, GROUP)]);
}

#[test]
fn without_older_routers_version_3_comes_back() {
    let (mut host, id) = host(100);
    host.advance(secs(261));
    host.stack.join_group(host.now, id, GROUP).unwrap();
    assert_eq!(reports(&host.transmit()).len(), 1);
}
