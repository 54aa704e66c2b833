//! `/v1/fees`.

use axum::Json;
use axum::extract::State;
use weft_protocol::{Amount, Fee, FeeAsset};

use crate::extract::{JsonBody, NoParameters};
use crate::problem::Refusal;
use crate::request::FeeRequest;
use crate::router::Shared;
use crate::{Backend, FeeEstimateView, FeesView};

/// Bits of a fee's mantissa and of its exponent (PROTOCOL.md §5).
const FEE_BITS: (u32, u32) = (11, 5);

/// The rules of fees.
#[utoipa::path(
    get, path = "/v1/fees", tag = "fees", operation_id = "fees",
    responses((status = 200, description = "The rules.", body = FeesView))
)]
pub(crate) async fn rules<B: Backend>(State(app): State<Shared<B>>, _: NoParameters) -> Json<FeesView> {
    let (mantissa_bits, exponent_bits) = FEE_BITS;
    Json(FeesView {
        minimum: app.backend.minimum_fees(),
        assets: FeeAsset::all().map(|asset| asset.asset().0).collect(),
        mantissa_bits,
        exponent_bits,
        maximum: Fee(u16::MAX).value(),
        rule:
            "The signer names the fee: any that the mantissa and the exponent can write, not below the minimum of the \
               kind. It does not depend on load, and it is taken when the transaction is executed."
                .to_owned(),
    })
}

/// The least fee that a transaction may have and that is not below the one wanted.
#[utoipa::path(
    post, path = "/v1/fees/estimate", tag = "fees", operation_id = "estimate_fee",
    request_body = FeeRequest,
    responses(
        (status = 200, description = "The fee.", body = FeeEstimateView),
        (status = 422, description = "`fee_not_representable`: above the largest fee"),
    )
)]
pub(crate) async fn estimate<B: Backend>(
    State(app): State<Shared<B>>,
    _: NoParameters,
    body: JsonBody,
) -> Result<Json<FeeEstimateView>, Refusal> {
    let request = FeeRequest::from_json(&body.0)?;
    let minimums = app.backend.minimum_fees();
    let minimum = minimums.into_iter().find(|minimum| minimum.kind == request.kind);
    let minimum = minimum.map_or(Amount::ZERO, |minimum| minimum.fee);
    let fee = Fee::at_least(minimum.max(request.fee)).ok_or_else(|| {
        let detail = format!("the largest fee is {}", Fee(u16::MAX).value());
        Refusal::value("fee_not_representable", "fee", detail)
    })?;
    let fee_asset = request.fee_asset.asset().0;
    Ok(Json(FeeEstimateView { fee: fee.value(), fee_asset, encoded: fee.0, minimum }))
}
