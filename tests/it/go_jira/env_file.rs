//! C, the env file: only one that is named is read.

use std::fs;

use serde_json::{Value, json};

use crate::support::World;

/// Item 64.
/// Item 65, changed: it says what is wrong.
#[tokio::test]
async fn an_env_file_that_is_none_is_refused_with_its_absolute_path() {
    let world = World::new().await;
    let missing = world.path("work/missing.env").display().to_string();
    let work = world.path("work").display().to_string();
    for (path, why) in [(&missing, "env file not found"), (&work, "is a directory")] {
        let named = world.command(&["config", "show"]).env("JIRA_ENV_FILE", path.as_str());
        for command in [world.command(&["config", "show", "--env-file", path]), named] {
            let ran = command.run().await.failed(2, "bad_value");
            let message = ran.error()["message"].as_str().unwrap().to_owned();
            assert!(message.contains(why) && message.contains(path.as_str()), "{message}");
        }
    }
    // In a process of its own, since the working directory is the process's.
    let mut program = world.command(&["whoami", "--env-file", "missing.env"]).program();
    let ended = program.current_dir(world.path("work")).output().await.unwrap();
    let stderr = String::from_utf8(ended.stderr).unwrap();
    let absolute = fs::canonicalize(&work).unwrap().join("missing.env").display().to_string();
    assert_eq!(ended.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("env file not found") && stderr.contains(&absolute), "{stderr}");
}

/// Item 66, changed: a cloned repository could name another Jira for the token in its `.env`.
#[tokio::test]
async fn the_env_file_of_the_working_directory_is_neither_missed_nor_read() {
    let world = World::new().await;
    let show = async || {
        let mut program = world.command(&["config", "show"]).program();
        let ended = program.current_dir(world.path("work")).output().await.unwrap();
        assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
        serde_json::from_slice::<Value>(&ended.stdout).unwrap()
    };
    let without = show().await;
    let text = "JIRA_BASE_URL=https://evil.example.com\nJIRA_TOKEN=canary\nINPUT_REF=GAIA-1\n";
    fs::write(world.path("work/.env"), text).unwrap();
    assert_eq!(show().await, without);
    assert_eq!(without["base_url"]["value"], json!(null));
}

/// Item 67.
/// Item 69, changed: `config show` names the file and what came from it; a command has nothing to say of it.
#[tokio::test]
async fn an_env_file_feeds_inputs_and_variables_that_are_set_win_over_it() {
    let world = World::new().await;
    let file = world.path("job.env").display().to_string();
    let text = format!(
        "INPUT_BASE_URL={}\nINPUT_TOKEN={}\nINPUT_REF=GAIA-3\nINPUT_COMMENT=file\nINPUT_ASSIGNEE=lead\n",
        world.jira.base_url(),
        world.jira.mint_pat("developer"),
    );
    fs::write(&file, text).unwrap();
    let run = world.command(&["run", "--env-file", &file]).env("INPUT_COMMENT", "set").run().await.ok();
    assert_eq!(run.stderr, "");
    assert_eq!(run.json()["issues"][0]["key"], "GAIA-3");
    assert_eq!(run.json()["issues"][0]["assignee"]["name"], "lead");
    let log = world.jira.log();
    let comment = log.iter().find(|sent| sent.method == "POST" && sent.path.ends_with("/comment")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&comment.body).unwrap()["body"], "set");
    let shown = world.command(&["config", "show", "--env-file", &file]);
    let shown = shown.env("INPUT_BASE_URL", "https://set.example.com").run().await.ok().json();
    assert_eq!(shown["env_file"], json!({ "value": file, "source": "flag --env-file" }));
    assert_eq!(shown["token"], json!({ "value": "(set)", "source": "env-file INPUT_TOKEN" }));
    let base_url = json!({ "value": "https://set.example.com", "source": "env INPUT_BASE_URL" });
    assert_eq!(shown["base_url"], base_url);
}

/// Item 68.
#[tokio::test]
async fn an_empty_env_file_flag_reads_none() {
    let world = World::new().await;
    let file = world.path("job.env");
    fs::write(&file, "JIRA_BASE_URL=https://file.example.com\n").unwrap();
    let shown = async |args: &[&str]| {
        let command = world.command(&[&["config", "show"], args].concat());
        command.env("JIRA_ENV_FILE", &file).run().await.ok().json()
    };
    assert_eq!(shown(&[]).await["base_url"]["value"], "https://file.example.com");
    for args in [&["--env-file", ""][..], &["--env-file="]] {
        let shown = shown(args).await;
        assert_eq!((&shown["base_url"]["value"], &shown["env_file"]["value"]), (&json!(null), &json!(null)));
    }
}
