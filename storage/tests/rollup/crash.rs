//! A process that writes is killed again and again. Everything that it said was written is there, whole.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use weft_protocol::Timestamp;
use weft_protocol::{AccountIndex, Object};
use weft_storage::rollup::{Applied, Change, RollupStore};

use crate::{Commit, commit, digest, id, object, open};

/// Tells the process that it is the one to be killed, and where to write.
const WRITER: &str = "WEFT_STORAGE_CRASH_WRITER";
const ROUNDS: u64 = 24;
/// Objects that a batch writes, of so many.
const WRITES: u32 = 40;
const ACCOUNTS: u32 = 150;
const PROOF_BYTES: usize = 60_000;

/// Number of entries of the log that end with batch `batch`. Groups have 1 to 9.
fn log_end(batch: u32) -> u64 {
    (1..=u64::from(batch)).map(|batch| 1 + batch % 9).sum()
}

fn entry(position: u64) -> String {
    format!("entry {position} {}", "x".repeat(usize::try_from(position % 200).unwrap()))
}

fn proof(batch: u32) -> Vec<u8> {
    batch.to_be_bytes().repeat(PROOF_BYTES / 4)
}

fn objects_after(batch: u32) -> BTreeMap<AccountIndex, Object> {
    let writes = (1..=batch).flat_map(|batch| (0..WRITES).map(move |i| (index(batch, i), object(batch))));
    writes.collect()
}

fn index(batch: u32, i: u32) -> AccountIndex {
    AccountIndex((batch * 37 + i) % ACCOUNTS)
}

fn nth_commit(batch: u32) -> Commit {
    let before = objects_after(batch - 1);
    let changes = (0..WRITES).map(|i| index(batch, i));
    let changes =
        changes.map(|index| Change { index, before: before.get(&index).copied(), after: Some(object(batch)) });
    commit(batch, log_end(batch), changes.collect(), &[&[1, 2], &[1]])
}

/// Goes on where the last writer was killed, and says what is done when it is done.
fn write_until_killed(dir: &Path) -> io::Result<()> {
    let mut out = io::stdout();
    let (store, opened) = open(dir);
    let last = opened.applied.map_or(0, |applied| applied.batch);
    // The last writer may have been killed before it came to that.
    store.put_proof(last, Timestamp::MAX, &proof(last)).expect("the disk takes it");
    for batch in last + 1.. {
        let commit = nth_commit(batch);
        let entries: Vec<String> = (store.log_next()..log_end(batch)).map(entry).collect();
        store.append(&entries).expect("the disk takes it");
        writeln!(out, "\nlogged {}", log_end(batch))?;
        store.apply(&commit).expect("it is the next batch");
        writeln!(out, "\napplied {batch}")?;
        store.put_proof(batch, Timestamp::MAX, &proof(batch)).expect("the disk takes it");
        writeln!(out, "\nproved {batch}")?;
        out.flush()?;
    }
    Ok(())
}

/// What the killed process said last.
#[derive(Default)]
struct Said {
    logged: u64,
    applied: u64,
    proved: u64,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let Some((what, number)) = line.split_once(' ') else { return };
        let Ok(number) = number.parse() else { return };
        match what {
            "logged" => self.logged = number,
            "applied" => self.applied = number,
            "proved" => self.proved = number,
            _ => {}
        }
    }
}

/// Starts a writer, kills it after `delay`, counted from its start or from its first word.
fn run_and_kill(dir: &Path, round: u64, said: &mut Said) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "crash::what_a_killed_process_acknowledged_is_there", "--nocapture"]);
    let mut child = command.env(WRITER, dir).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Every third time while the store is being opened, or soon after.
    if !round.is_multiple_of(3) {
        while said.hear_next(&mut lines) != Some(true) {}
    }
    let killer = thread::spawn(move || {
        thread::sleep(Duration::from_micros(500 + round * 7919 % 90_000));
        child.kill().unwrap();
        child.wait().unwrap();
    });
    while said.hear_next(&mut lines).is_some() {}
    killer.join().unwrap();
}

impl Said {
    /// `None` at the end, else whether the line told something.
    fn hear_next(&mut self, lines: &mut impl Iterator<Item = io::Result<String>>) -> Option<bool> {
        let line = lines.next()?.ok()?;
        self.hear(&line);
        Some(line.starts_with("logged "))
    }
}

fn check(store: &RollupStore, objects: Vec<(AccountIndex, Object)>, said: &Said) -> u32 {
    let next = store.log_next();
    assert!(next >= said.logged, "{next} entries are left of {}", said.logged);
    let entries: Vec<(u64, String)> = store.replay(0).collect::<Result<_, _>>().unwrap();
    assert_eq!(entries.len() as u64, next);
    assert!(entries.iter().all(|(position, text)| *text == entry(*position)));

    let batch = store.applied().map_or(0, |applied| applied.batch);
    assert!(u64::from(batch) >= said.applied, "batch {batch} is left of {}", said.applied);
    if batch > 0 {
        let expected = Applied { batch, root: digest(batch), log_next: log_end(batch) };
        assert_eq!(store.applied(), Some(expected));
    }
    // An append is there whole or not at all.
    assert!([log_end(batch), log_end(batch + 1)].contains(&next), "{next} entries after batch {batch}");
    assert!(objects.into_iter().eq(objects_after(batch)), "objects are not those after batch {batch}");
    for number in 1..=batch + 1 {
        assert_eq!(store.batch::<String>(number).unwrap().is_some(), number <= batch);
        assert_eq!(store.transaction::<String>(&id(number, 1)).unwrap().is_some(), number <= batch);
        let file = store.proof(number, Timestamp::MAX).unwrap();
        assert!(file.is_some() || u64::from(number) > said.proved, "the proof file of batch {number} is lost");
        assert!(file.is_none_or(|file| file == proof(number)), "the proof file of batch {number} is torn");
    }
    batch
}

#[test]
fn what_a_killed_process_acknowledged_is_there() {
    if let Some(dir) = env::var_os(WRITER) {
        write_until_killed(Path::new(&dir)).expect("the other process listens until it kills this one");
    }
    let dir = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    for round in 0..ROUNDS {
        run_and_kill(dir.path(), round, &mut said);
        // Every fourth time the next writer finds what the killed one left.
        if round % 4 != 3 {
            let (store, opened) = open(dir.path());
            check(&store, opened.objects, &said);
        }
    }
    let (store, opened) = open(dir.path());
    let last = check(&store, opened.objects, &said);
    assert!(u64::from(last) > ROUNDS, "the writers came to batch {last} only: nothing was tested");
}
