//! Programs and names between a script and go-jira.

use super::{codes, found, invoked};

#[test]
fn a_program_that_runs_another_is_looked_through() {
    for source in [
        "cross-env A=1 go-jira whoami",
        "npx dotenv -e .x -- go-jira whoami",
        "dotenv -- go-jira whoami",
        "dotenv -f .x run go-jira whoami",
        "doppler run --config ci -- go-jira whoami",
        "aws-vault exec ci -- go-jira whoami",
        "retry 3 go-jira whoami",
        "retry -t 3 -- go-jira whoami",
        "flock -n /tmp/lock go-jira whoami",
        "flock /tmp/lock -c 'go-jira whoami'",
        "gosu ci go-jira whoami",
        "su-exec 1000:1000 go-jira whoami",
        "chroot /srv go-jira whoami",
        "timeout \"$T\" go-jira whoami",
        "timeout 60 docker run --rm ghcr.io/x/go-jira whoami",
        "timeout -k 5 60 sudo -u ci go-jira whoami",
        "retry 3 docker run --rm go-jira whoami",
        "sudo -n go-jira whoami",
        "sudo -u go-jira go-jira whoami",
        "/usr/bin/env go-jira whoami",
        "parallel -j 4 go-jira whoami ::: a b",
        "find . -name x -exec go-jira whoami \\;",
        "find . -name x -exec go-jira whoami +",
        "trap 'go-jira whoami' EXIT",
        "while read -r x; do :; done <<< \"$(go-jira whoami)\"",
        "alias j='go-jira whoami'",
        "su - ci -c 'go-jira whoami'",
        "docker run --rm --entrypoint go-jira alpine whoami",
        "docker run --entrypoint=/bin/go-jira -v x:y -it alpine:3 whoami",
        "docker run -e TOKEN --name go-jira ghcr.io/appleboy/go-jira whoami",
        "docker run --rm --net host \\\n  ghcr.io/appleboy/go-jira whoami",
        "go run github.com/appleboy/go-jira/cmd/go-jira@latest whoami",
        "go run -mod=mod ./cmd/go-jira whoami",
        "sshpass -p \"$P\" ssh -p 22 ci@host go-jira whoami",
        "sshpass -e ssh host 'cd /x; go-jira whoami'",
        "if ssh host 'go-jira whoami'; then :; fi",
    ] {
        let found = invoked(source);
        assert!(found.len() == 1 && found[0].ends_with(" go-jira whoami"), "{source}: {found:?}");
        assert_eq!(codes(source), [""; 0], "{source}");
    }
}

#[test]
fn what_is_given_to_a_program_is_not_run() {
    for source in [
        "echo -- go-jira run",
        "git log -- go-jira run",
        "go install github.com/appleboy/go-jira@latest",
        "docker run -v go-jira:/x alpine run",
        "docker run --name go-jira alpine run",
        "command -v go-jira run",
        "find . -name go-jira run",
        "alias x='echo go-jira run'",
    ] {
        assert_eq!(invoked(source), [""; 0], "{source}");
    }
}

#[test]
fn a_variable_an_alias_and_a_default_stand_for_the_name() {
    for source in [
        "JIRA=go-jira; $JIRA whoami",
        "JIRA=/opt/go-jira\n\"$JIRA\" whoami",
        "export jira=\"./bin/go-jira\"\n${jira} whoami",
        "\"${JIRA_BIN:-go-jira}\" whoami",
        "JIRA=\"${JIRA:-/opt/go-jira}\"\nif ! \"$JIRA\" whoami; then :; fi",
        "bin=$(command -v go-jira); $bin whoami",
        "bin=\"$(which go-jira)\"\nsudo $bin whoami",
        "alias j=go-jira\nj whoami",
        "j() { go-jira \"$@\"; }\nj whoami",
        "function j {\n  command go-jira \"$@\"\n}\nif ! j whoami; then :; fi",
        "function j() {\n  exec /opt/go-jira \"$@\"\n}\nj whoami",
        "IMAGE=ghcr.io/appleboy/go-jira:0.14\ndocker run --rm $IMAGE whoami",
        "\"$HOME/.local/bin/go-jira\" whoami",
        "${RUNNER_TEMP}/go-jira whoami",
        "$CI_PROJECT_DIR/go-jira whoami",
        "\"${DIR:-/opt}/go-jira\" whoami",
        "\"$(pwd)/go-jira\" whoami",
        "- run: ${{ github.workspace }}/go-jira whoami",
        "docker run --rm $REGISTRY/go-jira whoami",
        "JIRA=$HOME/bin/go-jira; $JIRA whoami",
        "env:\n  JIRA: ./bin/go-jira\nsteps:\n  - run: $JIRA whoami",
    ] {
        let found = invoked(source);
        assert!(found.len() == 1 && found[0].ends_with(" go-jira whoami"), "{source}: {found:?}");
    }
    assert_eq!(invoked("j() {\n  echo go-jira \"$@\"\n}\nj whoami\ngo-jira \"$@\"\nj whoami"), [""; 0]);
    assert_eq!(invoked("JIRA=jira; $JIRA whoami # was go-jira"), [""; 0]);
    assert_eq!(found("Makefile", "a:\n\t@$(BIN)/go-jira search --limit 0\n"), ["2:3 limit go-jira search"]);
    let make = "GJ := bin/go-jira\nREF ?= x\n\nmove: $(GJ)\n\t@$(GJ) run --ref \"$(REF)\"\n\t${GJ} search --limit 0\n\
                \tfor k in a; do $(GJ) get --key $$k --timeout 5; done\n";
    assert_eq!(
        found("Makefile", make),
        ["5:3 run_exit go-jira run", "6:2 limit go-jira search", "7:37 timeout --timeout ***"]
    );
}

#[test]
fn texts_of_yaml_are_read_as_yaml_and_then_by_a_shell() {
    for source in [
        "- ssh h 'go-jira whoami'",
        "- ssh -i key ci@h \"cd /x && go-jira whoami\"",
        "run: ssh -i key h 'go-jira whoami'",
        "- sshpass -p \"$P\" ssh h 'go-jira whoami'",
        "- run: sudo ssh h 'go-jira whoami'",
        "- 'go-jira whoami'",
        "\"run\": \"go-jira whoami\",",
        "\u{feff}go-jira whoami",
        "\u{feff}run: go-jira whoami",
    ] {
        let found = invoked(source);
        assert!(found.len() == 1 && found[0].ends_with(" go-jira whoami"), "{source}: {found:?}");
    }
    for source in [
        "- 'go-jira run --ref ''a b'' --lenient'",
        "- \"go-jira run --ref \\\"a b\\\" --lenient\" # a word",
        "- 'go-jira run\n  --lenient'",
        "- go-jira run\n  --ref x\n  --lenient\n- x",
        "run: go-jira run\n  --lenient\nenv:\n  A: b",
        "- \"go-jira run --ref '$X y' \\\n  --lenient\"",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    assert_eq!(found("x.env", "\u{feff}TOKEN=x\n"), ["1:1 dotenv the file", "1:1 bare_variable TOKEN=***"]);
}

#[test]
fn a_variable_before_a_command_is_for_that_alone() {
    for source in [
        "JIRA_OAUTH_CLIENT_ID=x go-jira whoami\ngo-jira whoami --client-id y",
        "JIRA_OAUTH_CLIENT_ID=x other\ngo-jira whoami --client-id y",
        "docker run -e JIRA_OAUTH_CLIENT_ID=x go-jira whoami\ngo-jira whoami --client-id y",
        "- JIRA_BROKER_LISTEN=127.0.0.1:1 go-jira broker serve --tls-cert c",
        "JIRA_OAUTH_REFRESH_TOKEN=$T JIRA_OAUTH_REFRESH_TOKEN_OUTPUT=f go-jira run --lenient",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    for (source, code) in [
        ("JIRA_OAUTH_CLIENT_ID=x go-jira whoami --client-id y", "precedence"),
        ("env JIRA_OAUTH_CLIENT_ID=x go-jira whoami --client-id y", "precedence"),
        ("export JIRA_OAUTH_CLIENT_ID=x; go-jira whoami --client-id y", "precedence"),
        ("JIRA_BROKER_LISTEN=127.0.0.1:1 go-jira whoami\ngo-jira broker serve", "listen"),
        ("EPIC_FIELD=x go-jira whoami\ngo-jira update --epic A-1", "field_ids"),
        (
            "JIRA_OAUTH_REFRESH_TOKEN=$T go-jira run --lenient\nJIRA_OAUTH_REFRESH_TOKEN_OUTPUT=f go-jira whoami",
            "rotation_lost",
        ),
    ] {
        assert_eq!(codes(source), [code], "{source}");
    }
}

#[test]
fn a_file_of_variables_that_is_handed_on_is_no_difference() {
    for source in [
        "set -a; . ./.env; set +a",
        "set -o allexport\nsource .env",
        "cp ci.env .env\nset -a\nsource .env",
        "export $(grep -v '^#' .env | xargs)",
        "env_file: .env",
        "env_file:\n  - .env",
        "docker run --env-file .env x\nrm .env",
        "cat .env >> \"$GITHUB_ENV\"",
        "dotenv -e .env -- x",
        "include .env\nexport",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    let instead = |source: &str| {
        super::findings("x", &format!("# go-jira\n{source}"))
            .into_iter()
            .map(|one| one.instead)
            .collect::<Vec<_>>()
    };
    assert!(instead("source .env")[0].starts_with("`set -a`"));
    assert!(instead("include .env")[0].starts_with("`export`"));
    assert!(instead("cp ci.env .env")[0].contains("--env-file"));
}

#[test]
fn a_program_that_reads_the_file_hands_it_on() {
    for source in [
        "dotenv -e .env -- go-jira whoami",
        "npx dotenvx run -f .env -- go-jira whoami",
        "env-cmd -f .env go-jira whoami",
        "\"who\": \"dotenv -e .env -- go-jira whoami\"",
    ] {
        assert_eq!(codes(source), [""; 0], "{source}");
    }
    assert_eq!(codes("cp ci.env .env\ndocker run --env-file other.env x"), ["dotenv"]);
    let package = r#"{"scripts": {"a": "env-cmd -f .env go-jira whoami -v"}}"#;
    assert_eq!(found("package.json", package), ["1:51 version_flag -v"]);
}

#[test]
fn a_recipe_of_several_lines_keeps_its_dashes() {
    let make = "a:\n\tgo-jira run \\\n\t  --ref A-1 \\\n\t  --lenient\n\t-go-jira search \\\n\t  --limit 0\n";
    assert_eq!(found("Makefile", make), ["5:3 limit go-jira search"]);
}
