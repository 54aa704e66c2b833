//! Records: the public data of a batch (PROTOCOL.md §5).

use serde::{Deserialize, Serialize};

use crate::crypto::{Digest, Goldilocks, Tag, poseidon};
use crate::{AccountIndex, Address, Amount, AssetId, CodecError, Fee, FeeAsset, Lane, Outcome};

/// Bytes of a record.
pub const RECORD_BYTES: usize = 21;
/// Most records of a batch.
pub const MAX_RECORDS: usize = 4096;

const LIMB_BYTES: usize = 7;
const LIMB_BITS: u32 = 56;
const AMOUNT_LOW_BITS: u32 = 54;

/// The five bits that say what a record is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A pays B.
    Transfer = 1,
    /// A fee sum goes to A.
    CollectFees = 2,
    /// A withdraws to L1.
    Withdraw = 8,
    /// L1 pays an existing account.
    Deposit = 16,
    /// L1 opens an account.
    OpeningDeposit = 17,
    /// Continuation: an L1 address.
    Address = 24,
    /// Continuation: half of a key digest.
    Key = 25,
}

impl Kind {
    /// The kind of a first record.
    fn first(bits: u8) -> Result<Self, CodecError> {
        [Self::Transfer, Self::CollectFees, Self::Withdraw, Self::Deposit, Self::OpeningDeposit]
            .into_iter()
            .find(|kind| *kind as u8 == bits)
            .ok_or(CodecError::UnsupportedKind { kind: bits })
    }
}

/// A record as published: three limbs of 56 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(from = "[u8; RECORD_BYTES]", into = "[u8; RECORD_BYTES]")]
pub struct Record([u64; 3]);

/// The fields of a first record, those that a kind does not name at their default.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RecordFields {
    /// What the record is.
    pub kind: Kind,
    /// Asset of the fee.
    pub fee_asset: FeeAsset,
    /// Lane bit: the signing lane, or "paid in by the owner" of a deposit.
    pub lane: Lane,
    /// First object.
    pub a: AccountIndex,
    /// What moves.
    pub asset: AssetId,
    /// Second object.
    pub b: AccountIndex,
    /// Fee.
    pub fee: Fee,
    /// How much moves.
    pub amount: Amount,
    /// How an L1 operation ended.
    pub outcome: Outcome,
}

impl RecordFields {
    /// Fields of a record that moves `amount` of `asset` to or from `a`; the rest at default.
    #[must_use]
    pub fn new(kind: Kind, a: AccountIndex, asset: AssetId, amount: Amount) -> Self {
        Self {
            kind,
            fee_asset: FeeAsset::default(),
            lane: Lane::Main,
            a,
            asset,
            b: AccountIndex::default(),
            fee: Fee::ZERO,
            amount,
            outcome: Outcome::Done,
        }
    }

    /// The record.
    #[must_use]
    pub fn record(&self) -> Record {
        let amount = self.amount.get();
        let limb_0 = u64::from(self.kind as u8) << 51
            | u64::from(self.fee_asset.code()) << 49
            | u64::from(self.lane as u8) << 48
            | u64::from(self.a.0) << 16
            | u64::from(self.asset.0);
        let limb_1 = u64::from(self.b.0) << 24 | u64::from(self.fee.0) << 8 | amount >> AMOUNT_LOW_BITS;
        let limb_2 = (amount & ((1 << AMOUNT_LOW_BITS) - 1)) << 2 | self.outcome as u64;
        Record([limb_0, limb_1, limb_2])
    }
}

impl Record {
    /// The continuation that carries an address.
    #[must_use]
    pub fn address(address: &Address) -> Self {
        let [high, middle, low] = address.limbs();
        Self([(Kind::Address as u64) << 51 | high, middle, low])
    }

    /// The two continuations that carry a key digest.
    #[must_use]
    pub fn key(digest: &Digest) -> [Self; 2] {
        let words = digest.0.map(Goldilocks::as_u64);
        [[words[0], words[1]], [words[2], words[3]]].map(|[first, second]| {
            let low = second & ((1 << LIMB_BITS) - 1);
            let middle = (first & ((1 << 48) - 1)) << 8 | second >> LIMB_BITS;
            Self([(Kind::Key as u64) << 51 | first >> 48, middle, low])
        })
    }

    /// The fields of a first record.
    ///
    /// # Errors
    /// The kind does not exist or is a continuation, or the outcome bits mean nothing.
    pub fn fields(&self) -> Result<RecordFields, CodecError> {
        let [limb_0, limb_1, limb_2] = self.0;
        let bits = |limb: u64, shift: u32, width: u32| limb >> shift & ((1 << width) - 1);
        let u32_of = |value| u32::try_from(value).expect("at most 32 bits are taken");
        let u16_of = |value| u16::try_from(value).expect("at most 16 bits are taken");
        let u8_of = |value| u8::try_from(value).expect("at most 8 bits are taken");
        Ok(RecordFields {
            kind: Kind::first(u8_of(bits(limb_0, 51, 5)))?,
            fee_asset: FeeAsset::new(u8_of(bits(limb_0, 49, 2)))?,
            lane: if bits(limb_0, 48, 1) == 1 { Lane::Agent } else { Lane::Main },
            a: AccountIndex(u32_of(bits(limb_0, 16, 32))),
            asset: AssetId(u16_of(bits(limb_0, 0, 16))),
            b: AccountIndex(u32_of(bits(limb_1, 24, 32))),
            fee: Fee(u16_of(bits(limb_1, 8, 16))),
            amount: Amount::new(bits(limb_1, 0, 8) << AMOUNT_LOW_BITS | limb_2 >> 2)?,
            outcome: Outcome::from_bits(u8_of(bits(limb_2, 0, 2)))?,
        })
    }

    /// The three limbs, 56 bits each.
    #[must_use]
    pub fn limbs(&self) -> [u64; 3] {
        self.0
    }

    /// The limbs as elements.
    #[must_use]
    pub fn elements(&self) -> [Goldilocks; 3] {
        self.0.map(Goldilocks::from_u64)
    }

    /// The 21 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        for (chunk, limb) in bytes.chunks_exact_mut(LIMB_BYTES).zip(self.0) {
            chunk.copy_from_slice(&limb.to_be_bytes()[1..]);
        }
        bytes
    }

    /// The inverse of [`Self::to_bytes`]; any 21 bytes are three limbs.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Self {
        let limb = |part: &[u8]| part.iter().fold(0, |limb, byte| limb << 8 | u64::from(*byte));
        Self([limb(&bytes[..7]), limb(&bytes[7..14]), limb(&bytes[14..])])
    }

    /// The chain after this record: `H(CHAIN; chain ‖ limbs)`.
    #[must_use]
    pub fn extend(&self, chain: &Digest) -> Digest {
        let mut elements = [Goldilocks::ZERO; 7];
        elements[..4].copy_from_slice(&chain.0);
        elements[4..].copy_from_slice(&self.elements());
        poseidon::hash(Tag::CHAIN, &elements)
    }
}

impl From<[u8; RECORD_BYTES]> for Record {
    fn from(bytes: [u8; RECORD_BYTES]) -> Self {
        Self::from_bytes(&bytes)
    }
}

impl From<Record> for [u8; RECORD_BYTES] {
    fn from(record: Record) -> Self {
        record.to_bytes()
    }
}

/// The chain over records, from an earlier chain on.
#[must_use]
pub fn chain_records(chain: Digest, records: &[Record]) -> Digest {
    records.iter().fold(chain, |chain, record| record.extend(&chain))
}
