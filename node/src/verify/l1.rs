//! What L1 says about a batch.

use alloy::primitives::{Address, B256, Bytes, Log};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{BlockNumberOrTag, Filter};
use alloy::sol_types::{SolEvent, SolValue};
use alloy::transports::TransportError;
use serde::Serialize;
use weft_contract::artifacts::Artifact;
use weft_contract::bindings::IRollup::{BatchCommitted, BatchProven, IRollupInstance};
use weft_contract::bindings::{Commitment, RollupParameters};
use weft_contract::deploy::{DeployError, deploy_rollup, deploy_verifier};
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, dev_signer};
use weft_protocol::{DataPoint, RunningState};

use super::{Check, FailedCheck};
use crate::l1::{Rollup, word};
use crate::proof_file::ProofFile;
use crate::receipt::L1Pointer;

/// What L1 has shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OnL1 {
    /// Transaction that published the records.
    pub commit: String,
    /// Transaction in which the proof was verified.
    pub prove: String,
    /// Number of the last batch that the contract has verified.
    pub last_verified: u32,
}

/// L1 could not be asked, or contradicts the file.
#[derive(Debug, thiserror::Error)]
pub enum L1Error {
    /// A check failed.
    #[error(transparent)]
    Failed(#[from] FailedCheck),
    /// L1 does not answer.
    #[error("L1 does not answer: {0}")]
    Transport(#[from] TransportError),
    /// The contract answers in another form than the rollup's.
    #[error("the contract does not answer as the rollup does: {0}")]
    Call(#[from] alloy::contract::Error),
    /// The code to compare with could not be made.
    #[error("the contracts of this program do not deploy: {0}")]
    Deploy(#[from] DeployError),
}

/// Checks that the contract which the file names has verified its batch, on the chain behind `provider`. The file itself is
/// to be verified before.
///
/// # Errors
/// The first check that fails, or L1 does not answer.
pub async fn verify_on_l1(
    file: &ProofFile,
    pointer: Option<&L1Pointer>,
    provider: DynProvider,
) -> Result<OnL1, L1Error> {
    let chain_id = provider.get_chain_id().await?;
    if chain_id != file.chain_id {
        let reason = format!("the file is about chain {}, this L1 is chain {chain_id}", file.chain_id);
        return Err(Check::Chain.failed(&reason).into());
    }
    let rollup = Rollup::new(Address::from(file.contract.0), provider);
    check_code(&rollup, file).await?;
    let proven = find::<BatchProven>(&rollup, file.number, pointer.map(|pointer| B256::from(pointer.prove.0))).await?;
    let Some((prove, proven)) = proven else {
        let reason = format!("the contract has verified no batch {} there", file.number);
        return Err(Check::Verified.failed(&reason).into());
    };
    if proven.root != word(&file.root_after) {
        let reason = format!("the contract has verified a batch {} with root {}", file.number, proven.root);
        return Err(Check::Verified.failed(&reason).into());
    }
    let committed = pointer.map(|pointer| B256::from(pointer.commit.0));
    let committed = find::<BatchCommitted>(&rollup, file.number, committed).await?;
    let Some((commit, committed)) = committed.filter(|(_, event)| event.commitment == proven.commitment) else {
        let reason = format!("the records that the contract has verified as batch {} are not there", file.number);
        return Err(Check::Commitment.failed(&reason).into());
    };
    check_content(file, &committed)?;
    let last_verified = rollup.progress().call().await?.number;
    Ok(OnL1 { commit: commit.to_string(), prove: prove.to_string(), last_verified })
}

/// The root with which the contract has verified a batch, according to the transaction that is said to have done it.
///
/// # Errors
/// L1 does not answer.
pub async fn proven_root(rollup: &Rollup, number: u32, transaction: B256) -> Result<Option<B256>, L1Error> {
    Ok(find::<BatchProven>(rollup, number, Some(transaction)).await?.map(|(_, event)| event.root))
}

/// The last event of a kind about a batch: in the given transaction, or wherever it is.
async fn find<E: BatchEvent>(
    rollup: &Rollup,
    number: u32,
    transaction: Option<B256>,
) -> Result<Option<(B256, E)>, L1Error> {
    let logs = match transaction {
        Some(hash) => match rollup.provider().get_transaction_receipt(hash).await? {
            Some(receipt) if receipt.status() => receipt.inner.logs().to_vec(),
            Some(_) | None => return Ok(None),
        },
        None => {
            let filter = Filter::new().address(*rollup.address()).event_signature(E::SIGNATURE_HASH);
            rollup.provider().get_logs(&filter.from_block(BlockNumberOrTag::Earliest)).await?
        }
    };
    let events = logs.iter().filter(|log| log.address() == *rollup.address()).filter_map(|log| {
        let event = decode::<E>(&log.inner)?;
        (event.number() == number).then_some((log.transaction_hash?, event))
    });
    Ok(events.last())
}

/// An event about a batch.
trait BatchEvent: SolEvent {
    fn number(&self) -> u32;
}

impl BatchEvent for BatchProven {
    fn number(&self) -> u32 {
        self.number
    }
}

impl BatchEvent for BatchCommitted {
    fn number(&self) -> u32 {
        self.number
    }
}

fn decode<E: SolEvent>(log: &Log) -> Option<E> {
    E::decode_log(log).ok().map(|log| log.data)
}

/// Compares what the contract has derived from the records with what the file says and this program derives.
fn check_content(file: &ProofFile, event: &BatchCommitted) -> Result<(), FailedCheck> {
    let content = &event.content;
    let statement = file.statement().map_err(|error| Check::Statement.failed(&error))?;
    let expected = Commitment {
        number: file.number,
        timestamp: alloy::primitives::aliases::U40::from(file.timestamp),
        recordCount: u16::try_from(statement.record_count).unwrap_or(u16::MAX),
        context: word(&statement.context.0),
        rootBefore: word(&statement.root_before),
        rootAfter: word(&statement.root_after),
        recordChain: word(&statement.chain),
        point: packed(&statement.z),
        value: packed(&statement.value),
        // The file does not hold what only the contract needs.
        queueStart: content.queueStart,
        queueEnd: content.queueEnd,
        withdrawalsRoot: content.withdrawalsRoot,
    };
    if *content != expected || alloy::primitives::keccak256(content.abi_encode()) != event.commitment {
        let reason = format!("the contract has taken other records as batch {}", file.number);
        return Err(Check::Commitment.failed(&reason));
    }
    Ok(())
}

/// Two elements as the contract writes them: the first in the high 64 bits.
fn packed(point: &DataPoint) -> u128 {
    let [high, low] = point.0.map(|element| u128::from(element.as_u64()));
    high << 64 | low
}

/// Compares the code of rollup, verifier and gates with what the artifacts of this program deploy.
async fn check_code(rollup: &Rollup, file: &ProofFile) -> Result<(), L1Error> {
    let provider = rollup.provider();
    let code = provider.get_code_at(*rollup.address()).await?;
    if code.is_empty() {
        return Err(Check::Contract.failed(&format!("there is no contract at {}", rollup.address())).into());
    }
    let environment = file.environment().map_err(|error| Check::Statement.failed(&error))?;
    let (domain, expected) = (rollup.domain().call().await?, word(&environment.domain.0));
    if domain != expected {
        let reason = format!("the contract has domain {domain}, the file is about {expected}");
        return Err(Check::Contract.failed(&reason).into());
    }
    let verifier = rollup.verifier().call().await?;
    let parameters = RollupParameters {
        verifier,
        genesisRoot: word(&RunningState::genesis().root),
        genesisSalt: word(&file.genesis_salt),
        operator: rollup.operator().call().await?,
        lister: rollup.lister().call().await?,
    };
    let ours = OurCode::deploy(file.chain_id, parameters).await?;
    let same =
        ours.rollup.with(ours.domain.as_slice(), domain.as_slice()).with(ours.verifier.as_slice(), verifier.as_slice());
    if same.0 != code {
        let reason = format!("the contract at {} is not the rollup of this program", rollup.address());
        return Err(Check::Contract.failed(&reason).into());
    }
    let failed = |reason: &str| L1Error::from(Check::Verifier.failed(&reason));
    let code = provider.get_code_at(verifier).await?;
    let gates = ours.verifier_code.word_of(ours.gates.as_slice(), &code).map(|word| Address::from_slice(&word));
    let gates = gates.ok_or_else(|| failed("the verifier of the contract is not that of the circuit"))?;
    if ours.verifier_code.with(ours.gates.as_slice(), gates.as_slice()).0 != code {
        return Err(failed("the verifier of the contract is not that of the circuit"));
    }
    if provider.get_code_at(gates).await? != ours.gates_code.0 {
        return Err(failed("the gates of the contract's verifier are not those of the circuit"));
    }
    Ok(())
}

/// Code as it stands on a chain.
struct Code(Bytes);

impl Code {
    /// The code with one of its immutable words replaced.
    fn with(&self, ours: &[u8], theirs: &[u8]) -> Self {
        let mut code = self.0.to_vec();
        for position in positions(&self.0, ours) {
            code[position..position + ours.len()].copy_from_slice(theirs);
        }
        Self(code.into())
    }

    /// What stands in other code where this one has a word of its own.
    fn word_of(&self, ours: &[u8], other: &[u8]) -> Option<Vec<u8>> {
        let position = positions(&self.0, ours).first().copied()?;
        Some(other.get(position..position + ours.len())?.to_vec())
    }
}

fn positions(code: &[u8], word: &[u8]) -> Vec<usize> {
    code.windows(word.len()).enumerate().filter(|(_, part)| *part == word).map(|(position, _)| position).collect()
}

/// The contracts of this program on a chain of their own, to compare with.
struct OurCode {
    domain: B256,
    verifier: Address,
    gates: Address,
    rollup: Code,
    verifier_code: Code,
    gates_code: Code,
}

impl OurCode {
    async fn deploy(chain_id: u64, parameters: RollupParameters) -> Result<Self, L1Error> {
        let chain = EmbeddedChain::new(&EmbeddedConfig { chain_id, ..EmbeddedConfig::default() });
        let signer = dev_signer(0);
        // The gates come first, with the deployer's first nonce.
        let gates = signer.address().create(0);
        let provider = chain.provider(signer);
        let verifier = deploy_verifier(&provider, Artifact::GATES, Artifact::VERIFIER).await?;
        let address = deploy_rollup(&provider, &RollupParameters { verifier, ..parameters }).await?;
        Ok(Self {
            domain: IRollupInstance::new(address, &provider).domain().call().await?,
            verifier,
            gates,
            rollup: Code(provider.get_code_at(address).await?),
            verifier_code: Code(provider.get_code_at(verifier).await?),
            gates_code: Code(provider.get_code_at(gates).await?),
        })
    }
}
