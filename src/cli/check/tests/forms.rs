//! What teams really write: whole files of each kind, with everything that is found in them.

use super::{codes, found, invoked};

#[test]
fn an_image_runs_lists_and_texts() {
    let source = r###"FROM alpine
RUN ["go-jira", "get", "--timeout", "5"]
RUN apk add go-jira && go-jira --version
ADD https://example.com/go-jira.tar.gz ./go-jira.tar.gz
RUN <<SETUP
go-jira search --limit 0
SETUP
ENTRYPOINT ["go-jira","run","--ref","x"]
CMD ["sh", "-c", "exec go-jira run --ref \"$REF\" --token \"$T\""]
"###;
    let expected = [
        "2:24 timeout --timeout ***",
        "6:1 limit go-jira search",
        "8:13 run_exit go-jira run",
        "9:24 run_exit go-jira run",
        "9:51 secret_flag --token ***",
    ];
    assert_eq!(found("ci/Dockerfile", source), expected);
}

#[test]
fn a_cron_job_of_kubernetes() {
    let source = r###"apiVersion: batch/v1
kind: CronJob
spec:
  containers:
    - name: a
      image: alpine
      command: ["/bin/sh", "-c"]
      args:
        - |
          go-jira run --ref x
    - name: b
      image: alpine
      command: ["go-jira"]
      args: [run, --ref, "A-1 x", --token, $(T)]
    - name: c
      image: alpine
      command:
        - /bin/sh
        - -c
        - go-jira run --ref x --limit 0
    - name: d
      image: alpine
      command: [sh, -c, "go-jira token print"]
    - name: e
      image: alpine
      args: ["-c", "go-jira get --timeout 5"]
      command: [
        "bash",
        "-ec",
        "go-jira run --ref x",
      ]
"###;
    let expected = [
        "10:11 run_exit go-jira run",
        "14:14 run_exit go-jira run",
        "14:35 secret_flag --token ***",
        "20:11 run_exit go-jira run",
        "20:11 limit go-jira run",
        "23:26 token_print go-jira token print",
        "26:33 timeout --timeout ***",
        "30:10 run_exit go-jira run",
    ];
    assert_eq!(found("cronjob.yaml", source), expected);
}

#[test]
fn a_composition_of_containers() {
    let source = r###"services:
  a:
    image: alpine
    environment: {TOKEN: x, JIRA_BASE_URL: "https://j"}
    command: go-jira run --ref x
  b:
    image: ghcr.io/appleboy/go-jira:0.14
    environment: { USERNAME: "ann", "PASSWORD": "${P}" }
    command: run --ref x --token y
  c:
    image: alpine
    command: sh -c "go-jira search --limit 0"
"###;
    let expected = [
        "4:19 bare_variable TOKEN=***",
        "5:14 run_exit go-jira run",
        "8:20 bare_variable USERNAME=***",
        "8:38 bare_variable PASSWORD=***",
        "9:14 run_exit go-jira run",
        "9:26 secret_flag --token ***",
        "12:21 limit go-jira search",
    ];
    assert_eq!(found("docker-compose.yml", source), expected);
}

#[test]
fn a_jenkinsfile_hands_variables_on_and_keeps_exit_codes() {
    let source = r###"pipeline {
  environment { TOKEN = credentials('x') }
  stages { stage('a') { steps { script {
    withCredentials([string(credentialsId: 'x', variable: "TOKEN"), usernamePassword(credentialsId: 'y', usernameVariable: 'USERNAME', passwordVariable: 'PASSWORD')]) {
      sh 'go-jira get --key AB-1'
    }
    withEnv(["BASE_URL=https://j", 'JIRA_OUTPUT=json']) { sh 'go-jira whoami' }
    withEnv([
      "DEBUG=1",
    ]) { sh 'go-jira whoami' }
    env.TOKEN = "x"
    if (env.TOKEN == "x") { }
    def rc = sh(script: 'go-jira get --key AB-1', returnStatus: true)
    if (rc == 1) { error 'x' }
    if (sh(script: 'go-jira get --key AB-1', returnStatus: true) == 1) { }
    def n = sh(
      script: 'go-jira get --key AB-2',
      returnStatus: true
    )
    if (n != 1) { }
    if (count == 1) { }
    sh "go-jira get --key " + env.BRANCH_NAME
    sh 'go-jira get --key "' + params.KEY + '"'
    sh('go-jira get --key AB-' + env.BUILD_NUMBER)
  } } } }
}
"###;
    let expected = [
        "2:17 bare_variable TOKEN=***",
        "4:60 bare_variable TOKEN=***",
        "4:125 bare_variable USERNAME=***",
        "4:155 bare_variable PASSWORD=***",
        "7:15 bare_variable BASE_URL=***",
        "9:8 bare_variable DEBUG=***",
        "11:9 bare_variable TOKEN=***",
        "14:9 exit_one the exit code and 1",
        "15:46 exit_one the exit code and 1",
        "20:9 exit_one the exit code and 1",
        "22:31 injection + env.BRANCH_NAME",
        "23:32 injection + params.KEY",
    ];
    assert_eq!(found("Jenkinsfile", source), expected);
}

#[test]
fn somebody_elses_text_comes_by_a_pipe_and_by_a_variable() {
    let source = r###"on: push
jobs:
  j:
    steps:
      - env: {TOKEN: '${{ secrets.T }}', INPUT_REF: '${{ github.event.head_commit.message }}'}
        run: go-jira run --lenient
      - run: echo "${{ github.event.pull_request.title }}" | go-jira run --lenient --ref -
      - run: |
          MSG="${{ github.event.head_commit.message }}"
          OTHER="${{ github.head_ref }}"
          go-jira run --lenient --ref "$MSG"
          export INPUT_COMMENT='by ${{ github.event.workflow_run.head_branch }}'
          echo "REF=${{ github.head_ref }}" >> "$GITHUB_ENV"
          go-jira run --lenient --ref - <<< "${{ github.head_ref }}"
      - run: |
          go-jira run --help
          go-jira --help
          # go-jira run
          echo "see https://example.com/go-jira run"
          sudo apt install go-jira
          tar xf ./go-jira.tar.gz
          my-go-jira run --ref x
"###;
    let expected = [
        "5:15 bare_variable TOKEN=***",
        "7:19 injection ${{ github.event.pull_request.title }}",
        "9:16 injection ${{ github.event.head_commit.message }}",
        "12:36 injection ${{ github.event.workflow_run.head_branch }}",
        "13:21 injection ${{ github.head_ref }}",
        "14:11 injection ${{ github.head_ref }}",
    ];
    assert_eq!(found(".github/workflows/ci.yml", source), expected);
}

#[test]
fn a_script_keeps_an_exit_code_and_calls_other_shells() {
    let source = r###"#!/bin/sh
go-jira get --key AB-1; rc=$?; [ "$rc" = 1 ] && exit
go-jira get --key AB-1
rc2=$?
if [ $rc2 -eq 1 ]; then :; fi
go-jira get --key AB-1 || code=$?
case "$code" in
  0) ;;
  1) echo no ;;
esac
go-jira get --key AB-1
case $? in 1|2) ;; esac
go-jira get --key AB-1
if [ $? -eq 1 ]; then :; fi
(( rc == 1 )) && :
test 1 -eq "$rc"
[[ $rc == 10 ]]
[ "$n" = 1 ]
case $x in 1) ;; esac
bash <<'EOT'
go-jira search --limit 0
EOT
ssh deploy@host <<EOT
go-jira search --limit 0
EOT
cat <<EOT | bash
go-jira search --limit 0
EOT
cat > notes.txt <<EOT
go-jira search --limit 0
EOT
sh -c 'go-jira search --limit 0'
ssh host go-jira search --limit 0
ssh -i key deploy@host 'cd /x && go-jira search --limit 0'
0 5 * * * ci go-jira search --limit 0
*/5 * * * * /usr/bin/go-jira search --limit 0
"###;
    let expected = [
        "2:35 exit_one the exit code and 1",
        "5:6 exit_one the exit code and 1",
        "9:3 exit_one the exit code and 1",
        "12:9 exit_one the exit code and 1",
        "14:6 exit_one the exit code and 1",
        "15:4 exit_one the exit code and 1",
        "16:6 exit_one the exit code and 1",
        "21:1 limit go-jira search",
        "24:1 limit go-jira search",
        "27:1 limit go-jira search",
        "32:8 limit go-jira search",
        "33:10 limit go-jira search",
        "34:34 limit go-jira search",
        "35:14 limit go-jira search",
        "36:13 limit go-jira search",
    ];
    assert_eq!(found("ci.sh", source), expected);
}

#[test]
fn the_scripts_of_a_package() {
    let source = r###"{
  "name": "go-jira",
  "description": "go-jira run for all",
  "scripts": {
    "jira": "TOKEN=$T go-jira run --ref \"$REF\"",
    "x": "npm run y && go-jira search --limit 0"
  },
  "keywords": ["go-jira", "run"]
}
"###;
    let expected = ["5:14 bare_variable TOKEN=***", "5:23 run_exit go-jira run", "6:24 limit go-jira search"];
    assert_eq!(found("package.json", source), expected);
}

#[test]
fn a_pipeline_of_azure() {
    let source = r###"steps:
  - script: go-jira run --lenient --ref "$(Build.SourceVersionMessage)"
    env: { TOKEN: $(T) }
  - bash: |
      go-jira run --ref "$BUILD_SOURCEVERSIONMESSAGE"
  - bash: go-jira search --limit 0
  - task: Bash@3
    inputs:
      targetType: inline
      script: go-jira search --limit 0
  - pwsh: go-jira search --limit 0
"###;
    let expected = [
        "2:41 injection $(Build.SourceVersionMessage)",
        "3:12 bare_variable TOKEN=***",
        "5:7 run_exit go-jira run",
        "6:11 limit go-jira search",
        "10:15 limit go-jira search",
        "11:11 limit go-jira search",
    ];
    assert_eq!(found("azure-pipelines.yml", source), expected);
}

#[test]
fn a_pipeline_of_gitlab_in_parts() {
    let source = r###".jira:
  before_script:
    - apk add go-jira
  variables: {TOKEN: $T, PASSWORD: "a,b"}
deploy:
  extends: .jira
  script:
    - !reference [.jira, script]
    - go-jira run --ref "$CI_COMMIT_MESSAGE"
    - if go-jira search --limit 0; then echo ok; fi
    - |
      go-jira search --limit 0
  after_script: [go-jira search --limit 0, "go-jira search --limit 0 || true"]
"###;
    let expected = [
        "4:15 bare_variable TOKEN=***",
        "4:26 bare_variable PASSWORD=***",
        "9:7 run_exit go-jira run",
        "10:10 limit go-jira search",
        "12:7 limit go-jira search",
        "13:18 limit go-jira search",
        "13:45 limit go-jira search",
    ];
    assert_eq!(found(".gitlab-ci.yml", source), expected);
}

#[test]
fn a_pipeline_of_woodpecker() {
    let source = r###"steps:
  jira:
    image: alpine
    environment:
      TOKEN:
        from_secret: t
    commands:
      - go-jira run --ref "$CI_COMMIT_MESSAGE"
    entrypoint: ["/bin/sh", "-c", "go-jira search --limit 0"]
"###;
    let expected = ["5:7 bare_variable TOKEN=***", "8:9 run_exit go-jira run", "9:36 limit go-jira search"];
    assert_eq!(found(".woodpecker.yml", source), expected);
}

#[test]
fn a_makefile() {
    let source = r###"jira: ## go-jira run
	TOKEN=$(T) go-jira run --ref "$$(git log -1)"
	-@go-jira search --limit 0; rc=$$?; [ $$rc -eq 1 ]
"###;
    let expected = [
        "2:2 bare_variable TOKEN=***",
        "2:13 run_exit go-jira run",
        "3:2 limit go-jira search",
        "3:41 exit_one the exit code and 1",
    ];
    assert_eq!(found("Makefile", source), expected);
}

#[test]
fn a_definition_of_a_task() {
    let source = r###"{"command": ["sh", "-c", "go-jira search --limit 0"],
 "environment": [{"name": "TOKEN", "value": "x"}, { "name": "BASE_URL", "value": "y" }]}
"###;
    let expected =
        ["1:27 limit go-jira search", "2:28 bare_variable TOKEN=***", "2:62 bare_variable BASE_URL=***"];
    assert_eq!(found("task.json", source), expected);
}

#[test]
fn commands_in_lists_and_behind_schedules_are_run() {
    for source in [
        "CMD [\"sh\", \"-c\", \"go-jira whoami\"]",
        "command: [go-jira, whoami]",
        "command: [\n  \"go-jira\",\n  \"whoami\"\n]",
        "command:\n  - go-jira\n  - whoami",
        "args: [\"-c\", \"cd x && go-jira whoami\"]",
        "script: [go-jira whoami]",
        "bash -s <<EOF\ngo-jira whoami\nEOF",
        "cat <<EOF | ssh host\ngo-jira whoami\nEOF",
        "ssh -p 22 ci@host go-jira whoami",
        "*/5 6-18 * * 1-5 go-jira whoami",
        "0 6 * * * ci /usr/bin/go-jira whoami",
        "@daily go-jira whoami",
    ] {
        let found = invoked(source);
        assert!(found.len() == 1 && found[0].ends_with(" go-jira whoami"), "{source}: {found:?}");
    }
}

#[test]
fn help_is_the_same_there_and_here() {
    for source in [
        "go-jira run --help",
        "go-jira run -h",
        "go-jira --version",
        "go-jira version",
        "my-go-jira run --ref x",
        "tar xzf ./go-jira.tar.gz run",
        "apt-get install -y go-jira run",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
}

#[test]
fn another_programs_exit_code_is_no_concern() {
    for source in [
        "grep x file; rc=$?; [ $rc = 1 ]",
        "go-jira get --key AB-1\ngrep x file\n\nrc=$?\n[ $rc = 1 ]",
        "go-jira get --key AB-1; rc=$?; [ $rc = 10 ]",
        "go-jira get --key AB-1; rc=$?; case $rc in 10|2) ;; esac",
        "go-jira get --key AB-1\ncase $mode in 1) ;; esac",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
}
