//! The API keeps to its own description: schemathesis tries what the description allows, and what it does not.

use std::process::Command;
use std::time::Duration;

use weft_api::Finality;

use crate::stage::{Provers, Stage};

/// What names schemathesis' program.
const PROGRAM: &str = "WEFT_SCHEMATHESIS";
/// The deposits are soon a batch.
const SOON: Duration = Duration::from_secs(1);
/// Seconds that it may take.
const TIME_MAX: &str = "60";

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_as_its_description_says() {
    let program = std::env::var_os(PROGRAM)
        .unwrap_or_else(|| panic!("{PROGRAM} must name the program schemathesis; `./weft test` brings one"));
    let mut stage = Stage::set(SOON, Provers::InTheNode).await.unwrap();
    // There is a batch with everything that belongs to one.
    let verified = stage.until("the first batch is verified", async |stage| {
        // The batch of the deposits may not have begun.
        let batch = stage.client.batch(1).await.ok();
        Ok(batch.filter(|batch| batch.status >= Finality::Verified))
    });
    verified.await.unwrap();
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis.toml");
    let mut command = Command::new(program);
    command
        .args(["--config-file", config, "run", &format!("{}/openapi.json", stage.url())])
        .args(["--checks", "all", "--max-time", TIME_MAX, "--seed", "1", "--no-color"])
        .current_dir(stage.folder());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
