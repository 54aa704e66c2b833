//! Key files that open, and all those that must not.

use std::fs::{self, Permissions};

use super::*;

const PASSPHRASE: &[u8] = b"correct horse";

fn key() -> KeyBytes {
    Zeroizing::new([7; 32])
}

fn sealed(kind: KeyKind) -> Keystore {
    Keystore::seal(kind, &key(), PASSPHRASE, KdfCost::MIN).unwrap()
}

/// The file with one text replaced, which must be there.
fn edited(keystore: &Keystore, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(keystore.file.to_bytes()).unwrap();
    assert!(text.contains(from), "{text}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn a_file_gives_back_the_key_that_was_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    let keystore = sealed(KeyKind::Rollup);
    keystore.create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let read = Keystore::read(&path).unwrap();
    assert_eq!(read, keystore);
    let opened = read.open_rollup(PASSPHRASE).unwrap();
    assert_eq!(opened.public_key(), SecretKey::from_seed(&key()).public_key());
    assert_eq!(read.public().0, opened.public_key().digest().to_bytes());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "the temporary file is gone");

    let l1 = sealed(KeyKind::L1).open_l1(PASSPHRASE).unwrap();
    assert_eq!(l1.address(), l1_signer(&key()).unwrap().address());
}

#[test]
fn the_same_key_is_sealed_differently_each_time() {
    assert_ne!(sealed(KeyKind::L1).file.cipher, sealed(KeyKind::L1).file.cipher);
}

#[test]
fn another_passphrase_does_not_open_it() {
    for passphrase in [b"".as_slice(), b"correct horsf", b"correct horse "] {
        assert!(matches!(sealed(KeyKind::L1).open_l1(passphrase), Err(KeystoreError::Unsealed)));
    }
}

#[test]
fn a_key_serves_one_kind_only() {
    let error = sealed(KeyKind::L1).open_rollup(PASSPHRASE).unwrap_err();
    assert!(matches!(error, KeystoreError::Kind { expected: KeyKind::Rollup, got: KeyKind::L1 }));
    let relabelled = Keystore::from_bytes(&edited(&sealed(KeyKind::L1), "\"l1\"", "\"rollup\"")).unwrap();
    assert!(matches!(relabelled.open_rollup(PASSPHRASE), Err(KeystoreError::Unsealed)));
}

#[test]
fn no_prefix_of_a_file_is_a_key_file() {
    let bytes = sealed(KeyKind::L1).file.to_bytes();
    for length in 0..bytes.len() {
        assert!(Keystore::from_bytes(&bytes[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn no_byte_of_a_file_is_without_meaning() {
    let bytes = sealed(KeyKind::L1).file.to_bytes();
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 1;
        let opened = Keystore::from_bytes(&changed).and_then(|keystore| keystore.open_l1(PASSPHRASE));
        assert!(opened.is_err(), "byte {position}");
    }
}

#[test]
fn costs_out_of_bounds_are_refused_before_anything_is_allocated() {
    let keystore = sealed(KeyKind::L1);
    for (from, to, refused) in [
        ("\"memory_kib\": 8192", "\"memory_kib\": 4294967295", "memory_kib"),
        ("\"memory_kib\": 8192", "\"memory_kib\": 524289", "memory_kib"),
        ("\"memory_kib\": 8192", "\"memory_kib\": 8", "memory_kib"),
        ("\"passes\": 1", "\"passes\": 4000000", "passes"),
        ("\"passes\": 1", "\"passes\": 0", "passes"),
        ("\"lanes\": 1", "\"lanes\": 65536", "lanes"),
    ] {
        let error = Keystore::from_bytes(&edited(&keystore, from, to)).unwrap_err();
        assert!(matches!(error, KeystoreError::Cost { field, .. } if field == refused), "{to}: {error}");
    }
    let bomb = KdfCost { memory_kib: u32::MAX, ..KdfCost::MIN };
    assert!(matches!(Keystore::seal(KeyKind::L1, &key(), PASSPHRASE, bomb), Err(KeystoreError::Cost { .. })));
}

#[test]
fn other_formats_are_named() {
    let keystore = sealed(KeyKind::L1);
    let of = |from, to| Keystore::from_bytes(&edited(&keystore, from, to)).unwrap_err();
    assert!(matches!(of("\"version\": 1", "\"version\": 2"), KeystoreError::Version { got: 2 }));
    assert!(matches!(of("argon2id", "pbkdf2"), KeystoreError::Algorithm { .. }));
    assert!(matches!(of("xchacha20poly1305", "none"), KeystoreError::Algorithm { .. }));
    assert!(matches!(of("\"kind\":", "\"note\": 1,\n  \"kind\":"), KeystoreError::Json(_)));
    assert!(matches!(of("\n  \"kind\"", "\n   \"kind\""), KeystoreError::NotCanonical { position: 20 }));
    let sealed = keystore.file.cipher.sealed.to_string();
    let shorter = Keystore::from_bytes(&edited(&keystore, &sealed, &sealed[..sealed.len() - 2])).unwrap_err();
    assert!(matches!(shorter, KeystoreError::Sealed { got: 47 }));
}

#[test]
fn a_file_that_others_can_reach_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    sealed(KeyKind::L1).create(&path).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o601, 0o644] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert!(matches!(Keystore::read(&path), Err(KeystoreError::Mode { mode: got, .. }) if got == mode));
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert!(Keystore::read(&path).is_ok());
}

#[test]
fn a_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.json");
    fs::write(&path, "precious").unwrap();
    assert!(matches!(sealed(KeyKind::L1).create(&path), Err(KeystoreError::Exists { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let nowhere = folder.path().join("none").join("key.json");
    assert!(matches!(sealed(KeyKind::L1).create(&nowhere), Err(KeystoreError::Io { .. })));
}

#[test]
fn hexadecimal_keys_are_read_strictly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.hex");
    let write = |text: &str| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        read_hex_key(&path)
    };
    let digits = hex::encode(key().as_slice());
    for text in [digits.clone(), format!("0x{digits}\n")] {
        assert_eq!(write(&text).unwrap().address(), l1_signer(&key()).unwrap().address());
    }
    let order = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    for text in ["", "0x", &digits[2..], &format!("{digits}00"), &"0".repeat(64), order, &"g".repeat(64)] {
        assert!(matches!(write(text), Err(KeystoreError::NoKey { .. })), "{text:?}");
    }
    assert!(matches!(write(&"0".repeat(1 << 15)), Err(KeystoreError::Size { got: 32_768, .. })));
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(read_hex_key(&path), Err(KeystoreError::Mode { .. })));
}
