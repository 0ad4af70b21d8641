use super::*;

fn spec(text: &str) -> Spec {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

#[test]
fn the_names_that_the_design_fixes() {
    let s = spec("loss=1%,delay=20ms,jitter=2ms,dup=0.1%,reorder=1%,corrupt=0.1%,rate=100mbit,seed=7");
    assert_eq!(s.seed, Some(7));
    assert_eq!(s.inbound, s.outbound);
    let want = Path {
        loss: Chance::from_billionths(10_000_000),
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(2),
        dup: Chance::from_billionths(1_000_000),
        reorder: Chance::from_billionths(10_000_000),
        corrupt: Chance::from_billionths(1_000_000),
        rate: Some(100_000_000),
        ..Path::default()
    };
    assert_eq!(s.inbound, want);
    assert!(!s.is_clean());
    assert!(spec("seed=1").is_clean() && spec("loss=0%").is_clean() && spec("loss=0").is_clean());
}

#[test]
fn a_direction_wins_wherever_it_stands() {
    for text in ["in.loss=5%,loss=1%", "loss=1%,in.loss=5%", " IN.Loss = 5% , loss=1% "] {
        let s = spec(text);
        assert_eq!([s.inbound.loss, s.outbound.loss].map(Chance::billionths), [50_000_000, 10_000_000]);
    }
    let s = spec("rate=1mbit,queue=10,out.queue=64kB,loss=3%,in.loss=0%,burst=2");
    assert_eq!([s.inbound.queue, s.outbound.queue], [Some(Queue::Frames(10)), Some(Queue::Bytes(64_000))]);
    assert_eq!([s.inbound.burst, s.outbound.burst], [None, Some(2000)]);
}

#[test]
fn what_is_written_is_read_back() {
    for (text, same) in [
        ("loss=1%", "loss=1%"),
        ("loss=00.10%", "loss=0.1%"),
        ("loss=0.0000001%,corrupt=100%,dup=12.5%", "loss=0.0000001%,corrupt=100%,dup=12.5%"),
        ("loss=20%,burst=2.5,seed=18446744073709551615", "loss=20%,burst=2.5,seed=18446744073709551615"),
        ("seed=0,delay=1.5s,jitter=250us", "delay=1500ms,jitter=250us,seed=0"),
        ("delay=2m,in.delay=24h", "in.delay=24h,out.delay=2m"),
        ("reorder=1%,gap=50,hold=100ms,out.gap=3", "reorder=1%,in.gap=50,out.gap=3,hold=100ms"),
        ("rate=1.5MBIT,queue=50ms", "rate=1500kbit,queue=50ms"),
        ("rate=1gbit,in.rate=1234567bit,queue=100", "in.rate=1234567bit,out.rate=1gbit,queue=100"),
        ("rate=2mbit,queue=64KB", "rate=2mbit,queue=64kB"),
        ("rate=2mbit,queue=0.5MB", "rate=2mbit,queue=500kB"),
        ("outage=5s+2s", "outage=5s+2s"),
        ("in.outage=0+100ms/1m", "in.outage=0us+100ms/1m"),
        ("loss=0%", "loss=0%"),
        ("loss=0%,dup=0%,seed=3", "seed=3"),
        // What means nothing in a direction is forgotten there.
        ("queue=10,in.rate=1mbit", "in.rate=1mbit,in.queue=10"),
    ] {
        let s = spec(text);
        assert_eq!(s.to_string(), same);
        assert_eq!(spec(same), s, "{text}");
    }
}

#[test]
fn every_error_names_the_key_the_value_and_what_was_expected() {
    for (text, want) in [
        ("", "an empty part: expected pairs such as loss=1%,delay=20ms"),
        ("loss=1%,", "an empty part: expected pairs such as loss=1%,delay=20ms"),
        ("loss", "\"loss\": expected pairs such as loss=1%,delay=20ms"),
        ("los=1%", "los: no such fault, did you mean loss?"),
        ("in.dely=1ms", "in.dely: no such fault, did you mean in.delay?"),
        ("sed=1", "sed: no such fault, did you mean seed?"),
        ("in.seed=1", "in.seed: no such fault, did you mean seed?"),
        (
            "bandwidth=1mbit",
            "bandwidth: no such fault, expected one of loss, burst, corrupt, dup, reorder, gap, hold, delay, jitter, \
             rate, queue, outage, seed",
        ),
        ("loss=1", "loss=1: expected a percentage such as 1% or 0.1%, from 0% to 100%"),
        ("in.loss=101%", "in.loss=101%: expected a percentage such as 1% or 0.1%, from 0% to 100%"),
        ("dup=-1%", "dup=-1%: expected a percentage such as 1% or 0.1%, from 0% to 100%"),
        ("delay=20", "delay=20: expected a time with its unit such as 20ms or 1.5s, at most 24h"),
        ("delay=25h", "delay=25h: expected a time with its unit such as 20ms or 1.5s, at most 24h"),
        ("jitter=1.2.3ms", "jitter=1.2.3ms: expected a time with its unit such as 20ms or 1.5s, at most 24h"),
        (
            "rate=100",
            "rate=100: expected bits a second such as 512kbit, 100mbit or 1.5gbit, from 1kbit to 1000gbit",
        ),
        (
            "rate=1MB",
            "rate=1MB: expected bits a second such as 512kbit, 100mbit or 1.5gbit, from 1kbit to 1000gbit",
        ),
        (
            "rate=1mbit,queue=0",
            "queue=0: expected a time such as 50ms, bytes such as 64kB, or a number of frames such as 100",
        ),
        ("queue=10", "queue=10: means nothing without rate, such as rate=10mbit"),
        ("in.queue=10,out.rate=1mbit", "in.queue=10: means nothing without rate, such as in.rate=10mbit"),
        ("loss=0%,burst=3", "burst=3: means nothing without loss, such as loss=1%"),
        (
            "loss=1%,burst=0.5",
            "burst=0.5: expected the mean length of a burst of losses in frames such as 3 or 2.5, from 1 to 10000",
        ),
        ("loss=81%,burst=4", "loss=81%: expected at most 80% with burst=4"),
        ("gap=3", "gap=3: means nothing without reorder, such as reorder=1%"),
        (
            "reorder=1%,gap=0",
            "gap=0: expected the number of frames that pass one that is held back, from 1 to 100000",
        ),
        ("reorder=1%,hold=0", "hold=0: expected a time with its unit such as 20ms or 1.5s, at most 24h"),
        (
            "outage=5s",
            "outage=5s: expected START+LENGTH or START+LENGTH/PERIOD such as 5s+2s or 5s+500ms/10s, the period longer \
             than the length",
        ),
        (
            "outage=5s+2s/2s",
            "outage=5s+2s/2s: expected START+LENGTH or START+LENGTH/PERIOD such as 5s+2s or 5s+500ms/10s, the period \
             longer than the length",
        ),
        ("loss=1%,loss=1%", "loss is given twice"),
        ("in.loss=1%,in.loss=2%", "in.loss is given twice"),
        ("seed=1,seed=2", "seed is given twice"),
        ("seed=-1", "seed=-1: expected a whole number, from 0 to 18446744073709551615"),
        (
            "seed=18446744073709551616",
            "seed=18446744073709551616: expected a whole number, from 0 to 18446744073709551615",
        ),
    ] {
        assert_eq!(text.parse::<Spec>().map_err(|e| e.to_string()), Err(want.to_owned()), "{text}");
    }
}

#[test]
fn an_error_is_one_line_and_bounded() {
    for text in ["a\nb=1", "loss=1\n0%", "a\nb", "loss=1%,burst=\u{7}"] {
        let line = text.parse::<Spec>().unwrap_err().to_string();
        assert!(!line.contains(char::is_control), "{line}");
    }
    for text in
        ["x".repeat(100_000), format!("{}=1", "y".repeat(100_000)), format!("loss={}", "9".repeat(100_000))]
    {
        assert!(text.parse::<Spec>().unwrap_err().to_string().len() < 300);
    }
}

#[test]
fn numbers_are_exact_or_refused() {
    assert_eq!(decimal("0.0000001", ONE_PERCENT), Some(1));
    assert_eq!(decimal("0.00000001", ONE_PERCENT), None);
    assert_eq!(decimal("99999999999999999999", 1), None);
    assert_eq!(decimal("18446744073709551615", 1), Some(u64::MAX));
    for bad in ["", ".", "1.", ".5", "1e3", "+1", " 1", "1_0", "٣"] {
        assert_eq!(decimal(bad, 1000), None, "{bad}");
    }
    for n in [1, 10, 999, 1000, 1001, 123_456_789, 1_000_000_000] {
        assert_eq!(decimal(&show_decimal(n, ONE_PERCENT), ONE_PERCENT), Some(n));
    }
}

/// Random specs, written and read; and texts with a character changed, which may be anything but a panic.
#[test]
fn any_spec_is_read_back() {
    use crate::chance::{Draws, Purpose, below};
    let draws = Draws::new(1, 7);
    let mut number = 0;
    let mut next = |bound: u64| {
        number += 1;
        below(draws.draw(Purpose::Loss, number), bound)
    };
    let values = [
        ("loss", &["0%", "0.5%", "50%"][..]),
        ("burst", &["1", "2.5", "100"]),
        ("corrupt", &["0%", "100%"]),
        ("dup", &["0.001%"]),
        ("reorder", &["0%", "1%"]),
        ("gap", &["1", "50"]),
        ("hold", &["1us", "2h"]),
        ("delay", &["0", "20ms", "1.5s"]),
        ("jitter", &["100us", "0"]),
        ("rate", &["1kbit", "1.5gbit"]),
        ("queue", &["1", "64kB", "50ms"]),
        ("outage", &["0+1s", "5s+2s/7s"]),
    ];
    let mut read = 0;
    for _ in 0..5000 {
        let mut pairs = Vec::new();
        for (key, values) in values {
            for prefix in ["", "in.", "out."] {
                if next(4) == 0 {
                    pairs.push(format!("{prefix}{key}={}", values[next(values.len() as u64) as usize]));
                }
            }
        }
        if next(2) == 0 {
            pairs.push(format!("seed={}", next(u64::MAX)));
        }
        let text = pairs.join(",");
        if let Ok(spec) = text.parse::<Spec>() {
            read += 1;
            let shown = spec.to_string();
            assert_eq!(shown.parse::<Spec>(), Ok(spec), "{text} is shown as {shown}");
        }
        let mut chars: Vec<char> = text.chars().collect();
        if !chars.is_empty() {
            let at = next(chars.len() as u64) as usize;
            chars[at] = ['=', ',', '.', '%', '9', 'x', '/', '+', '\u{ffff}', ' '][next(10) as usize];
            let _ = chars.into_iter().collect::<String>().parse::<Spec>();
        }
    }
    assert!(read > 500, "{read}");
}
