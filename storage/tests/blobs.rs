//! Blobs as files: by content, whole or not there, checked when they are read.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use weft_storage::blobs::{BLOB_BYTES_MAX, BlobError, BlobId, BlobStore, FileBlobs};

fn open(dir: &Path) -> FileBlobs {
    FileBlobs::open(dir).expect("there is room")
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("it is a folder") {
        let path = entry.expect("it is readable").path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

#[tokio::test]
async fn put_get_delete() {
    let dir = tempfile::tempdir().expect("there is room");
    let blobs = open(dir.path());
    let bytes = b"a proof".to_vec();
    let id = blobs.put(bytes.clone()).await.expect("there is room");
    assert_eq!(id, BlobId::of(&bytes));
    let name = id.to_string();
    assert_eq!(blobs.path(&id), dir.path().join(&name[..2]).join(&name[2..4]).join(&name));
    assert_eq!(blobs.put(bytes.clone()).await.expect("there is room"), id);
    assert_eq!(files_below(dir.path()), [blobs.path(&id)], "put twice it is there once, and nothing besides");
    let blobs = open(dir.path());
    assert!(blobs.exists(&id).await.expect("it is readable"));
    assert_eq!(blobs.get(&id).await.expect("it is whole"), Some(bytes));
    let empty = blobs.put(Vec::new()).await.expect("there is room");
    assert_eq!(blobs.get(&empty).await.expect("it is whole"), Some(Vec::new()));
    for _ in 0..2 {
        blobs.delete(&id).await.expect("it may be deleted");
        assert!(!blobs.exists(&id).await.expect("the folder is readable"));
        assert_eq!(blobs.get(&id).await.expect("the folder is readable"), None);
    }
    assert!(blobs.exists(&empty).await.expect("it is readable"));
}

#[tokio::test]
async fn damage_is_noticed_and_repaired() {
    let dir = tempfile::tempdir().expect("there is room");
    let blobs = open(dir.path());
    let bytes = vec![5; 10_000];
    let id = blobs.put(bytes.clone()).await.expect("there is room");
    let path = blobs.path(&id);
    let mut flipped = bytes.clone();
    flipped[9_000] ^= 1;
    let longer = [bytes.as_slice(), &[0]].concat();
    for damaged in [&flipped, &bytes[..9_999], &longer, &[]] {
        fs::write(&path, damaged).expect("there is room");
        let error = blobs.get(&id).await.expect_err("it is damaged");
        assert!(error.to_string().contains(&id.to_string()), "{error} does not name the blob");
        assert!(matches!(error, BlobError::Corrupt { id: named, .. } if named == id), "{error:?}");
        assert_eq!(blobs.put(bytes.clone()).await.expect("there is room"), id);
        assert_eq!(blobs.get(&id).await.expect("it is whole again"), Some(bytes.clone()));
    }
}

#[tokio::test]
async fn a_file_that_has_grown_is_not_read_whole() {
    let dir = tempfile::tempdir().expect("there is room");
    let blobs = open(dir.path());
    let id = blobs.put(vec![1]).await.expect("there is room");
    let file = OpenOptions::new().write(true).open(blobs.path(&id)).expect("it is there");
    file.set_len(1 << 40).expect("it is sparse");
    assert!(matches!(blobs.get(&id).await, Err(BlobError::Corrupt { .. })));
}

#[tokio::test]
async fn size_is_bounded() {
    let dir = tempfile::tempdir().expect("there is room");
    let blobs = open(dir.path());
    let id = blobs.put(vec![3; BLOB_BYTES_MAX]).await.expect("it is as large as it may be");
    assert_eq!(blobs.get(&id).await.expect("it is whole").map(|bytes| bytes.len()), Some(BLOB_BYTES_MAX));
    let refused = blobs.put(vec![3; BLOB_BYTES_MAX + 1]).await;
    assert!(matches!(refused, Err(BlobError::TooLarge { bytes }) if bytes == BLOB_BYTES_MAX + 1), "{refused:?}");
    assert_eq!(files_below(dir.path()), [blobs.path(&id)]);
}

/// What a process that was killed has left behind is deleted by the next one.
#[tokio::test]
async fn half_written_files_are_cleaned_up() {
    let dir = tempfile::tempdir().expect("there is room");
    let id = open(dir.path()).put(vec![1]).await.expect("there is room");
    let temp = dir.path().join("temp");
    fs::File::create(temp.join("1234-0")).and_then(|mut file| file.write_all(b"half")).expect("there is room");
    let blobs = open(dir.path());
    assert_eq!(files_below(dir.path()), [blobs.path(&id)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_put_the_same_at_once() {
    let dir = tempfile::tempdir().expect("there is room");
    let blobs = open(dir.path());
    for round in 0..10_u8 {
        let puts: Vec<_> = (0..8)
            .map(|_| {
                let blobs = blobs.clone();
                tokio::spawn(async move {
                    let id = blobs.put(vec![round; 50_000]).await.expect("there is room");
                    assert_eq!(blobs.get(&id).await.expect("it is whole"), Some(vec![round; 50_000]));
                })
            })
            .collect();
        for put in puts {
            put.await.expect("no put fails");
        }
    }
    assert_eq!(files_below(dir.path()).len(), 10);
}

/// A disk that refuses is an error that says where.
#[tokio::test]
async fn refusals_name_the_path() {
    let dir = tempfile::tempdir().expect("there is room");
    let file = dir.path().join("file");
    fs::write(&file, "not a folder").expect("there is room");
    let error = FileBlobs::open(&file).expect_err("it is a file");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    let blobs = open(&dir.path().join("blobs"));
    let id = BlobId::of(b"x");
    fs::write(blobs.path(&id).parent().expect("it has a folder"), "in the way").expect("there is room");
    assert!(matches!(blobs.put(b"x".to_vec()).await, Err(BlobError::Io { .. })));
}
