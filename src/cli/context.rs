//! What a command works with: the settings, the writer, and the way to Jira.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::auth::saving::Saving;
use crate::auth::store::Memory;
use crate::auth::{Access, AuthMode, World, resolve};
use crate::config::{self, Settings, Sites, secret_variables};
use crate::error::{Code, Failure, Hint};
use crate::jira::{Bounds, Jira, JiraError};
use crate::ops::{Change, beside};
use crate::output::text::{Surface, render};
use crate::output::{Output, Text};
use crate::process::{Env, Process, Signal, Signals};

use super::seen::{Notes, Seen};

/// The most that stdin may hold where a text flag reads it.
const STDIN_CAP: u64 = 16 * 1024 * 1024;

/// Why nobody has a result that was not refused either.
pub const UNREAD: &str = "the result was not read before the end";

/// One command's world.
pub struct Context {
    /// The outside.
    pub process: Process,
    /// What was typed and set, and what it means.
    pub settings: Settings,
    /// The writer.
    pub out: Output,
    /// Whether a session is being saved.
    pub saving: Saving,
    /// When the time is up.
    pub deadline: Instant,
    /// Where sessions go instead of the keyring or a file, on the tour.
    pub memory: Option<Memory>,
    /// What completion may offer later.
    pub notes: Notes,
    /// What is left to say if the command is cut short.
    farewell: Mutex<Option<Farewell>>,
    /// What the command has done, until its result is written.
    made: Mutex<Option<Made>>,
    /// For a command that answers signals itself: what ends it all the same.
    cut: (watch::Sender<Option<Signal>>, Signals),
}

/// What a command has done to Jira: nobody should do it once more because its result was lost.
pub struct Made {
    /// In words: `created GAIA-1`.
    pub what: String,
    /// The result, or what matters of it.
    pub result: Value,
    /// How to look at it.
    pub look: Option<Hint>,
}

/// The last words of a command that is cut short.
type Farewell = Box<dyn FnOnce(&Output, Cut) -> Option<Failure> + Send>;

/// What cuts a command short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// A signal: whoever sent it knows that.
    Signal,
    /// Its deadline.
    Deadline,
}

impl Context {
    /// Puts the parts together.
    pub fn new(
        process: Process,
        settings: Settings,
        out: Output,
        deadline: Instant,
        memory: Option<Memory>,
    ) -> Self {
        Context {
            process,
            settings,
            out,
            saving: Saving::default(),
            deadline,
            memory,
            notes: Notes::default(),
            farewell: Mutex::new(None),
            made: Mutex::new(None),
            cut: Signals::channel(),
        }
    }

    /// Ends the command as that signal would, although it answers signals itself.
    pub fn cut(&self, signal: Signal) {
        self.cut.0.send_replace(Some(signal));
    }

    /// What [`Context::cut`] sends.
    pub fn cuts(&self) -> Signals {
        self.cut.1.clone()
    }

    /// Whether somebody sits at the terminal who can be asked.
    pub fn person(&self) -> bool {
        let terminal = self.process.stdin.is_terminal() && self.process.stderr.is_terminal();
        terminal && !self.settings.no_input && self.settings.agent.is_none()
    }

    /// What the credential needs.
    pub fn world(&self) -> World {
        let out = self.out.clone();
        World {
            clock: self.process.clock.clone(),
            saving: self.saving.clone(),
            person: self.person(),
            prompt: self.process.prompt.clone(),
            keyring_waits: Arc::new(move || {
                out.info("keyring_waits", "waiting for the keyring: is a dialog open?", None);
            }),
            child_env: self.child_env(),
            memory: self.memory.clone(),
        }
    }

    /// The environment without our secrets, for programs that we start.
    pub fn child_env(&self) -> Env {
        let secret = |name: &str| secret_variables().any(|secret| secret == name);
        self.process.env.iter().filter(|(name, _)| !secret(name)).collect()
    }

    /// The credential, with a warning for whatever was passed over.
    pub async fn access(&self) -> Result<Access, Failure> {
        let access =
            resolve::resolve(&self.settings, &self.world()).await.map_err(|error| self.named(error))?;
        for (code, text) in &access.warnings {
            self.out.warning(code, text, None);
        }
        // In CI and under an agent nobody completes, and a credential of the environment may be anybody's.
        let stored = matches!(access.mode, AuthMode::OauthStorage | AuthMode::PatStorage);
        if stored && self.memory.is_none() && self.settings.agent.is_none() && !self.settings.no_cache {
            self.notes.begin();
        }
        Ok(access)
    }

    /// The way to Jira.
    pub async fn jira(&self) -> Result<Jira, Failure> {
        Ok(Jira::new(self.access().await?, self.bounds()))
    }

    /// Refuses a command that changes something where the policy forbids that, before a credential is looked
    /// for. [`Jira::send`] holds every request to the same.
    pub fn may_change(&self, what: &str) -> Result<(), Failure> {
        match self.settings.read_only {
            true => Err(JiraError::ReadOnly { request: what.to_owned() }.into()),
            false => Ok(()),
        }
    }

    /// What bounds the requests of this command.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            read_only: self.settings.read_only,
            deadline: self.deadline,
            max_wait: self.settings.max_wait.unwrap_or_default(),
        }
    }

    /// The sites, as the file is now.
    pub fn sites(&self) -> Result<Sites, Failure> {
        Ok(Sites::load(&self.settings.dirs.sites_file())?)
    }

    /// A failure whose hint names the site, if the one in use has a name that a bare command would miss.
    pub fn named(&self, failure: impl Into<Failure>) -> Failure {
        let mut failure = failure.into();
        let unnamed = failure.code == Code::NoBaseUrl && self.settings.site_name_wanted.is_none();
        if unnamed && self.sites().is_ok_and(|sites| !sites.list().is_empty()) {
            failure.message =
                "no site is the default one: name one with --site, or choose it with `jira site use`"
                    .to_owned();
            failure.hint = Some(Hint::SiteList);
        }
        let name = self.settings.site.as_ref().map(|site| site.name.as_str().to_owned());
        match &mut failure.hint {
            Some(Hint::Login { site } | Hint::LoginPat { site } | Hint::LoginScope { site, .. })
                if site.is_none() =>
            {
                *site = name;
            }
            _ => {}
        }
        failure
    }

    /// The ids of the epic and sprint field, from the variables or the site, where none was typed.
    pub fn fill_fields(&self, epic: &mut Option<String>, sprint: &mut Option<String>) {
        let set = |found: &Option<config::Sourced<String>>| found.as_ref().map(|found| found.value.clone());
        *epic = epic.take().or_else(|| set(&self.settings.epic_field));
        *sprint = sprint.take().or_else(|| set(&self.settings.sprint_field));
    }

    /// Warns of the epic's or the sprint's field where this Jira has none of that id: it says nothing itself.
    pub fn unknown_fields(&self, ids: &[String]) {
        for id in ids {
            let text = format!(
                "this Jira has no field {id}, or not for this account; --epic-field or --sprint-field, a variable or the site names it"
            );
            self.out.warning("no_such_field", &text, Some(json!({ "field": id })));
        }
    }

    /// Keeps what the command has seen of Jira for completion. It never fails a command.
    pub fn keep_notes(&self) {
        let Some(base_url) = &self.settings.base_url else { return };
        let site = self.settings.site.as_ref().map(|site| &site.name);
        self.notes
            .keep(&Seen::path(&self.settings.dirs.cache, &base_url.value, site), self.process.clock.now());
    }

    /// Replaces the one text that is `-` by what stands on stdin, without its trailing newlines.
    pub async fn read_stdin(&self, texts: Vec<(&'static str, &mut Option<String>)>) -> Result<(), Failure> {
        let mut dashes: Vec<_> = texts.into_iter().filter(|(_, text)| text.as_deref() == Some("-")).collect();
        if dashes.len() > 1 {
            let names: Vec<_> = dashes.iter().map(|(name, _)| format!("--{name}")).collect();
            let text = format!("{} cannot all read stdin: there is only one", names.join(" and "));
            return Err(Failure::new(Code::BadValue, text));
        }
        let Some((name, target)) = dashes.pop() else { return Ok(()) };
        let bytes = self.process.stdin.read_all(STDIN_CAP).await;
        let bytes = bytes.map_err(|error| {
            Failure::new(Code::BadValue, format!("--{name} - could not read stdin: {error}"))
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::new(Code::BadValue, format!("--{name} -: stdin is not UTF-8")))?;
        if let Some(c) = text.chars().find(|c| super::hygiene::is_control(*c)) {
            let text =
                format!("--{name} -: stdin contains a disallowed control character (0x{:02x})", c as u32);
            return Err(Failure::new(Code::ControlCharacter, text));
        }
        let text = text.trim_end_matches(['\n', '\r']);
        // More likely a command before the pipe that failed than a wish. A `--ref` without a key is told by itself,
        // and a `--jql` without a query is refused as such.
        if text.is_empty() && matches!(name, "comment" | "description") {
            let text = format!("--{name} -: stdin is empty; --{name} '' says that nothing is meant");
            return Err(Failure::new(Code::BadValue, text));
        }
        *target = Some(text.to_owned());
        Ok(())
    }

    /// Says what is to be written if the command is cut short by a signal or its deadline, and what that then
    /// means, if not merely that.
    pub fn on_cut(&self, farewell: impl FnOnce(&Output, Cut) -> Option<Failure> + Send + 'static) {
        *self.farewell.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(farewell));
    }

    /// Follows the one change that the command sends: whether it is out when the command is cut short.
    pub fn change(&self) -> Change {
        let change = Change::default();
        let cut_short = change.clone();
        self.on_cut(move |_, _| cut_short.cut_short());
        change
    }

    /// Says what was done, before its result is written.
    pub fn made<T: Serialize + Text>(&self, look: Option<Hint>, result: &T) {
        let surface = Surface { terminal: false, color: false, width: None };
        let what = render(&result.text(), surface).trim_end().to_owned();
        // What has no JSON form is not written either, and that is another failure.
        let result = serde_json::to_value(result).unwrap_or_default();
        self.keep(Made { what, result, look });
    }

    /// The same, in words of its own.
    pub fn keep(&self, made: Made) {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
    }

    /// A failure to write the result says what was done all the same.
    pub fn unwritten(&self, failure: Failure) -> Failure {
        match failure.code {
            Code::OutputUnwritable => self.done_unseen(&failure.message).unwrap_or(failure),
            _ => failure,
        }
    }

    /// A command that failed, and whose result was not written: it failed as it did, and says what it has changed.
    pub fn failed_unwritten(&self, failure: Failure, why: &str) -> Failure {
        if failure.code == Code::OutputUnwritable {
            return self.unwritten(failure);
        }
        let Some(Made { what, result, look }) = self.take_made() else { return failure };
        Failure {
            message: format!("{}; {what}, but {why}", failure.message),
            hint: look.or(failure.hint),
            details: beside(failure.details, Some(result)),
            ..failure
        }
    }

    /// The failure of a command that has done its work and was ended while its result waited for a reader.
    pub fn unread(&self) -> Option<Failure> {
        self.done_unseen(UNREAD)
    }

    fn done_unseen(&self, why: &str) -> Option<Failure> {
        let Made { what, result, look } = self.take_made()?;
        let failure = Failure::new(Code::OutputUnwritable, format!("{what}; but {why}"));
        Some(Failure { hint: look, ..failure.details(json!({ "result": result })) })
    }

    fn take_made(&self) -> Option<Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The command ended by itself, or says its last words.
    pub fn farewell(&self) -> Option<Farewell> {
        self.farewell.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The time that a command has if nobody says otherwise.
pub fn timeout(settings: &config::Settings, usual: Duration) -> Duration {
    settings.timeout.unwrap_or(usual)
}
