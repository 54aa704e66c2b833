//! `/v1/accounts`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weft_protocol::AccountIndex;

use crate::extract::{Parameters, PathPart};
use crate::problem::Refusal;
use crate::{AccountFilter, AccountView, Backend, Page};

/// One account.
pub(crate) async fn one<B: Backend>(
    State(backend): State<Arc<B>>,
    index: PathPart,
) -> Result<Json<AccountView>, Refusal> {
    let index = AccountIndex(index.parse("index")?);
    let found = backend.account(index).await?;
    let unknown = || Refusal::not_found("unknown_account", format!("there is no account {index}"));
    found.map(Json).ok_or_else(unknown)
}

/// The accounts of an owner, a key or both; without, all.
pub(crate) async fn find<B: Backend>(
    State(backend): State<Arc<B>>,
    mut parameters: Parameters,
) -> Result<Json<Page<AccountView>>, Refusal> {
    let filter = AccountFilter { owner: parameters.take("owner")?, key: parameters.take("key")? };
    let page = parameters.into_page()?;
    let accounts = backend.accounts(filter, page.with_one_more()).await?;
    Ok(Json(page.page(accounts, |account| account.index.into())))
}
