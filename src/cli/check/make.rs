//! Makefiles: a recipe as its shell gets it.

use std::collections::HashSet;

use super::lines::{Line, Spot, is_continued};

/// The lines of a makefile, and the numbers of those whose failure make passes over.
#[derive(Default)]
pub struct Recipes {
    pub lines: Vec<Line>,
    pub forgiven: HashSet<usize>,
}

/// Whether a file is one, by its name.
pub fn is_make(file: &str) -> bool {
    let file = file.to_ascii_lowercase();
    file.contains("makefile") || file.ends_with(".mk")
}

/// Its lines, with `$$` and `$(NAME)` as a shell writes them, and without make's own marks before a command.
pub fn recipes(lines: &[Line]) -> Recipes {
    let mut forgiven = HashSet::new();
    let mut goes_on = false;
    let read = lines.iter().map(|line| {
        let mut rest = line.as_slice();
        // Behind a backslash the same command goes on, and its dashes are its own.
        let begins = !std::mem::replace(&mut goes_on, is_continued(line));
        if let Some((Spot { c: '\t', .. }, recipe)) = rest.split_first().filter(|_| begins) {
            let marks = recipe.iter().take_while(|spot| "@-+ \t".contains(spot.c)).count();
            let (marks, command) = recipe.split_at(marks);
            if marks.iter().any(|spot| spot.c == '-') {
                forgiven.extend(command.first().map(|first| first.line));
            }
            rest = command;
        }
        expanded(rest)
    });
    let lines = read.collect();
    Recipes { lines, forgiven }
}

fn expanded(line: &[Spot]) -> Line {
    let mut read = Line::with_capacity(line.len());
    let mut at = 0;
    while let Some(spot) = line.get(at) {
        let next = line.get(at + 1).map(|next| next.c);
        let name = || {
            line[at + 2..].iter().take_while(|spot| spot.c.is_ascii_alphanumeric() || spot.c == '_').count()
        };
        match (spot.c, next) {
            ('$', Some('$')) => {
                read.push(*spot);
                at += 2;
            }
            ('$', Some('(')) if line.get(at + 2 + name()).is_some_and(|end| end.c == ')') => {
                let end = at + 2 + name();
                read.extend(line[at..=end].iter().map(|spot| match spot.c {
                    '(' => Spot { c: '{', ..*spot },
                    ')' => Spot { c: '}', ..*spot },
                    _ => *spot,
                }));
                at = end + 1;
            }
            _ => {
                read.push(*spot);
                at += 1;
            }
        }
    }
    read
}
