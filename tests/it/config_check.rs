//! `config check`: what it answers, and with which exit code; the rules themselves are tested beside them.

use std::fs;

use serde_json::json;

use crate::support::World;

const WORKFLOW: &str = "\
jobs:
  jira:
    env:
      TOKEN: ${{ secrets.JIRA }}
    steps:
      - run: go-jira run --ref \"${{ github.event.head_commit.message }}\" --token hunter2
";

async fn with_file(name: &str, bytes: impl AsRef<[u8]>) -> (World, String) {
    let world = World::new().await;
    let path = world.path(name);
    fs::write(&path, bytes).unwrap();
    (world, path.display().to_string())
}

#[tokio::test]
async fn findings_are_the_result_and_the_exit_code() {
    let (world, path) = with_file("ci.yml", WORKFLOW).await;
    let ran = world.run(&["config", "check", &path]).await.failed(1, "findings").hides(&["hunter2"]);
    insta::assert_snapshot!(ran, @r#"
    exit 1
    --- stdout
    {
      "files": 1,
      "findings": [
        {
          "file": "HOME/ci.yml",
          "line": 4,
          "column": 7,
          "code": "bare_variable",
          "found": "TOKEN=***",
          "why": "a variable of this name is read by go-jira and not here: many programs set such names, the system too",
          "instead": "the same name with JIRA_ or INPUT_ before it (INPUT_DEBUG for DEBUG)"
        },
        {
          "file": "HOME/ci.yml",
          "line": 6,
          "column": 14,
          "code": "run_exit",
          "found": "go-jira run",
          "why": "go-jira exits 0 when an issue or a transition is missing; here that is exit 5 or 6, with a report on stdout",
          "instead": "--lenient forgives what is missing"
        },
        {
          "file": "HOME/ci.yml",
          "line": 6,
          "column": 32,
          "code": "injection",
          "found": "${{ github.event.head_commit.message }}",
          "why": "whoever writes a commit message, a branch name or a title writes a part of this command: it is pasted in before the shell reads it. So it is with go-jira too",
          "instead": "the expression under env:, as INPUT_REF instead of --ref, INPUT_SUMMARY instead of --summary and so on"
        },
        {
          "file": "HOME/ci.yml",
          "line": 6,
          "column": 74,
          "code": "secret_flag",
          "found": "--token ***",
          "why": "a secret as an argument can be read by every process of the machine: refused with exit 2",
          "instead": "JIRA_TOKEN, JIRA_PASSWORD or JIRA_BROKER_TOKEN in the environment, or the variable with _FILE behind it"
        }
      ]
    }
    --- stderr
    {"error":{"kind":"error","code":"findings","message":"places that differ from go-jira: 4; --exit-zero exits 0 in spite of them","hint":"jira config check --help","exit_code":1,"retryable":false,"actor":"caller"}}
    "#);
    let forgiven = world.run(&["config", "check", "--exit-zero", &path]).await.ok();
    assert_eq!((forgiven.stdout, forgiven.stderr.as_str()), (ran.stdout, ""));
    assert_eq!(world.requests(), [""; 0]);
}

#[tokio::test]
async fn a_person_reads_lines_with_their_places() {
    let world = World::new().await;
    let check =
        world.command(&["config", "check", "-", "--output", "text"]).stdin("go-jira get --timeout 5\n");
    insta::assert_snapshot!(check.run().await, @"
    exit 1
    --- stdout
    <stdin>:1:13: --timeout ***: here a duration is whole numbers with ms, s, m, h or d, and more than nothing; anything else is exit 2 [timeout]
      instead: 30s, 5m, 1m30s; without --timeout the command's own
    --- stderr
    error: places that differ from go-jira: 1; --exit-zero exits 0 in spite of them
    hint: jira config check --help
    ");
}

#[tokio::test]
async fn nothing_found_is_exit_0() {
    let (world, path) = with_file("ci.sh", "jira run --ref x --lenient\n# go-jira was here\n").await;
    let ran = world.run(&["config", "check", &path, &path]).await.ok();
    assert_eq!((ran.json(), ran.stderr.as_str()), (json!({ "files": 2, "findings": [] }), ""));
}

#[tokio::test]
async fn what_cannot_be_read_is_said_behind_what_is_found_in_the_others() {
    let (world, path) = with_file("ci.yml", WORKFLOW).await;
    let home = world.home.path().display().to_string();
    for (name, bytes) in [("zero", &b"go-jira\0run"[..]), ("huge", &vec![b'#'; 5 << 20])] {
        fs::write(world.path(name), bytes).unwrap();
    }
    let all = [("nowhere", "No such file"), ("work", "directory"), ("zero", "no text"), ("huge", "4 MiB")];
    for (name, why) in all {
        let bad = format!("{home}/{name}");
        let ran = world.run(&["config", "check", &bad]).await.failed(2, "bad_value");
        assert!(ran.stdout.is_empty() && ran.stderr.contains(why) && ran.stderr.contains(name), "{ran}");
        let ran = world.run(&["config", "check", "--exit-zero", &bad, &path]).await.failed(2, "bad_value");
        let found = ran.json();
        assert_eq!((&found["files"], found["findings"].as_array().unwrap().len()), (&json!(1), 4), "{ran}");
    }
    let bad = all.map(|(name, _)| format!("{home}/{name}"));
    let ran = world.run(&["config", "check", &bad[0], &bad[1], &path]).await.failed(2, "bad_value");
    assert!(all[..2].iter().all(|(name, _)| ran.stderr.contains(name)), "all are named: {ran}");
    world.run(&["config", "check"]).await.failed(2, "bad_flag");
}

#[tokio::test]
async fn a_text_need_not_be_utf_8() {
    let world = World::new().await;
    let script = "# caf\u{e9}\ngo-jira token print\n";
    let mark = "\u{feff}";
    let texts = [
        script.chars().map(|c| c as u8).collect(),
        format!("{mark}{script}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
        format!("{mark}{script}").encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>(),
    ];
    for bytes in texts {
        fs::write(world.path("move.ps1"), bytes).unwrap();
        let path = world.path("move.ps1").display().to_string();
        let ran = world.run(&["config", "check", &path]).await.failed(1, "findings");
        let found = &ran.json()["findings"];
        assert_eq!((&found[0]["line"], &found[0]["column"]), (&json!(2), &json!(1)), "{ran}");
        assert_eq!(found[0]["code"], "token_print", "{ran}");
    }
}

#[tokio::test]
async fn the_environment_of_the_job_is_no_matter() {
    let (world, path) = with_file("ci.sh", "go-jira whoami\n").await;
    let check = world.command(&["config", "check", &path]);
    check.env("JIRA_BASE_URL", "https://x.atlassian.net").env("JIRA_SITE", "nowhere").run().await.ok();
}
