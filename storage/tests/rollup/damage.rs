//! What is read is what was written, or there is an error that says so: after flipped bits, missing and short files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;

use weft_protocol::Timestamp;
use weft_protocol::{AccountIndex, Object};
use weft_storage::rollup::{Applied, OpenError, RollupStore};

use crate::{Commit, IDENTITY, change, commit, open};

const BATCHES: u32 = 2;
const ENTRIES: u64 = 60;

/// All that can be read.
#[derive(Debug, PartialEq)]
struct Content {
    objects: Vec<(AccountIndex, Object)>,
    applied: Option<Applied>,
    entries: Vec<(u64, String)>,
    proof: Option<Vec<u8>>,
    batches: Vec<(u32, String)>,
    transactions: Vec<Option<String>>,
}

fn read(dir: &Path) -> Result<Content, OpenError> {
    let (store, opened) = RollupStore::open(dir, IDENTITY)?;
    let history = store.history(AccountIndex(1), None, 100)?;
    let transactions = history.iter().map(|(_, id)| store.transaction(id)).collect::<Result<_, _>>()?;
    Ok(Content {
        objects: opened.objects,
        applied: opened.applied,
        entries: store.replay(0).collect::<Result<_, _>>()?,
        proof: store.proof(1, Timestamp::MAX)?,
        batches: store.batches(None, 100)?,
        transactions,
    })
}

/// Writes a store and returns what it holds after each batch.
fn write(dir: &Path) -> BTreeMap<Option<u32>, Content> {
    let mut contents = BTreeMap::new();
    let (store, _) = open(dir);
    let entries: Vec<String> = (0..ENTRIES).map(|i| format!("entry {i} of some length")).collect();
    for group in entries.chunks(7) {
        store.append(group).unwrap();
    }
    store.put_proof(1, Timestamp::MAX, &[9; 3000]).unwrap();
    drop(store);
    contents.insert(None, read(dir).unwrap());
    for batch in 1..=BATCHES {
        let (store, _) = open(dir);
        store.apply(&nth_commit(batch)).unwrap();
        drop(store);
        contents.insert(Some(batch), read(dir).unwrap());
    }
    contents
}

fn nth_commit(batch: u32) -> Commit {
    let changes = (0..20).map(|i| change(i * batch, None, Some(batch * 100 + i))).collect();
    commit(batch, u64::from(batch) * 10, changes, &[&[1, 2], &[1]])
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// Files of both databases that are not empty, relative to `dir`, without RocksDB's messages.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for part in ["log", "state"] {
        for entry in fs::read_dir(dir.join(part)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.metadata().unwrap().len() > 0 && !name.starts_with("LOG") {
                files.push(Path::new(part).join(name));
            }
        }
    }
    files
}

/// What kind of file it is, such as `log/sst`.
fn kind(file: &Path) -> String {
    let name = file.file_name().unwrap().to_str().unwrap();
    let kind =
        file.extension().map_or_else(|| name.split('-').next().unwrap(), |extension| extension.to_str().unwrap());
    format!("{}/{kind}", file.parent().unwrap().display())
}

/// The content of a file after damage: `flips` flipped bits, spread over it, one each; half of it missing; all of it.
fn damages(bytes: &[u8], flips: usize) -> impl Iterator<Item = Option<Vec<u8>>> {
    let flips = (0..flips).map(move |i| {
        let mut bytes = bytes.to_vec();
        let at = i * (bytes.len() - 1) / (flips - 1);
        bytes[at] ^= 0x10;
        Some(bytes)
    });
    flips.chain([Some(bytes[..bytes.len() / 2].to_vec()), None])
}

/// Damages one file in copies of `dir` in many ways and reads them. Returns whether it was noticed.
fn damage(dir: &Path, file: &Path, flips: usize, contents: &BTreeMap<Option<u32>, Content>) -> bool {
    let mut noticed = false;
    let latest = contents.last_key_value().unwrap().0;
    for (i, damaged) in damages(&fs::read(dir.join(file)).unwrap(), flips).enumerate() {
        let scratch = tempfile::tempdir().unwrap();
        copy(dir, scratch.path());
        match damaged {
            Some(bytes) => fs::write(scratch.path().join(file), bytes),
            None => fs::remove_file(scratch.path().join(file)),
        }
        .unwrap();
        match read(scratch.path()) {
            Ok(content) => {
                let batch = content.applied.map(|applied| applied.batch);
                assert_eq!(Some(&content), contents.get(&batch), "{}: damage {i}", file.display());
                // The end of the state's write-ahead log may be lost, as in a crash: the log has it all.
                assert!(batch == *latest || kind(file) == "state/log", "{}: damage {i}", file.display());
            }
            Err(error) => {
                let text = error.to_string();
                let part = scratch.path().join(file.parent().unwrap());
                assert!(text.contains(&part.display().to_string()), "{}: {text}", file.display());
                noticed = true;
            }
        }
    }
    noticed
}

/// Damages each of `files`, and returns the kinds of those whose damage was noticed.
fn damage_each(
    dir: &Path,
    files: &[PathBuf],
    flips: usize,
    contents: &BTreeMap<Option<u32>, Content>,
) -> BTreeSet<String> {
    // Most of the time goes into waiting for the disk.
    thread::scope(|scope| {
        let start = |file| scope.spawn(move || damage(dir, file, flips, contents).then(|| kind(file)));
        let running: Vec<_> = files.iter().map(|file| start(file.as_path())).collect();
        running.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn damage_is_found_or_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let contents = write(dir.path());
    let noticed = damage_each(dir.path(), &files(dir.path()), 6, &contents);
    for kind in ["log/sst", "log/CURRENT", "log/MANIFEST", "state/sst", "state/CURRENT", "state/MANIFEST"] {
        assert!(noticed.contains(kind), "no damage of {kind} was noticed: {noticed:?}");
    }
}

#[test]
fn damage_of_a_write_ahead_log_is_found_or_harmless() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    // What is written from here on is in the write-ahead logs only. A copy that is read has its own.
    let read_copy = || {
        let scratch = tempfile::tempdir().unwrap();
        copy(dir.path(), scratch.path());
        read(scratch.path()).unwrap()
    };
    let (store, _) = open(dir.path());
    store.append(&["one more", "and one more"]).unwrap();
    let mut contents = BTreeMap::from([(Some(BATCHES), read_copy())]);
    store.apply(&nth_commit(BATCHES + 1)).unwrap();
    drop(store);
    contents.insert(Some(BATCHES + 1), read_copy());
    let files: Vec<_> = files(dir.path()).into_iter().filter(|file| kind(file).ends_with("/log")).collect();
    assert_eq!(files.len(), 2);
    let noticed = damage_each(dir.path(), &files, 40, &contents);
    // Behind a damaged log, the state knows what is missing; behind a damaged state stands the log.
    assert_eq!(noticed, BTreeSet::from(["log/log".to_owned()]));
}

#[test]
fn a_lost_log_is_not_taken_for_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path());
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    for _ in 0..2 {
        let error = RollupStore::open(dir.path(), IDENTITY).unwrap_err();
        assert!(matches!(error, OpenError::LogLost { found: 1, .. }), "{error}");
    }
}

#[test]
fn a_torn_write_at_the_end_of_the_log_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let contents = write(dir.path());
    let (store, _) = open(dir.path());
    store.append(&["acknowledged"]).unwrap();
    drop(store);
    for file in files(dir.path()).iter().filter(|file| kind(file).ends_with("/log")) {
        let mut file = fs::File::options().append(true).open(dir.path().join(file)).unwrap();
        file.write_all(&[0x5a; 40]).unwrap();
    }
    let content = read(dir.path()).unwrap();
    let mut expected = contents[&Some(BATCHES)].entries.clone();
    expected.push((ENTRIES, "acknowledged".to_owned()));
    assert_eq!(content.entries, expected);
    assert_eq!(content.applied, contents[&Some(BATCHES)].applied);
}
