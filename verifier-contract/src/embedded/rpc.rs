//! The JSON-RPC methods: what the node's own client needs, and a wallet's reading and sending.

use alloy::consensus::TxType;
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256, U64};
use alloy::rpc::types::{FeeHistory, Filter, FilterBlockOption, TransactionRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::RpcError;
use super::ledger::SealedBlock;
use super::machine::{Machine, TRANSACTION_GAS_CAP, success};
use super::node::{Node, decode, recover};

/// Most blocks in a fee history.
const MAX_FEE_HISTORY: u64 = 1_024;

/// Tip that the chain suggests, in wei per gas.
const SUGGESTED_TIP: u64 = 1;

impl Node {
    pub(super) fn handle(&mut self, method: &str, params: Value) -> Result<Value, RpcError> {
        let params = Params::new(params)?;
        match method {
            "web3_clientVersion" => reply(concat!("weft-embedded/", env!("CARGO_PKG_VERSION"))),
            "net_version" => reply(self.chain_id.to_string()),
            "eth_chainId" => reply(U64::from(self.chain_id)),
            "eth_blockNumber" => reply(U64::from(self.ledger.height())),
            "eth_gasPrice" => reply(U64::from(self.ledger.base_fee() + SUGGESTED_TIP)),
            "eth_maxPriorityFeePerGas" => reply(U64::from(SUGGESTED_TIP)),
            "eth_feeHistory" => self.fee_history(&params),
            "eth_getBalance" => self.account(&params, |machine, address| machine.account(address).balance),
            "eth_getTransactionCount" => {
                self.account(&params, |machine, address| U64::from(machine.account(address).nonce))
            }
            "eth_getCode" => self.account(&params, Machine::code),
            "eth_getStorageAt" => self.storage_at(&params),
            "eth_call" => self.call(&params),
            "eth_estimateGas" => self.estimate_gas(&params),
            "eth_sendRawTransaction" => self.send_raw_transaction(&params),
            "eth_getTransactionByHash" => {
                reply(self.ledger.transaction(&params.get(0)?).map(|(transaction, _)| transaction))
            }
            "eth_getTransactionReceipt" => reply(self.ledger.transaction(&params.get(0)?).map(|(_, receipt)| receipt)),
            "eth_getBlockByNumber" => self.block_by_number(&params),
            "eth_getBlockByHash" => {
                let (hash, full): (B256, bool) = (params.get(0)?, params.get_or(1, false)?);
                reply(self.ledger.block_by_hash(&hash).map(|block| block.to_rpc(full)))
            }
            "eth_getLogs" => self.logs(&params),
            _ => Err(RpcError::UnknownMethod { method: method.to_owned() }),
        }
    }

    fn account<T: Serialize>(
        &mut self,
        params: &Params,
        read: impl FnOnce(&mut Machine, Address) -> T,
    ) -> Result<Value, RpcError> {
        self.require_latest(params.get_or(1, BlockId::latest())?)?;
        reply(read(&mut self.machine, params.get(0)?))
    }

    fn storage_at(&mut self, params: &Params) -> Result<Value, RpcError> {
        self.require_latest(params.get_or(2, BlockId::latest())?)?;
        reply(B256::from(self.machine.storage(params.get(0)?, params.get(1)?)))
    }

    fn call(&mut self, params: &Params) -> Result<Value, RpcError> {
        self.require_latest(params.get_or(1, BlockId::latest())?)?;
        let request: TransactionRequest = params.get(0)?;
        let gas_limit = request.gas.unwrap_or(TRANSACTION_GAS_CAP).min(TRANSACTION_GAS_CAP);
        reply(success(self.machine.call(&request, &self.next_block(), gas_limit)?)?)
    }

    fn estimate_gas(&mut self, params: &Params) -> Result<Value, RpcError> {
        self.require_latest(params.get_or(1, BlockId::latest())?)?;
        let block = self.next_block();
        reply(U64::from(self.machine.estimate(&params.get(0)?, &block)?))
    }

    fn send_raw_transaction(&mut self, params: &Params) -> Result<Value, RpcError> {
        let transaction = decode(&params.get(0)?)?;
        if !matches!(transaction.tx_type(), TxType::Legacy | TxType::Eip2930 | TxType::Eip1559) {
            return Err(RpcError::Rejected { reason: "transaction type not supported".to_owned() });
        }
        let hash = *transaction.tx_hash();
        if self.ledger.transaction(&hash).is_some() {
            return Err(RpcError::AlreadyKnown { hash });
        }
        self.take(recover(transaction)?)?;
        reply(hash)
    }

    fn block_by_number(&self, params: &Params) -> Result<Value, RpcError> {
        let (tag, full) = (params.get(0)?, params.get_or(1, false)?);
        if tag == BlockNumberOrTag::Pending {
            return reply(self.ledger.pending(self.next_timestamp()).to_rpc(full));
        }
        let block: Option<&SealedBlock> = self.ledger.block(self.number(tag));
        reply(block.map(|block| block.to_rpc(full)))
    }

    fn logs(&self, params: &Params) -> Result<Value, RpcError> {
        let filter: Filter = params.get(0)?;
        let (from, to) = match &filter.block_option {
            FilterBlockOption::Range { from_block, to_block } => {
                let from = from_block.unwrap_or(BlockNumberOrTag::Latest);
                (self.number(from), self.number(to_block.unwrap_or(BlockNumberOrTag::Latest)))
            }
            FilterBlockOption::AtBlockHash(hash) => {
                let block = self.ledger.block_by_hash(hash);
                let block = block.ok_or_else(|| RpcError::UnknownBlock { block: hash.to_string() })?;
                (block.number(), block.number())
            }
        };
        reply(self.ledger.logs(&filter, from, to))
    }

    fn fee_history(&self, params: &Params) -> Result<Value, RpcError> {
        let count = params.get::<U64>(0)?.to::<u64>().clamp(1, MAX_FEE_HISTORY);
        let newest = self.number(params.get(1)?).min(self.ledger.height());
        let percentiles: Option<Vec<f64>> = params.get_or(2, None)?;
        let oldest = (newest + 1).saturating_sub(count);
        let blocks = (oldest..=newest).filter_map(|number| self.ledger.block(number));
        let gas_used_ratio: Vec<f64> = blocks.map(SealedBlock::gas_used_ratio).collect();
        let length = gas_used_ratio.len();
        reply(FeeHistory {
            oldest_block: oldest,
            // One more: the base fee of the block that comes next is known.
            base_fee_per_gas: vec![u128::from(self.ledger.base_fee()); length + 1],
            gas_used_ratio,
            reward: percentiles.map(|asked| vec![vec![u128::from(SUGGESTED_TIP); asked.len()]; length]),
            ..FeeHistory::default()
        })
    }

    /// The number that a tag stands for. All blocks are final.
    fn number(&self, tag: BlockNumberOrTag) -> u64 {
        match tag {
            BlockNumberOrTag::Number(number) => number,
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Latest
            | BlockNumberOrTag::Finalized
            | BlockNumberOrTag::Safe
            | BlockNumberOrTag::Pending => self.ledger.height(),
        }
    }

    fn require_latest(&self, block: BlockId) -> Result<(), RpcError> {
        let asked = match block {
            BlockId::Number(tag) => self.number(tag),
            BlockId::Hash(hash) => {
                let block = self.ledger.block_by_hash(&hash.block_hash);
                block.ok_or_else(|| RpcError::UnknownBlock { block: hash.block_hash.to_string() })?.number()
            }
        };
        let latest = self.ledger.height();
        if asked == latest { Ok(()) } else { Err(RpcError::HistoricalState { asked, latest }) }
    }
}

/// Positional parameters of a call.
struct Params(Vec<Value>);

impl Params {
    fn new(params: Value) -> Result<Self, RpcError> {
        match params {
            Value::Null => Ok(Self(Vec::new())),
            Value::Array(values) => Ok(Self(values)),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                Err(RpcError::invalid_params("an array is expected"))
            }
        }
    }

    fn get<T: DeserializeOwned>(&self, index: usize) -> Result<T, RpcError> {
        let value = self.0.get(index).ok_or_else(|| RpcError::invalid_params(format!("no parameter {index}")))?;
        T::deserialize(value).map_err(RpcError::invalid_params)
    }

    fn get_or<T: DeserializeOwned>(&self, index: usize, default: T) -> Result<T, RpcError> {
        match self.0.get(index) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => T::deserialize(value).map_err(RpcError::invalid_params),
        }
    }
}

fn reply(result: impl Serialize) -> Result<Value, RpcError> {
    Ok(serde_json::to_value(result).expect("answers have string keys and no failing serializers"))
}
