//! Whatever sockets do and in whatever haste, a router that misses every other report knows in the end what they want (RFC 9776
//! sections 3.2, 5.1 and 6.4).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;
#[path = "common/igmp.rs"]
mod igmp;

use common::*;
use igmp::*;
use matnet_stack::FilterMode::{Exclude, Include};
use matnet_stack::{FilterMode, SocketId};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

const GROUPS: [Ipv4Addr; 3] = [GROUP, Ipv4Addr::new(239, 1, 1, 1), Ipv4Addr::new(224, 129, 1, 1)];
/// One that nobody names.
const OTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 9);

/// What a router knows of one group of one host: a mode and its sources.
#[derive(Default)]
struct Group {
    excludes: bool,
    sources: BTreeSet<Ipv4Addr>,
}

impl Group {
    fn take(&mut self, kind: u8, sources: &[Ipv4Addr]) {
        let sources = sources.iter().copied();
        match kind {
            1..=4 => (self.excludes, self.sources) = (kind.is_multiple_of(2), sources.collect()),
            5 | 6 if (kind == 5) != self.excludes => self.sources.extend(sources),
            _ => sources.for_each(|s| {
                self.sources.remove(&s);
            }),
        }
    }

    fn forwards(&self, source: Ipv4Addr) -> bool {
        self.sources.contains(&source) != self.excludes
    }
}

fn wants(host: &Host, ids: &[SocketId], group: Ipv4Addr, source: Ipv4Addr) -> bool {
    ids.iter().any(|id| match host.stack.source_filter(*id, group) {
        Ok((mode, sources)) => sources.contains(&source) == (mode == Include),
        Err(_) => false,
    })
}

fn act(host: &mut Host, id: SocketId, what: u8, group: Ipv4Addr, some: u8) {
    let (now, stack) = (host.now, &mut host.stack);
    let source = SOURCES[usize::from(some) % 3];
    let listed: Vec<Ipv4Addr> = (0..3).filter(|n| some >> n & 1 != 0).map(|n| SOURCES[n]).collect();
    let mode: FilterMode = if some & 8 == 0 { Include } else { Exclude };
    let _ = match what {
        0 => stack.join_group(now, id, group),
        1 => stack.leave_group(now, id, group),
        2 => stack.join_source(now, id, group, source),
        3 => stack.add_source(now, id, group, source, mode),
        4 => stack.drop_source(now, id, group, source, mode),
        _ => stack.set_source_filter(now, id, group, mode, &listed),
    };
}

proptest! {
    #[test]
    fn the_router_knows_in_the_end(
        steps in prop::collection::vec((0usize..3, 0u8..7, 0usize..3, 0u8..16, 0u64..1500, any::<bool>()), 1..40),
        close in any::<bool>(),
    ) {
        let mut host = Host::new();
        let ids = [host.udp(7), host.udp(8), host.udp(9)];
        let mut router: BTreeMap<Ipv4Addr, Group> = BTreeMap::new();
        let mut missed = false;
        let mut hear = |frames: Vec<Frame>, miss: bool, router: &mut BTreeMap<Ipv4Addr, Group>| {
            for report in reports(&frames) {
                missed = miss && !missed;
                if !missed {
                    for (kind, group, sources) in report {
                        router.entry(group).or_default().take(kind, &sources);
                    }
                }
            }
        };
        for (who, what, group, some, pause, miss) in steps {
            act(&mut host, ids[who], what, GROUPS[group], some);
            hear(host.transmit(), miss, &mut router);
            hear(host.advance(millis(pause)), miss, &mut router);
        }
        if close {
            ids.iter().for_each(|id| host.stack.close(host.now, *id));
        }
        hear(host.transmit(), true, &mut router);
        hear(host.advance(secs(10)), true, &mut router);
        prop_assert_eq!(host.stack.poll_timeout(), None);
        for group in GROUPS {
            for source in SOURCES.into_iter().chain([OTHER]) {
                let known = router.get(&group).is_some_and(|g| g.forwards(source));
                prop_assert_eq!(known, !close && wants(&host, &ids, group, source), "{} {}", group, source);
            }
        }
    }
}
