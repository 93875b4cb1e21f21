//! The operations against the sandbox, and against the answers that a Jira gives on a bad day.

mod agile;
mod create;
mod delete;
mod flags;
mod get;
mod link;
mod refused;
mod run;
mod run_luck;
mod search;
mod update;
mod user;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::auth::{Access, AuthMode, Credential};
use crate::config::BaseUrl;
use crate::error::Failure;
use crate::http as transport;
use crate::jira::{Bounds, Jira};
use crate::output::text::{Surface, render};
use crate::output::{Readable, Text};
use crate::sandbox::{self, Action, Fault, Options, Request, Running};
use crate::secret::Secret;

use super::OpError;

/// A sandbox, and the way of `developer` into it.
struct Site {
    sandbox: Running,
    jira: Jira,
}

async fn site() -> Site {
    site_with(Options::default()).await
}

async fn site_with(options: Options) -> Site {
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let sandbox = sandbox::start(options, move || now).await.unwrap();
    let jira = jira(&sandbox, "developer", false);
    Site { sandbox, jira }
}

fn jira(sandbox: &Running, user: &str, read_only: bool) -> Jira {
    let access = Access {
        base_url: BaseUrl::parse(sandbox.base_url(), false).unwrap(),
        client: transport::client(&transport::Options { plain: true, ..transport::Options::default() }),
        credential: Credential::Bearer(Secret::new(sandbox.mint_pat(user))),
        mode: AuthMode::Bearer,
        source: "env JIRA_TOKEN".to_owned(),
        client_id: None,
        storage: None,
        trust: crate::auth::trust::Trust::default(),
        warnings: Vec::new(),
    };
    Jira::new(access, bounds(read_only, Duration::ZERO))
}

fn bounds(read_only: bool, max_wait: Duration) -> Bounds {
    Bounds { read_only, deadline: Instant::now() + Duration::from_secs(60), max_wait }
}

impl Site {
    /// The same way, of somebody who waits when the rate is limited.
    fn patient(&self) -> Jira {
        Jira::new(self.jira.access().clone(), bounds(false, Duration::from_secs(10)))
    }

    /// The requests since the last look, as `GET /rest/api/2/issue/GAIA-1`, without the query.
    fn requests(&self) -> Vec<String> {
        let title = |request: &Request| {
            let path = request.path.split('?').next().unwrap_or_default();
            format!("{} {}", request.method, path.trim_start_matches("/rest/api/2"))
        };
        let titles = self.sandbox.log().iter().map(title).collect();
        self.sandbox.clear_log();
        titles
    }

    /// The bodies of the requests since the last look.
    fn bodies(&self) -> Vec<Value> {
        let bodies = self
            .sandbox
            .log()
            .iter()
            .map(|request| serde_json::from_str(&request.body).unwrap_or_default())
            .collect();
        self.sandbox.clear_log();
        bodies
    }

    fn fault(&self, fault: Fault) {
        self.sandbox.faults().add(fault);
    }

    /// Answers the next request whose path begins like this with some JSON.
    fn answer(&self, path: &str, status: u16, body: Value) {
        self.fault(Fault::on(path, Action::respond(status, "application/json", body.to_string())));
    }

    /// What Jira has of an issue.
    async fn issue(&self, key: &str) -> Value {
        let args = super::get::GetArgs {
            keys: vec![key.to_owned()],
            fields: Some("*all".into()),
            ..Default::default()
        };
        let found = super::get::run(args, &self.jira).await.unwrap();
        self.sandbox.clear_log();
        found.issues()[0].clone()
    }
}

fn failure(result: Result<impl Sized, OpError>) -> Failure {
    result.err().expect("it fails").into()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// What a program gets that asks for text.
fn piped(value: &impl Text) -> String {
    let readable: Readable = value.text();
    render(&readable, Surface { terminal: false, color: false, width: None })
}

/// What a person gets, without colour: the lines, their columns one blank apart.
fn shown(value: &impl Text) -> Vec<String> {
    let text = render(&value.text(), Surface { terminal: true, color: false, width: None });
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}
