use clap::{Args, Command, FromArgMatches};

use super::some;
use crate::ops::get::GetArgs;
use crate::ops::run::RunArgs;
use crate::ops::search::SearchArgs;

fn parse<A: Args + FromArgMatches>(line: &[&str]) -> Option<A> {
    let command = A::augment_args(Command::new("jira").no_binary_name(true));
    command.clone().debug_assert();
    A::from_arg_matches(&command.try_get_matches_from(line).ok()?).ok()
}

#[test]
fn nothing_typed_is_nothing_set() {
    let SearchArgs { jql, jql_pos, limit, all, .. } = parse(&[]).unwrap();
    assert_eq!((jql, jql_pos, limit, all), (None, None, None, None));
    assert!(parse::<GetArgs>(&[]).unwrap().keys.is_empty());
    assert_eq!(parse::<RunArgs>(&[]).unwrap().dry_run, None);
}

#[test]
fn a_switch_takes_a_value_after_an_equals_sign_only() {
    let all = |line: &[&str]| parse::<SearchArgs>(line).unwrap().all;
    assert_eq!(all(&["--all"]), Some(true));
    assert_eq!(all(&["--all=no"]), Some(false));
    let args: SearchArgs = parse(&["--all", "project = GAIA"]).unwrap();
    assert_eq!((args.all, args.jql_pos), (Some(true), some("project = GAIA")));
    assert!(parse::<SearchArgs>(&["--all=perhaps"]).is_none());
}

#[test]
fn free_text_may_begin_with_a_dash() {
    let args: RunArgs = parse(&["--ref", "- fix GAIA-1", "--comment", "--done", "--lenient"]).unwrap();
    assert_eq!(
        (args.reference, args.comment, args.lenient),
        (some("- fix GAIA-1"), some("--done"), Some(true))
    );
    assert_eq!(parse::<SearchArgs>(&["--jql", "-"]).unwrap().jql, some("-"));
    assert_eq!(parse::<SearchArgs>(&["--limit", "-1"]).unwrap().limit, Some(-1), "refused in our own words");
}

#[test]
fn a_flag_and_its_position_exclude_each_other() {
    assert!(parse::<SearchArgs>(&["--jql", "a = b", "c = d"]).is_none());
    assert!(parse::<GetArgs>(&["--key", "GAIA-1", "GAIA-2"]).is_none());
    assert_eq!(parse::<GetArgs>(&["GAIA-1", "GAIA-2"]).unwrap().keys.len(), 2);
}
