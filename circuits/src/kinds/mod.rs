//! The clauses of the slot kinds, one file each, beside the rules of `weft_protocol::kinds`.

pub(crate) mod collect_fees;
pub(crate) mod deposit;
pub(crate) mod deposit_open;
pub(crate) mod signed;
pub(crate) mod transfer;
pub(crate) mod withdraw;
