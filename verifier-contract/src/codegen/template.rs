//! Templates with `#NAME#` placeholders, and memory maps that give names to addresses.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::CodegenError;

/// Values of placeholders by name.
#[derive(Debug, Default)]
pub(super) struct Values(BTreeMap<String, String>);

impl Values {
    /// Gives `name` a value.
    pub(super) fn set(&mut self, name: &str, value: impl Display) {
        self.0.insert(name.to_owned(), value.to_string());
    }

    /// Replaces every placeholder of `template`.
    ///
    /// # Errors
    /// If a placeholder has no value.
    pub(super) fn fill(&self, template: &str) -> Result<String, CodegenError> {
        let mut out = String::with_capacity(template.len() * 2);
        for (index, piece) in template.split('#').enumerate() {
            // Pieces at odd places stand between two marks.
            if index % 2 == 0 {
                out.push_str(piece);
            } else {
                let value = self.0.get(piece);
                out.push_str(value.ok_or_else(|| CodegenError::Placeholder { name: piece.to_owned() })?);
            }
        }
        Ok(out)
    }
}

/// Hands out memory addresses from 0 upwards.
#[derive(Debug, Default)]
pub(super) struct Memory {
    next: usize,
}

impl Memory {
    /// Reserves `bytes`, rounded up to words, and names their address.
    pub(super) fn reserve(&mut self, values: &mut Values, name: &str, bytes: usize) -> usize {
        let address = self.next;
        values.set(name, address);
        self.next += bytes.next_multiple_of(WORD_BYTES);
        address
    }

    /// Bytes handed out.
    pub(super) const fn size(&self) -> usize {
        self.next
    }
}

/// Bytes of an EVM word.
pub(super) const WORD_BYTES: usize = 32;

/// Puts `inner` at the place of `mark` in `outer`, indented like the mark.
pub(super) fn embed(outer: &str, mark: &str, inner: &str) -> String {
    let mut out = String::with_capacity(outer.len() + inner.len());
    for line in outer.lines() {
        if line.trim() == mark {
            let indent = &line[..line.len() - line.trim_start().len()];
            for inner_line in inner.lines() {
                if !inner_line.is_empty() {
                    out.push_str(indent);
                    out.push_str(inner_line);
                }
                out.push('\n');
            }
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Values as words of 32 bytes, in hexadecimal.
pub(super) fn words_hex(words: impl IntoIterator<Item = u64>) -> String {
    words.into_iter().map(|word| format!("{word:064x}")).collect()
}
