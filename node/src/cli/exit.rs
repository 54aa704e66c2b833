//! How commands end.

use std::process::ExitCode;

use alloy::transports::{RpcError, TransportError, TransportErrorKind};
use serde_json::{Value, json};
use weft_aggregator::FleetError;
use weft_api::Problem;

use crate::client::ClientError;
use crate::units::UnitError;
use crate::verify::{FailedCheck, L1Error};
use crate::wallet::WalletError;

/// What `--help` says about exit codes.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the command failed, or a check did
  2  the arguments are wrong
  3  the node or the contract refuses the request
  4  the node or L1 does not answer
  5  what was waited for did not happen in time";

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// It did what it was to do.
    Done,
    /// It failed, or a check did.
    Failed,
    /// The arguments are wrong.
    Usage,
    /// The node or the contract refuses the request.
    Refused,
    /// The node or L1 does not answer.
    Unreachable,
    /// What was waited for did not happen in time.
    TimedOut,
}

impl Exit {
    /// The word for it, in errors of `--json`.
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
            Exit::Unreachable => 4,
            Exit::TimedOut => 5,
        })
    }
}

/// The arguments are wrong in a way that only shows when they are used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// The contract or the node refuses something.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(pub(super) String);

/// What was waited for did not happen in time.
#[derive(Debug, thiserror::Error)]
#[error("waited {seconds} s in vain: {what}")]
pub(super) struct TimedOut {
    /// How it stands.
    pub(super) what: String,
    /// How long it was waited for.
    pub(super) seconds: u64,
}

/// The class of an error: that of the first in its chain of causes which has one.
pub(super) fn class(error: &anyhow::Error) -> Exit {
    error.chain().find_map(class_of).unwrap_or(Exit::Failed)
}

fn class_of(cause: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if cause.is::<Usage>() || cause.is::<UnitError>() {
        return Some(Exit::Usage);
    }
    if cause.is::<Refused>() {
        return Some(Exit::Refused);
    }
    if cause.is::<TimedOut>() {
        return Some(Exit::TimedOut);
    }
    if cause.is::<FailedCheck>() {
        return Some(Exit::Failed);
    }
    if let Some(error) = cause.downcast_ref::<ClientError>() {
        return Some(class_of_client(error));
    }
    if let Some(error) = cause.downcast_ref::<FleetError>() {
        return Some(if error.is_passing() { Exit::Unreachable } else { Exit::Refused });
    }
    if let Some(error) = cause.downcast_ref::<WalletError>() {
        return Some(class_of_wallet(error));
    }
    if let Some(L1Error::Transport(error)) = cause.downcast_ref() {
        return Some(class_of_transport(error));
    }
    if let Some(alloy::contract::Error::TransportError(error)) = cause.downcast_ref() {
        return Some(class_of_transport(error));
    }
    cause.downcast_ref::<TransportError>().map(class_of_transport)
}

fn class_of_client(error: &ClientError) -> Exit {
    match error {
        ClientError::Refused { problem } if problem.status >= 500 => Exit::Unreachable,
        ClientError::Refused { .. } => Exit::Refused,
        ClientError::Unreachable { .. } | ClientError::Certificate { .. } | ClientError::Answer { .. } => {
            Exit::Unreachable
        }
        ClientError::Inexpressible(_) => Exit::Failed,
    }
}

/// A wallet refuses what the node would refuse.
fn class_of_wallet(error: &WalletError) -> Exit {
    match error {
        WalletError::Client(error) => class_of_client(error),
        WalletError::NoAccount { .. }
        | WalletError::OtherAccount { .. }
        | WalletError::WrongKey { .. }
        | WalletError::FeeTooHigh { .. }
        | WalletError::UnknownAsset { .. }
        | WalletError::Balance { .. } => Exit::Refused,
        WalletError::Ambiguous { .. }
        | WalletError::SelfTransfer { .. }
        | WalletError::ZeroAmount
        | WalletError::FeeTooLarge { .. }
        | WalletError::Expired { .. } => Exit::Usage,
    }
}

fn class_of_transport(error: &RpcError<TransportErrorKind>) -> Exit {
    if error.as_error_resp().is_some() { Exit::Refused } else { Exit::Unreachable }
}

/// An error as `--json` prints it.
pub(super) fn object(error: &anyhow::Error) -> Value {
    let mut object = json!({ "ok": false, "class": class(error).name(), "error": format!("{error:#}") });
    if let Some(problem) = problem(error) {
        object["code"] = json!(problem.code);
        object["problem"] = json!(problem);
    }
    object
}

fn problem(error: &anyhow::Error) -> Option<&Problem> {
    error.chain().find_map(|cause| match cause.downcast_ref::<WalletError>() {
        Some(WalletError::Client(error)) => error.problem(),
        _ => cause.downcast_ref::<ClientError>()?.problem(),
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use weft_protocol::Amount;

    use super::*;

    fn refused(status: u16) -> ClientError {
        let problem = json!({
            "type": "urn:weft:problem:wrong_nonce", "title": "", "status": status, "code": "wrong_nonce", "detail": "",
            "expected": 3, "trace_id": "",
        });
        let problem = serde_json::from_value(problem).unwrap();
        ClientError::Refused { problem: Box::new(problem) }
    }

    #[test]
    fn the_class_is_that_of_the_cause() {
        let class_in_context = |error: anyhow::Error| class(&error.context("while testing"));
        assert_eq!(class_in_context(refused(409).into()), Exit::Refused);
        assert_eq!(class_in_context(refused(503).into()), Exit::Unreachable);
        assert_eq!(class_in_context(WalletError::from(refused(422)).into()), Exit::Refused);
        assert_eq!(class_in_context(WalletError::ZeroAmount.into()), Exit::Usage);
        let balance = WalletError::Balance { index: 1, asset: 1, balance: Amount::ZERO, needed: 1 };
        assert_eq!(class_in_context(balance.into()), Exit::Refused);
        assert_eq!(class_in_context(Usage("no".to_owned()).into()), Exit::Usage);
        assert_eq!(class_in_context(TimedOut { what: "x".to_owned(), seconds: 1 }.into()), Exit::TimedOut);
        assert_eq!(class_in_context(TransportErrorKind::backend_gone().into()), Exit::Unreachable);
        assert_eq!(class_in_context(anyhow::anyhow!("anything else")), Exit::Failed);
    }

    #[test]
    fn the_codes_are_those_of_the_help() {
        let exits = [Exit::Done, Exit::Failed, Exit::Usage, Exit::Refused, Exit::Unreachable, Exit::TimedOut];
        for (code, exit) in (0u8..).zip(exits) {
            assert_eq!(ExitCode::from(exit), ExitCode::from(code));
            assert!(EXIT_CODES.contains(&format!("  {code}  ")), "{}", exit.name());
        }
    }

    #[test]
    fn an_object_carries_what_the_node_said() {
        let error = Err::<(), _>(WalletError::from(refused(409))).context("not sent").unwrap_err();
        let object = object(&error);
        assert_eq!((&object["ok"], &object["class"]), (&json!(false), &json!("refused")));
        assert_eq!((&object["code"], &object["problem"]["expected"]), (&json!("wrong_nonce"), &json!(3)));
    }
}
