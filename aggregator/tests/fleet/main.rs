//! The fleet under faults, with proofs that take no time: real stores, real HTTP, real processes.

mod child;
mod drain;
mod http;
mod leases;
mod mend;
mod orders;
mod proofs;
mod restart;
mod toy;
mod trust;
mod world;
