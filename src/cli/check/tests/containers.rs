//! What containers run: images, compositions, pods, tasks.

use super::found;

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
FROM alpine
CMD ["sh", "-c", "exec go-jira run --ref \"$REF\" --token \"$T\""]
"###;
    let expected = [
        "2:24 timeout --timeout ***",
        "6:1 limit go-jira search",
        "8:13 run_exit go-jira run",
        "10:24 run_exit go-jira run",
        "10:51 secret_flag --token ***",
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
        "13:17 run_exit go-jira run",
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
fn a_definition_of_a_task() {
    let source = r###"{"command": ["sh", "-c", "go-jira search --limit 0"],
 "environment": [{"name": "TOKEN", "value": "x"}, { "name": "BASE_URL", "value": "y" }]}
"###;
    let expected =
        ["1:27 limit go-jira search", "2:28 bare_variable TOKEN=***", "2:62 bare_variable BASE_URL=***"];
    assert_eq!(found("task.json", source), expected);
}

#[test]
fn the_order_of_keys_is_no_matter() {
    let source = r###"spec:
  containers:
    - args: [run, --ref, x]
      command: ["go-jira"]
    - args:
        - run
        - --token
        - $(T)
      name: b
      image: ghcr.io/appleboy/go-jira:0.14
    - command:
        - go-jira
        - run
      args: ["--lenient"]
    - args: [run, --ref, x]
      command: ["/bin/other"]
      image: ghcr.io/appleboy/go-jira:0.14
services:
  c:
    command: run --ref x --timeout 5
    entrypoint: /usr/bin/go-jira
  d:
    command: >-
      run
      --lenient
      --timeout 5
    environment:
      command: x
    image: "ghcr.io/appleboy/go-jira"
  e:
    entrypoint: [go-jira, run]
    command: --lenient --limit 0
steps:
  - with:
      args: search --limit 0
    uses: docker://ghcr.io/appleboy/go-jira:0.14
"###;
    let expected = [
        "4:17 run_exit go-jira run",
        "6:11 run_exit go-jira run",
        "7:11 secret_flag --token ***",
        "20:26 timeout --timeout ***",
        "21:17 run_exit go-jira run",
        "26:7 timeout --timeout ***",
        "31:18 limit go-jira run",
        "35:13 limit go-jira search",
    ];
    assert_eq!(found("all.yaml", source), expected);
    let task = r###"{
  "command": ["run", "--ref", "x"],
  "image": "ghcr.io/appleboy/go-jira:0.14",
}
"###;
    assert_eq!(found("task.json", task), ["2:15 run_exit go-jira run"]);
    let tasks = r###"{ "containerDefinitions": [
    {
      "command": ["run", "--ref", "x", "--token", "y"],
      "image": "ghcr.io/appleboy/go-jira:0.14"
    },
    {
      "image": "alpine",
      "command": ["run", "x"]
    }
] }
"###;
    assert_eq!(found("task.json", tasks), ["3:19 run_exit go-jira run", "3:40 secret_flag --token ***"]);
}

#[test]
fn an_entrypoint_and_its_arguments_are_one_command_line() {
    let source = r###"FROM alpine AS one
CMD ["run", "--lenient", "--token", "abc"]
ENTRYPOINT ["go-jira"]
FROM alpine AS two
ENTRYPOINT ["/usr/bin/go-jira", "run"]
CMD ["--lenient"]
FROM --platform=linux/amd64 ghcr.io/appleboy/go-jira:0.14 AS three
CMD ["search", "--limit", "0"]
FROM alpine
CMD ["run", "--token", "abc"]
"###;
    assert_eq!(found("Dockerfile", source), ["2:26 secret_flag --token ***", "8:6 limit go-jira search"]);
}

#[test]
fn the_items_of_a_list_are_words_whatever_is_in_them() {
    let source = r###"command:
  - go-jira
  - run
  - --lenient
  - --comment
  - done by CI # not by hand
  - "--ref"
  - 'it''s A-1'
image: alpine
"###;
    assert_eq!(found("pod.yaml", source), [""; 0]);
}

#[test]
fn a_text_behind_a_shell_is_read_whole_and_comments_are_no_items() {
    let source = r###"services:
  a:
    image: alpine
    entrypoint: ["/bin/sh", "-c"]
    command: go-jira run --ref A --lenient && go-jira whoami --token abc
  b:
    image: ghcr.io/appleboy/go-jira:0.14
    command: # words
      - run
      - --ref
      - AB-1

      # forgive
      - --lenient
      - --timeout
      - "5"
"###;
    let expected = ["5:62 secret_flag --token ***", "15:9 timeout --timeout ***"];
    assert_eq!(found("compose.yml", source), expected);
}

#[test]
fn a_list_of_arguments_ends_where_its_column_does() {
    let source = r###"containers:
  - image: ghcr.io/appleboy/go-jira:0.14
    args:
      - run
      - --lenient
      - "--comment"
      - "done: # all"
  - name: web
    image: nginx
steps:
- image: ghcr.io/appleboy/go-jira:0.14
  args:
  - whoami
- run: go-jira token print --confirm
"###;
    assert_eq!(found("pod.yaml", source), ["14:8 token_print go-jira token print"]);
}
