//! Two flows that share a bottleneck: who gets what, by Jain's fairness index.

use matnet_stack::{Congestion, Duration, Instant};

use crate::formula::{PAYLOAD, jain};
use crate::link::spec;
use crate::table::{Row, check};
use crate::world::{Flow, World};

const RATE: f64 = 10e6;
const WARM_UP: u64 = 20;
const SPAN: u64 = 80;

const HEAD: &str = "\
# Two flows that share a bottleneck

A link of 10 Mb/s with a round trip of 20 ms and a queue of 50 kB, two products of the two, without loss of its own. Both send
without end; the second begins after 2 s (`late`: after 10 s); 80 s count, after the first 20. The columns are the shares of the two in Mb/s, Jain's
index of them, what is predicted for it, the ratio, and how much of the link both use together (which must be 0.8 of it, too).

Predicted: equal flows share equally, 1. With reno and round trips R1 < R2 both see the same losses in a queue that drops at its
tail, so windows are equal in segments per round of its own and shares go as 1/R^2 (Floyd, Jacobson, 1992), queue included; with cubic windows grow by
time and not by round trips, and shares go as 1/R (a window of the same size each round trip). Cubic beside reno: 1, as
the round trip is within the Reno-friendly region (RFC 9438 section 4.3).

flows | first second index predicted ratio use";

struct Case {
    name: &'static str,
    controls: [&'static str; 2],
    /// Round trips in milliseconds.
    rtt: [u64; 2],
    start: u64,
    predicted: f64,
}

fn by_name(name: &str) -> Option<Congestion> {
    Congestion::ALL.iter().find(|(n, _)| *n == name).map(|(_, congestion)| *congestion)
}

/// The index of shares that go as the round trip, a queue of 40 ms half full included, to the power of -n.
fn of_round_trips(n: i32) -> f64 {
    let share = |rtt: f64| (rtt + 20.0).powi(-n);
    jain(&[share(20.0), share(80.0)])
}

#[test]
fn two_flows_share_a_bottleneck() {
    let same = [20, 20];
    let differ = [20, 80];
    let cases = [
        Case { name: "reno+reno", controls: ["reno"; 2], rtt: same, start: 2, predicted: 1.0 },
        Case { name: "cubic+cubic", controls: ["cubic"; 2], rtt: same, start: 2, predicted: 1.0 },
        Case { name: "cubic+cubic,late", controls: ["cubic"; 2], rtt: same, start: 10, predicted: 1.0 },
        Case { name: "bbr+bbr", controls: ["bbr"; 2], rtt: same, start: 2, predicted: 1.0 },
        Case { name: "cubic+reno", controls: ["cubic", "reno"], rtt: same, start: 2, predicted: 1.0 },
        Case { name: "reno+cubic", controls: ["reno", "cubic"], rtt: same, start: 2, predicted: 1.0 },
        Case { name: "bbr+cubic", controls: ["bbr", "cubic"], rtt: same, start: 2, predicted: 1.0 },
        Case {
            name: "reno+reno,80ms",
            controls: ["reno"; 2],
            rtt: differ,
            start: 2,
            predicted: of_round_trips(2),
        },
        Case {
            name: "cubic+cubic,80ms",
            controls: ["cubic"; 2],
            rtt: differ,
            start: 2,
            predicted: of_round_trips(1),
        },
        Case { name: "bbr+bbr,80ms", controls: ["bbr"; 2], rtt: differ, start: 2, predicted: 1.0 },
    ];
    let mut rows = Vec::new();
    for case in cases {
        let Some(controls) = case.controls.map(by_name).into_iter().collect::<Option<Vec<_>>>() else {
            continue;
        };
        let link = "rate=10mbit,delay=10ms,queue=50kB";
        let flows: Vec<Flow> = (0..2)
            .map(|n| Flow {
                start: Duration::from_secs(n as u64 * case.start),
                access: Duration::from_micros((case.rtt[n] - 20) * 500),
                ..Flow::upload(controls[n])
            })
            .collect();
        let mut world = World::new(case.name, &spec(link), &flows, true, 3);
        world.run_until(Instant::ZERO + Duration::from_secs(WARM_UP));
        let before = [world.uploaded(0), world.uploaded(1)];
        world.run_until(Instant::ZERO + Duration::from_secs(WARM_UP + SPAN));
        let share = |n: usize| (world.uploaded(n) - before[n]) as f64 * 8.0 / SPAN as f64;
        let shares = [share(0), share(1)];
        let (index, used) = (jain(&shares), (shares[0] + shares[1]) / (RATE * PAYLOAD));
        let ratio = index / case.predicted;
        let text = format!(
            "{:>6.3} {:>6.3} {index:>6.3} {:>6.3} {ratio:>5.2} {used:>5.2}",
            shares[0] / 1e6,
            shares[1] / 1e6,
            case.predicted
        );
        rows.push(Row { key: vec![case.name.to_string()], text, ratio: ratio.min(used) });
    }
    check("fairness.txt", HEAD, &rows);
}
