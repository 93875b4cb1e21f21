//! Completion in the shells themselves, and the manual as its readers see it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use crate::support::jira::{Age, Home};
use crate::support::served::Served;
use crate::support::{Real, runs};

/// A home where `jira` is on the path and has seen a few issues.
async fn home() -> (Served, Home) {
    let sandbox = Served::usual();
    let home = Home::new();
    home.log_in(&sandbox, Age::Fresh).await;
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(env!("CARGO_BIN_EXE_jira"), bin.join("jira")).unwrap();
    for line in
        [&["search", "key in (GAIA-1, GAIA-2) ORDER BY key"][..], &["get", "GAIA-1", "--expand=transitions"]]
    {
        let done = home.run(line).await;
        assert_eq!(done.code, Some(0), "{done:?}");
    }
    let path = format!("{}:/usr/bin:/bin", bin.display());
    (sandbox, home.env("PATH", path).env("TERM", "dumb"))
}

/// Runs a shell in it, and says what it printed.
fn shell(home: &Home, words: &[&str]) -> String {
    // The environment of a command there, for another program.
    let own = home.std_command(&[]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_clear().current_dir(home.path());
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn bash(home: &Home, typed: &str) -> Vec<String> {
    // As readline calls it: words cut at spaces and at =, the last one being completed.
    let script = r#"
        source <(jira completion bash)
        line=$1
        COMP_WORDS=() COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
        line=${line//=/ = }
        while [[ $line =~ ^[[:space:]]*(\"[^\"]*|[^[:space:]]+)(.*)$ ]]; do
            COMP_WORDS+=("${BASH_REMATCH[1]}"); line=${BASH_REMATCH[2]}
        done
        [[ $1 == *[[:space:]] && $1 != *\"* ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _jira_complete jira "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    shell(home, &["bash", "--norc", "--noprofile", "-c", script, "bash", typed])
        .lines()
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn bash_completes() {
    if !runs(Real::Shells) {
        return;
    }
    let (_sandbox, home) = home().await;
    assert_eq!(bash(&home, "jira get GA"), ["GAIA-1", "GAIA-2"]);
    assert_eq!(bash(&home, "jira tok"), ["token"]);
    assert_eq!(bash(&home, "jira token "), ["status", "refresh", "print"]);
    assert_eq!(bash(&home, "jira whoami --output js"), ["json", "jsonl"]);
    assert_eq!(bash(&home, "jira whoami --output=js"), ["json", "jsonl"]);
    let names = bash(&home, "jira run --to-transition ");
    assert!(names.iter().any(|name| name.contains("\\ ")), "a name with a space is quoted: {names:?}");
    let quoted = bash(&home, "jira run --to-transition \"");
    assert!(quoted.iter().any(|name| name.contains(' ') && !name.contains('\\')), "{quoted:?}");
}

/// Whoever names a transition writes into the shells of others: whatever quote is open, a name is one word.
#[tokio::test]
async fn a_name_is_one_word_in_bash_whatever_it_says() {
    if !runs(Real::Shells) {
        return;
    }
    let home = Home::new();
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let hostile = "a' & echo INJECTED & echo 'b";
    let stub = format!("#!/bin/sh\nprintf '%s\\n' \"{hostile}\"\n");
    fs::write(bin.join("jira"), stub).unwrap();
    fs::set_permissions(bin.join("jira"), fs::Permissions::from_mode(0o755)).unwrap();
    let home = home.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    let script = r#"
        source <("$1" completion bash)
        for quote in "" "'" '"'; do
            COMP_WORDS=(jira run --to-transition "${quote}a") COMP_CWORD=3 COMP_WORDBREAKS=' ='
            _jira_complete
            eval "set -- $quote${COMPREPLY[0]}$quote"
            printf '%s: %s\n' "$#" "$1"
        done
    "#;
    let said =
        shell(&home, &["bash", "--norc", "--noprofile", "-c", script, "bash", env!("CARGO_BIN_EXE_jira")]);
    assert_eq!(said, format!("1: {hostile}\n").repeat(3));
}

#[tokio::test]
async fn fish_completes() {
    if !runs(Real::Shells) {
        return;
    }
    let (_sandbox, home) = home().await;
    let fish = |typed: &str| -> Vec<String> {
        let script = format!("jira completion fish | source; complete -C'{typed}'");
        let text = shell(&home, &["fish", "--no-config", "-c", &script]);
        text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    };
    assert_eq!(fish("jira get GA"), ["GAIA-1", "GAIA-2"]);
    assert_eq!(fish("jira tok"), ["token"]);
    assert_eq!(fish("jira whoami --output=js"), ["--output=json", "--output=jsonl"]);
    let names = fish("jira run --to-transition ");
    assert!(names.iter().any(|name| name.contains(' ')), "{names:?}");
}

#[tokio::test]
async fn zsh_completes() {
    if !runs(Real::Shells) {
        return;
    }
    let (_sandbox, home) = home().await;
    // A terminal of zsh's own; -m waits for what must come.
    let script = r#"
        zmodload zsh/zpty
        zpty -b z zsh -f -i
        zpty -w z 'PS1=; autoload -U compinit; compinit -u -D; source <(jira completion zsh); print rea''dy'
        zpty -r -m z out '*ready*'
        zpty -w -n z $'print -- jira tok\C-a\C-f\C-f'
        zpty -w z $'\C-e\C-u'
        zpty -w -n z $'jira get GAIA-\t\t'
        zpty -r -m z out '*GAIA-1*GAIA-2*'
        zpty -w z $'\C-u'
        zpty -w -n z $'jira whoami --output=te\t'
        zpty -r -m z out '*--output=text*'
        print done
    "#;
    assert!(shell(&home, &["timeout", "60", "zsh", "-f", "-c", script]).contains("done"));
}

#[tokio::test]
async fn the_manual_is_sound() {
    if !runs(Real::Manual) {
        return;
    }
    let home = Home::new();
    let pages = home.path().join("man");
    let done = home.run(&["man", "--dir", pages.to_str().unwrap()]).await;
    assert_eq!(done.code, Some(0), "{done:?}");
    let mut names: Vec<String> = fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    for name in ["jira.1", "jira-search.1", "jira-token-status.1"] {
        assert!(names.iter().any(|one| one == name), "{names:?}");
    }
    for name in &names {
        let path = pages.join(name);
        let lint = Command::new("mandoc").args(["-T", "lint", "-W", "error"]).arg(&path).output().unwrap();
        let said = String::from_utf8_lossy(&lint.stdout).into_owned();
        assert!(lint.status.success(), "{name}: {said}");
        let text = Command::new("mandoc").args(["-T", "ascii"]).arg(&path).output().unwrap();
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        // Bold is struck twice.
        let text: String = text.split("\u{8}").collect::<Vec<_>>().join("");
        assert!(text.len() > 300, "{name}: {text}");
    }
    let one = home.run(&["man", "search"]).await;
    assert!(one.stdout.contains("\\-\\-jql") && one.stdout.contains(".SH \"EXIT STATUS\""), "{}", one.stdout);
    assert_eq!(home.run(&["man", "serch"]).await.code, Some(2));
}
