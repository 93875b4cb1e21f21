//! Whose exit code is compared with 1, and whose stderr is searched.

use super::{codes, found};

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
        "12:12 exit_one the exit code and 1",
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

#[test]
fn a_code_that_another_program_left_is_no_concern() {
    for source in [
        "go-jira get --key A-1 > x\ngrep y x\nif [ $? -eq 1 ]; then :; fi",
        "go-jira get --key A-1; echo done; [ $? -eq 1 ]",
        "go-jira get --key A-1\nrc=$?\ngrep x y\nrc=$?\n[ $rc -eq 1 ]",
        "go-jira get --key A-1 | jq .\n[ $? -eq 1 ]",
        "go-jira get --key A-1 || true\n[ $? -eq 1 ]",
        "echo \"$(go-jira get --key A-1)\"\n[ $? -eq 1 ]",
        "echo $(go-jira get --key A-1)\n[ $? -eq 1 ]",
        "go-jira get --key A-1; rc=$?; rc=0; [ $rc -eq 1 ]",
        "go-jira get --key A-1; [ $? -eq 0 ] || [ \"x$MODE\" = x1 ]",
        "go-jira get --key A-1\nif [ $# -eq 1 ]; then :; fi",
        "go-jira get --key A-1; rc=$?; [ $rc -eq 11 ]; [ x$rc = x11 ]",
        "if go-jira get --key A-1; then grep x y; [ $? -eq 1 ]; fi",
        "grep x y | go-jira get --key A-1 | wc -l; case $? in 1) ;; esac",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
}

#[test]
fn a_code_is_go_jiras_wherever_it_is_kept() {
    for source in [
        "go-jira get --key A-1; rc=$?; test \"x$rc\" = x1",
        "go-jira get --key A-1; rc=$?; echo done; [ X1 = \"X$rc\" ]",
        "out=$(go-jira get --key A-1)\n[ $? -eq 1 ]",
        "out=\"$(go-jira get --key \"$KEY\")\"\nrc=$?\n[ ${rc:-0} = 1 ]",
        "local out=`go-jira get --key A-1`; [ $? = 1 ]",
        "set -o pipefail\ngo-jira get --key A-1 | jq .\n[ $? -eq 1 ]",
        "go-jira get --key A-1 | jq .\n[ ${PIPESTATUS[0]} -eq 1 ]",
        "if go-jira get --key A-1; then echo found; else rc=$?; [ $rc -eq 1 ]; fi",
        "if go-jira get --key A-1; then\n  echo found\nelse\n  case $? in\n    1) ;;\n  esac\nfi",
        "go-jira get --key A-1 && ok=1 || rc=$?\n[ \"$rc\" == \"1\" ]",
        "go-jira get --key A-1\nrc=$?\ngrep x y\nlast=$rc; (($last==1))",
        "bash -c 'go-jira get --key A-1'; [ $? -eq 1 ]",
        "bash -c 'go-jira get --key A-1; [ $? -eq 1 ]'",
        "go-jira get --key A-1\n\n# a word on it\nif test $? -eq 1; then :; fi",
        "( cd x; go-jira get --key A-1 ); [ $? -eq 1 ]",
    ] {
        assert_eq!(codes(source), ["exit_one"], "{source}");
    }
}

#[test]
fn a_step_of_a_workflow_begins_with_no_code() {
    let source = r###"steps:
  - run: go-jira get --key A-1
  - run: if [ $? -eq 1 ]; then exit; fi
  - shell: bash
    run: |
      go-jira get --key A-1 | jq .
      if [ $? -eq 1 ]; then exit; fi
script:
  - go-jira get --key A-1
  - if [ $? -eq 1 ]; then exit; fi
"###;
    let expected = ["7:12 exit_one the exit code and 1", "10:10 exit_one the exit code and 1"];
    assert_eq!(found("ci.yml", source), expected);
    let powershell = "go-jira get --key A-1\nWrite-Host done\n$code = $LASTEXITCODE\nif ($code -eq 1) { }\n\
                      git status\nif ($LASTEXITCODE -eq 1) { }\n";
    assert_eq!(found("ci.ps1", powershell), ["4:5 exit_one the exit code and 1"]);
}

#[test]
fn a_failure_that_is_passed_over_is_that() {
    let package = r###"{
  "scripts": {
    "a": "go-jira run --ref \"$REF\" || true",
    "b": "go-jira run --lenient; [ $? -eq 1 ]"
  }
}
"###;
    assert_eq!(
        found("package.json", package),
        ["3:11 exit_ignored go-jira run", "4:36 exit_one the exit code and 1"]
    );
    let make = "a:\n\t-go-jira run --ref x\n\t@-REF=x \\\n\t  go-jira run\n\t- @go-jira run\n\tgo-jira run || true\n\tgo-jira run\n";
    assert_eq!(
        found("Makefile", make),
        [
            "2:3 exit_ignored go-jira run",
            "4:4 exit_ignored go-jira run",
            "5:5 exit_ignored go-jira run",
            "6:2 exit_ignored go-jira run",
            "7:2 run_exit go-jira run"
        ]
    );
}

#[test]
fn text_that_is_searched_for_in_kept_stderr_is_found() {
    for source in [
        "err=$(go-jira get --key A-1 2>&1 >/dev/null)\ncase \"$err\" in *'not found'*) ;; esac",
        "err=\"$(go-jira get --key A-1 2>&1)\" || true\nif [[ $err == *found* ]]; then :; fi",
        "err=$(go-jira get --key A-1 2>&1); echo \"$err\" | grep -q found",
        "err=$(go-jira get --key A-1 2>&1); [[ \"$err\" =~ found ]]",
        "err=$(go-jira get --key A-1 2>&1); grep found <<< \"$err\"",
        "go-jira get --key A-1 2>err.txt; grep found err.txt",
        "go-jira get --key A-1 2> \"$tmp\" || grep -q found \"$tmp\"",
        "go-jira get --key A-1 > log 2>&1\ncat log | awk '/found/'",
        "go-jira get --key A-1 2>&1 >/dev/null | tee log | grep found",
        "case \"$(go-jira get --key A-1 2>&1)\" in *found*) ;; esac",
        "[[ \"$(go-jira get --key A-1 2>&1 >/dev/null)\" == *found* ]] && exit",
        "grep -q found <<< \"$(go-jira get --key A-1 2>&1)\"",
        "go-jira get --key A-1 &> log\nif grep found < log; then :; fi",
    ] {
        assert_eq!(codes(source), ["stderr_text"], "{source}");
    }
    for source in [
        "out=$(go-jira get --key A-1)\n[ \"$out\" = x ]",
        "err=$(go-jira get --key A-1 2>&1); echo \"$err\"; [ -n \"$err\" ]; [ \"$err\" = \"\" ]",
        "go-jira get --key A-1 2>err.txt; cat err.txt",
        "go-jira get --key A-1 2>err.txt; grep found other.txt",
        "echo \"$(go-jira get --key A-1 2>&1)\"; [ \"$x\" = found ]",
        "go-jira get --key A-1 2>&1 | tee log; grep x y",
        "err=$(go-jira get --key A-1 2>&1); err=x; [ \"$err\" = x ]",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
}

#[test]
fn stderr_that_nobody_reads_is_no_concern() {
    for source in [
        "go-jira whoami >/dev/null 2>&1 || exit 1",
        "until go-jira whoami >/dev/null 2>&1; do :; done",
        "if ! go-jira token status >/dev/null 2>&1; then :; fi",
        "if go-jira whoami >log 2>&1; then :; fi",
        "go-jira whoami >log 2>&1; rm -f log",
        "go-jira whoami -q 2>&1 >/dev/null || echo",
        "go-jira whoami &>/dev/null",
        "go-jira whoami 2>&-",
        "go-jira whoami 2>\"$tmp\"; echo \"$other\"",
        "me=$(go-jira whoami 2>/dev/null)",
        "go-jira get --key A-1 2>err\ncurl x 2>err\ngrep found err",
        "s=$(go-jira get --key A-1 2>&1 | jq -r .status); [ \"$s\" = Done ]",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    for source in [
        "go-jira whoami >log 2>&1; cat log",
        "go-jira whoami 2>/tmp/log\nmode=$(head -1 </tmp/log)",
        "go-jira whoami 2>\"$tmp\"; cat \"$tmp\"",
        "me=$(go-jira whoami 2>&1 >/dev/null)",
        "go-jira whoami 2>&1 >/dev/null | head -1",
        "go-jira get --key A-1 2>/tmp/err; grep 404 /tmp/err",
    ] {
        assert_eq!(codes(source), ["stderr_text"], "{source}");
    }
}

#[test]
fn the_scripts_of_a_package_on_one_line_are_read() {
    let source = r#"{"name":"go-jira","scripts":{"a":"go-jira run --ref X-1","who":"go-jira whoami -v || echo \"no\""},"x":{"y":"go-jira run"}}"#;
    assert_eq!(found("package.json", source), ["1:35 run_exit go-jira run", "1:80 version_flag -v"]);
}

#[test]
fn a_code_of_one_is_told_from_others_in_other_words() {
    for source in [
        "go-jira get --key A-1; rc=$?; [ $rc -le 1 ]",
        "go-jira get --key A-1; rc=$?; [ $rc -lt 2 ]",
        "go-jira get --key A-1; [ $? -gt 1 ]",
        "go-jira get --key A-1; [ $? -ge 2 ]",
    ] {
        assert_eq!(codes(source), ["exit_one"], "{source}");
    }
    for source in [
        "go-jira get --key A-1; rc=$?; [ $rc -lt 1 ]",
        "go-jira get --key A-1; rc=$?; [ $rc -ge 1 ]",
        "grep x y; rc=$?; [ $rc -le 1 ]",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    let gitlab = r###"a:
  script: go-jira get --key A-1
  allow_failure:
    exit_codes: [1, 137]
  retry:
    max: 2
    exit_codes: 1
b:
  script: go-jira get --key A-1
  allow_failure:
    exit_codes:
      - 2
      - 1
c:
  script: go-jira get --key A-1
  allow_failure: {exit_codes: [2, 11]}
d:
  script: make
  allow_failure: {exit_codes: 1}
"###;
    let expected = [
        "4:5 exit_one the exit code and 1",
        "7:5 exit_one the exit code and 1",
        "11:5 exit_one the exit code and 1",
    ];
    assert_eq!(found(".gitlab-ci.yml", gitlab), expected);
    let python = r###"r = subprocess.run(["go-jira", "get", "--key", "A-1"])
if r.returncode == 1:
    pass
r = subprocess.run(["grep", "x"])
if r.returncode == 1:
    pass
rc = subprocess.call(["go-jira", "get", "--key", "A-1"])
if rc == 1 or n == 1:
    pass
"###;
    assert_eq!(
        found("ci.py", python),
        ["2:4 exit_one the exit code and 1", "8:4 exit_one the exit code and 1"]
    );
}

#[test]
fn what_run_and_login_say_may_be_kept_as_a_log() {
    for source in [
        "go-jira run --lenient 2>&1 | tee jira.log",
        "go-jira run --lenient 2>&1 | logger -t jira",
        "go-jira run --lenient 2>&1 | sed 's/^/[jira] /'",
        "go-jira run --lenient 2>&1 | sed -e 's|^|[jira] |'",
        "out=$(go-jira run --lenient 2>&1); echo \"$out\"",
        "go-jira logout > log 2>&1 || { tail log; exit 1; }",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    for source in [
        "go-jira run --lenient 2>&1 | grep moved",
        "go-jira run --lenient 2>&1 | sed -n 's/^moved //p'",
        "out=$(go-jira run --lenient 2>&1); [[ $out == *moved* ]]",
        "go-jira run --lenient 2>&1 | tee log | sed 's/moved//'",
        "go-jira whoami 2>&1 | tee who.txt",
    ] {
        assert_eq!(codes(source), ["stderr_text"], "{source}");
    }
}
