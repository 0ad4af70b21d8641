use super::*;
use crate::iface::keys::Keyed;

fn set(kind: Kind) -> Datagrams {
    Datagrams::new(kind, Keyed::derive(&[0; 32], "udp"))
}

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

fn end(ip: Ipv4Addr, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(ip, port)
}

#[test]
fn tables_are_empty_when_all_sockets_are_closed() {
    let mut set = set(Kind::Udp);
    let ids: Vec<SocketId> = (0..50).map(|_| set.open().unwrap()).collect();
    for (n, id) in ids.iter().enumerate() {
        set.bind(*id, end(if n % 2 == 0 { ANY } else { OWN }, 1000 + n as u16)).unwrap();
        if n % 3 == 0 {
            set.set_peer(*id, end(Ipv4Addr::new(10, 0, 0, 9), 7), OWN).unwrap();
        }
        if n % 5 == 0 {
            set.disconnect(*id).unwrap();
        }
        if n % 7 == 0 {
            set.set_options(*id, UdpOptions { v6only: true, ..UdpOptions::default() }).unwrap();
        }
    }
    assert_eq!(set.connections().len(), 50);
    for id in ids {
        set.close(id);
    }
    assert!(set.bound.is_empty() && set.unconnected.is_empty() && set.connected.is_empty());
    assert_eq!(set.free.len(), 50);
}

#[test]
fn events_of_one_socket_are_merged() {
    let mut set = set(Kind::Udp);
    let id = set.open().unwrap();
    for _ in 0..100 {
        set.raise(id.index, Readiness::IN);
    }
    set.raise(id.index, Readiness::ERR);
    assert_eq!(set.events.len(), 1);
    assert_eq!(set.poll_event(), Some(Event { socket: id, edges: Readiness::IN | Readiness::ERR }));
    assert_eq!(set.poll_event(), None);
}

#[test]
fn events_of_a_closed_socket_do_not_reach_its_successor() {
    let mut set = set(Kind::Udp);
    let old = set.open().unwrap();
    set.raise(old.index, Readiness::IN);
    set.close(old);
    let new = set.open().unwrap();
    assert_eq!(old.index, new.index);
    assert_eq!(set.poll_event(), None);
}

#[test]
fn ids_of_the_other_kind_are_refused() {
    let (mut udp, mut ping) = (set(Kind::Udp), set(Kind::Ping));
    let id = udp.open().unwrap();
    ping.open().unwrap();
    assert_eq!(ping.bind(id, end(ANY, 1)), Err(Error::BadSocket));
}
