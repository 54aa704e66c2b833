//! An L1 inside the process: revm behind alloy's transport, and over HTTP.
//!
//! `dev`, `demo` and the tests deploy the real contracts here. The rules are mainnet's of the Osaka fork, with its
//! calldata floor (EIP-7623) and gas cap of a transaction (EIP-7825). What differs from a real node: every transaction
//! is a block of its own at once, blocks are final when they exist, the base fee is constant, only the latest state can
//! be read, calls run in the block that would come next, and headers carry no state root.
//!
//! A chain lives in memory, or in a folder that has a line for each block: opened again it executes them again, and stands
//! where it stood.

mod clock;
mod error;
mod http;
mod journal;
mod ledger;
mod machine;
mod node;
mod rpc;
mod transport;

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::primitives::{U256, keccak256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::client::RpcClient;
use alloy::signers::local::PrivateKeySigner;
use serde_json::Value;
use tokio::net::TcpListener;

pub use error::{OpenError, RpcError};
pub use ledger::BLOCK_GAS_LIMIT;
pub use machine::TRANSACTION_GAS_CAP;
pub use transport::EmbeddedTransport;

use node::Node;

/// How often a provider asks for news: blocks appear with their transactions, so there is nothing to wait for.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// What an [`EmbeddedChain`] starts with.
#[derive(Clone, Debug)]
pub struct EmbeddedConfig {
    /// The chain id.
    pub chain_id: u64,
    /// Number of [`dev_signer`]s that own [`EmbeddedConfig::dev_balance`].
    pub dev_accounts: u32,
    /// Wei that each dev account owns in the beginning.
    pub dev_balance: U256,
    /// Base fee of every block, in wei per gas.
    pub base_fee: u64,
}

impl Default for EmbeddedConfig {
    /// Chain 31337, 20 dev accounts with 10,000 ETH each, a base fee of 1 gwei.
    fn default() -> Self {
        Self {
            chain_id: 31_337,
            dev_accounts: 20,
            dev_balance: U256::from(10_000u64) * U256::from(10u64).pow(U256::from(18)),
            base_fee: 1_000_000_000,
        }
    }
}

/// Key of the dev account `index`: a public constant, worthless outside an embedded chain.
///
/// # Panics
/// If a hash is not below the order of the curve, which no hash that is used here is.
#[must_use]
pub fn dev_signer(index: u32) -> PrivateKeySigner {
    let secret = keccak256([b"weft dev account".as_slice(), &index.to_be_bytes()].concat());
    PrivateKeySigner::from_bytes(&secret).expect("a hash is below the curve's order but for 1 in 2^128")
}

/// A handle to an L1 that runs in this process.
#[derive(Clone, Debug)]
pub struct EmbeddedChain {
    node: Arc<Mutex<Node>>,
}

impl EmbeddedChain {
    /// A chain in memory, with its genesis block.
    #[must_use]
    pub fn new(config: &EmbeddedConfig) -> Self {
        Self::of(Node::in_memory(config))
    }

    /// The chain in a folder, with all blocks that it ever answered for; a new one if the folder has none. A block is on the
    /// disk before its transaction is answered for, and one handle at a time may have the folder open.
    ///
    /// # Errors
    /// The folder cannot be used, belongs to another process or another configuration, or is damaged otherwise than at its
    /// end, where a crash leaves what it was writing.
    pub fn open(config: &EmbeddedConfig, folder: &Path) -> Result<Self, OpenError> {
        Ok(Self::of(Node::open(config, folder)?))
    }

    fn of(node: Node) -> Self {
        Self { node: Arc::new(Mutex::new(node)) }
    }

    /// The alloy transport to this chain.
    #[must_use]
    pub fn transport(&self) -> EmbeddedTransport {
        EmbeddedTransport::new(self.clone())
    }

    /// A provider that signs with `signer` and fills in nonce, fees and gas.
    #[must_use]
    pub fn provider(&self, signer: PrivateKeySigner) -> DynProvider {
        let client = RpcClient::new(self.transport(), true).with_poll_interval(POLL_INTERVAL);
        // Nonces are asked for each time: a refused transaction must not leave a gap.
        ProviderBuilder::new()
            .disable_recommended_fillers()
            .with_gas_estimation()
            .with_simple_nonce_management()
            .fetch_chain_id()
            .wallet(EthereumWallet::from(signer))
            .connect_client(client)
            .erased()
    }

    /// Moves the clock forward by `seconds` and makes an empty block at the new time.
    ///
    /// # Errors
    /// The chain is kept on disk, and the block cannot be.
    pub fn advance_time(&self, seconds: u64) -> Result<(), RpcError> {
        self.with_node(|node| node.advance_time(seconds))
    }

    /// Answers one JSON-RPC call. Runs the EVM on the calling thread.
    ///
    /// # Errors
    /// What a node would answer instead of a result.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        self.with_node(|node| node.handle(method, params))
    }

    /// Serves JSON-RPC over HTTP on `listener` until `shutdown` ends.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        http::serve(self.clone(), listener, shutdown).await
    }

    /// As [`Self::call`], off the async executor: a verification takes tens of milliseconds.
    async fn call_blocking(&self, method: String, params: Value) -> Result<Value, RpcError> {
        let chain = self.clone();
        tokio::task::spawn_blocking(move || chain.call(&method, params))
            .await
            .expect("a call does not panic, and is not cancelled")
    }

    fn with_node<T>(&self, action: impl FnOnce(&mut Node) -> T) -> T {
        action(&mut self.node.lock().expect("no holder of the lock panics"))
    }
}
