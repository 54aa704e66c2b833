//! A rollup on an L1 that answers badly.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use alloy::eips::BlockNumberOrTag;
use alloy::network::EthereumWallet;
use alloy::primitives::{Address, U256, hex};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use serde_json::Value;
use serde_json::value::to_raw_value;
use tower::Service;
use weft_contract::bindings::RollupParameters;
use weft_contract::deploy::{deploy, deploy_rollup};
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, EmbeddedTransport, dev_signer};
use weft_protocol::crypto::{Digest, Tag, poseidon};
use weft_protocol::{
    DataPoint, Domain, Environment, RunningState, SealStatement, Timestamp, chain_records, evaluate_data,
};

use super::{PostOrder, Rollup, word};

/// Creates a contract that answers every call with 1: a verifier that accepts everything. Eight bytes of code, and ten in
/// front of it that return them.
const ACCEPTS: [u8; 18] = hex!("6008600a5f396008 5ff3 60015f5260205ff3");

/// A rollup whose verifier accepts everything.
pub(crate) struct World {
    pub(crate) chain: EmbeddedChain,
    /// As an L1 that always answers shows it.
    pub(crate) rollup: Rollup,
    pub(crate) domain: Domain,
    pub(crate) operator: Address,
}

impl World {
    pub(crate) async fn new() -> Self {
        let chain = EmbeddedChain::new(&EmbeddedConfig::default());
        let (provider, operator) = (chain.provider(dev_signer(0)), dev_signer(0).address());
        let parameters = RollupParameters {
            verifier: deploy(&provider, ACCEPTS.to_vec().into()).await.unwrap(),
            genesisRoot: word(&RunningState::genesis().root),
            genesisSalt: word(&Digest::ZERO),
            operator,
            lister: operator,
        };
        let address = deploy_rollup(&provider, &parameters).await.unwrap();
        let contract = weft_protocol::Address(address.into_array());
        let domain = Domain::new(EmbeddedConfig::default().chain_id, &contract, &Digest::ZERO).unwrap();
        Self { chain, rollup: Rollup::new(address, provider), domain, operator }
    }

    /// The rollup as an L1 shows it that answers what `fault` says.
    pub(crate) fn seen_through(
        &self,
        fault: impl Fn(&EmbeddedChain, &str, &Value) -> Answer + Send + Sync + 'static,
    ) -> Rollup {
        let transport = Unreliable { chain: self.chain.clone(), inner: self.chain.transport(), fault: Arc::new(fault) };
        let client = RpcClient::new(transport, true).with_poll_interval(Duration::from_millis(20));
        let provider = ProviderBuilder::new()
            .disable_recommended_fillers()
            .with_gas_estimation()
            .with_simple_nonce_management()
            .fetch_chain_id()
            .wallet(EthereumWallet::from(dev_signer(0)))
            .connect_client(client)
            .erased();
        Rollup::new(*self.rollup.address(), provider)
    }

    /// Puts an entry into the queue.
    pub(crate) async fn deposit(&self) {
        let amount = U256::from(1_000_000_000_000u64);
        let call = self.rollup.depositOpen(1, amount, self.operator, word(&Digest::ZERO)).value(amount);
        assert!(call.send().await.unwrap().get_receipt().await.unwrap().status());
    }

    /// The first batch, without records, that leads to a root named by `seed`.
    pub(super) async fn order(&self, seed: Tag) -> PostOrder {
        let head = self.rollup.provider().get_block_by_number(BlockNumberOrTag::Latest).await;
        let timestamp = head.unwrap().unwrap().header.timestamp;
        let timestamp = Timestamp::new(timestamp).unwrap();
        let environment = Environment { domain: self.domain, batch_number: 1, timestamp };
        let (context, chain) = (environment.context(), chain_records(Digest::ZERO, &[]));
        let z = DataPoint::of_batch(&context, &[], &chain);
        let statement = SealStatement {
            context,
            root_before: RunningState::genesis().root,
            root_after: poseidon::hash(seed, &[]),
            chain,
            record_count: 0,
            z,
            value: evaluate_data(&[], z),
        };
        PostOrder {
            statement,
            environment,
            data: Vec::new(),
            withdrawals_root: [0; 32],
            queue: 0..0,
            queue_chain_start: [0; 32],
            queue_chain_end: [0; 32],
            proof: vec![1, 2, 3],
            l1_block: 0,
        }
    }

    /// How many transactions the operator's account has in blocks.
    pub(crate) async fn sent(&self) -> u64 {
        self.rollup.provider().get_transaction_count(self.operator).await.unwrap()
    }
}

/// What comes back from a request.
pub(crate) enum Answer {
    /// What the chain answers.
    Honest,
    /// Nothing, although the chain has done it.
    Lost,
    /// An error object, and the chain was not asked.
    Refused,
    /// This instead.
    Other(Value),
}

type Fault = dyn Fn(&EmbeddedChain, &str, &Value) -> Answer + Send + Sync;

#[derive(Clone)]
struct Unreliable {
    chain: EmbeddedChain,
    inner: EmbeddedTransport,
    fault: Arc<Fault>,
}

impl Service<RequestPacket> for Unreliable {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let RequestPacket::Single(request) = &packet else { return self.inner.call(packet) };
        let params = request.params().map_or(Value::Null, |raw| serde_json::from_str(raw.get()).unwrap());
        let payload = match (self.fault)(&self.chain, request.method(), &params) {
            Answer::Honest => return self.inner.call(packet),
            Answer::Lost => {
                let done = self.inner.call(packet);
                return Box::pin(async move {
                    done.await?;
                    Err(TransportErrorKind::custom_str("the connection broke"))
                });
            }
            Answer::Refused => ResponsePayload::Failure(ErrorPayload {
                code: -32_005,
                message: Cow::Borrowed("too many requests"),
                data: None,
            }),
            Answer::Other(value) => ResponsePayload::Success(to_raw_value(&value).unwrap()),
        };
        let id = request.id().clone();
        Box::pin(async move { Ok(ResponsePacket::Single(Response { id, payload })) })
    }
}
