//! Waiting for a transaction or a deposit.

use std::time::Duration;

use anyhow::Result;
use clap::{Args, ValueEnum};
use weft_api::{Event, Finality, TransactionView};
use weft_protocol::crypto::Digest;

use super::exit::{Refused, TimedOut};
use super::output::Output;
use crate::client::Client;

/// How far it is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Milestone {
    /// Its effects are in the state.
    Executed,
    /// The proof of its batch exists.
    Proven,
    /// The contract has verified that proof.
    Verified,
}

impl Milestone {
    /// The step of the ladder.
    pub(super) const fn step(self) -> Finality {
        match self {
            Self::Executed => Finality::Executed,
            Self::Proven => Finality::Proven,
            Self::Verified => Finality::Verified,
        }
    }
}

/// Whether it is waited, and how long.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct WaitOptions {
    /// Wait until that has happened.
    #[arg(long, value_enum, value_name = "STEP")]
    wait: Option<Milestone>,
    /// Seconds to wait at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    timeout: u64,
}

impl WaitOptions {
    /// What is waited for.
    pub(super) const fn milestone(&self) -> Option<Milestone> {
        self.wait
    }

    /// Runs something that ends when what is waited for has happened; `what` says what that is.
    pub(super) async fn within<T>(&self, what: &str, waiting: impl Future<Output = Result<T>>) -> Result<T> {
        let seconds = self.timeout;
        let in_time = tokio::time::timeout(Duration::from_secs(seconds), waiting).await;
        in_time.unwrap_or_else(|_| Err(TimedOut { what: what.to_owned(), seconds }.into()))
    }
}

/// Waits for a transaction as the options say; returns how it stands then.
pub(super) async fn transaction(
    client: &Client,
    id: &Digest,
    options: &WaitOptions,
    output: Output,
) -> Result<TransactionView> {
    if let Some(milestone) = options.milestone() {
        let what = format!("transaction {id} is not {}", milestone.step());
        options.within(&what, follow(client, id, milestone.step(), output)).await?;
    }
    let view = client.transaction(id).await?;
    if let Some(rejection) = view.rejected.as_ref().filter(|_| view.status.is_void()) {
        let reason = format!("transaction {id} was {}: {} ({})", view.status, rejection.detail, rejection.code);
        return Err(Refused(reason).into());
    }
    if view.status.is_void() {
        return Err(Refused(format!("transaction {id} was {}", view.status)).into());
    }
    Ok(view)
}

async fn follow(client: &Client, id: &Digest, until: Finality, output: Output) -> Result<()> {
    let mut events = client.transaction_events(id);
    loop {
        match events.next().await?.event {
            Event::Step(step) => {
                output.note(&format!("{}  {}", step.at, step.step));
                if step.step >= until {
                    return Ok(());
                }
            }
            Event::Proving(progress) => output.note(&format!("proving {} of {}", progress.done, progress.total)),
            Event::Tree(_) | Event::Job(_) => {}
        }
    }
}
