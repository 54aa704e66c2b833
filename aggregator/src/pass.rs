//! How a worker shows who it is: a number, which is public, and a secret that it was given with it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use weft_storage::jobs::WorkerId;

use crate::gateway::Token;

/// The secret of one worker, drawn when it registers.
#[derive(Clone, Serialize, Deserialize)]
pub struct WorkerSecret([u8; 32]);

/// Stands for what workers must know to register: with another one, all secrets that were given before are void.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FleetKey([u8; 32]);

impl FleetKey {
    /// The key of the fleet that knows this token; without one nobody registers from outside.
    #[must_use]
    pub fn of(token: Option<&Token>) -> Self {
        Self(blake3::derive_key("weft secrets of workers v1", token.map_or("", Token::text).as_bytes()))
    }
}

/// Without the key.
impl fmt::Debug for FleetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FleetKey(…)")
    }
}

/// What a coordinator keeps of a secret.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SecretHash([u8; 32]);

/// A worker, and the secret that shows that it is the one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WorkerPass {
    /// What it is called.
    pub worker: WorkerId,
    /// Its secret.
    pub secret: WorkerSecret,
}

/// A text is no pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a pass is the number of a worker, a dot and 64 hexadecimal digits")]
pub struct PassError;

impl WorkerSecret {
    /// A secret that nobody else has.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    pub(crate) fn hash(&self, fleet: &FleetKey) -> SecretHash {
        let fleet = blake3::Hasher::new_keyed(&fleet.0).update(&self.0).finalize();
        SecretHash(*fleet.as_bytes())
    }
}

impl SecretHash {
    /// Whether this is the secret's hash in this fleet. Takes as long for every secret.
    pub(crate) fn is_of(&self, secret: &WorkerSecret, fleet: &FleetKey) -> bool {
        same(&self.0, &secret.hash(fleet).0)
    }
}

/// Compares in constant time.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    blake3::Hash::from_bytes(*a) == blake3::Hash::from_bytes(*b)
}

impl PartialEq for WorkerSecret {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for WorkerSecret {}

/// Without the secret.
impl fmt::Debug for WorkerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorkerSecret(…)")
    }
}

impl WorkerPass {
    /// As it stands in a header: the number, a dot, the secret.
    pub(crate) fn text(&self) -> String {
        format!("{}.{}", self.worker.0, hex::encode(self.secret.0))
    }
}

impl FromStr for WorkerPass {
    type Err = PassError;

    fn from_str(text: &str) -> Result<Self, PassError> {
        let (worker, digits) = text.split_once('.').ok_or(PassError)?;
        let mut secret = [0; 32];
        hex::decode_to_slice(digits, &mut secret).map_err(|_| PassError)?;
        Ok(Self { worker: WorkerId(worker.parse().map_err(|_| PassError)?), secret: WorkerSecret(secret) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_survives_the_header_and_no_other_fits() {
        let [secret, other] = [(); 2].map(|()| WorkerSecret::random().expect("randomness"));
        let pass = WorkerPass { worker: WorkerId(u64::MAX), secret: secret.clone() };
        assert_eq!(pass.text().parse(), Ok(pass.clone()));
        let token = Token::new("0123456789abcdef".to_owned()).expect("16 bytes");
        let [fleet, none] = [FleetKey::of(Some(&token)), FleetKey::of(None)];
        let hash = secret.hash(&fleet);
        assert!(hash.is_of(&secret, &fleet) && !hash.is_of(&other, &fleet));
        assert!(!hash.is_of(&secret, &none), "another token, other secrets");
        assert_ne!(secret, other);
        assert_eq!(format!("{:?}", pass.secret), "WorkerSecret(…)");
        let digits = "0".repeat(64);
        for wrong in ["", ".", "1", "1.", &format!("x.{digits}"), &format!("1.{digits}0"), &format!("-1.{digits}")] {
            assert_eq!(wrong.parse::<WorkerPass>(), Err(PassError), "{wrong}");
        }
    }
}
