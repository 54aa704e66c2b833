//! Amounts as people write them.
//!
//! The rollup counts in base units; people in units of the asset, with a decimal point. Nothing is rounded: a text that
//! needs more decimals than the asset has is refused.

use weft_protocol::Amount;

/// Most decimals of an asset: amounts have fewer than 19 digits.
pub const DECIMALS_MAX: u32 = 18;

/// A text is not an amount.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UnitError {
    /// It is no decimal number.
    #[error("{text:?} is no amount: digits with at most one point, such as 1.5")]
    NotANumber {
        /// The text.
        text: String,
    },
    /// It has more decimals than the asset.
    #[error("{text} has {got} decimals, the asset has {decimals}")]
    TooManyDecimals {
        /// The text.
        text: String,
        /// Decimals of the text.
        got: usize,
        /// Decimals of the asset.
        decimals: u32,
    },
    /// It is larger than any amount of the rollup.
    #[error("{text} is more than the rollup can hold of the asset: {}", format_amount(Amount::MAX, *decimals))]
    TooLarge {
        /// The text.
        text: String,
        /// Decimals of the asset.
        decimals: u32,
    },
}

/// Reads an amount of an asset with so many decimals; with 0, base units.
///
/// # Errors
/// The text is no decimal number, has too many decimals, or means 2^62 base units or more.
pub fn parse_amount(text: &str, decimals: u32) -> Result<Amount, UnitError> {
    let not_a_number = || UnitError::NotANumber { text: text.to_owned() };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let point_without_digits = text.contains('.') && fraction.is_empty();
    if whole.is_empty() || point_without_digits || !digits(whole) || !digits(fraction) {
        return Err(not_a_number());
    }
    let got = fraction.trim_end_matches('0').len();
    let places = usize::try_from(decimals).map_err(|_| not_a_number())?;
    if got > places {
        return Err(UnitError::TooManyDecimals { text: text.to_owned(), got, decimals });
    }
    let too_large = || UnitError::TooLarge { text: text.to_owned(), decimals };
    let padded = format!("{whole}{:0<places$}", &fraction[..got]);
    let value = padded.trim_start_matches('0');
    let value = if value.is_empty() { 0 } else { value.parse().map_err(|_| too_large())? };
    Amount::new(value).map_err(|_| too_large())
}

/// Writes an amount of an asset with so many decimals, without zeros at the end.
#[must_use]
pub fn format_amount(amount: Amount, decimals: u32) -> String {
    let places = usize::try_from(decimals.min(DECIMALS_MAX)).expect("at most 18");
    let digits = format!("{:0>width$}", amount.get(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// Decimals of the rollup's base unit of an asset: `decimals` on L1 less those that `scale`, a power of ten, takes away.
/// `None` if the scale is none.
#[must_use]
pub fn rollup_decimals(decimals: u32, scale: Amount) -> Option<u32> {
    let zeros = scale.get().checked_ilog10()?;
    let is_power = 10u64.checked_pow(zeros) == Some(scale.get());
    is_power.then(|| decimals.checked_sub(zeros)).flatten().filter(|decimals| *decimals <= DECIMALS_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_to_the_unit() {
        let read = |text| parse_amount(text, 9).unwrap().get();
        assert_eq!(read("1.5"), 1_500_000_000);
        assert_eq!(read("0.000000001"), 1);
        assert_eq!(read("0"), 0);
        assert_eq!(read("007.10"), 7_100_000_000);
        assert_eq!(read("4611686018.427387903"), Amount::MAX.get());
        assert_eq!(read("1.5000000000000"), 1_500_000_000);
        assert_eq!(parse_amount("15", 0).unwrap().get(), 15);
    }

    #[test]
    fn nothing_is_rounded_and_nothing_guessed() {
        let too_many = UnitError::TooManyDecimals { text: "0.0000000001".to_owned(), got: 10, decimals: 9 };
        assert_eq!(parse_amount("0.0000000001", 9), Err(too_many));
        assert!(matches!(parse_amount("1.5", 0), Err(UnitError::TooManyDecimals { got: 1, decimals: 0, .. })));
        for text in ["", ".", ".5", "5.", "1.2.3", "-1", "+1", "1e3", "1,5", " 1", "1 ", "0x1", "١", "one"] {
            assert!(matches!(parse_amount(text, 9), Err(UnitError::NotANumber { .. })), "{text:?}");
        }
        for text in ["4611686018.427387904", "99999999999999999999999", "18446744073.709551616"] {
            assert!(matches!(parse_amount(text, 9), Err(UnitError::TooLarge { .. })), "{text}");
        }
    }

    #[test]
    fn scales_take_decimals_away() {
        let decimals = |decimals, scale| rollup_decimals(decimals, Amount::new(scale).unwrap());
        assert_eq!(decimals(18, 1_000_000_000), Some(9));
        assert_eq!(decimals(18, 10_000_000_000), Some(8));
        assert_eq!(decimals(6, 1), Some(6));
        assert_eq!(decimals(6, 2_000), None);
        assert_eq!(decimals(2, 1_000), None);
        assert_eq!(decimals(6, 0), None);
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(value in 0..=Amount::MAX.get(), decimals in 0..=DECIMALS_MAX) {
            let amount = Amount::new(value).unwrap();
            prop_assert_eq!(parse_amount(&format_amount(amount, decimals), decimals), Ok(amount));
        }
    }
}
