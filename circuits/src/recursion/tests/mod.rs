//! Tests of the recursion, on segment circuits that prove whatever they are told.

mod child;
mod claim;
mod ends;
mod join;
mod key_set;
mod library;
mod merge;
mod refusals;
mod road;
mod world;
