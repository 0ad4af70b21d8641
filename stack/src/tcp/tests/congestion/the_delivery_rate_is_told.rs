//! tcpi_delivery_rate: what the path delivers, and whether the program limited it.

use super::*;

#[test]
fn under_load_it_is_the_paths() {
    let mut p = Path::new(PATH, Congestion::Cubic);
    p.run(ms(4000), true);
    let info = p.info();
    let rate = info.delivery_rate as f64;
    assert!((rate / p.capacity() - 1.0).abs() < 0.1, "{rate} of {}", p.capacity());
    assert!(!info.delivery_rate_app_limited);
}

#[test]
fn a_program_with_little_to_say_is_told_so() {
    let mut p = Path::new(PATH, Congestion::Cubic);
    for _ in 0..20 {
        p.send(1000);
        p.run(ms(100), false);
    }
    let info = p.info();
    assert!(info.delivery_rate_app_limited && info.delivery_rate < 100_000, "{info:?}");
}
