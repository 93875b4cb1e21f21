//! Which files the binary opens: none of the working directory, and none but those it must (threat 4).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::jira::{Age, Home};
use crate::support::served::Served;
use crate::support::{Real, runs};

/// What a hostile repository could bring: files that some other tool reads by itself.
const BAIT: [&str; 14] = [
    ".env",
    ".env.local",
    ".envrc",
    "config.toml",
    "jira.toml",
    ".jira.toml",
    ".jira-oauth.toml",
    ".jira.d/config.yml",
    ".jira/config.toml",
    "jira-oauth/config.toml",
    ".config/jira-oauth/config.toml",
    ".git/config",
    ".netrc",
    ".curlrc",
];

const HOSTILE: &str =
    "JIRA_BASE_URL=http://127.0.0.1:9\nJIRA_TOKEN=canary\nbase_url = \"http://127.0.0.1:9\"\n";

/// Where a dynamically linked program and its resolver look, whoever wrote it.
const OF_THE_SYSTEM: [&str; 4] = ["/etc/ld.so.cache", "/lib/", "/usr/lib/", "/proc/self/"];

#[tokio::test]
async fn nothing_is_read_from_the_working_directory() {
    if !runs(Real::Trace) {
        return;
    }
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Stale).await;
    let repository = home.path().join("repository");
    for bait in BAIT {
        let path = repository.join("deep").join(bait);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, HOSTILE).unwrap();
        let above = repository.join(bait);
        fs::create_dir_all(above.parent().unwrap()).unwrap();
        fs::write(above, HOSTILE).unwrap();
    }
    let trace = home.path().join("trace");
    let home = home.wrap(&[
        "env",
        "-C",
        repository.join("deep").to_str().unwrap(),
        "strace",
        "-f",
        "-qq",
        "-s",
        "400",
        "-e",
        "trace=%file",
        "-o",
        trace.to_str().unwrap(),
    ]);
    let commands: [&[&str]; 9] = [
        &["whoami"],
        &["token", "status"],
        &["token", "refresh"],
        &["site", "list"],
        &["config", "show"],
        &["version"],
        &["search", "--jql", "project = GAIA"],
        &["get", "GAIA-1"],
        &["logout"],
    ];
    for command in commands {
        let done = home.run(command).await;
        assert_eq!(done.code, Some(0), "{command:?}: {done:?}");
        look_at(&fs::read_to_string(&trace).unwrap(), command, &home, &repository);
    }
    assert!(sandbox.token_calls("refresh_token") > 0, "the commands did what they do");
}

fn look_at(trace: &str, command: &[&str], home: &Home, repository: &Path) {
    // The first one is the start of the binary, everything before it belongs to strace and the shell.
    let start = trace.lines().position(|line| line.contains("execve(") && line.contains("jira")).unwrap();
    let calls: Vec<_> = trace.lines().skip(start + 1).filter(|line| line.contains('(')).collect();
    assert!(!calls.iter().any(|call| call.contains("execve(")), "{command:?} starts another program");
    // An empty path is the file that is open already.
    let paths = calls.iter().filter_map(|call| Some((*call, call.split('"').nth(1)?)));
    let paths = paths.filter(|(_, path)| !path.is_empty());
    let mut opened = BTreeSet::new();
    for (call, path) in paths {
        // Or relative to a directory that was opened, and so is judged itself.
        let below_an_open_one =
            call.split_once('(').is_some_and(|(_, args)| args.starts_with(char::is_numeric));
        assert!(
            path.starts_with('/') || below_an_open_one,
            "{command:?} looks in the working directory: {call}"
        );
        assert!(!path.starts_with(repository.to_str().unwrap()), "{command:?}: {call}");
        if path.starts_with('/') && call.contains("open") && !call.contains("= -1 ENOENT") {
            opened.insert(path.to_owned());
        }
    }
    let ours =
        [home.config(), home.path().join(".local/state/jira-oauth"), home.path().join(".cache/jira-oauth")];
    for path in opened {
        let expected = ours.iter().any(|ours| path.starts_with(ours.to_str().unwrap()))
            || OF_THE_SYSTEM.iter().any(|known| path.starts_with(known));
        assert!(expected, "{command:?} opens {path}");
    }
}
