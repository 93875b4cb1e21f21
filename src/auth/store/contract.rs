//! What every store keeps to, wherever it puts a record; and what an encrypted file adds.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::disk::Refusal;

use super::*;

mod steps;

use steps::{NEW, OLD, found, keeps_the_contract, key, save};

/// One derivation of the real length takes as long as all of these tests.
const FEW_ROUNDS: u32 = 1000;

fn file_store(dir: &Path) -> Store {
    Store::File(FileStore::with_rounds(dir.to_owned(), Secret::new("correct horse"), FEW_ROUNDS))
}

fn sealed_store(dir: &Path) -> Store {
    Store::Sealed(SealedFile::new(dir.to_owned(), Secret::new("injected")))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// A file store with one record, and the record's file.
async fn with_a_record() -> (TempDir, Store, StoreKey, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let (store, key) = (file_store(dir.path()), key("one"));
    save(&store, &key, OLD).await;
    let path = dir.path().join("sessions").join(format!("{key}.enc"));
    (dir, store, key, path)
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    keeps_the_contract(Store::Memory(Memory::new())).await;
}

#[tokio::test]
async fn the_file_store_keeps_the_contract_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    keeps_the_contract(file_store(dir.path())).await;
    assert_eq!(files(&dir.path().join("sessions")), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn the_sealed_file_keeps_the_contract_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    keeps_the_contract(sealed_store(dir.path())).await;
    assert_eq!(files(dir.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_write_under_way_shows_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let pending = file_store(dir.path()).prepare(&key("one")).await.unwrap();
    let shown = format!("{pending:?}");
    assert!(shown.contains("key: Key(…)") && shown.contains("keys: Some(Keys(…))"), "{shown}");
}

#[tokio::test]
async fn memory_can_be_told_to_fail() {
    let memory = Memory::new();
    let (store, key) = (Store::Memory(memory.clone()), key("one"));
    save(&store, &key, OLD).await;
    memory.fail_prepare(true);
    assert!(matches!(store.prepare(&key).await, Err(StoreError::Unwritable { .. })));
    memory.fail_prepare(false);
    memory.fail_commit(true);
    let pending = store.prepare(&key).await.unwrap();
    store.commit(pending, &Secret::new(NEW)).await.unwrap_err();
    assert_eq!(found(&store, &key).await.as_deref(), Some(OLD));
}

#[tokio::test]
async fn the_key_is_made_by_600_000_rounds_and_once_a_process() {
    let dir = tempfile::tempdir().unwrap();
    let key = key("one");
    let files = FileStore::new(dir.path().to_owned(), Secret::new("correct horse"));
    let store = Store::File(files.clone());
    save(&store, &key, OLD).await;
    let before = files.envelope(&key).keys.unwrap();
    save(&store, &key, NEW).await;
    assert!(std::sync::Arc::ptr_eq(&before, &files.envelope(&key).keys.unwrap()));

    let same = FileStore::with_rounds(dir.path().to_owned(), Secret::new("correct horse"), 600_000);
    assert_eq!(found(&Store::File(same), &key).await.as_deref(), Some(NEW));
    let fewer = file_store(dir.path());
    assert!(matches!(fewer.load(&key).await, Err(StoreError::MasterPasswordWrong(_))));
}

#[tokio::test]
async fn the_salt_stays_and_the_nonce_does_not() {
    let (_dir, store, key, path) = with_a_record().await;
    let before = fs::read(&path).unwrap();
    save(&store, &key, OLD).await;
    let after = fs::read(&path).unwrap();
    assert_eq!(before[13..29], after[13..29]);
    assert_ne!(before[29..41], after[29..41]);
}

#[tokio::test]
async fn the_file_holds_no_plaintext_and_its_name_no_token() {
    let (_dir, _store, _key, path) = with_a_record().await;
    let bytes = fs::read(&path).unwrap();
    assert!(!bytes.windows(12).any(|window| OLD.as_bytes().windows(12).any(|plain| plain == window)));

    let dir = tempfile::tempdir().unwrap();
    save(&sealed_store(dir.path()), &key("one"), OLD).await;
    let name = files(dir.path())[0].file_name().unwrap().to_str().unwrap().to_owned();
    let digits = name.strip_prefix("jira-oauth-").and_then(|rest| rest.strip_suffix(".sealed")).unwrap();
    assert_eq!(digits.len(), 32);
    assert!(!Secret::new("injected").fingerprint().starts_with(digits));
}

#[tokio::test]
async fn another_injected_token_is_another_session() {
    let dir = tempfile::tempdir().unwrap();
    let store = sealed_store(dir.path());
    save(&store, &key("one"), OLD).await;
    let other = Store::Sealed(SealedFile::new(dir.path().to_owned(), Secret::new("another")));
    assert_eq!(found(&other, &key("one")).await, None);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_overwrites_nothing() {
    let (dir, _store, key, path) = with_a_record().await;
    let before = fs::read(&path).unwrap();
    let wrong = Secret::new("incorrect horse");
    let wrong = Store::File(FileStore::with_rounds(dir.path().to_owned(), wrong, FEW_ROUNDS));
    assert!(matches!(wrong.load(&key).await, Err(StoreError::MasterPasswordWrong(at)) if at == path));
    assert!(matches!(wrong.prepare(&key).await, Err(StoreError::MasterPasswordWrong(_))));
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(wrong.remove(&key).await.unwrap(), "logging out needs no password");
}

#[tokio::test]
async fn without_a_password_a_session_is_known_but_not_read() {
    let (dir, _store, one, path) = with_a_record().await;
    let locked = Store::File(FileStore::locked(dir.path().to_owned()));
    assert!(matches!(locked.load(&one).await, Err(StoreError::MasterPasswordMissing(at)) if at == path));
    assert!(matches!(locked.prepare(&one).await, Err(StoreError::MasterPasswordMissing(_))));
    assert_eq!(found(&locked, &key("two")).await, None);
    assert!(locked.remove(&one).await.unwrap());
    assert!(!locked.remove(&one).await.unwrap());
}

#[tokio::test]
async fn every_flipped_bit_is_an_error_and_the_file_is_left_alone() {
    let (_dir, store, key, path) = with_a_record().await;
    let whole = fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bytes).unwrap();
        let error = store.load(&key).await.expect_err(&format!("bit {bit}"));
        match (bit / 8, error) {
            (8, StoreError::OtherVersion { .. }) => {}
            (9..13, StoreError::Truncated(_)) => {}
            (_, StoreError::Damaged(_)) => {}
            (byte, error) => panic!("byte {byte}: {error}"),
        }
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[tokio::test]
async fn every_truncation_is_an_error() {
    let (_dir, store, key, path) = with_a_record().await;
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len()).rev() {
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length as u64).unwrap();
        assert!(matches!(store.load(&key).await, Err(StoreError::Truncated(_))), "{length}");
    }
}

#[tokio::test]
async fn another_version_is_named() {
    let (_dir, store, key, path) = with_a_record().await;
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 9;
    fs::write(&path, &bytes).unwrap();
    let error = store.load(&key).await.unwrap_err();
    assert!(matches!(error, StoreError::OtherVersion { found: 9, known: 1, .. }), "{error}");
    store.prepare(&key).await.unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_record_put_in_the_place_of_another_does_not_open() {
    let (dir, store, _key, path) = with_a_record().await;
    let two = key("two");
    fs::copy(&path, dir.path().join("sessions").join(format!("{two}.enc"))).unwrap();
    assert!(matches!(store.load(&two).await, Err(StoreError::MasterPasswordWrong(_))));
}

#[tokio::test]
async fn what_is_in_the_way_is_an_error_before_anything_is_spent() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("sessions"), "a file").unwrap();
    let store = file_store(dir.path());
    store.prepare(&key("one")).await.unwrap_err();

    let dir = tempfile::tempdir().unwrap();
    let store = file_store(dir.path());
    fs::create_dir_all(dir.path().join("sessions").join(format!("{}.enc", key("one")))).unwrap();
    store.prepare(&key("one")).await.unwrap_err();
    store.load(&key("one")).await.unwrap_err();
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    async fn refusal(store: &Store, key: &StoreKey) -> Refusal {
        match store.load(key).await {
            Err(StoreError::Refused { why, .. }) => why,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[tokio::test]
    async fn files_are_their_owners_alone_from_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("config").join("jira-oauth");
        let (store, key) = (file_store(&config), key("one"));
        let pending = store.prepare(&key).await.unwrap();
        let sessions = config.join("sessions");
        let temporary = files(&sessions);
        assert_eq!(temporary.len(), 1);
        assert_eq!(mode(&temporary[0]), 0o600);
        assert!(fs::metadata(&temporary[0]).unwrap().blocks() > 0, "it takes its room at once");
        store.commit(pending, &Secret::new(OLD)).await.unwrap();
        assert_eq!(files(&sessions), [sessions.join(format!("{key}.enc"))]);
        assert_eq!(mode(&files(&sessions)[0]), 0o600);
        assert_eq!(mode(&sessions), 0o700);
        assert_eq!(mode(&config), 0o700);
    }

    #[tokio::test]
    async fn a_link_is_not_followed() {
        let (dir, store, key, path) = with_a_record().await;
        let elsewhere = dir.path().join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        let before = fs::read(&elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert_eq!(refusal(&store, &key).await, Refusal::Symlink);
        store.prepare(&key).await.unwrap_err();
        assert!(store.remove(&key).await.unwrap(), "the link goes");
        assert_eq!(fs::read(&elsewhere).unwrap(), before, "what it pointed to stays");
        symlink(dir.path().join("nowhere"), &path).unwrap();
        assert_eq!(refusal(&store, &key).await, Refusal::Symlink);
    }

    #[tokio::test]
    async fn a_linked_directory_is_not_written_to() {
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        symlink(elsewhere.path(), dir.path().join("sessions")).unwrap();
        file_store(dir.path()).prepare(&key("one")).await.unwrap_err();
        assert_eq!(files(elsewhere.path()), Vec::<PathBuf>::new());
    }

    #[tokio::test]
    async fn a_file_open_to_others_is_not_used() {
        let (_dir, store, key, path) = with_a_record().await;
        for open in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777] {
            set_mode(&path, open);
            assert_eq!(refusal(&store, &key).await, Refusal::OpenToOthers(open));
            store.prepare(&key).await.unwrap_err();
        }
        set_mode(&path, 0o600);
        assert_eq!(found(&store, &key).await.as_deref(), Some(OLD));
        set_mode(path.parent().unwrap(), 0o770);
        assert!(matches!(store.prepare(&key).await, Err(StoreError::Refused { .. })));
    }

    #[tokio::test]
    async fn a_pipe_does_not_hang_us() {
        let (_dir, store, key, path) = with_a_record().await;
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(refusal(&store, &key).await, Refusal::NotAFile);
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_swept() {
        let (_dir, store, key, path) = with_a_record().await;
        let litter = path.with_file_name(format!(".{key}.enc.0123456789abcdef.tmp"));
        let young = path.with_file_name(format!(".{key}.enc.fedcba9876543210.tmp"));
        let foreign = path.with_file_name(".something else.tmp");
        for path in [&litter, &young, &foreign] {
            fs::write(path, "").unwrap();
        }
        for path in [&litter, &foreign] {
            let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
            fs::File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
        }
        save(&store, &key, NEW).await;
        assert_eq!((litter.exists(), young.exists(), foreign.exists()), (false, true, true));
        assert!(store.remove(&key).await.unwrap());
        assert_eq!((young.exists(), foreign.exists()), (false, true));
    }
}
