use std::fs;
use std::path::Path;
use std::process;

use rocksdb::{ColumnFamilyDescriptor, DB, Options};
use weft_storage::rollup::{OpenError, RollupStore, SCHEMA};

use crate::{IDENTITY, open};

fn refusal(dir: &Path) -> OpenError {
    RollupStore::open(dir, IDENTITY).expect_err("the folder is refused")
}

/// Changes the database in `dir` without the store.
fn edit(dir: &Path, change: impl FnOnce(&mut DB)) {
    let families = DB::list_cf(&Options::default(), dir).unwrap();
    let families = families.into_iter().map(|name| ColumnFamilyDescriptor::new(name, Options::default()));
    let mut db = DB::open_cf_descriptors(&Options::default(), dir, families).unwrap();
    change(&mut db);
}

#[test]
fn folders_are_made_as_needed() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("a/b/c");
    let (store, opened) = open(&inner);
    assert_eq!((opened.objects.len(), opened.applied, opened.log_next), (0, None, 0));
    drop(store);
    open(&inner);
}

#[test]
fn a_second_opener_is_told_who_has_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let error = refusal(dir.path());
    assert!(matches!(&error, OpenError::InUse { holder, .. } if *holder == process::id().to_string()), "{error}");
    assert!(error.to_string().contains("stop that process"), "{error}");
    drop(store);
    // The refused opener has not harmed the lock, nor the store.
    open(dir.path()).0.append(&["a"]).unwrap();
}

#[test]
fn another_deployment_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let error = RollupStore::open(dir.path(), b"deployment 2").unwrap_err();
    assert!(matches!(error, OpenError::OtherIdentity { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&hex::encode(IDENTITY)) && text.contains(&hex::encode(b"deployment 2")), "{text}");
    // A beginning of the identity is not the identity.
    let error = RollupStore::open(dir.path(), &IDENTITY[..5]).unwrap_err();
    assert!(matches!(error, OpenError::OtherIdentity { .. }), "{error}");
    open(dir.path());
}

#[test]
fn a_later_schema_is_refused_even_if_it_has_other_column_families() {
    for part in ["log", "state"] {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()));
        edit(&dir.path().join(part), |db| {
            db.create_cf("of later times", &Options::default()).unwrap();
            db.put("format", [(SCHEMA + 1).to_be_bytes().as_slice(), IDENTITY].concat()).unwrap();
        });
        let error = refusal(dir.path());
        assert!(matches!(error, OpenError::OtherSchema { found, .. } if found == SCHEMA + 1), "{part}: {error}");
    }
}

#[test]
fn the_database_of_something_else_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let mut options = Options::default();
    options.create_if_missing(true);
    DB::open(&options, &path).unwrap().put("key", "value").unwrap();
    let error = refusal(dir.path());
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    edit(&path, |db| assert_eq!(db.get("key").unwrap().as_deref(), Some(b"value".as_slice())));
}

#[test]
fn a_file_is_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "a file").unwrap();
    for path in [file.clone(), file.join("below")] {
        let error = refusal(&path);
        assert!(matches!(error, OpenError::Folder { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    for part in ["log", "state", "lock"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(part);
        if part == "lock" { fs::create_dir(&path) } else { fs::write(&path, "a file") }.unwrap();
        let error = refusal(dir.path());
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
}

/// Root may write everywhere but there.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_cannot_be_written_to_is_refused() {
    let error = refusal(Path::new("/proc/weft"));
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
    let error = refusal(Path::new("/proc/self"));
    assert!(matches!(error, OpenError::Folder { .. }), "{error}");
}

#[test]
fn a_state_whose_deletion_was_interrupted_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let discarded = dir.path().join("state.discarded");
    fs::rename(dir.path().join("state"), &discarded).unwrap();
    let (_, opened) = open(dir.path());
    assert_eq!(opened.applied, None);
    assert!(!discarded.exists());
}
