//! What a person at a terminal is asked, and who is not asked.

use std::io::{Read, Write};
use std::net::TcpStream;

use jira_oauth::sandbox::{Action, Fault, Gate, Options};

use crate::canaries::free_port;
use crate::support::jira::{Age, Home, MASTER_PASSWORD, SITE, within};
use crate::support::served::Served;
use crate::support::terminal::Terminal;

const NO_BUS: (&str, &str) = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");

#[tokio::test]
async fn a_personal_access_token_is_typed_unseen() {
    let sandbox = Served::usual();
    let home = Home::new();
    let pat = sandbox.mint_pat("developer");
    let login = ["login", "--pat", "--storage=file", "--base-url", sandbox.base_url()];
    let mut terminal = Terminal::start(&home, &login);
    terminal.shows("Personal access token: ");
    assert!(!terminal.echoes());
    terminal.types(&pat);
    let (rest, code) = terminal.ends();
    assert_eq!(code, 0, "{}", terminal.seen);
    assert!(rest.contains("pat-storage") && !terminal.seen.contains(&pat), "{}", terminal.seen);
    assert!(terminal.echoes());
}

#[tokio::test]
async fn the_master_password_is_typed_unseen() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let home = home.without("JIRA_MASTER_PASSWORD");
    let mut terminal = Terminal::start(&home, &["whoami"]);
    terminal.shows("Master password");
    terminal.shows(": ");
    assert!(!terminal.echoes());
    terminal.types(MASTER_PASSWORD);
    let (rest, code) = terminal.ends();
    assert_eq!(code, 0, "{}", terminal.seen);
    assert!(rest.contains("developer") && !terminal.seen.contains(MASTER_PASSWORD), "{}", terminal.seen);

    let mut terminal = Terminal::start(&home, &["whoami"]);
    terminal.shows("Master password");
    terminal.shows(": ");
    terminal.types("not this one");
    let (rest, code) = terminal.ends();
    assert_eq!(code, 3, "{}", terminal.seen);
    assert!(rest.contains("does not open"), "{rest}");
}

#[tokio::test]
async fn ctrl_c_at_a_hidden_question_gives_the_echo_back() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let mut terminal = Terminal::start(&home, &["login", "--pat", "--storage=file"]);
    interrupted(&mut terminal, "Personal access token");
    let home = home.without("JIRA_MASTER_PASSWORD");
    let mut terminal = Terminal::start(&home, &["whoami"]);
    interrupted(&mut terminal, "Master password");
}

fn interrupted(terminal: &mut Terminal, question: &str) {
    terminal.shows(question);
    terminal.shows(": ");
    assert!(!terminal.echoes());
    terminal.interrupts();
    let (_, code) = terminal.ends();
    assert_eq!(code, 130, "{}", terminal.seen);
    assert!(terminal.echoes(), "{question}: a terminal is left behind that shows nothing");
}

#[tokio::test]
async fn the_time_that_is_up_at_a_hidden_question_gives_the_echo_back() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let home = home.without("JIRA_MASTER_PASSWORD");
    let mut terminal = Terminal::start(&home, &["whoami", "--timeout=2s"]);
    terminal.shows("Master password");
    let (rest, code) = terminal.ends();
    assert_eq!(code, 7, "{}", terminal.seen);
    assert!(rest.contains("--timeout") && terminal.echoes(), "{rest}");
}

#[tokio::test]
async fn a_change_of_trust_wants_the_host_typed() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let config = home.config().join("config.toml");
    let before = std::fs::read_to_string(&config).unwrap();
    let set = ["site", "set", SITE, "broker-url", "https://broker.example.com"];
    for answer in ["yes", "", "broker.example.com"] {
        let mut terminal = Terminal::start(&home, &set);
        let question = terminal.shows("Type the host name (127.0.0.1) to go on: ");
        assert!(question.contains("none → https://broker.example.com"), "{question}");
        assert!(terminal.echoes());
        terminal.types(answer);
        assert_eq!(terminal.ends().1, 3, "{}", terminal.seen);
        assert_eq!(std::fs::read_to_string(&config).unwrap(), before);
    }
    let mut terminal = Terminal::start(&home, &set);
    terminal.shows("to go on: ");
    terminal.types("127.0.0.1");
    assert_eq!(terminal.ends().1, 0, "{}", terminal.seen);
    assert!(std::fs::read_to_string(&config).unwrap().contains("https://broker.example.com"));
}

/// A sandbox that approves at once, and knows the redirect URI of a free port.
fn approving() -> (Served, String) {
    let port = free_port();
    let options = Options {
        auto_approve: Some("developer".to_owned()),
        redirect_uris: vec![format!("https://127.0.0.1:{port}/callback")],
        ..Options::default()
    };
    (Served::start(options), port.to_string())
}

/// Begins a login, and goes in a browser elsewhere where it says; what its address bar shows in the end.
fn from_elsewhere(home: &Home, sandbox: &Served, port: &str) -> (Terminal, String) {
    let (url, id) = (sandbox.base_url(), sandbox.client_id());
    let login = ["login", "--storage=file", "--base-url", url, "--client-id", id, "--callback-port", port];
    let mut terminal = Terminal::start(home, &login);
    terminal.shows(&format!("ssh -L {port}:127.0.0.1:{port} ann@192.0.2.2"));
    terminal.shows("paste here");
    terminal.shows(&format!("{url}/rest/oauth2/"));
    let rest = terminal.shows("\r\n");
    let target = within_a_browser_elsewhere(&format!("{url}/rest/oauth2/{}", rest.trim()));
    assert!(target.starts_with(&format!("https://127.0.0.1:{port}/callback?")), "{target}");
    (terminal, target)
}

fn over_ssh() -> Home {
    Home::new().env("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22").env("USER", "ann")
}

/// The browser is on another machine: what its address bar shows is pasted.
#[tokio::test]
async fn the_redirected_url_is_pasted() {
    let ((sandbox, port), home) = (approving(), over_ssh());
    let (mut terminal, target) = from_elsewhere(&home, &sandbox, &port);
    terminal.types("https://127.0.0.1/callback?code=guess&state=guess");
    terminal.shows("that is not it");
    terminal.types(&target);
    let (rest, code) = terminal.ends();
    assert_eq!(code, 0, "{}", terminal.seen);
    assert!(rest.contains("developer"), "{rest}");
    let me = home.run(&["whoami", "--base-url", sandbox.base_url()]).await.json();
    assert_eq!(me["user"]["name"], "developer");
}

/// The code is spent by its exchange, as a refresh token is (threat 2).
#[tokio::test]
async fn ctrl_c_while_the_code_is_exchanged_waits_for_the_session() {
    let ((sandbox, port), home) = (approving(), over_ssh());
    let (mut terminal, target) = from_elsewhere(&home, &sandbox, &port);
    let gate = Gate::new();
    sandbox.faults().add(Fault::on("/rest/oauth2/latest/token", Action::ProcessThenHold(gate.clone())));
    terminal.types(&target);
    within("the exchange", gate.arrived(1)).await;
    terminal.interrupts();
    terminal.shows("saving the session");
    gate.release();
    assert_eq!(terminal.ends().1, 130, "{}", terminal.seen);
    let home = home.env("JIRA_OAUTH_CLIENT_ID", sandbox.client_id()).env("JIRA_TOKEN_STORAGE", "file");
    let me = home.run(&["whoami", "--base-url", sandbox.base_url()]).await.json();
    assert_eq!(me["user"]["name"], "developer");
}

/// Where Jira sends a browser that has come so far; the sandbox approves at once.
fn within_a_browser_elsewhere(url: &str) -> String {
    let (host, path) = url.trim_start_matches("http://").split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
    location.unwrap_or_else(|| panic!("no redirect: {answer}")).to_owned()
}

/// Everything that could be asked, and a mark that says that nobody is there.
#[tokio::test]
async fn nobody_is_asked_anything_where_an_agent_or_a_ci_job_runs() {
    let sandbox = Served::usual();
    let marks = [("CLAUDECODE", "1"), ("CI", "true"), ("JIRA_NO_INPUT", "1"), ("CURSOR_AGENT", "1")];
    for (mark, value) in marks {
        let home = Home::new();
        home.log_in(&sandbox, Age::Fresh).await;
        let home = home.without("JIRA_MASTER_PASSWORD").env(mark, value).env(NO_BUS.0, NO_BUS.1);
        let set = ["site", "set", SITE, "broker-url", "https://broker.example.com"];
        let asks: [(&[&str], i32); 4] = [
            (&["login", "--pat", "--storage=file"], 3),
            (&["whoami"], 3),
            (&set, 3),
            (&["token", "print", "--confirm"], 3),
        ];
        for (command, exit) in asks {
            let mut terminal = Terminal::start(&home, command);
            let (_, code) = terminal.ends();
            assert_eq!(code, exit, "{mark} {command:?}: {}", terminal.seen);
            for question in ["Personal access token:", "Master password of", "to go on:", "eyJ"] {
                assert!(!terminal.seen.contains(question), "{mark} {command:?}: {}", terminal.seen);
            }
        }
    }
}

#[tokio::test]
async fn no_input_asks_nothing_either() {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let home = home.without("JIRA_MASTER_PASSWORD");
    let mut terminal = Terminal::start(&home, &["whoami", "--no-input"]);
    let (_, code) = terminal.ends();
    assert_eq!(code, 3, "{}", terminal.seen);
    assert!(terminal.seen.contains("JIRA_MASTER_PASSWORD"), "{}", terminal.seen);
}

/// Threat 19: a person sees the token, and only the access token.
#[tokio::test]
async fn a_token_is_printed_to_a_person() {
    let sandbox = Served::usual();
    let home = Home::new();
    let tokens = home.log_in(&sandbox, Age::Fresh).await;
    let mut terminal = Terminal::start(&home, &["token", "print", "--confirm"]);
    let (rest, code) = terminal.ends();
    assert_eq!((rest.trim(), code), (tokens.access_token.as_str(), 0));
    for mark in ["CI", "CLAUDECODE"] {
        let home = Home::new().env(mark, "1");
        let tokens = home.log_in(&sandbox, Age::Fresh).await;
        let mut terminal = Terminal::start(&home, &["token", "print", "--confirm"]);
        let (_, code) = terminal.ends();
        assert_eq!(code, 3, "{}", terminal.seen);
        assert!(!terminal.seen.contains(&tokens.access_token), "{}", terminal.seen);
    }
}
