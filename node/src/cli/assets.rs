//! Assets as people name them, and their amounts.

use alloy::primitives::Address as L1Address;
use alloy::providers::DynProvider;
use anyhow::{Context, Result};
use weft_api::AssetView;
use weft_protocol::{Amount, AssetId};

use super::exit::{Refused, Usage};
use super::token::IToken::ITokenInstance;
use crate::units::{format_amount, parse_amount, rollup_decimals};

/// Decimals of the chain's own coin.
const COIN_DECIMALS: u32 = 18;

/// How a text names an asset: `eth`, an id, or the address of a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum AssetName {
    /// The id.
    Id(u16),
    /// The token's contract.
    Token(L1Address),
}

impl std::str::FromStr for AssetName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("eth") {
            return Ok(Self::Id(AssetId::ETH.0));
        }
        let error = || format!("{text:?} names no asset: eth, an id, or the address of a token's contract");
        if text.starts_with("0x") {
            return text.parse().map(Self::Token).map_err(|_| error());
        }
        text.parse().map(Self::Id).map_err(|_| error())
    }
}

/// How amounts are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Units {
    /// With the decimals of the asset.
    Asset,
    /// In base units of the rollup.
    Base,
}

/// The assets of a rollup, and L1 to ask for what it knows of tokens.
#[derive(Debug)]
pub(super) struct Assets {
    listed: Vec<AssetView>,
    l1: Option<DynProvider>,
}

impl Assets {
    /// The assets that a rollup lists.
    pub(super) const fn new(listed: Vec<AssetView>, l1: Option<DynProvider>) -> Self {
        Self { listed, l1 }
    }

    /// The asset with a name.
    pub(super) fn find(&self, name: &AssetName) -> Result<AssetView> {
        let found = self.listed.iter().find(|asset| match name {
            AssetName::Id(id) => asset.id == *id,
            AssetName::Token(token) => asset.token.is_some_and(|address| address.0 == token.into_array()),
        });
        found.copied().ok_or_else(|| {
            let known: Vec<_> = self.listed.iter().map(|asset| asset.id.to_string()).collect();
            let name = match name {
                AssetName::Id(id) => format!("asset {id}"),
                AssetName::Token(token) => format!("asset of token {token}"),
            };
            Refused(format!("the rollup has no {name}; it has {}", known.join(", "))).into()
        })
    }

    /// Reads an amount of an asset.
    pub(super) async fn parse(&self, text: &str, asset: &AssetView, units: Units) -> Result<Amount> {
        let decimals = match units {
            Units::Base => 0,
            Units::Asset => self.decimals(asset).await?.ok_or_else(|| {
                let id = asset.id;
                Usage(format!(
                    "the decimals of asset {id} are not known: give --l1 URL to ask its token, or --base-units"
                ))
            })?,
        };
        Ok(parse_amount(text, decimals)?)
    }

    /// Writes an amount of an asset, with its name; in base units if nothing else is known.
    pub(super) async fn format(&self, amount: Amount, id: u16) -> Result<String> {
        let Some(asset) = self.listed.iter().find(|asset| asset.id == id) else {
            return Ok(format!("{amount} base units of asset {id}"));
        };
        let name = if id == AssetId::ETH.0 { "ETH".to_owned() } else { format!("of asset {id}") };
        Ok(match self.decimals(asset).await? {
            Some(decimals) => format!("{} {name}", format_amount(amount, decimals)),
            None => format!("{amount} base units of asset {id}"),
        })
    }

    /// The same with the number of base units, which is what is signed.
    pub(super) async fn format_both(&self, amount: Amount, id: u16) -> Result<String> {
        let (text, units) = (self.format(amount, id).await?, format!("{amount} base units of asset {id}"));
        Ok(if text == units { text } else { format!("{text}, {units}") })
    }

    /// Decimals of the rollup's base unit, if they are known.
    async fn decimals(&self, asset: &AssetView) -> Result<Option<u32>> {
        let on_l1 = match (asset.token, &self.l1) {
            (None, _) => COIN_DECIMALS,
            (Some(token), Some(l1)) => {
                let token = ITokenInstance::new(L1Address::from(token.0), l1);
                token.decimals().call().await.context("cannot ask a token for its decimals")?.into()
            }
            (Some(_), None) => return Ok(None),
        };
        Ok(rollup_decimals(on_l1, asset.scale))
    }
}

#[cfg(test)]
mod tests {
    use weft_protocol::Address;

    use super::*;

    fn assets() -> Assets {
        let scale = Amount::new(1_000_000_000).unwrap();
        let eth = AssetView { id: 1, token: None, scale };
        let token = AssetView { id: 2, token: Some(Address([0xab; 20])), scale };
        Assets::new(vec![eth, token], None)
    }

    #[test]
    fn names_are_ids_words_and_addresses() {
        let find = |text: &str| assets().find(&text.parse().unwrap()).map(|asset| asset.id);
        assert_eq!(find("eth").unwrap(), 1);
        assert_eq!(find("ETH").unwrap(), 1);
        assert_eq!(find("2").unwrap(), 2);
        assert_eq!(find(&format!("0x{}", "ab".repeat(20))).unwrap(), 2);
        for text in ["3", &format!("0x{}", "ac".repeat(20))] {
            assert!(find(text).unwrap_err().is::<Refused>(), "{text}");
        }
        for text in ["", "gold", "-1", "65536", "0x12", "1.0"] {
            assert!(text.parse::<AssetName>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn amounts_have_the_decimals_of_their_asset() {
        let assets = assets();
        let [eth, token] = [1, 2].map(|id| assets.find(&AssetName::Id(id)).unwrap());
        assert_eq!(assets.parse("1.5", &eth, Units::Asset).await.unwrap().get(), 1_500_000_000);
        assert_eq!(assets.parse("15", &token, Units::Base).await.unwrap().get(), 15);
        assert!(assets.parse("1.5", &token, Units::Asset).await.unwrap_err().is::<Usage>());
        assert!(assets.parse("1.5", &eth, Units::Base).await.is_err());
        assert_eq!(assets.format(Amount::new(1_500_000_000).unwrap(), 1).await.unwrap(), "1.5 ETH");
        assert_eq!(assets.format(Amount::new(7).unwrap(), 2).await.unwrap(), "7 base units of asset 2");
        assert_eq!(assets.format_both(Amount::new(7).unwrap(), 2).await.unwrap(), "7 base units of asset 2");
        let both = "0.000000007 ETH, 7 base units of asset 1";
        assert_eq!(assets.format_both(Amount::new(7).unwrap(), 1).await.unwrap(), both);
    }
}
