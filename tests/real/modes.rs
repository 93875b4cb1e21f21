//! What modes, owners and limits do to a store: to any user but root, for whom modes do not count
//! (threats 3 and 17). As root, each test runs again as nobody; if it cannot, it fails.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jira_oauth::auth::store::{FileStore, LockDir, LockError, Store, StoreError, StoreKey};
use jira_oauth::disk::Refusal;
use jira_oauth::error::{Code, Failure};
use jira_oauth::secret::Secret;

use crate::support::mark_of_parent;

const DIR: &str = "JIRA_TEST_MODES";
const NOBODY: u32 = 65534;

/// Runs the test of this name again, in a process of its own that is not root's, after `prepare` has put
/// things into its directory and `wrap` has put a command in front of it.
fn as_nobody(test: &str, wrap: &[&str], prepare: impl FnOnce(&Path)) {
    let dir = tempfile::tempdir().unwrap();
    let root = rustix::process::geteuid().is_root();
    let mut line: Vec<&str> = Vec::new();
    if root {
        line.extend(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
        chown(dir.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    line.extend(wrap);
    // A copy where nobody may read it: the build may lie in root's home.
    let program = dir.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let name = format!("modes::{test}");
    line.extend([program.to_str().unwrap(), "--exact", &name, "--nocapture"]);
    prepare(dir.path());
    let output = Command::new(line[0]).args(&line[1..]).env(DIR, dir.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{line:?}: {text}");
}

fn store(dir: &Path) -> Store {
    Store::File(FileStore::new(dir.join("config"), Secret::new("correct horse")))
}

fn key() -> StoreKey {
    StoreKey::new("https://jira.example.com", "abc", None)
}

async fn save(store: &Store) {
    let pending = store.prepare(&key()).await.unwrap();
    store.commit(pending, &Secret::new("{}")).await.unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

async fn unwritable(store: &Store) {
    let error = store.prepare(&key()).await.map(drop).unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error}");
    assert_eq!(Failure::from(error).code, Code::StoreUnwritable);
}

#[tokio::test]
async fn a_read_only_directory_is_noticed_before_anything_is_spent() {
    let Some(dir) = mark_of_parent(DIR) else {
        return as_nobody("a_read_only_directory_is_noticed_before_anything_is_spent", &[], |_| {});
    };
    let store = store(&dir);
    save(&store).await;
    let sessions = dir.join("config").join("sessions");
    set_mode(&sessions, 0o500);
    unwritable(&store).await;
    assert!(store.load(&key()).await.unwrap().is_some(), "reading goes on");
    store.remove(&key()).await.unwrap_err();
    set_mode(&sessions, 0o700);

    fs::remove_dir_all(&sessions).unwrap();
    set_mode(&dir.join("config"), 0o500);
    unwritable(&store).await;
    let locks = LockDir::new(dir.join("config").join("locks"));
    assert!(matches!(locks.acquire(&key(), Duration::ZERO).await, Err(LockError::Unusable(_))));
    set_mode(&dir.join("config"), 0o700);
}

#[tokio::test]
async fn a_limit_on_file_sizes_is_noticed_before_anything_is_spent() {
    let Some(dir) = mark_of_parent(DIR) else {
        // The signal is the program's own business; here the limit alone is of interest.
        let wrap = ["env", "--ignore-signal=XFSZ", "prlimit", "--fsize=4096"];
        return as_nobody("a_limit_on_file_sizes_is_noticed_before_anything_is_spent", &wrap, |_| {});
    };
    unwritable(&store(&dir)).await;
    assert_eq!(fs::read_dir(dir.join("config").join("sessions")).unwrap().count(), 0, "no litter");
}

#[tokio::test]
async fn a_full_disk_is_noticed_before_anything_is_spent() {
    let Some(dir) = mark_of_parent(DIR) else {
        if !Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success()) {
            crate::support::left_out("a full disk, for which this machine allows no mount");
            return;
        }
        let mount =
            r#"mount -t tmpfs -o size=32k,mode=700 tmpfs "$JIRA_TEST_MODES/config" && exec "$0" "$@""#;
        let wrap = ["unshare", "-rm", "sh", "-c", mount];
        return as_nobody("a_full_disk_is_noticed_before_anything_is_spent", &wrap, |dir| {
            fs::create_dir(dir.join("config")).unwrap();
        });
    };
    let store = store(&dir);
    save(&store).await;
    let before = files(&dir.join("config").join("sessions"));
    let filling = dir.join("config").join("filling");
    // Until there is no room any more.
    let error = fs::write(&filling, [b'x'; 64 * 1024]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    unwritable(&store).await;
    assert_eq!(files(&dir.join("config").join("sessions")), before, "no litter, and the session as it was");
    assert!(store.load(&key()).await.unwrap().is_some());

    // Room is taken in the first half, so that the second needs none.
    fs::remove_file(&filling).unwrap();
    let pending = store.prepare(&key()).await.unwrap();
    fs::write(&filling, [b'x'; 64 * 1024]).unwrap_err();
    store.commit(pending, &Secret::new("x".repeat(4000))).await.unwrap();
    assert_eq!(store.load(&key()).await.unwrap().unwrap().expose().len(), 4000);
}

fn files(dir: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap())).collect()
}

#[tokio::test]
async fn an_unreadable_file_is_not_a_missing_one() {
    let Some(dir) = mark_of_parent(DIR) else {
        return as_nobody("an_unreadable_file_is_not_a_missing_one", &[], |_| {});
    };
    let store = store(&dir);
    save(&store).await;
    let path = dir.join("config").join("sessions").join(format!("{}.enc", key()));
    set_mode(&path, 0);
    assert!(matches!(store.load(&key()).await, Err(StoreError::Unreadable { .. })));
    store.prepare(&key()).await.unwrap_err();
}

#[tokio::test]
async fn what_belongs_to_another_user_is_not_used() {
    let Some(dir) = mark_of_parent(DIR) else {
        if !rustix::process::geteuid().is_root() {
            crate::support::left_out("files of another user, which only root can make");
            return;
        }
        return as_nobody("what_belongs_to_another_user_is_not_used", &[], |dir| {
            // Root's, and open to all, so that only the owner is wrong.
            let (config, sessions) = (dir.join("config"), dir.join("config").join("sessions"));
            fs::create_dir_all(&sessions).unwrap();
            for dir in [&config, &sessions] {
                chown(dir, Some(NOBODY), Some(NOBODY)).unwrap();
                set_mode(dir, 0o700);
            }
            let file = sessions.join(format!("{}.enc", key()));
            fs::write(&file, "").unwrap();
            set_mode(&file, 0o666);
            fs::create_dir(dir.join("locks")).unwrap();
            set_mode(&dir.join("locks"), 0o777);
        });
    };
    let store = store(&dir);
    let refused = store.load(&key()).await;
    assert!(matches!(refused, Err(StoreError::Refused { why: Refusal::ForeignOwner, .. })), "{refused:?}");
    store.prepare(&key()).await.unwrap_err();
    let locks = LockDir::new(dir.join("locks"));
    let error = locks.acquire(&key(), Duration::ZERO).await.unwrap_err();
    assert!(error.to_string().contains("another user"), "{error}");
}
