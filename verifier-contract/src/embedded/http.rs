//! The chain over HTTP: `POST /` with one JSON-RPC request or an array of them.

use std::future::Future;
use std::io;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{EmbeddedChain, RpcError};

/// Most requests in one array.
const MAX_BATCH: usize = 100;

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: Value,
    method: String,
    #[serde(default)]
    params: Value,
}

pub(super) async fn serve(
    chain: EmbeddedChain,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new().route("/", post(answer)).with_state(chain);
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

async fn answer(State(chain): State<EmbeddedChain>, body: Result<Json<Value>, JsonRejection>) -> Json<Value> {
    let body = match body {
        Ok(Json(body)) => body,
        Err(rejection) => {
            let error = RpcError::InvalidRequest { reason: rejection.to_string() };
            return Json(failure(&Value::Null, &error));
        }
    };
    let Value::Array(calls) = body else {
        return Json(answer_one(&chain, body).await);
    };
    if calls.is_empty() || calls.len() > MAX_BATCH {
        let error = RpcError::InvalidRequest { reason: format!("1 to {MAX_BATCH} requests in an array") };
        return Json(failure(&Value::Null, &error));
    }
    let mut responses = Vec::with_capacity(calls.len());
    for call in calls {
        responses.push(answer_one(&chain, call).await);
    }
    Json(Value::Array(responses))
}

async fn answer_one(chain: &EmbeddedChain, call: Value) -> Value {
    match Call::deserialize(call) {
        Err(error) => failure(&Value::Null, &RpcError::InvalidRequest { reason: error.to_string() }),
        Ok(call) => match chain.call_blocking(call.method, call.params).await {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": call.id, "result": result }),
            Err(error) => failure(&call.id, &error),
        },
    }
}

fn failure(id: &Value, error: &RpcError) -> Value {
    let mut object = json!({ "code": error.code(), "message": error.to_string() });
    if let Some(output) = error.data() {
        object["data"] = Value::String(output.to_string());
    }
    json!({ "jsonrpc": "2.0", "id": id, "error": object })
}
