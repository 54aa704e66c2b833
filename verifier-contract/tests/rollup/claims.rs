//! Claims: a withdrawal is paid once, in full, to its owner.

use alloy::contract::SolCallBuilder;
use alloy::primitives::{Address, B256, U256};
use alloy::providers::{DynProvider, Provider};
use weft_contract::bindings::IRollup::{self, IRollupErrors, WithdrawalClaimed};
use weft_contract::bindings::ITestToken;
use weft_contract::deploy::deploy;
use weft_protocol::{Outcome, Withdrawal};

use crate::support::*;

/// A contract that, when it is called, calls the caller back with the calldata that follows it, and goes on.
/// PUSH2 length, PUSH1 18, PUSH0, CODECOPY, then CALL(gas, caller, 0, 0, length, 0, 0), STOP.
fn calls_back(calldata: &[u8]) -> String {
    let length = u16::try_from(calldata.len()).unwrap();
    format!("61{length:04x}60125f395f5f61{length:04x}5f5f335af100{}", alloy::hex::encode(calldata))
}

/// A claim's arguments, as a test may alter them.
#[derive(Clone)]
struct Claim {
    number: u32,
    position: u32,
    owner: Address,
    asset: u16,
    amount: u64,
    path: Vec<B256>,
}

impl Claim {
    fn new(number: u32, withdrawals: &[Withdrawal], position: usize) -> Self {
        let withdrawal = &withdrawals[position];
        Self {
            number,
            position: u32::try_from(position).unwrap(),
            owner: withdrawal.owner.0.into(),
            asset: withdrawal.asset.0,
            amount: withdrawal.amount.get(),
            path: Withdrawal::path(withdrawals, position).into_iter().map(B256::from).collect(),
        }
    }

    fn call(self, rollup: &Rollup) -> SolCallBuilder<&DynProvider, IRollup::claimCall> {
        rollup.call_builder(&IRollup::claimCall {
            number: self.number,
            position: self.position,
            owner: self.owner,
            asset: self.asset,
            amount: self.amount,
            path: self.path,
        })
    }

    async fn refused(self, rollup: &Rollup) -> IRollupErrors {
        refusal(self.call(rollup).from(user(3)).call().await)
    }
}

/// Proves a batch that pays these: (owner, asset, amount).
async fn pay_out(fixture: &Fixture, payments: &[(Address, u16, u64)]) -> Vec<Withdrawal> {
    let (records, withdrawals): (Vec<_>, Vec<_>) =
        payments.iter().map(|&(owner, asset, amount)| withdraw(owner, asset, amount)).unzip();
    fixture.process(&fixture.batch(records.concat(), 0).await).await;
    withdrawals
}

#[tokio::test(flavor = "multi_thread")]
async fn every_withdrawal_of_a_batch_is_paid_to_the_unit() {
    let fixture = Fixture::new().await;
    fixture.deposit(1, 1, user(1), 1_000).await;
    fixture.mint(1, 1_000).await;
    send(fixture.as_user(1).deposit(TOKEN, U256::from(1_000 * TOKEN_SCALE), 1, user(1))).await;
    let token = ITestToken::new(fixture.token, fixture.rollup.provider().clone());
    // An address of its own for each payment.
    let owner = |number: u32, position: usize| user(1_000 * number + u32::try_from(position).unwrap());
    for (number, count) in [(1, 1), (2, 2), (3, 3), (4, 5), (5, 8)] {
        let payments: Vec<_> = (0..count)
            .map(|position| {
                let asset = if position % 2 == 0 { ETH } else { TOKEN };
                (owner(number, position), asset, 10 + position as u64)
            })
            .collect();
        let withdrawals = pay_out(&fixture, &payments).await;
        for (position, &(owner, asset, amount)) in payments.iter().enumerate() {
            let before = fixture.rollup.assets(asset).call().await.unwrap().locked;
            let claim = Claim::new(number, &withdrawals, position);
            let receipt = send(claim.call(&fixture.as_user(3))).await;
            let event: WithdrawalClaimed = event(&receipt);
            assert_eq!((event.number, event.position), (number, u32::try_from(position).unwrap()));
            assert_eq!((event.owner, event.asset, event.amount), (owner, asset, amount));
            let (paid, scale) = if asset == ETH {
                (fixture.rollup.provider().get_balance(owner).await.unwrap(), GWEI)
            } else {
                (token.balanceOf(owner).call().await.unwrap(), TOKEN_SCALE)
            };
            assert_eq!(paid, U256::from(amount * scale));
            assert_eq!(fixture.rollup.assets(asset).call().await.unwrap().locked, before - amount);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_is_paid_once() {
    let fixture = Fixture::new().await;
    fixture.deposit(1, 1, user(1), 1_000).await;
    let withdrawals = pay_out(&fixture, &[(STRANGER, ETH, 5), (STRANGER, ETH, 5)]).await;
    let claim = Claim::new(1, &withdrawals, 1);
    assert!(!fixture.rollup.isClaimed(1, 1).call().await.unwrap());
    send(claim.clone().call(&fixture.rollup)).await;
    assert!(fixture.rollup.isClaimed(1, 1).call().await.unwrap());
    assert!(!fixture.rollup.isClaimed(1, 0).call().await.unwrap());
    assert_eq!(
        claim.refused(&fixture.rollup).await,
        IRollupErrors::AlreadyClaimed(IRollup::AlreadyClaimed { number: 1, position: 1 })
    );
    // Its twin is another withdrawal.
    send(Claim::new(1, &withdrawals, 0).call(&fixture.rollup)).await;
    let balance = fixture.rollup.provider().get_balance(STRANGER).await.unwrap();
    assert_eq!(balance, U256::from(10 * GWEI));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_must_match_its_leaf() {
    let fixture = Fixture::new().await;
    fixture.deposit(1, 1, user(1), 1_000).await;
    let withdrawals = pay_out(&fixture, &[(STRANGER, ETH, 5), (user(1), ETH, 6), (user(2), ETH, 7)]).await;
    let good = Claim::new(1, &withdrawals, 1);
    let alterations: [fn(&mut Claim); 8] = [
        |claim| claim.owner = user(3),
        |claim| claim.amount = 7,
        |claim| claim.asset = TOKEN,
        |claim| claim.position = 0,
        |claim| claim.path.swap(0, 1),
        |claim| claim.path.truncate(1),
        |claim| claim.number = 2,
        |claim| claim.number = 0,
    ];
    for alter in alterations {
        let mut claim = good.clone();
        alter(&mut claim);
        let refusal = claim.refused(&fixture.rollup).await;
        assert!(matches!(refusal, IRollupErrors::WrongPath(_)), "{refusal:?}");
    }
    send(good.call(&fixture.rollup)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_has_one_position() {
    let fixture = Fixture::new().await;
    fixture.deposit(1, 1, user(1), 1_000).await;
    let withdrawals = pay_out(&fixture, &[(STRANGER, ETH, 5), (user(1), ETH, 6)]).await;
    let good = Claim::new(1, &withdrawals, 1);
    for position in [2 + 1, (1 << 31) + 1] {
        let claim = Claim { position, ..good.clone() };
        assert_eq!(
            claim.refused(&fixture.rollup).await,
            IRollupErrors::PositionOutOfRange(IRollup::PositionOutOfRange { position, pathLength: U256::from(1) })
        );
    }
    let long = Claim { path: vec![B256::ZERO; 32], ..good };
    let refusal = long.refused(&fixture.rollup).await;
    assert!(matches!(refusal, IRollupErrors::PositionOutOfRange(_)), "{refusal:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inner_node_is_no_leaf() {
    let fixture = Fixture::new().await;
    fixture.deposit(1, 1, user(1), 1_000).await;
    let withdrawals = pay_out(&fixture, &[(STRANGER, ETH, 5), (user(1), ETH, 6)]).await;
    let leaf = B256::from(withdrawals[0].leaf());
    // 30 bytes of a node's 64 do not hash to it.
    let claim = Claim {
        number: 1,
        position: 0,
        owner: Address::from_slice(&leaf[..20]),
        asset: u16::from_be_bytes([leaf[20], leaf[21]]),
        amount: u64::from_be_bytes(*leaf[22..].first_chunk().unwrap()),
        path: vec![],
    };
    assert!(matches!(claim.refused(&fixture.rollup).await, IRollupErrors::WrongPath(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounced_deposit_goes_back_to_its_sender() {
    let fixture = Fixture::new().await;
    let entry = fixture.deposit(4, 77, STRANGER, 40).await;
    fixture.process(&fixture.batch(taken(&entry, 0, Outcome::Bounced), 1).await).await;
    let withdrawals = [refund(&entry)];
    let to_owner = Claim { owner: STRANGER, ..Claim::new(1, &withdrawals, 0) };
    assert!(matches!(to_owner.refused(&fixture.rollup).await, IRollupErrors::WrongPath(_)));

    let before = fixture.rollup.provider().get_balance(user(4)).await.unwrap();
    send(Claim::new(1, &withdrawals, 0).call(&fixture.as_user(3))).await;
    let after = fixture.rollup.provider().get_balance(user(4)).await.unwrap();
    assert_eq!(after - before, U256::from(40 * GWEI));
    assert_eq!(fixture.rollup.assets(ETH).call().await.unwrap().locked, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_paid_before_the_proof() {
    let fixture = Fixture::new().await;
    fixture.deposit(1, 1, user(1), 1_000).await;
    let (records, withdrawal) = withdraw(STRANGER, ETH, 5);
    let batch = fixture.batch(records, 0).await;
    let content = fixture.commit(&batch).await;
    let claim = Claim::new(1, &[withdrawal], 0);
    assert!(matches!(claim.clone().refused(&fixture.rollup).await, IRollupErrors::WrongPath(_)));
    send(fixture.rollup.prove(content, fixture.proof(&batch))).await;
    send(claim.call(&fixture.rollup)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_cannot_claim_from_within_a_claim() {
    let fixture = Fixture::new().await;
    fixture.deposit(1, 1, user(1), 1_000).await;
    // The owner's address must be known before its code: it is the first contract of user 9.
    let deployer = fixture.chain.provider(weft_contract::embedded::dev_signer(9));
    let owner = user(9).create(0);
    let withdrawals = pay_out(&fixture, &[(owner, ETH, 5), (owner, ETH, 6)]).await;
    let nested = Claim::new(1, &withdrawals, 1).call(&fixture.rollup).calldata().clone();
    assert_eq!(deploy(&deployer, creation_code(&calls_back(&nested))).await.unwrap(), owner);

    send(Claim::new(1, &withdrawals, 0).call(&fixture.rollup)).await;
    assert!(!fixture.rollup.isClaimed(1, 1).call().await.unwrap(), "the nested claim is refused");
    let balance = fixture.rollup.provider().get_balance(owner).await.unwrap();
    assert_eq!(balance, U256::from(5 * GWEI));

    // On its own the same claim is good.
    send(Claim::new(1, &withdrawals, 1).call(&fixture.rollup)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_payment_can_be_tried_again() {
    let fixture = Fixture::new().await;
    fixture.deposit(1, 1, user(1), 1_000).await;
    // The token contract takes no ETH.
    let withdrawals = pay_out(&fixture, &[(fixture.token, ETH, 5)]).await;
    let claim = Claim::new(1, &withdrawals, 0).call(&fixture.rollup).from(user(3)).call().await;
    assert!(claim.is_err());
    assert!(!fixture.rollup.isClaimed(1, 0).call().await.unwrap());
}
