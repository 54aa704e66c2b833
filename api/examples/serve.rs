//! Serves the API over a ledger in memory, to look at it without a node: `cargo run -p weft-api --example serve -- 8080`.

#[path = "../tests/rest/ledger/mod.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod ledger;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use weft_api::{Limits, Server};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|port| port.parse().ok()).unwrap_or(8080);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    // Streams end soon, so that a client that reads every answer to its end gets on.
    let limits = Limits { stream_time_max: Duration::from_millis(200), ..Limits::default() };
    let stopped = async {
        // Without signals it serves until it is killed.
        let _ = tokio::signal::ctrl_c().await;
    };
    Server::with_limits(Arc::new(ledger::Ledger::new()), limits).serve(listener, stopped).await
}
