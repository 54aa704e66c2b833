//! The rules of the slot kinds, one file each.

pub mod collect_fees;
pub mod deposit;
pub mod deposit_open;
pub mod signed;
