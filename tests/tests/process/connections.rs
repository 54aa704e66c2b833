//! Clients that are slow, silent, or say too much, and workers without the token: the node goes on.

use std::time::{Duration, Instant};

use reqwest::{Client, Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::stage::{Provers, Stage, TOKEN};

/// Connections of each bad kind.
const CONNECTIONS: usize = 150;
/// Time in which a node that is well answers.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
/// Time in which the node must end a connection that says nothing useful.
const CUT_TIME_MAX: Duration = Duration::from_secs(25);
/// Batches are not what is tested.
const NEVER: Duration = Duration::from_secs(3_600);

#[tokio::test(flavor = "multi_thread")]
async fn bad_clients_do_not_stop_the_node() {
    let stage = Stage::set(NEVER, Provers::External).await.unwrap();
    let address = stage.url().trim_start_matches("http://").to_owned();
    let mut silent = Vec::new();
    let mut slow = Vec::new();
    for _ in 0..CONNECTIONS {
        silent.push(TcpStream::connect(&address).await.unwrap());
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"GET /v1/status HTTP/1.1\r\nhost: a\r\n").await.unwrap();
        slow.push(stream);
        // The head is whole, the body never comes.
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head = b"POST /v1/transactions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 800\r\n\r\n{";
        stream.write_all(head).await.unwrap();
        silent.push(stream);
    }
    let dripping = tokio::spawn(drip(slow));
    let began = Instant::now();
    for stream in silent {
        answers(stage.url()).await;
        let left = CUT_TIME_MAX.saturating_sub(began.elapsed());
        assert!(ends(stream, left).await, "a silent connection is kept");
    }
    assert!(dripping.await.unwrap(), "a head that never ends is kept");
    oversized(&address).await;
    answers(stage.url()).await;
}

/// The node answers soon.
async fn answers(url: &str) {
    let status = reqwest::get(format!("{url}/v1/status"));
    let answer = timeout(ANSWER_TIME_MAX, status).await.expect("the node answers in time").unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

/// Whether the other side ends the connection in time.
async fn ends(mut stream: TcpStream, time: Duration) -> bool {
    let mut rest = Vec::new();
    // An answer such as 408 may come first; a reset is an end too.
    timeout(time, stream.read_to_end(&mut rest)).await.is_ok()
}

/// Sends heads a byte at a time. Whether the other side puts an end to all of them.
async fn drip(mut streams: Vec<TcpStream>) -> bool {
    let began = Instant::now();
    while !streams.is_empty() && began.elapsed() < CUT_TIME_MAX {
        let mut open = Vec::new();
        for mut stream in streams {
            let mut answer = [0; 512];
            let ended = match stream.try_read(&mut answer) {
                Ok(0) => true,
                Ok(_) => false,
                Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
            };
            if !ended && stream.write_all(b"x").await.is_ok() {
                open.push(stream);
            }
        }
        streams = open;
        sleep(Duration::from_millis(200)).await;
    }
    streams.is_empty()
}

/// Bodies and heads that are longer than they may be are refused, however they are announced.
async fn oversized(address: &str) {
    let long = "x".repeat(100_000);
    let head = "POST /v1/transactions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let requests = [
        (format!("GET /v1/status HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"), "431"),
        (format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n"), "4"),
        (format!("{head}content-length: 999999999\r\n\r\n{long}"), "413"),
        (format!("{head}transfer-encoding: chunked\r\n\r\n186A0\r\n{long}\r\n0\r\n\r\n"), "413"),
        ("\0\u{1}\u{2}\r\n\r\n".to_owned(), "400"),
    ];
    for (request, status) in requests {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The node may end the connection before it has read all of it.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = [0; 64];
        let length = timeout(ANSWER_TIME_MAX, stream.read(&mut answer)).await.expect("it is refused soon").unwrap_or(0);
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        let what = &request[..request.len().min(60)];
        assert!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")), "{what:?}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_and_operators_without_what_they_must_know_are_refused() {
    let stage = Stage::set(NEVER, Provers::External).await.unwrap();
    let calls = [
        (Method::POST, "registrations"),
        (Method::DELETE, "registrations/1"),
        (Method::POST, "leases"),
        (Method::PUT, "leases"),
        (Method::POST, "leases/failed"),
        (Method::POST, "leases/released"),
        (Method::GET, "blobs/0000000000000000000000000000000000000000000000000000000000000000"),
        (Method::POST, "proofs"),
    ];
    for (method, path) in calls {
        let url = format!("{}/v1/prover/{path}", stage.url());
        for authorization in [None, Some("Bearer "), Some("Bearer wrong"), Some("Basic d2VmdA==")] {
            let mut request = Client::new().request(method.clone(), &url).body("anything");
            if let Some(value) = authorization {
                request = request.header("authorization", value);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path} {authorization:?}");
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
        }
    }
    // The token of the fleet lets a worker register, and nothing else.
    for (path, status, code) in [
        ("leases", StatusCode::UNAUTHORIZED, "unauthorized"),
        ("batches/1/retry", StatusCode::FORBIDDEN, "no_operator_token"),
        ("workers/a/readmit", StatusCode::FORBIDDEN, "no_operator_token"),
    ] {
        let request = Client::new().post(format!("{}/v1/prover/{path}", stage.url())).bearer_auth(TOKEN);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code, "{path}");
    }
}
