//! A development L1 with the real contracts on it.

use alloy::primitives::aliases::U96;
use alloy::primitives::{Address, B256, U256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::TransactionReceipt;
use anyhow::{Context, Result, ensure};
use weft_contract::artifacts::Artifact;
use weft_contract::bindings::ITestToken::ITestTokenInstance;
use weft_contract::bindings::RollupParameters;
use weft_contract::deploy::{deploy_rollup, deploy_test_token, deploy_verifier};
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, dev_signer};
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::crypto::{Digest, Tag, poseidon};
use weft_protocol::{AssetId, RunningState};

use crate::l1::{Rollup, word};
use crate::sequencer::FeeCollector;

/// Id of the test token, the first asset that is listed.
pub const TOKEN: AssetId = AssetId(2);
/// L1 units of one rollup unit of ETH.
pub const ETH_SCALE: u64 = 1_000_000_000;
/// L1 units of one rollup unit of the test token, which has 18 decimals.
pub const TOKEN_SCALE: u64 = 10_000_000_000;
/// Dev account that operates the rollup and lists assets.
pub const OPERATOR: u32 = 0;
/// Seed of the key of the account that collects fees. Like all dev keys it is public and worthless.
const FEE_KEY_SEED: [u8; 32] = [0xfe; 32];

/// An embedded chain with verifier, rollup and test token.
#[derive(Clone, Debug)]
pub struct Devnet {
    /// The chain.
    pub chain: EmbeddedChain,
    /// The rollup.
    pub rollup: Address,
    /// The test token, asset [`TOKEN`].
    pub token: Address,
    /// The rollup's genesis salt.
    pub genesis_salt: Digest,
}

impl Devnet {
    /// Deploys the contracts on a new chain, and pays in what opens the account of fees: one unit of each asset in which
    /// fees are paid, so that it can always take more of them.
    ///
    /// # Errors
    /// A contract does not deploy: its code and the chain's rules do not fit together.
    pub async fn start() -> Result<Self> {
        let chain = EmbeddedChain::new(&EmbeddedConfig::default());
        let provider = chain.provider(dev_signer(OPERATOR));
        let operator = dev_signer(OPERATOR).address();
        let genesis_salt = poseidon::hash(Tag::DOMAIN, &[]);
        let parameters = RollupParameters {
            verifier: deploy_verifier(&provider, Artifact::GATES, Artifact::VERIFIER)
                .await
                .context("cannot deploy the verifier")?,
            genesisRoot: word(&RunningState::genesis().root),
            genesisSalt: word(&genesis_salt),
            operator,
            lister: operator,
        };
        let rollup = deploy_rollup(&provider, &parameters).await.context("cannot deploy the rollup")?;
        let token = deploy_test_token(&provider).await.context("cannot deploy the test token")?;
        let net = Self { chain, rollup, token, genesis_salt };
        let contract = net.rollup_as(OPERATOR);
        confirm(contract.listAsset(token, U96::from(TOKEN_SCALE)).send().await?).await?;
        net.open_fee_account(&contract).await?;
        Ok(net)
    }

    async fn open_fee_account(&self, contract: &Rollup) -> Result<()> {
        let operator = dev_signer(OPERATOR).address();
        let (eth, token) = (U256::from(ETH_SCALE), U256::from(TOKEN_SCALE));
        let open = contract.depositOpen(AssetId::ETH.0, eth, operator, word(&fee_collector().key));
        confirm(open.value(eth).send().await?).await?;
        self.mint(OPERATOR, token).await?;
        confirm(contract.deposit(TOKEN.0, token, 0, operator).send().await?).await?;
        Ok(())
    }

    /// A provider that signs for a dev account.
    #[must_use]
    pub fn provider(&self, account: u32) -> DynProvider {
        self.chain.provider(dev_signer(account))
    }

    /// The rollup as a dev account calls it.
    #[must_use]
    pub fn rollup_as(&self, account: u32) -> Rollup {
        Rollup::new(self.rollup, self.provider(account))
    }

    /// The token as a dev account calls it.
    #[must_use]
    pub fn token_as(&self, account: u32) -> ITestTokenInstance<DynProvider> {
        ITestTokenInstance::new(self.token, self.provider(account))
    }

    /// Creates tokens for a dev account, and lets the rollup take them.
    ///
    /// # Errors
    /// The chain refuses it.
    pub async fn mint(&self, account: u32, amount: U256) -> Result<()> {
        let token = self.token_as(account);
        confirm(token.mint(dev_signer(account).address(), amount).send().await?).await?;
        confirm(token.approve(self.rollup, amount).send().await?).await?;
        Ok(())
    }

    /// What an address owns on L1, in wei.
    ///
    /// # Errors
    /// The chain does not answer.
    pub async fn eth_of(&self, address: Address) -> Result<U256> {
        Ok(self.provider(OPERATOR).get_balance(address).await?)
    }

    /// What an address owns of the test token, in its smallest unit.
    ///
    /// # Errors
    /// The chain does not answer.
    pub async fn tokens_of(&self, address: Address) -> Result<U256> {
        Ok(self.token_as(OPERATOR).balanceOf(address).call().await?)
    }
}

/// Whose account collects fees: the operator's, with a key of its own.
#[must_use]
pub fn fee_collector() -> FeeCollector {
    let owner = weft_protocol::Address(dev_signer(OPERATOR).address().into_array());
    FeeCollector { owner, key: SecretKey::from_seed(&FEE_KEY_SEED).public_key().digest() }
}

/// Waits for the block of a transaction, which must not fail.
///
/// # Errors
/// There is no block, or the transaction failed.
pub async fn confirm(
    pending: alloy::providers::PendingTransactionBuilder<alloy::network::Ethereum>,
) -> Result<TransactionReceipt> {
    let receipt = pending.get_receipt().await?;
    let hash: B256 = receipt.transaction_hash;
    ensure!(receipt.status(), "L1 transaction {hash} failed");
    Ok(receipt)
}
