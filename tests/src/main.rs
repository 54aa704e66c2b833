//! The `weft` command, as the tests start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    weft_node::cli::run()
}
