//! Entries of the L1 queue out of the contract's events.

use weft_contract::bindings::IRollup::DepositQueued;
use weft_protocol::crypto::{Digest, Goldilocks};
use weft_protocol::{
    Address, CodecError, Deposit, Kind, Lane, OpeningDeposit, QueueEntry, QueueOperation, RECORD_BYTES, Record,
};

/// An event is no entry of the queue as this node knows it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QueueError {
    /// The records do not decode.
    #[error("the records of a queue entry do not decode: {0}")]
    Codec(#[from] CodecError),
    /// A digest in the records has a word that is not below p.
    #[error("a queue entry names a key that is no digest")]
    Key,
    /// The records are not those of any operation.
    #[error("the records of a queue entry are none of an operation of this version")]
    Unknown,
    /// The chain over the entries is not the contract's.
    #[error("queue entry {entry} leads to another chain value than the contract's")]
    Chain {
        /// The entry.
        entry: u64,
    },
}

/// Decodes an event, given the chain before it; returns the entry and the chain after it.
///
/// # Errors
/// The event is not that of an operation which this version knows, or its chain is not the one that follows.
pub fn decode_entry(event: &DepositQueued, chain: &[u8; 32]) -> Result<(QueueEntry, [u8; 32]), QueueError> {
    let (records, rest) = event.records.as_chunks::<RECORD_BYTES>();
    let records: Vec<_> = records.iter().map(Record::from_bytes).collect();
    let (Some(first), true) = (records.first(), rest.is_empty()) else { return Err(QueueError::Unknown) };
    let fields = first.fields()?;
    let (asset, amount) = (fields.asset, fields.amount);
    let owner = Address(event.owner.into_array());
    let operation = match fields.kind {
        Kind::Deposit => QueueOperation::Deposit(Deposit {
            account: fields.a,
            owner,
            asset,
            amount,
            by_owner: fields.lane == Lane::Agent,
        }),
        Kind::OpeningDeposit => {
            let key = key_of(&records)?;
            QueueOperation::OpeningDeposit(OpeningDeposit { owner, key, asset, amount })
        }
        Kind::Transfer | Kind::CollectFees | Kind::Withdraw | Kind::Address | Kind::Key => {
            return Err(QueueError::Unknown);
        }
    };
    let entry = QueueEntry { operation, sender: Address(event.sender.into_array()) };
    // Whatever was read, it means exactly what the contract has hashed.
    if entry.masked_records() != records {
        return Err(QueueError::Unknown);
    }
    let after = entry.extend(chain);
    if after != event.chain.0 {
        return Err(QueueError::Chain { entry: event.entry });
    }
    Ok((entry, after))
}

/// The key digest of an opening deposit: the last two of its four records, two words of 64 bits each.
fn key_of(records: &[Record]) -> Result<Digest, QueueError> {
    let [_, _, first, second] = records else { return Err(QueueError::Unknown) };
    let words = [first, second].map(|record| {
        let [high, middle, low] = record.limbs();
        [(high & 0xffff) << 48 | middle >> 8, (middle & 0xff) << 56 | low]
    });
    let [[a, b], [c, d]] = words.map(|pair| pair.map(Goldilocks::from_canonical));
    let elements = [a, b, c, d].map(|word| word.ok_or(QueueError::Key));
    let [a, b, c, d] = elements;
    Ok(Digest([a?, b?, c?, d?]))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, Bytes};
    use proptest::prelude::*;
    use weft_protocol::testing::{arb_deposit, arb_opening_deposit};

    use super::*;

    fn event(entry: &QueueEntry, chain: &[u8; 32]) -> DepositQueued {
        let owner = match entry.operation {
            QueueOperation::Deposit(deposit) => deposit.owner,
            QueueOperation::OpeningDeposit(deposit) => deposit.owner,
        };
        DepositQueued {
            entry: 0,
            sender: entry.sender.0.into(),
            owner: owner.0.into(),
            records: entry.masked_records().iter().flat_map(Record::to_bytes).collect::<Vec<_>>().into(),
            chain: B256::from(entry.extend(chain)),
        }
    }

    fn arb_entry() -> impl Strategy<Value = QueueEntry> {
        let operation = prop_oneof![
            arb_deposit().prop_map(QueueOperation::Deposit),
            arb_opening_deposit().prop_map(QueueOperation::OpeningDeposit),
        ];
        (operation, any::<[u8; 20]>()).prop_map(|(operation, sender)| QueueEntry { operation, sender: Address(sender) })
    }

    proptest! {
        #[test]
        fn events_decode_to_their_entries(entry in arb_entry(), chain in any::<[u8; 32]>()) {
            let decoded = decode_entry(&event(&entry, &chain), &chain);
            prop_assert_eq!(decoded, Ok((entry, entry.extend(&chain))));
        }

        #[test]
        fn no_byte_of_the_records_is_ignored(entry in arb_entry(), position in any::<prop::sample::Index>(), bit in 0..8) {
            let chain = [0; 32];
            let mut event = event(&entry, &chain);
            let mut records = event.records.to_vec();
            let position = position.index(records.len());
            records[position] ^= 1u8 << bit;
            event.records = Bytes::from(records);
            prop_assert!(decode_entry(&event, &chain).is_err());
        }
    }
}
