//! What holds for every command: which stream gets what, in which form, with which exit code; and what is
//! refused before anything runs.

use jira_oauth::process::Signal;
use jira_oauth::sandbox::{Action, Fault};
use serde_json::json;

use crate::support::{PASSWORD, Sink, World};

/// Text as somebody would write it who wants to drive a terminal, hide words, or run a command.
const HOSTILE: &str =
    "\u{1b}]52;c;aGk=\u{7} \u{9b}31m \u{202e}abc\u{2066} \u{200b}\u{e0041} \u{7f} $(id) `id` ' \" \n";

/// Whether a stream holds what a terminal would obey or not show.
fn is_clean(text: &str) -> bool {
    let bad = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2060}'..='\u{206f}').contains(&c)
            || ('\u{200b}'..='\u{200f}').contains(&c)
            || ('\u{e0000}'..='\u{e0fff}').contains(&c)
    };
    !text.chars().any(bad)
}

#[tokio::test]
async fn a_result_is_indented_json_on_stdout_and_stderr_is_empty() {
    let world = World::new().await;
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["token", "status"]).await, @r#"
    exit 0
    --- stdout
    {
      "site": "sandbox",
      "base_url": "http://127.0.0.1:PORT",
      "client_id": "c11e47",
      "auth_mode": "oauth-storage",
      "source": "site sandbox",
      "user": {
        "name": "developer",
        "displayName": "Dana Developer"
      },
      "scope": "WRITE",
      "session": "ok",
      "expires_at": "2026-03-04T06:06:07Z",
      "refreshed_at": "2026-03-04T05:06:07Z",
      "idle_days_left": 90,
      "storage": "file",
      "broker_url": null
    }
    "#);
    assert_eq!(world.requests(), [""; 0], "token status asks nobody");
}

#[tokio::test]
async fn text_is_tab_separated_in_a_pipe_and_aligned_on_a_terminal() {
    let world = World::new().await;
    world.logged_in().await;
    insta::assert_snapshot!(world.run(&["whoami", "--output", "text"]).await, @r#"
    exit 0
    --- stdout
    site\tsandbox
    base_url\thttp://127.0.0.1:PORT
    user\tSandbox Developer (developer)
    auth_mode\toauth-storage
    source\tsite sandbox
    scope\tWRITE
    session\tok
    refreshed_at\t2026-03-04T05:06:07Z
    expires_at\t2026-03-04T06:06:07Z
    idle_days_left\t90
    storage\tfile
    broker_url\t-
    "#);
    let shown = world.command(&["site", "list", "--output=text", "--no-color"]).screen();
    insta::assert_snapshot!(shown.run().await, @r#"
    exit 0
    --- stdout
    NAME     BASE URL                SCOPE
    sandbox  http://127.0.0.1:PORT  WRITE  default
    "#);
}

#[tokio::test]
async fn jsonl_is_one_compact_object_a_line() {
    let world = World::new().await;
    world.logged_in().await;
    world.run(&["token", "status", "--output", "jsonl"]).await;
    let ran = world.run(&["site", "list", "--output", "jsonl"]).await.ok();
    assert_eq!(ran.stdout.lines().count(), 1);
    assert!(ran.stdout.starts_with("{\"name\":\"sandbox\",\"base_url\":"), "{ran}");
}

#[tokio::test]
async fn a_failure_is_the_last_line_on_stderr_and_stdout_stays_empty() {
    let world = World::new().await;
    insta::assert_snapshot!(world.run(&["whoami"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"no_base_url","message":"no Jira is named: log in with `jira login --base-url https://…`, or set JIRA_BASE_URL, or name a site","hint":"jira login --help","exit_code":2,"retryable":false,"actor":"user"}}
    "#);
    insta::assert_snapshot!(world.run(&["whoami", "--output", "text"]).await, @r#"
    exit 2
    --- stderr
    error: no Jira is named: log in with `jira login --base-url https://…`, or set JIRA_BASE_URL, or name a site
    hint: jira login --help
    "#);
    insta::assert_snapshot!(world.run(&["whoami", "--base-url", "https://jira.example.com/ctx/"]).await, @r#"
    exit 3
    --- stderr
    {"error":{"kind":"auth","code":"not_logged_in","message":"not logged in at https://jira.example.com/ctx: log in, or set JIRA_TOKEN, or JIRA_USERNAME and JIRA_PASSWORD","hint":"jira login --base-url https://jira.example.com/ctx","exit_code":3,"retryable":false,"actor":"user"}}
    "#);
}

#[tokio::test]
async fn the_output_format_comes_from_the_environment_where_no_flag_says_it() {
    let world = World::new().await;
    let list = || world.command(&["site", "list"]);
    let listed = list().env("JIRA_OUTPUT", "text").run().await.ok();
    assert_eq!(listed.stdout, "", "a list of nothing has no rows");
    let refused = list().env("JIRA_OUTPUT", "yaml").run().await.failed(2, "bad_value");
    assert!(refused.stderr.contains("JIRA_OUTPUT"), "{refused}");
    let passed_over = list().env("OUTPUT", "dist/app.js").run().await.ok();
    assert_eq!(passed_over.json(), json!([]));
    assert_eq!(passed_over.warnings(), ["output_passed_over"]);
    world.run(&["site", "list", "--output", "yaml"]).await.failed(2, "bad_value");
}

#[tokio::test]
async fn versions_and_help_are_text() {
    let world = World::new().await;
    let version = concat!(env!("CARGO_PKG_VERSION"), "\n");
    for args in [&["-V"][..], &["--version"], &["-v"]] {
        assert_eq!(world.run(args).await.ok().stdout, version, "{args:?}");
    }
    let long = world.run(&["version"]).await.ok();
    assert!(long.stdout.starts_with("jira ") && long.stdout.contains("platform: "), "{long}");
    let object = world.run(&["version", "--output", "json"]).await.ok().json();
    assert_eq!(object["version"], env!("CARGO_PKG_VERSION"));
    for args in [&["--help"][..], &["help"], &[]] {
        let help = world.run(args).await.ok();
        assert!(help.stdout.contains("Exit codes:") && help.stderr.is_empty(), "{args:?}: {help}");
    }
    assert!(world.run(&["token", "print", "--help"]).await.ok().stdout.contains("--confirm"));
    assert!(
        world.run(&["-v", "site", "list"]).await.ok().json().is_array(),
        "-v with a command is not the version"
    );
}

#[tokio::test]
async fn a_mistyped_command_is_told_what_was_probably_meant() {
    let world = World::new().await;
    insta::assert_snapshot!(world.run(&["lgoin"]).await, @r#"
    exit 2
    --- stderr
    {"error":{"kind":"usage","code":"bad_flag","message":"unrecognized subcommand 'lgoin'","hint":"jira login","exit_code":2,"retryable":false,"actor":"caller"}}
    "#);
    for (typed, meant) in [("serch", "jira search"), ("serach", "jira search"), ("gett", "jira get")] {
        assert_eq!(world.run(&[typed]).await.failed(2, "bad_flag").error()["hint"], meant);
    }
    let nothing_like_it = world.run(&["frobnicate"]).await.failed(2, "bad_flag");
    assert_eq!(nothing_like_it.error()["hint"], "jira --help");
    let flag = world.run(&["whoami", "--sit", "x"]).await.failed(2, "bad_flag");
    assert!(flag.error()["message"].as_str().unwrap().contains("--sit"), "{flag}");
}

#[tokio::test]
async fn a_word_that_is_named_like_a_command_is_not_taken_for_it() {
    let world = World::new().await;
    // The value of a flag.
    let missing = world.run(&["--site", "get", "whoami"]).await.failed(2, "no_base_url");
    assert!(missing.error()["message"].as_str().unwrap().contains("named get"), "{missing}");
    world.logged_in().await;
    assert_eq!(world.run(&["whoami", "--site", "sandbox"]).await.ok().json()["user"]["name"], "developer");
    // Behind the command.
    let status = world.run(&["token", "status", "get"]).await.failed(2, "bad_flag");
    assert!(status.error()["message"].as_str().unwrap().contains("'get'"), "{status}");
    // What help is asked for.
    for args in [&["--help", "get"][..], &["-h", "get"]] {
        assert!(world.run(args).await.ok().stdout.contains("whoami"), "{args:?}: every command is listed");
    }
    for args in [&["help", "get"][..], &["get", "--help"]] {
        assert!(world.run(args).await.ok().stdout.contains("Usage: jira get "), "{args:?}");
    }
}

#[tokio::test]
async fn a_group_without_its_subcommand_is_a_usage_error() {
    let world = World::new().await;
    for group in ["token", "site", "config", "sandbox"] {
        world.run(&[group]).await.failed(2, "bad_flag");
    }
}

#[tokio::test]
async fn a_mistake_is_told_in_our_words_alone() {
    let world = World::new().await;
    for args in [
        &["search", "--limit", "many"][..],
        &["token", "status", "--chekc"],
        &["sandbox", "serve", "--issues", "3"],
        &["completion", "tcsh"],
    ] {
        let ran = world.run(args).await;
        assert_eq!(ran.code, 2, "{ran}");
        let error = ran.error();
        let message = error["message"].as_str().unwrap();
        assert!(!message.contains("For more information"), "{args:?}: {message}");
    }
}

#[tokio::test]
async fn the_pages_of_the_manual_are_listed_in_the_form_that_was_asked_for() {
    let world = World::new().await;
    let dir = world.path("man");
    let dir = dir.to_str().unwrap();
    let listed = world.run(&["man", "--dir", dir, "--output", "json"]).await.ok().json();
    let text = world.run(&["man", "--dir", dir]).await.ok().stdout.clone();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(listed, json!(lines));
    assert!(lines.iter().any(|line| line.ends_with("jira-token-status.1")), "{text}");
}

#[tokio::test]
async fn surplus_arguments_are_refused() {
    let world = World::new().await;
    for args in
        [&["whoami", "me"][..], &["version", "1"], &["token", "status", "now"], &["site", "list", "all"]]
    {
        world.run(args).await.failed(2, "bad_flag");
    }
}

#[tokio::test]
async fn control_characters_are_refused_before_anything_runs() {
    let world = World::new().await;
    world.logged_in().await;
    for hostile in ["\u{1b}[2J", "a\u{7}", "\u{8}", "\u{7f}", "\u{9b}31m", "\u{85}"] {
        let refused = world.run(&["whoami", "--site", hostile]).await.failed(2, "control_character");
        assert!(is_clean(&refused.stderr), "{refused}");
        for variable in ["JIRA_SITE", "JIRA_BASE_URL", "JIRA_TOKEN", "INPUT_REF", "JIRA_PASSWORD"] {
            let refused = world.command(&["whoami"]).env(variable, format!("x{hostile}")).run().await;
            assert!(is_clean(&refused.stderr), "{refused}");
            assert!(refused.failed(2, "control_character").stderr.contains(variable));
        }
    }
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn secrets_are_no_arguments_and_are_not_repeated() {
    let world = World::new().await;
    for (flag, way) in [
        ("--token", "JIRA_TOKEN"),
        ("--password", "JIRA_PASSWORD"),
        ("--broker-token", "JIRA_BROKER_TOKEN"),
        ("--refresh-token", "JIRA_OAUTH_REFRESH_TOKEN"),
        ("--master-password", "JIRA_MASTER_PASSWORD"),
    ] {
        for args in [
            vec!["whoami".to_owned(), flag.to_owned(), "canary".to_owned()],
            vec!["whoami".to_owned(), format!("{flag}=canary")],
        ] {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let refused = world.run(&args).await.failed(2, "secret_as_argument").hides(&["canary"]);
            assert!(refused.error()["message"].as_str().unwrap().contains(way), "{refused}");
        }
    }
    world.run(&["login", "--pat=canary"]).await.failed(2, "secret_as_argument").hides(&["canary"]);
}

#[tokio::test]
async fn colour_is_for_terminals_whose_reader_did_not_decline_it() {
    let world = World::new().await;
    world.logged_in().await;
    let list = || world.command(&["site", "list", "--output", "text"]);
    let coloured = |ran: crate::support::Ran| ran.ok().stdout.contains('\u{1b}');
    assert!(coloured(list().screen().run().await));
    assert!(!coloured(list().run().await));
    assert!(!coloured(list().screen().env("NO_COLOR", "1").run().await));
    assert!(coloured(list().screen().env("NO_COLOR", "").run().await), "an empty variable is an unset one");
    assert!(!coloured(list().screen().env("TERM", "dumb").run().await));
    let declined = world.command(&["site", "list", "--output", "text", "--no-color"]).screen();
    assert!(!coloured(declined.run().await));
}

#[tokio::test]
async fn quiet_keeps_warnings_and_errors() {
    let world = World::new().await;
    world.logged_in().await;
    let ran = world.command(&["whoami", "--site", "sandbox", "-q"]).env("JIRA_TOKEN", "canary").run().await;
    assert_eq!(ran.clone().ok().hides(&["canary"]).warnings(), ["credential_passed_over"]);
    world.run(&["whoami", "--quiet", "--site", "nowhere"]).await.failed(2, "no_base_url");
}

#[tokio::test]
async fn warnings_are_text_where_a_person_reads_them() {
    let world = World::new().await;
    world.logged_in().await;
    let command = |args: &[&str]| world.command(args).env("JIRA_TOKEN", "canary").env("JIRA_SITE", "sandbox");
    let shown = command(&["token", "status"]).person().run().await.ok();
    let warning = "\u{1b}[1;33mwarning:\u{1b}[0m a site was named, so its session is used: env JIRA_TOKEN is passed over\n";
    assert_eq!(shown.stderr, warning);
    let json = command(&["token", "status"]).run().await.ok();
    assert!(json.stderr.starts_with("{\"warning\":{\"code\":\"credential_passed_over\""), "{json}");
    let text = command(&["token", "status", "--output=text"]).run().await.ok();
    assert!(text.stderr.starts_with("warning: "), "{text}");
}

#[tokio::test]
async fn durations_have_a_unit() {
    let world = World::new().await;
    for good in ["500ms", "30s", "5m", "1m30s", "2h"] {
        world.run(&["site", "list", "--timeout", good]).await.ok();
        world.command(&["site", "list"]).env("INPUT_TIMEOUT", good).run().await.ok();
    }
    for bad in ["5", "0", "0s", "-5s", "soon", "1.5h", ""] {
        let arg = format!("--timeout={bad}");
        world.run(&["site", "list", &arg]).await.failed(2, "bad_value");
        world.run(&["site", "list", &format!("--max-wait={bad}")]).await.failed(2, "bad_value");
    }
    let wrong = world.run(&["site", "list", "--timeout", "5"]).await;
    assert!(wrong.error()["message"].as_str().unwrap().contains("30s"), "{wrong}");
}

#[tokio::test]
async fn a_command_ends_with_its_time() {
    let world = World::new().await;
    world.logged_in().await;
    world.jira.faults().add(Fault::on("/rest/api/2/myself", Action::Hang).always());
    insta::assert_snapshot!(world.run(&["whoami", "--timeout", "5s"]).await, @r#"
    exit 7
    --- stderr
    {"error":{"kind":"unavailable","code":"timeout","message":"127.0.0.1 did not answer in time","exit_code":7,"retryable":true,"actor":"nobody"}}
    "#);
}

#[tokio::test]
async fn a_signal_ends_a_command_with_its_own_code() {
    let world = World::new().await;
    world.logged_in().await;
    for (signal, code) in [(Signal::Interrupt, 130), (Signal::Terminate, 143), (Signal::HangUp, 129)] {
        let gate = world.jira.faults().hold("/rest/api/2/myself");
        let (live, ran) = world.command(&["whoami"]).start();
        let (ran, ()) = tokio::join!(ran, async {
            gate.arrived(1).await;
            live.signal(signal);
        });
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (code, "", ""));
        gate.release();
    }
}

#[tokio::test]
async fn a_secret_may_come_from_a_file_but_not_from_both() {
    let world = World::new().await;
    let file = world.path("token");
    std::fs::write(&file, world.jira.mint_pat("developer") + "\n").unwrap();
    let whoami = || world.command(&["whoami", "--base-url", world.jira.base_url()]);
    let ran = whoami().env("JIRA_TOKEN_FILE", &file).run().await.ok();
    assert_eq!(
        (&ran.json()["auth_mode"], &ran.json()["user"]["name"]),
        (&json!("bearer"), &json!("developer"))
    );
    let both = whoami().env("JIRA_TOKEN_FILE", &file).env("JIRA_TOKEN", "canary");
    both.run().await.failed(2, "bad_value").hides(&["canary"]);
    let absent = whoami().env("JIRA_TOKEN_FILE", "/nonexistent/canary");
    absent.run().await.failed(2, "bad_value").hides(&["canary"]);
    world.logged_in().await;
    std::fs::write(&file, PASSWORD).unwrap();
    let stored = world.command(&["whoami"]).without("JIRA_MASTER_PASSWORD");
    stored.env("JIRA_MASTER_PASSWORD_FILE", &file).run().await.ok();
}

#[tokio::test]
async fn booleans_are_words_of_two_lists() {
    let world = World::new().await;
    for word in ["1", "true", "yes", "on", "0", "false", "no", "off", ""] {
        world.command(&["site", "list"]).env("JIRA_INSECURE", word).run().await.ok();
    }
    for word in ["2", "ja", "tru"] {
        world.command(&["site", "list"]).env("JIRA_NO_INPUT", word).run().await.failed(2, "bad_value");
    }
}

#[tokio::test]
async fn what_jira_says_of_names_cannot_drive_a_terminal() {
    let world = World::new().await;
    world.logged_in().await;
    let user = json!({ "name": "developer", "displayName": HOSTILE, HOSTILE: HOSTILE }).to_string();
    let says = || Action::respond(200, "application/json", user.clone());
    let whoami = |args: &[&str]| world.command(&[&["whoami"], args].concat());
    for command in
        [whoami(&[]), whoami(&["--output=text"]), whoami(&["--output=text", "--no-color"]).screen()]
    {
        world.jira.faults().add(Fault::on("/rest/api/2/myself", says()));
        let ran = command.run().await.ok();
        assert!(is_clean(&ran.stdout) && is_clean(&ran.stderr), "{:?}", ran.stdout);
        assert!(ran.stdout.contains("$(id)"));
    }
    world.jira.faults().add(Fault::on("/rest/api/2/myself", says()));
    let ran = whoami(&[]).run().await;
    assert!(ran.stdout.contains(r"\u001b]52;c;aGk=\u0007 \u009b31m \u202eabc"), "{ran}");
    assert_eq!(ran.json()["user"]["displayName"], HOSTILE, "a reader gets the same text back");
}

#[tokio::test]
async fn what_jira_says_of_errors_cannot_drive_a_terminal_or_a_shell() {
    let world = World::new().await;
    let body = json!({ "errorMessages": [HOSTILE], "errors": { HOSTILE: HOSTILE } }).to_string();
    for status in [400, 403, 404, 409, 500] {
        for args in [&["whoami"][..], &["whoami", "--output=text"]] {
            let answer = Action::Respond {
                status: http::StatusCode::from_u16(status).unwrap(),
                headers: vec![("x-ausername".into(), "developer".into())],
                body: body.clone().into(),
            };
            world.jira.faults().add(Fault::on("/rest/api/2/myself", answer));
            let ran = world.with_token(args).run().await;
            assert!(ran.code != 0 && is_clean(&ran.stderr), "{:?}", ran.stderr);
            let hints = ran.stderr.lines().filter(|line| line.starts_with("hint:"));
            assert!(hints.count() == 0 || !ran.stderr.contains("hint: jira get"), "{ran}");
            if args.len() == 1 {
                assert!(!ran.error()["hint"].to_string().contains("id"), "{ran}");
                assert_eq!(ran.error()["details"]["errorMessages"][0], HOSTILE, "{ran}");
            }
        }
    }
}

#[tokio::test]
async fn no_hint_repeats_what_was_made_for_a_shell() {
    let world = World::new().await;
    for hostile in
        ["https://jira.example.com/$(id)", "https://$(id).example.com", "https://jira.example.com/'`id`"]
    {
        for command in [
            world.command(&["whoami", "--base-url", hostile]),
            world.command(&["login", "--base-url", hostile]),
            world.command(&["whoami"]).env("JIRA_BASE_URL", hostile),
            world.command(&["whoami", "--broker-url", hostile, "--base-url", "https://jira.example.com"]),
        ] {
            let ran = command.run().await.failed(2, "bad_value");
            assert!(!ran.stderr.contains("id)") && !ran.stderr.contains("`id`"), "{ran}");
        }
    }
    for name in ["$(id)", "a b", "-x", "../x", "a;id"] {
        let ran = world.command(&["whoami"]).env("JIRA_SITE", name).run().await.failed(2, "bad_value");
        assert!(!ran.error()["hint"].to_string().contains(name), "{ran}");
    }
}

#[tokio::test]
async fn a_hint_is_not_the_command_that_failed() {
    let world = World::new().await;
    world.logged_in().await;
    world.jira.revoke_all();
    world.jira.expire_access_tokens();
    let ran = world.run(&["whoami"]).await.failed(3, "session_ended");
    assert_eq!(ran.error()["hint"], "jira login --site sandbox");
}

#[tokio::test]
async fn a_closed_stdout_ends_quietly_and_a_full_one_does_not() {
    let world = World::new().await;
    world.logged_in().await;
    let closed = world.command(&["whoami"]).stdout(Sink::Closed).run().await;
    assert_eq!((closed.code, closed.stderr.as_str()), (0, ""));
    let full = world.command(&["whoami"]).stdout(Sink::Full).run().await;
    insta::assert_snapshot!(full, @r#"
    exit 1
    --- stderr
    {"error":{"kind":"error","code":"output_unwritable","message":"the result could not be written: no storage space","exit_code":1,"retryable":false,"actor":"caller"}}
    "#);
}

/// A step that cannot be shown is no mistake of the tour's.
#[tokio::test]
async fn the_tour_on_a_full_disk_says_that_it_is_full() {
    let world = World::new().await;
    world.command(&["sandbox", "demo"]).stdout(Sink::Full).run().await.failed(1, "output_unwritable");
}

#[tokio::test]
async fn an_access_token_is_printed_to_a_person_alone() {
    let world = World::new().await;
    let tokens = world.logged_in().await;
    let print = || world.command(&["token", "print", "--confirm"]);
    let shown = print().person().run().await.ok();
    assert_eq!(shown.stdout, format!("{}\n", tokens.access_token));
    world.command(&["token", "print"]).person().run().await.failed(2, "confirm_missing");
    for alone in [
        print(),
        print().person().env("CI", "true"),
        print().person().env("CLAUDECODE", "1"),
        print().person().env("JIRA_NO_INPUT", "1"),
        world.command(&["token", "print", "--confirm", "--no-input"]).person(),
    ] {
        let ran = alone.run().await.failed(3, "needs_person");
        assert_eq!(ran.stdout, "", "not one byte");
    }
    world.remember(|site| site.allow_token_print = true).await;
    assert_eq!(print().run().await.ok().stdout, format!("{}\n", tokens.access_token));
}

#[tokio::test]
async fn the_log_of_a_command_holds_no_secret() {
    let world = World::new().await;
    let tokens = world.logged_in().await;
    world.jira.expire_access_tokens();
    // In a process of its own: there is one log in each, the first.
    let ran = world.command(&["-vv", "whoami"]).run_program().await.ok();
    let renewed = world.stored().await;
    let renewed = [&renewed.access_token, renewed.refresh_token.as_ref().unwrap()]
        .map(|token| token.expose().to_owned());
    let ran = ran.hides(&[tokens.access_token, tokens.refresh_token, PASSWORD.to_owned()]).hides(&renewed);
    assert!(ran.stderr.contains("GET /rest/api/2/myself → 200"), "{ran}");
}
