//! BBR, STARTUP: the rate doubles each round trip, until three rounds brought less than a quarter more.

use super::*;

#[test]
fn the_bottleneck_is_found_in_a_few_round_trips() {
    let mut p = Path::new(PATH, Congestion::Bbr);
    assert_eq!(p.info().ssthresh, u32::MAX);
    p.run(ms(600), true);
    let info = p.info();
    let bbr = info.bbr.unwrap();
    assert!((bbr.bandwidth as f64 / p.capacity() - 1.0).abs() < 0.1, "{bbr:?}");
    // Out of STARTUP: the gain is not 2.89 any more.
    assert!(bbr.pacing_gain < 700, "{bbr:?}");
    assert!(info.ssthresh != u32::MAX);
    assert!(bbr.min_rtt.unwrap() < ms(45));
    let got = p.goodput(ms(3000));
    assert!(got > 0.93 * p.capacity(), "{got}");
}

#[test]
fn a_program_with_little_to_say_does_not_end_it() {
    let mut p = Path::new(PATH, Congestion::Bbr);
    for _ in 0..40 {
        p.send(3000);
        p.run(ms(100), false);
    }
    // Application-limited rounds prove nothing about the pipe.
    assert_eq!(p.info().bbr.unwrap().pacing_gain, 739);
    assert!(p.info().delivery_rate_app_limited);
}
