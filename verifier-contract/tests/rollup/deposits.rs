//! Deposits: what is refused, what is queued, what is locked.

use alloy::primitives::{Address, B256, Bytes, U256};
use weft_contract::bindings::IRollup::{self, DepositQueued, IRollupErrors};
use weft_contract::bindings::ITestToken;
use weft_contract::deploy::deploy;
use weft_protocol::Record;

use crate::support::*;

const KEY: B256 = B256::new([5; 32]);

fn gwei(amount: u64) -> U256 {
    U256::from(amount) * U256::from(GWEI)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_chain_is_the_protocols() {
    let fixture = Fixture::new().await;
    let entries = [
        fixture.deposit_open(1, user(1), KEY, 100).await,
        fixture.deposit(1, 0x0fff_ffff, user(1), 7).await,
        fixture.deposit(2, u32::MAX, user(1), 8).await,
        fixture.deposit_open(2, STRANGER, B256::ZERO, 9).await,
    ];
    let mut chain = [0; 32];
    for (index, entry) in entries.iter().enumerate() {
        let index = u64::try_from(index).unwrap();
        assert_eq!(fixture.rollup.chainAt(index).call().await.unwrap(), B256::from(chain));
        chain = entry.extend(&chain);
        let stored = fixture.rollup.queueEntry(index).call().await.unwrap();
        assert_eq!(stored.sender, Address::from(entry.sender.0));
        assert!(stored.time.to::<u64>() <= fixture.now().await && !stored.time.is_zero());
    }
    assert_eq!(fixture.rollup.chainAt(4).call().await.unwrap(), B256::from(chain));
    assert_eq!(fixture.rollup.progress().call().await.unwrap().queueLength, 4);
    assert_eq!(fixture.rollup.assets(ETH).call().await.unwrap().locked, 100 + 7 + 8 + 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_tells_the_whole_entry() {
    let fixture = Fixture::new().await;
    let receipt = send(fixture.as_user(1).deposit(ETH, gwei(3), 77, user(2)).value(gwei(3))).await;
    let event: DepositQueued = event(&receipt);
    assert_eq!((event.entry, event.sender, event.owner), (0, user(1), user(2)));
    assert_eq!(event.chain, fixture.rollup.chainAt(1).call().await.unwrap());
    let (first, rest) = event.records.split_first_chunk::<21>().unwrap();
    let fields = Record::from_bytes(first).fields().unwrap();
    assert_eq!((fields.a.0, fields.asset.0, fields.amount.get()), (77, ETH, 3));
    assert_eq!(rest, Record::address(&weft_protocol::Address(user(2).into_array())).to_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_taken_from_the_sender() {
    let fixture = Fixture::new().await;
    fixture.mint(1, 50).await;
    let amount = U256::from(50) * U256::from(TOKEN_SCALE);
    send(fixture.as_user(1).deposit(TOKEN, amount, 4, user(1))).await;
    let token = ITestToken::new(fixture.token, fixture.rollup.provider().clone());
    assert_eq!(token.balanceOf(user(1)).call().await.unwrap(), U256::ZERO);
    assert_eq!(token.balanceOf(*fixture.rollup.address()).call().await.unwrap(), amount);
    assert_eq!(fixture.rollup.assets(TOKEN).call().await.unwrap().locked, 50);

    // Nothing is left to take: the token refuses, and so does the rollup.
    let again = fixture.as_user(1).deposit(TOKEN, amount, 4, user(1)).from(user(1)).call().await;
    assert!(again.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_positive_multiples_of_the_scale() {
    let fixture = Fixture::new().await;
    for (asset, amount, scale) in [(ETH, 0, GWEI), (ETH, GWEI + 1, GWEI), (TOKEN, TOKEN_SCALE - 1, TOKEN_SCALE)] {
        let amount = U256::from(amount);
        let value = if asset == ETH { amount } else { U256::ZERO };
        let expected = IRollupErrors::DustAmount(IRollup::DustAmount { amount, scale: U256::from(scale) });
        let deposit = fixture.rollup.deposit(asset, amount, 4, STRANGER).value(value).from(user(1)).call().await;
        assert_eq!(refusal(deposit), expected);
        let open = fixture.rollup.depositOpen(asset, amount, STRANGER, KEY).value(value).from(user(1)).call().await;
        assert_eq!(refusal(open), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unlisted_assets_zero_owners_and_bad_keys_are_refused() {
    let fixture = Fixture::new().await;
    let rollup = &fixture.rollup;
    for asset in [0, 3, u16::MAX] {
        let result = rollup.deposit(asset, gwei(1), 4, STRANGER).from(user(1)).call().await;
        assert_eq!(refusal(result), IRollupErrors::UnlistedAsset(IRollup::UnlistedAsset { id: asset }));
    }
    let zero = rollup.deposit(ETH, gwei(1), 4, Address::ZERO).value(gwei(1)).from(user(1)).call().await;
    assert_eq!(refusal(zero), IRollupErrors::ZeroOwner(IRollup::ZeroOwner {}));
    for word in 0..4 {
        let digest = non_canonical(word);
        let result = rollup.depositOpen(ETH, gwei(1), STRANGER, digest).value(gwei(1)).from(user(1)).call().await;
        assert_eq!(refusal(result), IRollupErrors::NonCanonicalDigest(IRollup::NonCanonicalDigest { digest }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_value_sent_is_the_amount() {
    let fixture = Fixture::new().await;
    fixture.mint(1, 1).await;
    for (asset, amount, value, expected) in [
        (ETH, gwei(2), gwei(1), gwei(2)),
        (ETH, gwei(2), gwei(3), gwei(2)),
        (ETH, gwei(2), U256::ZERO, gwei(2)),
        (TOKEN, U256::from(TOKEN_SCALE), gwei(1), U256::ZERO),
    ] {
        let result = fixture.rollup.deposit(asset, amount, 4, STRANGER).value(value).from(user(1)).call().await;
        assert_eq!(refusal(result), IRollupErrors::WrongValue(IRollup::WrongValue { expected, sent: value }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_locked_sum_stays_below_2_to_the_62() {
    let fixture = Fixture::new().await;
    let limit = 1u64 << 62;
    let units = |count: u64| U256::from(count) * U256::from(TOKEN_SCALE);
    let deposit = |amount: U256| fixture.rollup.deposit(TOKEN, amount, 4, STRANGER).from(user(1));
    let too_large = |locked: u64, units: U256| {
        IRollupErrors::LockedSumTooLarge(IRollup::LockedSumTooLarge { asset: TOKEN, locked: U256::from(locked), units })
    };
    assert_eq!(refusal(deposit(units(limit)).call().await), too_large(0, U256::from(limit)));
    let most = U256::MAX / U256::from(TOKEN_SCALE);
    assert_eq!(refusal(deposit(most * U256::from(TOKEN_SCALE)).call().await), too_large(0, most));

    fixture.mint(1, limit).await;
    send(fixture.as_user(1).deposit(TOKEN, units(limit - 2), 4, STRANGER)).await;
    assert_eq!(refusal(deposit(units(2)).call().await), too_large(limit - 2, U256::from(2)));
    send(fixture.as_user(1).deposit(TOKEN, units(1), 4, STRANGER)).await;
    assert_eq!(refusal(deposit(units(1)).call().await), too_large(limit - 1, U256::from(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_hands_over_less_is_refused() {
    let fixture = Fixture::new().await;
    let hollow = deploy(fixture.rollup.provider(), creation_code(ANSWERS_ONE)).await.unwrap();
    send(fixture.rollup.listAsset(hollow, alloy::primitives::aliases::U96::from(1))).await;
    let result = fixture.rollup.deposit(3, U256::from(10), 4, STRANGER).from(user(1)).call().await;
    assert_eq!(
        refusal(result),
        IRollupErrors::TransferShortfall(IRollup::TransferShortfall { expected: U256::from(10), received: U256::ZERO })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn money_comes_only_with_a_deposit() {
    let fixture = Fixture::new().await;
    let transfer = alloy::rpc::types::TransactionRequest::default()
        .from(user(1))
        .to(*fixture.rollup.address())
        .value(gwei(1))
        .input(Bytes::new().into());
    assert!(alloy::providers::Provider::call(fixture.rollup.provider(), transfer).await.is_err());
}
