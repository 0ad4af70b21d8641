//! Streams both ways over every kind of link: every byte arrives, connections end in order, and nothing is left behind.

use matnet_stack::{Congestion, Duration};

use crate::link::spec;
use crate::world::{Flow, World};

#[derive(Debug, PartialEq)]
struct Outcome {
    elapsed: Duration,
    /// Bits per second, to the client and to the server.
    goodput: [u64; 2],
    retransmitted: [u32; 2],
    frames: u64,
}

fn simulate(link: &str, offload: bool, bytes: [usize; 2], seed: u64) -> Outcome {
    let flow = Flow { bytes, ..Flow::upload(Congestion::default()) };
    let mut world = World::new(link, &spec(link), &[flow], offload, seed);
    world.run_to_the_end();
    let finished = world.finished(0);
    let rate =
        |received: usize, end: usize| received as u64 * 8_000_000 / finished[end].unwrap().micros().max(1);
    Outcome {
        elapsed: world.now.since(matnet_stack::Instant::ZERO),
        goodput: [rate(world.downloaded(0), 0), rate(world.uploaded(0), 1)],
        retransmitted: world.retransmitted(0),
        frames: world.frames,
    }
}

/// Both with and without offloads; a stream of some length has at least so many bits per second.
fn run(link: &str, bytes: [usize; 2], least: u64) {
    for offload in [true, false] {
        let outcome = simulate(link, offload, bytes, 0x6d61_746e_6574);
        println!(
            "{link:<45} {:>3}  {:>8.1} {:>8.1} Mb/s  {:>4} {:>4} retransmitted  {:>6} frames  {:>9.1} ms",
            if offload { "TSO" } else { "" },
            outcome.goodput[1] as f64 / 1e6,
            outcome.goodput[0] as f64 / 1e6,
            outcome.retransmitted[0],
            outcome.retransmitted[1],
            outcome.frames,
            outcome.elapsed.as_micros() as f64 / 1e3,
        );
        let long = outcome.goodput.into_iter().zip([bytes[1], bytes[0]]).filter(|(_, size)| *size > 100_000);
        for (goodput, _) in long {
            assert!(goodput >= least, "{link}: {goodput} b/s");
        }
        if link.contains("queue=4MB") {
            assert_eq!(outcome.retransmitted, [0, 0], "{link}");
        }
    }
}

#[test]
fn a_clean_link_is_filled() {
    let link = "rate=1gbit,delay=100us,queue=4MB";
    run(link, [8_000_000, 8_000_000], 500_000_000);
    run(link, [8_000_000, 0], 600_000_000);
    run(link, [1, 1], 0);
    // Without a rate frames of 64 kB cross whole.
    run("delay=100us", [8_000_000, 8_000_000], 500_000_000);
}

#[test]
fn a_long_link_is_filled() {
    run("rate=100mbit,delay=10ms,queue=4MB", [6_000_000, 3_000_000], 40_000_000);
}

#[test]
fn a_short_queue_is_survived() {
    run("rate=50mbit,delay=5ms,queue=60kB", [3_000_000, 3_000_000], 10_000_000);
}

#[test]
fn loss_is_repaired() {
    run("rate=100mbit,delay=5ms,loss=0.1%", [3_000_000, 3_000_000], 15_000_000);
    run("rate=100mbit,delay=5ms,loss=1%", [2_000_000, 2_000_000], 5_000_000);
    run("rate=100mbit,delay=5ms,loss=10%", [200_000, 200_000], 100_000);
}

#[test]
fn reordering_and_duplication_are_survived() {
    run("rate=100mbit,delay=5ms,jitter=1ms", [2_000_000, 2_000_000], 5_000_000);
    run("rate=100mbit,delay=5ms,reorder=1%,gap=20", [2_000_000, 2_000_000], 5_000_000);
    run("rate=100mbit,delay=5ms,dup=5%", [2_000_000, 2_000_000], 10_000_000);
}

#[test]
fn corruption_never_reaches_the_program() {
    run("rate=100mbit,delay=5ms,corrupt=1%", [2_000_000, 2_000_000], 4_000_000);
}

#[test]
fn everything_at_once() {
    let link = "rate=100mbit,delay=5ms,jitter=1ms,loss=1%,dup=1%,corrupt=0.5%,reorder=1%,gap=8";
    run(link, [1_000_000, 1_000_000], 1_000_000);
}

#[test]
fn every_congestion_control_moves_every_byte() {
    for &(name, congestion) in Congestion::ALL {
        for link in ["rate=20mbit,delay=5ms,loss=2%,reorder=1%,dup=1%", "rate=20mbit,delay=30ms,queue=30kB"] {
            let flow = Flow { bytes: [1_000_000, 500_000], ..Flow::upload(congestion) };
            let what = format!("{name} {link}");
            World::new(&what, &spec(link), &[flow], true, 11).run_to_the_end();
        }
    }
}

#[test]
fn a_seed_repeats_itself() {
    let link = "rate=100mbit,delay=5ms,loss=2%,dup=2%,reorder=2%,corrupt=1%";
    let once = simulate(link, true, [300_000, 300_000], 5);
    assert_eq!(once, simulate(link, true, [300_000, 300_000], 5));
    assert_ne!(once, simulate(link, true, [300_000, 300_000], 6));
}

#[test]
fn many_seeds_move_every_byte() {
    let link = "rate=100mbit,delay=1ms,jitter=900us,loss=5%,dup=5%,reorder=5%,gap=6,corrupt=2%";
    for seed in 0..20 {
        simulate(link, seed % 2 == 0, [40_000, 60_000], seed * 7919 + 1);
    }
}
