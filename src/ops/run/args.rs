//! What `run` is asked to do: as it was typed, and what it means.

use crate::config::switch::parse_boolean;
use crate::jira::AccessClass;
use crate::jira::key::{Extracted, Pattern, extract};
use crate::jira::markup::to_wiki;
use crate::ops::{Flag, OpError, filled, flag, list};

/// What is said of the flags beside their types: the bare names are go-jira's.
pub const FLAGS: &[Flag] = &[
    Flag::required("ref").or_from(&["REF"]),
    Flag::from("issue-format", &["ISSUE_FORMAT"]),
    Flag::from("to-transition", &["INPUT_TRANSITION", "TRANSITION"]),
    Flag::from("resolution", &["RESOLUTION"]),
    Flag::from("comment", &["COMMENT"]),
    Flag::from("assignee", &["ASSIGNEE"]),
    Flag::from("markdown", &["MARKDOWN"]),
    Flag::from("projects", &["PROJECTS"]),
    Flag::from("lenient", &["LENIENT"]),
    Flag::from("dry-run", &["DRY_RUN"]),
];

/// What to do with which issues.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct RunArgs {
    /// The text to find issue keys in: a commit message, the name of a branch, a title
    #[arg(long = "ref", value_name = "TEXT", allow_hyphen_values = true)]
    pub reference: Option<String>,
    /// A regular expression whose matches are the keys, in the place of the usual one; its classes are ASCII
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    pub issue_format: Option<String>,
    /// The transition to take, by its name or by the status that it leads to
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub to_transition: Option<String>,
    /// The resolution to set with the transition
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub resolution: Option<String>,
    /// The comment to add
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub comment: Option<String>,
    /// Add no comment where the same text by the same author is among the last 20
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub comment_once: Option<bool>,
    /// The login name of the user to assign to
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    pub assignee: Option<String>,
    /// The comment is Markdown, to be turned into Jira's wiki markup
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub markdown: Option<bool>,
    /// The projects whose keys count, separated by commas
    #[arg(long, value_name = "KEYS")]
    pub projects: Option<String>,
    /// Change only issues that are in this status
    #[arg(long, value_name = "STATUS", allow_hyphen_values = true)]
    pub from_status: Option<String>,
    /// Change nothing; report what would be done
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub dry_run: Option<bool>,
    /// Forgive single issues that are not found and transitions that are not offered
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub lenient: Option<bool>,
    /// Fail if there is no key in the text
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = parse_boolean)]
    pub require_key: Option<bool>,
}

impl RunArgs {
    /// The text flags that may be `-`.
    pub fn texts(&mut self) -> Vec<(&'static str, &mut Option<String>)> {
        vec![("ref", &mut self.reference), ("comment", &mut self.comment)]
    }

    /// Whether they make sense; nothing is sent.
    pub fn check(&self) -> Result<(), OpError> {
        Plan::new(self.clone()).map(drop)
    }

    /// What this call may do: a dry run only asks.
    pub fn access(&self) -> AccessClass {
        let actions = [&self.to_transition, &self.comment, &self.assignee];
        let acts = actions.into_iter().flatten().any(|text| !text.trim().is_empty());
        if acts && !self.dry_run.unwrap_or(false) { AccessClass::Write } else { AccessClass::Read }
    }
}

/// What the arguments mean.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub transition: Option<String>,
    pub resolution: Option<String>,
    pub assignee: Option<String>,
    /// In wiki markup.
    pub comment: Option<String>,
    pub comment_once: bool,
    pub from_status: Option<String>,
    pub dry_run: bool,
    pub lenient: bool,
    pub require_key: bool,
}

impl Plan {
    /// Reads the arguments, and finds the keys in the text.
    pub fn new(args: RunArgs) -> Result<(Plan, Extracted), OpError> {
        let RunArgs {
            reference,
            issue_format,
            to_transition,
            resolution,
            comment,
            comment_once,
            assignee,
            markdown,
            projects,
            from_status,
            dry_run,
            lenient,
            require_key,
        } = args;
        let alone = |message| OpError::Flag { command: "run", message };
        // Each keeps issues out. A script whose variable is not set would otherwise change all of them.
        for (name, limit) in [("projects", &projects), ("from-status", &from_status)] {
            if limit.as_deref().is_some_and(|limit| list(limit).is_empty()) {
                let message = format!("--{name} is empty: leave it out if it is to limit nothing");
                return Err(OpError::Value { command: "run", message });
            }
        }
        // An empty variable never comes here; what was typed empty, or holds blanks alone, comes of one that is not set.
        // A comment may be what is left of a text.
        let asked = [("to-transition", &to_transition), ("resolution", &resolution), ("assignee", &assignee)];
        for (name, text) in asked {
            if text.as_deref().is_some_and(|text| text.trim().is_empty()) {
                let message = format!("--{name} is empty: leave it out if that is not to be done");
                return Err(OpError::Value { command: "run", message });
            }
        }
        flag::require("run", &[("ref", reference.is_some())])?;
        let text = reference.unwrap_or_default();
        // As go-jira says it; and nothing on stdin is what a command before the pipe leaves that failed.
        if text.trim().is_empty() {
            let message = "--ref is empty: it is the text to find issue keys in".to_owned();
            return Err(OpError::Value { command: "run", message });
        }
        let pattern = match filled(issue_format) {
            Some(pattern) => Pattern::custom(&pattern)?,
            None => Pattern::default(),
        };
        let projects = projects.map(|projects| list(&projects));
        let comment = filled(comment).map(|text| if markdown == Some(true) { to_wiki(&text) } else { text });
        let plan = Plan {
            transition: to_transition,
            resolution,
            assignee,
            comment,
            comment_once: comment_once.unwrap_or(false),
            from_status,
            dry_run: dry_run.unwrap_or(false),
            lenient: lenient.unwrap_or(false),
            require_key: require_key.unwrap_or(false),
        };
        if plan.resolution.is_some() && plan.transition.is_none() {
            return Err(alone("--resolution needs --to-transition: Jira sets it with a transition"));
        }
        if plan.comment_once && plan.comment.is_none() {
            return Err(alone("--comment-once needs --comment"));
        }
        Ok((plan, extract(&text, &pattern, projects.as_deref())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_only_asks() {
        let mut args = RunArgs { comment: Some("x".to_owned()), ..RunArgs::default() };
        assert_eq!(args.access(), AccessClass::Write);
        args.dry_run = Some(true);
        assert_eq!(args.access(), AccessClass::Read);
    }

    #[test]
    fn flags_that_do_nothing_alone_are_refused() {
        let base = RunArgs { reference: Some("GAIA-1".to_owned()), ..RunArgs::default() };
        let alone = [
            RunArgs { resolution: Some("Done".to_owned()), ..base.clone() },
            RunArgs { comment_once: Some(true), ..base.clone() },
            RunArgs { reference: None, ..base.clone() },
        ];
        for args in alone {
            let failure = crate::error::Failure::from(Plan::new(args).unwrap_err());
            assert_eq!((failure.code, failure.exit_code()), (crate::error::Code::BadFlag, 2), "{failure}");
        }
        assert!(Plan::new(RunArgs { issue_format: Some("(".to_owned()), ..base }).is_err());
    }

    #[test]
    fn an_empty_limit_is_refused() {
        let base = RunArgs { reference: Some("GAIA-1".to_owned()), ..RunArgs::default() };
        for empty in ["", " ", ","] {
            for args in [
                RunArgs { projects: Some(empty.to_owned()), ..base.clone() },
                RunArgs { from_status: Some(empty.to_owned()), ..base.clone() },
            ] {
                let failure = crate::error::Failure::from(Plan::new(args).unwrap_err());
                assert_eq!(
                    (failure.code, failure.exit_code()),
                    (crate::error::Code::BadValue, 2),
                    "{failure}"
                );
            }
        }
    }
}
