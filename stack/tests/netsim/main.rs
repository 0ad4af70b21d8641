//! Stacks over a simulated link in virtual time (`world`), with the faults of matnet-faults (`link`).
//!
//! `transfers` moves streams both ways over every kind of link and checks each byte and the orderly end. The others make
//! tables, which are committed beside this file and compared exactly, each figure beside what a formula predicts
//! (`formula`): `goodput` over loss, round trip and buffer; `fairness` of flows that share a bottleneck; `recovery` from
//! bursts, tail losses, reordering and an outage. A cell below 0.8 of its prediction needs an explanation in the table's file.
//!
//! ```text
//! cargo test -p matnet-stack --test netsim                     compares
//! MATNET_UPDATE=1 cargo test -p matnet-stack --test netsim     writes the tables anew; explanations stay
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../model/cut.rs"]
mod cut;
mod fairness;
mod formula;
mod goodput;
mod link;
mod recovery;
mod table;
mod transfers;
mod world;
