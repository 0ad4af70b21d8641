//! Which neighbour a packet goes to: longest-prefix match (RFC 1122 section 3.3.1, RFC 1812 section 5.2.4.3).
//!
//! A host has few routes, so the table is a list sorted by prefix length and the first match wins. All routes leave
//! through the one device. Metrics, sources per route and policy are not here.

use std::net::Ipv4Addr;

use crate::types::Ipv4Cidr;

/// One route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// What it covers.
    pub(crate) network: Ipv4Cidr,
    /// The router to hand packets to; `None`: the destination itself is a neighbour.
    pub(crate) gateway: Option<Ipv4Addr>,
}

/// All routes, longest prefix first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Routes {
    list: Vec<Route>,
}

impl Routes {
    /// The routes of a host with one address: its network, and a default route when there is a router.
    pub(crate) fn new(addr: Ipv4Cidr, gateway: Option<Ipv4Addr>) -> Routes {
        let mut routes = Routes::default();
        routes.add(Route { network: addr, gateway: None });
        if let Some(gateway) = gateway {
            if !addr.contains(gateway) {
                // A router outside our network (usual with a /32 address) is taken to be on the link.
                routes.add(Route { network: Ipv4Cidr { addr: gateway, prefix: 32 }, gateway: None });
            }
            let all = Ipv4Cidr { addr: Ipv4Addr::UNSPECIFIED, prefix: 0 };
            routes.add(Route { network: all, gateway: Some(gateway) });
        }
        routes
    }

    /// Adds a route behind those of the same length.
    pub(crate) fn add(&mut self, route: Route) {
        let at = self.list.partition_point(|r| r.network.prefix >= route.network.prefix);
        self.list.insert(at, route);
    }

    /// The neighbour that takes packets for `dst`.
    pub(crate) fn next_hop(&self, dst: Ipv4Addr) -> Option<Ipv4Addr> {
        self.list.iter().find(|r| r.network.contains(dst)).map(|r| r.gateway.unwrap_or(dst))
    }

    /// True when packets for `addr` go to `addr` itself.
    pub(crate) fn is_on_link(&self, addr: Ipv4Addr) -> bool {
        self.next_hop(addr) == Some(addr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Ipv4Cidr = Ipv4Cidr { addr: Ipv4Addr::new(10, 1, 2, 3), prefix: 24 };
    const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 1);
    const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    #[test]
    fn the_own_network_is_reached_directly_and_the_rest_through_the_router() {
        let routes = Routes::new(OWN, Some(ROUTER));
        let near = Ipv4Addr::new(10, 1, 2, 77);
        assert_eq!(routes.next_hop(near), Some(near));
        assert_eq!(routes.next_hop(FAR), Some(ROUTER));
        assert!(routes.is_on_link(ROUTER) && !routes.is_on_link(FAR));
    }

    #[test]
    fn without_a_router_the_rest_has_no_route() {
        assert_eq!(Routes::new(OWN, None).next_hop(FAR), None);
    }

    #[test]
    fn the_longest_prefix_wins_whatever_the_order() {
        let mut routes = Routes::new(OWN, Some(ROUTER));
        let via = |last| Some(Ipv4Addr::new(10, 1, 2, last));
        routes.add(Route { network: Ipv4Cidr { addr: FAR, prefix: 16 }, gateway: via(16) });
        routes.add(Route { network: Ipv4Cidr { addr: FAR, prefix: 30 }, gateway: via(30) });
        routes.add(Route { network: Ipv4Cidr { addr: FAR, prefix: 24 }, gateway: via(24) });
        assert_eq!(routes.next_hop(FAR), via(30));
        assert_eq!(routes.next_hop(Ipv4Addr::new(192, 0, 2, 200)), via(24));
        assert_eq!(routes.next_hop(Ipv4Addr::new(192, 0, 3, 1)), via(16));
    }

    #[test]
    fn a_router_outside_the_network_is_a_neighbour() {
        let routes = Routes::new(Ipv4Cidr { addr: OWN.addr, prefix: 32 }, Some(ROUTER));
        assert_eq!(routes.next_hop(ROUTER), Some(ROUTER));
        assert_eq!(routes.next_hop(Ipv4Addr::new(10, 1, 2, 4)), Some(ROUTER));
    }
}
