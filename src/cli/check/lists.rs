//! Lists of words and single texts, as YAML, JSON, a Dockerfile or a program writes them.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::lines::{Line, Spot, text};
use super::position::{is_go_jira, is_key};
use super::shell::Word;

/// The strings of `["…", "…"]`, if the line has such a list; in a workflow's own they need no quotes.
pub fn array(line: &[Spot]) -> Option<Vec<Word>> {
    static KEY: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"^\s*(?:-\s+)?(?:args|command|commands|entrypoint|(?:before_|after_)?script|run|test):\s*\[",
        )
        .expect("a fixed pattern")
    });
    let plain = KEY.is_match(&text(line));
    let open = line.windows(2).position(|pair| pair[0].c == '[' && (plain || "\"' ".contains(pair[1].c)))?;
    let mut words = Vec::new();
    let mut ours = false;
    let mut rest = &line[open + 1..];
    loop {
        rest = &rest[rest.iter().take_while(|spot| spot.c.is_whitespace() || spot.c == ',').count()..];
        let first = rest.first()?;
        let (mut spots, mut quote) = (Vec::new(), None);
        match first.c {
            ']' => return Some(words).filter(|words| !words.is_empty()),
            mark @ ('"' | '\'') => {
                quote = Some(mark);
                let mut at = 1;
                while rest.get(at)?.c != mark {
                    let escaped = mark == '"' && rest[at].c == '\\';
                    at += usize::from(escaped);
                    let spot = *rest.get(at)?;
                    let c = if escaped && spot.c == 'n' { '\n' } else { spot.c };
                    spots.push(Spot { c, ..spot });
                    at += 1;
                }
                rest = &rest[at + 1..];
            }
            _ if plain => {
                let length = rest.iter().position(|spot| ",]".contains(spot.c))?;
                let end = rest[..length]
                    .iter()
                    .rposition(|spot| !spot.c.is_whitespace())
                    .map_or(0, |last| last + 1);
                spots = rest[..end].to_vec();
                rest = &rest[length..];
            }
            // A variable of a program's, as an argument.
            _ if ours => {
                spots = vec![Spot { c: '$', ..*first }];
                rest = &rest[rest.iter().position(|spot| ",]".contains(spot.c))?..];
            }
            _ => return None,
        }
        ours |= words.is_empty() && is_go_jira(&text(&spots));
        words.push(Word { spots, line: first.line, column: first.column, quote });
    }
}

/// Whether a list is one of commands, not of the words of one.
pub fn is_script(line: &[Spot]) -> bool {
    let text = text(line);
    let key = text.split(':').next().unwrap_or_default().trim_start_matches([' ', '-']);
    key.ends_with("script") || key == "commands"
}

/// What follows the dash of a list's item.
pub fn item(line: &Line) -> Option<&[Spot]> {
    let dash = line.iter().position(|spot| !spot.c.is_whitespace())?;
    let is_item = line[dash].c == '-' && line.get(dash + 1).is_some_and(|spot| spot.c == ' ');
    is_item.then(|| &line[dash + 2..])
}

/// A line without what YAML has before a command: the dash of an item, a key whose value is one.
pub fn bare(line: &[Spot]) -> &[Spot] {
    let mut rest = line;
    loop {
        let blanks = rest.iter().take_while(|spot| spot.c == ' ').count();
        let from = &rest[blanks..];
        let length = from.iter().position(|spot| spot.c == ' ' || spot.c == '\n').unwrap_or(from.len());
        let first: String = from.iter().take(length.min(LONGEST_KEY)).map(|spot| spot.c).collect();
        let key = first.strip_suffix(':').map(|key| key.trim_matches(['"', '\'']));
        if first != "-" && !key.is_some_and(is_key) {
            return rest;
        }
        rest = &from[from.len().min(length + 1)..];
    }
}

/// Longer than every key whose value is a command.
const LONGEST_KEY: usize = 32;

/// What a text in quotes says, if the quotes are YAML's: around all that is there.
pub fn quoted(value: &[Spot]) -> Option<Line> {
    let start = value.iter().position(|spot| !spot.c.is_whitespace())?;
    let mark = value[start].c;
    let mut content = Line::new();
    let mut at = start + 1;
    while let Some(spot) = value.get(at).filter(|_| "\"'".contains(mark)) {
        let next = value.get(at + 1);
        let c = match spot.c {
            '\'' if mark == '\'' && next.is_some_and(|next| next.c == '\'') => '\'',
            '\\' if mark == '"' => match next?.c {
                'n' => '\n',
                't' => '\t',
                c => c,
            },
            c if c == mark => {
                let mut rest =
                    value[at + 1..].iter().skip_while(|spot| spot.c.is_whitespace() || spot.c == ',');
                let comment = next.is_some_and(|next| next.c.is_whitespace());
                return rest.next().is_none_or(|spot| spot.c == '#' && comment).then_some(content);
            }
            c => {
                // A text that goes over several lines is one line of words.
                content.push(Spot { c: if c == '\n' { ' ' } else { c }, ..*spot });
                at += 1;
                continue;
            }
        };
        content.push(Spot { c, ..*spot });
        at += 2;
    }
    None
}

/// The one word that an item of a list of words is.
pub fn scalar(value: &[Spot]) -> Option<Word> {
    let start = value.iter().position(|spot| !spot.c.is_whitespace())?;
    let first = value[start];
    let (spots, quote) = match quoted(value) {
        Some(content) => (content, Some(first.c)),
        None => {
            let comment = value.windows(2).position(|pair| pair[0].c.is_whitespace() && pair[1].c == '#');
            let end =
                value[..comment.unwrap_or(value.len())].iter().rposition(|spot| !spot.c.is_whitespace())?;
            (value[start..=end].to_vec(), None)
        }
    };
    Some(Word { spots, line: first.line, column: first.column, quote })
}
