//! `/v1/accounts`.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use weft_protocol::AccountIndex;
use weft_protocol::crypto::Digest;

use crate::caching::{self, Freshness};
use crate::extract::{NoParameters, Parameters, PathParts};
use crate::params::{AccountPosition, AtBatch, Conditional, Holder, Paging};
use crate::problem::Refusal;
use crate::router::Shared;
use crate::{
    AccountFilter, AccountProofView, AccountView, Backend, BatchSelector, FixedBytes, NonceView, Page, StateAt,
    TransactionView,
};

/// Accounts by index: those of an owner, of a key, of both, or all.
#[utoipa::path(
    get, path = "/v1/accounts", tag = "accounts", operation_id = "accounts",
    params(Holder, Paging),
    responses((status = 200, description = "A page of accounts.", body = Page<AccountView>))
)]
pub(crate) async fn find<B: Backend>(
    State(app): State<Shared<B>>,
    mut parameters: Parameters,
) -> Result<Json<Page<AccountView>>, Refusal> {
    let owner = parameters.take("owner")?;
    let key: Option<FixedBytes<32>> = parameters.take("key")?;
    let page = parameters.into_page()?;
    let key = match key.map(|bytes| Digest::from_bytes(&bytes.0)) {
        // These bytes are no digest: no account can have them.
        Some(None) => return Ok(Json(Page { items: Vec::new(), next: None })),
        Some(key) => key,
        None => None,
    };
    let accounts = app.backend.accounts(AccountFilter { owner, key }, page.with_one_more()).await?;
    Ok(Json(page.page(accounts, |account| account.index.into())))
}

/// One account in the state after all executed transactions.
#[utoipa::path(
    get, path = "/v1/accounts/{index}", tag = "accounts", operation_id = "account",
    params(AccountPosition),
    responses(
        (status = 200, description = "The account.", body = AccountView),
        (status = 404, description = "`unknown_account`"),
    )
)]
pub(crate) async fn one<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    _: NoParameters,
) -> Result<Json<AccountView>, Refusal> {
    existing(app.backend.as_ref(), &path).await.map(Json)
}

/// The nonces of an account: what was executed, and what to sign next.
#[utoipa::path(
    get, path = "/v1/accounts/{index}/nonce", tag = "accounts", operation_id = "nonce",
    params(AccountPosition),
    responses(
        (status = 200, description = "The nonces.", body = NonceView),
        (status = 404, description = "`unknown_account`"),
    )
)]
pub(crate) async fn nonce<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    _: NoParameters,
) -> Result<Json<NonceView>, Refusal> {
    let account = existing(app.backend.as_ref(), &path).await?;
    Ok(Json(NonceView::from(&account)))
}

/// What stands at a position of the state tree after a batch, with its Merkle path; nothing, too, can be proved.
#[utoipa::path(
    get, path = "/v1/accounts/{index}/proof", tag = "accounts", operation_id = "account_proof",
    params(AccountPosition, AtBatch, Conditional),
    responses(
        (status = 200, description = "Object, root and siblings.", body = AccountProofView),
        (status = 404, description = "`unknown_account`: outside of the tree; `not_sealed`: no such batch, or not yet"),
        (status = 410, description = "`state_not_kept`: the batch is too old"),
    )
)]
pub(crate) async fn proof<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    mut parameters: Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let index = index_of(&path)?;
    let at = parameters.take_number("at")?;
    parameters.finish()?;
    let not_sealed = || Refusal::not_found("not_sealed", "there is no such batch, or it is not sealed yet");
    let batch = at.map(u32::try_from).transpose().map_err(|_| not_sealed())?;
    match app.backend.account_proof(index, batch).await? {
        StateAt::Found(proof) => {
            let named = match batch {
                Some(number) => app.backend.batch(BatchSelector::Number(number)).await?,
                None => None,
            };
            // A batch that is not verified may be taken back, and its number given again.
            let is_immutable = named.is_some_and(|batch| batch.is_final());
            caching::json(&headers, Freshness::immutable_if(is_immutable), &proof)
        }
        StateAt::NotSealed => Err(not_sealed()),
        StateAt::Gone { oldest } => Err(Refusal::gone(oldest)),
    }
}

/// Transactions that an account has signed or that pay it, the newest first.
#[utoipa::path(
    get, path = "/v1/accounts/{index}/transactions", tag = "accounts", operation_id = "account_transactions",
    params(AccountPosition, Paging),
    responses(
        (status = 200, description = "A page of transactions.", body = Page<TransactionView>),
        (status = 404, description = "`unknown_account`"),
    )
)]
pub(crate) async fn transactions<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    parameters: Parameters,
) -> Result<Json<Page<TransactionView>>, Refusal> {
    let index = index_of(&path)?;
    let page = parameters.into_page()?.of_reads();
    existing(app.backend.as_ref(), &path).await?;
    let transactions = app.backend.account_transactions(index, page.with_one_more()).await?;
    let Page { items, next } = page.page(transactions, |(key, _)| *key);
    Ok(Json(Page { items: items.into_iter().map(|(_, view)| view).collect(), next }))
}

fn index_of(path: &PathParts) -> Result<AccountIndex, Refusal> {
    let unknown = || Refusal::not_found("unknown_account", "the state tree has no such position");
    let index = path.number(0, "index")?.map(AccountIndex);
    index.filter(|index| index.in_tree()).ok_or_else(unknown)
}

async fn existing<B: Backend>(backend: &B, path: &PathParts) -> Result<AccountView, Refusal> {
    let index = index_of(path)?;
    let unknown = || Refusal::not_found("unknown_account", format!("there is no account {index}"));
    backend.account(index).await?.ok_or_else(unknown)
}
