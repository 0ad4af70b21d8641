//! BBR's compensation for acknowledgements that come together (bbr_update_ack_aggregation): the window bridges the silence
//! between them.

use super::*;

#[test]
fn acknowledgements_every_100_ms_on_a_path_of_20_ms() {
    let link = Bottleneck { delay: ms(10), aggregate: ms(100), queue: 400_000, ..PATH };
    let mut p = Path::new(link, Congestion::Bbr);
    p.run(ms(5000), true);
    let got = p.goodput(ms(5000));
    assert!(got > 0.75 * p.capacity(), "{got} of {}", p.capacity());
}
