//! Tests of the recursion, on segment circuits that prove whatever they are told.

mod claim;
mod join;
mod library;
mod merge;
mod refusals;
mod road;
mod world;
