//! `/v1/withdrawals`.

use axum::Json;
use axum::extract::State;

use super::batches::named;
use crate::extract::{NoParameters, PathParts};
use crate::params::WithdrawalName;
use crate::problem::Refusal;
use crate::router::Shared;
use crate::{Backend, PageRequest, WithdrawalView};

/// One withdrawal, with the exact L1 call that pays it.
#[utoipa::path(
    get, path = "/v1/withdrawals/{batch}/{position}", tag = "withdrawals", operation_id = "withdrawal",
    params(WithdrawalName),
    responses(
        (status = 200, description = "The withdrawal.", body = WithdrawalView),
        (status = 404, description = "`unknown_batch`; `unknown_withdrawal`"),
    )
)]
pub(crate) async fn one<B: Backend>(
    State(app): State<Shared<B>>,
    path: PathParts,
    _: NoParameters,
) -> Result<Json<WithdrawalView>, Refusal> {
    let position = path.number(1, "position")?;
    let number = named(&app, &path).await?.batch.number;
    let unknown = || Refusal::not_found("unknown_withdrawal", format!("batch {number} has no such withdrawal"));
    let position = position.ok_or_else(unknown)?;
    let page = PageRequest { after: position.checked_sub(1).map(u64::from), limit: 1 };
    let found = app.backend.withdrawals(number, page).await?.pop();
    found.filter(|withdrawal| withdrawal.position == position).map(Json).ok_or_else(unknown)
}
