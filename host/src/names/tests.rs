use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use simple_dns::rdata::{A, CNAME, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, ResourceRecord};

use super::conf::{Conf, Service, Status, parse_steps};
use super::files::parse_hosts;
use super::lookup::{self, Fail, Family, in_hosts, search_with};
use super::message::{self, Extras, TYPE_A, TYPE_AAAA, TYPE_PTR};
use super::order;
use crate::errno::Errno;

fn conf(text: &str) -> Conf {
    Conf::parse(text, None, None, "host.example.org")
}

#[test]
fn resolv_conf() {
    let c = conf(
        "# x\nnameserver 1.2.3.4\nsearch  a.test\tb.test\noptions ndots:3 timeout:2 attempts:9 rotate use-vc edns0 junk\n",
    );
    assert_eq!((c.search.as_slice(), c.ndots), (&["a.test".to_owned(), "b.test".to_owned()][..], 3));
    assert_eq!((c.timeout, c.attempts), (Duration::from_secs(2), 5));
    assert!(c.rotate && c.use_vc && c.edns0 && !c.trust_ad);
    // The last of domain and search wins; without either the host's own domain.
    assert_eq!(conf("search a b\ndomain c.test\n").search, ["c.test"]);
    assert_eq!(conf("").search, ["example.org"]);
    assert_eq!(conf("search\n").search, ["example.org"]);
    let c = Conf::parse("search a\noptions ndots:2", Some("x.test y.test"), Some("ndots:99 timeout:no"), "h");
    assert_eq!((c.search.join(" "), c.ndots, c.timeout), ("x.test y.test".into(), 15, Duration::ZERO));
}

#[test]
fn nsswitch() {
    let order = |t: &str| parse_steps(t).iter().map(|s| s.service).collect::<Vec<_>>();
    assert_eq!(order(""), [Service::Files, Service::Dns]);
    assert_eq!(order("hosts: dns files\n"), [Service::Dns, Service::Files]);
    let steps = parse_steps(
        "passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns # x",
    );
    assert_eq!(steps.len(), 2);
    assert!(steps.iter().all(|s| s.ends(Status::Success) && !s.ends(Status::NotFound)));
    let steps = parse_steps("hosts:files [notfound=RETURN] dns [!UNAVAIL=return]");
    assert!(steps[0].ends(Status::NotFound) && !steps[0].ends(Status::TryAgain));
    assert!(steps[1].ends(Status::TryAgain) && !steps[1].ends(Status::Unavailable));
}

#[test]
fn hosts() {
    let lines = parse_hosts(
        "127.0.0.1 localhost lo # c\n::1 localhost\n10.1.2.3\tweb.test WEB\n10.1.2.4 web.test w2\nbad x\n",
    );
    assert_eq!(lines.len(), 4);
    let ask = |n, f, m| {
        in_hosts(&lines, n, f, m).map(|a| a.addrs.iter().map(IpAddr::to_string).collect::<Vec<_>>())
    };
    assert_eq!(ask("web", Family::V4, false).unwrap(), ["10.1.2.3"]);
    assert_eq!(ask("Web.Test", Family::V4, true).unwrap(), ["10.1.2.3", "10.1.2.4"]);
    assert_eq!(ask("localhost", Family::Both, false).unwrap(), ["127.0.0.1", "::1"]);
    assert_eq!(ask("localhost", Family::V6, false).unwrap(), ["::1"]);
    assert_eq!(ask("localhost", Family::V4, true).unwrap(), ["127.0.0.1", "127.0.0.1"]);
    assert_eq!(ask("web", Family::V6, true), Err(Fail::NotFound));
    let both = in_hosts(&lines, "web.test", Family::V4, true).unwrap();
    assert_eq!((both.canonical.as_str(), both.aliases.join(" ")), ("web.test", "WEB w2".into()));
}

/// What is asked for `name`, if nothing is found.
fn tries(name: &str, text: &str, fail: Fail) -> (Vec<String>, Fail) {
    let mut asked = Vec::new();
    let result: Result<(), Fail> = search_with(name.as_bytes(), &conf(text), &mut |n| {
        asked.push(String::from_utf8(n.to_vec()).unwrap());
        Err(fail)
    });
    (asked, result.unwrap_err())
}

#[test]
fn search_order() {
    let list = "search a.test b.test\n";
    assert_eq!(
        tries("w", list, Fail::NotFound),
        (vec!["w.a.test".into(), "w.b.test".into(), "w".into()], Fail::NotFound)
    );
    assert_eq!(tries("w.x", list, Fail::NotFound).0, ["w.x", "w.x.a.test", "w.x.b.test"]);
    assert_eq!(tries("w.", list, Fail::NoData), (vec!["w.".into()], Fail::NoData));
    assert_eq!(tries("w.x", "search a.test\noptions ndots:2", Fail::NoData).0, ["w.x.a.test", "w.x"]);
    assert_eq!(tries("w", "search a.test\noptions no-tld-query", Fail::NotFound).0, ["w.a.test"]);
    assert_eq!(tries("w", "search .", Fail::NotFound).0, ["w"]);
    let again = Fail::TryAgain(Errno::ETIMEDOUT);
    assert_eq!(tries("w", list, again), (vec!["w.a.test".into(), "w".into()], again));
    let refused = Fail::TryAgain(Errno::ECONNREFUSED);
    assert_eq!(tries("w", list, refused), (vec!["w.a.test".into()], refused));
}

#[test]
fn numbers_as_inet_aton() {
    for (text, ip) in [
        ("1.2.3.4", [1, 2, 3, 4]),
        ("127.1", [127, 0, 0, 1]),
        ("0x7f.0.0.010", [127, 0, 0, 8]),
        ("1.2.515", [1, 2, 2, 3]),
        ("16909060", [1, 2, 3, 4]),
        ("0", [0; 4]),
    ] {
        assert_eq!(lookup::aton(text), Some(Ipv4Addr::from(ip)), "{text}");
    }
    for text in ["", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "a.b", "1..2", "1.2.3.", "08", "-1", "+1"] {
        assert_eq!(lookup::aton(text), None, "{text}");
    }
    assert!(lookup::is_numeric("fe80::1%lo") && lookup::is_numeric("::1") && !lookup::is_numeric("a.test"));
}

fn response(query: &[u8], records: &[(&'static str, RData<'static>)]) -> Vec<u8> {
    let mut packet = Packet::parse(query).unwrap().into_reply();
    packet.set_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_AVAILABLE);
    for (name, data) in records {
        packet.answers.push(ResourceRecord::new(Name::new_unchecked(name), CLASS::IN, 60, data.clone()));
    }
    packet.build_bytes_vec_compressed().unwrap()
}

#[test]
fn queries_and_answers() {
    let q = message::query(b"www.a.test", TYPE_A, 1, 0x1234, Extras::default()).unwrap();
    assert_eq!(q, b"\x12\x34\x01\x00\0\x01\0\0\0\0\0\0\x03www\x01a\x04test\0\0\x01\0\x01");
    let edns = message::query(b"www.a.test.", TYPE_A, 1, 1, Extras { edns0: true, trust_ad: true }).unwrap();
    assert_eq!((edns.len(), edns[3], edns[11]), (q.len() + 11, 0x20, 1));
    assert!(message::query(b"a..b", TYPE_A, 1, 1, Extras::default()).is_none());
    assert!(message::query(&[b'a'; 64], TYPE_A, 1, 1, Extras::default()).is_none());
    assert!(
        message::query(&[b"a.".repeat(127), b"a".to_vec()].concat(), TYPE_A, 1, 1, Extras::default())
            .is_none()
    );
    // A type that the crate has no name for.
    assert!(message::query(b"a", 65280, 1, 1, Extras::default()).is_some());

    let to = |n: &'static str| RData::CNAME(CNAME(Name::new_unchecked(n)));
    let a = |ip: u32| RData::A(A { address: ip });
    let r = response(
        &q,
        &[
            ("WWW.a.test", to("web.b.test")),
            ("web.b.test", a(0x0a000001)),
            ("web.b.test", a(0x0a000002)),
            ("other.test", a(9)),
        ],
    );
    assert!(message::answers(&q, &r));
    let found = message::addresses(&r, TYPE_A).unwrap();
    assert_eq!(
        (found.canonical.as_str(), found.aliases.as_slice()),
        ("web.b.test", &["WWW.a.test".to_owned()][..])
    );
    assert_eq!(found.addrs, [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])]);
    assert_eq!(message::addresses(&r, TYPE_AAAA).unwrap().addrs.len(), 0);
    // Another id, another name, another type, a query.
    assert!(!message::answers(
        &message::query(b"www.a.test", TYPE_A, 1, 0x1235, Extras::default()).unwrap(),
        &r
    ));
    assert!(!message::answers(
        &message::query(b"www.b.test", TYPE_A, 1, 0x1234, Extras::default()).unwrap(),
        &r
    ));
    assert!(!message::answers(
        &message::query(b"www.a.test", TYPE_PTR, 1, 0x1234, Extras::default()).unwrap(),
        &r
    ));
    assert!(!message::answers(&q, &q));
    // A name that is not a host's is followed, but not shown.
    let bad = response(&q, &[("www.a.test", to("we b.test")), ("we b.test", a(1))]);
    let found = message::addresses(&bad, TYPE_A).unwrap();
    assert_eq!((found.canonical.as_str(), found.aliases.len(), found.addrs.len()), ("www.a.test", 0, 1));
    for name in ["a", "a.b.", "_srv.x-y", "9"] {
        assert!(message::is_host_name(name), "{name}");
    }
    for name in ["-a", "a..b", "a b", "\u{fc}.test", &"x".repeat(64), ".."] {
        assert!(!message::is_host_name(name), "{name}");
    }
}

#[test]
fn reverse_names() {
    assert_eq!(message::reverse("10.2.3.4".parse().unwrap()), "4.3.2.10.in-addr.arpa");
    let v6 = message::reverse("2001:db8::1".parse().unwrap());
    assert!(v6.starts_with("1.0.0.0.") && v6.ends_with("8.b.d.0.1.0.0.2.ip6.arpa"), "{v6}");
}

#[test]
fn near_before_far_and_ipv6_last() {
    let own = matnet_stack::Ipv4Cidr { addr: Ipv4Addr::new(10, 0, 0, 2), prefix: 24 };
    let mut addrs: Vec<IpAddr> =
        ["2001:db8::1", "192.0.2.1", "10.0.0.200", "10.0.0.3"].map(|a| a.parse().unwrap()).to_vec();
    order::sort(&mut addrs, own, true);
    assert_eq!(
        addrs.iter().map(IpAddr::to_string).collect::<Vec<_>>(),
        ["10.0.0.3", "10.0.0.200", "192.0.2.1", "2001:db8::1"]
    );
    order::sort(&mut addrs, own, false);
    assert_eq!(addrs[2].to_string(), "192.0.2.1");
}

/// Nothing that a server sends makes the parser panic, loop, or take an answer that is none.
#[test]
fn hostile_answers() {
    let q = message::query(b"www.a.test", TYPE_A, 1, 7, Extras::default()).unwrap();
    let to = |n: &'static str| RData::CNAME(CNAME(Name::new_unchecked(n)));
    let good = response(&q, &[("www.a.test", to("web.b.test")), ("web.b.test", RData::A(A { address: 1 }))]);
    let read = |bytes: &[u8]| {
        let _ = (message::answers(&q, bytes), message::header(bytes), message::pointer(bytes));
        let _ = [TYPE_A, TYPE_AAAA].map(|t| message::addresses(bytes, t));
    };
    (0..good.len()).for_each(|n| read(&good[..n]));
    // A compression pointer at every place, to every place.
    for at in 12..good.len() - 1 {
        for target in 0..good.len() {
            let mut bad = good.clone();
            (bad[at], bad[at + 1]) = (0xc0, target as u8);
            read(&bad);
        }
    }
    // A pointer to itself.
    let mut own = good[..12].to_vec();
    own.extend([0xc0, 12, 0, 1, 0, 1]);
    read(&own);
    // A chain of CNAMEs in a circle ends.
    let circle = response(
        &q,
        &[("www.a.test", to("b.test")), ("b.test", to("www.a.test")), ("www.a.test", to("b.test"))],
    );
    assert!(message::addresses(&circle, TYPE_A).unwrap().addrs.is_empty());
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    for _ in 0..200_000 {
        let mut bad = good.clone();
        for _ in 0..1 + random() % 4 {
            let at = random() % bad.len();
            bad[at] = random() as u8;
        }
        bad.truncate(12 + random() % (bad.len() - 11));
        read(&bad);
    }
}

#[test]
fn what_a_set_of_answers_means() {
    let with = |rcode: u8, count: u8| Some(vec![0, 0, 0x81, 0x80 | rcode, 0, 1, 0, count, 0, 0, 0, 0]);
    assert_eq!(lookup::judge(&[with(3, 0), with(0, 1)]), Ok(()));
    assert_eq!(lookup::judge(&[with(3, 0), with(3, 0)]), Err(Fail::NotFound));
    assert_eq!(lookup::judge(&[with(0, 0), with(0, 0)]), Err(Fail::NoData));
    assert_eq!(lookup::judge(&[with(0, 0), None]), Err(Fail::TryAgain(Errno::EAGAIN)));
    assert_eq!(lookup::judge(&[with(1, 0)]), Err(Fail::NoRecovery));
}
