//! Which words fit at the cursor, from clap's tree. What a value may be is asked of the caller.

use clap::{Arg, ArgAction, Command};

use crate::config::{SETTINGS, flag_facts};

/// A word that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) word: String,
    pub(super) help: String,
}

/// What fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// The shell knows files better.
    Files,
    Words(Vec<Candidate>),
}

/// Values that do not stand in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Keys,
    Projects,
    Transitions,
    Statuses,
    LinkTypes,
    Boards,
    Sites,
}

/// What the words before the cursor come to.
struct Place<'t> {
    root: &'t Command,
    command: &'t Command,
    /// The flag whose value comes next.
    open: Option<&'t Arg>,
    /// Positions that are filled.
    filled: usize,
    /// Flags that were given.
    given: Vec<&'t str>,
    /// Behind a `--` there are no flags.
    only_positions: bool,
}

/// The words that fit in the place of `current`, behind `before`.
pub(super) fn offer(
    tree: &Command,
    before: &[String],
    current: &str,
    values: &dyn Fn(Wanted) -> Vec<String>,
) -> Offer {
    let place = before.iter().fold(Place::new(tree), Place::after);
    if let Some(arg) = place.open {
        return of_value(arg, current, "", &place, values);
    }
    if !place.only_positions && current.starts_with('-') {
        if let Some((name, value)) = current.split_once('=') {
            let flag = name.strip_prefix("--").and_then(|name| place.flag(name));
            let prefix = format!("{name}=");
            return match flag {
                Some(arg) if arg.get_action().takes_values() => of_value(arg, value, &prefix, &place, values),
                _ => Offer::Words(Vec::new()),
            };
        }
        return Offer::Words(place.flags(current));
    }
    let mut words = match place.only_positions || place.filled > 0 {
        true => Vec::new(),
        false => place.subcommands(current),
    };
    match place.position().map(|arg| of_value(arg, current, "", &place, values)) {
        Some(Offer::Files) => Offer::Files,
        Some(Offer::Words(more)) => {
            words.extend(more);
            Offer::Words(words)
        }
        None => Offer::Words(words),
    }
}

impl<'t> Place<'t> {
    fn new(root: &'t Command) -> Self {
        Place { root, command: root, open: None, filled: 0, given: Vec::new(), only_positions: false }
    }

    fn after(mut self, word: &String) -> Self {
        if self.open.take().is_some() {
            return self;
        }
        if !self.only_positions && word == "--" {
            self.only_positions = true;
            return self;
        }
        if !self.only_positions && word.starts_with('-') && word.len() > 1 {
            let (name, value) =
                word.split_once('=').map_or((&**word, None), |(name, value)| (name, Some(value)));
            let arg = match name.strip_prefix("--") {
                Some(name) => self.flag(name),
                None => self.args().find(|arg| arg.get_short() == name.chars().last()),
            };
            self.given.extend(arg.and_then(Arg::get_long));
            let wants_one = |arg: &&Arg| arg.get_action().takes_values() && !optional(arg);
            self.open = arg.filter(|arg| value.is_none() && wants_one(arg));
            return self;
        }
        match self.command.find_subcommand(word).filter(|_| !self.only_positions && self.filled == 0) {
            Some(command) => self.command = command,
            None => self.filled += 1,
        }
        self
    }

    /// The flags that may stand here: the command's own, and the global ones.
    fn args(&self) -> impl Iterator<Item = &'t Arg> + use<'t> {
        let (root, command) = (self.root, self.command);
        let own = command.get_arguments();
        let global =
            root.get_arguments().filter(move |arg| arg.is_global_set() && !std::ptr::eq(root, command));
        // clap knows of --help only where a command has been put together: `flags` adds it everywhere.
        own.chain(global).filter(|arg| !arg.is_hide_set() && arg.get_id() != "help")
    }

    fn flag(&self, name: &str) -> Option<&'t Arg> {
        self.args().find(|arg| {
            arg.get_long() == Some(name) || arg.get_visible_aliases().unwrap_or_default().contains(&name)
        })
    }

    fn flags(&self, current: &str) -> Vec<Candidate> {
        let mut flags: Vec<Candidate> = self
            .args()
            .filter_map(|arg| Some((arg, arg.get_long()?)))
            .filter(|(arg, long)| repeats(arg) || !self.given.contains(long))
            .map(|(arg, long)| Candidate {
                word: format!("--{long}"),
                help: first_line(arg.get_help().map(|help| help.to_string())),
            })
            .collect();
        flags.push(Candidate { word: "--help".to_owned(), help: "Print help".to_owned() });
        flags.retain(|flag| flag.word.starts_with(current));
        flags
    }

    fn subcommands(&self, current: &str) -> Vec<Candidate> {
        let below = self.command.get_subcommands().filter(|one| !one.is_hide_set());
        let fitting = below.filter(|one| one.get_name().starts_with(current));
        fitting
            .map(|one| Candidate {
                word: one.get_name().to_owned(),
                help: first_line(one.get_about().map(|about| about.to_string())),
            })
            .collect()
    }

    /// The position that comes next; the last one may take several.
    fn position(&self) -> Option<&'t Arg> {
        let mut positions: Vec<&Arg> = self.command.get_positionals().collect();
        positions.retain(|arg| {
            let stands_for = arg.get_id().as_str().strip_suffix("_pos");
            stands_for.is_none_or(|flag| !self.given.contains(&flag))
        });
        positions.get(self.filled).or_else(|| positions.last().filter(|arg| repeats(arg))).copied()
    }
}

/// Whether the flag may stand without a value, and takes one only behind `=`.
fn optional(arg: &Arg) -> bool {
    arg.is_require_equals_set() || arg.get_num_args().is_some_and(|range| range.min_values() == 0)
}

fn repeats(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append | ArgAction::Count)
}

fn first_line(text: Option<String>) -> String {
    text.unwrap_or_default().lines().next().unwrap_or_default().replace('\t', " ")
}

/// What the value of a flag or a position may be.
fn of_value(
    arg: &Arg,
    current: &str,
    prefix: &str,
    place: &Place,
    values: &dyn Fn(Wanted) -> Vec<String>,
) -> Offer {
    let plain = |words: Vec<String>| -> Vec<Candidate> {
        words.into_iter().map(|word| Candidate { word, help: String::new() }).collect()
    };
    let name = arg.get_long().unwrap_or(arg.get_id().as_str());
    let facts = flag_facts(name).filter(|_| arg.get_long().is_some());
    let possible = arg.get_possible_values();
    let all = match wanted(arg, name, place.command.get_name()) {
        _ if !possible.is_empty() => {
            let shown = possible.iter().filter(|value| !value.is_hide_set());
            let help = |value: &clap::builder::PossibleValue| value.get_help().map(|help| help.to_string());
            shown
                .map(|value| Candidate { word: value.get_name().to_owned(), help: first_line(help(value)) })
                .collect()
        }
        Some(wanted) => plain(values(wanted)),
        None if place.command.get_name() == "set" && name == "setting" => {
            plain(SETTINGS.iter().map(|setting| setting.name.to_owned()).collect())
        }
        None if matches!(place.command.get_name(), "schema" | "man") && name == "command" => {
            Place::new(place.root).subcommands("")
        }
        None if value_name(arg, &["FILE", "DIR"]) => return Offer::Files,
        None => {
            let known = facts.into_iter().flat_map(|facts| facts.values);
            plain(known.map(str::to_owned).collect())
        }
    };
    // Who types `ga` means GAIA.
    let fits = |word: &str| word.to_lowercase().starts_with(&current.to_lowercase());
    let words = all.into_iter().filter(|candidate| fits(&candidate.word));
    Offer::Words(words.map(|one| Candidate { word: format!("{prefix}{}", one.word), ..one }).collect())
}

/// What Jira or config.toml would have to say for it.
fn wanted(arg: &Arg, name: &str, command: &str) -> Option<Wanted> {
    match name {
        "to-transition" => Some(Wanted::Transitions),
        "from-status" => Some(Wanted::Statuses),
        "project" | "projects" => Some(Wanted::Projects),
        "link-type" => Some(Wanted::LinkTypes),
        "board-id" => Some(Wanted::Boards),
        "site" => Some(Wanted::Sites),
        "name" if matches!(command, "use" | "set" | "remove") => Some(Wanted::Sites),
        _ if value_name(arg, &["KEY"]) => Some(Wanted::Keys),
        _ => None,
    }
}

fn value_name(arg: &Arg, names: &[&str]) -> bool {
    arg.get_value_names().is_some_and(|known| known.iter().any(|name| names.contains(&name.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::completion::answer::tree;

    fn words(line: &[&str]) -> Vec<String> {
        let (current, before) = line.split_last().unwrap();
        let before: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        let values = |wanted: Wanted| {
            let words: &[&str] = match wanted {
                Wanted::Keys => &["GAIA-1", "GAIA-12", "ZEUS-3"],
                Wanted::Transitions => &["Done", "In Progress"],
                Wanted::Sites => &["work"],
                _ => &[],
            };
            words.iter().map(|word| (*word).to_owned()).collect()
        };
        match offer(&tree(&before), &before, current, &values) {
            Offer::Files => vec![":files".to_owned()],
            Offer::Words(words) => words.into_iter().map(|one| one.word).collect(),
        }
    }

    #[test]
    fn commands_and_flags_come_from_the_program() {
        assert_eq!(words(&["se"]), ["search"]);
        assert_eq!(words(&["token", ""]), ["status", "refresh", "print"]);
        assert_eq!(words(&["--output", "text", "tok"]), ["token"]);
        assert_eq!(words(&["search", "--jq"]), ["--jql"]);
        assert_eq!(words(&["token", "status", "--ch"]), ["--check"]);
        assert_eq!(words(&["get", "--no-i"]), ["--no-input"]);
        assert!(words(&["get", "--key", "X-1", "--key"]).is_empty(), "a flag is given once");
        assert!(words(&["__c"]).is_empty());
    }

    #[test]
    fn values_come_from_where_they_are_known() {
        assert_eq!(words(&["get", "GA"]), ["GAIA-1", "GAIA-12"]);
        assert_eq!(words(&["get", "GAIA-1", "z"]), ["ZEUS-3"]);
        assert_eq!(words(&["get", "--key", "gaia-12"]), ["GAIA-12"]);
        assert_eq!(words(&["run", "--to-transition=In"]), ["--to-transition=In Progress"]);
        assert_eq!(words(&["run", "--to-transition", ""]), ["Done", "In Progress"]);
        assert_eq!(words(&["whoami", "--site", ""]), ["work"]);
        assert_eq!(words(&["site", "use", "w"]), ["work"]);
        assert_eq!(words(&["whoami", "--output", ""]), ["json", "jsonl", "text"]);
        assert_eq!(words(&["login", "--scope", "R"]), ["READ"]);
        assert_eq!(words(&["completion", "b"]), ["bash"]);
        assert_eq!(words(&["schema", "sea"]), ["search"]);
        assert!(words(&["site", "set", "work", "broker"]).contains(&"broker-url".to_owned()));
        assert_eq!(words(&["whoami", "--ca-bundle", ""]), [":files"]);
        assert!(words(&["search", "--jql", ""]).is_empty());
        assert!(words(&["get", "--", "--k"]).is_empty(), "behind -- there are no flags");
    }
}
