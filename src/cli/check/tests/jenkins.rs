//! Pipelines in Groovy.

use super::{found, invoked};

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
fn a_scripted_pipeline_of_jenkins() {
    let source = r###"node('linux') {
  docker.image('ghcr.io/appleboy/go-jira:0.14').inside {
    withEnv(['USERNAME=ann', "PASSWORD=${env.P}"]) {
      int status = sh returnStatus: true, script: "go-jira run --ref '${env.CHANGE_TITLE}'"
      if (status == 1) error 'x'
      def out = sh(returnStdout: true, script: 'go-jira get --key AB-1').trim()
      sh label: 'x', script: '''
        set -e
        go-jira run --ref "$MSG" || true
      '''
      switch (status) { case 1: break }
      bat 'go-jira.exe run --ref x'
    }
  }
}
"###;
    let expected = [
        "3:15 bare_variable USERNAME=***",
        "3:31 bare_variable PASSWORD=***",
        "4:52 run_exit go-jira run",
        "4:71 injection ${env.CHANGE_TITLE}",
        "5:11 exit_one the exit code and 1",
        "9:9 exit_ignored go-jira run",
        "12:12 run_exit go-jira run",
    ];
    assert_eq!(found("vars/jira.groovy", source), expected);
}

#[test]
fn an_escaped_backslash_continues_a_command() {
    for quotes in ["\"\"\"", "'''"] {
        let source = format!(
            "node {{\n  sh {quotes}\n    go-jira run \\\\\n      --ref x \\\\\n      --lenient\n  {quotes}\n  \
             sh {quotes}go-jira run \\\n    --lenient{quotes}\n}}\n"
        );
        assert_eq!(found("Jenkinsfile", &source), [""; 0], "{source}");
    }
    let source = r###"node {
  sh 'go-jira run --lenient --comment \'two words\' --limit 0'
  sh "go-jira run --lenient --comment \"two words\" --limit 0"
  sh "go-jira run --lenient --comment \"${params.get("A B", "c")}\" --limit 0"
  bat "go-jira.exe run --lenient\ngo-jira.exe search --limit 0"
}
"###;
    let expected = [
        "2:7 limit go-jira run",
        "3:7 limit go-jira run",
        "4:7 limit go-jira run",
        "4:41 injection ${params.get…}",
        "5:35 limit go-jira search",
    ];
    assert_eq!(found("Jenkinsfile", source), expected);
}

#[test]
fn what_is_commented_out_is_not_run() {
    let source = r###"node {
  // sh 'go-jira run --ref x'
  /* sh 'go-jira run --ref x'
     def rc = sh(script: 'go-jira get --key A-1', returnStatus: true)
   */ sh 'go-jira search --limit 0' // withEnv(["TOKEN=x"]) { sh 'go-jira run' }
  if (rc == 1) { }
  sh 'curl https://example.com' /* "TOKEN=x" */
  echo 'http://x'; sh 'go-jira search --limit 0'
}
"###;
    assert_eq!(found("Jenkinsfile", source), ["5:11 limit go-jira search", "8:24 limit go-jira search"]);
}

#[test]
fn a_text_is_run_by_what_gets_it() {
    let source = r###"node {
  sh label: 'go-jira run', script: 'go-jira search --limit 0'
  sh(
    returnStatus: true,
    script: """#!/bin/bash
      go-jira search --limit 0
    """
  )
  sshCommand remote: r, command: "go-jira search --limit 0"
  "go-jira search --limit 0".execute()
  ["go-jira", "search", "--limit", "0"].execute()
  echo 'go-jira search --limit 0'
  stage('go-jira run') { error "go-jira run failed" }
  sh 'go-jira get --key ' + KEY + ' --timeout 5'
  def text = 'go-jira run'
}
"###;
    let expected = [
        "2:37 limit go-jira search",
        "6:7 limit go-jira search",
        "9:35 limit go-jira search",
        "10:4 limit go-jira search",
        "11:4 limit go-jira search",
        "14:29 injection + KEY",
        "14:37 timeout --timeout ***",
    ];
    assert_eq!(found("Jenkinsfile", source), expected);
    assert_eq!(invoked("echo 'sh go-jira'"), [""; 0]);
}

#[test]
fn a_variable_of_groovy_keeps_the_last_code_that_it_got() {
    let source = r###"node {
  def rc = sh(script: 'go-jira get --key A-1', returnStatus: true)
  rc = sh(script: 'grep x y', returnStatus: true)
  if (rc == 1) { }
  rc = steps.sh(script: 'go-jira get --key A-1', returnStatus: true)
  if (rc == 1) { }
  if (sh(script: 'grep x y', returnStatus: true) == 1) { }
  sh '''
    grep x y
    if [ $? -eq 1 ]; then exit; fi
    go-jira get --key A-1
    if [ $? -eq 1 ]; then exit; fi
  '''
}
"###;
    let expected = ["6:7 exit_one the exit code and 1", "12:10 exit_one the exit code and 1"];
    assert_eq!(found("Jenkinsfile", source), expected);
}

#[test]
fn a_credential_is_nobody_elses_text_and_no_value_is_shown() {
    let source = r#"pipeline {
  environment { JIRA = credentials('x') }
  stages { stage('a') { steps {
    withCredentials([string(credentialsId: 'y', variable: 'TOK')]) {
      sh "go-jira whoami --username ${JIRA_USR} --password ${env.JIRA_PSW} --token " + TOK
    }
    sh "go-jira get --key ${params.K ?: 'hunter2'}"
  } } }
}
"#;
    let expected = [
        "5:26 username_flag --username ***",
        "5:49 secret_flag --password ***",
        "5:76 secret_flag --token",
        "7:27 injection ${params.K…}",
    ];
    assert_eq!(found("Jenkinsfile", source), expected);
}
