//! Bodies of requests.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use weft_protocol::crypto::schnorr::{PublicKey, Signature};
use weft_protocol::crypto::{DecodeError, Digest};
use weft_protocol::{
    AccountIndex, Address, Amount, AssetId, Fee, FeeAsset, Lane, SignedTransaction, Timestamp, Transaction,
    TransactionKind,
};

use crate::fields::Fields;
use crate::limits::SUBMIT_MAX;
use crate::problem::Refusal;
use crate::{Deployment, FixedBytes, TransactionFields, TransactionKindName, text};

/// Width of a fee's mantissa (PROTOCOL.md §5).
const FEE_MANTISSA_BITS: u32 = 11;

/// A signed transaction and the rollup that it is for; serialises to what the API reads.
///
/// JSON has no field for the lane (the main key signs) nor for the group field (0), and a fee is written as its value,
/// which is read back with the smallest exponent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TransactionRequest {
    signed: SignedTransaction,
    chain_id: u64,
    contract: Address,
}

/// A transaction that the JSON form cannot carry without breaking its signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum Inexpressible {
    /// It is signed with the agent key.
    #[error("the agent lane has no form in JSON")]
    AgentLane,
    /// It is part of a group.
    #[error("a group field other than 0 has no form in JSON")]
    Group,
    /// Its fee is written with a larger exponent than its value needs.
    #[error("the fee must have the smallest exponent: {expected:#06x} instead of {got:#06x}")]
    FeeEncoding {
        /// The fee as JSON would be read.
        expected: u16,
        /// The fee of the transaction.
        got: u16,
    },
}

impl TransactionRequest {
    /// The request that submits a transaction.
    ///
    /// # Errors
    /// The transaction has no form in JSON.
    pub fn new(signed: SignedTransaction, deployment: &Deployment) -> Result<Self, Inexpressible> {
        let transaction = &signed.transaction;
        if transaction.lane != Lane::Main {
            return Err(Inexpressible::AgentLane);
        }
        if transaction.group != Digest::ZERO {
            return Err(Inexpressible::Group);
        }
        let got = transaction.fee;
        let expected = Fee::at_least(got.value()).unwrap_or(got);
        if got != expected {
            let (expected, got) = (expected.0, got.0);
            return Err(Inexpressible::FeeEncoding { expected, got });
        }
        Ok(Self { signed, chain_id: deployment.chain_id, contract: deployment.contract })
    }

    /// Reads a body: every field strictly, none twice, none that is not used.
    ///
    /// # Errors
    /// The body is refused; the refusal names the field.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        Self::from_fields(Fields::parse(body)?)
    }

    fn from_fields(mut fields: Fields) -> Result<Self, Refusal> {
        let kind: String = fields.take("kind")?;
        let (kind, address_name) = match kind.as_str() {
            "transfer" => {
                let to = AccountIndex(fields.take("to")?);
                (TransactionKind::Transfer { to }, "recipient")
            }
            "withdraw" => (TransactionKind::Withdraw, "owner"),
            _ => {
                let detail = "the kinds are transfer and withdraw";
                return Err(Refusal::unsupported("unsupported_kind", "kind", detail));
            }
        };
        let transaction = Transaction {
            kind,
            sender: AccountIndex(fields.take("sender")?),
            lane: Lane::Main,
            asset: AssetId(fields.take("asset")?),
            amount: fields.take_with("amount", text::decimal::deserialize)?,
            fee_asset: fields.take_with("fee_asset", read_fee_asset)?,
            fee: read_fee(fields.take_with("fee", text::decimal::deserialize)?)?,
            named_address: fields.take_with(address_name, text::deserialize)?,
            group: Digest::ZERO,
            nonce: fields.take("nonce")?,
            expiry: fields.take_with("expiry", read_expiry)?,
        };
        let request = Self {
            chain_id: fields.take("chain_id")?,
            contract: fields.take_with("contract", text::deserialize)?,
            signed: SignedTransaction {
                transaction,
                key: take_canonical(&mut fields, "public_key", PublicKey::decode)?,
                signature: take_canonical(&mut fields, "signature", Signature::decode)?,
            },
        };
        fields.finish()?;
        Ok(request)
    }

    /// The transaction, if it is for this rollup.
    ///
    /// # Errors
    /// It names another chain or another contract.
    pub(crate) fn for_deployment(self, deployment: &Deployment) -> Result<SignedTransaction, Refusal> {
        let wrong = |field, expected: &dyn core::fmt::Display| {
            let detail = format!("the {field} of this rollup is {expected}");
            Err(Refusal::unsupported("wrong_domain", field, detail))
        };
        if self.chain_id != deployment.chain_id {
            return wrong("chain_id", &deployment.chain_id);
        }
        if self.contract != deployment.contract {
            return wrong("contract", &deployment.contract);
        }
        Ok(self.signed)
    }
}

impl Serialize for TransactionRequest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body {
            #[serde(flatten)]
            fields: TransactionFields,
            chain_id: u64,
            #[serde(with = "crate::text")]
            contract: Address,
            public_key: FixedBytes<40>,
            signature: FixedBytes<80>,
        }

        let body = Body {
            fields: TransactionFields::from(&self.signed.transaction),
            chain_id: self.chain_id,
            contract: self.contract,
            public_key: FixedBytes(self.signed.key.encode()),
            signature: FixedBytes(self.signed.signature.encode()),
        };
        body.serialize(serializer)
    }
}

/// Body of `POST /v1/transactions/batch`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManyTransactions {
    transactions: Vec<Fields>,
}

/// Reads a body of many transactions: each on its own, so that one that is refused stops no other.
///
/// # Errors
/// The body as a whole is refused.
pub(crate) fn read_many(body: &[u8]) -> Result<Vec<Result<TransactionRequest, Refusal>>, Refusal> {
    let many: ManyTransactions =
        serde_json::from_slice(body).map_err(|error| Refusal::malformed_json(error.to_string()))?;
    if !(1..=SUBMIT_MAX).contains(&many.transactions.len()) {
        let detail = format!("1 to {SUBMIT_MAX} transactions may be submitted at once");
        return Err(Refusal::field("invalid_field", "transactions", detail));
    }
    Ok(many.transactions.into_iter().map(TransactionRequest::from_fields).collect())
}

/// Body of `POST /v1/fees/estimate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FeeRequest {
    /// What the transaction does.
    pub(crate) kind: TransactionKindName,
    /// In which asset the fee is to be paid.
    pub(crate) fee_asset: FeeAsset,
    /// A fee that it is not to be below; 0 if the body does not say.
    pub(crate) fee: Amount,
}

impl FeeRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// The body is refused; the refusal names the field.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        let mut fields = Fields::parse(body)?;
        let request = Self {
            kind: fields.take("kind")?,
            fee_asset: fields.take_with("fee_asset", read_fee_asset)?,
            fee: fields.take_optional("fee", text::decimal::deserialize)?.unwrap_or(Amount::ZERO),
        };
        fields.finish()?;
        Ok(request)
    }
}

fn read_fee_asset(value: Value) -> Result<FeeAsset, serde_json::Error> {
    let id = serde_json::from_value(value)?;
    FeeAsset::from_asset(AssetId(id)).map_err(serde::de::Error::custom)
}

fn read_expiry(value: Value) -> Result<Timestamp, serde_json::Error> {
    let seconds = serde_json::from_value(value)?;
    Timestamp::new(seconds).map_err(serde::de::Error::custom)
}

/// Takes bytes that stand for a curve point or a scalar: not all do.
fn take_canonical<T, const N: usize>(
    fields: &mut Fields,
    name: &str,
    decode: impl FnOnce(&[u8; N]) -> Result<T, DecodeError>,
) -> Result<T, Refusal> {
    let bytes: FixedBytes<N> = fields.take(name)?;
    decode(&bytes.0).map_err(|error| Refusal::value("not_canonical", name, error.to_string()))
}

/// The fee with this very value.
fn read_fee(value: Amount) -> Result<Fee, Refusal> {
    let refuse = |near: String| {
        let detail = format!("a fee has 11 bits and a binary exponent; {near}");
        Refusal::value("fee_not_representable", "fee", detail)
    };
    let Some(above) = Fee::at_least(value) else {
        let largest = Fee(u16::MAX).value();
        return Err(refuse(format!("the largest is {largest}")));
    };
    if above.value() == value {
        return Ok(above);
    }
    let exponent = (u64::BITS - value.get().leading_zeros()).saturating_sub(FEE_MANTISSA_BITS);
    let below = value.get() >> exponent << exponent;
    let above = above.value();
    Err(refuse(format!("the nearest are {below} and {above}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use weft_protocol::Domain;
    use weft_protocol::crypto::schnorr::SecretKey;
    use weft_protocol::testing::arb_transaction;

    use super::*;

    fn deployment() -> Deployment {
        let contract = Address([0xc0; 20]);
        Deployment { chain_id: 31_337, contract, domain: Domain::new(31_337, &contract, &Digest::ZERO).unwrap() }
    }

    fn signed(transaction: Transaction) -> SignedTransaction {
        transaction.sign(&deployment().domain, &SecretKey::from_seed(&[7; 32]))
    }

    /// The nearest transaction that JSON can carry.
    fn expressible(transaction: &Transaction) -> Transaction {
        Transaction {
            lane: Lane::Main,
            group: Digest::ZERO,
            fee: Fee::at_least(transaction.fee.value()).unwrap(),
            ..*transaction
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn reading_undoes_writing(transaction in arb_transaction()) {
            let signed = signed(expressible(&transaction));
            let request = TransactionRequest::new(signed.clone(), &deployment()).unwrap();
            let json = serde_json::to_vec(&request).unwrap();
            let read = TransactionRequest::from_json(&json).unwrap();
            prop_assert_eq!(&read, &request);
            prop_assert_eq!(read.for_deployment(&deployment()).unwrap(), signed);
        }

        #[test]
        fn what_json_cannot_carry_is_not_written(transaction in arb_transaction()) {
            let is_expressible = expressible(&transaction) == transaction;
            let request = TransactionRequest::new(signed(transaction), &deployment());
            prop_assert_eq!(request.is_ok(), is_expressible);
        }
    }

    #[test]
    fn a_fee_between_two_is_told_both() {
        let detail = |value| read_fee(Amount::new(value).unwrap()).unwrap_err().into_problem("").detail;
        assert!(detail(4095).ends_with("the nearest are 4094 and 4096"));
        assert!(detail(1_000_001).ends_with("the nearest are 999936 and 1000448"));
        assert!(detail(1 << 42).ends_with("the largest is 4395899027456"));
        assert_eq!(read_fee(Amount::new(2047 << 31).unwrap()).unwrap(), Fee(u16::MAX));
    }
}
