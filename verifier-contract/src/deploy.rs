//! Deployment of contracts.

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes};
use alloy::providers::{PendingTransactionError, Provider};
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolValue;
use alloy::transports::TransportError;
use thiserror::Error;

use crate::artifacts::Artifact;
use crate::bindings::RollupParameters;

/// Why a contract was not deployed.
#[derive(Debug, Error)]
pub enum DeployError {
    /// The transaction was not taken.
    #[error("deployment not sent: {0}")]
    Send(#[from] TransportError),
    /// The transaction was not seen in a block.
    #[error("deployment not confirmed: {0}")]
    Confirm(#[from] PendingTransactionError),
    /// The transaction failed.
    #[error("deployment failed in transaction {transaction}")]
    Failed {
        /// Its hash.
        transaction: B256,
    },
}

/// Deploys creation code, with the constructor's arguments appended. Returns the contract's address.
///
/// # Errors
/// The transaction was not taken, not confirmed or failed.
pub async fn deploy(provider: &impl Provider, creation_code: Bytes) -> Result<Address, DeployError> {
    let request = TransactionRequest::default().with_deploy_code(creation_code);
    let receipt = provider.send_transaction(request).await?.get_receipt().await?;
    let failed = DeployError::Failed { transaction: receipt.transaction_hash };
    if !receipt.status() {
        return Err(failed);
    }
    receipt.contract_address.ok_or(failed)
}

/// Deploys a verifier: first the contract that evaluates its gates, then the verifier, which calls it.
///
/// # Errors
/// As [`deploy`].
pub async fn deploy_verifier(
    provider: &impl Provider,
    gates: Artifact,
    verifier: Artifact,
) -> Result<Address, DeployError> {
    let gates = deploy(provider, gates.creation_code()).await?;
    let mut code = verifier.creation_code().to_vec();
    code.extend(gates.abi_encode());
    deploy(provider, code.into()).await
}

/// Deploys the rollup. Its domain follows from chain id, address and salt.
///
/// # Errors
/// As [`deploy`].
pub async fn deploy_rollup(provider: &impl Provider, parameters: &RollupParameters) -> Result<Address, DeployError> {
    let mut code = Artifact::ROLLUP.creation_code().to_vec();
    code.extend(parameters.abi_encode());
    deploy(provider, code.into()).await
}

/// Deploys a token that anyone may mint.
///
/// # Errors
/// As [`deploy`].
pub async fn deploy_test_token(provider: &impl Provider) -> Result<Address, DeployError> {
    deploy(provider, Artifact::TEST_TOKEN.creation_code()).await
}
