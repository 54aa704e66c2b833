//! The chain as an alloy transport.

use std::borrow::Cow;
use std::task::{Context, Poll};

use alloy::rpc::json_rpc::{ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tower::Service;

use super::{EmbeddedChain, RpcError};

/// Answers alloy's requests from an [`EmbeddedChain`] of the same process.
#[derive(Clone, Debug)]
pub struct EmbeddedTransport {
    chain: EmbeddedChain,
}

impl EmbeddedTransport {
    pub(super) const fn new(chain: EmbeddedChain) -> Self {
        Self { chain }
    }

    async fn answer(&self, request: SerializedRequest) -> Result<Response, TransportError> {
        let params = match request.params() {
            Some(raw) => serde_json::from_str(raw.get()).map_err(TransportErrorKind::custom)?,
            None => Value::Null,
        };
        let payload = match self.chain.call_blocking(request.method().to_owned(), params).await {
            Ok(result) => ResponsePayload::Success(raw(&result)?),
            Err(error) => ResponsePayload::Failure(error_payload(&error)?),
        };
        Ok(Response { id: request.id().clone(), payload })
    }

    async fn answer_packet(self, packet: RequestPacket) -> Result<ResponsePacket, TransportError> {
        match packet {
            RequestPacket::Single(request) => Ok(ResponsePacket::Single(self.answer(request).await?)),
            RequestPacket::Batch(requests) => {
                let mut responses = Vec::with_capacity(requests.len());
                for request in requests {
                    responses.push(self.answer(request).await?);
                }
                Ok(ResponsePacket::Batch(responses))
            }
        }
    }
}

impl Service<RequestPacket> for EmbeddedTransport {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        Box::pin(self.clone().answer_packet(packet))
    }
}

fn raw(value: &Value) -> Result<Box<RawValue>, TransportError> {
    to_raw_value(value).map_err(TransportErrorKind::custom)
}

fn error_payload(error: &RpcError) -> Result<ErrorPayload, TransportError> {
    let data = error.data().map(|output| raw(&Value::String(output.to_string()))).transpose()?;
    Ok(ErrorPayload { code: error.code(), message: Cow::Owned(error.to_string()), data })
}
