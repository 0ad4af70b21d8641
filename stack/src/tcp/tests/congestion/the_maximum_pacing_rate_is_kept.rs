//! SO_MAX_PACING_RATE: no more than that a second, near peer or far, whatever the algorithm; 0 and all bits are none.

use super::*;

#[test]
fn a_tenth_of_what_the_path_would_take() {
    for congestion in [Congestion::Reno, Congestion::Cubic, Congestion::Bbr] {
        for delay in [Duration::from_micros(100), ms(20)] {
            let mut p = Path::new(Bottleneck { delay, ..PATH }, congestion);
            p.options(|o| o.max_pacing_rate = 125_000);
            p.run(ms(1000), true);
            let got = p.goodput(ms(4000));
            // A near peer gets frames of 64 kB, one in half a second.
            assert!((105_000.0..142_000.0).contains(&got), "{congestion:?} {delay:?}: {got}");
            let info = p.info();
            assert_eq!((info.pacing_rate, info.max_pacing_rate), (125_000, 125_000));
        }
    }
}

#[test]
fn zero_is_none() {
    let mut p = Path::new(PATH, Congestion::Cubic);
    p.options(|o| o.max_pacing_rate = 0);
    p.run(ms(1000), true);
    let got = p.goodput(ms(2000));
    assert!(got > 0.8 * p.capacity(), "{got}");
}

#[test]
fn taking_it_back_frees_what_waits() {
    let mut p = Path::new(PATH, Congestion::Cubic);
    p.options(|o| o.max_pacing_rate = 10_000);
    p.run(ms(2000), true);
    p.options(|o| o.max_pacing_rate = u64::MAX);
    let got = p.goodput(ms(5000));
    assert!(got > 0.8 * p.capacity(), "{got}");
}

#[test]
fn a_limit_of_zero_taken_back_does_not_stall_a_model() {
    let mut p = Path::new(PATH, Congestion::Bbr);
    p.run(ms(1000), true);
    p.options(|o| o.max_pacing_rate = 0);
    p.run(ms(500), true);
    p.run(ms(5000), false);
    assert_eq!(p.info().bytes_in_flight, 0);
    // The model's own rate is 0 until the next acknowledgement.
    p.options(|o| o.max_pacing_rate = u64::MAX);
    p.run(ms(1000), true);
    let got = p.goodput(ms(3000));
    assert!(got > 0.8 * p.capacity(), "{got}");
}
