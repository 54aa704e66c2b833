//! A client against servers that misbehave.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use weft_api::{Event, Finality};

use super::*;

/// A server that gives these answers, one for each connection and the last one again and again; with a client of it, the
/// number of requests that came, and what they said.
fn server(answers: Vec<String>) -> (Client, Arc<AtomicUsize>, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (count, heads) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (counted, seen) = (Arc::clone(&count), Arc::clone(&heads));
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            seen.lock().unwrap().push(String::from_utf8_lossy(&request[..length]).to_lowercase());
            // The client may have gone.
            let _ = stream.write_all(answers[number.min(answers.len() - 1)].as_bytes());
        }
    });
    (Client::new(format!("http://{address}/")), count, heads)
}

fn answer(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn problem(status: &str) -> String {
    let body = r#"{"type":"urn:weft:problem:x","title":"","status":503,"code":"x","detail":"no","trace_id":"t"}"#;
    answer(status, "application/problem+json", body)
}

fn nonce() -> String {
    answer("200 OK", "application/json", r#"{"index":1,"executed":2,"next":3,"more":true}"#)
}

#[tokio::test]
async fn what_may_pass_is_asked_again() {
    let (client, count, _) = server(vec![problem("503 Service Unavailable"), String::new(), nonce()]);
    assert_eq!(client.nonce(1).await.unwrap().next, 3);
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_refusal_is_final() {
    let (client, count, _) = server(vec![problem("409 Conflict"), nonce()]);
    let error = client.nonce(1).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, "x");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn attempts_are_bounded() {
    let (client, count, _) = server(vec![problem("429 Too Many Requests")]);
    assert!(matches!(client.nonce(1).await, Err(ClientError::Refused { .. })));
    assert_eq!(count.load(Ordering::SeqCst), ATTEMPTS_MAX as usize);
}

#[tokio::test]
async fn what_is_no_node_is_told() {
    for body in [answer("200 OK", "text/html", "<html>"), answer("500 Oh", "text/plain", "oh")] {
        let (client, ..) = server(vec![body]);
        assert!(matches!(client.nonce(1).await, Err(ClientError::Answer { .. })));
    }
    assert!(matches!(Client::new("http://127.0.0.1:1").nonce(1).await, Err(ClientError::Unreachable { .. })));
}

#[tokio::test]
async fn all_pages_of_a_list_are_read() {
    let account = |index| {
        let (owner, key) = (format!("0x{}", "00".repeat(20)), Digest::ZERO);
        format!(r#"{{"index":{index},"owner":"{owner}","key":"{key}","nonce":0,"pending_nonce":0,"balances":[]}}"#)
    };
    let page =
        |index, next: &str| answer("200 OK", "application/json", &format!("{{\"items\":[{}]{next}}}", account(index)));
    let (client, _, heads) = server(vec![page(1, ",\"next\":\"00000000000000ab\""), page(2, "")]);
    let indices: Vec<_> =
        client.accounts_of(&Address::ZERO).await.unwrap().iter().map(|account| account.index).collect();
    assert_eq!(indices, [1, 2]);
    assert!(heads.lock().unwrap()[1].contains("&cursor=00000000000000ab "));
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_cut_off() {
    let step = |id, word: &str| {
        format!("id: {id}\nevent: step\ndata: {{\"step\":\"{word}\",\"at\":\"2026-01-01T00:00:00.000Z\"}}\n\n")
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let first = format!("{head}: hello\n\nevent: unheard\ndata: x\n\n{}{}", step(1, "accepted"), "id: 2\nevent: st");
    let second = format!("{head}{}", step(2, "executed"));
    let (client, _, heads) = server(vec![first, second]);
    let mut events = client.transaction_events(&Digest::ZERO);
    for expected in [Finality::Accepted, Finality::Executed] {
        let Event::Step(step) = events.next().await.unwrap().event else { panic!("not a step") };
        assert_eq!(step.step, expected);
    }
    let heads = heads.lock().unwrap();
    assert!(!heads[0].contains("last-event-id"));
    assert!(heads[1].contains("last-event-id: 1\r\n"), "{}", heads[1]);
}

#[tokio::test]
async fn a_stream_that_is_refused_ends() {
    let (client, ..) = server(vec![problem("404 Not Found")]);
    assert!(matches!(client.batch_events(9).next().await, Err(ClientError::Refused { .. })));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let (client, ..) = server(vec![format!("{head}event: step\ndata: {{}}\n\n")]);
    assert!(matches!(client.batch_events(9).next().await, Err(ClientError::Answer { .. })));
}
