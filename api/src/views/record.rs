//! The public data of a batch.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weft_protocol::crypto::Digest;
use weft_protocol::{Address, Amount, Kind, Lane, Outcome, Record, RecordFields, chain_records};

use crate::schema::AmountText;
use crate::{FixedBytes, HexBytes};

/// What a batch publishes on L1, as bytes and read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct BatchDataView {
    /// Number of the batch.
    pub batch: u32,
    /// The records, one after the other, 21 bytes each.
    pub bytes: HexBytes,
    /// Chain over the records, which the proof binds.
    #[schema(value_type = FixedBytes<32>)]
    #[serde(with = "crate::text")]
    pub chain: Digest,
    /// The same records, read.
    pub records: Vec<RecordView>,
}

/// A record. A kind has the fields that mean something for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RecordView {
    /// Position in the batch, counted from 0.
    pub position: u32,
    /// Its bytes.
    pub bytes: HexBytes,
    /// What it is.
    pub kind: RecordKind,
    /// The account that pays or is paid.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<u32>,
    /// The account that is paid, of a transfer.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
    /// Id of the asset.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<u16>,
    /// How much, in base units.
    #[schema(value_type = AmountText, required = false)]
    #[serde(default, with = "crate::text::decimal_option", skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Id of the asset of the fee.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_asset: Option<u16>,
    /// The fee, in base units.
    #[schema(value_type = AmountText, required = false)]
    #[serde(default, with = "crate::text::decimal_option", skip_serializing_if = "Option::is_none")]
    pub fee: Option<Amount>,
    /// How an operation of L1 ended.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeName>,
    /// Whether the owner paid in, of a deposit.
    #[schema(required = false)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_owner: Option<bool>,
    /// The address that a continuation carries.
    #[schema(value_type = FixedBytes<20>, required = false)]
    #[serde(default, with = "crate::text::option", skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// What a record is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// An account pays another.
    Transfer,
    /// Fees go to their collector.
    CollectFees,
    /// An account withdraws to L1.
    Withdraw,
    /// L1 pays an account.
    Deposit,
    /// L1 opens an account.
    OpeningDeposit,
    /// Continuation: an L1 address.
    Address,
    /// Continuation: half of the digest of a key.
    Key,
    /// None that this version knows.
    Unknown,
}

/// How an operation of L1 ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeName {
    /// As asked for.
    Done,
    /// Paid back to the sender.
    Bounced,
    /// Without effect.
    Void,
}

impl BatchDataView {
    /// The data of a batch.
    #[must_use]
    pub fn new(batch: u32, records: &[Record]) -> Self {
        Self {
            batch,
            bytes: HexBytes(records.iter().flat_map(Record::to_bytes).collect()),
            chain: chain_records(Digest::ZERO, records),
            records: (0..).zip(records).map(|(position, record)| RecordView::new(position, record)).collect(),
        }
    }
}

/// Position of the five bits of the kind in the first byte of a record.
const KIND_SHIFT: u32 = 3;

impl RecordView {
    /// A record, read as far as this version knows it.
    #[must_use]
    pub fn new(position: u32, record: &Record) -> Self {
        let bytes = record.to_bytes();
        let bare = Self {
            position,
            bytes: HexBytes(bytes.to_vec()),
            kind: RecordKind::Unknown,
            account: None,
            to: None,
            asset: None,
            amount: None,
            fee_asset: None,
            fee: None,
            outcome: None,
            by_owner: None,
            address: None,
        };
        let [head, rest @ ..] = bytes;
        let kind = head >> KIND_SHIFT;
        if kind == Kind::Address as u8 {
            return Self { kind: RecordKind::Address, address: Some(Address(rest)), ..bare };
        }
        if kind == Kind::Key as u8 {
            return Self { kind: RecordKind::Key, ..bare };
        }
        record.fields().map_or_else(|_| bare.clone(), |fields| bare.clone().with_fields(&fields))
    }

    fn with_fields(self, fields: &RecordFields) -> Self {
        let signed = |kind, to| Self {
            kind,
            to,
            fee_asset: Some(fields.fee_asset.asset().0),
            fee: Some(fields.fee.value()),
            ..self.clone()
        };
        let queued = |kind, by_owner| Self { kind, by_owner, outcome: Some(fields.outcome.into()), ..self.clone() };
        let view = match fields.kind {
            Kind::Transfer => signed(RecordKind::Transfer, Some(fields.b.0)),
            Kind::Withdraw => signed(RecordKind::Withdraw, None),
            Kind::CollectFees => Self { kind: RecordKind::CollectFees, ..self.clone() },
            Kind::Deposit => queued(RecordKind::Deposit, Some(fields.lane == Lane::Agent)),
            Kind::OpeningDeposit => queued(RecordKind::OpeningDeposit, None),
            // Continuations have no fields of their own.
            Kind::Address | Kind::Key => return self,
        };
        Self { account: Some(fields.a.0), asset: Some(fields.asset.0), amount: Some(fields.amount), ..view }
    }
}

impl From<Outcome> for OutcomeName {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Bounced => Self::Bounced,
            Outcome::Void => Self::Void,
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_protocol::crypto::Goldilocks;
    use weft_protocol::{AccountIndex, AssetId, Deposit, OpeningDeposit};

    use super::*;

    #[test]
    fn records_are_read_with_their_continuations() {
        let owner = Address([0xab; 20]);
        let amount = Amount::new(77).unwrap();
        let deposit = Deposit { account: AccountIndex(9), owner, asset: AssetId(3), amount, by_owner: true };
        let key = Digest([1, 2, 3, 4].map(Goldilocks::from_u64));
        let opening = OpeningDeposit { owner, key, asset: AssetId(3), amount };
        let records = [deposit.records(Outcome::Bounced), opening.records(AccountIndex(5), Outcome::Done)].concat();
        let data = BatchDataView::new(4, &records);
        let kinds: Vec<_> = data.records.iter().map(|record| record.kind).collect();
        let continuations = [RecordKind::Address, RecordKind::Key, RecordKind::Key];
        assert_eq!(kinds[..2], [RecordKind::Deposit, RecordKind::Address]);
        assert_eq!(kinds[2], RecordKind::OpeningDeposit);
        assert_eq!(kinds[3..], continuations);
        let first = &data.records[0];
        assert_eq!((first.account, first.amount, first.by_owner), (Some(9), Some(amount), Some(true)));
        assert_eq!((first.outcome, first.fee), (Some(OutcomeName::Bounced), None));
        assert_eq!(data.records[1].address, Some(owner));
        assert_eq!(data.bytes.0.len(), 6 * weft_protocol::RECORD_BYTES);
    }

    #[test]
    fn what_is_no_record_is_unknown() {
        let view = RecordView::new(0, &Record::from_bytes(&[0xff; weft_protocol::RECORD_BYTES]));
        assert_eq!((view.kind, view.account, view.amount), (RecordKind::Unknown, None, None));
    }
}
