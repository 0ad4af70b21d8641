//! What a program gives in chunks (sendfile, splice) is judged like what it writes: with pauses between, rates are the
//! program's (Linux: `tcp_rate_check_app_limited` in every way of sending).

use super::*;

#[test]
fn chunks_with_pauses_between_are_application_limited() {
    let mut p = Path::new(PATH, Congestion::Bbr);
    for _ in 0..20 {
        let (now, id) = (p.now, p.ids[0]);
        let chunk = p.ends[0].0.take_chunk(3000);
        assert_eq!(p.ends[0].0.send_chunk(now, id, chunk, 3000, false), Ok(3000));
        p.run(ms(100), false);
    }
    let info = p.info();
    assert!(info.delivery_rate_app_limited, "{info:?}");
    // So STARTUP is not over.
    assert_eq!(info.bbr.unwrap().pacing_gain, 739);
}
