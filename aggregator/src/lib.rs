//! Merges segment proofs, seals and wraps a batch.
