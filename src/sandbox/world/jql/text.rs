//! `~`: words in a text, much as Jira's index finds them. All words have to be there; `OR` between them,
//! a phrase in quotes and a trailing `*` are understood.

use crate::sandbox::world::World;
use crate::sandbox::world::issue::Issue;

use super::field::Field;

/// Alternatives, each of terms that all have to occur.
pub(super) struct Pattern(Vec<Vec<Term>>);

enum Term {
    Word(String),
    Prefix(String),
    Phrase(Vec<String>),
}

impl Pattern {
    /// Reads a search text; the error is what Jira says about it, after the name of the field.
    pub(super) fn new(query: &str) -> Result<Pattern, String> {
        let mut alternatives = vec![Vec::new()];
        let mut rest = query.trim();
        if rest.is_empty() {
            return Err("is not allowed to be empty.".to_owned());
        }
        while !rest.is_empty() {
            let (term, after) = match rest.strip_prefix('"') {
                Some(inner) => {
                    let (phrase, after) = inner.split_once('"').unwrap_or((inner, ""));
                    (Term::Phrase(words(phrase).collect()), after)
                }
                None => {
                    let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                    if let Some(first) = word.chars().next().filter(|c| "*?".contains(*c)) {
                        return Err(format!("is not allowed to start with '{first}'"));
                    }
                    if word == "OR" || word == "||" {
                        alternatives.push(Vec::new());
                    }
                    (single(word), after)
                }
            };
            let empty = matches!(&term, Term::Phrase(words) if words.is_empty());
            if let Some(terms) = alternatives.last_mut().filter(|_| !empty) {
                terms.push(term);
            }
            rest = after.trim_start();
        }
        alternatives.retain(|terms| !terms.is_empty());
        Ok(Pattern(alternatives))
    }

    /// Whether the field of the issue matches.
    pub(super) fn finds(&self, world: &World, issue: &Issue, field: Field) -> bool {
        let comments = || world.comments(issue.id).iter().any(|comment| self.matches(&comment.body.render()));
        let description = || issue.description.as_ref().is_some_and(|text| self.matches(&text.render()));
        match field {
            Field::Summary => self.matches(&issue.summary),
            Field::Description => description(),
            Field::Comment => comments(),
            Field::EpicName => issue.epic_name.as_ref().is_some_and(|name| self.matches(name)),
            _ => self.matches(&issue.summary) || description() || comments(),
        }
    }

    fn matches(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let words: Vec<&str> = split(&text).collect();
        self.0.iter().any(|terms| terms.iter().all(|term| term.occurs(&words)))
    }
}

impl Term {
    fn occurs(&self, words: &[&str]) -> bool {
        match self {
            Term::Word(wanted) => words.contains(&wanted.as_str()),
            Term::Prefix(start) => words.iter().any(|word| word.starts_with(start.as_str())),
            Term::Phrase(phrase) => words.windows(phrase.len()).any(|window| window == phrase),
        }
    }
}

/// A bare word; one with punctuation in it is a phrase of its parts. `AND` and `OR` themselves are none.
fn single(word: &str) -> Term {
    if ["AND", "OR", "||", "&&"].contains(&word) {
        return Term::Phrase(Vec::new());
    }
    let mut parts: Vec<String> = words(word).collect();
    match (parts.len(), word.ends_with('*')) {
        (1, true) => Term::Prefix(parts.remove(0)),
        (1, false) => Term::Word(parts.remove(0)),
        _ => Term::Phrase(parts),
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    split(text).map(str::to_lowercase)
}

fn split(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, text: &str) -> bool {
        Pattern::new(query).unwrap_or_else(|error| panic!("{error}")).matches(text)
    }

    #[test]
    fn words_phrases_prefixes_and_alternatives() {
        let text = "Fix the Größe filter when the session (GAIA-7) has expired";
        assert!(found("größe SESSION", text) && found("filter*", text) && found("sess*", text));
        assert!(found("\"session gaia 7\"", text) && found("GAIA-7", text));
        assert!(found("nothing OR expired", text));
        assert!(!found("sess", text) && !found("expired session nothing", text));
        assert!(!found("\"expired session\"", text) && !found("(((", text));
        assert!(Pattern::new("*x").is_err() && Pattern::new(" ").is_err());
    }
}
