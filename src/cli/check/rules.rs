//! What behaves differently here, one entry each: where it is found, why it differs, what to write instead.
//! The differences themselves are decided elsewhere (docs/go-jira.md); a script can hit each of these.

use crate::config::{Scope, parse_duration};

use super::callback;
use super::dotenv;
use super::exits;
use super::hits::{ACTION, CLOUD, Hit, RETRY_AFTER};
use super::invocation::{Flag, Invocation};
use super::script::Script;
use super::shell::expands;
use super::verdicts::{
    beaten_flags, ignored, is_odd_filter, is_told_on_stderr, listens_openly, lost_rotations, odd_booleans,
    plain_brokers, reads_stderr, searches_stderr,
};

/// One difference.
pub struct Rule {
    pub code: &'static str,
    pub why: &'static str,
    pub instead: &'static str,
    pub hits: fn(&Script) -> Vec<Hit>,
}

/// Every rule, in the order of docs/go-jira.md.
pub const RULES: &[Rule] = &[
    Rule {
        code: "dotenv",
        why: "go-jira loads .env of the working directory by itself; here no file is read that is not named",
        instead: "say --env-file .env, or set JIRA_ENV_FILE",
        hits: dotenv::hits,
    },
    Rule {
        code: "bare_variable",
        why: "a variable of this name is read by go-jira and not here: many programs set such names, the system too",
        instead: "the same name with JIRA_ or INPUT_ before it (INPUT_DEBUG for DEBUG)",
        hits: |script| {
            script.variables(|name| {
                matches!(name, "TOKEN" | "USERNAME" | "PASSWORD" | "BASE_URL" | "INSECURE" | "DEBUG")
            })
        },
    },
    Rule {
        code: "output_variable",
        why: "here the format counts for every command, also for run, whoami, login and token status",
        instead: "JIRA_OUTPUT for all commands, --output for one",
        hits: |script| script.variables(|name| matches!(name, "OUTPUT" | "INPUT_OUTPUT")),
    },
    Rule {
        code: "boolean_word",
        why: "go-jira takes every word but 1 and true for no; here yes and on are yes, and what is no such word is exit 2",
        instead: "true or false",
        hits: odd_booleans,
    },
    Rule {
        code: "secret_flag",
        why: "a secret as an argument can be read by every process of the machine: refused with exit 2",
        instead: "JIRA_TOKEN, JIRA_PASSWORD or JIRA_BROKER_TOKEN in the environment, or the variable with _FILE behind it",
        hits: |script| {
            script.flags(|_, flag| matches!(flag.name.as_str(), "token" | "password" | "broker-token"))
        },
    },
    Rule {
        code: "username_flag",
        why: "there is no such flag here: a user name goes with its password, which is no argument",
        instead: "JIRA_USERNAME beside JIRA_PASSWORD in the environment",
        hits: |script| script.flags(|_, flag| flag.name == "username"),
    },
    Rule {
        code: "login_flag",
        why: "go-jira takes this flag with every command and uses it at login; here login alone takes it",
        instead: "without it: the session and its site remember what login was told",
        hits: |script| {
            let of_login = |flag: &Flag| flag.name == "scope" || flag.name.starts_with("callback-");
            script.flags(|one, flag| of_login(flag) && one.command != "login")
        },
    },
    Rule {
        code: "precedence",
        why: "both the flag and its variable are set: in go-jira the variable wins, here the flag",
        instead: "one of the two",
        hits: beaten_flags,
    },
    Rule {
        code: "callback",
        why: "another redirect URI than go-jira's is asked for at login, and it must be registered exactly so",
        instead: "register https://127.0.0.1:8085/callback, or say the registered one with --redirect-uri",
        hits: callback::hits,
    },
    Rule {
        code: "callback_port",
        why: "go-jira takes its default where this is no number; here that is exit 2",
        instead: "a port from 1 to 65535",
        hits: |script| {
            let set = script.set_anywhere().filter(|set| set.name == "JIRA_OAUTH_CALLBACK_PORT");
            let bad = |value: &str| !value.is_empty() && value.parse::<u16>().is_err();
            set.filter(|set| set.value.as_deref().is_some_and(bad)).map(Hit::of).collect()
        },
    },
    Rule {
        code: "token_print",
        why: "an access token is printed to a person at a terminal only",
        instead: "let jira make the request; where a script must have the token, `allow_token_print = true` for the site \
                  in config.toml",
        hits: |script| script.commands(|one| one.command == "token print"),
    },
    Rule {
        code: "run_exit",
        why: "go-jira exits 0 when an issue or a transition is missing; here that is exit 5 or 6, with a report on stdout",
        instead: "--lenient forgives what is missing",
        hits: |script| script.commands(|one| one.command == "run" && !ignored(one) && !one.on("lenient")),
    },
    Rule {
        code: "exit_ignored",
        why: "the exit code is thrown away, and here it says whether everything was done",
        instead: "--lenient instead of `|| true`, or of the dash in a makefile: what is missing is forgiven, what failed is not",
        hits: |script| script.commands(|one| one.command == "run" && ignored(one)),
    },
    Rule {
        code: "exit_one",
        why: "1 is go-jira's code for most failures; here 404 is 5, an unreachable Jira 7, a missing flag or --confirm 2",
        instead: "a test for 0, or the codes in `jira --help`",
        hits: exits::hits,
    },
    Rule {
        code: "group_alone",
        why: "a group without a command of its own prints help and exits 0 in go-jira; here that is exit 2",
        instead: "the command that is meant, or --help",
        hits: |script| {
            script.commands(|one| one.is_group() && one.command != "completion" && !one.on("help"))
        },
    },
    Rule {
        code: "surplus_argument",
        why: "go-jira passes over arguments that it does not know, such as the second word of a variable without quotes; here they are an issue key, JQL, or exit 2",
        instead: "without them, or quoted, if they belong to the value before",
        hits: |script| script.surplus(),
    },
    Rule {
        code: "version_flag",
        why: "-v is the version in go-jira; here it makes a command tell what it does",
        instead: "-V",
        hits: |script| script.flags(|one, flag| flag.name == "v" && one.words.len() > 1),
    },
    Rule {
        code: "debug_dump",
        why: "go-jira writes its configuration to stdout; here --debug tells what happens, on stderr",
        instead: "`jira config show`",
        hits: |script| script.flags(|one, flag| flag.name == "debug" && one.command == "run"),
    },
    Rule {
        code: "stderr_text",
        why: "the text that go-jira writes to stderr is not there: what whoami, login, run and the like have to say is \
              JSON on stdout, and warnings and errors have other words",
        instead: "read stdout, with jq or with --output text, and tell failures by exit code or by .error.code",
        hits: |script| {
            let told = |one: &Invocation| is_told_on_stderr(&one.command) && reads_stderr(one);
            script.commands(|one| told(one) || searches_stderr(one) || one.searched)
        },
    },
    Rule {
        code: "retry_after",
        why: "retry_after is a string in go-jira and a number of seconds here",
        instead: "read it as a number",
        hits: |script| script.lines_with(&RETRY_AFTER, "retry_after"),
    },
    Rule {
        code: "timeout",
        why: "here a duration is whole numbers with ms, s, m, h or d, and more than nothing; anything else is exit 2",
        instead: "30s, 5m, 1m30s; without --timeout the command's own",
        hits: |script| {
            let bad = |flag: &Flag| {
                flag.value.as_deref().is_some_and(|value| !expands(value) && parse_duration(value).is_err())
            };
            script.flags(|_, flag| flag.name == "timeout" && bad(flag))
        },
    },
    Rule {
        code: "scope",
        why: "a scope is one of four words here, in capitals",
        instead: "READ, WRITE, ADMIN or SYSTEM_ADMIN",
        hits: |script| {
            script.commands(|one| one.literal("scope").is_some_and(|scope| Scope::parse(scope).is_err()))
        },
    },
    Rule {
        code: "half_certificate",
        why: "go-jira passes over one of --callback-cert and --callback-key without the other; here that is exit 2",
        instead: "both or neither",
        hits: |script| {
            script.commands(|one| one.flag("callback-cert").is_some() != one.flag("callback-key").is_some())
        },
    },
    Rule {
        code: "two_stdin",
        why: "two flags read stdin; go-jira gives the second one nothing, here that is exit 2",
        instead: "one of them from a variable: INPUT_REF, INPUT_COMMENT",
        hits: |script| {
            let dashes =
                |one: &Invocation| one.flags.iter().filter(|flag| flag.value.as_deref() == Some("-")).count();
            script.commands(|one| dashes(one) > 1)
        },
    },
    Rule {
        code: "limit",
        why: "go-jira leaves out a limit of 0 and hands on a negative one; here a limit is 1 or more",
        instead: "--all for everything, --count for the number",
        hits: |script| {
            let none = |one: &Invocation| {
                one.literal("limit").and_then(|text| text.parse::<i64>().ok()).is_some_and(|n| n < 1)
            };
            script.commands(none)
        },
    },
    Rule {
        code: "empty_jql",
        why: "go-jira asks for everything; here an empty JQL is exit 2",
        instead: "a query, such as 'order by updated'",
        hits: |script| script.commands(|one| one.literal("jql") == Some("")),
    },
    Rule {
        code: "empty_value",
        why: "go-jira passes over an empty transition, resolution or assignee of run; here it is exit 2",
        instead: "without the flag; an empty variable, INPUT_TO_TRANSITION say, is none",
        hits: |script| {
            script.flags(|one, flag| {
                one.command == "run"
                    && matches!(flag.name.as_str(), "to-transition" | "resolution" | "assignee")
                    && flag.value.as_deref() == Some("")
            })
        },
    },
    Rule {
        code: "filter_word",
        why: "go-jira leaves it to Jira to refuse a state of sprints or a type of boards; here another word is exit 2",
        instead: "active, future or closed for --state, scrum or kanban for --type",
        hits: |script| script.flags(is_odd_filter),
    },
    Rule {
        code: "broker_http",
        why: "go-jira warns of a broker over http; here that is exit 2, but for one on the same machine",
        instead: "https, or --insecure with each command",
        hits: plain_brokers,
    },
    Rule {
        code: "field_ids",
        why: "go-jira writes to customfield_10101 and customfield_10100; here the fields are found by what they are",
        instead: "--epic-field and --sprint-field with the ids, if it must be those",
        hits: |script| script.unnamed_fields(),
    },
    Rule {
        code: "rotation_lost",
        why: "Jira makes a refresh token good for one use: go-jira warns that its successor is lost, here that is exit 2 \
              before it is spent",
        instead: "JIRA_OAUTH_REFRESH_TOKEN_OUTPUT (a file, or none) or JIRA_OAUTH_ROTATION_COMMAND beside it",
        hits: lost_rotations,
    },
    Rule {
        code: "listen",
        why: "the broker listens on 127.0.0.1:8080 unless told otherwise, go-jira's on every address; another one needs \
              --tls-cert, or --plaintext said aloud",
        instead: "--listen with the address, and --tls-cert and --tls-key, or --plaintext behind an ingress",
        hits: |script| script.commands(|one| one.command == "broker serve" && listens_openly(one, script)),
    },
    Rule {
        code: "cloud_url",
        why: "Jira Cloud is another product with another login, and is refused with exit 2",
        instead: "another tool for that Jira",
        hits: |script| script.lines_with(&CLOUD, "*.atlassian.net"),
    },
    Rule {
        code: "action",
        why: "the action runs go-jira's image; its inputs (with:) reach that alone",
        instead: "a step with `run: jira run`, and the same inputs as INPUT_… under env:",
        hits: |script| script.lines_with(&ACTION, "uses: …/jira-action"),
    },
    Rule {
        code: "injection",
        why: "whoever writes a commit message, a branch name or a title writes a part of this command: it is pasted in \
              before the shell reads it. So it is with go-jira too",
        instead: "the expression under env:, as INPUT_REF instead of --ref, INPUT_SUMMARY instead of --summary and so on",
        hits: |script| script.injections(),
    },
];
