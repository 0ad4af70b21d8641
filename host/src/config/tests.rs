use std::collections::BTreeMap;

use super::*;

fn load(vars: &[(&str, &str)]) -> Loaded {
    load_with(vars, "")
}

fn load_with(vars: &[(&str, &str)], file: &str) -> Loaded {
    let map: BTreeMap<&str, &str> = vars.iter().copied().collect();
    let names: Vec<String> = map.keys().map(|k| (*k).to_owned()).collect();
    Settings::from_sources(&mut |n| map.get(n).map(|v| (*v).to_owned()), &names, &mut |path| match path {
        "conf" => Ok(file.as_bytes().to_vec()),
        _ => Err(Errno(libc::ENOENT)),
    })
}

fn good(vars: &[(&str, &str)]) -> Settings {
    let (settings, warnings, result) = load(vars);
    assert_eq!(result, Ok(()), "{vars:?}");
    assert!(warnings.is_empty(), "{warnings:?}");
    settings
}

fn error(name: &str, value: &str) -> String {
    let (_, _, result) = load(&[(name, value)]);
    let Err(line) = result else { panic!("{name}={value} was accepted") };
    assert!(line.starts_with(&format!("{name}: \"")), "{line}");
    assert!(!line.contains('\n'), "{line}");
    line
}

#[test]
fn the_table_is_complete_and_consistent() {
    let contract = "TAP ADDR GATEWAY MAC MTU DNS BYPASS LOOPBACK HOOK CC ECN PCAP FAULT LINGER SPIN IO_URING LOG \
                    LOG_FILE STATS CONFIG";
    let names: Vec<&str> = OPTIONS.iter().map(|o| o.name.strip_prefix("MATNET_").unwrap()).collect();
    assert_eq!(names, contract.split_whitespace().collect::<Vec<_>>());
    for o in OPTIONS {
        assert_eq!(o.name, format!("MATNET_{}", o.key.to_uppercase().replace('-', "_")));
        assert!(!o.help.is_empty() && !o.default.is_empty());
        // What is shown reads back as the same value.
        let mut settings = Settings::default();
        let text = (o.show)(&settings);
        if o.available && !text.is_empty() {
            (o.parse)(&text, &mut settings).unwrap();
            assert_eq!(settings, Settings::default(), "{}", o.name);
        }
    }
    assert_eq!(good(&[]), Settings::default());
    assert!(Settings::default().changed().is_empty());
}

#[test]
fn every_value_reads_and_shows() {
    let vars = [
        ("MATNET_TAP", "tap-7"),
        ("MATNET_ADDR", "192.168.9.77/20"),
        ("MATNET_GATEWAY", "192.168.0.1"),
        ("MATNET_MAC", "02:00:5e:10:00:0f"),
        ("MATNET_MTU", "9000"),
        ("MATNET_BYPASS", "10.0.0.0/8:53,fd00::/8,[fd01::1/128]:80"),
        ("MATNET_LOOPBACK", "stack"),
        ("MATNET_HOOK", "on"),
        ("MATNET_CC", "reno"),
        ("MATNET_ECN", "on"),
        ("MATNET_PCAP", "/tmp/x-%p.pcapng"),
        ("MATNET_FAULT", "loss=1%,delay=20ms,in.rate=10mbit,seed=7"),
        ("MATNET_LINGER", "1500ms"),
        ("MATNET_IO_URING", "allow"),
        ("MATNET_LOG", "trace"),
        ("MATNET_LOG_FILE", "/tmp/log"),
    ];
    let settings = good(&vars);
    let changed: Vec<(&str, String)> = settings.changed();
    let changed: Vec<(&str, &str)> = changed.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(changed, vars);
    assert_eq!(settings.linger, Duration::from_millis(1500));
    assert_eq!(settings.mtu, Some(9000));
    assert_eq!(settings.resolved_mac(), MacAddr([2, 0, 0x5e, 0x10, 0, 0x0f]));
}

#[test]
fn what_does_not_parse_is_one_precise_line() {
    assert_eq!(
        error("MATNET_ADDR", "10.88.45/24"),
        "MATNET_ADDR: \"10.88.45/24\": expected an IPv4 address with prefix such as 10.88.45.2/24"
    );
    for (name, values) in [
        ("MATNET_TAP", &["", "a/b", "sixteen-letters-", "..", "a b", "tap%d", "tap\n"] as &[&str]),
        (
            "MATNET_ADDR",
            &[
                "",
                "10.0.0.2",
                "10.0.0.2/33",
                "10.0.0.2/0",
                "10.0.0.0/24",
                "10.0.0.255/24",
                "127.0.0.5/8",
                "224.0.0.1/4",
                "0.0.0.1/8",
                "10.0.0.2/ 24",
                "10.0.0.2/+24",
                "::1/64",
                "10.0.0.2/24/1",
            ],
        ),
        (
            "MATNET_GATEWAY",
            &["", "10.88.45.1/24", "10.88.46.1", "10.88.45.2", "gw", "255.255.255.255", "None"],
        ),
        (
            "MATNET_MAC",
            &["", "01:00:5e:00:00:01", "00:00:00:00:00:00", "02:00:00:00:00", "02:00:00:00:00:00:00", "x"],
        ),
        ("MATNET_MTU", &["", "67", "65522", "-1", "1500b", "99999999999999999999"]),
        (
            "MATNET_BYPASS",
            &[
                "10.0.0.0/33",
                "10.0.0.0/8:0",
                "10.0.0.0/8:65536",
                "a,b",
                "10.0.0.1,,10.0.0.2",
                "[::1",
                "[::1]x",
                "::1/129",
                "[fd00::/8]/9",
            ],
        ),
        ("MATNET_LOOPBACK", &["", "yes"]),
        ("MATNET_HOOK", &["", "1"]),
        ("MATNET_CC", &["", "bbr9"]),
        ("MATNET_ECN", &["", "1"]),
        ("MATNET_LINGER", &["", "5x", "s", "-1s", "1.2.3s", "2h", "5 s", "99999999999999999h", ".s"]),
        ("MATNET_SPIN", &["", "-1", "x", "1000001"]),
        ("MATNET_IO_URING", &["", "no"]),
        ("MATNET_LOG", &["", "loud"]),
        ("MATNET_CONFIG", &["/nowhere"]),
    ] {
        for value in values {
            let text = error(name, value);
            assert!(text.contains("expected"), "{text}");
        }
    }
    assert_eq!(
        error("MATNET_LOG", "loud"),
        "MATNET_LOG: \"loud\": expected error, warn, info, debug or trace"
    );
    let long = error("MATNET_TAP", &"x\n".repeat(500));
    assert!(long.len() < 400 && long.contains("\\n"), "{long}");
}

#[test]
fn reserved_names_are_refused_not_ignored() {
    for value in ["", "x"] {
        assert!(error("MATNET_STATS", value).contains("not available in this version"));
    }
    assert!(error("MATNET_SPIN", "20us").contains("microseconds"));
    assert_eq!(good(&[("MATNET_SPIN", "20")]).spin.as_micros(), 20);
}

#[test]
fn faults() {
    assert_eq!(good(&[("MATNET_FAULT", "")]).fault, None);
    assert_eq!(good(&[("MATNET_FAULT", "none")]).fault, None);
    // No fault is a choice, too: the same link without any.
    assert!(good(&[("MATNET_FAULT", "loss=0%")]).fault.unwrap().is_clean());
    assert_eq!(
        error("MATNET_FAULT", "loss=1%,delya=5ms"),
        "MATNET_FAULT: \"loss=1%,delya=5ms\": delya: no such fault, did you mean delay?"
    );
    assert_eq!(
        error("MATNET_FAULT", "loss=1"),
        "MATNET_FAULT: \"loss=1\": loss=1: expected a percentage such as 1% or 0.1%, from 0% to 100%"
    );
    assert!(error("MATNET_FAULT", "lo\nss=1%").contains("lo\\nss: no such fault"));
}

#[test]
fn name_servers() {
    let dns =
        |v| good(&[("MATNET_DNS", v)]).dns.map(|d| d.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(dns(""), None);
    assert_eq!(dns("10.88.45.1"), Some(vec!["10.88.45.1:53".to_owned()]));
    assert_eq!(dns("10.1.1.1:5353, 127.0.0.53").unwrap(), ["10.1.1.1:5353", "127.0.0.53:53"]);
    assert_eq!(dns("::1,[::1]:99").unwrap(), ["[::1]:53", "[::1]:99"]);
    for bad in ["x", "10.1.1.1:0", "10.1.1.1,", "0.0.0.0", "224.0.0.1", "ns.example.org"] {
        assert!(error("MATNET_DNS", bad).contains("expected addresses of name servers"), "{bad}");
        // No name is resolved past a bad list.
        let mut vars = |n: &str| (n == "MATNET_DNS").then(|| bad.to_owned());
        assert_eq!(Settings::from_lookup(&mut vars, &[]).0.dns, Some(Vec::new()));
    }
}

#[test]
fn durations() {
    for (text, ms) in [
        ("5s", 5000),
        ("200ms", 200),
        ("1m", 60_000),
        ("7", 7000),
        ("0", 0),
        ("1h", 3_600_000),
        ("1.5s", 1500),
        ("0.25", 250),
    ] {
        assert_eq!(good(&[("MATNET_LINGER", text)]).linger, Duration::from_millis(ms), "{text}");
    }
    assert_eq!(good(&[("MATNET_LINGER", "10us")]).linger, Duration::from_micros(10));
    for d in [0, 1, 999, 1000, 1500, 60_000, 90_000, 3_600_000] {
        let d = Duration::from_millis(d);
        assert_eq!(parse::duration(&parse::show_duration(d), Duration::from_secs(3600)), Ok(d));
    }
}

#[test]
fn unknown_names_get_the_nearest() {
    let (_, warnings, result) =
        load(&[("MATNET_ADR", "10.0.0.2/24"), ("MATNET_XYZZY_FOO", "1"), ("MATNETX", "1")]);
    assert_eq!(result, Ok(()));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert_eq!(warnings[0], "MATNET_ADR: no such option, did you mean MATNET_ADDR?");
    assert!(warnings[1].starts_with("MATNET_XYZZY_FOO: no such option ("));
    for (typed, meant) in [
        ("MATNET_LOGFILE", "MATNET_LOG_FILE"),
        ("MATNET_TPA", "MATNET_TAP"),
        ("MATNET_GATWAY", "MATNET_GATEWAY"),
    ] {
        assert_eq!(parse::nearest(typed, OPTIONS.iter().map(|o| o.name)), Some(meant));
    }
}

#[test]
fn the_file_is_the_environments_junior() {
    let file = "# a comment\n\n tap = filetap # mine\nMATNET_ADDR=10.1.0.2/16\nMatnet_Log-File = \"/tmp/a # b\" # c\n\
                io-uring = allow\r\nlogg = debug\nconfig = other\nmtu = 1400\nmtu = 1300\n";
    let (settings, warnings, result) =
        load_with(&[("MATNET_CONFIG", "conf"), ("MATNET_ADDR", "10.2.0.2/16")], file);
    assert_eq!(result, Ok(()));
    assert_eq!(settings.tap, "filetap");
    assert_eq!(settings.addr.to_string(), "10.2.0.2/16");
    assert_eq!(settings.log_file.as_deref(), Some("/tmp/a # b"));
    assert!(settings.io_uring_allow);
    assert_eq!(settings.mtu, Some(1300));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert_eq!(warnings[0], "conf:7: MATNET_LOGG: no such option, did you mean MATNET_LOG?");

    let (_, _, result) = load_with(&[("MATNET_CONFIG", "conf")], "addr = 1\n");
    assert!(result.unwrap_err().starts_with("MATNET_ADDR (conf:1): \"1\": expected an IPv4"));
    for bad in ["tap\n", "x\n= 5\n", "tap = \"a\n", "tap = \"a\" b\n", "t p = a\n"] {
        let (_, _, result) = load_with(&[("MATNET_CONFIG", "conf")], bad);
        assert!(result.as_ref().unwrap_err().starts_with("conf:"), "{bad}: {result:?}");
    }
}

#[test]
fn the_first_error_counts_and_the_rest_stays_default() {
    let (settings, _, result) = load(&[("MATNET_ADDR", "x"), ("MATNET_MTU", "1400"), ("MATNET_LOG", "y")]);
    assert!(result.unwrap_err().starts_with("MATNET_ADDR"));
    assert_eq!(settings.addr, Settings::default().addr);
    assert_eq!(settings.mtu, Some(1400));
}

#[test]
fn gateways_and_the_hosts_address() {
    let host = |vars: &[(&str, &str)]| {
        let s = good(vars);
        (s.resolved_gateway().map(|a| a.to_string()), s.host_address().map(|a| a.to_string()))
    };
    let text = |s: &str| Some(s.to_owned());
    assert_eq!(host(&[]), (text("10.88.45.1"), text("10.88.45.1/24")));
    assert_eq!(host(&[("MATNET_GATEWAY", "none")]), (None, text("10.88.45.1/24")));
    assert_eq!(host(&[("MATNET_GATEWAY", "auto")]), (text("10.88.45.1"), text("10.88.45.1/24")));
    assert_eq!(host(&[("MATNET_GATEWAY", "10.88.45.9")]), (text("10.88.45.9"), text("10.88.45.9/24")));
    assert_eq!(host(&[("MATNET_ADDR", "10.9.0.1/16")]), (text("10.9.0.2"), text("10.9.0.2/16")));
    assert_eq!(host(&[("MATNET_ADDR", "10.9.0.1/31")]), (text("10.9.0.0"), text("10.9.0.0/31")));
    assert_eq!(host(&[("MATNET_ADDR", "10.9.0.1/32")]), (None, None));
}

#[test]
fn the_derived_mac_is_stable_local_and_unicast() {
    let a = good(&[]).resolved_mac();
    assert_eq!(a, good(&[]).resolved_mac());
    assert_eq!(a.0[0] & 3, 2);
    assert_ne!(a, good(&[("MATNET_ADDR", "10.88.45.3/24")]).resolved_mac());
    assert_ne!(a, good(&[("MATNET_TAP", "matnet1")]).resolved_mac());
}

#[test]
fn bypass_rules() {
    let ip = |s: &str| s.parse::<IpAddr>().unwrap();
    let s = good(&[(
        "MATNET_BYPASS",
        "10.0.0.0/8:53, 192.168.1.0/24 ,fd00::/8,[2001:db8::1]:80,9.9.9.9,[fe80::]/10",
    )]);
    let tcp = Protocol::Tcp;
    for (addr, port, kernel) in [
        ("10.1.2.3", 53, true),
        ("10.1.2.3", 54, false),
        ("192.168.1.7", 1, true),
        ("192.168.2.7", 1, false),
        ("fdab::1", 9, true),
        ("2001:db8::1", 80, true),
        ("2001:db8::1", 81, false),
        ("9.9.9.9", 1, true),
        ("9.9.9.8", 1, false),
        ("fe80::1", 1, true),
        ("::ffff:192.168.1.7", 1, true),
        ("127.0.0.1", 1, true),
        ("::1", 1, true),
    ] {
        assert_eq!(s.bypasses(ip(addr), port, tcp), kernel, "{addr} {port}");
    }
    for none in ["", "none"] {
        let s = good(&[("MATNET_BYPASS", none)]);
        assert!(
            s.bypass.is_empty() && s.bypasses(ip("127.9.9.9"), 1, tcp) && !s.bypasses(ip("1.1.1.1"), 1, tcp)
        );
    }
    let s = good(&[("MATNET_LOOPBACK", "stack")]);
    assert!(!s.bypasses(ip("127.0.0.1"), 80, tcp) && s.bypasses(ip("::1"), 80, tcp));
    let s = good(&[("MATNET_LOOPBACK", "stack"), ("MATNET_BYPASS", "127.0.0.1:5432")]);
    assert!(s.bypasses(ip("127.0.0.1"), 5432, tcp) && !s.bypasses(ip("127.0.0.1"), 80, tcp));
    let s = good(&[("MATNET_BYPASS", "10.0.0.0/8:53/udp,9.9.9.9/TCP,[fd00::/8]:1/icmp, 8.8.8.8/32/udp")]);
    for (addr, port, protocol, kernel) in [
        ("10.1.2.3", 53, Protocol::Udp, true),
        ("10.1.2.3", 53, Protocol::Tcp, false),
        ("10.1.2.3", 54, Protocol::Udp, false),
        ("9.9.9.9", 1, Protocol::Tcp, true),
        ("9.9.9.9", 1, Protocol::Udp, false),
        ("fd00::1", 1, Protocol::Icmp, true),
        ("fd00::1", 1, Protocol::Tcp, false),
        ("8.8.8.8", 9, Protocol::Udp, true),
        ("127.0.0.1", 9, Protocol::Tcp, true),
    ] {
        assert_eq!(s.bypasses(ip(addr), port, protocol), kernel, "{addr} {port} {protocol:?}");
    }
    let shown = parse::show_bypass(&s.bypass);
    assert_eq!(shown, "10.0.0.0/8:53/udp,9.9.9.9/32/tcp,[fd00::/8]:1/icmp,8.8.8.8/32/udp");
    assert_eq!(good(&[("MATNET_BYPASS", shown.as_str())]).bypass, s.bypass);
    for wrong in ["10.0.0.0/8:53/sctp", "10.0.0.0/udp/8", "/udp", "10.0.0.0/8:/udp"] {
        assert!(parse::bypass(wrong).is_err(), "{wrong}");
    }
    let s = good(&[("MATNET_BYPASS", "0.0.0.0/0")]);
    assert!(s.bypasses(ip("8.8.8.8"), 1, tcp));
}

#[test]
fn pid_in_file_names() {
    assert_eq!(expand_pid("/tmp/a-%p.%%p%x%", 42), "/tmp/a-42.%p%x%");
}
