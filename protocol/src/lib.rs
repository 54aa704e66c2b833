//! Types, constants, codecs and transition rules of the rollup.
