//! Construction, domain and listing of assets.

use alloy::primitives::aliases::U96;
use alloy::primitives::{Address, B256};
use weft_contract::bindings::IRollup::{self, IRollupErrors};
use weft_contract::bindings::RollupParameters;
use weft_contract::deploy::{DeployError, deploy, deploy_rollup};
use weft_contract::embedded::dev_signer;

use crate::support::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_new_rollup_stands_at_genesis() {
    let fixture = Fixture::new().await;
    let rollup = &fixture.rollup;
    assert_eq!(rollup.domain().call().await.unwrap(), B256::from(fixture.domain.0.to_bytes()));
    assert_eq!(rollup.root().call().await.unwrap(), GENESIS_ROOT);
    assert_eq!(rollup.operator().call().await.unwrap(), user(0));
    assert_eq!(rollup.lister().call().await.unwrap(), user(0));
    let progress = rollup.progress().call().await.unwrap();
    assert_eq!((progress.number, progress.queueHead, progress.queueLength), (0, 0, 0));
    assert_eq!(rollup.chainAt(0).call().await.unwrap(), B256::ZERO);
    assert_eq!(rollup.withdrawalsRoot(1).call().await.unwrap(), B256::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollup_needs_a_verifier_and_canonical_words() {
    let fixture = Fixture::new().await;
    let provider = fixture.chain.provider(dev_signer(0));
    let good = RollupParameters {
        verifier: fixture.token,
        genesisRoot: GENESIS_ROOT,
        genesisSalt: GENESIS_SALT,
        operator: user(0),
        lister: user(0),
    };
    deploy_rollup(&provider, &good).await.expect("any contract may be named as the verifier");
    let bad = [
        RollupParameters { verifier: STRANGER, ..good.clone() },
        RollupParameters { genesisRoot: non_canonical(0), ..good.clone() },
        RollupParameters { genesisSalt: non_canonical(3), ..good },
    ];
    for parameters in bad {
        let error = deploy_rollup(&provider, &parameters).await.expect_err("the constructor refuses");
        assert!(matches!(error, DeployError::Send(_)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_listed_once_by_the_lister() {
    let fixture = Fixture::new().await;
    let rollup = &fixture.rollup;
    let eth = rollup.assets(ETH).call().await.unwrap();
    assert_eq!((eth.token, eth.scale, eth.locked), (Address::ZERO, U96::from(GWEI), 0));
    let token = rollup.assets(TOKEN).call().await.unwrap();
    assert_eq!((token.token, token.scale), (fixture.token, U96::from(TOKEN_SCALE)));
    assert_eq!(rollup.assetCount().call().await.unwrap(), TOKEN);
    assert_eq!(rollup.assetIdOf(fixture.token).call().await.unwrap(), TOKEN);
    assert_eq!(rollup.assetIdOf(Address::ZERO).call().await.unwrap(), ETH);
    assert_eq!(rollup.assetIdOf(STRANGER).call().await.unwrap(), 0);

    let other = deploy(rollup.provider(), creation_code(ANSWERS_ONE)).await.unwrap();
    let scale = U96::from(1);
    let by_other = rollup.listAsset(other, scale).from(user(1)).call().await;
    assert_eq!(
        refusal(by_other),
        IRollupErrors::Unauthorized(IRollup::Unauthorized { caller: user(1), expected: user(0) })
    );
    let list = |token, scale| async move { refusal(rollup.listAsset(token, scale).from(user(0)).call().await) };
    assert_eq!(list(other, U96::ZERO).await, IRollupErrors::ZeroScale(IRollup::ZeroScale {}));
    assert_eq!(list(STRANGER, scale).await, IRollupErrors::NotAContract(IRollup::NotAContract { account: STRANGER }));
    assert_eq!(
        list(fixture.token, scale).await,
        IRollupErrors::AlreadyListed(IRollup::AlreadyListed { token: fixture.token, id: TOKEN })
    );
    assert_eq!(rollup.listAsset(other, scale).from(user(0)).call().await.unwrap(), 3);
}
