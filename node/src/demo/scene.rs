//! The stage of the demo: L1, node, users, and what they do.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy::primitives::{Address as L1Address, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use weft_api::{BatchView, Finality, TransactionView, WithdrawalView};
use weft_contract::embedded::dev_signer;
use weft_protocol::crypto::Digest;
use weft_protocol::{AccountIndex, AssetId, TransactionKind};
use weft_prover::CircuitSet;

use super::USERS;
use super::users::{Books, Payment, User};
use crate::client::Client;
use crate::clock;
use crate::config::{BatchLimits, NodeConfig};
use crate::devnet::{Devnet, ETH_SCALE, OPERATOR, TOKEN, TOKEN_SCALE, confirm, fee_collector};
use crate::l1::word;
use crate::node::{Node, NodeParts};

/// What each user pays in, in rollup units.
const ETH_IN: u64 = 2_000_000_000;
const TOKEN_IN: u64 = 5_000_000_000;
/// Fee of a transaction, in ETH units.
const FEE: u64 = 1_000;
/// What is withdrawn.
const ETH_OUT: u64 = 123_456_789;
const TOKEN_OUT: u64 = 987_654_321;
/// Dev account that has nothing to do with the rollup and sends the claims.
const STRANGER: u32 = USERS + 1;
/// Longest time until something that needs no proof has happened.
const SOON: Duration = Duration::from_secs(30);
/// How often it is looked for.
const POLL: Duration = Duration::from_millis(20);

/// L1, node and users.
#[derive(Debug)]
pub struct Scene {
    net: Devnet,
    node: Node,
    /// What the node keeps; deleted with the scene.
    data: TempDir,
    client: Client,
    users: Vec<User>,
    books: Books,
    sent: Vec<Digest>,
    began: Instant,
    last: Instant,
    /// What the owners of withdrawals had on L1 before they were paid, in wei and in the token's smallest unit.
    before_claims: Vec<(L1Address, U256, U256)>,
}

impl Scene {
    /// Deploys the contracts on an embedded L1, starts the node.
    ///
    /// # Errors
    /// L1 or node do not start.
    pub async fn set(circuits: Arc<CircuitSet>) -> Result<Self> {
        let began = Instant::now();
        let net = Devnet::start().await?;
        Ok(Self { began, last: began, ..Self::on(net, circuits).await? })
    }

    /// Starts the node of contracts that stand at genesis.
    ///
    /// # Errors
    /// The node does not start.
    pub async fn on(net: Devnet, circuits: Arc<CircuitSet>) -> Result<Self> {
        let began = Instant::now();
        let data = tempfile::Builder::new().prefix("weft-demo-").tempdir().context("cannot make a temporary folder")?;
        let config = NodeConfig {
            // The demo seals its batches itself.
            batch: BatchLimits { seal_after: Duration::from_secs(3600), ..NodeConfig::default().batch },
            l1_poll: POLL,
            ..NodeConfig::default()
        };
        let parts = NodeParts {
            config,
            circuits,
            rollup: net.rollup_as(OPERATOR),
            operator: dev_signer(OPERATOR).address(),
            first_block: net.first_block,
            genesis_salt: net.genesis_salt,
            fee_collector: fee_collector(),
            data: data.path().to_owned(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tokens: weft_aggregator::gateway::Tokens::default(),
            workers_listen: None,
        };
        let node = Node::start(parts).await?;
        let client = Client::new(node.url());
        Ok(Self {
            net,
            node,
            data,
            client,
            users: (1..=USERS).map(User::new).collect(),
            books: Books::default(),
            sent: Vec::new(),
            began,
            last: began,
            before_claims: Vec::new(),
        })
    }

    /// The node's operator part.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// L1.
    #[must_use]
    pub const fn net(&self) -> &Devnet {
        &self.net
    }

    /// The users.
    #[must_use]
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The REST API.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Ids of all transactions so far.
    #[must_use]
    pub fn sent(&self) -> &[Digest] {
        &self.sent
    }

    /// Time since this was last asked.
    pub fn since_last(&mut self) -> Duration {
        let elapsed = self.last.elapsed();
        self.last = Instant::now();
        elapsed
    }

    /// Seconds since the scene was begun.
    #[must_use]
    pub fn since_start(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Every user opens an account with ETH, then pays in tokens.
    ///
    /// # Errors
    /// L1 refuses a deposit, or the node does not execute it soon.
    pub async fn deposit_all(&mut self) -> Result<()> {
        let eth = U256::from(ETH_IN) * U256::from(ETH_SCALE);
        for user in &self.users {
            let rollup = self.net.rollup_as(user.dev_account);
            let open = rollup.depositOpen(AssetId::ETH.0, eth, user.owner.0.into(), word(&user.key()));
            confirm(open.value(eth).send().await?).await?;
        }
        for position in 0..self.users.len() {
            let owner = self.users[position].owner;
            let client = self.client.clone();
            let account =
                soon("an account is open", || async { Ok(client.accounts_of(&owner).await?.into_iter().next()) });
            let user = &mut self.users[position];
            user.index = AccountIndex(account.await?.index);
            self.books.credit(user.index, AssetId::ETH, ETH_IN);
        }
        let tokens = U256::from(TOKEN_IN) * U256::from(TOKEN_SCALE);
        for user in &self.users {
            self.net.mint(user.dev_account, tokens).await?;
            let rollup = self.net.rollup_as(user.dev_account);
            let deposit = rollup.deposit(TOKEN.0, tokens, user.index.0, user.owner.0.into());
            confirm(deposit.send().await?).await?;
            self.books.credit(user.index, TOKEN, TOKEN_IN);
        }
        let (client, last) = (self.client.clone(), self.users[self.users.len() - 1].index);
        soon("the tokens are there", || async {
            let account = client.account(last.0).await?;
            Ok(account.balances.iter().any(|balance| balance.asset == TOKEN.0).then_some(()))
        })
        .await
    }

    /// Transfers round about, ETH and tokens in turn; each must be executed soon.
    ///
    /// # Errors
    /// The node refuses one.
    pub async fn transfer_many(&mut self, count: usize) -> Result<()> {
        for number in self.sent.len()..self.sent.len() + count {
            let users = self.users.len();
            let (from, to) = (number % users, (number + 1 + number / users % (users - 1)) % users);
            let recipient = (self.users[to].index, self.users[to].owner);
            let payment = Payment {
                kind: TransactionKind::Transfer { to: recipient.0 },
                named_address: recipient.1,
                asset: if number % 2 == 0 { AssetId::ETH } else { TOKEN },
                amount: 1_000_000 + u64::try_from(number).expect("a small number"),
                fee: FEE,
            };
            self.pay(from, &payment).await?;
            self.books.credit(recipient.0, payment.asset, payment.amount);
        }
        Ok(())
    }

    /// User 1 withdraws ETH, user 2 tokens.
    ///
    /// # Errors
    /// The node refuses one.
    pub async fn withdraw_two(&mut self) -> Result<()> {
        for (from, asset, amount) in [(0, AssetId::ETH, ETH_OUT), (1, TOKEN, TOKEN_OUT)] {
            let named_address = self.users[from].owner;
            let payment = Payment { kind: TransactionKind::Withdraw, named_address, asset, amount, fee: FEE };
            self.pay(from, &payment).await?;
        }
        Ok(())
    }

    async fn pay(&mut self, from: usize, payment: &Payment) -> Result<TransactionView> {
        let deployment = *self.node.deployment();
        let user = &mut self.users[from];
        let signed = user.sign(payment, &deployment.domain, clock::now_seconds())?;
        let fee = signed.transaction.fee.value().get();
        let id = self.client.submit(signed, &deployment).await?.id;
        user.sent();
        // Between two batches it waits for L1's next block: batch times strictly rise.
        let client = &self.client;
        let view = soon("a transaction is executed", || async {
            let view = client.transaction(&id).await?;
            Ok((view.status >= Finality::Executed).then_some(view))
        })
        .await?;
        self.books.debit(user.index, payment.asset, payment.amount)?;
        self.books.pay_fee(user.index, fee)?;
        self.sent.push(view.id);
        Ok(view)
    }

    /// A stranger sends the claims of a batch as the API words them.
    ///
    /// # Errors
    /// L1 refuses one.
    pub async fn claim_all(&mut self, batch: u32) -> Result<()> {
        let withdrawals = self.client.withdrawals(batch).await?;
        ensure!(withdrawals.len() == 2, "batch {batch} pays {} withdrawals instead of 2", withdrawals.len());
        for WithdrawalView { owner, claim, status, .. } in withdrawals {
            ensure!(status == Finality::Withdrawable, "a withdrawal is only {status}");
            let owner = L1Address::from(owner.0);
            let before = (owner, self.net.eth_of(owner).await?, self.net.tokens_of(owner).await?);
            self.before_claims.push(before);
            let request = TransactionRequest::default()
                .to(L1Address::from(claim.to.0))
                .input(alloy::primitives::Bytes::from(claim.data.0).into());
            confirm(self.net.provider(STRANGER).send_transaction(request).await?).await?;
        }
        Ok(())
    }

    /// Compares L1 and the rollup with the books, to the unit.
    ///
    /// # Errors
    /// Something is not where it must be.
    pub async fn check_books(&self, last: &BatchView) -> Result<()> {
        let (eth_out, token_out) =
            (U256::from(ETH_OUT) * U256::from(ETH_SCALE), U256::from(TOKEN_OUT) * U256::from(TOKEN_SCALE));
        for ((owner, eth, tokens), (eth_paid, tokens_paid)) in
            self.before_claims.iter().zip([(eth_out, U256::ZERO), (U256::ZERO, token_out)])
        {
            ensure!(self.net.eth_of(*owner).await? == *eth + eth_paid, "{owner} was paid another amount of ETH");
            ensure!(self.net.tokens_of(*owner).await? == *tokens + tokens_paid, "{owner} was paid other tokens");
        }
        // The operator has paid in one unit of each to open its account of fees.
        let held = |each: u64, scale: u64| U256::from(u64::from(USERS) * each + 1) * U256::from(scale);
        let contract = self.net.rollup;
        let (eth, tokens) = (self.net.eth_of(contract).await?, self.net.tokens_of(contract).await?);
        ensure!(eth + eth_out == held(ETH_IN, ETH_SCALE), "the contract holds {eth} wei");
        ensure!(tokens + token_out == held(TOKEN_IN, TOKEN_SCALE), "the contract holds {tokens} of the token");
        let root = self.net.rollup_as(OPERATOR).root().call().await?;
        ensure!(root == word(&last.root), "the contract's root is {root}, that of the node {}", last.root);
        for user in &self.users {
            self.check_account(user.index, user.nonce).await?;
        }
        let fees = self.balance(AccountIndex(0), AssetId::ETH).await?;
        ensure!(fees == self.books.fees + 1, "the account of fees owns {fees} instead of {} + 1", self.books.fees);
        Ok(())
    }

    async fn check_account(&self, index: AccountIndex, nonce: u32) -> Result<()> {
        for asset in [AssetId::ETH, TOKEN] {
            let (got, expected) = (self.balance(index, asset).await?, self.books.balance(index, asset));
            ensure!(got == expected, "account {index} owns {got} of asset {asset} instead of {expected}");
        }
        let got = self.client.account(index.0).await?.nonce;
        ensure!(got == nonce, "account {index} has nonce {got} instead of {nonce}");
        Ok(())
    }

    async fn balance(&self, index: AccountIndex, asset: AssetId) -> Result<u64> {
        let account = self.client.account(index.0).await?;
        let held = account.balances.iter().find(|balance| balance.asset == asset.0);
        Ok(held.map_or(0, |balance| balance.amount.get()))
    }

    /// Stops the node. Its folder is deleted when it is dropped.
    ///
    /// # Errors
    /// Its server had failed.
    pub async fn stop(self) -> Result<TempDir> {
        self.node.stop().await?;
        Ok(self.data)
    }
}

/// Asks again and again until there is an answer.
async fn soon<T, F: Future<Output = Result<Option<T>>>>(what: &str, ask: impl Fn() -> F) -> Result<T> {
    let answer = async {
        loop {
            if let Some(answer) = ask().await? {
                return anyhow::Ok(answer);
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(SOON, answer).await.with_context(|| format!("waited in vain until {what}"))?
}
