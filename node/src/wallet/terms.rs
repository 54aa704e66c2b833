//! What a signer must know of a rollup, and must not learn from a node alone.

use weft_api::{AssetView, ConfigView, Deployment};
use weft_protocol::Amount;

use super::Payment;

/// Base units of a fee that are always paid unasked: 0.00001 ETH.
pub const FEE_SMALL: u64 = 10_000;
/// Part of the amount, one in so many, that may be paid as a fee in the same asset unasked.
pub const FEE_SHARE: u64 = 100;
/// Most base units of a fee that are paid unasked, however large the amount: 0.001 ETH.
pub const FEE_MAX: u64 = 1_000_000;

/// Which rollup something is signed for, and what its assets are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Terms {
    /// Chain, contract and domain.
    pub deployment: Deployment,
    /// The listed assets, by id.
    pub assets: Vec<AssetView>,
}

impl From<ConfigView> for Terms {
    fn from(config: ConfigView) -> Self {
        Self { deployment: config.deployment, assets: config.assets }
    }
}

/// The largest fee, in base units of its asset, that a payment makes without being told: [`FEE_SMALL`], or one part in
/// [`FEE_SHARE`] of the amount up to [`FEE_MAX`] if both are of one asset.
#[must_use]
pub fn fee_cap(payment: &Payment) -> Amount {
    let is_of_amount = payment.fee_asset.asset() == payment.asset;
    let share = if is_of_amount { payment.amount.get() / FEE_SHARE } else { 0 };
    Amount::new(share.clamp(FEE_SMALL, FEE_MAX)).expect("a million is below 2^62")
}
