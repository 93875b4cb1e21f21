//! The text of one block while it is collected: characters, each with what it is.

use super::escape;

/// What can be made of text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phrase {
    /// `*bold*`
    Strong,
    /// `_italic_`
    Emphasis,
    /// `-struck-`
    Deleted,
    /// `{{code}}`
    Mono,
}

impl Phrase {
    /// The markup that opens and closes it where words do not touch.
    pub fn plain(self) -> (&'static str, &'static str) {
        match self {
            Phrase::Strong => ("*", "*"),
            Phrase::Emphasis => ("_", "_"),
            Phrase::Deleted => ("-", "-"),
            Phrase::Mono => ("{{", "}}"),
        }
    }

    /// The markup that also works inside a word.
    pub fn braced(self) -> (&'static str, &'static str) {
        match self {
            Phrase::Strong => ("{*}", "{*}"),
            Phrase::Emphasis => ("{_}", "{_}"),
            Phrase::Deleted => ("{-}", "{-}"),
            Phrase::Mono => ("{{{}", "{}}}"),
        }
    }
}

/// One character of a block and where it comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Atom {
    /// Text: whatever is special is escaped.
    Text(char),
    /// Text that is no mention, `\@name`.
    NoMention(char),
    /// Code: as text, but nothing in it is markup or a mention.
    Code(char),
    /// The text of a link.
    Alias(char),
    /// Markup of ours.
    Markup(char),
    /// A phrase begins.
    Open(Phrase),
    /// A phrase ends.
    Close(Phrase),
}

impl Atom {
    /// How Jira's expressions see it from beside it.
    pub fn char(self) -> char {
        match self {
            Atom::Text(c) | Atom::NoMention(c) | Atom::Code(c) | Atom::Alias(c) | Atom::Markup(c) => c,
            Atom::Open(phrase) => phrase.plain().0.chars().next().unwrap_or(' '),
            Atom::Close(phrase) => phrase.plain().1.chars().next().unwrap_or(' '),
        }
    }

    /// Whether it is text, and no markup of ours.
    pub fn is_content(self) -> bool {
        matches!(self, Atom::Text(_) | Atom::NoMention(_) | Atom::Code(_) | Atom::Alias(_))
    }
}

/// The text of one block while it is collected.
#[derive(Default)]
pub struct Inline {
    atoms: Vec<Atom>,
    /// Inside a cell bars are escaped.
    pub in_table: bool,
    /// Line breaks of the source become blanks: headings end with their line.
    pub one_line: bool,
    /// How often each phrase is open; only the outermost is written.
    open: [usize; 4],
    in_link: bool,
    /// An image was written last: a letter right after it would keep it from being one.
    after_image: bool,
}

impl Inline {
    /// Adds text; `escaped` says that its first character had a backslash before it.
    pub fn text(&mut self, text: &str, escaped: bool) {
        self.part_from_image(text);
        for (at, c) in text.chars().enumerate() {
            self.atoms.push(match c {
                '\n' if self.in_table || self.one_line => Atom::Markup(' '),
                '\n' => Atom::Markup('\n'),
                c if self.in_link => Atom::Alias(c),
                c if at == 0 && escaped => Atom::NoMention(c),
                c => Atom::Text(c),
            });
        }
    }

    /// Adds code.
    pub fn code(&mut self, code: &str) {
        if code.is_empty() {
            return;
        }
        self.part_from_image(code);
        self.open(Phrase::Mono);
        let kind = if self.in_link { Atom::Alias } else { Atom::Code };
        self.atoms.extend(code.chars().map(kind));
        self.close(Phrase::Mono);
    }

    /// Adds a line break: a hard one is one in Jira too; a soft one is left as it was written.
    pub fn line_break(&mut self, hard: bool) {
        // A phrase and a link end with their line, a heading and a cell as well.
        let inside =
            self.in_table || self.one_line || self.in_link || self.open.iter().any(|depth| *depth > 0);
        self.markup(match (inside, hard) {
            (true, true) => r" \\ ",
            (true, false) => " ",
            (false, _) => "\n",
        });
    }

    /// Begins a phrase.
    pub fn open(&mut self, phrase: Phrase) {
        self.open[phrase as usize] += 1;
        if self.open[phrase as usize] == 1 {
            self.atoms.push(Atom::Open(phrase));
        }
    }

    /// Ends a phrase.
    pub fn close(&mut self, phrase: Phrase) {
        self.open[phrase as usize] = self.open[phrase as usize].saturating_sub(1);
        if self.open[phrase as usize] == 0 {
            match self.atoms.last() {
                Some(Atom::Open(last)) if *last == phrase => drop(self.atoms.pop()),
                _ => self.atoms.push(Atom::Close(phrase)),
            }
        }
    }

    /// Begins a link; the answer is for [`Inline::close_link`].
    pub fn open_link(&mut self) -> usize {
        self.in_link = true;
        self.markup("[");
        self.atoms.len()
    }

    /// Ends a link that began at `start`. A link to nowhere is its text.
    pub fn close_link(&mut self, start: usize, url: &str) {
        self.in_link = false;
        let text: String = self.atoms[start..].iter().map(|atom| atom.char()).collect();
        if url.is_empty() {
            self.atoms.remove(start - 1);
            return;
        }
        if text.is_empty() || text == url {
            self.atoms.truncate(start);
        } else {
            self.markup("|");
        }
        self.markup(url);
        self.markup("]");
    }

    /// Adds an image.
    pub fn image(&mut self, url: &str) {
        if url.is_empty() {
            return;
        }
        if self.atoms.last().is_some_and(|atom| is_word(atom.char())) {
            self.markup(" ");
        }
        self.markup(&format!("!{url}!"));
        self.after_image = true;
    }

    fn part_from_image(&mut self, next: &str) {
        if std::mem::take(&mut self.after_image) && next.starts_with(is_word) {
            self.markup(" ");
        }
    }

    fn markup(&mut self, markup: &str) {
        self.after_image = false;
        self.atoms.extend(markup.chars().map(Atom::Markup));
    }

    /// The block as wiki markup.
    pub fn render(mut self) -> String {
        while matches!(self.atoms.last(), Some(Atom::Markup('\n' | ' ') | Atom::Text('\n' | ' '))) {
            self.atoms.pop();
        }
        escape::render(&self.atoms, self.in_table)
    }
}

/// A line of code as a phrase, for where no macro can hold it.
pub fn code_line(line: &str) -> String {
    let mut inline = Inline::default();
    inline.code(line);
    inline.render()
}

/// Letters and digits, as the renderer's expressions have them.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}
