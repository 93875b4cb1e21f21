//! Whom a variable is for, and what is mounted for whom.

use super::{codes, found};

#[test]
fn a_variable_of_another_command_or_of_a_shell_alone_is_no_concern() {
    for source in [
        "PASSWORD=x psql -c 'select 1'\ngo-jira whoami",
        "TOKEN=y npm publish && go-jira whoami",
        "TOKEN=$(curl https://x)\nJIRA_TOKEN=$TOKEN go-jira whoami",
        "TOKEN = 1\ngo-jira whoami",
        "export PATH\nTOKEN=x\ngo-jira whoami",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    for source in [
        "TOKEN=$(curl https://x)\nexport TOKEN\ngo-jira whoami",
        "TOKEN=x; export BASE TOKEN\ngo-jira whoami",
        "set -a\nTOKEN=x\ngo-jira whoami",
        "declare -x TOKEN=y\nTOKEN=x\ngo-jira whoami",
        "TOKEN=x timeout 5 go-jira whoami",
        "TOKEN=x sh -c 'go-jira whoami'",
    ] {
        assert_eq!(codes(source), ["bare_variable"], "{source}");
    }
}

#[test]
fn a_step_a_job_a_service_and_a_container_have_variables_of_their_own() {
    let github = r###"jobs:
  other:
    env:
      DEBUG: 1
    steps:
      - run: make
  jira:
    env:
      DEBUG: 1
    steps:
      - run: npm publish
        env:
          TOKEN: x
      - env: { PASSWORD: y }
        run: docker login
      - env: { BASE_URL: z }
        run: go-jira whoami
      - run: |
          export USERNAME=ci
          ./deploy
      - with:
          TOKEN: x
        uses: actions/checkout@v4
"###;
    let expected = ["9:7 bare_variable DEBUG=***", "16:16 bare_variable BASE_URL=***"];
    assert_eq!(found("ci.yml", github), expected);
    let gitlab = r###"variables:
  BASE_URL: x
other:
  variables:
    TOKEN: x
  script:
    - make
.shared:
  variables:
    PASSWORD: x
jira:
  extends: .shared
  script:
    - TOKEN=$(curl https://x)
    - JIRA_TOKEN=$TOKEN go-jira whoami
  variables:
    USERNAME: ci
"###;
    let expected = [
        "2:3 bare_variable BASE_URL=***",
        "10:5 bare_variable PASSWORD=***",
        "17:5 bare_variable USERNAME=***",
    ];
    assert_eq!(found(".gitlab-ci.yml", gitlab), expected);
    let compose = r###"services:
  db:
    image: postgres
    environment:
      PASSWORD: x
    volumes:
      - ./.env:/app/.env
  jira:
    image: ghcr.io/appleboy/go-jira:0.14
    environment:
      - TOKEN=x
    volumes:
      - ./.env:/.env:ro
    command: whoami
"###;
    assert_eq!(found("compose.yml", compose), ["11:9 bare_variable TOKEN=***", "13:10 dotenv .env"]);
    let pod = r###"spec:
  containers:
    - name: web
      image: nginx
      env:
        - name: TOKEN
          value: x
      volumeMounts:
        - mountPath: /app/.env
          subPath: .env
    - name: jira
      image: ghcr.io/appleboy/go-jira:0.14
      env:
      - name: USERNAME
        value: x
      args: [whoami]
      volumeMounts:
        - name: env
          mountPath: /app/.env
          subPath: .env
"###;
    assert_eq!(found("pod.yaml", pod), ["14:15 bare_variable USERNAME=***", "19:11 dotenv .env"]);
}

#[test]
fn a_stage_and_a_block_of_jenkins_have_variables_of_their_own() {
    let source = r###"pipeline {
  agent any
  environment { DEBUG = '1' }
  stages {
    stage('login') {
      environment {
        BASE_URL = 'x'
      }
      steps {
        withCredentials([usernamePassword(credentialsId: "a-${env.X}", usernameVariable: 'USERNAME', passwordVariable: 'PASSWORD')]) {
          sh 'docker login'
        }
      }
    }
    stage('jira') {
      environment {
        TOKEN = credentials('t')
      }
      steps {
        withEnv(["USERNAME=${env.X}"]) {
          sh 'go-jira whoami'
        }
        sh """
          TOKEN=x docker login
          PASSWORD=y
        """
      }
    }
  }
}
"###;
    let expected =
        ["3:17 bare_variable DEBUG=***", "17:9 bare_variable TOKEN=***", "20:19 bare_variable USERNAME=***"];
    assert_eq!(found("Jenkinsfile", source), expected);
}

#[test]
fn a_file_that_is_mounted_is_loaded_and_one_that_is_removed_is_not() {
    let docker = "docker run -v \"$PWD/.env:/app/.env\" -w /app ghcr.io/appleboy/go-jira whoami";
    assert_eq!(codes(docker), ["dotenv"]);
    assert_eq!(codes("docker run -v \"$PWD/.env:/app/.env\" alpine\ngo-jira whoami"), [""; 0]);
    assert_eq!(codes("rm -f .env\ngo-jira whoami"), [""; 0]);
}

#[test]
fn many_maps_are_gone_through_once() {
    let n = 20_000;
    let counts = [
        ("ci.yml", format!("# go-jira\n{}", "env:\n  DEBUG: x\n".repeat(n)), 0),
        ("ci.yml", format!("run: go-jira whoami\n{}", "env:\n  DEBUG: x\n".repeat(n)), n),
        ("ci.yml", format!("# go-jira\n{}", "exit_codes:\n- 2\n".repeat(n)), 0),
        ("ci.yml", format!("# go-jira\ndata:\n{}", "  DEBUG: x\n".repeat(n)), 0),
        ("ci.yml", format!("# go-jira\n{}", "- a/.env:/b/.env\n".repeat(n)), 0),
        (
            "Jenkinsfile",
            format!(
                "// go-jira\n{}{}{}",
                "{".repeat(n),
                "}".repeat(n),
                "\nenvironment { DEBUG = 1 }".repeat(n)
            ),
            n,
        ),
        ("Jenkinsfile", format!("// go-jira\n{}", "withEnv(['DEBUG=1']) {\n".repeat(n)), 0),
    ];
    for (name, source, count) in counts {
        assert_eq!(super::findings(name, &source).len(), count, "{name}: {}", &source[..30]);
    }
}

#[test]
fn a_flag_is_compared_with_the_variable_that_its_command_gets() {
    let source = r###"jobs:
  a:
    env:
      JIRA_TOKEN_BROKER_URL: https://b1
      JIRA_OAUTH_CALLBACK_PORT: 8085
      JIRA_OAUTH_CALLBACK_HTTPS: "true"
    steps:
      - run: go-jira whoami
      - run: go-jira login
      - run: go-jira whoami --broker-url https://b2
  b:
    env:
      JIRA_OAUTH_CLIENT_ID: x
    steps:
      - run: go-jira whoami --broker-url https://b2
      - run: go-jira whoami --client-id "$JIRA_OAUTH_CLIENT_ID"
      - run: go-jira login
"###;
    let expected = ["10:29 precedence --broker-url ***", "17:14 callback go-jira login"];
    assert_eq!(found("ci.yml", source), expected);
    let powershell =
        "$env:JIRA_OAUTH_CLIENT_ID = 'x'\ngo-jira whoami --client-id $env:JIRA_OAUTH_CLIENT_ID\n";
    assert_eq!(found("ci.ps1", powershell), [""; 0]);
}

#[test]
fn a_word_for_another_program_is_no_switch() {
    for source in ["INSECURE=-k; curl $INSECURE x; go-jira whoami", "MARKDOWN='a.md b.md'\ngo-jira whoami"] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    let make = "MARKDOWN := README.md\na:\n\tgo-jira whoami\n";
    assert_eq!(found("Makefile", make), [""; 0]);
    assert_eq!(found("Makefile", &format!("export\n{make}")), ["2:1 boolean_word MARKDOWN=***"]);
}

#[test]
fn a_file_of_another_job_is_not_loaded() {
    let source = r###"jobs:
  a:
    steps:
      - run: cp .env.example .env
      - uses: actions/upload-artifact@v4
        with:
          path: .env
  b:
    steps:
      - run: |
          cp ci.env .env
      - run: go-jira whoami
"###;
    assert_eq!(found("ci.yml", source), ["11:20 dotenv .env"]);
    let gitlab = r###"a:
  script:
    - cp ci.env .env
  artifacts:
    paths:
      - .env
b:
  script: go-jira whoami
"###;
    assert_eq!(found(".gitlab-ci.yml", gitlab), ["6:8 dotenv .env"], "an artifact is handed on");
}

#[test]
fn a_map_of_a_program_is_an_environment_by_its_name_only() {
    let python = r###"CONFIG = {
    "BASE_URL": "https://api.example.com",
    "TOKEN": os.environ["SLACK_TOKEN"],
}
subprocess.run(["go-jira", "whoami"], env={
    "TOKEN": t,
})
os.environ.update({
    "DEBUG": "1",
})
env = {"PASSWORD": p}
"###;
    let expected =
        ["6:6 bare_variable TOKEN=***", "9:6 bare_variable DEBUG=***", "11:9 bare_variable PASSWORD=***"];
    assert_eq!(found("ci.py", python), expected);
    let script = "const config = {\n  TOKEN: t,\n};\nexecSync('go-jira whoami', {\n  env: {\n    DEBUG: 1,\n  },\n});\n";
    assert_eq!(found("ci.js", script), ["6:5 bare_variable DEBUG=***"]);
}

#[test]
fn a_flag_of_another_program_exports_nothing() {
    assert_eq!(codes("helm upgrade x --set -a\nTOKEN=x\ngo-jira whoami"), [""; 0]);
    assert_eq!(codes("cp ci.env .env\n. ./.env\nhelm upgrade x --set -a"), ["dotenv"; 2]);
}
