use super::*;
use crate::Spec;

/// A frame without bytes: its number, how often it was corrupted, its lane.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Dummy {
    id: u64,
    size: usize,
    lane: Lane,
    corrupted: u32,
}

impl Frame for Dummy {
    fn size(&self) -> usize {
        self.size
    }
    fn lane(&self) -> Lane {
        self.lane
    }
    fn corrupt(&mut self, _: u64) -> bool {
        self.corrupted += 1;
        true
    }
}

fn dummy(id: u64) -> Dummy {
    Dummy { id, size: 1500, lane: Lane::Data, corrupted: 0 }
}

fn pipe<T: Frame>(text: &str) -> Pipe<T> {
    let spec: Spec = text.parse().unwrap();
    Pipe::new(&spec.inbound, spec.seed.unwrap_or(1), Direction::In, 0)
}

/// All that comes out by way of the deadlines, with its time.
fn drain<T: Frame>(pipe: &mut Pipe<T>) -> Vec<(u64, T)> {
    let mut out = Vec::new();
    while let Some(at) = pipe.deadline() {
        assert!(at == 0 || pipe.pop(at - 1).is_none(), "out before its deadline");
        let before = out.len();
        out.extend(std::iter::from_fn(|| pipe.pop(at).map(|f| (at, f))));
        assert!(out.len() > before || pipe.deadline().is_none_or(|d| d > at), "a deadline that stays");
    }
    assert!(pipe.is_empty());
    assert_eq!(pipe.stored, 0);
    out
}

/// The numbers of what comes out of `n` frames, one each microsecond.
fn ids(text: &str, n: u64) -> (Vec<u64>, Counters) {
    let mut p = pipe(text);
    let mut out = Vec::new();
    for id in 0..n {
        p.push(id, dummy(id));
        out.extend(std::iter::from_fn(|| p.pop(id)));
    }
    out.extend(drain(&mut p).into_iter().map(|(_, f)| f));
    (out.iter().map(|f| f.id).collect(), p.counters())
}

#[test]
fn without_faults_frames_pass_at_once_and_in_order() {
    let mut p = pipe("loss=0%");
    assert_eq!(p.deadline(), None);
    for id in 0..10 {
        p.push(5, dummy(id));
    }
    assert_eq!(p.deadline(), Some(5));
    let out: Vec<_> = std::iter::from_fn(|| p.pop(5)).map(|f| f.id).collect();
    assert_eq!(out, (0..10).collect::<Vec<_>>());
    assert_eq!(p.counters(), Counters { offered: 10, delivered: 10, ..Counters::default() });
}

#[test]
fn loss_has_its_share_and_is_repeatable() {
    let (got, counters) = ids("loss=1%,seed=7", 200_000);
    // Mean 2000, standard deviation 44.5.
    assert!((1822..2178).contains(&counters.lost), "{counters:?}");
    assert_eq!(got.len() as u64 + counters.lost, 200_000);
    assert_eq!(ids("loss=1%,seed=7", 200_000).0, got);
    assert_ne!(ids("loss=1%,seed=8", 200_000).0, got);
    let spec: Spec = "loss=1%,seed=7".parse().unwrap();
    let mut out = Pipe::new(&spec.outbound, 7, Direction::Out, 0);
    (0..200_000).for_each(|id| out.push(0, dummy(id)));
    assert_ne!(drain(&mut out).iter().map(|(_, f)| f.id).collect::<Vec<_>>(), got);
}

#[test]
fn neighbouring_seeds_have_nothing_in_common() {
    // Binomial: 300 frames at 10 % lose 30 on average with a variance of 27, for any seed and either direction.
    let mut figures = Vec::new();
    for seed in 0..400 {
        let spec: Spec = "loss=10%".parse().unwrap();
        for direction in [Direction::In, Direction::Out] {
            let mut p = Pipe::new(spec.path(direction), seed, direction, 0);
            (0..300).for_each(|id| p.push(0, dummy(id)));
            figures.push(p.counters().lost as f64);
        }
    }
    let n = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / n;
    let variance = figures.iter().map(|f| (f - mean).powi(2)).sum::<f64>() / n;
    assert!((29.3..30.7).contains(&mean), "{mean}");
    assert!((22.0..32.0).contains(&variance), "{variance}");
    // In and out of one seed, and one seed and the next: no correlation.
    let correlated = |step: usize| {
        let pairs = figures.iter().zip(figures.iter().skip(step));
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / n / variance
    };
    assert!(correlated(1).abs() < 0.15 && correlated(2).abs() < 0.15);
}

#[test]
fn one_fault_does_not_shift_anothers_decisions() {
    let (alone, _) = ids("loss=5%,seed=3", 10_000);
    let (mut with, counters) = ids(
        "loss=5%,delay=1ms,jitter=500us,dup=10%,corrupt=10%,reorder=10%,rate=100gbit,queue=1GB,seed=3",
        10_000,
    );
    with.sort_unstable();
    with.dedup();
    assert_eq!(with, alone);
    assert!(
        counters.duplicated > 800 && counters.corrupted > 800 && counters.reordered > 800,
        "{counters:?}"
    );
}

#[test]
fn each_lane_has_its_own_numbers() {
    let lost = |other_every: u64| {
        let mut p = pipe("loss=10%,seed=5");
        for id in 0..1000 {
            p.push(0, dummy(id));
            if id % other_every == 0 {
                p.push(0, Dummy { lane: Lane::Other, ..dummy(id) });
                p.push(0, Dummy { lane: Lane::Arp, ..dummy(id) });
            }
        }
        drain(&mut p).into_iter().filter(|(_, f)| f.lane == Lane::Data).map(|(_, f)| f.id).collect::<Vec<_>>()
    };
    assert_eq!(lost(1), lost(1001));
}

#[test]
fn arp_meets_nothing_but_an_outage() {
    let mut p =
        pipe("loss=100%,corrupt=100%,dup=100%,reorder=100%,delay=1s,rate=1kbit,queue=1B,outage=5s+1s");
    let arp = |id| Dummy { lane: Lane::Arp, ..dummy(id) };
    p.push(0, dummy(0));
    p.push(7, arp(1));
    assert_eq!(p.deadline(), Some(7));
    assert_eq!((p.pop(7), p.pop(7)), (Some(arp(1)), None));
    p.push(5_000_000, arp(2));
    assert_eq!(
        p.counters(),
        Counters { offered: 3, delivered: 1, lost: 1, outage: 1, ..Counters::default() }
    );
    // It passes those that are on the way.
    let mut p = pipe("delay=1s");
    p.push(0, dummy(0));
    p.push(1, arp(1));
    assert_eq!(drain(&mut p), [(1, arp(1)), (1_000_000, dummy(0))]);
}

#[test]
fn bursts_have_the_share_and_the_length() {
    for (text, loss, mean) in
        [("loss=2%,burst=4", 0.02, 4.0), ("loss=30%,burst=1.5", 0.3, 1.5), ("loss=50%,burst=1", 0.5, 1.0)]
    {
        const N: u64 = 400_000;
        let (got, counters) = ids(text, N);
        let share = counters.lost as f64 / N as f64;
        assert!((share / loss - 1.0).abs() < 0.06, "{text}: {share}");
        let runs = got.windows(2).filter(|w| w[1] - w[0] > 1).count() as f64;
        let length = counters.lost as f64 / runs;
        assert!((length / mean - 1.0).abs() < 0.06, "{text}: {length}");
    }
    // By itself, a loss is followed by another no more often than any frame is lost.
    let (got, counters) = ids("loss=2%", 400_000);
    let runs = got.windows(2).filter(|w| w[1] - w[0] > 1).count() as f64;
    assert!((counters.lost as f64 / runs) < 1.05);
}

#[test]
fn delay_is_exact_and_jitter_keeps_the_order() {
    let mut p = pipe("delay=20ms");
    p.push(7, dummy(0));
    p.push(1007, dummy(1));
    assert_eq!(drain(&mut p), [(20_007, dummy(0)), (21_007, dummy(1))]);

    let mut p = pipe("delay=20ms,jitter=5ms,seed=2");
    for id in 0..2000 {
        p.push(id * 20_000, dummy(id));
    }
    let out = drain(&mut p);
    assert!(out.iter().enumerate().all(|(i, (_, f))| f.id == i as u64));
    // Frames 20 ms apart do not meet: each delay is a draw.
    let delays: Vec<u64> = out.iter().map(|(at, f)| at - f.id * 20_000).collect();
    assert!(delays.iter().all(|d| (15_000..=25_000).contains(d)));
    assert!(*delays.iter().min().unwrap() < 15_100 && *delays.iter().max().unwrap() > 24_900);
    let mean = delays.iter().sum::<u64>() as f64 / 2000.0;
    assert!((mean - 20_000.0).abs() < 300.0, "{mean}");
}

#[test]
fn jitter_above_the_delay_stops_at_nothing() {
    let mut p = pipe("delay=1ms,jitter=3ms");
    for id in 0..1000 {
        p.push(id * 10_000, dummy(id));
    }
    let delays: Vec<u64> = drain(&mut p).iter().map(|(at, f)| at - f.id * 10_000).collect();
    assert!(delays.iter().all(|d| *d <= 4000));
    assert!(*delays.iter().min().unwrap() < 50 && *delays.iter().max().unwrap() > 3950);
}

#[test]
fn a_copy_follows_right_behind() {
    let (got, counters) = ids("dup=1%,delay=3ms", 100_000);
    assert!((874..1126).contains(&counters.duplicated), "{counters:?}");
    assert_eq!(counters.delivered, 100_000 + counters.duplicated);
    assert!(got.windows(2).all(|w| w[1] - w[0] <= 1));
    assert_eq!(ids("dup=100%", 3).0, [0, 0, 1, 1, 2, 2]);
}

#[test]
fn a_reordered_frame_is_passed_by_so_many() {
    for gap in [1, 3, 50] {
        let (got, counters) = ids(&format!("reorder=1%,gap={gap},hold=10s,seed=4"), 20_000);
        assert!(counters.reordered > 100);
        assert_eq!(got.len(), 20_000);
        // Those that came late, and how many later ones came before them.
        let mut late = 0;
        for (i, id) in got.iter().enumerate() {
            let before = &got[i.saturating_sub(200)..i];
            let passed = before.iter().filter(|b| *b > id).count();
            if passed > 0 && i + 200 < got.len() {
                late += 1;
                // Others that were held back too and released before it may be among them, never fewer.
                assert!((gap..gap + 8).contains(&passed), "{gap}: {passed}");
            }
        }
        assert!(late > 100, "{late}");
    }
}

#[test]
fn a_reordered_frame_with_nobody_to_pass_it_comes_after_a_while() {
    let mut p = pipe("reorder=100%,delay=10ms");
    p.push(0, dummy(0));
    assert_eq!(p.deadline(), Some(50_000));
    p.push(2000, dummy(1));
    assert_eq!(drain(&mut p), [(60_000, dummy(0)), (62_000, dummy(1))]);
    // A later frame finds it gone, although nobody popped in between.
    let mut p = pipe("reorder=50%,hold=1ms,seed=1");
    for id in 0..100 {
        p.push(id * 2000, dummy(id));
    }
    let out = drain(&mut p);
    assert!(out.iter().enumerate().all(|(i, (at, f))| f.id == i as u64 && at - f.id * 2000 <= 1000));
    assert!(p.counters().reordered > 30);
}

#[test]
fn a_rate_takes_its_time() {
    // 1500 bytes at 12 Mbit/s are 1 ms.
    let mut p = pipe("rate=12mbit,delay=5ms");
    (0..3).for_each(|id| p.push(100, dummy(id)));
    p.push(50_000, dummy(3));
    let at: Vec<u64> = drain(&mut p).iter().map(|(at, _)| *at).collect();
    assert_eq!(at, [6100, 7100, 8100, 56_000]);
    // A million frames of 64 bytes at 10 Gbit/s: rounding does not add up to more than a percent.
    let mut p = pipe("rate=10gbit,queue=1GB");
    (0..100_000).for_each(|id| p.push(0, Dummy { size: 64, ..dummy(id) }));
    let last = drain(&mut p).last().unwrap().0;
    assert!((5068..5172).contains(&last), "{last}");
}

#[test]
fn the_queue_drops_at_its_tail() {
    for (queue, want) in [
        // One is being sent, nine wait.
        ("10", 10),
        ("15000B", 10),
        ("16499B", 10),
        // The eleventh would wait for exactly 10 ms.
        ("10ms", 11),
        ("9999us", 10),
        // An idle transmitter takes anything.
        ("1B", 1),
        ("0us", 1),
    ] {
        let mut p = pipe(&format!("rate=12mbit,queue={queue}"));
        (0..100).for_each(|id| p.push(0, dummy(id)));
        assert_eq!(p.counters().queue, 100 - want, "{queue}");
        // Half of it is sent: as many fit again.
        if want > 2 {
            let sent = 5;
            (0..100).for_each(|id| p.push(sent * 1000, dummy(id)));
            assert_eq!(p.counters().queue, 200 - want - sent, "{queue}");
        }
        assert_eq!(drain(&mut p).len() as u64, p.counters().delivered);
    }
    // None given: 100 ms of 12 Mbit/s are 150,000 bytes; at 1 Mbit/s it is 30,000.
    for (rate, want) in [("12mbit", 100), ("1mbit", 20)] {
        let mut p = pipe(&format!("rate={rate}"));
        (0..1000).for_each(|id| p.push(0, dummy(id)));
        assert_eq!(p.counters().queue, 1000 - want, "{rate}");
    }
}

#[test]
fn a_lost_frame_has_taken_its_time() {
    let mut p = pipe("rate=12mbit,loss=50%,queue=1MB,seed=1");
    (0..100).for_each(|id| p.push(0, dummy(id)));
    let out = drain(&mut p);
    assert!(out.len() < 70);
    assert!(out.iter().all(|(at, f)| *at == (f.id + 1) * 1000));
}

#[test]
fn an_outage_lasts_as_long_as_it_says() {
    let spec: Spec = "outage=5s+2s,delay=1s".parse().unwrap();
    const START: u64 = 1_000_000_000;
    let mut p = Pipe::new(&spec.inbound, 1, Direction::In, START);
    for tenth in 0..100 {
        p.push(START + tenth * 100_000, dummy(tenth));
    }
    let got: Vec<u64> = drain(&mut p).iter().map(|(_, f)| f.id).collect();
    assert_eq!(got, (0..50).chain(70..100).collect::<Vec<_>>());
    assert_eq!(p.counters().outage, 20);

    let mut p = pipe("outage=500ms+200ms/1s");
    (0..100).for_each(|tenth| p.push(tenth * 100_000, dummy(tenth)));
    let got: Vec<u64> = drain(&mut p).iter().map(|(_, f)| f.id).collect();
    assert_eq!(got, (0..100).filter(|t| !matches!(t % 10, 5 | 6)).collect::<Vec<_>>());
}

#[test]
fn memory_has_a_bound() {
    let mut p = pipe("delay=10s,dup=100%");
    (0..40_000).for_each(|id| p.push(0, dummy(id)));
    assert!(p.stored <= LARGEST + 2 * 1628, "{}", p.stored);
    assert!(p.counters().queue > 15_000);
    assert_eq!(drain(&mut p).len() as u64, 2 * (40_000 - p.counters().queue));
}

#[test]
fn one_bit_of_the_packet_is_inverted_and_never_one_of_the_frame() {
    let packet = |ethertype: u8, padding: usize| {
        let mut f = vec![0_u8; 14 + 40 + padding];
        f[12] = 8;
        f[13] = ethertype;
        f[14] = 0x45;
        f[17] = 40;
        f
    };
    let mut p = pipe("corrupt=100%");
    let mut seen = std::collections::BTreeSet::new();
    let clean = packet(0, 6);
    for _ in 0..20_000 {
        p.push(0, clean.clone());
        let got = p.pop(0).unwrap();
        let bits: Vec<usize> =
            (0..got.len() * 8).filter(|b| (got[b / 8] ^ clean[b / 8]) >> (b % 8) & 1 == 1).collect();
        assert_eq!(bits.len(), 1);
        seen.insert(bits[0]);
    }
    assert_eq!(seen, (14 * 8..54 * 8).collect());
    for other in [packet(6, 0), vec![1; 13], vec![], vec![8; 14], packet(0, 0)[..14].to_vec()] {
        let before = p.counters().corrupted;
        p.push(0, other.clone());
        assert_eq!(p.pop(0), Some(other));
        assert_eq!(p.counters().corrupted, before);
    }
}

/// Everything at once, at random times: nothing comes twice but copies, nothing vanishes uncounted, time never goes back.
#[test]
fn frames_are_conserved() {
    for seed in 0..40 {
        let text = format!(
            "loss=3%,burst=2,dup=5%,corrupt=5%,reorder=10%,gap={},hold=3ms,delay=2ms,jitter=3ms,rate=50mbit,queue={},\
             outage=100ms+20ms/200ms,seed={seed}",
            1 + seed % 7,
            ["30", "20kB", "4ms"][seed as usize % 3],
        );
        let mut p = pipe(&text);
        let draws = Draws::new(seed, 99);
        let (mut now, mut got, mut last) = (0, Vec::new(), 0);
        for id in 0..3000 {
            now += below(draws.draw(Purpose::Jitter, id), 600);
            while let Some(at) = p.deadline().filter(|at| *at <= now) {
                assert!(at >= last);
                last = at;
                got.extend(std::iter::from_fn(|| p.pop(at)));
            }
            p.push(now, dummy(id));
        }
        got.extend(drain(&mut p).into_iter().map(|(_, f)| f));
        let c = p.counters();
        assert_eq!(c.offered, 3000);
        assert_eq!(c.offered + c.duplicated, c.delivered + c.lost + c.outage + c.queue, "{c:?}");
        assert_eq!(got.len() as u64, c.delivered);
        assert!([c.lost, c.outage, c.duplicated, c.corrupted, c.reordered].iter().all(|n| *n > 0), "{c:?}");
        got.sort_by_key(|f| f.id);
        let copies = got.windows(2).filter(|w| w[0].id == w[1].id).count() as u64;
        assert_eq!(copies, c.duplicated);
    }
}
