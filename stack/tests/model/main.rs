//! The model of `model.rs` under random input: the same that `cargo fuzz run model` does with chosen input, for some seconds of
//! every test run. A finding prints its seed; `MATNET_MODEL_SEED=n` runs that one alone, `MATNET_MODEL_RUNS=n` so many,
//! `MATNET_MODEL_TRACE=1` tells what happens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod cut;
#[path = "../../../fuzz/src/input.rs"]
#[allow(dead_code)]
mod input;
#[path = "model.rs"]
mod model;

/// Random bytes that a seed stands for (SplitMix64).
fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)).to_le_bytes()
    };
    (0..len.div_ceil(8)).flat_map(|_| next()).take(len).collect()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn two_stacks_agree_over_a_hostile_network() {
    let one = number("MATNET_MODEL_SEED");
    let seeds = match one {
        Some(seed) => seed..seed + 1,
        None => 0..number("MATNET_MODEL_RUNS").unwrap_or(1500),
    };
    let mut total = model::Report::default();
    for seed in seeds {
        let data = bytes(seed, 100 + (seed % 7) as usize * 150);
        let result = std::panic::catch_unwind(|| model::run(&data));
        match result {
            Ok(report) => total.add(&report),
            Err(panic) => {
                eprintln!("MATNET_MODEL_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("{total:?}");
    if one.is_none() {
        // It does what it is for: most connections carry data to the end, and forgeries meet open connections.
        assert!(total.completed > total.killed, "{total:?}");
        assert!(total.forged > 0 && total.bytes > 1_000_000, "{total:?}");
    }
}
