//! The `weft` command. See [`weft_node`].

use std::process::ExitCode;

fn main() -> ExitCode {
    weft_node::cli::run()
}
