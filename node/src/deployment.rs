//! Puts the contracts of a rollup on an L1: verifier, rollup, a test token if one is asked for, and the deposit that opens
//! the account which collects fees.
//!
//! It takes several transactions. With a record on disk each is done once: whoever is interrupted calls [`deploy`] again
//! with the same record, and what is done already is not done again.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::time::Duration;

use alloy::primitives::aliases::U96;
use alloy::primitives::{Address, B256, U256};
use alloy::providers::{DynProvider, PendingTransactionBuilder, Provider};
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::SolValue;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use weft_contract::artifacts::Artifact;
use weft_contract::bindings::ITestToken::ITestTokenInstance;
use weft_contract::bindings::RollupParameters;
use weft_contract::deploy::{deploy as deploy_code, deploy_rollup, deploy_test_token};
use weft_protocol::crypto::Digest;
use weft_protocol::{AssetId, Domain, RunningState};

use crate::l1::{Rollup, word};
use crate::sequencer::FeeCollector;

/// Name of the record in a data folder.
pub const RECORD_FILE: &str = "deployment.json";
/// Id of the test token: the first asset that is listed.
pub const TOKEN: AssetId = AssetId(2);
/// L1 units of one rollup unit of ETH.
pub const ETH_SCALE: u64 = 1_000_000_000;
/// L1 units of one rollup unit of the test token, which has 18 decimals.
pub const TOKEN_SCALE: u64 = 10_000_000_000;
/// Longest time for an L1 transaction to get into a block.
pub const BLOCK_WITHIN: Duration = Duration::from_secs(300);
/// Index of the account of fees where the deployer opens the first account.
const FIRST_ACCOUNT: u32 = 0;

/// What is deployed, and for whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeployOptions {
    /// The account that the provider signs for: it pays, and lists assets.
    pub deployer: Address,
    /// Who commits batches.
    pub operator: Address,
    /// Whose account collects fees.
    pub fee_collector: FeeCollector,
    /// Salt of the rollup's domain: two rollups at one address of two forks of a chain differ in it.
    pub salt: Digest,
    /// Whether a token that anyone may mint is deployed and listed too. Only for development: the account of fees is then
    /// taken to be the first that is opened.
    pub test_token: bool,
}

/// Where the rollup is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deployed {
    /// The rollup.
    pub rollup: Address,
    /// The test token, asset [`TOKEN`].
    pub token: Option<Address>,
    /// Salt of the rollup's domain.
    pub salt: Digest,
    /// The rollup's events are in this block or later ones.
    pub block: u64,
}

/// The record: what is deployed, and what is done of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    chain_id: u64,
    salt: B256,
    operator: Address,
    fee_owner: Address,
    fee_key: B256,
    test_token: bool,
    gates: Option<Address>,
    verifier: Option<Address>,
    contract: Option<Contract>,
    token: Option<Address>,
    /// Assets of which one unit was paid into the account of fees.
    fees_opened: Vec<u16>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contract {
    address: Address,
    block: u64,
}

/// Deploys what the options say, and goes on where the record, if there is one, says that it was interrupted.
///
/// # Errors
/// L1 refuses something or does not answer; the record is of another deployment, or of one that is not on this L1.
pub async fn deploy(provider: &DynProvider, options: &DeployOptions, record: Option<&Path>) -> Result<Deployed> {
    let chain_id = provider.get_chain_id().await.context("L1 does not answer")?;
    let fresh = Record::new(chain_id, options);
    let stored = record.map(Record::load).transpose()?.flatten();
    if let (Some(stored), Some(path)) = (&stored, record) {
        let what = path.display();
        ensure!(stored.identity() == fresh.identity(), "{what} is the record of a deployment with other options");
        stored.check_on_l1(provider).await.with_context(|| format!("{what} does not fit this L1"))?;
    }
    let mut deployment = Deployment { provider, options, record: stored.unwrap_or(fresh), path: record };
    deployment.run().await
}

/// Where a deployment stands, from its record; `None` if there is no record or it is not complete.
///
/// # Errors
/// The record cannot be read.
pub fn recorded(path: &Path) -> Result<Option<Deployed>> {
    Record::load(path)?.filter(Record::is_complete).map(|record| record.deployed()).transpose()
}

/// Salt that a record names, of a deployment that need not be complete.
///
/// # Errors
/// The record cannot be read.
pub fn recorded_salt(path: &Path) -> Result<Option<Digest>> {
    let salt = |record: Record| Digest::from_bytes(&record.salt.0).context("the record's salt is no digest");
    Record::load(path)?.map(salt).transpose()
}

impl Record {
    fn new(chain_id: u64, options: &DeployOptions) -> Self {
        Self {
            chain_id,
            salt: word(&options.salt),
            operator: options.operator,
            fee_owner: options.fee_collector.owner.0.into(),
            fee_key: word(&options.fee_collector.key),
            test_token: options.test_token,
            gates: None,
            verifier: None,
            contract: None,
            token: None,
            fees_opened: Vec::new(),
        }
    }

    fn load(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let record = serde_json::from_slice(&text).with_context(|| format!("{} is no record", path.display()))?;
        Ok(Some(record))
    }

    /// Written beside the old one, then renamed: there is always a whole record.
    fn save(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let new = path.with_extension("new");
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&new, path)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    /// What may not change between two calls.
    const fn identity(&self) -> (u64, B256, Address, Address, B256, bool) {
        (self.chain_id, self.salt, self.operator, self.fee_owner, self.fee_key, self.test_token)
    }

    fn is_complete(&self) -> bool {
        let tokens = if self.test_token { [AssetId::ETH, TOKEN].as_slice() } else { [AssetId::ETH].as_slice() };
        tokens.iter().all(|asset| self.fees_opened.contains(&asset.0))
    }

    fn deployed(&self) -> Result<Deployed> {
        let contract = self.contract.context("the record names no contract")?;
        let salt = Digest::from_bytes(&self.salt.0).context("the record's salt is no digest")?;
        Ok(Deployed { rollup: contract.address, token: self.token, salt, block: contract.block })
    }

    /// The contract that it names must be there, with this salt: an L1 may have been begun anew.
    async fn check_on_l1(&self, provider: &DynProvider) -> Result<()> {
        let Some(Contract { address, .. }) = self.contract else { return Ok(()) };
        let domain = Domain::new(self.chain_id, &weft_protocol::Address(address.into_array()), &self.deployed()?.salt)?;
        let code = provider.get_code_at(address).await.context("L1 does not answer")?;
        ensure!(!code.is_empty(), "there is no contract at {address}; remove the record to deploy anew");
        let on_l1 = Rollup::new(address, provider.clone()).domain().call().await?;
        ensure!(on_l1 == word(&domain.0), "the contract at {address} is another; remove the record to deploy anew");
        Ok(())
    }
}

/// A deployment under way.
struct Deployment<'a> {
    provider: &'a DynProvider,
    options: &'a DeployOptions,
    record: Record,
    path: Option<&'a Path>,
}

impl Deployment<'_> {
    async fn run(&mut self) -> Result<Deployed> {
        self.deploy_verifier().await.context("cannot deploy the verifier")?;
        if self.record.contract.is_none() {
            let block = self.provider.get_block_number().await.context("L1 does not answer")?;
            let address =
                deploy_rollup(self.provider, &self.parameters()?).await.context("cannot deploy the rollup")?;
            self.record.contract = Some(Contract { address, block });
            self.save()?;
        }
        if self.options.test_token && self.record.token.is_none() {
            self.record.token = Some(deploy_test_token(self.provider).await.context("cannot deploy the test token")?);
            self.save()?;
        }
        let rollup = Rollup::new(self.record.deployed()?.rollup, self.provider.clone());
        self.open_fee_account(&rollup).await.context("cannot open the account of fees")?;
        if let Some(token) = self.record.token {
            self.list(&rollup, token).await.context("cannot list the test token")?;
            self.pay_token_of_fees(&rollup, token).await.context("cannot pay into the account of fees")?;
        }
        self.record.deployed()
    }

    /// The contract that evaluates its gates, then the verifier, which calls it.
    async fn deploy_verifier(&mut self) -> Result<()> {
        if self.record.gates.is_none() {
            self.record.gates = Some(deploy_code(self.provider, Artifact::GATES.creation_code()).await?);
            self.save()?;
        }
        if let (Some(gates), None) = (self.record.gates, self.record.verifier) {
            let code = [Artifact::VERIFIER.creation_code().as_ref(), &gates.abi_encode()].concat();
            self.record.verifier = Some(deploy_code(self.provider, code.into()).await?);
            self.save()?;
        }
        Ok(())
    }

    fn parameters(&self) -> Result<RollupParameters> {
        Ok(RollupParameters {
            verifier: self.record.verifier.context("the verifier comes first")?,
            genesisRoot: word(&RunningState::genesis().root),
            genesisSalt: self.record.salt,
            operator: self.options.operator,
            lister: self.options.deployer,
        })
    }

    /// One unit of each asset in which fees are paid opens its entry, so that the account can always take more of it.
    async fn open_fee_account(&mut self, rollup: &Rollup) -> Result<()> {
        if self.record.fees_opened.contains(&AssetId::ETH.0) {
            return Ok(());
        }
        let (unit, FeeCollector { owner, key }) = (U256::from(ETH_SCALE), self.options.fee_collector);
        let open = rollup.depositOpen(AssetId::ETH.0, unit, owner.0.into(), word(&key));
        confirm(open.value(unit).send().await?).await?;
        self.opened(AssetId::ETH)
    }

    async fn list(&self, rollup: &Rollup, token: Address) -> Result<()> {
        if rollup.assetIdOf(token).call().await? == 0 {
            confirm(rollup.listAsset(token, U96::from(TOKEN_SCALE)).send().await?).await?;
        }
        match rollup.assetIdOf(token).call().await? {
            id if id == TOKEN.0 => Ok(()),
            id => bail!("the test token was listed as asset {id}"),
        }
    }

    async fn pay_token_of_fees(&mut self, rollup: &Rollup, token: Address) -> Result<()> {
        if self.record.fees_opened.contains(&TOKEN.0) {
            return Ok(());
        }
        let unit = U256::from(TOKEN_SCALE);
        let token = ITestTokenInstance::new(token, self.provider.clone());
        confirm(token.mint(self.options.deployer, unit).send().await?).await?;
        confirm(token.approve(*rollup.address(), unit).send().await?).await?;
        let owner = self.options.fee_collector.owner.0.into();
        confirm(rollup.deposit(TOKEN.0, unit, FIRST_ACCOUNT, owner).send().await?).await?;
        self.opened(TOKEN)
    }

    fn opened(&mut self, asset: AssetId) -> Result<()> {
        self.record.fees_opened.push(asset.0);
        self.save()
    }

    fn save(&self) -> Result<()> {
        self.path.map_or(Ok(()), |path| self.record.save(path))
    }
}

/// Waits for the block of a transaction, which must not fail.
///
/// # Errors
/// There is no block in time, or the transaction failed.
pub async fn confirm(pending: PendingTransactionBuilder<alloy::network::Ethereum>) -> Result<TransactionReceipt> {
    let hash = *pending.tx_hash();
    let receipt = pending.with_timeout(Some(BLOCK_WITHIN)).get_receipt().await;
    let receipt = receipt.with_context(|| format!("L1 transaction {hash} was sent and is in no block yet"))?;
    ensure!(receipt.status(), "L1 transaction {} failed", receipt.transaction_hash);
    Ok(receipt)
}

#[cfg(test)]
mod tests;
