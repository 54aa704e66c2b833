//! A development L1 with the real contracts on it, and its accounts.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use anyhow::{Context, Result};
use weft_contract::bindings::ITestToken::ITestTokenInstance;
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, dev_signer};
use weft_protocol::crypto::schnorr::SecretKey;
use weft_protocol::crypto::{Digest, Tag, poseidon};

use crate::deployment::{self, DeployOptions, Deployed};
use crate::l1::{Rollup, http_client};
use crate::sequencer::FeeCollector;

pub use crate::deployment::{ETH_SCALE, TOKEN, TOKEN_SCALE, confirm};

/// Dev account that operates the rollup and lists assets.
pub const OPERATOR: u32 = 0;
/// Seed of the key of the account that collects fees. Like all dev keys it is public and worthless.
const FEE_KEY_SEED: [u8; 32] = [0xfe; 32];

/// How to reach an L1 as one of its accounts.
#[derive(Clone)]
struct Access(Arc<dyn Fn(PrivateKeySigner) -> DynProvider + Send + Sync>);

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Access")
    }
}

/// An L1 whose dev accounts have ETH, with verifier, rollup and test token.
#[derive(Clone, Debug)]
pub struct Devnet {
    access: Access,
    /// The rollup.
    pub rollup: Address,
    /// The test token, asset [`TOKEN`].
    pub token: Address,
    /// The rollup's genesis salt.
    pub genesis_salt: Digest,
    /// The rollup's events are in this block or later ones.
    pub first_block: u64,
}

impl Devnet {
    /// Deploys the contracts on a new embedded chain in memory.
    ///
    /// # Errors
    /// A contract does not deploy: its code and the chain's rules do not fit together.
    pub async fn start() -> Result<Self> {
        Self::embedded(&EmbeddedChain::new(&EmbeddedConfig::default()), None).await
    }

    /// Deploys the contracts on an embedded chain, or finds them by their record.
    ///
    /// # Errors
    /// A contract does not deploy, or the record does not fit the chain.
    pub async fn embedded(chain: &EmbeddedChain, record: Option<&Path>) -> Result<Self> {
        let chain = chain.clone();
        Self::deploy(Access(Arc::new(move |signer| chain.provider(signer))), record).await
    }

    /// Deploys the contracts on a chain behind JSON-RPC, or finds them by their record.
    ///
    /// # Errors
    /// The chain does not answer or its dev accounts have no ETH; a contract does not deploy; the record does not fit.
    pub async fn remote(url: &str, record: Option<&Path>) -> Result<Self> {
        let url: reqwest::Url = url.parse().with_context(|| format!("{url} is no URL"))?;
        let client = http_client().context("no client for L1")?;
        let access = move |signer| {
            // Nonces are asked for each time: a refused transaction must not leave a gap.
            ProviderBuilder::new()
                .disable_recommended_fillers()
                .with_gas_estimation()
                .with_simple_nonce_management()
                .fetch_chain_id()
                .wallet(EthereumWallet::from(signer))
                .connect_reqwest(client.clone(), url.clone())
                .erased()
        };
        Self::deploy(Access(Arc::new(access)), record).await
    }

    async fn deploy(access: Access, record: Option<&Path>) -> Result<Self> {
        let operator = dev_signer(OPERATOR).address();
        let options = DeployOptions {
            deployer: operator,
            operator,
            fee_collector: fee_collector(),
            salt: poseidon::hash(Tag::DOMAIN, &[]),
            test_token: true,
        };
        let Deployed { rollup, token, salt, block } =
            deployment::deploy(&(access.0)(dev_signer(OPERATOR)), &options, record).await?;
        let token = token.context("a test token was asked for")?;
        Ok(Self { access, rollup, token, genesis_salt: salt, first_block: block })
    }

    /// A provider that signs for a dev account.
    #[must_use]
    pub fn provider(&self, account: u32) -> DynProvider {
        (self.access.0)(dev_signer(account))
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
