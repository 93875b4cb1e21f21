//! Secrets that must not be found anywhere but where they belong (threat 18), and the access token that is
//! shown to a person only (threat 19).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

use jira_oauth::sandbox::Options;
use rustix::process::Signal;

use crate::support::jira::{Age, Done, Home, MASTER_PASSWORD, until, within};
use crate::support::served::Served;
use crate::support::{Real, runs};

const TOKEN: &str = "/rest/oauth2/latest/token";

/// Variables with something in them that must not get any further.
const SECRETS: [(&str, &str); 4] = [
    ("JIRA_BROKER_TOKEN", "canary-broker-token"),
    ("JIRA_OAUTH_CLIENT_SECRET", "canary-client-secret"),
    ("JIRA_MASTER_PASSWORD", MASTER_PASSWORD),
    ("JIRA_TOKEN", "canary-personal-access-token"),
];

fn with_secrets(home: Home) -> Home {
    SECRETS.into_iter().fold(home, |home, (name, value)| home.env(name, value))
}

/// None of these is in there.
#[track_caller]
fn clean(what: &str, text: &[u8], secrets: &[&str]) {
    let text = String::from_utf8_lossy(text);
    for secret in secrets {
        assert!(!secret.is_empty() && !text.contains(secret), "{secret} is in {what}: {text}");
    }
    let known = SECRETS.iter().find(|(_, value)| text.contains(value));
    assert_eq!(known, None, "in {what}: {text}");
}

fn output(done: &Done) -> Vec<u8> {
    format!("{}\n{}", done.stdout, done.stderr).into_bytes()
}

/// The same user's other programs: what an agent or a build script can run.
fn as_nobody(program: &str, args: &[&str]) -> std::process::Output {
    let mut command = if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", program]);
        command
    } else {
        Command::new(program)
    };
    command.args(args).output().unwrap()
}

#[tokio::test]
async fn the_same_user_cannot_look_into_a_running_command() {
    if !runs(Real::OtherUser) {
        return;
    }
    let sandbox = Served::usual();
    let home = Home::new();
    let tokens = home.log_in(&sandbox, Age::Stale).await;
    let home = home.of_nobody();
    // It holds the session, the password and the refresh token in memory now.
    let gate = sandbox.faults().hold(TOKEN);
    let job = home.spawn(&["whoami"]);
    within("the token call", gate.arrived(1)).await;
    let proc = format!("/proc/{}", job.pid());
    // The measure: of a program that does nothing about it, all of it can be read.
    let mut usual = Command::new("setpriv");
    usual.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sleep", "1000"]);
    if !rustix::process::geteuid().is_root() {
        usual = Command::new("sleep");
        usual.arg("1000");
    }
    let usual = crate::support::Running(usual.spawn().unwrap());
    let sleeper = format!("/proc/{}", usual.0.id());
    until("the sleeper", || {
        fs::read_to_string(format!("{sleeper}/comm")).ok().filter(|comm| comm == "sleep\n")
    })
    .await;
    let reads = |path: String| as_nobody("head", &["-c", "1", &path]).status.success();
    for file in ["environ", "maps"] {
        assert!(reads(format!("{sleeper}/{file}")), "{file} of an ordinary process can be read");
        assert!(!reads(format!("{proc}/{file}")), "{file} can be read");
    }
    let opens = |path: String| as_nobody("sh", &["-c", &format!("exec 3<{path}")]).status.success();
    assert!(opens(format!("{sleeper}/mem")), "an ordinary process's memory can be opened");
    assert!(!opens(format!("{proc}/mem")), "the memory can be opened");
    let cmdline = fs::read(format!("{proc}/cmdline")).unwrap();
    clean("the command line", &cmdline, &[&tokens.refresh_token, &tokens.access_token]);

    let limits = fs::read_to_string(format!("{proc}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().rev().take(3).last(), Some("0"), "{core}");
    job.signal(Signal::ABORT);
    let done = job.done().await;
    assert_eq!(done.status.signal(), Some(Signal::ABORT.as_raw()));
    assert!(!done.status.core_dumped());
    gate.release();
}

#[tokio::test]
async fn nothing_that_is_said_holds_a_secret() {
    let sandbox = Served::usual();
    let home = Home::new();
    let tokens = home.log_in(&sandbox, Age::Stale).await;
    let secrets = [tokens.access_token.as_str(), tokens.refresh_token.as_str()];
    // The site's own session is meant, so that the token in the environment is passed over.
    let home = with_secrets(home).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    let commands: [&[&str]; 8] = [
        &["whoami"],
        &["token", "status"],
        &["token", "refresh"],
        &["config", "show"],
        &["site", "list"],
        &["token", "print", "--confirm"],
        &["logout", "--all"],
        &["whoami"],
    ];
    for command in commands {
        for more in [["-vv"].as_slice(), &["-vv", "--output=text"]] {
            let done = home.run(&[command, &["--site", "sandbox"], more].concat()).await;
            clean(&format!("{command:?}"), &output(&done), &secrets);
            for request in sandbox.log().iter().filter(|request| request.path.starts_with(TOKEN)) {
                let spent = request.field("refresh_token").unwrap();
                clean(&format!("{command:?}"), &output(&done), &[&spent]);
            }
        }
    }
    assert!(sandbox.token_calls("refresh_token") >= 3);
}

/// Failures quote what they were given; they must not quote this.
#[tokio::test]
async fn no_failure_holds_a_secret() {
    let sandbox = Served::usual();
    let home = with_secrets(Home::new().env("JIRA_BASE_URL", sandbox.base_url()));
    // A token that Jira does not know.
    let done = home.run(&["whoami", "-vv"]).await;
    done.failed("token_rejected", 3);
    clean("a rejection", &output(&done), &[]);
    // An injected one that it knows no more.
    let dead = sandbox.mint_session("developer", jira_oauth::sandbox::Scope::Write).refresh_token;
    sandbox.revoke_all();
    let home = home
        .env("JIRA_OAUTH_REFRESH_TOKEN", &dead)
        .env("JIRA_OAUTH_CLIENT_ID", sandbox.client_id())
        .env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", "none");
    let done = home.run(&["whoami", "-vv"]).await;
    done.failed("refresh_token_spent", 3);
    clean("a spent token", &output(&done), &[&dead]);
    // One that is no token at all, which Jira answers with a 500.
    let home = home.env("JIRA_OAUTH_REFRESH_TOKEN", "canary-injected");
    let done = home.run(&["whoami", "-vv"]).await;
    done.failed("server_error", 7);
    clean("a garbage token", &output(&done), &["canary-injected"]);
    // A broken one, a broken address, a secret where none may be.
    let home = home.env("JIRA_OAUTH_REFRESH_TOKEN", "canary-\u{1b}-injected");
    clean("a bad token", &output(&home.run(&["whoami"]).await), &["canary-\u{1b}", "canary-\\u001b"]);
    let home = home.env("JIRA_BASE_URL", "https://user:canary-password@jira.example.com");
    let done = home.run(&["config", "show"]).await;
    clean("a bad address", &output(&done), &["canary-password"]);
    for flag in ["--token=canary-argument", "--password=canary-argument", "--pat=canary-argument"] {
        let done = home.run(&["whoami", flag]).await;
        done.failed("secret_as_argument", 2);
        clean("a secret as an argument", &output(&done), &["canary-argument"]);
    }
}

/// A program that writes down what it was given, and is done when the file has its name.
fn spy(home: &Home, name: &str) -> (String, std::path::PathBuf) {
    let script = home.path().join(name);
    let seen = home.path().join(format!("{name}.seen"));
    let file = seen.to_str().unwrap();
    // `$@` and the whole environment, and what its parents were started with.
    let text = format!(
        "#!/bin/sh\n{{ printf '%s\\n' \"$0\" \"$@\"; env; tr '\\0' '\\n' </proc/$PPID/cmdline; }} >{file}.part\n\
         mv {file}.part {file}\n"
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    (script.to_str().unwrap().to_owned(), seen)
}

fn seen(path: &Path) -> Option<Vec<u8>> {
    fs::read(path).ok()
}

#[tokio::test]
async fn the_browser_gets_no_secret() {
    let sandbox = Served::usual();
    let home = Home::new();
    let (browser, dump) = spy(&home, "browser");
    let home = with_secrets(home).env("BROWSER", browser).env("HARMLESS", "stays");
    // Any free port: the redirect URI does not come to be used.
    let login = [
        "login",
        "--site",
        "sandbox",
        "--base-url",
        sandbox.base_url(),
        "--client-id",
        sandbox.client_id(),
        "--storage",
        "file",
        "--callback-port",
        &free_port().to_string(),
    ];
    let mut job = home.spawn(&login);
    job.stderr_says("expires_in").await;
    let dumped = until("the browser", || seen(&dump)).await;
    job.signal(Signal::INT);
    assert_eq!(job.done().await.code, Some(130));
    let text = String::from_utf8_lossy(&dumped);
    assert!(text.contains("HARMLESS=stays") && text.contains("https://127.0.0.1:"), "{text}");
    clean("the browser's world", &dumped, &[]);
    for (name, _) in SECRETS {
        assert!(!text.contains(name), "{name} is set: {text}");
    }
}

#[tokio::test]
async fn the_rotation_command_gets_the_token_on_stdin_and_no_secret() {
    let sandbox = Served::usual();
    let tokens = sandbox.mint_session("developer", jira_oauth::sandbox::Scope::Write);
    let home = Home::new();
    let (command, dump) = spy(&home, "rotate");
    let successor = home.path().join("successor");
    let command = format!("{command}; cat >{}", successor.display());
    let home = with_secrets(home)
        .without("JIRA_TOKEN")
        .env("JIRA_BASE_URL", sandbox.base_url())
        .env("JIRA_OAUTH_CLIENT_ID", sandbox.client_id())
        .env("JIRA_OAUTH_REFRESH_TOKEN", &tokens.refresh_token)
        .env("JIRA_OAUTH_ROTATION_COMMAND", command)
        .env("HARMLESS", "stays");
    let done = home.run(&["whoami", "-vv"]).await;
    assert_eq!(done.json()["user"]["name"], "developer");
    let handed_over = fs::read_to_string(&successor).unwrap();
    assert!(!handed_over.is_empty() && handed_over != tokens.refresh_token);
    let dumped = seen(&dump).unwrap();
    let text = String::from_utf8_lossy(&dumped);
    assert!(text.contains("HARMLESS=stays"), "{text}");
    let secrets = [tokens.refresh_token.as_str(), handed_over.as_str(), tokens.access_token.as_str()];
    clean("the rotation command's world", &dumped, &secrets);
    clean("what the command says", &output(&done), &secrets);
    assert_eq!(sandbox.token_calls("refresh_token"), 1);
    // The successor is good for the next job.
    let next = Home::new()
        .env("JIRA_BASE_URL", sandbox.base_url())
        .env("JIRA_OAUTH_CLIENT_ID", sandbox.client_id())
        .env("JIRA_OAUTH_REFRESH_TOKEN", handed_over)
        .env("JIRA_OAUTH_REFRESH_TOKEN_OUTPUT", "none");
    assert_eq!(next.run(&["whoami"]).await.json()["user"]["name"], "developer");
}

/// No file that a command leaves behind holds a token in the clear.
#[tokio::test]
async fn no_file_holds_a_secret() {
    let sandbox = Served::start(Options::default());
    let home = Home::new();
    let tokens = home.log_in(&sandbox, Age::Stale).await;
    home.run(&["whoami"]).await.json();
    let spent = sandbox.log().iter().find_map(|request| request.field("refresh_token")).unwrap();
    fn look(dir: &Path, secrets: &[&str], files: &mut usize) {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                look(&path, secrets, files);
            } else {
                *files += 1;
                clean(path.to_str().unwrap(), &fs::read(&path).unwrap(), secrets);
                let mode = fs::metadata(&path).unwrap().permissions().mode();
                let open = mode & 0o077;
                assert!(open == 0 || path.ends_with("config.toml"), "{} has mode {mode:o}", path.display());
            }
        }
    }
    let mut files = 0;
    look(home.path(), &[&tokens.access_token, &tokens.refresh_token, &spent], &mut files);
    assert!(files >= 3, "config.toml, the session, the lock");
}

#[tokio::test]
async fn a_token_is_not_printed_into_a_pipe() {
    let sandbox = Served::usual();
    let home = Home::new();
    let tokens = home.log_in(&sandbox, Age::Fresh).await;
    home.run(&["token", "print"]).await.failed("confirm_missing", 2);
    for more in [[].as_slice(), &["--output=text"], &["--output", "json", "-q"]] {
        let done = home.run(&[["token", "print", "--confirm"].as_slice(), more].concat()).await;
        assert_eq!((done.code, done.stdout.len()), (Some(3), 0), "{done:?}");
        clean("the refusal", &output(&done), &[&tokens.access_token]);
    }
    assert_eq!(sandbox.log().len(), 0, "nothing was asked of Jira");
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
