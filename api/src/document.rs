//! The OpenAPI document: what the handlers say, and what is true of all of them.

use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{OpenApi as _, PartialSchema, ToSchema};

use crate::problem::PROBLEM_JSON;
use crate::router::Described;
use crate::{Limits, Problem};

/// What an error of all operations is called, and an example of its code.
const ERRORS: [(&str, &str, &str); 8] = [
    ("400", "malformed_json", "A part of the request has a wrong form; `pointer` or `parameter` names it"),
    ("404", "not_found", "There is nothing of this name"),
    ("413", "body_too_large", "The body is too large"),
    ("415", "unsupported_media_type", "The body does not say that it is JSON"),
    ("422", "insufficient_balance", "A rule refuses what the request means"),
    (
        "429",
        "rate_limited",
        "More than the server takes on, now or of this client; `retry_after` says when to come again",
    ),
    ("500", "internal_error", "The node failed; its log has the trace id"),
    ("503", "not_ready", "The node starts, stops, or did not answer in time"),
];

/// The document of a server with these limits, as JSON.
pub(crate) fn json(limits: &Limits) -> Vec<u8> {
    serde_json::to_vec_pretty(&document(limits)).expect("numbers and texts have a form in JSON")
}

fn document(limits: &Limits) -> OpenApi {
    let mut api = Described::openapi();
    "Weft API".clone_into(&mut api.info.title);
    api.info.version = "1".to_owned();
    api.info.description = Some(description(limits));
    api.info.license = None;
    let components = api.components.get_or_insert_default();
    components.schemas.insert("Problem".to_owned(), Problem::schema());
    let mut further = Vec::new();
    Problem::schemas(&mut further);
    components.schemas.extend(further);
    for (path, item) in &mut api.paths.paths {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            complete(path, operation);
        }
    }
    api
}

fn description(limits: &Limits) -> String {
    format!(
        "Amounts are decimal strings in base units, hashes and bytes hexadecimal text with 0x, times RFC 3339 in UTC. Lists \
         take `limit` and the opaque `cursor` that the page before gave as `next`. Errors are RFC 9457 problems with a \
         stable `code`. Unknown fields and parameters are refused; unknown fields of answers are to be ignored. A client \
         may send {} requests in a second and {} at once; the headers RateLimit-* tell what is left.",
        limits.client_requests_per_second, limits.client_requests_burst,
    )
}

/// Adds the errors that an operation shares with others, and bodies to those that it names itself.
fn complete(path: &str, operation: &mut Operation) {
    let has_body = operation.request_body.is_some();
    let is_limited = path.starts_with("/v1/");
    let is_conditional = operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.name == "If-None-Match",
        RefOr::Ref(_) => false,
    });
    let responses = &mut operation.responses.responses;
    for (status, code, meaning) in ERRORS {
        let applies = match status {
            "413" | "415" => has_body,
            "429" => is_limited,
            "400" | "500" | "503" => true,
            // The others stand at the operations that have them.
            _ => false,
        };
        let own = responses.get(status).and_then(|response| match response {
            RefOr::T(response) => Some(response.description.clone()),
            RefOr::Ref(_) => None,
        });
        if applies || own.is_some() {
            let meaning = own.unwrap_or_else(|| meaning.to_owned());
            responses.insert(status.to_owned(), problem(status, code, meaning).into());
        }
    }
    for (status, code) in [("409", "wrong_nonce"), ("410", "state_not_kept")] {
        if let Some(RefOr::T(response)) = responses.get(status) {
            let described = problem(status, code, response.description.clone());
            responses.insert(status.to_owned(), described.into());
        }
    }
    if is_conditional {
        let unchanged = ResponseBuilder::new().description("The client has it already.").build();
        responses.insert("304".to_owned(), unchanged.into());
    }
}

fn problem(status: &str, code: &str, meaning: String) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .example(Some(example(status, code)))
        .build();
    ResponseBuilder::new().description(meaning).content(PROBLEM_JSON, content).build()
}

fn example(status: &str, code: &str) -> Value {
    let status: u16 = status.parse().expect("three digits");
    let mut example = json!({
        "type": format!("urn:weft:problem:{code}"),
        "title": "What kind of problem it is",
        "status": status,
        "code": code,
        "detail": "what was wrong with this request",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    });
    if status == 429 || status == 503 {
        example["retry_after"] = json!(1);
    }
    if status == 409 {
        example["expected"] = json!(7);
    }
    example
}
