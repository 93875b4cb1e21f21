//! The rules over the kinds of files that they are meant for: each found where it stands, and nothing found
//! where go-jira is merely spoken of.

mod containers;
mod exits;
mod forms;
mod hostile;
mod jenkins;
mod pipelines;
mod scope;
mod words;
mod wrappers;

use super::rules::RULES;
use super::{findings, script::Script};

/// `line:column code found`
fn found(name: &str, source: &str) -> Vec<String> {
    let show = |one: &super::Finding| format!("{}:{} {} {}", one.line, one.column, one.code, one.found);
    findings(name, source).iter().map(show).collect()
}

/// The codes alone, of one shell script.
fn codes(source: &str) -> Vec<&'static str> {
    findings("ci.sh", &format!("# for go-jira\n{source}\n")).iter().map(|one| one.code).collect()
}

fn invoked(source: &str) -> Vec<String> {
    let script = Script::read("ci.sh", source);
    script.invocations.iter().map(|one| format!("{}:{} {}", one.line, one.column, one.title())).collect()
}

#[test]
fn every_rule_is_found_where_it_is_meant_and_not_beside_it() {
    for (code, hits, misses) in [
        ("dotenv", "cp ci.env .env", "jira --env-file .env get"),
        ("bare_variable", "export TOKEN=abc", "export JIRA_TOKEN=abc"),
        ("output_variable", "export OUTPUT=text", "OUTPUT=text"),
        ("boolean_word", "export INPUT_MARKDOWN=yes", "export INPUT_MARKDOWN=true"),
        ("boolean_word", "JIRA_INSECURE=yes go-jira whoami", "JIRA_INSECURE=true go-jira whoami"),
        ("boolean_word", "JIRA_INSECURE=yes /opt/go-jira whoami", "JIRA_INSECURE=true /opt/go-jira whoami"),
        ("secret_flag", "go-jira get --token=x --key A-1", "go-jira get --key A-1"),
        (
            "precedence",
            "export JIRA_OAUTH_CLIENT_ID=x\ngo-jira whoami --client-id y",
            "go-jira whoami --client-id y",
        ),
        ("callback", "go-jira login", "go-jira login --callback-https --callback-port 8085"),
        ("token_print", "go-jira token print --confirm", "go-jira token status"),
        ("run_exit", "go-jira run --ref x", "go-jira run --ref x --lenient"),
        ("exit_ignored", "go-jira run --ref x || true", "go-jira run --ref x --lenient || exit 1"),
        ("exit_one", "go-jira get --key A-1; [ $? -eq 1 ]", "go-jira get --key A-1; [ $? -eq 0 ]"),
        ("group_alone", "go-jira token", "go-jira token --help"),
        ("surplus_argument", "go-jira get --key A-1 A-2", "go-jira get --key A-1"),
        ("version_flag", "go-jira get -v --key A-1", "go-jira -v"),
        ("debug_dump", "go-jira run --debug --lenient", "go-jira get --debug"),
        ("stderr_text", "go-jira whoami 2>&1 | grep mode", "go-jira whoami 2>/dev/null"),
        ("retry_after", "jq -r .error.retry_after", "jq -r .error.kind"),
        ("timeout", "go-jira get --timeout 5", "go-jira get --timeout 1m30s"),
        ("username_flag", "go-jira whoami --username ann", "JIRA_USERNAME=ann go-jira whoami"),
        ("login_flag", "go-jira whoami --scope READ", "go-jira login --scope READ --redirect-uri x"),
        ("callback_port", "JIRA_OAUTH_CALLBACK_PORT=http", "JIRA_OAUTH_CALLBACK_PORT=8765"),
        (
            "callback_port",
            "JIRA_OAUTH_CALLBACK_PORT=http go-jira whoami",
            "JIRA_OAUTH_CALLBACK_PORT=8765 go-jira whoami",
        ),
        (
            "scope",
            "go-jira login --redirect-uri x --scope write",
            "go-jira login --redirect-uri x --scope WRITE",
        ),
        (
            "half_certificate",
            "go-jira login --redirect-uri x --callback-cert c",
            "go-jira login --redirect-uri x --callback-cert c --callback-key k",
        ),
        ("two_stdin", "go-jira run --lenient --ref - --comment -", "go-jira run --lenient --ref -"),
        ("limit", "go-jira search --limit 0", "go-jira search --limit 10"),
        ("empty_jql", "go-jira search --jql ''", "go-jira search --jql \"$JQL\""),
        ("empty_value", "go-jira run --lenient --assignee ''", "go-jira run --lenient --assignee \"$WHO\""),
        ("filter_word", "go-jira sprints --state open", "go-jira sprints --state active,future"),
        ("filter_word", "go-jira boards --type simple", "go-jira boards --type \"$TYPE\""),
        (
            "broker_http",
            "export JIRA_TOKEN_BROKER_URL=http://b:1",
            "JIRA_TOKEN_BROKER_URL=http://127.0.0.1:1",
        ),
        (
            "broker_http",
            "go-jira whoami --broker-url http://b",
            "go-jira whoami --insecure --broker-url http://b",
        ),
        (
            "surplus_argument",
            "go-jira run --lenient --ref $MSG",
            "go-jira run --lenient --ref ${{ github.sha }}",
        ),
        ("field_ids", "go-jira update --epic A-1", "go-jira update --epic A-1 --epic-field x"),
        (
            "rotation_lost",
            "JIRA_OAUTH_REFRESH_TOKEN=$T",
            "JIRA_OAUTH_REFRESH_TOKEN=$T\nJIRA_OAUTH_REFRESH_TOKEN_OUTPUT=f",
        ),
        ("listen", "go-jira broker serve", "go-jira broker serve --listen 127.0.0.1:8080"),
        ("cloud_url", "JIRA_BASE_URL=https://acme.atlassian.net", "JIRA_BASE_URL=https://jira.example.com"),
        ("action", "- uses: appleboy/jira-action@v1", "- uses: actions/checkout@v4"),
        (
            "injection",
            "go-jira run --lenient --ref '${{ github.event.head_commit.message }}'",
            "go-jira run --lenient --ref '${{ github.sha }}'",
        ),
    ] {
        assert!(RULES.iter().any(|rule| rule.code == code), "{code}");
        assert_eq!(codes(hits), [code], "{hits}");
        assert_eq!(codes(misses), [""; 0], "{misses}");
    }
}

#[test]
fn every_rule_is_tried_and_documented() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/go-jira.md")).unwrap();
    let here = include_str!("tests.rs");
    for rule in RULES {
        assert!(here.contains(&format!("\"{}\"", rule.code)), "no test of {}", rule.code);
        assert!(page.contains(&format!("`{}`", rule.code)), "docs/go-jira.md lacks {}", rule.code);
    }
}

#[test]
fn a_workflow_of_github() {
    let source = "\
on: push
env:
  BASE_URL: https://jira.example.com
jobs:
  jira:
    steps:
      - name: go-jira run on push
        env:
          TOKEN: ${{ secrets.JIRA }}
          INPUT_REF: ${{ github.event.head_commit.message }}
        run: |
          curl -sSL https://example.com/go-jira -o /usr/local/bin/go-jira
          chmod +x /usr/local/bin/go-jira
          /usr/local/bin/go-jira run --ref \"${{ github.event.head_commit.message }}\" \\
            --token \"$TOKEN\" \\
            --to-transition Done
      - run: >-
          go-jira get
          --key GAIA-1
          --timeout 5
";
    assert_eq!(
        found(".github/workflows/jira.yml", source),
        [
            "3:3 bare_variable BASE_URL=***",
            "9:11 bare_variable TOKEN=***",
            "14:11 run_exit go-jira run",
            "14:44 injection ${{ github.event.head_commit.message }}",
            "15:13 secret_flag --token ***",
            "20:11 timeout --timeout ***",
        ]
    );
}

#[test]
fn a_pipeline_of_gitlab_and_a_jenkinsfile() {
    let gitlab = "\
deploy:
  image: {name: ghcr.io/appleboy/go-jira, entrypoint: ['']}
  variables:
    USERNAME: \"bot\"
  script:
    - STATUS=$(go-jira get --key \"$KEY\" --output text) || true
    - 'go-jira run --ref \"$CI_COMMIT_MESSAGE\" --to-transition Done || true'
";
    assert_eq!(
        found(".gitlab-ci.yml", gitlab),
        ["4:5 bare_variable USERNAME=***", "7:8 exit_ignored go-jira run"]
    );
    let jenkins = "\
pipeline {
  environment { JIRA_TOKEN = credentials('jira') }
  stages { stage('x') { steps {
    sh 'go-jira token print --confirm > token'
    sh(script: \"go-jira run --ref ${env.GIT_BRANCH}\", returnStatus: true)
    echo \"go-jira run failed\"
    sh '''
      sudo -E go-jira search --jql x --limit 0
    '''
  } } }
}
";
    assert_eq!(
        found("Jenkinsfile", jenkins),
        [
            "4:9 token_print go-jira token print",
            "5:17 run_exit go-jira run",
            "5:35 injection ${env.GIT_BRANCH}",
            "8:15 limit go-jira search"
        ]
    );
}

#[test]
fn what_groovy_pastes_into_a_command_is_found() {
    let jenkins = "\
node {
  def msg = sh(script: 'git log -1', returnStdout: true)
  sh \"go-jira run --lenient --ref ${msg}\"
  sh \"\"\"
    go-jira run --lenient --ref '$msg' \\
      --comment \"built ${env.BUILD_NUMBER}\"
  \"\"\"
  sh 'go-jira run --lenient --ref \"${msg}\"'
  sh \"go-jira run --lenient --ref \\${msg}\"
  sh \"echo ${msg}; go-jira get --key ${env.GIT_COMMIT}\"
}
";
    let expected = ["3:35 injection ${msg}", "5:34 injection ${msg}"];
    assert_eq!(found("ci/Jenkinsfile.deploy", jenkins), expected);
    assert_eq!(found("vars/deploy.groovy", jenkins), expected);
    assert_eq!(found("<stdin>", jenkins), expected, "by what it says");
    assert_eq!(
        found("ci.sh", "go-jira run --lenient --ref \"${msg}\""),
        [""; 0],
        "a shell's own variable is quoted"
    );
}

#[test]
fn text_that_is_searched_for_in_stderr_is_found_with_every_command() {
    for source in [
        "go-jira get --key A-1 2>&1 | grep -q 'not found'",
        "go-jira search --jql x 2>&1 \\\n  | grep error",
        "go-jira create --project A --summary x |& /usr/bin/grep 401",
    ] {
        assert_eq!(codes(source), ["stderr_text"], "{source}");
    }
    for source in ["go-jira get --key A-1 2>&1 | tee log", "go-jira get --key A-1 | grep A-1"] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
}

#[test]
fn every_pair_of_a_line_is_a_variable() {
    let docker = "FROM go-jira\nENV JIRA_OUTPUT=json TOKEN=x \\\n    PASSWORD=\"a b\"\n";
    assert_eq!(
        found("Dockerfile", docker),
        ["2:22 bare_variable TOKEN=***", "3:5 bare_variable PASSWORD=***"]
    );
    assert_eq!(
        found("ci.sh", "export JIRA_OUTPUT=json TOKEN=x # for go-jira, BASE_URL=none\n"),
        ["1:25 bare_variable TOKEN=***"]
    );
}

#[test]
fn a_dockerfile_a_makefile_and_a_broker() {
    let docker = "\
FROM ghcr.io/appleboy/go-jira:0.14
ENV PASSWORD hunter2
COPY go-jira /usr/bin/go-jira
ENTRYPOINT [\"go-jira\", \"broker\", \"serve\", \"--listen\", \":8080\"]
";
    assert_eq!(
        found("Dockerfile", docker),
        ["2:5 bare_variable PASSWORD=***", "4:13 listen go-jira broker serve"]
    );
    let make = "go-jira: main.go\n\tgo build -o go-jira\nmove: go-jira\n\t@go-jira run --ref $(REF)\n";
    assert_eq!(found("Makefile", make), ["4:3 run_exit go-jira run"]);
    let kubernetes = "\
containers:
  - image: ghcr.io/appleboy/go-jira:0.14
    args:
      - broker
      - serve
      - --listen=0.0.0.0:8080
    env:
      - name: BASE_URL
        value: https://jira.example.com
  - image: golang
    args:
      - run
";
    assert_eq!(
        found("broker.yaml", kubernetes),
        ["4:9 listen go-jira broker serve", "8:15 bare_variable BASE_URL=***"]
    );
}

#[test]
fn a_file_of_variables() {
    let source = "# go-jira\nJIRA_TOKEN=hunter2\nUSERNAME=ann\nDEBUG=1\n";
    let expected = ["2:1 dotenv the file", "3:1 bare_variable USERNAME=***", "4:1 bare_variable DEBUG=***"];
    assert_eq!(found(".env", source), expected);
    assert_eq!(found("settings.txt", "TOKEN=hunter2\n"), [""; 0], "not about go-jira");
}

#[test]
fn commands_are_recognised_wherever_they_are_run() {
    for source in [
        "go-jira whoami",
        "./bin/go-jira whoami",
        "A=1 B=\"x y\" go-jira whoami",
        "sudo -E -u ci go-jira whoami",
        "exec env X=1 timeout 5 go-jira whoami",
        "if ! go-jira whoami; then",
        "x=$(go-jira whoami)",
        "x=`go-jira whoami`",
        "echo \"me: $(go-jira whoami | jq .)\"",
        "true && go-jira whoami",
        "git log | go-jira whoami",
        "docker run --rm -e JIRA_TOKEN ghcr.io/appleboy/go-jira:0.14 whoami",
        "docker exec go-jira go-jira whoami",
        "kubectl exec deploy/go-jira -- go-jira whoami",
        "npx -y go-jira whoami",
        "bash -c 'go-jira whoami'",
        "ssh host \"go-jira whoami\"",
        "subprocess.run([\"go-jira\", \"whoami\"])",
        "os.system('go-jira whoami')",
        "child_process.execSync('go-jira whoami')",
        "run: \"go-jira whoami\"",
        "script: go-jira whoami",
        "  - args: go-jira whoami",
    ] {
        let found = invoked(source);
        assert!(found.len() == 1 && found[0].ends_with(" go-jira whoami"), "{source}: {found:?}");
    }
}

#[test]
fn being_spoken_of_is_not_being_run() {
    for source in [
        "# go-jira run --ref x",
        "echo go-jira run",
        "echo \"go-jira run failed\"",
        "which go-jira",
        "chmod +x go-jira",
        "curl -L https://example.com/go-jira -o go-jira",
        "go install github.com/appleboy/go-jira/cmd/go-jira@latest",
        "docker pull ghcr.io/appleboy/go-jira:0.14",
        "docker build -t go-jira .",
        "sudo mv go-jira /usr/local/bin/",
        "apk add go-jira",
        "name: go-jira run on push",
        "image: ghcr.io/appleboy/go-jira:0.14",
        "cat <<EOF\ngo-jira run --ref x\nEOF",
        "go-jira",
        "go-jira nonsense",
    ] {
        assert_eq!(invoked(source), [""; 0], "{source}");
    }
}

#[test]
fn the_callbacks_of_there_and_here_are_worked_out() {
    let instead = |source: &str| findings("ci.sh", source).pop().map(|one| one.instead);
    assert_eq!(
        instead("go-jira login").as_deref(),
        Some("register https://127.0.0.1:8085/callback instead of http://127.0.0.1:8765/callback")
    );
    assert_eq!(
        instead("go-jira login --callback-https").as_deref(),
        Some("--redirect-uri https://127.0.0.1:8765/callback, or register https://127.0.0.1:8085/callback")
    );
    assert_eq!(instead("export JIRA_OAUTH_CALLBACK_HTTPS=true\ngo-jira login --callback-port 9000"), None);
    assert!(instead("go-jira login --callback-port 8765").is_some());
    assert_eq!(instead("go-jira login --callback-port \"$PORT\""), None, "not known here");
}

#[test]
fn no_value_is_repeated() {
    let secret = "hunter2";
    let source = format!(
        "export TOKEN={secret} JIRA_TOKEN={secret}\nPASSWORD={secret} go-jira get --token {secret} --password={secret} \
         --timeout {secret} --key A-1 {secret}\ngo-jira login --scope {secret} --callback-port {secret} {secret}\n\
         go-jira {secret}\ngo-jira --broker-token \"{secret}\" -v={secret} broker\n\
         JIRA_INSECURE={secret}\ngo-jira broker serve --listen {secret}\n"
    );
    let all = serde_json::to_string(&findings(".env", &source)).unwrap();
    assert!(!all.contains(secret), "{all}");
    assert!(findings(".env", &source).len() > 8);
}

proptest::proptest! {
    #[test]
    fn no_file_is_too_odd(source in "(go-jira|run|login|[ \\n\"'`$(){}<>|&;:#\\\\=-]|--token|args:|image:|<<E){0,60}") {
        findings("ci.yml", &source);
    }
}
