//! Messages between a worker and its prover's process: a length of four bytes, lowest first, and a value.

use std::io::{self, Read, Write};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::circuits::CircuitId;

/// Bytes of a value at most: more than a job's input and proofs have.
const FRAME_BYTES_MAX: u32 = 64 << 20;

/// From the prover's process. To it go [`Task`](crate::Task)s.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It has loaded its circuits.
    Ready { circuits: Vec<CircuitId> },
    /// The task has come to a stage.
    Stage(String),
    /// The task is done.
    Done { proof: Vec<u8>, wall: Duration, cpu: Duration },
    /// The task gives no proof.
    Failed(String),
}

/// Writes a value.
pub(super) fn write<T: Serialize>(output: &mut impl Write, value: &T) -> io::Result<()> {
    output.write_all(&encode(value)?)?;
    output.flush()
}

/// Reads a value; `None` at the end of the input.
pub(super) fn read<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    if input.read(&mut length[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..])?;
    let mut bytes = vec![0; bounded(u32::from_le_bytes(length))?];
    input.read_exact(&mut bytes)?;
    decode(&bytes).map(Some)
}

/// Writes a value.
pub(super) async fn send<T: Serialize + Sync>(output: &mut (impl AsyncWrite + Unpin), value: &T) -> io::Result<()> {
    output.write_all(&encode(value)?).await?;
    output.flush().await
}

/// Reads a value.
pub(super) async fn receive<T: DeserializeOwned>(input: &mut (impl AsyncRead + Unpin)) -> io::Result<T> {
    let mut bytes = vec![0; bounded(input.read_u32_le().await?)?];
    input.read_exact(&mut bytes).await?;
    decode(&bytes)
}

fn encode<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let value = postcard::to_stdvec(value).map_err(io::Error::other)?;
    let length = u32::try_from(value.len()).ok().filter(|length| *length <= FRAME_BYTES_MAX);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"))?;
    Ok([&length.to_le_bytes()[..], &value].concat())
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn bounded(length: u32) -> io::Result<usize> {
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is too long"));
    }
    usize::try_from(length).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_and_nothing_else_does() {
        let reply = Reply::Stage("proving".to_owned());
        let mut bytes = Vec::new();
        write(&mut bytes, &reply).expect("memory");
        write(&mut bytes, &Reply::Failed("no".to_owned())).expect("memory");
        let mut input = &bytes[..];
        assert_eq!(read(&mut input).expect("whole"), Some(reply));
        assert_eq!(read(&mut input).expect("whole"), Some(Reply::Failed("no".to_owned())));
        assert_eq!(read::<Reply>(&mut input).expect("an end between frames is an end"), None);
        for end in 1..8 {
            assert!(read::<Reply>(&mut &bytes[..end]).is_err(), "cut at {end}");
        }
        let too_long = (FRAME_BYTES_MAX + 1).to_le_bytes();
        assert_eq!(read::<Reply>(&mut &too_long[..]).expect_err("too long").kind(), io::ErrorKind::InvalidData);
    }
}
