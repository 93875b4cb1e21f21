//! What teams really write: whole files of each kind, with everything that is found in them.

use super::{codes, found, invoked};

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
        "3:4 limit go-jira search",
        "3:40 exit_one the exit code and 1",
    ];
    assert_eq!(found("Makefile", source), expected);
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
