//! The login as a person goes through it: the real binary at a terminal, a real browser, the sandbox's pages.
//! The pictures in `target/screenshots` are for looking at.

use std::path::{Path, PathBuf};

use jira_oauth::sandbox::Options;
use serde_json::Value;

use crate::canaries::free_port;
use crate::support::browser::Browser;
use crate::support::jira::{Home, Job};
use crate::support::served::Served;
use crate::support::terminal::Terminal;
use crate::support::{Real, runs};

fn picture(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    std::fs::create_dir_all(&directory).unwrap();
    directory.join(format!("{name}.png"))
}

/// A sandbox that knows the redirect URI of a port that is free.
fn sandbox() -> (Served, String) {
    let port = free_port();
    let redirect_uris = vec![format!("https://127.0.0.1:{port}/callback")];
    (Served::start(Options { redirect_uris, ..Options::default() }), port.to_string())
}

fn login<'a>(sandbox: &'a Served, port: &'a str) -> Vec<&'a str> {
    let url = sandbox.base_url();
    let id = sandbox.client_id();
    vec!["login", "--storage=file", "--base-url", url, "--client-id", id, "--callback-port", port]
}

/// Reads the address that the person is to open.
fn address(terminal: &mut Terminal, port: &str) -> String {
    let start = format!("https://127.0.0.1:{port}/start/");
    terminal.shows(&start);
    let rest = terminal.shows("\r\n");
    format!("{start}{}", rest.trim())
}

/// As the developer, on Jira's login page.
fn enter(browser: &mut Browser, password: &str) {
    browser.wait_for("#password");
    browser.fill("#user", "developer");
    browser.fill("#password", password);
    browser.click("main button[type=submit]");
}

#[tokio::test]
async fn a_person_logs_in_through_the_certificate_warning_and_jiras_pages() {
    if !runs(Real::Browser) {
        return;
    }
    let (sandbox, port) = sandbox();
    let home = Home::new();
    let mut terminal = Terminal::start(&home, &login(&sandbox, &port));
    let url = address(&mut terminal, &port);
    let mut browser = Browser::start();
    browser.size(1280, 800);
    assert!(browser.open(&url), "the minted certificate is warned about, once, at the start");
    assert_eq!(sandbox.log().len(), 0, "Jira gives out no code while somebody reads a warning");
    browser.screenshot(&picture("1-certificate-warning"));
    browser.proceed();
    browser.wait_for("#password");
    browser.screenshot(&picture("2-log-in"));
    enter(&mut browser, "wrong");
    browser.wait_for("[role=alert]");
    browser.screenshot(&picture("3-wrong-password"));
    enter(&mut browser, "developer");
    browser.wait_for("button[value=allow]");
    browser.screenshot(&picture("4-consent"));
    browser.click("button[value=allow]");
    browser.wait_for_text("You are logged in");
    browser.screenshot(&picture("5-logged-in"));
    assert!(browser.url().starts_with(&format!("https://127.0.0.1:{port}/callback?")));
    assert_eq!(browser.complaints(), Vec::<String>::new());

    let (rest, code) = terminal.ends();
    assert_eq!(code, 0, "{}", terminal.seen);
    assert!(rest.contains("\"name\": \"developer\"") && rest.contains("\"scope\": \"WRITE\""), "{rest}");
    let at = ["--base-url", sandbox.base_url()];
    let me = home.run(&[["whoami"].as_slice(), &at].concat()).await.json();
    assert_eq!((&me["user"]["name"], &me["auth_mode"]), (&"developer".into(), &"oauth-storage".into()));
    home.run(&[["token", "refresh"].as_slice(), &at].concat()).await.json();

    // The referrer would carry the code to wherever the person goes next.
    let away = browser.requests().into_iter().filter(|request| {
        let url = request["url"].as_str().unwrap();
        !url.starts_with("https://127.0.0.1:") && !url.starts_with(sandbox.base_url())
    });
    let away: Vec<_> = away.filter(|request| request["url"].as_str().unwrap().starts_with("http")).collect();
    assert_eq!(away, Vec::<Value>::new(), "the pages ask nobody else for anything");
}

/// An agent starts it, and a person it has asked opens the address.
#[tokio::test]
async fn without_a_person_the_address_stands_on_stderr() {
    if !runs(Real::Browser) {
        return;
    }
    let (sandbox, port) = sandbox();
    let home = Home::new().env("CLAUDECODE", "1");
    let mut job = home.spawn(&login(&sandbox, &port));
    let url = announced(&mut job).await;
    let mut browser = Browser::start();
    browser.size(1280, 800);
    assert!(browser.open(&url));
    browser.proceed();
    enter(&mut browser, "developer");
    browser.click("button[value=allow]");
    browser.wait_for_text("You are logged in");
    let done = job.done().await;
    assert_eq!(done.json()["user"]["name"], "developer");
}

async fn announced(job: &mut Job) -> String {
    let said = job.stderr_says("expires_in").await;
    let line = said.lines().last().unwrap();
    let url = line.split("\"url\":\"").nth(1).unwrap_or_else(|| panic!("{said}"));
    url.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_who_denies_is_told_so_in_both_places() {
    if !runs(Real::Browser) {
        return;
    }
    let (sandbox, port) = sandbox();
    let home = Home::new();
    let mut job = home.spawn(&login(&sandbox, &port));
    let url = announced(&mut job).await;
    let mut browser = Browser::start();
    browser.size(1280, 800);
    assert!(browser.open(&url));
    browser.proceed();
    enter(&mut browser, "developer");
    browser.click("button[value=deny]");
    browser.wait_for_text("Access was not granted");
    browser.screenshot(&picture("6-denied"));
    job.done().await.failed("login_denied", 1);
    assert!(home.session_files().is_empty());
    assert_eq!(sandbox.token_calls("authorization_code"), 0);
}

/// A tab of an earlier login, and a page that guesses: the login that waits goes on waiting.
#[tokio::test]
async fn a_stray_tab_changes_nothing() {
    if !runs(Real::Browser) {
        return;
    }
    let (sandbox, port) = sandbox();
    let home = Home::new();
    let mut job = home.spawn(&login(&sandbox, &port));
    let url = announced(&mut job).await;
    let mut browser = Browser::start();
    browser.size(1280, 800);
    let origin = format!("https://127.0.0.1:{port}");
    assert!(browser.open(&format!("{origin}/callback?code=guess&state=guess")));
    browser.proceed();
    browser.wait_for_text("This is not the login that is waiting");
    browser.screenshot(&picture("7-another-login"));
    browser.open(&format!("{origin}/"));
    browser.wait_for_text("There is nothing here");
    browser.screenshot(&picture("8-nothing-here"));
    browser.open(&url);
    enter(&mut browser, "developer");
    browser.size(390, 844);
    browser.wait_for("button[value=allow]");
    browser.screenshot(&picture("9-consent-on-a-phone"));
    browser.click("button[value=allow]");
    browser.wait_for_text("You are logged in");
    browser.screenshot(&picture("10-logged-in-on-a-phone"));
    assert_eq!(job.done().await.json()["user"]["name"], "developer");
}

/// Two terminals, one port: the second says whose fault it is before any browser opens.
#[tokio::test]
async fn a_busy_port_is_named_before_the_browser_opens() {
    let (sandbox, port) = sandbox();
    let home = Home::new();
    let mut first = home.spawn(&login(&sandbox, &port));
    first.stderr_says("expires_in").await;
    let second = home.run(&login(&sandbox, &port)).await;
    second.failed("port_busy", 1);
    assert!(second.error()["message"].as_str().unwrap().contains(&port), "{second:?}");
    assert!(!second.stderr.contains("expires_in"), "{second:?}");
    first.signal(rustix::process::Signal::INT);
    assert_eq!(first.done().await.code, Some(130));
}

/// Nobody comes: the login ends by itself, and the port is free again.
#[tokio::test]
async fn a_login_that_nobody_answers_ends() {
    let (sandbox, port) = sandbox();
    let home = Home::new();
    let args = [login(&sandbox, &port).as_slice(), &["--timeout=3s"]].concat();
    home.run(&args).await.failed("needs_person", 3);
    std::net::TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    assert!(home.session_files().is_empty());
}
