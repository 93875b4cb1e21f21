//! Strings of Groovy, in a Jenkinsfile: what is pasted into one before the shell reads it.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::lines::{Line, Spot, text};

/// What Jenkins makes up itself: nobody else has a say in it.
const HARMLESS: [&str; 8] = [
    "BUILD_ID",
    "BUILD_NUMBER",
    "BUILD_URL",
    "EXECUTOR_NUMBER",
    "GIT_COMMIT",
    "NODE_NAME",
    "WORKSPACE",
    "currentBuild.number",
];

/// Whether a file is one, by its name or by what it says.
pub fn is_groovy(file: &str, source: &str) -> bool {
    static PIPELINE: LazyLock<Regex> = LazyLock::new(|| {
        // Nothing in the parentheses is how a shell begins a function.
        Regex::new(r"(?m)^\s*(?:pipeline|node(?:\s*\(\s*[^()\s][^()]*\))?)\s*\{").expect("a fixed pattern")
    });
    let file = file.to_ascii_lowercase();
    file.contains("jenkinsfile") || file.ends_with(".groovy") || PIPELINE.is_match(source)
}

/// What a file of Groovy says.
#[derive(Default)]
pub struct Read {
    /// Its lines without comments.
    pub code: Vec<Line>,
    /// The texts that are handed to a shell, as that gets them.
    pub commands: Vec<Vec<Line>>,
    /// Where `$` stands for a value of Groovy's, and no harmless one: in a text in double quotes, and not escaped.
    pub pasted: HashSet<(usize, usize)>,
}

/// How a piece of Groovy is to be read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Code,
    Comment,
    /// A string, with its delimiter and its length: one or three.
    String(char, usize),
}

#[derive(Default)]
struct Reader {
    read: Read,
    mode: Mode,
    /// The code since the last string, in one statement.
    before: String,
    /// The string so far, with what was escaped in it.
    text: Vec<Line>,
    /// Whether the last string was for a shell.
    command: bool,
    /// Whether the end of this line is escaped.
    goes_on: bool,
}

/// No expression in a string is longer.
const LONGEST_EXPRESSION: usize = 200;

/// Reads a file.
pub fn read(lines: &[Line]) -> Read {
    let mut reader = Reader::default();
    for line in lines {
        let mut code = Line::new();
        let mut at = 0;
        while at < line.len() {
            let was = reader.mode;
            let length = reader.next(line, at).min(line.len() - at);
            if was != Mode::Comment && reader.mode != Mode::Comment {
                code.extend(&line[at..at + length]);
            }
            at += if length == 0 { line.len() } else { length };
        }
        reader.read.code.push(code);
        reader.end_of_line();
    }
    reader.read
}

impl Reader {
    /// Takes what begins there, and says how long it is: nothing, if the rest of the line is a comment.
    fn next(&mut self, line: &[Spot], at: usize) -> usize {
        let spot = line[at];
        let triple = line[at..].iter().take(3).filter(|next| next.c == spot.c).count() == 3;
        let next = line.get(at + 1).copied();
        let follows = |c| next.is_some_and(|next| next.c == c);
        match (self.mode, spot.c) {
            (Mode::Code, quote @ ('"' | '\'')) => {
                let length = if triple { 3 } else { 1 };
                self.mode = Mode::String(quote, length);
                self.text = vec![Line::new()];
                length
            }
            (Mode::Code, '/') if follows('/') => 0,
            (Mode::Code, '/') if follows('*') => {
                self.mode = Mode::Comment;
                2
            }
            (Mode::Code, c) => {
                match c {
                    ';' | '{' | '}' => self.before.clear(),
                    // What is kept over many lines is looked at with each: a blank stands for any number of them.
                    c if c.is_whitespace() && self.before.ends_with(char::is_whitespace) => {}
                    c => self.before.push(c),
                }
                1
            }
            (Mode::Comment, '*') if follows('/') => {
                self.mode = Mode::Code;
                2
            }
            (Mode::Comment, _) => 1,
            (Mode::String(..), '\\') => {
                match next {
                    Some(Spot { c: 'n', .. }) => self.text.push(Line::new()),
                    Some(next) => self.push(Spot { c: if next.c == 't' { '\t' } else { next.c }, ..next }),
                    None => self.goes_on = true,
                }
                2
            }
            (Mode::String(quote, length), c) if c == quote && (length == 1 || triple) => {
                self.end_of_string(line.get(at + length..).unwrap_or_default());
                length
            }
            (Mode::String('"', _), '$') => {
                if expression(&line[at..]).is_some_and(|named| !is_harmless(&named)) {
                    self.read.pasted.insert((spot.line, spot.column));
                }
                // Quotes in an expression are its own.
                let length = if follows('{') { braced(&line[at + 1..]) } else { 0 };
                line[at..=at + length].iter().for_each(|spot| self.push(*spot));
                1 + length
            }
            (Mode::String(..), _) => {
                self.push(spot);
                1
            }
        }
    }

    fn push(&mut self, spot: Spot) {
        if let Some(line) = self.text.last_mut() {
            line.push(spot);
        }
    }

    fn end_of_string(&mut self, behind: &[Spot]) {
        static RUNS: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?:^|\W)(?:sh|bat|powershell|pwsh)\s*\(?\s*$|\b(?:script|command|cmd)\s*:\s*$")
                .expect("a fixed pattern")
        });
        let before = std::mem::take(&mut self.before);
        let before = before.trim();
        let added = self.command && before.starts_with('+') && before.ends_with('+');
        let executed = behind.iter().take(8).map(|spot| spot.c).eq(".execute".chars());
        let text = std::mem::take(&mut self.text);
        self.mode = Mode::Code;
        self.command = added || executed || RUNS.is_match(before);
        match self.read.commands.last_mut().filter(|_| added) {
            // "…" + value + "…" is one text, and what is between is known when it runs.
            Some(command) => {
                let mut text = text.into_iter();
                if let (Some(last), Some(first)) = (command.last_mut(), text.next()) {
                    last.extend(last.last().filter(|_| before.len() > 1).map(|end| Spot { c: '$', ..*end }));
                    last.extend(first);
                }
                command.extend(text);
            }
            None if self.command => self.read.commands.push(text),
            None => {}
        }
    }

    /// A string in one pair of quotes ends with its line, closed or not, unless the line goes on.
    fn end_of_line(&mut self) {
        let goes_on = std::mem::take(&mut self.goes_on);
        match self.mode {
            Mode::String(_, 1) if !goes_on => self.mode = Mode::Code,
            Mode::String(_, 3) if !goes_on => self.text.push(Line::new()),
            Mode::Code if !self.before.trim_end().ends_with(['(', ',', ':', '+', '=', '[']) => {
                self.before.clear()
            }
            _ => {}
        }
    }
}

/// The length of `{…}` with what is nested in it; nothing where it does not end soon.
fn braced(spots: &[Spot]) -> usize {
    let mut depth = 0usize;
    for (at, spot) in spots.iter().take(LONGEST_EXPRESSION).enumerate() {
        match spot.c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    0
}

/// `${name}` or `$name`, without the signs.
pub fn expression(spots: &[Spot]) -> Option<String> {
    static EXPRESSION: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^\$(?:\{([^{}]*)\}|([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))").expect("a fixed pattern")
    });
    // No further than it can reach: a line may hold a million of them.
    let braced = spots.get(1)?.c == '{';
    let start = if braced { 2 } else { 1 };
    let ends = |spot: &Spot| match braced {
        true => "{}".contains(spot.c),
        false => !spot.c.is_ascii_alphanumeric() && !"_.".contains(spot.c),
    };
    let length = spots[start..].iter().position(ends).map_or(spots.len(), |end| start + end + 1);
    let source = text(&spots[..length]);
    let found = EXPRESSION.captures(&source)?;
    Some(found.get(1).or(found.get(2))?.as_str().trim().to_owned())
}

/// The variables that Jenkins fills with credentials.
pub fn credentials(lines: &[Line]) -> HashSet<String> {
    static KEPT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\b([A-Za-z_]\w*)\s*=\s*credentials\s*\(|[vV]ariable:\s*["'](\w+)["']"#)
            .expect("a fixed pattern")
    });
    let names = |line: &Line| -> Vec<String> {
        let source = text(line);
        let found = KEPT.captures_iter(&source);
        found.filter_map(|found| Some(found.get(1).or(found.get(2))?.as_str().to_owned())).collect()
    };
    lines.iter().flat_map(names).collect()
}

/// Whether nobody else has a say in a value of Groovy's.
pub fn is_harmless(expression: &str) -> bool {
    HARMLESS.contains(&expression.strip_prefix("env.").unwrap_or(expression))
}

#[cfg(test)]
mod tests {
    use super::super::lines::physical;
    use super::*;

    fn places(source: &str) -> Vec<(usize, usize)> {
        let mut places: Vec<_> = read(&physical(source)).pasted.into_iter().collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn only_double_quotes_interpolate() {
        assert_eq!(places(r#"sh "a ${b} $c \${d} \$e""#), [(1, 7), (1, 12)]);
        assert_eq!(places("sh 'a ${b}'\nsh '''\n  a $b\n'''"), []);
        assert_eq!(places("sh \"\"\"\n  a ${b}\n  'c ${d}'\n\"\"\"\nsh 'a ${b}'"), [(2, 5), (3, 6)]);
    }

    #[test]
    fn comments_do_not_and_what_jenkins_makes_up_does_no_harm() {
        assert_eq!(places("// \"${a}\"\n/* \"\n${b}\" */ x \"${c}\""), [(3, 13)]);
        assert_eq!(places(r#"sh "a ${env.BUILD_NUMBER} $GIT_COMMIT ${ WORKSPACE } $ {x} 5$""#), []);
        // An apostrophe in a comment opens nothing.
        assert_eq!(places("// don't\nsh \"${a}\""), [(2, 5)]);
    }

    #[test]
    fn another_language_is_not_taken_for_it() {
        for source in ["pipeline {\n", "  node {", "node('linux') { stage('x') {", "node( 'linux' ) {"] {
            assert!(is_groovy("<stdin>", source), "{source}");
        }
        assert!(!is_groovy("deploy.js", "node.on(\"x\", function () {\n"));
        for function in ["node() {\n", "node () {", "node( ) { go-jira run; }", "pipeline() {\n"] {
            assert!(!is_groovy("ci.sh", function), "{function}");
        }
        // By its name it is one all the same.
        assert!(is_groovy("Jenkinsfile", "node() {\n"));
    }
}
