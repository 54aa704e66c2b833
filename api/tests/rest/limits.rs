//! Limits, and a backend that fails.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use serde_json::json;
use weft_api::{Limits, Router, Server};
use weft_protocol::Transaction;

use crate::client::{Client, body_of, request, send, submission};
use crate::ledger::{Fault, Ledger, signed, transfer};

fn faulty(fault: Fault, limits: &Limits) -> Router {
    Server::with_limits(Arc::new(Ledger::with_fault(fault)), *limits).router()
}

fn status() -> axum::http::Request<Body> {
    request(Method::GET, "/v1/status", Body::empty())
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let limit = Limits::default().body_bytes_max;
    let client = Client::new();
    let state = client.ledger.state();
    client.post(" ".repeat(limit + 1)).await.assert_problem(413, "body_too_large");
    client.post(" ".repeat(limit)).await.assert_problem(400, "malformed_json");
    // Without a length in the header, the limit is found while reading.
    let mut unsized_body = submission(" ".repeat(limit + 1));
    unsized_body.headers_mut().remove("content-length");
    client.send(unsized_body).await.assert_problem(413, "body_too_large");
    let mut padded = body_of(signed(transfer()));
    padded["memo"] = json!("x".repeat(limit));
    client.post_json(&padded).await.assert_problem(413, "body_too_large");
    assert_eq!(client.ledger.state(), state);
}

#[tokio::test]
async fn a_full_pool_says_when_to_come_back() {
    let client = Client::new();
    for nonce in 0..3 {
        let answer = client.submit(signed(Transaction { nonce, ..transfer() })).await;
        assert_eq!(answer.status, 202);
    }
    let state = client.ledger.state();
    let refused = client.submit(signed(Transaction { nonce: 3, ..transfer() })).await;
    let problem = refused.assert_problem(429, "pool_full");
    assert_eq!(problem.retry_after, Some(2));
    assert_eq!(client.ledger.state(), state);
    let known = client.submit(signed(Transaction { nonce: 2, ..transfer() })).await;
    assert_eq!(known.status, 200);
}

#[tokio::test]
async fn a_backend_that_is_not_ready_says_so() {
    let router = faulty(Fault::NotReady, &Limits::default());
    let problem = send(&router, status()).await.assert_problem(503, "not_ready");
    assert!(problem.detail.contains("L1 is away"));
    assert_eq!(problem.retry_after, Some(5));
}

#[tokio::test]
async fn faults_of_the_backend_stay_inside() {
    let router = faulty(Fault::Internal, &Limits::default());
    let answer = send(&router, status()).await;
    answer.assert_problem(500, "internal_error");
    assert!(!String::from_utf8_lossy(&answer.body).contains("disk 7"));
}

#[tokio::test]
async fn a_panic_is_an_answer_and_not_the_end() {
    let router = faulty(Fault::Panic, &Limits::default());
    for _ in 0..2 {
        send(&router, status()).await.assert_problem(500, "internal_error");
    }
    let livez = request(Method::GET, "/livez", Body::empty());
    assert_eq!(send(&router, livez).await.status, 200);
}

#[tokio::test]
async fn requests_end_in_time() {
    let limits = Limits { request_time_max: Duration::from_millis(20), ..Limits::default() };
    let answer = send(&faulty(Fault::Hang, &limits), status()).await;
    assert_eq!(answer.assert_problem(503, "timed_out").retry_after, Some(1));
}

#[tokio::test]
async fn more_requests_than_it_takes_on_are_refused_at_once() {
    let limits = Limits { requests_max: 1, request_time_max: Duration::from_millis(200), ..Limits::default() };
    let router = faulty(Fault::Hang, &limits);
    let second = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let refused = send(&router, status()).await;
        let livez = request(Method::GET, "/livez", Body::empty());
        (refused, send(&router, livez).await)
    };
    let (first, (second, livez)) = tokio::join!(send(&router, status()), second);
    first.assert_problem(503, "timed_out");
    second.assert_problem(429, "too_many_requests");
    assert_eq!(livez.status, 200);
    let batches = request(Method::GET, "/v1/batches", Body::empty());
    assert_eq!(send(&router, batches).await.status, 200);
}

#[tokio::test]
async fn it_serves_over_a_socket_until_it_is_stopped() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async { stopped.await.unwrap_or_default() };
    let server = tokio::spawn(Server::new(Arc::new(Ledger::new())).serve(listener, shutdown));
    let ask = move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let head = b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        socket.write_all(head).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    };
    let answer = tokio::task::spawn_blocking(ask).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(answer.contains("application/problem+json"));
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_default_limits_are_those_of_the_plain_router() {
    let plain = Server::new(Arc::new(Ledger::new())).router();
    let body = " ".repeat(Limits::default().body_bytes_max + 1);
    let answer = send(&plain, submission(body)).await;
    answer.assert_problem(413, "body_too_large");
}
