//! Words and commands of a shell, well enough for scripts and for the lines of a workflow that are handed to a
//! shell. What it does not know it takes for a word.

use super::lines::{Spot, text};

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
}

/// The commands of one line.
pub fn commands(line: &[Spot]) -> Vec<Simple> {
    let mut reader =
        Reader { spots: line, at: 0, done: Vec::new(), now: Simple::default(), depth: 0, back: false };
    reader.read();
    reader.done
}

struct Reader<'a> {
    spots: &'a [Spot],
    at: usize,
    done: Vec<Simple>,
    now: Simple,
    depth: usize,
    back: bool,
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
                }
                '`' => {
                    self.back = !self.back;
                    self.operator("`", 1);
                }
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
        while self.peek(0).is_some_and(|spot| spot.c != '\n') {
            self.at += 1;
        }
    }

    fn open(&mut self, operator: &'static str, length: usize) {
        self.operator(operator, length);
        self.depth += usize::from(operator == "$(" || self.depth > 0);
        self.now.substituted = self.depth > 0 || self.back;
    }

    fn operator(&mut self, operator: &'static str, length: usize) {
        self.at += length;
        let substituted = self.depth > 0 || self.back;
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
                '\'' | '"' => self.quoted(spot.c, &mut word),
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
mod tests {
    use super::super::lines::physical;
    use super::*;

    fn words(line: &str) -> Vec<Vec<String>> {
        let simples = commands(&physical(line)[0]);
        let texts = |simple: &Simple| simple.words.iter().map(Word::text).collect();
        simples.iter().map(texts).filter(|words: &Vec<String>| !words.is_empty()).collect()
    }

    #[test]
    fn quotes_escapes_and_comments() {
        assert_eq!(words(r#"a 'b c' "d \"e\"" f\ g"h"'i' # j 'k"#), [["a", "b c", "d \"e\"", "f ghi"]]);
        assert_eq!(words("a#b #c"), [["a#b"]]);
        assert_eq!(words("a 'never closed"), [["a", "never closed"]]);
        assert_eq!(words("a ${{ b > c }} ${d:-e f}"), [["a", "${{ b > c }}", "${d:-e f}"]]);
    }

    #[test]
    fn operators_part_commands() {
        assert_eq!(
            words("a b && c || d; e | f"),
            [vec!["a", "b"], vec!["c"], vec!["d"], vec!["e"], vec!["f"]]
        );
        let simples = commands(&physical("x=$(a b) \"$(c \"d\" e)\" || true")[0]);
        assert_eq!(simples[1].words.iter().map(Word::text).collect::<Vec<_>>(), ["a", "b"]);
        assert!(simples[1].substituted && !simples[0].substituted && !simples[2].substituted);
        assert_eq!(simples[2].words[0].text(), "$(c \"d\" e)");
        assert_eq!(simples[2].closed_by, "||");
    }

    #[test]
    fn redirections_are_no_words() {
        let simple = &commands(&physical("a 2>&1 >out b 2> /dev/null &>x c|&d")[0])[0];
        assert_eq!(simple.redirects, ["2>&1", ">out", "2>/dev/null", "&>x", "2>&1"]);
        assert_eq!(simple.words.iter().map(Word::text).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn a_word_knows_its_place() {
        let simple = &commands(&physical("a  'b'")[0])[0];
        assert_eq!((simple.words[1].line, simple.words[1].column), (1, 4));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_odd(line in "[ -~]{0,80}") {
            commands(&physical(&line)[0]);
        }
    }
}
