//! As much of Rust's grammar as the checks need: what is code, what is comment or literal, where
//! an item ends, and which items exist for tests only.
//!
//! Not a parser, so that it sees the bodies of macros as well.

use std::ops::Range;

/// A Rust file, split into code and string literals.
#[derive(Debug)]
pub(super) struct Lexed {
    /// The file with every comment, string and character literal blanked out. Has the length and
    /// the line breaks of the file, so that offsets are the same in both.
    pub(super) code: String,
    /// String literals in order.
    pub(super) literals: Vec<Literal>,
}

/// A string literal.
#[derive(Debug)]
pub(super) struct Literal {
    /// Byte at which it begins in the file.
    pub(super) offset: usize,
    /// Between the quotes, with escapes as written.
    pub(super) text: String,
}

/// What begins at a byte of the file.
enum Token {
    Code,
    /// Comment or character literal, up to this byte.
    Blank(usize),
    /// String literal: what is between its quotes, and its end.
    Text(Range<usize>, usize),
}

/// Splits a file of Rust source.
pub(super) fn lex(text: &str) -> Lexed {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut literals = Vec::new();
    while code.len() < bytes.len() {
        let at = code.len();
        let end = match token_at(bytes, at) {
            Token::Code => {
                code.push(bytes[at]);
                continue;
            }
            Token::Blank(end) => end,
            Token::Text(inside, end) => {
                literals.push(Literal { offset: at, text: text[inside].to_owned() });
                end
            }
        };
        code.extend(bytes[at..end].iter().map(|&byte| if byte == b'\n' { byte } else { b' ' }));
    }
    let code = String::from_utf8(code).expect("whole tokens are blanked, the rest is UTF-8");
    Lexed { code, literals }
}

fn token_at(bytes: &[u8], at: usize) -> Token {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        return Token::Blank(at + length);
    }
    if rest.starts_with(b"/*") {
        return Token::Blank(at + block_comment_length(rest));
    }
    match rest[0] {
        b'"' | b'r' | b'b' | b'c' if at == 0 || !is_word(bytes[at - 1]) => string_at(bytes, at),
        b'\'' => char_literal_length(rest).map_or(Token::Code, |length| Token::Blank(at + length)),
        _ => Token::Code,
    }
}

/// Length of a block comment, which may hold others.
fn block_comment_length(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// A string literal with any of the prefixes `b`, `c`, `r`, `br`, `cr`, or code.
fn string_at(bytes: &[u8], at: usize) -> Token {
    let mut open = at;
    if matches!(bytes[open], b'b' | b'c') {
        open += 1;
    }
    let raw = bytes.get(open) == Some(&b'r');
    if raw {
        open += 1;
    }
    let hashes = bytes[open..].iter().take_while(|&&byte| raw && byte == b'#').count();
    open += hashes;
    if bytes.get(open) != Some(&b'"') {
        return Token::Code;
    }
    let start = open + 1;
    let mut close = start;
    while close < bytes.len() {
        if !raw && bytes[close] == b'\\' {
            close += 2;
            continue;
        }
        let after = &bytes[close + 1..];
        if bytes[close] == b'"' && after.iter().take_while(|&&b| b == b'#').count() >= hashes {
            return Token::Text(start..close, close + 1 + hashes);
        }
        close += 1;
    }
    Token::Text(start..bytes.len(), bytes.len())
}

/// Length of a character literal; `None` for a lifetime.
fn char_literal_length(rest: &[u8]) -> Option<usize> {
    let first = *rest.get(1)?;
    if first == b'\\' {
        // The escaped character itself may be a quote.
        let end = rest.iter().skip(3).position(|&byte| byte == b'\'')?;
        return Some(end + 4);
    }
    let width = match first {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Line of a byte, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count()
}

/// Where `word` stands in `code` on its own, not as part of a longer name.
pub(super) fn find_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let bytes = code.as_bytes();
        let end = at + word.len();
        let starts = at == 0 || !is_word(bytes[at - 1]) || !is_word(bytes[at]);
        let ends = end >= bytes.len() || !is_word(bytes[end]) || !is_word(bytes[end - 1]);
        starts && ends
    })
}

/// An item from `from` on: what its braces enclose (`None` if it ends with a semicolon), its end.
pub(super) fn item_at(code: &str, from: usize) -> (Option<Range<usize>>, usize) {
    let mut depth = 0_usize;
    let mut open = None;
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'{' if depth == 0 && open.is_none() => {
                open = Some(offset + 1);
                depth += 1;
            }
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => {
                depth = depth.saturating_sub(1);
                if let (0, Some(start)) = (depth, open) {
                    return (Some(start..offset), offset + 1);
                }
            }
            b';' if depth == 0 => return (None, offset + 1),
            _ => {}
        }
    }
    (None, code.len())
}

/// Items behind `#[cfg(test)]` (or `all(test, …)`, `any(test, …)`), with the attribute.
pub(super) fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items: Vec<Range<usize>> = Vec::new();
    for (start, _) in code.match_indices("#[cfg(") {
        let condition = &code[start + "#[cfg(".len()..];
        let for_tests = ["test)", "all(test", "any(test"];
        if !for_tests.iter().any(|prefix| condition.starts_with(prefix)) {
            continue;
        }
        if items.last().is_some_and(|item| item.contains(&start)) {
            continue;
        }
        items.push(start..item_at(code, start).1);
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked_in_place() {
        let text = "let a = \"{ /* \\\" \"; // }\n/* { /* } */ { */ let b = '{'; let c: &'static str = r#\"\"}\"#;";
        let lexed = lex(text);
        assert_eq!(lexed.code.len(), text.len());
        assert!(!lexed.code.contains(['{', '}']), "{}", lexed.code);
        assert!(lexed.code.contains("&'static str"));
        assert_eq!(line_of(&lexed.code, lexed.code.find("let b").expect("is code")), 2);
        let texts: Vec<_> = lexed.literals.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!(texts, ["{ /* \\\" ", "\"}"]);
    }

    #[test]
    fn prefixes_escapes_and_names_are_told_apart() {
        let lexed = lex(r##"f(b"x", br"y\", c"z", '\'', '\u{41}', 'é', r#type, bar)"##);
        let texts: Vec<_> = lexed.literals.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!(texts, ["x", "y\\", "z"]);
        assert!(lexed.code.contains("r#type, bar"));
        assert!(!lexed.code.contains(['\'', '{']), "{}", lexed.code);
    }

    #[test]
    fn unterminated_text_ends_with_the_file() {
        assert_eq!(lex("\"abc").literals[0].text, "abc");
        assert_eq!(lex("/* abc").code.trim(), "");
        assert_eq!(lex("a\\").code, "a\\");
    }

    #[test]
    fn items_end_at_their_brace_or_semicolon() {
        let code = "fn f(a: [u8; 4]) { if x { y; } } fn g();";
        let (body, end) = item_at(code, 0);
        assert_eq!(&code[body.expect("has a body")], " if x { y; } ");
        assert_eq!(&code[end..], " fn g();");
        assert_eq!(item_at(code, end), (None, code.len()));
    }

    #[test]
    fn test_items_cover_modules_and_single_items() {
        let code = "use a;\n#[cfg(test)]\nuse b::{c, d};\nfn f() {}\n#[cfg(test)]\nmod tests { #[cfg(test)] fn g() {} }\n#[cfg(unix)] fn h() {}";
        let items: Vec<&str> = test_items(code).into_iter().map(|item| &code[item]).collect();
        assert_eq!(items.len(), 2);
        assert!(items[0].starts_with("#[cfg(test)]\nuse b"));
        assert!(items[1].ends_with("fn g() {} }"));
    }

    #[test]
    fn words_stand_alone() {
        assert_eq!(find_word("fn a; my_fn b; fn", "fn").count(), 2);
        assert_eq!(find_word("todo!(), not_todo!()", "todo!").count(), 1);
    }
}
