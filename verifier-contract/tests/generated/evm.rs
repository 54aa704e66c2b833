//! An EVM with current mainnet rules that deploys code and calls it.

use std::cell::RefCell;

use revm::context::result::{ExecutionResult, Output};
use revm::context::{Context, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::handler::{MainnetContext, MainnetEvm};
use revm::primitives::hardfork::SpecId;
use revm::primitives::{Address, Bytes, TxKind};
use revm::{ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext};

/// Gas limit of a transaction: the cap of the mainnet.
const GAS_LIMIT: u64 = 16_777_216;

type Db = CacheDB<EmptyDB>;

/// Outcome of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Return or revert data.
    pub(crate) output: Vec<u8>,
    /// Whether the call returned.
    pub(crate) success: bool,
    /// Gas of the transaction: intrinsic gas and execution, or the floor by calldata if that is more.
    pub(crate) gas: u64,
}

/// A chain of one user.
pub(crate) struct Evm {
    inner: RefCell<MainnetEvm<MainnetContext<Db>>>,
}

impl Evm {
    /// A chain without contracts.
    pub(crate) fn new() -> Self {
        let context = Context::mainnet()
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
                cfg.disable_nonce_check = true;
            })
            .with_db(Db::default());
        Self { inner: RefCell::new(context.build_mainnet()) }
    }

    fn transaction(kind: TxKind, data: Vec<u8>) -> TxEnv {
        TxEnv::builder()
            .gas_limit(GAS_LIMIT)
            .kind(kind)
            .data(Bytes::from(data))
            .build()
            .expect("the fields of a plain transaction are set")
    }

    /// Deploys `creation` with `argument` appended.
    pub(crate) fn deploy(&self, creation: &[u8], argument: &[u8]) -> Address {
        let transaction = Self::transaction(TxKind::Create, [creation, argument].concat());
        match self.inner.borrow_mut().transact_commit(transaction).expect("the transaction is well formed") {
            ExecutionResult::Success { output: Output::Create(_, Some(address)), .. } => address,
            other => unreachable!("deployment failed: {other:?}"),
        }
    }

    /// Calls `contract` without changing the state.
    pub(crate) fn call(&self, contract: Address, data: Vec<u8>) -> Outcome {
        let transaction = Self::transaction(TxKind::Call(contract), data);
        let result = self.inner.borrow_mut().transact(transaction).expect("the transaction is well formed").result;
        Outcome {
            success: result.is_success(),
            gas: result.tx_gas_used(),
            output: result.into_output().map(|bytes| bytes.to_vec()).unwrap_or_default(),
        }
    }
}
