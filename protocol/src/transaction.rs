//! Signed transactions (PROTOCOL.md §6).

use serde::{Deserialize, Serialize};

use crate::crypto::schnorr::{self, PublicKey, SecretKey, Signature};
use crate::crypto::{Digest, Goldilocks, Tag, poseidon};
use crate::{
    AccountIndex, Address, Amount, AssetId, CodecError, Domain, Fee, FeeAsset, Kind, RECORD_BYTES, Record,
    RecordFields, Timestamp,
};

/// Which key of the sender signs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Lane {
    /// The main key.
    #[default]
    Main = 0,
    /// The agent key; refused in version 1.
    Agent = 1,
}

/// What a transaction does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransactionKind {
    /// Pays the amount to the account `to`.
    Transfer {
        /// The recipient.
        to: AccountIndex,
    },
    /// Pays the amount out on L1, to the owner of the sender.
    Withdraw,
}

/// What a user signs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction {
    /// What it does.
    pub kind: TransactionKind,
    /// Account that pays.
    pub sender: AccountIndex,
    /// Key that signs.
    pub lane: Lane,
    /// What is paid.
    pub asset: AssetId,
    /// How much is paid.
    pub amount: Amount,
    /// Asset of the fee.
    pub fee_asset: FeeAsset,
    /// Fee.
    pub fee: Fee,
    /// L1 address of the recipient's owner (transfer) or of the sender's (withdraw): the meaning of an index is the
    /// operator's word, so the signer names whom he means.
    pub named_address: Address,
    /// Group field, zero in version 1.
    pub group: Digest,
    /// Nonce of the lane.
    pub nonce: u32,
    /// Last time of a batch that may contain it.
    pub expiry: Timestamp,
}

impl Transaction {
    /// Elements of the message.
    pub const MESSAGE_ELEMENTS: usize = 16;

    /// The first record that the transaction publishes, which is also the core of its message.
    #[must_use]
    pub fn record(&self) -> Record {
        let (kind, b) = match self.kind {
            TransactionKind::Transfer { to } => (Kind::Transfer, to),
            TransactionKind::Withdraw => (Kind::Withdraw, AccountIndex::default()),
        };
        RecordFields {
            fee_asset: self.fee_asset,
            lane: self.lane,
            b,
            fee: self.fee,
            ..RecordFields::new(kind, self.sender, self.asset, self.amount)
        }
        .record()
    }

    /// The 16 elements that are signed.
    #[must_use]
    pub fn message(&self, domain: &Domain) -> [Goldilocks; Self::MESSAGE_ELEMENTS] {
        let mut elements = [Goldilocks::ZERO; Self::MESSAGE_ELEMENTS];
        elements[0..4].copy_from_slice(&domain.0.0);
        elements[4..7].copy_from_slice(&self.record().elements());
        elements[7..10].copy_from_slice(&self.named_address.elements());
        elements[10..14].copy_from_slice(&self.group.0);
        elements[14] = Goldilocks::from_u64(u64::from(self.nonce));
        elements[15] = Goldilocks::from_u64(self.expiry.get());
        elements
    }

    /// Id of the transaction: the digest of its message.
    #[must_use]
    pub fn id(&self, domain: &Domain) -> Digest {
        poseidon::hash(Tag::MESSAGE, &self.message(domain))
    }

    /// Signs with a key.
    #[must_use]
    pub fn sign(self, domain: &Domain, secret: &SecretKey) -> SignedTransaction {
        let signature = schnorr::sign(secret, &self.id(domain));
        SignedTransaction { key: *secret.public_key(), signature, transaction: self }
    }
}

/// A transaction with the key that signed it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct SignedTransaction {
    /// What is signed.
    pub transaction: Transaction,
    /// The key; its digest must be the one in the sender's account.
    pub key: PublicKey,
    /// The signature.
    pub signature: Signature,
}

impl SignedTransaction {
    /// Bytes of the encoding.
    pub const BYTES: usize = RECORD_BYTES + 20 + 32 + 4 + 5 + 40 + 80;

    /// Whether the signature is the key's, over this transaction in this domain.
    #[must_use]
    pub fn signature_is_valid(&self, domain: &Domain) -> bool {
        schnorr::verify(&self.key, &self.transaction.id(domain), &self.signature)
    }

    /// The 202 bytes of PROTOCOL.md §6.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let transaction = &self.transaction;
        let mut bytes = Vec::with_capacity(Self::BYTES);
        bytes.extend(transaction.record().to_bytes());
        bytes.extend(transaction.named_address.0);
        bytes.extend(transaction.group.to_bytes());
        bytes.extend(transaction.nonce.to_be_bytes());
        bytes.extend(&transaction.expiry.get().to_be_bytes()[3..]);
        bytes.extend(self.key.encode());
        bytes.extend(self.signature.encode());
        bytes.try_into().expect("the parts add up to the length")
    }

    /// The inverse of [`Self::to_bytes`], strict: there is one encoding of a transaction.
    ///
    /// # Errors
    /// Wrong length, unsupported kind, an unused field that is not 0, a key, digest or signature that does not decode.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError> {
        let got = bytes.len();
        let bytes: &[u8; Self::BYTES] =
            bytes.try_into().map_err(|_| CodecError::Length { what: "transaction", expected: Self::BYTES, got })?;
        let (record, rest) = bytes.split_first_chunk::<RECORD_BYTES>().expect("the length is checked");
        let (address, rest) = rest.split_first_chunk::<20>().expect("the length is checked");
        let (group, rest) = rest.split_first_chunk::<32>().expect("the length is checked");
        let (nonce, rest) = rest.split_first_chunk::<4>().expect("the length is checked");
        let (expiry, rest) = rest.split_first_chunk::<5>().expect("the length is checked");
        let (key, rest) = rest.split_first_chunk::<40>().expect("the length is checked");
        let (signature, _) = rest.split_first_chunk::<80>().expect("the length is checked");
        let fields = Record::from_bytes(record).fields()?;
        let seconds = expiry.iter().fold(0, |seconds, byte| seconds << 8 | u64::from(*byte));
        let transaction = Transaction {
            kind: transaction_kind(&fields)?,
            sender: fields.a,
            lane: fields.lane,
            asset: fields.asset,
            amount: fields.amount,
            fee_asset: fields.fee_asset,
            fee: fields.fee,
            named_address: Address(*address),
            group: Digest::from_bytes(group).ok_or(CodecError::NotCanonical { what: "group field" })?,
            nonce: u32::from_be_bytes(*nonce),
            expiry: Timestamp::new(seconds)?,
        };
        let key = PublicKey::decode(key).map_err(|error| CodecError::Key { reason: error.to_string() })?;
        let signature =
            Signature::decode(signature).map_err(|error| CodecError::Signature { reason: error.to_string() })?;
        Ok(Self { transaction, key, signature })
    }
}

impl TryFrom<Vec<u8>> for SignedTransaction {
    type Error = CodecError;

    fn try_from(bytes: Vec<u8>) -> Result<Self, CodecError> {
        Self::from_bytes(&bytes)
    }
}

impl From<SignedTransaction> for Vec<u8> {
    fn from(signed: SignedTransaction) -> Self {
        signed.to_bytes().to_vec()
    }
}

fn transaction_kind(fields: &RecordFields) -> Result<TransactionKind, CodecError> {
    if fields.outcome != crate::Outcome::Done {
        return Err(CodecError::UnusedField { field: "outcome" });
    }
    match fields.kind {
        Kind::Transfer => Ok(TransactionKind::Transfer { to: fields.b }),
        Kind::Withdraw if fields.b != AccountIndex::default() => Err(CodecError::UnusedField { field: "b" }),
        Kind::Withdraw => Ok(TransactionKind::Withdraw),
        other => Err(CodecError::UnsupportedKind { kind: other as u8 }),
    }
}
