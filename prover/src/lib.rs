//! From a segment's trace to its proof.
