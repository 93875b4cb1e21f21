//! The one command that a command line names, without the others: most of what a short command takes until its work
//! begins would be to list those that it is not.

use clap::{Args, Command, Subcommand};

use crate::ops;

use super::flags::TopFlags;
use super::listed::Listed;
use super::{broker, completion, config, login, logout, man, sandbox, schema, site, token};

/// Adds what a command takes.
type Takes = fn(Command) -> Command;

/// Every command with what it takes. The words about it are the list's, and for the help alone.
const TAKES: &[(&str, Takes)] = &[
    ("run", Listed::<ops::run::RunArgs>::augment_args),
    ("create", Listed::<ops::create::CreateArgs>::augment_args),
    ("delete", Listed::<ops::delete::DeleteArgs>::augment_args),
    ("get", Listed::<ops::get::GetArgs>::augment_args),
    ("link", Listed::<ops::link::LinkArgs>::augment_args),
    ("search", Listed::<ops::search::SearchArgs>::augment_args),
    ("update", Listed::<ops::update::UpdateArgs>::augment_args),
    ("boards", Listed::<ops::boards::BoardsArgs>::augment_args),
    ("epics", Listed::<ops::epics::EpicsArgs>::augment_args),
    ("sprints", Listed::<ops::sprints::SprintsArgs>::augment_args),
    ("login", Listed::<login::LoginArgs>::augment_args),
    ("logout", Listed::<logout::LogoutArgs>::augment_args),
    ("token", group::<token::TokenCommand>),
    ("whoami", nothing),
    ("site", group::<site::SiteCommand>),
    ("config", group::<config::ConfigCommand>),
    ("broker", group::<broker::BrokerCommand>),
    ("sandbox", group::<sandbox::SandboxCommand>),
    ("schema", Listed::<schema::SchemaArgs>::augment_args),
    ("completion", Listed::<completion::CompletionArgs>::augment_args),
    ("man", Listed::<man::ManArgs>::augment_args),
    ("version", nothing),
];

/// The command line that knows the first command that is named, and no other; none where none is.
pub fn only(args: &[String]) -> Option<Command> {
    let (name, takes) = args.iter().find_map(|arg| TAKES.iter().find(|(name, _)| name == arg))?;
    let top = Command::new("jira").disable_version_flag(true);
    Some(TopFlags::augment_args(top).subcommand(takes(Command::new(*name))))
}

fn group<S: Subcommand>(command: Command) -> Command {
    S::augment_subcommands(command.subcommand_required(true).arg_required_else_help(true))
}

fn nothing(command: Command) -> Command {
    command
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use regex_lite::Regex;

    use super::super::Cli;
    use super::super::listed::defined;
    use super::*;

    /// All of a command but the words about it and its place in the list.
    fn form(command: &Command) -> String {
        let bare = command.clone().about(None).long_about(None).display_order(0);
        format!("{:#?}", bare.mut_subcommands(defined))
    }

    /// What stands above the commands, however many there are, but for the words of the help and its order.
    fn top(command: &Command) -> String {
        let bare = command.clone().about(None).long_about(None).after_help(None);
        let none = format!("{:?}, ", Command::new(""));
        let form = format!("{:?}", bare.mut_subcommands(|_| Command::new(""))).replace(&none, "");
        let beside = Regex::new(r#"ArgGroup \{ id: "Cli"[^}]*\}, |current_disp_ord: \w+\(\d+\), "#).unwrap();
        beside.replace_all(&form, "").into_owned()
    }

    #[test]
    fn every_command_of_the_list_is_known_as_the_list_has_it() {
        let whole = Cli::command();
        for listed in whole.get_subcommands() {
            let name = listed.get_name();
            let one = only(&[name.to_owned()]).expect(name);
            assert_eq!(top(&one), top(&whole));
            let named = one.get_subcommands().next().unwrap();
            assert_eq!(form(&defined(named.clone())), form(&defined(listed.clone())), "{name}");
        }
        assert_eq!(TAKES.len(), whole.get_subcommands().count());
    }

    #[test]
    fn the_first_that_is_named_counts() {
        let name = |line: &str| {
            let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
            only(&args)
                .map(|one| one.get_subcommands().map(|one| one.get_name().to_owned()).collect::<String>())
        };
        assert_eq!(name("--quiet get run").as_deref(), Some("get"));
        assert_eq!(name("--version"), None);
        assert_eq!(name("help get2"), None);
    }
}
