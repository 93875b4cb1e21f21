//! The few colours that text has on a terminal.

/// What a piece of text is, which decides how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The header of a table.
    Heading,
    /// An issue key, or the name of a field.
    Key,
    /// `error:`.
    Error,
    /// `warning:`.
    Warning,
    /// `hint:` and `info:`.
    Note,
}

/// The text in its colours, or bare when colour is off. The text must be safe for a terminal already.
pub fn paint(style: Style, text: &str, color: bool) -> String {
    // ECMA-48 SGR parameters; the eight basic colours, which every theme keeps readable.
    let code = match style {
        _ if !color || text.trim().is_empty() => return text.to_owned(),
        Style::Heading => "1",
        Style::Key => "36",
        Style::Error => "1;31",
        Style::Warning => "1;33",
        Style::Note => "1;36",
    };
    // Trailing blanks stay outside, or an underlining theme would paint them.
    let painted = text.trim_end();
    format!("\x1b[{code}m{painted}\x1b[0m{}", &text[painted.len()..])
}
