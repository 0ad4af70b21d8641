//! `libmatnet.a`: everything of `matnet-capi`, and no hook; a program that links it keeps its own libc calls.
pub use matnet_capi::*;
