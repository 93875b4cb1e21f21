//! Files that are made to take all time or all memory: with what they hold, the work may grow in step only. Done
//! in step with its square, these tests do not end, or end the process.

use super::findings;

#[test]
fn a_long_pipe_or_line_takes_no_longer_than_as_many_short_ones() {
    let pipe = "go-jira run|".repeat(20_000);
    assert_eq!(findings("ci.sh", &pipe).len(), 20_000);
    let pairs = format!("run: go-jira whoami\nenv: {{{}DEBUG:x}}", "AA:,".repeat(200_000));
    let found: Vec<_> = findings("ci.yml", &pairs).iter().map(|one| one.column).collect();
    assert_eq!(found, ["env: {".len() + 4 * 200_000 + 1]);
    let open = format!("run: go-jira whoami\nenv: {{{}", "DEBUG:${{x,".repeat(20_000));
    assert_eq!(findings("ci.yml", &open).len(), 20_000);
    let pasted = format!("sh \"go-jira run --lenient --ref {}\"", "$a".repeat(50_000));
    assert_eq!(findings("Jenkinsfile", &pasted).len(), 50_000);
    let added = format!("sh \"go-jira get --key \"{}", " + a + \"\"".repeat(20_000));
    assert_eq!(findings("Jenkinsfile", &added).len(), 20_000);
}

#[test]
fn a_redirection_behind_parentheses_is_no_alias() {
    for source in ["( echo ) > \"/tmp/a b=1\"", "(cd x; ls) <<< \"a=1 b=2\""] {
        assert_eq!(findings("ci.sh", &format!("# go-jira\n{source}\n")).len(), 0, "{source}");
    }
}

#[test]
fn a_line_of_groovy_is_looked_through_once() {
    let compared = format!("// go-jira\n{}", "returnStatus: true) == 1 ".repeat(40_000));
    assert_eq!(findings("Jenkinsfile", &compared).len(), 0);
    let blank = format!("// go-jira\nfoo(\n{}", format!("{}\n", " ".repeat(1_000)).repeat(1_000));
    assert_eq!(findings("Jenkinsfile", &blank).len(), 0);
}

proptest::proptest! {
    #[test]
    fn no_redirection_is_too_odd(source in "(go-jira run|echo| |\\(|\\)|<<<|>|\"|=|a b=1|\n){0,30}") {
        findings("ci.sh", &format!("# go-jira\n{source}"));
    }
}

#[test]
fn many_flags_are_not_compared_with_each_other_or_with_all_variables() {
    let fields = format!("go-jira update{}", " --epic A-1".repeat(20_000));
    assert_eq!(findings("ci.sh", &fields).len(), 20_000);
    let both = format!("{}go-jira get{}", "AA=1\n".repeat(5_000), " --listen x".repeat(20_000));
    assert_eq!(findings("ci.sh", &both).len(), 0);
    let beaten = format!("{}go-jira broker serve {}", "A=1 ".repeat(40_000), "--listen=x ".repeat(40_000));
    assert_eq!(findings("ci.sh", &beaten).len(), 1);
    let brokers = format!("go-jira get {}", "--broker-url=x ".repeat(40_000));
    assert_eq!(findings("ci.sh", &brokers).len(), 0);
}

#[test]
fn commands_in_commands_are_put_together_once() {
    let n = 20_000;
    for (source, count) in [
        (format!("go-jira run{}", " $(a)".repeat(n)), 1),
        (format!("go-jira run{}", " `a`b".repeat(n)), 1),
        (format!("go-jira run {}{}", "$(go-jira run ".repeat(n), ")".repeat(n)), n + 1),
        (format!("go-jira run {}", "<(a $(".repeat(n)), 1),
        (format!("go-jira run {}", "$(go-jira get) |".repeat(n)), 1),
    ] {
        assert_eq!(findings("ci.sh", &source).len(), count, "{}", &source[..40]);
    }
}

#[test]
fn what_is_nested_is_not_followed_down_to_the_end_of_the_stack() {
    let texts = format!("{} go-jira run", "\"$(".repeat(20_000));
    assert_eq!(findings("ci.sh", &texts).len(), 0);
    let redirects = format!("go-jira run {}", ">1".repeat(20_000));
    assert_eq!(findings("ci.sh", &redirects).len(), 1);
    let backslashes = format!("{}\n{}go-jira run", "\\".repeat(20_001), "\\\n".repeat(20_000));
    assert_eq!(findings("ci.sh", &backslashes).len(), 1, "a path of Windows");
}

#[test]
fn what_is_remembered_from_line_to_line_is_not_gone_through_with_each() {
    let n = 20_000;
    let counts = [
        ("ci.sh", format!("go-jira get --key A-1 2>e; cat {}| grep x e", "e ".repeat(n)), 1),
        ("ci.sh", "x=$(go-jira run --lenient 2>&1 ".repeat(n), n - 1),
        ("ci.sh", format!("# go-jira\n{}", "if x; then case $? in 1) ".repeat(n)), 0),
        ("ci.sh", format!("{}go-jira run", "sudo -u a ".repeat(n)), 1),
        ("ci.sh", format!("docker run {}go-jira run", "-e A=b ".repeat(n)), 1),
        ("ci.sh", format!("go-jira get --key A-1; rc=$?; [ {}]", "$rc = 2 ".repeat(n)), 0),
        ("ci.yml", format!("# go-jira\nargs:\n{}", "- args:\n".repeat(n)), 0),
        ("ci.yml", format!("# go-jira\nargs:\n{}", "- args:\t#x\n".repeat(n)), 0),
        ("ci.yml", format!("# go-jira\nargs:\n{}", "- \"args: #x\"\n".repeat(n)), 0),
        ("ci.yml", format!("{}go-jira run", "run: ".repeat(n)), 1),
        ("ci.yml", "- 'go-jira run\n".repeat(5_000), 5_000 / 2),
        ("ci.yml", format!("- go-jira run\n{}", "  x\n".repeat(n)), 2),
        ("Dockerfile", format!("FROM go-jira\n{}", "CMD [\"run\"]\n".repeat(n)), 1),
        ("Makefile", format!("# go-jira\n\t{}", "$(A".repeat(n)), 0),
        ("Jenkinsfile", format!("sh \"go-jira run --lenient {}", "${".repeat(n)), 0),
        ("Jenkinsfile", format!("sh \"go-jira run\"{}", " + \" a\\n\"".repeat(n)), 2),
        ("Jenkinsfile", format!("// go-jira\n{}", "x = sh( \n".repeat(n)), 0),
        ("Jenkinsfile", "sh 'go-jira run';".repeat(n), n),
    ];
    for (name, source, count) in counts {
        let start: String = source.chars().take(40).collect();
        assert_eq!(findings(name, &source).len(), count, "{name}: {start}");
    }
}
