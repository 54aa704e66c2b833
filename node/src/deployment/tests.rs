//! Deployments that are interrupted, repeated, and given the record of another.

use alloy::network::TransactionBuilder;
use alloy::primitives::utils::parse_ether;
use alloy::rpc::types::{BlockNumberOrTag, Filter, TransactionRequest};
use alloy::sol_types::SolEvent;
use weft_contract::bindings::IRollup::{AssetListed, DepositQueued};
use weft_contract::embedded::{EmbeddedChain, EmbeddedConfig, dev_signer};
use weft_protocol::crypto::Goldilocks;

use super::*;

fn options() -> DeployOptions {
    let deployer = dev_signer(0).address();
    let fee_collector = FeeCollector { owner: weft_protocol::Address(deployer.into_array()), key: Digest::ZERO };
    DeployOptions { deployer, operator: deployer, fee_collector, salt: Digest::ZERO, test_token: true }
}

async fn logs(provider: &DynProvider, event: B256) -> usize {
    provider.get_logs(&Filter::new().from_block(0).event_signature(event)).await.unwrap().len()
}

/// Contracts that were created with this code.
async fn with_code_of(provider: &DynProvider, contract: Address) -> usize {
    let code = provider.get_code_at(contract).await.unwrap();
    let mut found = 0;
    for number in 0..=provider.get_block_number().await.unwrap() {
        let block = provider.get_block_by_number(BlockNumberOrTag::Number(number)).await.unwrap().unwrap();
        for hash in block.transactions.hashes() {
            let receipt = provider.get_transaction_receipt(hash).await.unwrap().unwrap();
            if let Some(created) = receipt.contract_address {
                found += usize::from(provider.get_code_at(created).await.unwrap() == code);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_goes_on_and_nothing_is_done_twice() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join(RECORD_FILE);
    // The deployer runs out of ETH again and again, and each time a friend helps out.
    let dev_balance = parse_ether("0.002").unwrap();
    let config = EmbeddedConfig { dev_accounts: 60, dev_balance, ..EmbeddedConfig::default() };
    let chain = EmbeddedChain::new(&config);
    let provider = chain.provider(dev_signer(0));
    let mut interruptions = 0;
    let deployed = loop {
        match deploy(&provider, &options(), Some(&record)).await {
            Ok(deployed) => break deployed,
            Err(error) => assert!(format!("{error:#}").contains("fund"), "{error:#}"),
        }
        assert_eq!(recorded(&record).unwrap(), None, "it is not complete");
        interruptions += 1;
        let gift = TransactionRequest::default()
            .with_to(dev_signer(0).address())
            .with_value(dev_balance - parse_ether("0.0005").unwrap());
        confirm(chain.provider(dev_signer(interruptions)).send_transaction(gift).await.unwrap()).await.unwrap();
    };
    assert!(interruptions >= 5, "{interruptions}");
    assert_eq!(recorded(&record).unwrap(), Some(deployed));
    let token = deployed.token.unwrap();
    assert_eq!(with_code_of(&provider, deployed.rollup).await, 1);
    assert_eq!(with_code_of(&provider, token).await, 1);
    assert_eq!(logs(&provider, AssetListed::SIGNATURE_HASH).await, 2, "ETH and the token");
    assert_eq!(logs(&provider, DepositQueued::SIGNATURE_HASH).await, 2);
    let rollup = Rollup::new(deployed.rollup, provider.clone());
    assert_eq!(rollup.assetIdOf(token).call().await.unwrap(), TOKEN.0);
    assert_eq!(rollup.progress().call().await.unwrap().queueLength, 2);

    let sent = provider.get_transaction_count(dev_signer(0).address()).await.unwrap();
    assert_eq!(deploy(&provider, &options(), Some(&record)).await.unwrap(), deployed);
    assert_eq!(provider.get_transaction_count(dev_signer(0).address()).await.unwrap(), sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_of_another_deployment_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join(RECORD_FILE);
    let provider = EmbeddedChain::new(&EmbeddedConfig::default()).provider(dev_signer(0));
    deploy(&provider, &options(), Some(&record)).await.unwrap();

    let salt = Digest([Goldilocks::from_u64(1); 4]);
    let other = deploy(&provider, &DeployOptions { salt, ..options() }, Some(&record)).await;
    assert!(other.unwrap_err().to_string().contains("other options"));
    let anew = EmbeddedChain::new(&EmbeddedConfig::default()).provider(dev_signer(0));
    let other = deploy(&anew, &options(), Some(&record)).await;
    assert!(format!("{:#}", other.unwrap_err()).contains("no contract at"));
    let config = EmbeddedConfig { chain_id: 5, ..EmbeddedConfig::default() };
    let other = deploy(&EmbeddedChain::new(&config).provider(dev_signer(0)), &options(), Some(&record)).await;
    assert!(other.unwrap_err().to_string().contains("other options"));
    fs::write(&record, b"{}").unwrap();
    assert!(recorded(&record).unwrap_err().to_string().contains("no record"));
}
