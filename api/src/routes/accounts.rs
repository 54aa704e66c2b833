//! `/v1/accounts`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weft_protocol::AccountIndex;

use crate::extract::{Parameters, PathPart};
use crate::problem::Refusal;
use crate::{AccountView, Backend, Holder, Page};

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

/// The accounts of an owner or a key.
pub(crate) async fn find<B: Backend>(
    State(backend): State<Arc<B>>,
    mut parameters: Parameters,
) -> Result<Json<Page<AccountView>>, Refusal> {
    let holder = match (parameters.take("owner")?, parameters.take("key")?) {
        (Some(owner), None) => Holder::Owner(owner),
        (None, Some(key)) => Holder::Key(key),
        (None, None) => {
            let detail = "say whose accounts: owner=0x… or key=0x…";
            return Err(Refusal::parameter("owner", detail));
        }
        (Some(_), Some(_)) => {
            let detail = "either owner or key, not both";
            return Err(Refusal::parameter("key", detail));
        }
    };
    let page = parameters.into_page()?;
    let accounts = backend.accounts(holder, page.with_one_more()).await?;
    Ok(Json(page.page(accounts, |account| account.index)))
}
