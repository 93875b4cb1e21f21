//! A file as the lines that a shell or a workflow takes for one: continued lines joined, folded blocks of YAML
//! unfolded, here-documents that no shell reads left out. Every character knows where it stands.

use std::collections::HashMap;

use super::lists::bare;

/// A character and where it stands, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    pub c: char,
    pub line: usize,
    pub column: usize,
}

/// A line, or what counts as one.
pub type Line = Vec<Spot>;

/// A quoted text longer than this is a quote that nobody closed.
const LONGEST_QUOTE: usize = 100;

/// The text of some spots.
pub fn text(spots: &[Spot]) -> String {
    spots.iter().map(|spot| spot.c).collect()
}

/// Counts the characters before places in a text, each from the place before: a line may hold a million of them.
pub struct Columns<'a> {
    text: &'a str,
    byte: usize,
    count: usize,
}

impl<'a> Columns<'a> {
    pub fn of(text: &'a str) -> Columns<'a> {
        Columns { text, byte: 0, count: 0 }
    }

    /// The number of characters before that byte; going back starts anew.
    pub fn before(&mut self, byte: usize) -> usize {
        if byte < self.byte {
            (self.byte, self.count) = (0, 0);
        }
        self.count += self.text[self.byte..byte].chars().count();
        self.byte = byte;
        self.count
    }
}

/// The lines of a file, one each as they stand.
pub fn physical(text: &str) -> Vec<Line> {
    let spots = |(number, line): (usize, &str)| {
        let at = |(column, c)| Spot { c, line: number + 1, column: column + 1 };
        line.trim_end_matches('\r').chars().enumerate().map(at).collect()
    };
    // A mark of the order of bytes is no part of the first line.
    text.trim_start_matches('\u{feff}').split('\n').enumerate().map(spots).collect()
}

/// The same as whoever runs them takes them.
pub fn logical(physical: &[Line]) -> Vec<Line> {
    let mut lines = Vec::new();
    let lasts = lasts(physical);
    let mut at = 0;
    while at < physical.len() {
        let mut line = physical[at].clone();
        let indent = indent(&line);
        let folded = is_folded(&line);
        at += 1;
        if folded {
            let mut block = Line::new();
            while at < physical.len() && (is_blank(&physical[at]) || self::indent(&physical[at]) > indent) {
                let end = physical[at].last().or(block.last()).copied();
                block.extend(&physical[at]);
                // What folds is the end of the line; a blank one ends the command.
                let c = if is_blank(&physical[at]) { '\n' } else { ' ' };
                block.extend(end.map(|end| Spot { c, ..end }));
                at += 1;
            }
            lines.extend([line, block]);
            continue;
        }
        // Of the last part alone: what is left of the others ends in an even number, which may be a long one.
        while at < physical.len() && is_continued(&physical[at - 1]) {
            line.pop();
            line.extend(&physical[at]);
            at += 1;
        }
        at = close_list(&mut line, physical, at);
        at = close_plain(&mut line, physical, at);
        at = close_quote(&mut line, physical, at);
        at = skip_here_documents(&text(&line), physical, &lasts, at);
        lines.push(line);
    }
    lines
}

fn indent(line: &[Spot]) -> usize {
    line.iter().take_while(|spot| spot.c == ' ' || spot.c == '\t').count()
}

fn is_blank(line: &[Spot]) -> bool {
    line.iter().all(|spot| spot.c.is_whitespace())
}

/// `key: >`, `- >-`: YAML joins the lines of the block with blanks.
fn is_folded(line: &[Spot]) -> bool {
    let text = text(line);
    let Some((before, marks)) = text.trim_end().rsplit_once('>') else { return false };
    marks.chars().all(|c| matches!(c, '+' | '-' | '0'..='9'))
        && (before.ends_with(": ") || before.trim_start() == "- ")
}

/// An odd number of backslashes at the end.
pub fn is_continued(line: &[Spot]) -> bool {
    line.iter().rev().take_while(|spot| spot.c == '\\').count() % 2 == 1
}

/// Adds the lines of a list of go-jira's arguments, up to the bracket that closes it.
fn close_list(line: &mut Line, physical: &[Line], at: usize) -> usize {
    let opens =
        |line: &[Spot]| line.iter().rfind(|spot| !spot.c.is_whitespace()).is_some_and(|spot| spot.c == '[');
    if !opens(line) {
        return at;
    }
    let mut longer = line.clone();
    for (more, next) in physical.iter().enumerate().skip(at).take(LONGEST_QUOTE) {
        // A list in a list is none of words, and is looked at when its own turn comes.
        if opens(next) {
            return at;
        }
        longer.extend(longer.last().copied().map(|end| Spot { c: ' ', ..end }));
        longer.extend(next);
        if text(next).trim_end_matches([' ', ',', ')', ';']).ends_with(']') {
            if !longer.iter().skip(line.len()).map(|spot| spot.c).collect::<String>().contains("go-jira") {
                return at;
            }
            *line = longer;
            return more + 1;
        }
    }
    at
}

/// Adds the lines that YAML takes for one with a command that is written without quotes: those that stand further in
/// and begin nothing of their own.
fn close_plain(line: &mut Line, physical: &[Line], at: usize) -> usize {
    let command = bare(line);
    let begins = command.first().is_none_or(|first| "\"'[{|>&*!#".contains(first.c));
    if begins || command.len() == line.len() || !text(command).contains("go-jira") {
        return at;
    }
    let column = indent(line);
    let goes_on = |next: &&Line| {
        let source = text(next);
        let source = source.trim();
        let key = source.split_once(':').is_some_and(|(key, value)| {
            let word = !key.contains(|c: char| c.is_whitespace() || c == '$');
            word && (value.is_empty() || value.starts_with(' '))
        });
        indent(next) > column && !source.is_empty() && !source.starts_with(['#', '-', '}', ']']) && !key
            || indent(next) > column && source.starts_with("--")
    };
    let more: Vec<&Line> = physical[at..].iter().take(LONGEST_QUOTE).take_while(goes_on).collect();
    for next in &more {
        line.extend(line.last().copied().map(|end| Spot { c: ' ', ..end }));
        line.extend(next.iter());
    }
    at + more.len()
}

/// Adds the lines up to the quote that closes an argument of go-jira's. An apostrophe in a sentence closes
/// nowhere and is left alone.
fn close_quote(line: &mut Line, physical: &[Line], at: usize) -> usize {
    let text = text(line);
    let Some(name) = text.find("go-jira") else { return at };
    let name = text[..name].chars().count();
    // Of an argument, or of YAML's around the whole.
    let yaml = line.len() - bare(line).len();
    let is_open = |opened: usize| opened > name || yaml > 0 && opened == yaml;
    let Some((quote, _)) = open_quote(line).filter(|(_, opened)| is_open(*opened)) else { return at };
    let mut longer = line.clone();
    for (more, next) in physical.iter().enumerate().skip(at).take(LONGEST_QUOTE) {
        longer.extend(longer.last().copied().map(|end| Spot { c: '\n', ..end }));
        longer.extend(next);
        if next.iter().any(|spot| spot.c == quote) {
            *line = longer;
            return more + 1;
        }
    }
    at
}

/// The quote that is open at the end of the line, and where it was opened.
fn open_quote(line: &[Spot]) -> Option<(char, usize)> {
    let mut open: Option<(char, usize)> = None;
    let mut escaped = false;
    for (at, Spot { c, .. }) in line.iter().enumerate() {
        match (open, c) {
            _ if escaped => escaped = false,
            (None | Some(('"', _)), '\\') => escaped = true,
            (None, '\'' | '"') => open = Some((*c, at)),
            (Some((quote, _)), c) if quote == *c => open = None,
            _ => {}
        }
    }
    open
}

/// Where each line stands last: a word that ends nothing more need not be looked for, line after line.
fn lasts(physical: &[Line]) -> HashMap<String, usize> {
    physical.iter().enumerate().map(|(at, line)| (text(line).trim().to_owned(), at)).collect()
}

/// Behind the bodies of the here-documents that begin in a line. What looks like one and never ends is
/// something else, such as an operator of another language.
fn skip_here_documents(line: &str, physical: &[Line], lasts: &HashMap<String, usize>, at: usize) -> usize {
    if feeds_shell(line) {
        return at;
    }
    let mut at = at;
    let mut rest = line;
    while let Some(found) = rest.find("<<") {
        let before = rest[..found].chars().last();
        rest = &rest[found + 2..];
        if rest.starts_with('<') || before == Some('<') {
            rest = rest.trim_start_matches('<');
            continue;
        }
        let word = rest.trim_start_matches(['-', '~', ' ']).trim_start_matches(['\'', '"', '\\']);
        let word: String = word.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let starts_well = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if starts_well && lasts.get(&word).is_some_and(|last| *last >= at) {
            let end = physical[at..].iter().position(|line| text(line).trim() == word);
            at += end.map_or(0, |end| end + 1);
        }
    }
    at
}

/// `bash <<EOF`, `ssh host <<EOF`, `cat <<EOF | sh`, a Dockerfile's `RUN <<EOF`: the document is commands.
fn feeds_shell(line: &str) -> bool {
    const SHELLS: [&str; 8] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "ssh", "RUN"];
    let mut words = line.split(|c: char| c.is_whitespace() || "|;&(){}'\"".contains(c));
    words.any(|word| SHELLS.contains(&word.rsplit('/').next().unwrap_or(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> Vec<String> {
        logical(&physical(source)).iter().map(|line| text(line)).collect()
    }

    #[test]
    fn continued_lines_are_one_and_keep_their_places() {
        let joined = logical(&physical("go-jira run \\\n  --lenient\nnext"));
        assert_eq!(text(&joined[0]), "go-jira run   --lenient");
        let flag = joined[0].iter().find(|spot| spot.c == '-' && spot.line == 2).unwrap();
        assert_eq!((flag.line, flag.column), (2, 3));
        assert_eq!(text(&joined[1]), "next");
        assert_eq!(lines("a \\\\\nb"), ["a \\\\", "b"]);
        assert_eq!(lines("a\r\nb"), ["a", "b"]);
    }

    #[test]
    fn folded_blocks_are_unfolded_and_literal_ones_are_not() {
        assert_eq!(lines("run: >\n  one\n\n  two"), ["run: >", "  one \n  two "]);
        let source = "run: >-\n  go-jira run\n  --lenient\nnext: x\nrun: |\n  one\n  two";
        assert_eq!(
            lines(source),
            ["run: >-", "  go-jira run   --lenient ", "next: x", "run: |", "  one", "  two"]
        );
    }

    #[test]
    fn here_documents_are_left_out_and_shifts_are_not() {
        let source = "cat <<'EOF' > x\ngo-jira run\n  EOF\nafter\nlist << item\nlast <<< word\nend";
        assert_eq!(lines(source), ["cat <<'EOF' > x", "after", "list << item", "last <<< word", "end"]);
    }

    #[test]
    fn a_list_of_words_is_one_line_and_no_other_list() {
        assert_eq!(lines("x: [\n'go-jira',\n'run',\n]\ny"), ["x: [ 'go-jira', 'run', ]", "y"]);
        assert_eq!(lines("x: [\n'a'\n]"), ["x: [", "'a'", "]"]);
        assert_eq!(lines("x([\n[\n'go-jira']"), ["x([", "[ 'go-jira']"]);
    }

    #[test]
    fn a_here_document_for_a_shell_stays() {
        assert_eq!(lines("bash -e <<EOF\ngo-jira run\nEOF"), ["bash -e <<EOF", "go-jira run", "EOF"]);
        assert_eq!(lines("cat <<EOF > run.sh\ngo-jira run\nEOF\nx"), ["cat <<EOF > run.sh", "x"]);
    }

    #[test]
    fn an_argument_may_go_over_several_lines_and_an_apostrophe_does_not() {
        assert_eq!(lines("go-jira run --comment 'a\nb' --x\nc"), ["go-jira run --comment 'a\nb' --x", "c"]);
        assert_eq!(lines("Don't use go-jira\nthat's it"), ["Don't use go-jira", "that's it"]);
        assert_eq!(lines("go-jira isn't\nit"), ["go-jira isn't", "it"]);
    }
}
