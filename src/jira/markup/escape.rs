//! Writes a block so that Jira shows its text as it is: phrases, mentions, and the escaping of what would
//! be taken for markup.
//!
//! Jira's renderer works on the finished line with regular expressions that look at neighbours, so that
//! the decision what to escape is made on the whole block, once it is complete. The rules are those of
//! the wiki renderer: a phrase like `*bold*` begins where no letter, digit or backslash stands before
//! it and no blank after it, ends the other way round, and stays on its line; `{*}` begins or ends one
//! anywhere. A backslash escapes ``-#*_+?^~|%{}[]()!@`` and nothing else; entities are kept as they are.

use super::inline::{Atom, Phrase, is_word};

/// The block as wiki markup; `in_table` if it is a cell.
pub fn render(atoms: &[Atom], in_table: bool) -> String {
    Renderer::new(atoms, in_table).render()
}

/// Characters that begin and end phrases; `?` does as a pair, `!` is an image's.
const DELIMITERS: &str = "*_-+^~?!";

struct Renderer<'a> {
    atoms: &'a [Atom],
    in_table: bool,
    /// For each atom: the delimiters, and `]`, that can end something on the rest of the line.
    ends: Vec<u16>,
    /// For each atom: the delimiters of our own phrases that stand before it in the block.
    ours: Vec<u16>,
    out: String,
}

impl<'a> Renderer<'a> {
    fn new(atoms: &'a [Atom], in_table: bool) -> Self {
        let mut renderer =
            Renderer { atoms, in_table, ends: Vec::new(), ours: Vec::new(), out: String::new() };
        let mut ends = vec![0; atoms.len()];
        let mut seen = 0;
        for at in (0..atoms.len()).rev() {
            ends[at] = seen;
            match atoms[at].char() {
                '\n' => seen = 0,
                ']' => seen |= bit(']'),
                c if renderer.can_end(at) => seen |= bit(c),
                _ => {}
            }
        }
        renderer.ends = ends;
        let mut seen = 0;
        for atom in atoms {
            renderer.ours.push(seen);
            if !atom.is_content() {
                seen |= bit(atom.char());
            }
        }
        renderer
    }

    fn before(&self, at: usize) -> Option<char> {
        at.checked_sub(1).map(|at| self.atoms[at].char())
    }

    fn after(&self, at: usize) -> Option<char> {
        self.atoms.get(at + 1).map(|atom| atom.char())
    }

    fn can_begin(&self, at: usize) -> bool {
        !self.before(at).is_some_and(is_word) && self.after(at).is_some_and(|c| !c.is_whitespace())
    }

    fn can_end(&self, at: usize) -> bool {
        self.before(at).is_some_and(|c| !c.is_whitespace()) && !self.after(at).is_some_and(is_word)
    }

    fn render(mut self) -> String {
        let mut at = 0;
        while at < self.atoms.len() {
            at += match self.atoms[at] {
                Atom::Markup(c) => {
                    self.out.push(c);
                    1
                }
                Atom::Open(phrase) => {
                    let touches = self.before(at).is_some_and(is_word);
                    self.out.push_str(if touches { phrase.braced().0 } else { phrase.plain().0 });
                    1
                }
                Atom::Close(phrase) => {
                    let touches = self.after(at).is_some_and(is_word);
                    self.out.push_str(if touches { phrase.braced().1 } else { phrase.plain().1 });
                    1
                }
                Atom::Text(c) => {
                    self.verbatim(at).or_else(|| self.mention(at)).unwrap_or_else(|| self.escape(at, c))
                }
                Atom::NoMention(c) | Atom::Code(c) | Atom::Alias(c) => self.escape(at, c),
            };
        }
        self.out
    }

    /// The text from here on, as far as it is plain.
    fn text_from(&self, at: usize) -> impl Iterator<Item = char> + Clone + use<'a> {
        self.atoms[at..].iter().map_while(|atom| match atom {
            Atom::Text(c) => Some(*c),
            _ => None,
        })
    }

    /// Writes what Jira must find as it is: bare URLs, `{color}` and `[~name]`. Says how long it was.
    fn verbatim(&mut self, at: usize) -> Option<usize> {
        let length = match self.atoms[at].char() {
            'h' | 'f' | 'm' if !self.before(at).is_some_and(is_word) => return self.url(at),
            '{' => self.color(at)?,
            '[' => self.user_link(at)?,
            _ => return None,
        };
        self.out.extend(self.text_from(at).take(length));
        Some(length)
    }

    /// Jira makes links of URLs before anything else, with everything that may belong to them.
    fn url(&mut self, at: usize) -> Option<usize> {
        let text = self.text_from(at);
        let begins = |scheme: &str| text.clone().take(scheme.len()).eq(scheme.chars());
        let scheme =
            ["https://", "http://", "ftp://", "mailto:"].into_iter().find(|scheme| begins(scheme))?;
        let belongs = |c: &char| c.is_ascii_alphanumeric() || "-_.!~*';/?:@#&=%+$,[]()\\".contains(*c);
        let url: String = text.take_while(belongs).collect();
        if url.len() == scheme.len() {
            return None;
        }
        // A phrase that ends here would become part of the URL.
        match self.atoms.get(at + url.len()) {
            Some(Atom::Close(_)) if !url.contains(['[', ']']) => self.out.push_str(&format!("[{url}]")),
            _ => self.out.push_str(&url),
        }
        Some(url.len())
    }

    /// `{color}` or `{color:red}`.
    fn color(&self, at: usize) -> Option<usize> {
        let tag: String = self.text_from(at).take(40).take_while(|c| *c != '}').collect();
        let name = tag.strip_prefix("{color")?;
        let known = name.is_empty()
            || name.strip_prefix(':').is_some_and(|color| {
                !color.is_empty() && color.chars().all(|c| c.is_ascii_alphanumeric() || c == '#')
            });
        let closed = self.text_from(at).nth(tag.len()) == Some('}');
        (known && closed).then_some(tag.len() + 1)
    }

    /// `[~name]`, written by somebody who knows Jira.
    fn user_link(&self, at: usize) -> Option<usize> {
        let link: String = self.text_from(at).take(256).take_while(|c| *c != ']').collect();
        let name = link.strip_prefix("[~")?;
        let known = !name.is_empty() && name.chars().all(|c| is_word(c) || "._-@".contains(c));
        let length = link.chars().count();
        (known && self.text_from(at).nth(length) == Some(']')).then_some(length + 1)
    }

    /// Writes `@first.last` as `[~first.last]`. An e-mail address is no mention, nor is the scope of a
    /// package, `@scope/name`. What may follow a name stays outside.
    fn mention(&mut self, at: usize) -> Option<usize> {
        let joined = |c: char| is_word(c) || "_.%+-/".contains(c);
        if self.atoms[at].char() != '@' || self.before(at).is_some_and(joined) {
            return None;
        }
        let text = self.text_from(at + 1);
        let name: String = text.clone().take_while(|c| is_word(*c) || "._-".contains(*c)).collect();
        let name = name.trim_end_matches(['.', '-']);
        let length = name.chars().count();
        let mut rest = text.skip(length);
        let scope = rest.next() == Some('/') && rest.next().is_some_and(is_word);
        if scope || !name.starts_with(|c: char| is_word(c) || c == '_') {
            return None;
        }
        self.out.push_str(&format!("[~{name}]"));
        Some(1 + length)
    }

    /// Writes one character so that Jira shows it as it is.
    fn escape(&mut self, at: usize, c: char) -> usize {
        let code = !matches!(self.atoms[at], Atom::Text(_) | Atom::NoMention(_));
        let alias = matches!(self.atoms[at], Atom::Alias(_));
        match c {
            // Jira would take a backslash for an escape, or two of them for a line break. One in front
            // of a letter is just that.
            '\\' if self.after(at).is_some_and(|next| is_word(next) || next == ' ') => self.out.push('\\'),
            '\\' => self.out.push_str("&#92;"),
            '&' if self.is_entity(at) => self.out.push_str("&amp;"),
            // An escaped brace is a bare one again by the time Jira looks for `{{` and `{*}`.
            '{' if code || self.after(at).is_some_and(|next| next == '{' || DELIMITERS.contains(next)) => {
                self.out.push_str("&#123;");
            }
            '{' => self.out.push_str("\\{"),
            '}' if code => self.out.push_str("&#125;"),
            '[' if alias => self.out.push_str("&#91;"),
            ']' if alias => self.out.push_str("&#93;"),
            '|' if alias => self.out.push_str("&#124;"),
            '.' if self.is_block_prefix(at) => self.out.push_str("&#46;"),
            ' ' if self.is_edge_of_code(at) => self.out.push_str("&nbsp;"),
            ':' if code && self.is_face(at) => self.out.push_str("&#58;"),
            c => {
                if self.needs_backslash(at, c) {
                    self.out.push('\\');
                }
                self.out.push(c);
            }
        }
        1
    }

    fn needs_backslash(&self, at: usize, c: char) -> bool {
        match c {
            '|' => self.in_table || self.begins_line(at),
            '[' => {
                self.ends[at] & bit(']') != 0
                    && self.after(at).is_some_and(|c| c != ']' && !c.is_whitespace())
            }
            '#' => self.begins_list(at),
            '(' => self.is_icon(at) || self.before_face(at),
            ')' => self.before_face(at) || (self.in_code(at) && self.before(at) == Some(';')),
            '?' if self.before(at) != Some('?') && self.after(at) != Some('?') => false,
            '*' | '-' if self.begins_list(at) => true,
            '-' if self.is_dash(at) => true,
            c if DELIMITERS.contains(c) => {
                let begins = self.can_begin(at) && self.ends[at] & bit(c) != 0;
                begins || (self.can_end(at) && self.ours[at] & bit(c) != 0)
            }
            _ => false,
        }
    }

    fn in_code(&self, at: usize) -> bool {
        matches!(self.atoms[at], Atom::Code(_))
    }

    fn begins_line(&self, at: usize) -> bool {
        matches!(self.before(at), None | Some('\n'))
    }

    /// The same character in a row, from here on.
    fn run(&self, at: usize, kind: &str) -> usize {
        self.atoms[at..].iter().take_while(|atom| atom.is_content() && kind.contains(atom.char())).count()
    }

    /// `* `, `## `, `-# ` and the like at the beginning of a line.
    fn begins_list(&self, at: usize) -> bool {
        self.begins_line(at)
            && self.atoms.get(at + self.run(at, "*-#")).is_none_or(|atom| atom.char().is_whitespace())
    }

    /// A rule, `----`, or a dash that Jira would draw longer, ` -- ` and ` --- `.
    fn is_dash(&self, at: usize) -> bool {
        let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
        if !blank(self.before(at)) {
            return false;
        }
        let length = self.run(at, "-");
        let alone = blank(self.atoms.get(at + length).map(|atom| atom.char()));
        alone && (matches!(length, 2 | 3) || (length >= 4 && self.begins_line(at)))
    }

    /// The dot of `h1.` or `bq.` at the beginning of a line.
    fn is_block_prefix(&self, at: usize) -> bool {
        at >= 2
            && self.begins_line(at - 2)
            && matches!((self.atoms[at - 2].char(), self.atoms[at - 1].char()), ('h', '1'..='6') | ('b', 'q'))
    }

    /// `&name;` or `&#1;`, which Jira leaves as it is.
    fn is_entity(&self, at: usize) -> bool {
        let rest = self.atoms[at + 1..].iter().map(|atom| atom.char());
        let name: String =
            rest.clone().take(33).take_while(|c| c.is_ascii_alphanumeric() || *c == '#').collect();
        !name.is_empty() && rest.clone().nth(name.len()) == Some(';')
    }

    /// `(x)`, `(/)` and the other icons that Jira draws wherever they stand.
    fn is_icon(&self, at: usize) -> bool {
        let inside: String =
            self.atoms[at + 1..].iter().take(8).map(|atom| atom.char()).take_while(|c| *c != ')').collect();
        const ICONS: [&str; 18] = [
            "y", "n", "i", "x", "/", "!", "+", "-", "?", "on", "off", "*", "*r", "*g", "*b", "*y", "flag",
            "flagoff",
        ];
        let closed = self.atoms.get(at + 1 + inside.chars().count()).map(|atom| atom.char()) == Some(')');
        closed && ICONS.contains(&inside.as_str())
    }

    /// A parenthesis that makes a face of the colon before it; people mean theirs, code does not.
    fn before_face(&self, at: usize) -> bool {
        self.in_code(at) && self.before(at) == Some(':')
    }

    /// `:P` and `:D` in code.
    fn is_face(&self, at: usize) -> bool {
        matches!(self.after(at), Some('P' | 'D'))
            && !self.atoms.get(at + 2).is_some_and(|atom| atom.char().is_ascii_alphabetic())
    }

    /// A blank at the beginning or end of code would keep Jira from seeing it as code.
    fn is_edge_of_code(&self, at: usize) -> bool {
        let first = at > 0 && self.atoms[at - 1] == Atom::Open(Phrase::Mono);
        first || self.atoms.get(at + 1) == Some(&Atom::Close(Phrase::Mono))
    }
}

/// A bit for each character that can end something.
fn bit(c: char) -> u16 {
    match c {
        ']' => 1 << 15,
        c => DELIMITERS.find(c).map_or(0, |at| 1 << at),
    }
}
