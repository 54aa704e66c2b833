//! The one place that reads the real clock.

use std::time::{SystemTime, UNIX_EPOCH};

use weft_api::Time;

/// Now, to the millisecond.
#[must_use]
pub fn now() -> Time {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_unix_ms(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// Now, in whole seconds since the UNIX epoch.
#[must_use]
pub fn now_seconds() -> u64 {
    now().unix_ms() / 1000
}
