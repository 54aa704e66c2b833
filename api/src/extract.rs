//! What handlers take out of a request, with refusals in our shape.

use core::fmt::{self, Display};
use core::str::FromStr;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use weft_protocol::crypto::Digest;

use crate::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, PAGE_READS_MAX};
use crate::problem::Refusal;
use crate::router::Shared;
use crate::{Backend, BatchSelector, FixedBytes, Page, PageRequest};

/// A body that says it is JSON, not longer than the limit.
pub(crate) struct JsonBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(Refusal::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let body = Bytes::from_request(request, state).await;
        body.map(Self).map_err(|rejection| Refusal::of_status(rejection.into_response().status()))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next());
    media_type.is_some_and(|value| value.trim().eq_ignore_ascii_case("application/json"))
}

/// The same for the body of many transactions, which has a limit of its own.
pub(crate) struct ManyBody(pub(crate) Bytes);

impl<B: Backend> FromRequest<Shared<B>> for ManyBody {
    type Rejection = Refusal;

    async fn from_request(mut request: Request, app: &Shared<B>) -> Result<Self, Refusal> {
        DefaultBodyLimit::max(app.limits.many_bytes_max()).apply(&mut request);
        JsonBody::from_request(request, app).await.map(|body| Self(body.0))
    }
}

/// The variable parts of a path, in order.
pub(crate) struct PathParts(Vec<String>);

impl<S: Send + Sync> FromRequestParts<S> for PathParts {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let path = path.map_err(|rejection| Refusal::of_status(rejection.status()))?;
        Ok(Self(path.0.into_iter().map(|(_, value)| value).collect()))
    }
}

impl PathParts {
    fn get(&self, position: usize) -> &str {
        self.0.get(position).map_or("", String::as_str)
    }

    /// The value at a position, called `name` in refusals.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&self, position: usize, name: &str) -> Result<T, Refusal> {
        parse(name, self.get(position))
    }

    /// The number at a position; `None` if it is larger than any that exists.
    pub(crate) fn number(&self, position: usize, name: &str) -> Result<Option<u32>, Refusal> {
        number(name, self.get(position)).map(|number| u32::try_from(number).ok())
    }

    /// A digest at the first position; `None` if the 32 bytes are none.
    pub(crate) fn digest(&self, name: &str) -> Result<Option<Digest>, Refusal> {
        let bytes: FixedBytes<32> = self.parse(0, name)?;
        Ok(Digest::from_bytes(&bytes.0))
    }

    /// The batch that the first part names; `None` if its number is larger than any that exists.
    pub(crate) fn batch(&self) -> Result<Option<BatchSelector>, Refusal> {
        match self.get(0) {
            "latest" => Ok(Some(BatchSelector::Latest)),
            "proven" => Ok(Some(BatchSelector::Proven)),
            "verified" => Ok(Some(BatchSelector::Verified)),
            _ => Ok(self.number(0, "batch")?.map(BatchSelector::Number)),
        }
    }
}

/// Parameters of the query that were not taken yet.
pub(crate) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(parameters)| Self(parameters)).map_err(|rejection| Refusal::of_status(rejection.status()))
    }
}

impl Parameters {
    fn take_text(&mut self, name: &str) -> Option<String> {
        let position = self.0.iter().position(|(given, _)| given == name);
        position.map(|position| self.0.remove(position).1)
    }

    /// Takes a parameter, if it is there.
    pub(crate) fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, Refusal> {
        self.take_text(name).map(|text| parse(name, &text)).transpose()
    }

    /// Takes a number, if it is there.
    pub(crate) fn take_number(&mut self, name: &str) -> Result<Option<u64>, Refusal> {
        self.take_text(name).map(|text| number(name, &text)).transpose()
    }

    /// Takes what says which part of a list is wanted; nothing else may be left.
    pub(crate) fn into_page(mut self) -> Result<PageRequest, Refusal> {
        let limit = self.take_number("limit")?;
        let limit = limit.map_or(Ok(PAGE_ITEMS_DEFAULT), usize::try_from).unwrap_or(usize::MAX);
        if !(1..=PAGE_ITEMS_MAX).contains(&limit) {
            let detail = format!("a page has 1 to {PAGE_ITEMS_MAX} items");
            return Err(Refusal::parameter("limit", detail));
        }
        let after = self.take::<Cursor>("cursor")?.map(|cursor| cursor.0);
        self.finish()?;
        Ok(PageRequest { after, limit })
    }

    /// Nothing is left.
    ///
    /// # Errors
    /// There is a parameter that was not taken.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        match self.0.first() {
            Some((name, _)) => {
                let detail = "there is no such parameter, or it is given twice";
                Err(Refusal::parameter(name, detail))
            }
            None => Ok(()),
        }
    }
}

/// A request without parameters.
pub(crate) struct NoParameters;

impl<S: Send + Sync> FromRequestParts<S> for NoParameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Parameters::from_request_parts(parts, state).await?.finish()?;
        Ok(Self)
    }
}

/// Where a page begins: the key of the last item before it. Clients do not look inside.
struct Cursor(u64);

impl Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "a cursor is what the page before gave as next";
        let digits = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !digits {
            return Err(form);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| form)
    }
}

fn parse<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|error: T::Err| Refusal::parameter(name, error.to_string()))
}

/// A number in decimal digits only; what 64 bits cannot hold is larger than anything here and reads as the largest.
fn number(name: &str, text: &str) -> Result<u64, Refusal> {
    let digits = !text.is_empty() && text.len() <= NUMBER_DIGITS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits {
        return Err(Refusal::parameter(name, "a number of decimal digits is expected"));
    }
    Ok(text.parse().unwrap_or(u64::MAX))
}

/// Digits of a number in an address.
const NUMBER_DIGITS_MAX: usize = 20;

impl PageRequest {
    /// The same for a list whose items may take a read of a whole batch each.
    pub(crate) fn of_reads(self) -> Self {
        Self { limit: self.limit.min(PAGE_READS_MAX), ..self }
    }

    /// One item more than the page has: whether it exists tells whether there is a next page.
    pub(crate) fn with_one_more(self) -> Self {
        Self { limit: self.limit + 1, ..self }
    }

    /// The page, from the answer to [`Self::with_one_more`]; `key` is what the list is ordered by.
    pub(crate) fn page<T>(self, mut items: Vec<T>, key: impl FnOnce(&T) -> u64) -> Page<T> {
        let has_more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| has_more);
        let next = last.map(|item| Cursor(key(item)).to_string());
        Page { items, next }
    }
}
