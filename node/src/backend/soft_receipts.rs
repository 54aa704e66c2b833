//! Signs soft receipts.
//!
//! The key is the node's own and holds no money: it is made with the data folder and stays there. Clients find its address
//! in `/v1/config` and in each receipt.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use alloy::primitives::B256;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolStruct, eip712_domain};
use anyhow::{Context, Result};
use weft_api::{Deployment, FixedBytes, SoftReceipt, Time};
use weft_protocol::Address;
use weft_protocol::crypto::Digest;
use zeroize::Zeroizing;

/// The receipt as EIP-712 has it: its name there is that of the struct.
mod typed {
    alloy::sol! {
        struct SoftReceipt {
            bytes32 transaction;
            uint64 sequence;
            uint64 acceptedAt;
        }
    }
}

/// Name of the key's file in the data folder.
const KEY_FILE: &str = "receipts.key";

/// The key of soft receipts.
#[derive(Clone, Debug)]
pub struct ReceiptSigner {
    signer: PrivateKeySigner,
    deployment: Deployment,
}

impl ReceiptSigner {
    /// Reads the key in a data folder; makes it if there is none.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds no key.
    pub fn open(data: &Path, deployment: Deployment) -> Result<Self> {
        let path = data.join(KEY_FILE);
        let signer = if path.exists() {
            let text =
                Zeroizing::new(fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?);
            text.trim().parse().with_context(|| format!("{} holds no key", path.display()))?
        } else {
            let signer = PrivateKeySigner::random();
            write(&path, &signer).with_context(|| format!("cannot write {}", path.display()))?;
            signer
        };
        Ok(Self { signer, deployment })
    }

    /// The rollup whose receipts it signs.
    #[must_use]
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// L1 address of the key.
    #[must_use]
    pub fn address(&self) -> Address {
        Address(self.signer.address().into_array())
    }

    /// The receipt of a transaction.
    ///
    /// # Panics
    /// Never: a key in memory signs every hash.
    #[must_use]
    pub fn sign(&self, transaction: Digest, sequence: u64, accepted_at: Time) -> SoftReceipt {
        let hash = signing_hash(&self.deployment, &transaction, sequence, accepted_at);
        let signature = self.signer.sign_hash_sync(&hash).expect("a key in memory signs every hash");
        let sequencer = self.address();
        SoftReceipt { transaction, sequence, accepted_at, sequencer, signature: FixedBytes(signature.as_bytes()) }
    }
}

/// Only the owner may read it; a file that is there is not replaced.
fn write(path: &Path, signer: &PrivateKeySigner) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let text = Zeroizing::new(format!("0x{}\n", hex::encode(signer.to_bytes())));
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// What the key signs: the EIP-712 hash of a receipt.
#[must_use]
pub fn signing_hash(deployment: &Deployment, transaction: &Digest, sequence: u64, accepted_at: Time) -> B256 {
    let domain = eip712_domain! {
        name: "Weft",
        version: "1",
        chain_id: deployment.chain_id,
        verifying_contract: deployment.contract.0.into(),
    };
    let receipt =
        typed::SoftReceipt { transaction: transaction.to_bytes().into(), sequence, acceptedAt: accepted_at.unix_ms() };
    receipt.eip712_signing_hash(&domain)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use alloy::primitives::{Signature, keccak256};
    use weft_protocol::Domain;

    use super::*;

    fn deployment() -> Deployment {
        let contract = Address([0xc0; 20]);
        Deployment { chain_id: 31_337, contract, domain: Domain::new(31_337, &contract, &Digest::ZERO).unwrap() }
    }

    #[test]
    fn the_key_stays_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = [(), ()].map(|()| ReceiptSigner::open(folder.path(), deployment()).unwrap());
        assert_eq!(first.address(), second.address());
        let mode = fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(folder.path().join(KEY_FILE), "0x12").unwrap();
        assert!(ReceiptSigner::open(folder.path(), deployment()).is_err());
    }

    /// The hash, computed from the words of the standard alone.
    #[test]
    fn what_is_signed_is_the_documented_typed_data() {
        let word = |value: u64| [[0; 24].as_slice(), &value.to_be_bytes()].concat();
        let address = [[0; 12].as_slice(), &deployment().contract.0].concat();
        let domain_type = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
        let domain = [
            keccak256(domain_type).to_vec(),
            keccak256("Weft").to_vec(),
            keccak256("1").to_vec(),
            word(31_337),
            address,
        ];
        let receipt_type = "SoftReceipt(bytes32 transaction,uint64 sequence,uint64 acceptedAt)";
        let receipt = [keccak256(receipt_type).to_vec(), Digest::ZERO.to_bytes().to_vec(), word(7), word(1_000)];
        let hashes = [keccak256(domain.concat()), keccak256(receipt.concat())].concat();
        let expected = keccak256([b"\x19\x01".as_slice(), &hashes].concat());
        assert_eq!(signing_hash(&deployment(), &Digest::ZERO, 7, Time::from_unix_ms(1_000)), expected);
    }

    #[test]
    fn the_signature_is_of_the_named_address() {
        let folder = tempfile::tempdir().unwrap();
        let signer = ReceiptSigner::open(folder.path(), deployment()).unwrap();
        let receipt = signer.sign(Digest::ZERO, 3, Time::from_unix_ms(5));
        let signature = Signature::from_raw(&receipt.signature.0).unwrap();
        let hash = signing_hash(&deployment(), &Digest::ZERO, 3, Time::from_unix_ms(5));
        assert_eq!(signature.recover_address_from_prehash(&hash).unwrap().into_array(), receipt.sequencer.0);
        assert!(matches!(receipt.signature.0[64], 27 | 28));
        let other = signing_hash(&deployment(), &Digest::ZERO, 4, Time::from_unix_ms(5));
        assert_ne!(signature.recover_address_from_prehash(&other).unwrap().into_array(), receipt.sequencer.0);
    }
}
