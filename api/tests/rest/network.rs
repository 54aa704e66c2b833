//! Over real connections: slow, half-open, oversized and too many ones, and streams of events.

use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use weft_api::{Door, Finality, JobStateName, Limits, Server};

use crate::ledger::{Ledger, PROVING, deployment, signed, transfer};

/// A client that is not the one of all other connections.
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A server on a port of its own.
struct Running {
    address: SocketAddr,
    ledger: Arc<Ledger>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("it listens");
        let ledger = Arc::new(Ledger::new());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::with_limits(Arc::clone(&ledger), limits);
        let task = tokio::spawn(server.serve(listener, async { stopped.await.unwrap_or_default() }));
        Self { address, ledger, stop: Some(stop), task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the server listens")
    }

    /// A connection of a client with this address.
    async fn connect_from(&self, client: Ipv4Addr) -> TcpStream {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        socket.bind((client, 0).into()).expect("every address of 127.0.0.0/8 is this machine's");
        socket.connect(self.address).await.expect("the server listens")
    }

    /// What the server sends until it closes the connection.
    async fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("the connection is open");
        rest(&mut stream).await
    }

    async fn get(&self, path: &str) -> String {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")).await
    }

    async fn assert_lives(&self) {
        assert!(self.get("/livez").await.starts_with("HTTP/1.1 200 "));
    }

    /// Whether it ended by itself within the time.
    async fn stop(mut self) -> Duration {
        let began = Instant::now();
        self.stop.take().expect("it was not stopped").send(()).expect("the server runs");
        self.task.await.expect("the server does not panic").expect("nor does it fail");
        began.elapsed()
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after an answer counts as its end.
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut bytes)).await;
    let _ = read.expect("the server closes the connection");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until the text has come.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut received = String::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while !received.contains(text) {
            let count = stream.read(&mut buffer).await.expect("the connection is open");
            assert_ne!(count, 0, "ended before {text}: {received}");
            received.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    tokio::time::timeout(Duration::from_secs(5), reading).await.expect("the text comes");
    received
}

fn quick() -> Limits {
    Limits {
        head_time_max: Duration::from_millis(200),
        request_time_max: Duration::from_millis(300),
        write_time_max: Duration::from_millis(300),
        stream_interval: Duration::from_millis(10),
        stop_time_max: Duration::from_millis(500),
        ..Limits::default()
    }
}

#[tokio::test]
async fn heads_that_come_drop_by_drop_are_cut_off() {
    let server = Running::start(Limits { connections_max: 4, ..quick() }).await;
    // As many as the server takes: only their end lets others in.
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /livez HTTP/1.1\r\nx: ").await.unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    server.assert_lives().await;
    assert!(began.elapsed() >= Duration::from_millis(100), "the connections were not full");
    for stream in &mut slow {
        rest(stream).await;
    }
}

#[tokio::test]
async fn connections_that_say_nothing_are_cut_off() {
    let server = Running::start(Limits { connections_max: 2, ..quick() }).await;
    let mut silent = [server.connect().await, server.connect().await];
    server.assert_lives().await;
    for stream in &mut silent {
        assert_eq!(rest(stream).await, "");
    }
    // The same after an answer.
    let mut idle = server.connect().await;
    idle.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(rest(&mut idle).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn bodies_that_come_drop_by_drop_are_answered_with_503() {
    let server = Running::start(quick()).await;
    let head =
        "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{";
    let answer = server.exchange(head).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"timed_out\""), "{answer}");
    server.assert_lives().await;
}

#[tokio::test]
async fn half_open_connections_do_no_harm() {
    let server = Running::start(quick()).await;
    for _ in 0..20 {
        let mut stream = server.connect().await;
        stream.write_all(b"POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
        drop(stream);
    }
    server.assert_lives().await;
}

#[tokio::test]
async fn oversized_requests_are_refused() {
    let server = Running::start(quick()).await;
    let line = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000));
    let answer = server.exchange(&line).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let headers = "x: y\r\n".repeat(100);
    let answer = server.exchange(&format!("GET /livez HTTP/1.1\r\n{headers}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let head = "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let announced = format!("{head}content-length: 1000000000\r\nconnection: close\r\n\r\n{}", " ".repeat(20_000));
    assert!(server.exchange(&announced).await.starts_with("HTTP/1.1 413 "));
    let chunk = format!("{:x}\r\n{}\r\n", 20_000, " ".repeat(20_000));
    let chunked = format!("{head}transfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunk}");
    assert!(server.exchange(&chunked).await.starts_with("HTTP/1.1 413 "));
    server.assert_lives().await;
}

#[tokio::test]
async fn a_client_has_only_so_many_connections() {
    let server = Running::start(Limits { client_connections_max: 3, ..Limits::default() }).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        read_until(&mut stream, "true").await;
        held.push(stream);
    }
    assert_eq!(server.get("/livez").await, "");
    held.clear();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.assert_lives().await;
}

#[tokio::test]
async fn a_client_has_only_so_many_requests() {
    let one = NonZeroU32::new(1).unwrap();
    let burst = NonZeroU32::new(3).unwrap();
    let limits = Limits { client_requests_per_second: one, client_requests_burst: burst, ..Limits::default() };
    let server = Running::start(limits).await;
    for remaining in ["2", "1", "0"] {
        let answer = server.get("/v1/status").await;
        assert!(answer.starts_with("HTTP/1.1 200 "));
        assert!(answer.contains("ratelimit-limit: 3\r\n"));
        assert!(answer.contains(&format!("ratelimit-remaining: {remaining}\r\n")), "{answer}");
    }
    let refused = server.get("/v1/status").await;
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("\"rate_limited\""), "{refused}");
    assert!(refused.contains("retry-after: 1\r\n") && refused.contains("ratelimit-remaining: 0\r\n"));
    // What machines ask about health is not limited.
    server.assert_lives().await;
}

#[tokio::test]
async fn a_reader_who_stops_reading_is_cut_off() {
    let server = Running::start(Limits { connections_max: 1, ..quick() }).await;
    let mut stream = server.connect().await;
    let request = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(400);
    // Reads nothing; the server's answers fill what the system keeps for the connection.
    let _ = tokio::time::timeout(Duration::from_secs(2), stream.write_all(request.as_bytes())).await;
    server.assert_lives().await;
}

fn events_of(transcript: &str) -> Vec<(String, String)> {
    let events = transcript.split("\n\n").filter_map(|block| {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        Some((field("id: ")?, format!("{} {}", field("event: ")?, field("data: ")?)))
    });
    events.collect()
}

fn stream_request(path: &str, last: Option<u32>) -> String {
    let last = last.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n{last}connection: close\r\n\r\n")
}

#[tokio::test]
async fn a_stream_tells_the_steps_of_a_transaction_and_ends_with_the_last() {
    let server = Running::start(quick()).await;
    let client = crate::client::Client::over(Arc::clone(&server.ledger));
    client.submit(signed(transfer())).await;
    let id = transfer().id(&deployment().domain);
    let path = format!("/v1/transactions/{id}/events");
    let mut stream = server.connect().await;
    stream.write_all(stream_request(&path, None).as_bytes()).await.unwrap();
    let mut transcript = read_until(&mut stream, "executed").await;
    assert!(transcript.contains("content-type: text/event-stream"));
    server.ledger.advance(&id, Finality::Sealed);
    transcript.push_str(&read_until(&mut stream, "sealed").await);
    server.ledger.advance(&id, Finality::Verified);
    transcript.push_str(&rest(&mut stream).await);
    let steps: Vec<_> = events_of(&transcript).into_iter().filter(|(_, event)| event.starts_with("step")).collect();
    let words = ["accepted", "executed", "sealed", "verified"];
    assert_eq!(steps.len(), words.len(), "{transcript}");
    for ((id, event), (number, word)) in steps.iter().zip((1..).zip(words)) {
        assert_eq!(*id, number.to_string());
        assert!(event.contains(word), "{event}");
    }

    let resumed = events_of(&server.exchange(&stream_request(&path, Some(2))).await);
    let ids: Vec<_> =
        resumed.iter().filter(|(_, event)| event.starts_with("step")).map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["3", "4"]);
    assert!(server.exchange(&stream_request(&path, Some(99))).await.contains("event: proving"));
}

#[tokio::test]
async fn a_stream_tells_what_the_provers_do() {
    let server = Running::start(quick()).await;
    let mut stream = server.connect().await;
    stream.write_all(stream_request(&format!("/v1/batches/{PROVING}/events"), None).as_bytes()).await.unwrap();
    let begin = read_until(&mut stream, "quarantined").await;
    assert!(begin.contains("event: tree"));
    server.ledger.change_job(1, |job| job.stage = Some("quotient".to_owned()));
    let changed = read_until(&mut stream, "quotient").await;
    assert!(changed.contains("event: job") && !changed.contains("event: tree"));
    server.ledger.change_job(1, |job| job.state = JobStateName::Done);
    read_until(&mut stream, "\"done\"").await;
    server.ledger.advance_batch(Finality::Verified);
    read_until(&mut stream, "verified").await;
    server.ledger.advance_batch(Finality::Withdrawable);
    assert!(rest(&mut stream).await.contains("withdrawable"));
}

#[tokio::test]
async fn streams_are_bounded_and_end_when_the_server_stops() {
    let server = Running::start(Limits { streams_max: 1, ..quick() }).await;
    let path = format!("/v1/batches/{PROVING}/events");
    let mut stream = server.connect().await;
    stream.write_all(stream_request(&path, None).as_bytes()).await.unwrap();
    read_until(&mut stream, "event: tree").await;
    let refused = server.get(&path).await;
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("too_many_streams"), "{refused}");
    for bad in ["x", "-1", "1.5"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nlast-event-id: {bad}\r\nconnection: close\r\n\r\n");
        assert!(server.exchange(&request).await.starts_with("HTTP/1.1 400 "));
    }
    assert!(server.stop().await < Duration::from_millis(400));
    rest(&mut stream).await;
}

#[tokio::test]
async fn one_client_does_not_get_all_streams() {
    let server = Running::start(Limits { streams_max: 3, client_streams_max: 1, ..quick() }).await;
    let path = format!("/v1/batches/{PROVING}/events");
    let mut first = server.connect().await;
    first.write_all(stream_request(&path, None).as_bytes()).await.unwrap();
    read_until(&mut first, "event: tree").await;
    let refused = server.get(&path).await;
    assert!(refused.starts_with("HTTP/1.1 429 ") && refused.contains("too_many_streams"), "{refused}");
    assert!(refused.contains("retry-after: "), "{refused}");
    let mut other = server.connect_from(OTHER).await;
    other.write_all(stream_request(&path, None).as_bytes()).await.unwrap();
    read_until(&mut other, "event: tree").await;
    // What has ended counts no more.
    drop(first);
    let began = Instant::now();
    loop {
        let mut again = server.connect().await;
        again.write_all(stream_request(&path, None).as_bytes()).await.unwrap();
        if read_until(&mut again, "\r\n\r\n").await.starts_with("HTTP/1.1 200 ") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "the stream that ended still counts");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn who_comes_by_another_door_needs_no_connection_of_the_api() {
    let server = Running::start(Limits { connections_max: 1, ..Limits::default() }).await;
    let mut all = server.connect().await;
    all.write_all(b"GET /livez HTTP/1.1\r\nx: ").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let door = Door::new(weft_api::Router::new(), Limits::default());
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(door.serve(listener, async { stopped.await.unwrap_or_default() }));
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("\"trace_id\""), "{answer}");
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn streams_end_after_their_time() {
    let server = Running::start(Limits { stream_time_max: Duration::from_millis(50), ..quick() }).await;
    let transcript = server.get(&format!("/v1/batches/{PROVING}/events")).await;
    assert!(transcript.contains("event: tree"));
}

#[tokio::test]
async fn requests_in_work_are_answered_before_the_server_stops() {
    let server = Running::start(Limits { stop_time_max: Duration::from_secs(3), ..Limits::default() }).await;
    let mut stream = server.connect().await;
    let body = crate::client::body_of(signed(transfer())).to_string();
    let head = format!(
        "POST /v1/transactions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let stopping = tokio::spawn(server.stop());
    tokio::time::sleep(Duration::from_millis(50)).await;
    stream.write_all(body.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.starts_with("HTTP/1.1 202 "));
    assert!(stopping.await.unwrap() < Duration::from_secs(2));
}
