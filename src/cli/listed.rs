//! What a command is about is said where the commands are listed, and its arguments come when it is named.

use clap::builder::Resettable;
use clap::error::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches, Id};

/// Arguments of a command that is listed. clap takes the comment on them for what the command is about; put together
/// after the list, it would stand in place of the list's own words.
#[derive(Clone, Debug)]
pub struct Listed<A>(pub A);

impl<A: Args> Args for Listed<A> {
    fn augment_args(command: Command) -> Command {
        let about = Resettable::from(command.get_about().cloned());
        let long_about = Resettable::from(command.get_long_about().cloned());
        A::augment_args(command).about(about).long_about(long_about)
    }

    fn augment_args_for_update(command: Command) -> Command {
        A::augment_args_for_update(command)
    }

    fn group_id() -> Option<Id> {
        A::group_id()
    }
}

impl<A: FromArgMatches> FromArgMatches for Listed<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        A::from_arg_matches(matches).map(Listed)
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, Error> {
        A::from_arg_matches_mut(matches).map(Listed)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

/// A command together with what it takes, which is otherwise put off until a command line names it. clap adds `--help`.
pub fn defined(command: Command) -> Command {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    command
}
