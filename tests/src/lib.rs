//! What the end-to-end tests share: processes that they start, and end with the test.

mod anvil;
mod process;

pub use anvil::Anvil;
pub use process::{Weft, free_port};
