//! Pipelines of further systems, and programs that call go-jira.

use super::found;

#[test]
fn an_action_of_github() {
    let source = r###"name: jira
description: go-jira run for everybody
runs:
  using: composite
  steps:
    - shell: bash
      run: go-jira run --ref "${{ github.event.head_commit.message }}" --limit 0
    - uses: docker://ghcr.io/appleboy/go-jira:0.14
      with:
        args: run --ref x
    - uses: actions/github-script@v7
      with:
        script: |
          await exec.exec('go-jira', ['run', '--ref', 'x'])
          execSync(`go-jira run --ref ${ref}`)
---
runs:
  using: docker
  image: docker://ghcr.io/appleboy/go-jira:0.14
  args:
    - run
    - --ref
    - ${{ inputs.ref }}
"###;
    let expected = [
        "7:12 run_exit go-jira run",
        "7:12 limit go-jira run",
        "7:30 injection ${{ github.event.head_commit.message }}",
        "10:15 run_exit go-jira run",
        "15:21 run_exit go-jira run",
        "21:7 run_exit go-jira run",
    ];
    assert_eq!(found("action.yml", source), expected);
}

#[test]
fn a_pipeline_of_drone() {
    let source = r###"kind: pipeline
steps:
- name: go-jira
  image: appleboy/go-jira
  environment:
    TOKEN: {from_secret: t}
  commands:
  - go-jira run --ref "$DRONE_COMMIT_MESSAGE" > out.txt 2>&1
  - test "$?" = "1" && exit 0
- name: plugin
  image: ghcr.io/appleboy/go-jira
  settings:
    base_url: x
"###;
    let expected =
        ["6:5 bare_variable TOKEN=***", "8:5 run_exit go-jira run", "9:11 exit_one the exit code and 1"];
    assert_eq!(found(".drone.yml", source), expected);
}

#[test]
fn a_pipeline_of_circleci() {
    let source = r###"jobs:
  build:
    steps:
      - run: go-jira run --ref x
      - run:
          name: go-jira run
          command: |
            if ! out=$(go-jira get --key AB-1); then
              case $? in
                1) exit 0;;
              esac
            fi
            set +e
            go-jira get --key AB-1
            ret=$?
            set -e
            if [[ "$ret" -eq "1" ]]; then exit; fi
            go-jira get --key AB-1
            if (( $? == 1 )); then :; fi
"###;
    let expected = [
        "4:14 run_exit go-jira run",
        "10:17 exit_one the exit code and 1",
        "17:20 exit_one the exit code and 1",
        "19:19 exit_one the exit code and 1",
    ];
    assert_eq!(found(".circleci/config.yml", source), expected);
}

#[test]
fn a_pipeline_of_bitbucket() {
    let source = r###"pipelines:
  default:
    - step:
        script:
          - pipe: docker://ghcr.io/appleboy/go-jira:0.14
          - export TOKEN=$X && go-jira run --ref "$BITBUCKET_BRANCH"
          - >
            go-jira run
            --ref x
          - docker run --rm -e TOKEN=$X -e BASE_URL ghcr.io/appleboy/go-jira run --ref x
          - docker run --rm --env-file .env --entrypoint sh ghcr.io/appleboy/go-jira -c "go-jira run --ref x"
"###;
    let expected = [
        "6:20 bare_variable TOKEN=***",
        "6:32 run_exit go-jira run",
        "8:13 run_exit go-jira run",
        "10:32 bare_variable TOKEN=***",
        "10:53 run_exit go-jira run",
        "11:90 run_exit go-jira run",
    ];
    assert_eq!(found("bitbucket-pipelines.yml", source), expected);
}

#[test]
fn a_script_of_powershell() {
    let source = r###"$env:TOKEN = "x"
& go-jira run --ref $msg
if ($LASTEXITCODE -eq 1) { exit 0 }
"###;
    let expected =
        ["1:6 bare_variable TOKEN=***", "2:3 run_exit go-jira run", "3:5 exit_one the exit code and 1"];
    assert_eq!(found("ci.ps1", source), expected);
}

#[test]
fn a_playbook_of_ansible() {
    let source = r###"- hosts: ci
  tasks:
    - name: Run go-jira run
      ansible.builtin.command: go-jira run --ref "{{ ref }}"
    - ansible.builtin.shell: "go-jira token print > t"
    - command:
        argv:
          - go-jira
          - search
          - --limit
          - "0"
    - command:
        cmd: go-jira search --limit 0
      args:
        chdir: /srv
"###;
    let expected = [
        "4:32 run_exit go-jira run",
        "5:31 token_print go-jira token print",
        "8:13 limit go-jira search",
        "13:14 limit go-jira search",
    ];
    assert_eq!(found("site.yml", source), expected);
}

#[test]
fn a_program_of_python() {
    let source = r###"subprocess.run(["go-jira", "run", "--ref", msg], env={"TOKEN": t})
subprocess.run([
    "go-jira", "run",
    "--ref", "x",
])
print("go-jira run is done")
"###;
    let expected = ["1:17 run_exit go-jira run", "1:56 bare_variable TOKEN=***", "3:5 run_exit go-jira run"];
    assert_eq!(found("ci.py", source), expected);
}

#[test]
fn a_unit_of_systemd() {
    let source = r###"[Service]
Environment=TOKEN=x
Environment="PASSWORD=y"
ExecStart=/usr/local/bin/go-jira broker serve
"###;
    let expected = [
        "2:13 bare_variable TOKEN=***",
        "3:14 bare_variable PASSWORD=***",
        "4:1 listen go-jira broker serve",
    ];
    assert_eq!(found("broker.service", source), expected);
}
