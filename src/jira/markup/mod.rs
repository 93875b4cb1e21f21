//! Markdown to Jira's wiki markup, for comments and descriptions.
//!
//! The blocks are laid out here; the text inside them is collected in `inline` and written by `escape`.
//! What the renderer of Jira Data Center does with a piece of markup decides: a list ends at a blank
//! line, a macro's body may have them, a line break inside a paragraph stays one.

mod escape;
mod inline;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

use inline::{Inline, Phrase};

/// Turns CommonMark with tables and strikethrough into wiki markup. `@name` becomes a mention, HTML
/// stays text, and what Jira would take for markup in plain text is escaped, except `{color}`.
pub fn to_wiki(markdown: &str) -> String {
    let mut writer = Writer { source: markdown, ..Writer::default() };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        writer.event(event, range.start);
    }
    writer.flush("");
    writer.out
}

/// What stands between the last block and the next.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Gap {
    /// Nothing: the document, or a macro's first line, begins.
    #[default]
    None,
    /// A new line: inside a list, which a blank line would end.
    Line,
    /// A blank line.
    Blank,
}

#[derive(Default)]
struct Writer<'s> {
    source: &'s str,
    out: String,
    gap: Gap,
    inline: Inline,
    /// `*` or `#` for each list that is open.
    bullets: Vec<char>,
    /// The bullets of a list item that has no content yet; a nested list takes their place.
    marker: Option<String>,
    /// The lists around each open quote.
    quotes: Vec<Vec<char>>,
    /// The text of an open code or HTML block.
    raw: Option<String>,
    /// The language of an open code block, by Jira's name.
    language: Option<&'static str>,
    /// How many images are open: an image's description may have images too.
    images: usize,
    /// Where an open link leads, and where in the block it began.
    link: Option<(String, usize)>,
    /// The rows of an open table.
    rows: Vec<String>,
    /// The cells of an open row.
    cells: Vec<String>,
}

impl Writer<'_> {
    fn event(&mut self, event: Event, at: usize) {
        match event {
            Event::Start(Tag::Image { dest_url, .. }) => {
                if self.images == 0 {
                    self.inline.image(&encode(&dest_url).replace('!', "%21"));
                }
                self.images += 1;
            }
            Event::End(TagEnd::Image) => self.images -= 1,
            // The description: `!url!` has no place for one.
            _ if self.images > 0 => {}
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) => match &mut self.raw {
                Some(raw) => raw.push_str(&text),
                // `\@name` is no mention.
                None => self.inline.text(&text, at > 0 && self.source.as_bytes()[at - 1] == b'\\'),
            },
            Event::InlineHtml(html) => self.html(&html),
            Event::Code(code) => self.inline.code(&code),
            Event::SoftBreak => self.inline.line_break(false),
            Event::HardBreak => self.inline.line_break(true),
            Event::Rule => {
                self.flush("");
                self.separate();
                self.out.push_str("----");
            }
            // The extensions that make these are off.
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Emphasis => self.inline.open(Phrase::Emphasis),
            Tag::Strong => self.inline.open(Phrase::Strong),
            Tag::Strikethrough => self.inline.open(Phrase::Deleted),
            Tag::Link { link_type, dest_url, .. } => {
                let mail = if link_type == LinkType::Email { "mailto:" } else { "" };
                self.link = Some((format!("{mail}{}", encode(&dest_url)), self.inline.open_link()));
            }
            Tag::TableCell => self.inline.in_table = true,
            Tag::TableHead | Tag::TableRow => {}
            block => {
                self.flush("");
                self.start_block(block);
            }
        }
    }

    fn start_block(&mut self, tag: Tag) {
        match tag {
            Tag::Heading { .. } => {
                self.inline.one_line = true;
                if !self.bullets.is_empty() {
                    // Jira knows no headings inside a list.
                    self.inline.open(Phrase::Strong);
                }
            }
            Tag::BlockQuote(_) => {
                // `{quote}` does not nest: the paragraphs of an inner quote become `bq.` lines.
                if self.quotes.is_empty() {
                    self.separate();
                    self.out.push_str("{quote}");
                    self.gap = Gap::Line;
                }
                self.quotes.push(std::mem::take(&mut self.bullets));
            }
            Tag::CodeBlock(kind) => {
                self.raw = Some(String::new());
                self.language = language(&kind);
            }
            Tag::HtmlBlock => self.raw = Some(String::new()),
            Tag::List(first) => self.bullets.push(if first.is_some() { '#' } else { '*' }),
            Tag::Item => self.marker = Some(self.bullets.iter().collect()),
            Tag::Paragraph if self.quotes.len() > 1 => self.inline.one_line = true,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis => self.inline.close(Phrase::Emphasis),
            TagEnd::Strong => self.inline.close(Phrase::Strong),
            TagEnd::Strikethrough => self.inline.close(Phrase::Deleted),
            TagEnd::Link => {
                if let Some((url, start)) = self.link.take() {
                    self.inline.close_link(start, &url);
                }
            }
            TagEnd::TableCell => self.cells.push(std::mem::take(&mut self.inline).render()),
            TagEnd::TableHead => self.end_row("||"),
            TagEnd::TableRow => self.end_row("|"),
            TagEnd::Table => {
                self.separate();
                self.out.push_str(&std::mem::take(&mut self.rows).join("\n"));
            }
            TagEnd::Paragraph if self.quotes.len() > 1 && self.bullets.is_empty() => self.flush("bq. "),
            TagEnd::Heading(level) => self.heading(level),
            TagEnd::CodeBlock => self.code_block(),
            TagEnd::HtmlBlock => {
                let html = self.raw.take().unwrap_or_default();
                self.inline.text(without_comments(&html).trim(), false);
                self.flush("");
            }
            TagEnd::BlockQuote(_) => {
                self.flush("");
                self.bullets = self.quotes.pop().unwrap_or_default();
                if self.quotes.is_empty() {
                    self.out.push_str("\n{quote}");
                    self.gap = self.block_gap();
                }
            }
            TagEnd::Item => {
                self.flush("");
                if self.marker.is_some() {
                    self.separate();
                }
            }
            TagEnd::List(_) => {
                self.flush("");
                self.bullets.pop();
                self.gap = self.block_gap();
            }
            _ => self.flush(""),
        }
    }

    /// Writes the text collected so far as a block of its own, if there is any.
    fn flush(&mut self, prefix: &str) {
        let text = std::mem::take(&mut self.inline).render();
        if !text.is_empty() {
            self.separate();
            self.out.push_str(prefix);
            self.out.push_str(&text);
        }
    }

    /// Puts what belongs before the next block: the gap, and the bullets of a list item that begins.
    fn separate(&mut self) {
        self.out.push_str(match self.gap {
            Gap::None => "",
            Gap::Line => "\n",
            Gap::Blank => "\n\n",
        });
        if let Some(bullets) = self.marker.take() {
            self.out.push_str(&bullets);
            self.out.push(' ');
        }
        self.gap = self.block_gap();
    }

    fn block_gap(&self) -> Gap {
        if self.bullets.is_empty() { Gap::Blank } else { Gap::Line }
    }

    fn heading(&mut self, level: HeadingLevel) {
        if self.bullets.is_empty() {
            return self.flush(&format!("h{}. ", level as u8));
        }
        self.inline.close(Phrase::Strong);
        self.flush("");
    }

    fn end_row(&mut self, bar: &str) {
        let mut row = bar.to_owned();
        for cell in self.cells.drain(..) {
            // Two bars side by side would begin a heading cell.
            row.push_str(if cell.is_empty() { " " } else { &cell });
            row.push_str(bar);
        }
        self.rows.push(row);
    }

    fn code_block(&mut self) {
        let text = self.raw.take().unwrap_or_default();
        let text = text.strip_suffix('\n').unwrap_or(&text);
        self.separate();
        // A macro's body ends at the macro's own name, and nothing escapes it there.
        let holds = |name: &str| text.to_ascii_lowercase().contains(name);
        let (open, close) = match (self.language.take(), holds("{code"), holds("{noformat")) {
            (Some(language), false, _) => (format!("{{code:language={language}}}"), "{code}"),
            (None, false, _) => ("{code}".to_owned(), "{code}"),
            (_, true, false) => ("{noformat}".to_owned(), "{noformat}"),
            (_, true, true) => {
                let lines: Vec<_> = text.lines().map(inline::code_line).collect();
                return self.out.push_str(&lines.join("\n"));
            }
        };
        self.out.push_str(&format!("{open}\n{text}\n{close}"));
    }

    fn html(&mut self, html: &str) {
        let name = html.trim_matches(['<', '>', '/', ' ']);
        match html {
            comment if comment.starts_with("<!--") => {}
            _ if name.eq_ignore_ascii_case("br") => self.inline.line_break(true),
            text => self.inline.text(text, false),
        }
    }
}

/// Nobody sees a comment in rendered Markdown; templates of pull requests are full of them.
fn without_comments(html: &str) -> String {
    let mut rest = html;
    let mut text = String::new();
    while let Some((before, comment)) = rest.split_once("<!--") {
        text.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    text + rest
}

/// A URL without the characters that end it, or its macro, in wiki markup.
fn encode(url: &str) -> String {
    let mut encoded = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            c if c.is_whitespace() || c.is_control() || "[]|{}\\<>\"^".contains(c) => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    encoded.push_str(&format!("%{byte:02X}"));
                }
            }
            c => encoded.push(c),
        }
    }
    encoded
}

/// The name by which Jira's `{code}` knows a language. It shows an error above the code for any other
/// name, so that code of unknown languages has none.
fn language(kind: &CodeBlockKind) -> Option<&'static str> {
    let CodeBlockKind::Fenced(info) = kind else { return None };
    let word = info.split([' ', ',', '\t', '{']).next().unwrap_or_default().to_ascii_lowercase();
    let alias = match word.as_str() {
        "py" | "python3" => "python",
        "rb" => "ruby",
        "golang" => "go",
        "shell" | "zsh" | "console" | "shell-session" => "bash",
        "yml" => "yaml",
        "jsx" | "mjs" | "ts" | "tsx" | "typescript" => "javascript",
        "json5" | "jsonc" => "json",
        "cs" | "csharp" => "c#",
        "cc" | "cxx" | "h" | "hpp" => "c++",
        "objective-c" | "objectivec" => "objc",
        "vb" | "vbnet" => "visualbasic",
        "svg" | "xhtml" | "xsd" | "xslt" => "xml",
        "htm" => "html",
        "text" | "txt" | "plain" | "plaintext" => "none",
        word => word,
    };
    LANGUAGES.iter().find(|known| **known == alias).copied()
}

/// What Jira lists in that error.
const LANGUAGES: [&str; 33] = [
    "actionscript",
    "ada",
    "applescript",
    "bash",
    "c",
    "c#",
    "c++",
    "cpp",
    "css",
    "erlang",
    "go",
    "groovy",
    "haskell",
    "html",
    "java",
    "javascript",
    "js",
    "json",
    "lua",
    "none",
    "objc",
    "perl",
    "php",
    "python",
    "r",
    "ruby",
    "scala",
    "sh",
    "sql",
    "swift",
    "visualbasic",
    "xml",
    "yaml",
];

#[cfg(test)]
mod tests;
