//! The files `object.json`, `record.json` and `message.json` in `tests/vectors` say what this crate encodes, for other
//! implementations to compare with.
//!
//! The tests fail if a file differs from what the code gives; `WEFT_UPDATE_VECTORS=1` writes the files instead.

use std::path::Path;

use serde_json::{Value, json};
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{
    AccountIndex, Address, Agent, Amount, AssetId, Deposit, Domain, Environment, Fee, FeeAsset, Kind, Lane, Object,
    OpeningDeposit, Outcome, QueueEntry, QueueOperation, Record, RecordFields, RunningState, Timestamp, Transaction,
    TransactionKind, Withdrawal, chain_records, withdrawals_root,
};

fn check(name: &str, vectors: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(name);
    let text = serde_json::to_string_pretty(vectors).expect("texts and lists are JSON") + "\n";
    if std::env::var_os("WEFT_UPDATE_VECTORS").is_some_and(|value| value == "1") {
        std::fs::write(&path, text).expect("the directory of vectors can be written");
        return;
    }
    let stored = std::fs::read_to_string(&path).expect("the file of vectors is there");
    assert!(stored == text, "{name} differs from what the code gives");
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn elements(values: &[Goldilocks]) -> Vec<String> {
    values.iter().map(|value| format!("0x{:016x}", value.as_u64())).collect()
}

fn amount(value: u64) -> Amount {
    Amount::new(value).expect("below 2^62")
}

fn owner() -> Address {
    Address(core::array::from_fn(|i| 0x11 * (u8::try_from(i).expect("20 bytes") % 15 + 1)))
}

fn word(value: u64) -> Digest {
    Digest(core::array::from_fn(|i| Goldilocks::from_u64(value + i as u64)))
}

#[test]
fn objects() {
    let empty = Object::account(owner(), word(7));
    let mut full = empty;
    for (i, entry) in (0..12u16).zip(&mut full.entries) {
        *entry = weft_protocol::Entry { asset: AssetId(65_535 - i), amount: amount((1 << 62) - 1 - u64::from(i)) };
    }
    full.nonce = u32::MAX;
    full.agent = Agent { key: word(1 << 40), role: 0xabcd, expiry: Timestamp::MAX, nonce: 77 };
    let one = empty.credited(AssetId::ETH, amount(1_000_000_000), 12).expect("there is room");
    let vectors: Vec<_> = [empty, one, full]
        .iter()
        .map(|object| json!({ "elements": elements(&object.elements()), "digest": object.digest().to_string() }))
        .collect();
    check("object.json", &json!({ "objects": vectors, "empty_root": RunningState::genesis().root.to_string() }));
}

#[test]
fn records() {
    let deposit =
        Deposit { account: AccountIndex(5), owner: owner(), asset: AssetId(2), amount: Amount::MAX, by_owner: true };
    let opening = OpeningDeposit { owner: owner(), key: word(9), asset: AssetId::ETH, amount: amount(1) };
    let transfer = RecordFields {
        fee_asset: FeeAsset::new(3).expect("below 4"),
        b: AccountIndex(0x0fff_ffff),
        fee: Fee(0xffff),
        ..RecordFields::new(Kind::Transfer, AccountIndex(0x0123_4567), AssetId(0x89ab), amount(0x3edc_ba98_7654_3210))
    };
    let lists = [
        ("transfer", vec![transfer.record()]),
        ("deposit, bounced", deposit.records(Outcome::Bounced)),
        ("opening deposit", opening.records(AccountIndex(6), Outcome::Done)),
    ];
    let vectors: Vec<_> = lists
        .iter()
        .map(|(name, records)| {
            json!({
                "name": name,
                "bytes": records.iter().map(|record| hex(&record.to_bytes())).collect::<Vec<_>>(),
                "limbs": records.iter().map(|record| elements(&record.elements())).collect::<Vec<_>>(),
                "chain": chain_records(Digest::ZERO, records).to_string(),
            })
        })
        .collect();
    let entries = [QueueOperation::OpeningDeposit(opening), QueueOperation::Deposit(deposit)]
        .map(|operation| QueueEntry { operation, sender: owner() });
    let queue: Vec<_> = entries
        .iter()
        .scan([0; 32], |chain, entry| {
            *chain = entry.extend(chain);
            let masked = entry.masked_records().iter().flat_map(Record::to_bytes).collect::<Vec<_>>();
            Some(json!({ "masked": hex(&masked), "sender": entry.sender.to_string(), "chain_after": hex(chain) }))
        })
        .collect();
    let withdrawals: Vec<_> =
        (1..4).map(|i| Withdrawal { owner: owner(), asset: AssetId(i), amount: amount(u64::from(i) << 40) }).collect();
    check(
        "record.json",
        &json!({
            "records": vectors,
            "queue": queue,
            "withdrawals": {
                "leaves": withdrawals.iter().map(|withdrawal| hex(&withdrawal.leaf())).collect::<Vec<_>>(),
                "root": hex(&withdrawals_root(&withdrawals)),
            },
        }),
    );
}

#[test]
fn messages() {
    let domain = Domain::new(31_337, &owner(), &word(3)).expect("a small chain id");
    let environment = Environment { domain, batch_number: 1, timestamp: Timestamp::new(1_800_000_000).expect("fits") };
    let transfer = Transaction {
        kind: TransactionKind::Transfer { to: AccountIndex(8) },
        sender: AccountIndex(7),
        lane: Lane::Main,
        asset: AssetId(2),
        amount: amount(123_456_789),
        fee_asset: FeeAsset::default(),
        fee: Fee::at_least(amount(1_000)).expect("small"),
        named_address: owner(),
        group: Digest::ZERO,
        nonce: 4,
        expiry: Timestamp::new(1_800_000_600).expect("fits"),
    };
    let withdrawal = Transaction { kind: TransactionKind::Withdraw, fee: Fee::ZERO, ..transfer };
    let secret = SecretKey::from_seed(&[5; 32]);
    let vectors: Vec<_> = [transfer, withdrawal]
        .into_iter()
        .map(|transaction| {
            let message = elements(&transaction.message(&domain));
            let id = transaction.id(&domain).to_string();
            let signed = transaction.sign(&domain, &secret);
            json!({ "message": message, "id": id, "encoded": hex(&signed.to_bytes()) })
        })
        .collect();
    check(
        "message.json",
        &json!({
            "seed": hex(&[5; 32]),
            "domain": domain.0.to_string(),
            "context": environment.context().0.to_string(),
            "transactions": vectors,
        }),
    );
}
