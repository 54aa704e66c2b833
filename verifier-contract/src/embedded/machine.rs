//! The EVM and the state it runs on.

use alloy::consensus::{Transaction, TxEnvelope};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::rpc::types::TransactionRequest;
use revm::context::result::{EVMError, ExecutionResult, InvalidTransaction};
use revm::context::{BlockEnv, TxEnv};
use revm::database::InMemoryDB;
use revm::primitives::hardfork::SpecId;
use revm::state::AccountInfo;
use revm::{Context, Database, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};

use super::RpcError;

/// Most gas of a transaction (EIP-7825).
pub const TRANSACTION_GAS_CAP: u64 = 1 << 24;

/// The fork whose rules the chain runs.
const FORK: SpecId = SpecId::OSAKA;

/// Gas that a call with value hands to the callee for free; an estimate keeps it in reserve.
const CALL_STIPEND: u64 = 2_300;

/// World state and the rules to change it.
#[derive(Debug)]
pub(super) struct Machine {
    chain_id: u64,
    state: InMemoryDB,
}

impl Machine {
    pub(super) fn new(chain_id: u64) -> Self {
        Self { chain_id, state: InMemoryDB::default() }
    }

    /// Gives an account a balance out of nothing.
    pub(super) fn fund(&mut self, address: Address, balance: U256) {
        self.state.insert_account_info(address, AccountInfo::from_balance(balance));
    }

    /// Makes a block's hash known to the EVM.
    pub(super) fn record_block(&mut self, number: u64, hash: B256) {
        self.state.cache.block_hashes.insert(U256::from(number), hash);
    }

    /// Runs a signed transaction and keeps its effects.
    pub(super) fn execute(
        &mut self,
        transaction: &TxEnvelope,
        sender: Address,
        block: BlockEnv,
    ) -> Result<ExecutionResult, RpcError> {
        let transaction = signed_transaction(transaction, sender);
        self.context(block).build_mainnet().transact_commit(transaction).map_err(rejection)
    }

    /// Runs a call and drops its effects.
    pub(super) fn call(
        &mut self,
        request: &TransactionRequest,
        block: &BlockEnv,
        gas_limit: u64,
    ) -> Result<ExecutionResult, RpcError> {
        let sender = request.from.unwrap_or_default();
        let transaction = TxEnv::builder()
            .caller(sender)
            .kind(request.to.unwrap_or_default())
            .value(request.value.unwrap_or_default())
            .data(request.input.input().cloned().unwrap_or_default())
            .nonce(self.account(sender).nonce)
            .chain_id(Some(self.chain_id))
            .gas_limit(gas_limit)
            .build()
            .map_err(|error| RpcError::invalid_params(format!("{error:?}")))?;
        // Calls are free: nobody pays for their gas.
        let block = BlockEnv { basefee: 0, ..block.clone() };
        let outcome = self.context(block).build_mainnet().transact(transaction).map_err(rejection)?;
        Ok(outcome.result)
    }

    /// Smallest gas limit, to within 1/64, at which a call succeeds.
    pub(super) fn estimate(&mut self, request: &TransactionRequest, block: &BlockEnv) -> Result<u64, RpcError> {
        let cap = request.gas.unwrap_or(TRANSACTION_GAS_CAP).min(TRANSACTION_GAS_CAP);
        let result = self.call(request, block, cap)?;
        let used = result.gas().total_gas_spent().max(result.gas().floor_gas());
        success(result)?;

        let (mut low, mut high) = (used - 1, cap);
        // A call may hand on only 63/64 of its gas, so the first guess leaves room for one level of calls.
        let mut guess = ((used + CALL_STIPEND) / 63 * 64).min(cap);
        while high - low > high / 64 {
            let enough = self.call(request, block, guess).is_ok_and(|result| result.is_success());
            if enough {
                high = guess;
            } else {
                low = guess;
            }
            guess = low + (high - low) / 2;
        }
        Ok(high)
    }

    /// An account; an empty one if there is none.
    pub(super) fn account(&mut self, address: Address) -> AccountInfo {
        let Ok(account) = self.state.basic(address);
        account.unwrap_or_default()
    }

    /// An account's code.
    pub(super) fn code(&mut self, address: Address) -> Bytes {
        let account = self.account(address);
        let Ok(code) = self.state.code_by_hash(account.code_hash);
        code.original_bytes()
    }

    /// A word of an account's storage.
    pub(super) fn storage(&mut self, address: Address, slot: U256) -> U256 {
        let Ok(word) = self.state.storage(address, slot);
        word
    }

    fn context(&mut self, block: BlockEnv) -> revm::handler::MainnetContext<&mut InMemoryDB> {
        Context::mainnet().with_db(&mut self.state).with_block(block).modify_cfg_chained(|rules| {
            rules.set_spec_and_mainnet_gas_params(FORK);
            rules.chain_id = self.chain_id;
        })
    }
}

/// What a call returned.
pub(super) fn success(result: ExecutionResult) -> Result<Bytes, RpcError> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(RpcError::Reverted { output }),
        ExecutionResult::Halt { reason, .. } => Err(RpcError::Halted { reason: reason.to_string() }),
    }
}

fn signed_transaction(transaction: &TxEnvelope, sender: Address) -> TxEnv {
    TxEnv {
        tx_type: transaction.tx_type() as u8,
        caller: sender,
        gas_limit: transaction.gas_limit(),
        gas_price: transaction.max_fee_per_gas(),
        kind: transaction.kind(),
        value: transaction.value(),
        data: transaction.input().clone(),
        nonce: transaction.nonce(),
        chain_id: transaction.chain_id(),
        access_list: transaction.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: transaction.max_priority_fee_per_gas(),
        ..TxEnv::default()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands its error over")]
fn rejection(error: EVMError<std::convert::Infallible, InvalidTransaction>) -> RpcError {
    RpcError::Rejected { reason: error.to_string() }
}
