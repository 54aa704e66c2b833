//! The OpenAPI document: pinned, and the same as what is served.

use axum::body::Body;
use axum::http::Method;
use serde_json::Value;

use crate::client::{Client, request};

async fn document() -> Value {
    Client::new().get("/openapi.json").await.json()
}

#[tokio::test]
async fn the_document_is_this() {
    insta::assert_json_snapshot!(document().await);
}

#[tokio::test]
async fn every_operation_is_served_and_no_other_method() {
    let client = Client::new();
    let document = document().await;
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 33);
    for (path, item) in paths {
        let uri =
            path.replace("{id}", &format!("0x{}", "00".repeat(32))).replace("{index}", "1").replace("{batch}", "4");
        let uri = uri.replace("{position}", "0");
        let methods = item.as_object().unwrap();
        for method in [Method::GET, Method::POST] {
            let answer = client.send(request(method.clone(), &uri, Body::empty())).await;
            let is_described = methods.contains_key(method.as_str().to_lowercase().as_str());
            assert_eq!(answer.status != 405, is_described, "{method} {uri}");
            if answer.status == 404 {
                assert_ne!(answer.problem().code, "not_found", "{uri}");
            }
        }
    }
}

#[tokio::test]
async fn every_error_is_a_problem_with_an_example() {
    let document = document().await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let errors =
                operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.as_str() >= "400");
            for (status, response) in errors {
                let example = &response["content"]["application/problem+json"]["example"];
                assert_eq!(example["status"].to_string(), *status, "{path}");
            }
        }
    }
}

/// Names that a schema refers to.
fn references(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "$ref" => into.push(text.clone()),
                    _ => references(value, into),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let document = document().await;
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}
