//! `weft verify`.

use std::path::{Path, PathBuf};

use alloy::primitives::Address as L1Address;
use alloy::providers::DynProvider;
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};
use weft_protocol::Address;

use super::Context;
use super::exit::{Exit, Usage};
use super::options::L1Options;
use super::output::line;
use super::profile::Profile;
use crate::circuits;
use crate::proof_file::ProofFile;
use crate::receipt::L1Pointer;
use crate::verify::{
    ASSUMPTIONS, Document, FailedCheck, L1Error, OF_A_RECEIPT, OF_L1, OnL1, STATED_BY_A_RECEIPT, SecurityLevel,
    Verified, VerifiedReceipt, WITHOUT_L1, check_contract, verify, verify_on_l1, verify_receipt,
};

/// Largest file that is read: a batch of 4,096 records and its proof have half a megabyte.
const FILE_BYTES_MAX: u64 = 16 << 20;

const EXAMPLES: &str = "\
Examples:
  weft verify batch-12.json
  weft verify receipt.json --l1 http://127.0.0.1:8545 --contract 0x5FbD…80aa3
  weft verify receipt.json --json
The file is a receipt (weft tx ID --receipt FILE) or a proof (weft batch N --proof FILE).
L1 is asked only with --l1 or WEFT_L1, never because of a profile, and only about the contract of --contract or of the
profile: whoever made the file can deploy a contract of their own that agrees with it.";

/// Arguments of `weft verify`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct VerifyArgs {
    /// A proof or a receipt.
    file: PathBuf,
    #[command(flatten)]
    l1: L1Options,
    /// Address of the rollup's contract that is meant; needed with --l1. Default: `contract` of the profile.
    #[arg(long, env = "WEFT_CONTRACT", value_name = "ADDRESS")]
    contract: Option<L1Address>,
}

/// Who is asked beside the file.
#[derive(Debug)]
struct Asked {
    l1: DynProvider,
    contract: L1Address,
}

/// What the checks have led to.
struct Checked {
    shown: Shown,
    /// What L1 says, if it was asked.
    seen: Option<OnL1>,
    level: SecurityLevel,
}

/// What a file has shown.
enum Shown {
    Proof(Verified),
    Receipt(Box<VerifiedReceipt>),
}

pub(super) fn run(args: &VerifyArgs, context: &Context) -> Result<Exit> {
    let asked = asked(args, context)?;
    let bytes = read(&args.file)?;
    let result = check(&bytes, asked, context);
    let result = match result {
        Ok(checked) => Ok(checked),
        // A check that failed is a result; everything else is an error.
        Err(error) => Err(error.downcast::<FailedCheck>()?),
    };
    match (&result, context.output.is_json()) {
        (result, true) => line(&object(result).to_string()),
        (Ok(checked), false) => line(text(checked).trim_end()),
        (Err(failed), false) => eprintln!("weft: {}: {failed}", args.file.display()),
    }
    Ok(if result.is_ok() { Exit::Done } else { Exit::Failed })
}

/// L1, if it is to be asked, and the contract that it is asked about.
fn asked(args: &VerifyArgs, context: &Context) -> Result<Option<Asked>> {
    // The profile is left out: who wants L1 asked says so.
    let Some(l1) = args.l1.reader(&Profile::default())? else { return Ok(None) };
    let none =
        "--l1 needs --contract ADDRESS, or contract in the profile: a file may name a contract of its maker's own";
    let contract = args.contract.or(context.profile.contract).ok_or_else(|| Usage(none.to_owned()))?;
    Ok(Some(Asked { l1, contract }))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let length = std::fs::metadata(path).with_context(|| format!("cannot read {shown}"))?.len();
    anyhow::ensure!(
        length <= FILE_BYTES_MAX,
        "{shown} has {length} bytes, such a file has fewer than {FILE_BYTES_MAX}"
    );
    std::fs::read(path).with_context(|| format!("cannot read {shown}"))
}

fn check(bytes: &[u8], asked: Option<Asked>, context: &Context) -> Result<Checked> {
    let document = Document::read(bytes)?;
    let (file, pointer): (&ProofFile, Option<&L1Pointer>) = match &document {
        Document::Proof(file) => (file, None),
        Document::Receipt(receipt) => {
            crate::verify::check_transaction(receipt)?;
            (&receipt.batch, Some(&receipt.l1))
        }
    };
    if let Some(asked) = &asked {
        check_contract(file, Address(asked.contract.into_array()))?;
    }
    let circuits = circuits::load(context.circuit_cache.as_deref());
    let shown = match &document {
        Document::Proof(file) => Shown::Proof(verify(file, &circuits)?),
        Document::Receipt(receipt) => Shown::Receipt(Box::new(verify_receipt(receipt, &circuits)?)),
    };
    let level = SecurityLevel::of(&circuits);
    let Some(asked) = asked else { return Ok(Checked { shown, seen: None, level }) };
    let seen = super::block_on(async { Ok(verify_on_l1(file, pointer, asked.l1).await) })?;
    match seen {
        Ok(seen) => Ok(Checked { shown, seen: Some(seen), level }),
        Err(L1Error::Failed(failed)) => Err(failed.into()),
        Err(error) => Err(error.into()),
    }
}

fn assumptions(shown: &Shown, seen: Option<&OnL1>) -> Vec<&'static str> {
    let mut assumptions = ASSUMPTIONS.to_vec();
    if matches!(shown, Shown::Receipt(_)) {
        assumptions.push(OF_A_RECEIPT);
    }
    assumptions.push(if seen.is_some() { OF_L1 } else { WITHOUT_L1 });
    assumptions
}

fn object(result: &Result<Checked, FailedCheck>) -> Value {
    match result {
        Ok(Checked { shown, seen, level }) => {
            let (kind, proven, stated) = match shown {
                Shown::Proof(proof) => ("proof", json!(proof), json!([])),
                Shown::Receipt(receipt) => ("receipt", json!(receipt), json!(STATED_BY_A_RECEIPT)),
            };
            json!({ "ok": true, "kind": kind, "proven": proven, "not_proven": stated, "l1": seen, "assumptions": assumptions(shown, seen.as_ref()), "security": level })
        }
        Err(failed) => json!({ "ok": false, "check": failed.check.to_string(), "reason": failed.reason }),
    }
}

fn text(checked: &Checked) -> String {
    let Checked { shown, seen, level } = checked;
    let mut text = String::new();
    let batch = match shown {
        Shown::Proof(proof) => proof,
        Shown::Receipt(receipt) => {
            text += &receipt_text(receipt);
            &receipt.batch
        }
    };
    text += &batch_text(batch);
    if let Some(OnL1 { commit, prove, last_verified }) = seen {
        text += "on L1 the contract\n";
        text += &format!("  has taken these very records in transaction {commit}\n");
        text += &format!("  and verified a proof of them, with this root, in transaction {prove};\n");
        text += "  rollup, verifier and gates have the code of this program, byte for byte;\n";
        text += &format!("  by now it has verified {last_verified} batches\n");
    }
    text += &level.text();
    text += "this assumes:\n";
    for assumption in assumptions(shown, seen.as_ref()) {
        text += &format!("  - {assumption}\n");
    }
    text
}

fn receipt_text(receipt: &VerifiedReceipt) -> String {
    let VerifiedReceipt { id, transaction, key, slot, batch } = receipt;
    let (sender, amount, asset, number) = (transaction.sender, transaction.amount, transaction.asset, batch.number);
    // Who owns the account that is paid, the records do not say.
    let what = match transaction.to {
        Some(to) => format!("account {sender} pays account {to}"),
        None => format!("account {sender} withdraws to its owner on L1"),
    };
    format!(
        "valid receipt: transaction {id}\n  {what}: {amount} base units of asset {asset}\n  \
        a transaction of this content was executed in slot {slot} of batch {number};\n  \
        the signature in the file is that of key {key}; of the batch:\n"
    )
}

fn batch_text(verified: &Verified) -> String {
    let Verified { chain_id, contract, number, timestamp, records, root_before, root_after, circuit, .. } = verified;
    format!(
        "valid proof: batch {number} of the rollup {contract} on chain {chain_id}, time {timestamp}\n  \
        {records} records lead from the state root\n    {root_before}\n  to the state root\n    {root_after}\n  \
        by the rules of circuit {circuit}\n"
    )
}
