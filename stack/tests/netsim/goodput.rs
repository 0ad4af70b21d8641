//! Goodput of one connection over loss, round trip and buffer, for every congestion control.

use std::collections::BTreeMap;

use matnet_stack::{Congestion, Duration, Instant};

use crate::formula::goodput;
use crate::link::spec;
use crate::table::{Row, check};
use crate::world::{Flow, World};

const RATE_MBIT: f64 = 20.0;
const LOSSES: [(&str, f64); 5] = [("0%", 0.0), ("0.1%", 0.001), ("1%", 0.01), ("5%", 0.05), ("20%", 0.2)];
/// The round trip in milliseconds.
const ROUND_TRIPS: [u64; 4] = [2, 20, 100, 300];
/// SO_RCVBUF and SO_SNDBUF in kilobytes of payload; 0: as the stack chooses.
const BUFFERS: [usize; 3] = [32, 256, 0];
/// Seconds before figures count.
const WARM_UP: u64 = 15;

/// Seconds that count, and how many seeds: more where chance has more to say, and where a second costs less.
fn effort(rtt: u64, loss: f64) -> (u64, u64) {
    match loss {
        0.0 => (10, 1),
        p if rtt < 10 || p < 0.005 && rtt < 100 => (30, 1),
        _ => (60, 2),
    }
}

const HEAD: &str = "\
# Goodput of one connection, Mb/s

A link of 20 Mb/s whose queue holds one product of rate and round trip (at least 64 kB); loss is random and the same both ways,
so acknowledgements are lost too. Frames of 1500 bytes. A client sends without end; after the first 15 s, 60 s count, the mean of two
seeds (30 s and one seed at 2 ms, and at 0.1 % with 20 ms; 10 s without loss). `buffer` is SO_RCVBUF and SO_SNDBUF in kB of payload, `auto`: as the stack chooses. The prediction is the least of bandwidth, buffer
in a round trip and the response function to loss, which `formula.rs` states; its last column says which one it is.

control round-trip buffer loss | goodput predicted ratio bound";

fn measure(congestion: Congestion, rtt: u64, buffer: Option<usize>, loss: &str, p: f64) -> f64 {
    let (span, seeds) = effort(rtt, p);
    let queue = ((RATE_MBIT * 1e6 / 8.0 * rtt as f64 / 1e3) as usize).max(64_000);
    let link = format!("rate={RATE_MBIT}mbit,delay={}us,queue={queue}B,loss={loss}", rtt * 500);
    let mut total = 0.0;
    for seed in 1..=seeds {
        let flow = Flow { buffer, ..Flow::upload(congestion) };
        let mut world = World::new(&link, &spec(&link), &[flow], true, seed);
        world.run_until(Instant::ZERO + Duration::from_secs(WARM_UP));
        let before = world.uploaded(0);
        world.run_until(Instant::ZERO + Duration::from_secs(WARM_UP + span));
        total += (world.uploaded(0) - before) as f64 * 8.0 / span as f64;
    }
    total / seeds as f64
}

#[test]
fn goodput_over_loss_round_trip_and_buffer() {
    let mut cells = Vec::new();
    for &(name, congestion) in Congestion::ALL {
        for rtt in ROUND_TRIPS {
            for kb in BUFFERS {
                for (loss, p) in LOSSES {
                    cells.push((name, congestion, rtt, kb, loss, p));
                }
            }
        }
    }
    // Cells do not know of each other: as many threads as there are cores.
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    let next = std::sync::atomic::AtomicUsize::new(0);
    let rows = std::sync::Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(&(name, congestion, rtt, kb, loss, p)) = cells.get(at) else { break };
                    let buffer = (kb > 0).then_some(kb * 1000);
                    let measured = measure(congestion, rtt, buffer, loss, p);
                    let bytes = buffer.map_or(f64::INFINITY, |b| b as f64);
                    let (predicted, bound) = goodput(congestion, RATE_MBIT * 1e6, rtt as f64 / 1e3, bytes, p);
                    let ratio = measured / predicted;
                    let buffer = if kb == 0 { "auto".to_string() } else { format!("{kb}kB") };
                    let key = [name.to_string(), format!("{rtt}ms"), buffer, loss.to_string()].to_vec();
                    let text = format!(
                        "{:>7.3} {:>7.3} {ratio:>5.2} {}",
                        measured / 1e6,
                        predicted / 1e6,
                        bound.name()
                    );
                    rows.lock().unwrap().insert(at, Row { key, text, ratio });
                }
            });
        }
    });
    let rows: Vec<Row> = rows.into_inner().unwrap().into_values().collect();
    assert_eq!(rows.len(), cells.len());
    check("goodput.txt", HEAD, &rows);
}
