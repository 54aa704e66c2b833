//! Circuits of the rollup: segment, lift, aggregate, seal, wrap.
