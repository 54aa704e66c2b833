//! Workers over HTTP on the loopback: the same road, and what is refused at the gate.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use weft_aggregator::gateway::{HttpTransport, Readmitted, Retried, Token, Tokens, router};
use weft_aggregator::message::{BUILD, Held, Submission};
use weft_aggregator::{Circuits as _, FleetError, FleetEvent, JobKind, ProofOutcome, Transport, WorkerPass};
use weft_storage::jobs::{BlobId, JobStore, LeaseId, MemoryJobStore};

use crate::toy::{Mishap, Toy, proof_of};
use crate::world::{Batch, World, hello, in_memory, in_process, start};

pub(crate) const TOKEN: &str = "a-token-that-nobody-knows";

/// That of the operators.
const OPERATOR: &str = "a-token-of-operators";

pub(crate) fn token() -> Token {
    Token::new(TOKEN.to_owned()).expect("long enough")
}

fn operator_token() -> Token {
    Token::new(OPERATOR.to_owned()).expect("long enough")
}

/// Serves a world for as long as the runtime lives.
pub(crate) async fn serve<S: JobStore>(world: &World<S>, address: &str) -> SocketAddr {
    let listener = TcpListener::bind(address).await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    serve_with(world, listener, Tokens { workers: Some(token()), operator: Some(operator_token()) });
    address
}

fn serve_with<S: JobStore>(world: &World<S>, listener: TcpListener, tokens: Tokens) {
    let routes = router(world.local(), tokens);
    tokio::spawn(async move { axum::serve(listener, routes).await });
}

pub(crate) fn transport(address: SocketAddr) -> HttpTransport {
    HttpTransport::new(&format!("http://{address}/"), token()).expect("an address")
}

struct Served {
    world: World<MemoryJobStore>,
    address: SocketAddr,
    _dir: tempfile::TempDir,
}

async fn served() -> Served {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let address = serve(&world, "127.0.0.1:0").await;
    Served { world, address, _dir: dir }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_proved_over_http() {
    let Served { world, address, _dir } = served().await;
    let workers = [
        start("a", transport(address), in_process(Toy::good())),
        start("b", transport(address), in_process(Toy::good())),
    ];
    let batch = Batch::new(1, 7);
    world.submit(&batch).await;
    world.finish(&batch).await;
    let wrapped = world.proven(1).await;
    assert_eq!(wrapped.jobs.len(), 7 + 3 + 1 + 2);
    for worker in workers {
        worker.stop().await.expect("it was asked to");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_enters_without_the_token() {
    let Served { address, .. } = served().await;
    let wrong = Token::new("a-token-of-somebody-else".to_owned()).expect("long enough");
    let stranger = HttpTransport::new(&format!("http://{address}"), wrong).expect("an address");
    assert_eq!(stranger.register(hello("a")).await, Err(FleetError::Unauthorized));
    assert_eq!(start("a", stranger, in_process(Toy::good())).end().await, Err(FleetError::Unauthorized));

    let response = reqwest::Client::new().post(format!("http://{address}/v1/prover/leases")).send().await;
    let response = response.expect("it answers");
    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["www-authenticate"], "Bearer");
    let problem: serde_json::Value = response.json().await.expect("a problem");
    assert_eq!(problem["code"], "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_readmit_workers_and_retry_batches() {
    let Served { world, address, _dir } = served().await;
    let operator = HttpTransport::new(&format!("http://{address}"), operator_token()).expect("an address");
    let transport = transport(address);
    assert_eq!(transport.retry_batch(1).await, Err(FleetError::Unauthorized), "workers are no operators");
    assert_eq!(operator.register(hello("a")).await, Err(FleetError::Unauthorized), "operators are no workers");
    assert_eq!(operator.retry_batch(1).await, Err(FleetError::NoSuchBatch));
    assert_eq!(operator.readmit("a liar/1").await, Err(FleetError::NoSuchWorker));
    let batch = Batch::new(1, 1);
    world.submit(&batch).await;
    world.finish(&batch).await;
    assert_eq!(operator.retry_batch(1).await, Ok(Retried { batch: 1, retried: 0 }));
    // Two liars use up the job's budget of invalid proofs, and their own.
    for name in ["a liar/1", "a liar/2"] {
        let liar = start(name, transport.clone(), in_process(Toy::always(JobKind::Segment, Mishap::Lie)));
        assert_eq!(liar.end().await, Err(FleetError::Suspended));
    }
    world.wait_for("the end", |event| matches!(event, FleetEvent::Halted { batch: 1, .. })).await;
    let request = reqwest::Client::new().post(format!("http://{address}/v1/prover/batches/1/retry"));
    let response = request.header("authorization", format!("Bearer {OPERATOR}")).send().await.expect("it answers");
    assert_eq!(response.headers()["content-type"], "application/json");
    let retried: serde_json::Value = response.json().await.expect("JSON");
    assert_eq!(retried, serde_json::json!({ "batch": 1, "retried": 1 }));
    for was_suspended in [true, false] {
        let readmitted = Readmitted { worker: "a liar/1".to_owned(), was_suspended };
        assert_eq!(operator.readmit("a liar/1").await, Ok(readmitted));
    }
    let reformed = start("a liar/1", transport.clone(), in_process(Toy::good()));
    world.proven(1).await;
    reformed.stop().await.expect("it was asked to");

    let client = reqwest::Client::new();
    for path in ["batches/1/retry", "workers/a/readmit"] {
        let response = client.post(format!("http://{address}/v1/prover/{path}")).send().await.expect("it answers");
        assert_eq!(response.status(), 401, "{path}");
    }
    let request = client.post(format!("http://{address}/v1/prover/batches/x/retry"));
    let response = request.header("authorization", format!("Bearer {OPERATOR}")).send().await.expect("it answers");
    assert_eq!(response.status(), 404);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_other_circuits_or_versions_are_told_what_is_expected() {
    let Served { world, address, _dir } = served().await;
    let transport = transport(address);
    let foreign = start("foreign", transport.clone(), in_process(Toy::of_family(9))).end().await;
    let Err(FleetError::Refused(expected)) = foreign else { unreachable!("{foreign:?}") };
    assert_eq!((expected.build.as_str(), &expected.circuits), (BUILD, &Toy::good().ids()));
    for (build, circuits) in [("0.0.0", Toy::good().ids()), (BUILD, Vec::new())] {
        let mut hello = hello("a");
        (hello.build, hello.circuits) = (build.to_owned(), circuits);
        assert_eq!(transport.register(hello).await, Err(FleetError::Refused(expected.clone())));
    }
    assert!(world.coordinator.worker_views().is_empty());
    let mut part = hello("part");
    part.circuits.truncate(1);
    transport.register(part).await.expect("a worker may have a part of the circuits");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_bounded_and_understood_or_refused() {
    let Served { world, address, _dir } = served().await;
    world.submit(&Batch::new(1, 1)).await;
    let transport = transport(address);
    let pass = transport.register(hello("a")).await.expect("it fits").pass;
    let assignment = transport.claim(&pass, Duration::ZERO).await.expect("it may").expect("a job");
    let held = Held { lease: assignment.lease, key: assignment.key };
    let submission = |proof| Submission { held, proof, wall: Duration::ZERO, cpu: Duration::ZERO };
    let too_large = transport.submit(&pass, submission(vec![0; 3 << 20])).await;
    assert_eq!(too_large, Err(FleetError::TooLarge));
    let unknown = transport.blob(&pass, BlobId([0; 32])).await;
    assert_eq!(unknown, Err(FleetError::NoSuchBlob));

    let client = reqwest::Client::new();
    let header = header_of(&pass);
    for path in ["registrations", "leases", "leases/failed", "leases/released", "proofs"] {
        let url = format!("http://{address}/v1/prover/{path}");
        let header = if path == "registrations" { format!("Bearer {TOKEN}") } else { header.clone() };
        let request = client.post(url).header("authorization", header).body(vec![0xff; 40]);
        let response = request.send().await.expect("it answers");
        assert_eq!(response.status(), 400, "{path}");
        let problem: serde_json::Value = response.json().await.expect("a problem");
        assert_eq!(problem["code"], "bad_request", "{path}");
    }
    let url = format!("http://{address}/v1/prover/leases");
    let request = client.post(url).header("authorization", &header).body(vec![0; 80 << 10]);
    let response = request.send().await.expect("it answers");
    assert_eq!(response.status(), 413);
    let problem: serde_json::Value = response.json().await.expect("a problem");
    assert_eq!(problem["code"], "body_too_large");
    let outcome = transport.submit(&pass, submission(proof_of(assignment.statement))).await.expect("it is known");
    assert!(matches!(outcome, ProofOutcome::Taken(_)));
    let other = Held { lease: LeaseId(7), ..held };
    transport.release(&pass, other).await.expect("who has nothing gives nothing back");
}

/// The header of a worker: what stands in it is what is documented.
fn header_of(pass: &WorkerPass) -> String {
    let secret: [u8; 32] =
        postcard::from_bytes(&postcard::to_stdvec(&pass.secret).expect("plain data")).expect("it is");
    format!("Bearer {}.{}", pass.worker.0, hex::encode(secret))
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_routes_are_closed_without_a_token_of_theirs() {
    let dir = tempfile::tempdir().expect("a folder");
    let world = in_memory(dir.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    serve_with(&world, listener, Tokens { workers: None, operator: None });
    let transport = transport(address);
    let closed = transport.retry_batch(1).await.expect_err("nobody may");
    assert_eq!(closed, FleetError::NoOperator);
    assert!(closed.to_string().contains("provers.operator_token_file"), "{closed}");
    let response = reqwest::Client::new().post(format!("http://{address}/v1/prover/workers/a/readmit")).send().await;
    let response = response.expect("it answers");
    assert_eq!(response.status(), 403);
    let problem: serde_json::Value = response.json().await.expect("a problem");
    assert_eq!(problem["code"], "no_operator_token");
    let unserved = transport.register(hello("a")).await.expect_err("there are no external workers");
    assert!(matches!(unserved, FleetError::Unreachable { .. }), "{unserved}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_registers_only_so_many_workers_at_once() {
    let Served { address, .. } = served().await;
    let transport = transport(address);
    let mut registered = 0;
    let refused = loop {
        match transport.register(hello("flood")).await {
            Ok(_) => registered += 1,
            Err(error) => break error,
        }
        assert!(registered < 200, "there is no bound");
    };
    assert!(registered >= 64, "{registered}");
    assert!(matches!(refused, FleetError::TooMany { wait } if !wait.is_zero()), "{refused}");
    let request = reqwest::Client::new().post(format!("http://{address}/v1/prover/registrations"));
    let response = request.header("authorization", format!("Bearer {TOKEN}")).send().await.expect("it answers");
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "1");
}

/// Answers one request after the other with these statuses, then goes on to the coordinator.
async fn grumpy_proxy(coordinator: SocketAddr, statuses: &'static [u16]) -> SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    tokio::spawn(async move {
        let mut left = statuses.iter();
        loop {
            let (mut client, _) = listener.accept().await.expect("it listens");
            if let Some(status) = left.next() {
                let mut request = [0; 4096];
                drop(client.read(&mut request).await);
                let answer = format!("HTTP/1.1 {status} No\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno");
                client.write_all(answer.as_bytes()).await.expect("it listens");
                continue;
            }
            let mut server = tokio::net::TcpStream::connect(coordinator).await.expect("it serves");
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_says_in_passing_does_not_end_a_worker() {
    let Served { world, address, _dir } = served().await;
    let proxy = grumpy_proxy(address, &[502, 429, 408, 425, 404, 413, 200]).await;
    let worker = start("a", transport(proxy), in_process(Toy::good()));
    let batch = Batch::new(1, 1);
    world.submit(&batch).await;
    world.finish(&batch).await;
    world.proven(1).await;
    worker.stop().await.expect("it was asked to");

    let closed = grumpy_proxy(address, &[403]).await;
    let ended = start("b", transport(closed), in_process(Toy::good())).end().await.expect_err("nobody gets through");
    assert!(matches!(ended, FleetError::Forbidden { .. }), "{ended}");
    assert!(ended.to_string().contains("403"), "{ended}");
}
