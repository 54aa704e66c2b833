//! Which rollup is meant: a node is not believed about it.
//!
//! Whoever names the contract (`--contract`, or `contract` of the profile) and L1 has domain and assets read from the
//! contract. Otherwise what the node says at the first use is kept beside the profile ([`Known`]), and a node that says
//! something else later is refused; with L1 named, it is compared with the contract as well.

use alloy::primitives::Address as L1Address;
use alloy::providers::{DynProvider, Provider};
use anyhow::{Context as _, Result};
use clap::Args;
use weft_api::AssetView;

use super::Context;
use super::exit::Refused;
use super::known::Known;
use super::options::L1Options;
use super::profile::Profile;
use crate::client::Client;
use crate::l1::{Rollup, read_assets, word};
use crate::wallet::Terms;

/// Which contract.
#[derive(Debug, Args)]
pub(super) struct ContractOptions {
    /// Address of the rollup's contract that is meant. Default: `contract` of the profile; without it, what the node says
    /// at the first use is kept beside the profile, and another rollup is refused later.
    #[arg(long, env = "WEFT_CONTRACT", value_name = "ADDRESS")]
    contract: Option<L1Address>,
}

impl ContractOptions {
    /// The contract that somebody named, if so.
    pub(super) fn named(&self, profile: &Profile) -> Option<L1Address> {
        self.contract.or(profile.contract)
    }

    /// The terms of a node's rollup, once they are those of the rollup that is meant.
    ///
    /// # Errors
    /// They are not, or who is to be asked does not answer.
    pub(super) async fn terms(&self, client: &Client, l1: &L1Options, context: &Context) -> Result<Terms> {
        let profile = &context.profile;
        let terms = Terms::from(client.config().await?.node);
        let contract = self.named(profile);
        let says = |what: &str, node: &str, meant: &str| {
            Refused(format!("{} is not the node that is meant: it says {what} {node}, not {meant}", client.base()))
        };
        let node = L1Address::from(terms.deployment.contract.0);
        if let Some(meant) = contract.filter(|meant| *meant != node) {
            return Err(says("contract", &node.to_string(), &meant.to_string()).into());
        }
        let node = terms.deployment.chain_id;
        if let Some(meant) = profile.chain_id.filter(|meant| *meant != node) {
            return Err(says("chain", &node.to_string(), &meant.to_string()).into());
        }
        let l1 = l1.reader(profile)?;
        if let Some(l1) = &l1 {
            compare(&terms, l1).await?;
        }
        if contract.is_none() || l1.is_none() {
            let known = Known::beside(profile)?;
            if let Some(note) = known.check(client.base(), &terms)? {
                context.output.note(&note);
            }
        }
        Ok(terms)
    }
}

/// Compares what a node says with the contract on L1.
async fn compare(terms: &Terms, l1: &DynProvider) -> Result<()> {
    let Terms { deployment, assets } = terms;
    let chain = l1.get_chain_id().await.context("cannot ask L1 for its chain")?;
    if chain != deployment.chain_id {
        let reason = format!("the rollup is on chain {}, this L1 is chain {chain}", deployment.chain_id);
        return Err(Refused(reason).into());
    }
    let rollup = Rollup::new(deployment.contract.0.into(), l1.clone());
    let address = rollup.address();
    let no_rollup = || format!("what the node says is the rollup, {address}, does not answer as one");
    let domain = rollup.domain().call().await.with_context(no_rollup)?;
    if domain != word(&deployment.domain.0) {
        let reason = format!("the node says domain {}, the contract {address} says {domain}", deployment.domain.0);
        return Err(Refused(reason).into());
    }
    same_assets("the contract", &read_assets(&rollup).await.with_context(no_rollup)?, assets)
}

/// Every asset that the node lists must be one that `source` lists, which may have more.
pub(super) fn same_assets(source: &str, listed: &[AssetView], node: &[AssetView]) -> Result<()> {
    let words = |asset: &AssetView| match asset.token {
        Some(token) => format!("token {token}, scale {}", asset.scale),
        None => format!("the chain's coin, scale {}", asset.scale),
    };
    for asset in node {
        let theirs = listed.iter().find(|listed| listed.id == asset.id);
        if theirs != Some(asset) {
            let theirs = theirs.map_or_else(|| "there is none".to_owned(), words);
            let reason = format!("the node says asset {} is {}; {source} says {theirs}", asset.id, words(asset));
            return Err(Refused(reason).into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use weft_api::{ApiLimits, ConfigView, Deployment, FullConfigView, NodeLimits, SecurityView};
    use weft_protocol::crypto::Digest;
    use weft_protocol::{Address, Amount, Domain};

    use super::super::output::Output;
    use super::*;
    use crate::client::testing::node;
    use crate::l1::testing::World;

    /// The body of `/v1/config` of an honest node.
    fn config(terms: &Terms) -> Value {
        let node = ConfigView {
            deployment: terms.deployment,
            genesis_salt: Digest::ZERO,
            sequencer: None,
            assets: terms.assets.clone(),
            circuits: vec![],
            security: SecurityView { conjectured_bits: 100, proven_bits: 59 },
            limits: NodeLimits {
                pool_transactions: 1,
                pool_transactions_per_account: 1,
                batch_slots: 1,
                batch_records: 1,
                batch_milliseconds: 1,
                unverified_batches: 1,
            },
        };
        let api = ApiLimits {
            body_bytes: 1,
            submit_transactions: 1,
            page_items: 1,
            requests_per_second: 1,
            requests_burst: 1,
            streams: 1,
            stream_seconds: 1,
        };
        json!(FullConfigView { node, api })
    }

    fn terms_of(contract: L1Address, domain: Domain, assets: Vec<AssetView>) -> Terms {
        let deployment = Deployment { chain_id: 31_337, contract: Address(contract.into_array()), domain };
        Terms { deployment, assets }
    }

    #[tokio::test]
    async fn what_the_node_says_is_compared_with_the_contract() {
        let world = World::new().await;
        let l1 = world.rollup.provider().clone();
        let honest = terms_of(*world.rollup.address(), world.domain, read_assets(&world.rollup).await.unwrap());
        assert!(!honest.assets.is_empty());
        compare(&honest, &l1).await.unwrap();
        let lies: [fn(&mut Terms); 5] = [
            |terms| terms.deployment.chain_id = 1,
            |terms| terms.deployment.domain = Domain(Digest::ZERO),
            |terms| terms.assets[0].scale = Amount::new(1).unwrap(),
            |terms| terms.assets[0].token = Some(Address([1; 20])),
            |terms| terms.assets[0].id = 9,
        ];
        for lie in lies {
            let mut terms = honest.clone();
            lie(&mut terms);
            let error = compare(&terms, &l1).await.unwrap_err();
            assert!(error.is::<Refused>(), "{error:#}");
        }
        let mut terms = honest;
        terms.deployment.contract = Address([7; 20]);
        assert!(compare(&terms, &l1).await.unwrap_err().to_string().contains("does not answer as one"));
    }

    #[tokio::test]
    async fn a_node_of_another_rollup_is_refused() {
        let meant = L1Address::repeat_byte(1);
        let terms = terms_of(L1Address::repeat_byte(2), Domain(Digest::ZERO), vec![]);
        let client = node(vec![("/v1/config", config(&terms))]);
        let folder = tempfile::tempdir().unwrap();
        let asked = async |contract, chain_id| {
            let profile = Profile { folder: Some(folder.path().to_owned()), chain_id, ..Profile::default() };
            let context = Context { circuit_cache: None, profile, output: Output::Json };
            ContractOptions { contract }.terms(&client, &L1Options::default(), &context).await
        };
        let error = asked(Some(meant), None).await.unwrap_err().to_string();
        assert!(error.contains("0x0202") && error.contains("0x0101"), "{error}");
        let error = asked(None, Some(1)).await.unwrap_err().to_string();
        assert!(error.contains("chain 31337, not 1"), "{error}");
        assert_eq!(asked(None, Some(31_337)).await.unwrap(), terms);
        assert!(folder.path().join(super::super::known::FILE).exists());
    }
}
