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

/// How a piece of Groovy is to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Code,
    LineComment,
    BlockComment,
    /// A string, with its delimiter and its length: one or three.
    String(char, usize),
}

/// Where `$` stands for a value of Groovy's, and no harmless one: in a text in double quotes, and not escaped.
pub fn interpolations(lines: &[Line]) -> HashSet<(usize, usize)> {
    let mut found = HashSet::new();
    let mut mode = Mode::Code;
    for line in lines {
        let mut at = 0;
        while let Some(spot) = line.get(at) {
            let triple = line[at..].iter().take(3).filter(|next| next.c == spot.c).count() == 3;
            let next = line.get(at + 1).map(|next| next.c);
            at += match (mode, spot.c) {
                (Mode::Code, quote @ ('"' | '\'')) => {
                    let length = if triple { 3 } else { 1 };
                    mode = Mode::String(quote, length);
                    length
                }
                (Mode::Code, '/') if next == Some('/') => {
                    mode = Mode::LineComment;
                    2
                }
                (Mode::Code, '/') if next == Some('*') => {
                    mode = Mode::BlockComment;
                    2
                }
                (Mode::BlockComment, '*') if next == Some('/') => {
                    mode = Mode::Code;
                    2
                }
                (Mode::String(..), '\\') => 2,
                (Mode::String(quote, length), c) if c == quote && (length == 1 || triple) => {
                    mode = Mode::Code;
                    length
                }
                (Mode::String('"', _), '$') => {
                    if expression(&line[at..]).is_some_and(|named| !is_harmless(&named)) {
                        found.insert((spot.line, spot.column));
                    }
                    1
                }
                _ => 1,
            };
        }
        // A string in one pair of quotes ends with its line, closed or not, unless the line goes on.
        let goes_on = line.last().is_some_and(|last| last.c == '\\');
        mode = match mode {
            Mode::LineComment => Mode::Code,
            Mode::String(_, 1) if !goes_on => Mode::Code,
            mode => mode,
        };
    }
    found
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

/// Whether nobody else has a say in a value of Groovy's.
pub fn is_harmless(expression: &str) -> bool {
    HARMLESS.contains(&expression.strip_prefix("env.").unwrap_or(expression))
}

#[cfg(test)]
mod tests {
    use super::super::lines::physical;
    use super::*;

    fn places(source: &str) -> Vec<(usize, usize)> {
        let mut places: Vec<_> = interpolations(&physical(source)).into_iter().collect();
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
