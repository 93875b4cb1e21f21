//! Where the words of a command line begin and end: around commands in them, in other languages' texts, in PowerShell.

use super::{codes, found, invoked};

#[test]
fn a_command_line_goes_on_behind_a_command_in_it() {
    for source in [
        "docker run --rm -v $(pwd):/w ghcr.io/appleboy/go-jira whoami",
        "docker run --rm -v `pwd`:/w ghcr.io/appleboy/go-jira whoami",
        "docker run -u $(id -u):$(id -g) ghcr.io/appleboy/go-jira whoami",
        "docker run --env-file <(env | grep JIRA) ghcr.io/appleboy/go-jira whoami",
        "timeout $(cat limit) go-jira whoami",
        "$(go env GOPATH)/bin/go-jira whoami",
        "$(cat dir)$(cat sub)/go-jira whoami",
        "JIRA_URL=$(cat url) go-jira whoami",
    ] {
        let found = invoked(source);
        assert!(found.len() == 1 && found[0].ends_with(" go-jira whoami"), "{source}: {found:?}");
    }
    for source in [
        "go-jira run --ref $(cat key) --lenient",
        "go-jira run --ref `cat key` --lenient",
        "go-jira run --ref A$(cat a)-$(cat b)c --lenient",
        "go-jira run --ref $(git log $(cat from)..) --lenient",
        "go-jira run --ref=$(cat key) --lenient 2>$(mktemp)",
        "go-jira run --ref x `# forgive` --lenient $(cat more)",
        "go-jira search --jql=$(cat query)",
        "echo $(date) go-jira run",
        "go-jira get --key $(go-jira search --jql x)",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    for (source, code) in [
        ("go-jira update --key $(git branch --show-current) --token $T", "secret_flag"),
        ("TOKEN=$(cat t) go-jira whoami", "bare_variable"),
        ("export AB=$(cat a) TOKEN=x; go-jira whoami", "bare_variable"),
        ("go-jira run --ref $(cat key) || true", "exit_ignored"),
        ("go-jira get --key $(cat key) 2>&1 | grep found", "stderr_text"),
        ("go-jira get --key $(cat key); [ $? -eq 1 ]", "exit_one"),
        ("go-jira get --key $(cat key) --output text; [ $? -eq 1 ]", "exit_one"),
        ("go-jira get --key $(go-jira search --limit 0)", "limit"),
    ] {
        assert_eq!(codes(source), [code], "{source}");
    }
    let compose = "image: go-jira\ncommand: run --ref $(cat key) --lenient\n";
    assert_eq!(found("compose.yml", compose), [""; 0]);
    let azure = "- bash: go-jira run --lenient --ref $(Build.SourceVersionMessage)\n";
    assert_eq!(found("azure-pipelines.yml", azure), ["1:37 injection $(Build.SourceVersionMessage)"]);
}

#[test]
fn a_text_that_a_function_is_given_ends_with_its_quotes() {
    let python = r#"subprocess.run("go-jira search --jql x --timeout 30s", shell=True)
subprocess.run("go-jira sprints --board-id 1 --state active", shell=True)
subprocess.run("go-jira search --limit 0", shell=True)
subprocess.run(
    "go-jira search --jql x --timeout 30s",
    shell=True,
)
"#;
    assert_eq!(found("ci.py", python), ["3:17 limit go-jira search"]);
    let script = "execSync('go-jira get --key A-1 --timeout 30s', { stdio: 'inherit' });\n";
    assert_eq!(found("ci.js", script), [""; 0]);
    assert_eq!(invoked("print('go-jira', run)"), [""; 0]);
}

#[test]
fn powershell_keeps_a_result_and_tries() {
    for source in [
        "$out = go-jira whoami",
        "[string]$out = go-jira whoami 2>$null",
        "$out = & \"$PSScriptRoot\\go-jira.exe\" whoami",
        "try { go-jira whoami } catch { }",
        "if ($x) { go-jira whoami }",
    ] {
        let found = invoked(source);
        assert!(found.len() == 1 && found[0].ends_with(" go-jira whoami"), "{source}: {found:?}");
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    let source = "$out = go-jira get --key A-1\nif ($LASTEXITCODE -eq 1) { }\n$out -match 'x'\n";
    assert_eq!(found("ci.ps1", source), ["2:5 exit_one the exit code and 1"]);
}
