//! A node that says what a test wants.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::Client;

/// A node that answers requests whose path and query begin with one of these texts with the body beside the first such,
/// and all others with 404.
pub(crate) fn node(bodies: Vec<(&'static str, Value)>) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = vec![0; 8192];
            let length = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let body = bodies.iter().find(|(start, _)| path.starts_with(start)).map(|(_, body)| body.clone());
            let (status, body) = body.map_or_else(|| ("404 Not Found", unknown()), |body| ("200 OK", body));
            let (body, close) = (body.to_string(), "connection: close");
            let length = body.len();
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{close}");
            // The client may have gone.
            let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes());
        }
    });
    Client::new(format!("http://{address}"))
}

fn unknown() -> Value {
    json!({
        "type": "urn:weft:problem:unknown_account", "title": "", "status": 404, "code": "unknown_account", "detail": "",
        "trace_id": "",
    })
}
