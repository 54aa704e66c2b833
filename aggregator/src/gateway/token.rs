//! A secret that many share with a coordinator: workers, to register, or operators.

use std::fmt;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// Bytes of a token at least.
pub const TOKEN_BYTES_MIN: usize = 16;

pub(super) const SCHEME: &str = "Bearer ";

/// A secret that workers, or operators, share with a coordinator.
#[derive(Clone)]
pub struct Token {
    text: String,
    hash: blake3::Hash,
}

/// A text is no token.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// It could be guessed.
    #[error("a token has at least {TOKEN_BYTES_MIN} bytes, got {got}")]
    TooShort {
        /// Its bytes.
        got: usize,
    },
    /// It does not fit a header.
    #[error("a token consists of visible ASCII characters")]
    Characters,
}

impl Token {
    /// A token of at least [`TOKEN_BYTES_MIN`] visible ASCII characters.
    ///
    /// # Errors
    /// It is none.
    pub fn new(text: String) -> Result<Self, TokenError> {
        if text.len() < TOKEN_BYTES_MIN {
            return Err(TokenError::TooShort { got: text.len() });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        Ok(Self { hash: blake3::hash(text.as_bytes()), text })
    }

    /// Whether a request carries it. Hashes are compared, in constant time: how long it takes says nothing of the token.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix(SCHEME)).unwrap_or_default();
        blake3::hash(token.as_bytes()) == self.hash
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The header's value that carries it.
    pub(super) fn header(&self) -> String {
        format!("{SCHEME}{}", self.text)
    }
}

/// Without the secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_counts() {
        let token = Token::new("0123456789abcdef".to_owned()).expect("16 bytes");
        let is_in = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().expect("ASCII"));
            token.is_in(&headers)
        };
        assert!(is_in("Bearer 0123456789abcdef") && is_in(&token.header()));
        for wrong in ["Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "0123456789abcdef", "Bearer ", "Basic x"] {
            assert!(!is_in(wrong), "{wrong}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn short_and_unprintable_tokens_are_none() {
        assert_eq!(Token::new("x".repeat(15)).expect_err("short"), TokenError::TooShort { got: 15 });
        assert_eq!(Token::new(format!("{}\n", "x".repeat(16))).expect_err("a line"), TokenError::Characters);
    }
}
