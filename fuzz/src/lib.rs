//! What the fuzz targets do, apart from libFuzzer's entry points, so that each is a plain function of bytes.
//!
//! A finding is a panic: of the code under test, or of an assertion here. Every target is deterministic: time,
//! entropy and traffic come from the input alone.

#[path = "../../stack/tests/model/cut.rs"]
pub mod cut;
pub mod frames;
pub mod input;
#[path = "../../stack/tests/model/model.rs"]
pub mod model;
pub mod on_frame;
pub mod streams;
pub mod wire;
