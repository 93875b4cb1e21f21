//! Words and commands of a shell, well enough for scripts and for the lines of a workflow that are handed to a
//! shell. What it does not know it takes for a word.

use std::borrow::Cow;

use super::lines::{Spot, text};

/// A command in a word, `$(…)`, is kept there as it is written up to this length, and only hinted at beyond: each of
/// those around it would take a copy.
const LONGEST_SUBSTITUTION: usize = 80;

/// A word, without its quotes.
#[derive(Clone, Debug)]
pub struct Word {
    pub spots: Vec<Spot>,
    pub line: usize,
    pub column: usize,
    /// Whether any of it was quoted, and how.
    pub quote: Option<char>,
}

impl Word {
    pub fn text(&self) -> String {
        text(&self.spots)
    }

    /// Whether that is its text; a long one is not read to its end for it.
    pub fn is(&self, text: &str) -> bool {
        self.spots.iter().map(|spot| spot.c).eq(text.chars())
    }
}

/// A command with its words, without what it is joined to.
#[derive(Clone, Debug, Default)]
pub struct Simple {
    pub words: Vec<Word>,
    /// Such as `2>&1`.
    pub redirects: Vec<String>,
    /// Where they go to and come from.
    pub targets: Vec<Word>,
    /// The operator before it.
    pub opened_by: &'static str,
    /// The operator behind it.
    pub closed_by: &'static str,
    /// Whether it stands in `$(…)` or backquotes.
    pub substituted: bool,
    /// What stands before it, if it is what a command goes on with behind `$(…)`.
    hole: Option<Hole>,
    /// The number of the part that it goes on with itself.
    goes_on: Option<usize>,
}

/// `$(…)` in the middle of a command.
#[derive(Clone, Debug)]
struct Hole {
    word: Vec<Spot>,
    /// Whether it is one word with what is before it, and with what is behind.
    joins: (bool, bool),
}

impl Simple {
    /// A command of these words alone.
    pub fn of(words: Vec<Word>) -> Simple {
        Simple { words, ..Simple::default() }
    }

    /// Whether a command goes on with it.
    pub fn continues(&self) -> bool {
        self.hole.is_some()
    }

    fn go_on(&mut self, part: &Simple) {
        let Some(hole) = &part.hole else { return };
        let mut words = part.words.iter().cloned();
        if let Some(first) = hole.word.first() {
            let before = self.words.pop_if(|_| hole.joins.0);
            let new = || Word { spots: Vec::new(), line: first.line, column: first.column, quote: None };
            let mut word = before.unwrap_or_else(new);
            word.spots.extend(&hole.word);
            if let Some(behind) = hole.joins.1.then(|| words.next()).flatten() {
                word.spots.extend(behind.spots);
                word.quote = word.quote.or(behind.quote);
            }
            self.words.push(word);
        }
        self.words.extend(words);
        self.redirects.extend(part.redirects.iter().cloned());
        self.targets.extend(part.targets.iter().cloned());
        self.closed_by = part.closed_by;
    }
}

/// The command that begins there, with all that it goes on with behind each `$(…)`, and the numbers of those parts.
pub fn whole(simples: &[Simple], at: usize) -> (Cow<'_, Simple>, Vec<usize>) {
    let mut whole = Cow::Borrowed(&simples[at]);
    let mut parts = Vec::new();
    let mut next = simples[at].goes_on;
    while let Some(part) = next {
        whole.to_mut().go_on(&simples[part]);
        parts.push(part);
        next = simples[part].goes_on;
    }
    (whole, parts)
}

/// Whether a shell, or whoever else reads a value, puts something into it.
pub fn expands(value: &str) -> bool {
    value.contains(['$', '`'])
}

/// The first command of a line, with all that it goes on with.
pub fn first(line: &[Spot]) -> Simple {
    whole(&commands(line), 0).0.into_owned()
}

/// The commands of one line, of which there is one at least, be it without words.
pub fn commands(line: &[Spot]) -> Vec<Simple> {
    let mut reader = Reader {
        spots: line,
        at: 0,
        done: Vec::new(),
        now: Simple::default(),
        depth: 0,
        back: None,
        open: Vec::new(),
    };
    reader.read();
    reader.done
}

struct Reader<'a> {
    spots: &'a [Spot],
    at: usize,
    done: Vec<Simple>,
    now: Simple,
    depth: usize,
    /// The backquotes that are open, and the parentheses: none for one that no command goes on behind.
    back: Option<Opened>,
    open: Vec<Option<Opened>>,
}

/// Where a substitution begins.
struct Opened {
    /// The number of the command before it.
    command: usize,
    at: usize,
    /// Whether it belongs to the word before it.
    joins: bool,
    /// Whether it is where a redirection goes, and no word.
    target: bool,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(spot) = self.peek(0) {
            match spot.c {
                '\n' => self.operator("\n", 1),
                c if c.is_whitespace() => self.at += 1,
                '#' => self.comment(),
                ';' => self.operator(";", 1),
                '(' => self.open("(", 1),
                ')' => {
                    self.depth = self.depth.saturating_sub(1);
                    self.operator(")", 1);
                    let opened = self.open.pop().flatten();
                    self.go_on(opened);
                }
                '`' => self.backquote(),
                '$' if self.is(1, '(') => self.open("$(", 2),
                '&' if self.is(1, '&') => self.operator("&&", 2),
                '&' if self.is(1, '>') => self.redirect("&".to_owned(), 1),
                '&' => self.operator("&", 1),
                '|' if self.is(1, '|') => self.operator("||", 2),
                '|' if self.is(1, '&') => {
                    self.now.redirects.push("2>&1".to_owned());
                    self.operator("|", 2);
                }
                '|' => self.operator("|", 1),
                '<' | '>' if self.is(1, '(') => self.open("(", 2),
                '<' | '>' => self.redirect(String::new(), 0),
                _ => self.word(false),
            }
        }
        self.operator("", 0);
    }

    fn peek(&self, ahead: usize) -> Option<Spot> {
        self.spots.get(self.at + ahead).copied()
    }

    fn is(&self, ahead: usize, c: char) -> bool {
        self.peek(ahead).is_some_and(|spot| spot.c == c)
    }

    fn comment(&mut self) {
        // Backquotes end with what is in them, as in a line that is commented by `# …`.
        let ends = |c: char| c == '\n' || c == '`' && self.back.is_some();
        while self.peek(0).is_some_and(|spot| !ends(spot.c)) {
            self.at += 1;
        }
    }

    /// `length`: more than one where a command goes on behind it.
    fn open(&mut self, operator: &'static str, length: usize) {
        let opened = Some(self.opened()).filter(|_| length > 1);
        self.operator(operator, length);
        self.open.push(opened);
        self.depth += usize::from(operator == "$(" || self.depth > 0);
        self.now.substituted = self.depth > 0 || self.back.is_some();
    }

    fn backquote(&mut self) {
        let closed = self.back.take();
        if closed.is_none() {
            self.back = Some(self.opened());
        }
        self.operator("`", 1);
        self.go_on(closed);
    }

    fn opened(&self) -> Opened {
        let before = self.at.checked_sub(1).map(|before| self.spots[before].c);
        let joins = match before {
            Some(')' | '`') => self.now.words.is_empty() && self.now.continues(),
            Some(c) => !c.is_whitespace() && !";|&(<>".contains(c),
            None => false,
        };
        let target = self.now.targets.last().is_some_and(|target| target.spots.is_empty());
        Opened { command: self.done.len(), at: self.at, joins, target }
    }

    /// What follows is a part of the command before the substitution that is closed.
    fn go_on(&mut self, opened: Option<Opened>) {
        let Some(Opened { command, at, joins, target }) = opened else { return };
        let mut word: Vec<Spot> = match self.at - at {
            _ if target => Vec::new(),
            length if length > LONGEST_SUBSTITUTION => {
                let mark = |c| Spot { c, ..self.spots[at] };
                ['$', '(', ')'].map(mark).to_vec()
            }
            _ => self.spots[at..self.at].to_vec(),
        };
        // `<(…)` is a value that nobody knows, too.
        if let Some(first) = word.first_mut().filter(|first| first.c != '`') {
            first.c = '$';
        }
        let behind = self.peek(0).is_some_and(|next| !next.c.is_whitespace() && !";|&()<>`".contains(next.c));
        self.now.hole = Some(Hole { word, joins: (joins, behind) });
        self.done[command].goes_on = Some(self.done.len());
    }

    fn operator(&mut self, operator: &'static str, length: usize) {
        self.at += length;
        let substituted = self.depth > 0 || self.back.is_some();
        let next = Simple { opened_by: operator, substituted, ..Simple::default() };
        let ended = std::mem::replace(&mut self.now, next);
        self.done.push(Simple { closed_by: operator, ..ended });
    }

    /// `descriptor` was read already, `length` characters ago.
    fn redirect(&mut self, descriptor: String, length: usize) {
        self.at += length;
        let mut whole = descriptor;
        while let Some(spot) = self.peek(0).filter(|spot| "<>&|-".contains(spot.c)) {
            whole.push(spot.c);
            self.at += 1;
        }
        while self.is(0, ' ') {
            self.at += 1;
        }
        if self.peek(0).is_some_and(|spot| !spot.c.is_whitespace() && !";|&()<>`".contains(spot.c)) {
            let before = self.now.words.len();
            self.word(true);
            // What stands behind the arrow is where it goes, not an argument.
            let target: Vec<Word> = self.now.words.drain(before..).collect();
            whole.extend(target.iter().map(Word::text));
            self.now.targets.extend(target);
        }
        self.now.redirects.push(whole);
    }

    /// `target`: of a redirection. That is no descriptor of the next one, or a line of them would be as many calls
    /// deep.
    fn word(&mut self, target: bool) {
        let Some(first) = self.peek(0) else { return };
        let mut word = Word { spots: vec![], line: first.line, column: first.column, quote: None };
        while let Some(spot) = self.peek(0) {
            match spot.c {
                c if c.is_whitespace() || ";|&()`".contains(c) => break,
                '<' | '>'
                    if !target
                        && !word.spots.is_empty()
                        && word.spots.iter().all(|spot| spot.c.is_ascii_digit()) =>
                {
                    return self.redirect(word.text(), 0);
                }
                '<' | '>' => break,
                '$' if self.is(1, '(') => break,
                '$' if self.is(1, '{') => self.expansion(&mut word),
                '\\' => {
                    word.spots.extend(self.peek(1));
                    self.at += 2;
                }
                '\'' | '"' => {
                    let argument = word.spots.is_empty() && self.now.words.is_empty() && !target;
                    self.quoted(spot.c, &mut word);
                    // Of a program's: no command has blanks in its name and a comma behind that.
                    if argument && self.is(0, ',') && word.spots.iter().any(|spot| spot.c.is_whitespace()) {
                        self.at += 1;
                        break;
                    }
                }
                _ => {
                    word.spots.push(spot);
                    self.at += 1;
                }
            }
        }
        self.now.words.push(word);
    }

    /// `${…}` and `${{ … }}`, whole.
    fn expansion(&mut self, word: &mut Word) {
        let close = if self.is(2, '{') { 2 } else { 1 };
        while let Some(spot) = self.peek(0) {
            word.spots.push(spot);
            self.at += 1;
            if spot.c == '}' && (close == 1 || self.is(0, '}')) {
                if close == 2 {
                    word.spots.extend(self.peek(0));
                    self.at += 1;
                }
                return;
            }
        }
    }

    fn quoted(&mut self, quote: char, word: &mut Word) {
        word.quote = word.quote.or(Some(quote));
        self.at += 1;
        let mut depth = 0usize;
        while let Some(spot) = self.peek(0) {
            match spot.c {
                c if c == quote && depth == 0 => {
                    self.at += 1;
                    return;
                }
                '\\' if quote == '"' && self.peek(1).is_some_and(|next| "\"\\$`\n".contains(next.c)) => {
                    word.spots.extend(self.peek(1));
                    self.at += 2;
                    continue;
                }
                // Quotes inside a command substitution or an expansion are its own.
                '(' | '{'
                    if quote == '"' && (depth > 0 || word.spots.last().is_some_and(|last| last.c == '$')) =>
                {
                    depth += 1
                }
                ')' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            word.spots.push(spot);
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests;
