//! What handlers take out of a request, with refusals in our shape.

use core::fmt::Display;
use core::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;

use crate::problem::Refusal;
use crate::router::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::{BatchSelector, Page, PageRequest};

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

/// The one variable part of a path.
pub(crate) struct PathPart(String);

impl<S: Send + Sync> FromRequestParts<S> for PathPart {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let part = Path::<String>::from_request_parts(parts, state).await;
        part.map(|Path(text)| Self(text)).map_err(|rejection| Refusal::of_status(rejection.status()))
    }
}

impl PathPart {
    /// The value, called `name` in refusals.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, Refusal> {
        parse(name, &self.0)
    }

    /// The batch that the part names.
    pub(crate) fn batch(&self) -> Result<BatchSelector, Refusal> {
        match self.0.as_str() {
            "latest" => Ok(BatchSelector::Latest),
            "proven" => Ok(BatchSelector::Proven),
            "verified" => Ok(BatchSelector::Verified),
            _ => self.parse("batch").map(BatchSelector::Number),
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
    /// Takes a parameter, if it is there.
    pub(crate) fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, Refusal> {
        let position = self.0.iter().position(|(given, _)| given == name);
        position.map(|position| parse(name, &self.0.remove(position).1)).transpose()
    }

    /// Takes what says which part of a list is wanted; nothing else may be left.
    pub(crate) fn into_page(mut self) -> Result<PageRequest, Refusal> {
        let limit = self.take("limit")?.unwrap_or(PAGE_ITEMS_DEFAULT);
        if !(1..=PAGE_ITEMS_MAX).contains(&limit) {
            let detail = format!("a page has 1 to {PAGE_ITEMS_MAX} items");
            return Err(Refusal::parameter("limit", detail));
        }
        let after = self.take("cursor")?;
        self.finish()?;
        Ok(PageRequest { after, limit })
    }

    fn finish(self) -> Result<(), Refusal> {
        match self.0.first() {
            Some((name, _)) => {
                let detail = "there is no such parameter, or it is given twice";
                Err(Refusal::parameter(name, detail))
            }
            None => Ok(()),
        }
    }
}

fn parse<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|error: T::Err| Refusal::parameter(name, error.to_string()))
}

impl PageRequest {
    /// One item more than the page has: whether it exists tells whether there is a next page.
    pub(crate) fn with_one_more(self) -> Self {
        Self { limit: self.limit + 1, ..self }
    }

    /// The page, from the answer to [`Self::with_one_more`]; `key` is what the list is ordered by.
    pub(crate) fn page<T>(self, mut items: Vec<T>, key: impl FnOnce(&T) -> u64) -> Page<T> {
        let has_more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| has_more);
        let next = last.map(|item| key(item).to_string());
        Page { items, next }
    }
}
