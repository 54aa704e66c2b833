//! The node: sequencer, provers, L1 client, REST API, and the commands of `weft`.
//!
//! Values flow one way: requests and L1 events → [`sequencer`] → [`journal`] → [`dispatch`] → [`fleet`] → sequencer → [`l1`].
//! The sequencer is the one owner of the state; whoever wants something of it sends it a job. What it decides is on the disk
//! before anybody can see it.
//!
//! Invariants: only this crate reads configuration, clock and environment; tokio's threads never compute and rayon's never
//! wait ([`compute`] is the bridge); no proof is posted that was not verified natively against the statement which the
//! sequencer computed.

pub mod backend;
pub mod bench;
pub mod circuits;
pub mod cli;
pub mod client;
pub mod clock;
pub mod compute;
pub mod config;
pub mod demo;
pub mod deployment;
pub mod devnet;
pub mod dispatch;
pub mod fleet;
pub mod journal;
pub mod keystore;
pub mod l1;
pub mod node;
pub mod proof_file;
pub mod prove_child;
pub mod proving;
pub mod receipt;
pub mod replay;
pub mod sequencer;
pub mod signatures;
pub mod supervise;
pub mod telemetry;
pub mod units;
pub mod verify;
pub mod wallet;
pub mod watch;
