//! `sandbox demo`: the tour. Every step is a whole command line, run as it would be typed, against a sandbox
//! that lives as long as the tour; sessions are kept in memory and the site in a directory that is removed.

use std::io::{self, Cursor};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::http::Method;
use url::Url;

use crate::auth::store::Memory;
use crate::disk;
use crate::error::{Code, Failure};
use crate::http::{self, Request, Target};
use crate::process::{Browser, Env, Input, Process, Prompt, temp_dir};
use crate::sandbox::{self, Options, Running};
use crate::secret::{Secret, hex, random};

use super::context::Context;

/// The port of the callback, unless another program has it.
const PORT: u16 = 8085;

/// A page of the sandbox takes a moment.
const PAGE_TIME: Duration = Duration::from_secs(30);

/// One command of the tour.
struct Step {
    /// What it shows.
    about: &'static str,
    /// The command line, as it is typed.
    args: Vec<String>,
    /// What is piped into it.
    stdin: &'static str,
    /// How it ends.
    code: u8,
}

/// Takes the tour.
pub async fn run(ctx: &Context) -> Result<(), Failure> {
    let home = Home::new()?;
    let port = if is_free(PORT) { PORT } else { free_port()? };
    let uri = format!("https://127.0.0.1:{port}/callback");
    let options = Options {
        auto_approve: Some("developer".to_owned()),
        redirect_uris: vec![uri],
        ..Options::default()
    };
    let clock = ctx.process.clock.clone();
    let running = sandbox::start(options, move || clock.now()).await?;
    let outcome = tour(ctx, &running, &home, port).await;
    running.stop().await;
    outcome
}

async fn tour(ctx: &Context, running: &Running, home: &Home, port: u16) -> Result<(), Failure> {
    let memory = Memory::new();
    say(
        ctx,
        &format!("# A Jira of 240 issues listens on {} until the end of this tour.", running.base_url()),
    )?;
    for step in steps(running, port) {
        if step.about.starts_with("An hour later") {
            running.expire_access_tokens();
        }
        say(ctx, &format!("\n# {}\n$ {}", step.about, typed(&step)))?;
        let process = process(ctx, home, &step);
        // A command within a command: boxed, because the tour is one itself.
        let code = Box::pin(super::run_with(process, Some(memory.clone()))).await;
        // A step whose words cannot be written fails for that alone.
        ctx.out.written().await?;
        if code != step.code {
            let text = format!("the tour stopped: `jira {}` ended with {code}", step.args.join(" "));
            return Err(Failure::new(Code::Bug, text));
        }
        if code != 0 {
            say(ctx, &format!("# exit code {code}"))?;
        }
    }
    say(ctx, "\n# That was all of it, and nothing of it is left. Your own Jira: jira login --help")
}

fn steps(running: &Running, port: u16) -> Vec<Step> {
    let mut login = words(&format!("login --site sandbox --base-url {}", running.base_url()));
    login.extend(words(&format!("--client-id {} --output text", running.client_id())));
    if port != PORT {
        login.extend(words(&format!("--callback-port {port}")));
    }
    let step = |about, args: Vec<String>| Step { about, args, stdin: "", code: 0 };
    let search = |jql: &str, rest: &str| [words("search --jql"), vec![jql.to_owned()], words(rest)].concat();
    let run = [
        words("run --ref - --to-transition"),
        vec!["In Progress".to_owned(), "--comment".to_owned(), "Merged to **main**".to_owned()],
        words("--markdown"),
    ];
    vec![
        step(
            "Log in: the browser goes to Jira and comes back with a code. (The tour is its own browser.)",
            login,
        ),
        step(
            "Search. On a terminal text is a table; without --output it is Jira's own JSON.",
            search("project = GAIA AND status = \"In Progress\" ORDER BY key", "--limit 5 --output text"),
        ),
        step("Get one issue.", words("get GAIA-12 --fields summary,status,assignee --output text")),
        Step {
            stdin: "Guard the parser (GAIA-10), see GAIA-12 and UTF-8\n",
            ..step("Move what a commit message names; the report says what became of each.", run.concat())
        },
        Step {
            code: 5,
            ..step("A failure is one line of JSON, and an exit code to branch on.", words("get GAIA-9999"))
        },
        step(
            "An hour later the access token has ended. The next command renews it by itself.",
            search("assignee = currentUser() AND resolution = EMPTY", "--count"),
        ),
        step("The session, without its tokens.", words("token status --output text")),
        step("Log out.", words("logout")),
    ]
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

/// The command as somebody would type it.
fn typed(step: &Step) -> String {
    let quoted = step.args.iter().map(|arg| {
        let plain = arg.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@,".contains(c));
        if plain { arg.clone() } else { format!("'{arg}'") }
    });
    let command = format!("jira {}", quoted.collect::<Vec<_>>().join(" "));
    match step.stdin.trim_end() {
        "" => command,
        text => format!("echo '{text}' | {command}"),
    }
}

fn say(ctx: &Context, text: &str) -> Result<(), Failure> {
    ctx.out.plain(text)
}

/// The world of one step: our streams, a home of its own, and a browser that is no person's.
fn process(ctx: &Context, home: &Home, step: &Step) -> Process {
    let own =
        ["TERM", "NO_COLOR"].iter().filter_map(|name| Some((*name, ctx.process.env.get(name)?.to_owned())));
    let home = home.0.clone().into_os_string();
    // Set, so that a browser is opened on a machine without a display as well.
    let browser = ("BROWSER", "the tour".into());
    let named = [("HOME", home.clone()), ("JIRA_CONFIG_DIR", home), ("JIRA_SITE", "sandbox".into()), browser];
    Process {
        args: step.args.iter().map(Into::into).collect(),
        env: own.chain(named).collect(),
        stdin: Input::new(Cursor::new(step.stdin), false),
        stdout: ctx.process.stdout.clone(),
        stderr: ctx.process.stderr.clone(),
        clock: ctx.process.clock.clone(),
        signals: ctx.process.signals.clone(),
        browser: Arc::new(Itself),
        prompt: Arc::new(Nobody),
    }
}

/// Follows the login as a browser would, from page to page.
struct Itself;

impl Browser for Itself {
    fn open(&self, url: &str, _env: &Env) -> io::Result<()> {
        // The callback's certificate is minted anew for each login, so there is nothing to check it against.
        let options = http::Options { insecure: true, ..http::Options::default() };
        let client = http::client(&options);
        let mut next = Url::parse(url).ok();
        tokio::spawn(async move {
            while let Some(url) = next.take() {
                let Ok(target) = Target::new(url) else { break };
                let Ok(page) = client.send(Request::new(Method::GET, target, PAGE_TIME)).await else { break };
                next = page.location();
            }
        });
        Ok(())
    }
}

/// Nobody to ask.
struct Nobody;

impl Prompt for Nobody {
    fn line(&self, _question: &str) -> io::Result<String> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    fn hidden(&self, _question: &str) -> io::Result<Secret> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    fn restore(&self) {}
}

/// A directory that is gone after the tour.
struct Home(PathBuf);

impl Home {
    fn new() -> Result<Self, Failure> {
        let random = random::<8>().expect("the system has randomness");
        let path = temp_dir().join(format!("jira-tour-{}", hex(&random)));
        disk::new_dir(&path).map_err(|error| {
            Failure::new(Code::StoreUnwritable, format!("cannot make {}: {error}", path.display()))
        })?;
        Ok(Home(path))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

fn free_port() -> Result<u16, Failure> {
    let listener = std::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| Failure::new(Code::PortBusy, error.to_string()))
}
