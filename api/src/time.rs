//! Points in time, written as RFC 3339 in UTC.

use core::fmt;
use core::str::FromStr;

use weft_protocol::Timestamp;

const MS_PER_DAY: u64 = 86_400_000;
/// 9999-12-31T23:59:59.999Z, the last time that RFC 3339 can write.
const UNIX_MS_MAX: u64 = 253_402_300_799_999;

/// A point in time, to the millisecond, from 1970 to 9999: `2026-01-31T09:05:00.250Z`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Time {
    unix_ms: u64,
}

/// A text is not a time as [`Time`] writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a time has the form 2026-01-31T09:05:00.250Z")]
pub struct ParseTimeError;

impl Time {
    /// The time so many milliseconds after the UNIX epoch; times after the year 9999 become the last of it.
    #[must_use]
    pub fn from_unix_ms(unix_ms: u64) -> Self {
        let unix_ms = unix_ms.min(UNIX_MS_MAX);
        Self { unix_ms }
    }

    /// Milliseconds after the UNIX epoch.
    #[must_use]
    pub fn unix_ms(self) -> u64 {
        self.unix_ms
    }
}

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        Self::from_unix_ms(timestamp.get() * 1000)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.unix_ms / MS_PER_DAY);
        let ms = self.unix_ms % MS_PER_DAY;
        let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
        let (second, ms) = (ms / 1000 % 60, ms % 1000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

impl FromStr for Time {
    type Err = ParseTimeError;

    /// Accepts exactly what [`fmt::Display`] prints.
    fn from_str(text: &str) -> Result<Self, ParseTimeError> {
        let number = |range: core::ops::Range<usize>| {
            let digits = text.get(range).ok_or(ParseTimeError)?;
            digits.parse::<u64>().map_err(|_| ParseTimeError)
        };
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        let ms = number(20..23)?;
        let days = days_since_epoch(year, month, day).ok_or(ParseTimeError)?;
        let unix_ms = ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + ms;
        // Printing it again finds signs, days that the month does not have, and all else that is not ours.
        let time = Self::from_unix_ms(unix_ms);
        (time.to_string() == text).then_some(time).ok_or(ParseTimeError)
    }
}

super::text::serde_as_text!([] Time);

/// Year, month and day of the Gregorian calendar. Years are counted from March, so that a leap day ends one.
fn civil(days_since_epoch: u64) -> (u64, u64, u64) {
    const DAYS_BEFORE_EPOCH: u64 = 719_468; // from 0000-03-01
    let days = days_since_epoch + DAYS_BEFORE_EPOCH;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leap_days = day_of_era / 1460 + day_of_era / 146_096;
    let year_of_era = (day_of_era + day_of_era / 36_524 - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March have 31, 30, 31, 30, 31 days, twice, and then the rest: 153 in five.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The inverse of [`civil`]; `None` before 1970 and where a month is not 1 to 12.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1..=12).contains(&month) || year < 1970 {
        return None;
    }
    let year = year - u64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day.checked_sub(1)?;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year;
    days.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_times_are_written_as_the_calendar_has_them() {
        let known = [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_234_567_890_123, "2009-02-13T23:31:30.123Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ];
        for (unix_ms, text) in known {
            assert_eq!(Time::from_unix_ms(unix_ms).to_string(), text);
        }
        assert_eq!(Time::from(Timestamp::MAX).unix_ms(), UNIX_MS_MAX);
    }

    #[test]
    fn other_texts_are_refused() {
        let refused = [
            "",
            "2026",
            "2026-01-31T09:05:00Z",
            "2026-01-31 09:05:00.250Z",
            "2026-02-29T09:05:00.250Z",
            "2026-13-01T09:05:00.250Z",
            "2026-00-01T09:05:00.250Z",
            "2026-01-00T09:05:00.250Z",
            "2026-01-31T24:00:00.000Z",
            "2026-01-31T09:05:60.000Z",
            "1969-12-31T23:59:59.999Z",
            "+026-01-31T09:05:00.250Z",
            "2026-01-31T09:05:00.250Zx",
            "2026-01-31T09:05:00.2é",
        ];
        for text in refused {
            assert_eq!(text.parse::<Time>(), Err(ParseTimeError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(unix_ms in 0..=UNIX_MS_MAX) {
            let time = Time::from_unix_ms(unix_ms);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }

        #[test]
        fn days_follow_each_other(day in 0..UNIX_MS_MAX / MS_PER_DAY) {
            let (today, tomorrow) = (civil(day), civil(day + 1));
            prop_assert!(today < tomorrow);
            prop_assert_eq!(days_since_epoch(today.0, today.1, today.2), Some(day));
        }
    }
}
