//! Characters that must not reach a terminal, a log or a prompt as they are, and how they are shown
//! instead (threats 12 and 14).
//!
//! Text from Jira is written by anybody. A control character can drive the terminal, a bidirectional one
//! makes text read as something else, and an invisible one carries words that only a machine sees.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character is shown as an escape: control characters (C0, DEL, C1), the line and paragraph
/// separators, the bidirectional controls, and everything that is invisible by itself.
///
/// Visible format characters (the Arabic number signs) and the two variation selectors that choose
/// between text and emoji are left alone: they show, or change only how their neighbour looks.
pub fn is_hidden(c: char) -> bool {
    match c {
        '\u{00}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        ' '..='\u{ac}' => false,
        // Soft hyphen, combining grapheme joiner, Arabic letter mark.
        '\u{ad}' | '\u{34f}' | '\u{61c}' => true,
        // Hangul fillers and Khmer inherent vowels: letters without a shape.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}' => true,
        // Mongolian selectors and the vowel separator.
        '\u{180b}'..='\u{180f}' => true,
        // Zero-width space and joiners, left-to-right and right-to-left marks.
        '\u{200b}'..='\u{200f}' => true,
        // Line and paragraph separator, embeddings and overrides.
        '\u{2028}'..='\u{202e}' => true,
        // Word joiner, invisible operators, isolates, deprecated controls.
        '\u{2060}'..='\u{206f}' => true,
        // Variation selectors but for the text and emoji ones.
        '\u{fe00}'..='\u{fe0d}' => true,
        // Byte order mark, interlinear annotation and its unassigned neighbours.
        '\u{feff}' | '\u{fff0}'..='\u{fffb}' => true,
        // Egyptian, shorthand and musical format controls.
        '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' => true,
        // Tag characters and the supplementary variation selectors: a whole hidden alphabet.
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// One line of text, safe for a terminal, a log or a prompt: hidden characters become visible escapes,
/// line ends and tabs among them, so that no text can begin a line of its own.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    escape(text, false)
}

/// Text of several lines, safe for a terminal: as [`sanitize`], but line feeds and tabs stay, and a
/// carriage return before a line feed is dropped.
pub fn sanitize_lines(text: &str) -> String {
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let lines = lines.map(|line| line.split('\t').map(sanitize).collect::<Vec<_>>().join("\t"));
    lines.collect::<Vec<_>>().join("\n")
}

/// One value of a tab-separated row: as [`sanitize`], and backslashes are doubled, so that what was
/// escaped can be told from what was there.
pub fn sanitize_cell(text: &str) -> Cow<'_, str> {
    escape(text, true)
}

fn escape(text: &str, backslashes: bool) -> Cow<'_, str> {
    let Some(first) = text.find(|c| is_hidden(c) || (backslashes && c == '\\')) else {
        return Cow::Borrowed(text);
    };
    let mut safe = String::with_capacity(text.len() + 16);
    safe.push_str(&text[..first]);
    for c in text[first..].chars() {
        match c {
            '\t' => safe.push_str("\\t"),
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\\' if backslashes => safe.push_str("\\\\"),
            c if is_hidden(c) => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(safe, "\\x{code:02x}"),
                    _ => write!(safe, "\\u{{{code:x}}}"),
                };
            }
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hidden_characters_become_visible() {
        let cases = [
            ("plain – ünïcode 漢字 👍 ❤\u{fe0f} <&>", "plain – ünïcode 漢字 👍 ❤\u{fe0f} <&>"),
            ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
            ("\x1b]52;c;aGk=\x1b\\", r"\x1b]52;c;aGk=\x1b\"),
            ("a\tb\nc\rd\0", r"a\tb\nc\rd\x00"),
            ("\u{7f}\u{80}\u{9b}31m\u{9f}\u{a0}", "\\x7f\\x80\\x9b31m\\x9f\u{a0}"),
            ("user\u{202e}gpj.exe", r"user\u{202e}gpj.exe"),
            ("\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}", r"\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}"),
            ("z\u{200b}w\u{200d}\u{2060}\u{feff}", r"z\u{200b}w\u{200d}\u{2060}\u{feff}"),
            ("\u{2028}\u{2029}\u{ad}", r"\u{2028}\u{2029}\xad"),
            ("\u{e0041}\u{e007f}\u{e0100}", r"\u{e0041}\u{e007f}\u{e0100}"),
        ];
        for (text, safe) in cases {
            assert_eq!(sanitize(text), safe);
        }
    }

    /// The classes of the contract, spelt out once more: the property below trusts `is_hidden`.
    #[test]
    fn every_class_of_the_contract_is_hidden() {
        let classes = [
            0..=0x1f,
            0x7f..=0x9f,
            0x61c..=0x61c,
            0x200b..=0x200f,
            0x2028..=0x202e,
            0x2060..=0x2064,
            0x2066..=0x2069,
            0xfeff..=0xfeff,
            0xe0000..=0xe007f,
        ];
        for c in classes.into_iter().flatten().filter_map(char::from_u32) {
            assert!(is_hidden(c), "{c:?}");
        }
        let visible = "\u{20}~\u{a0}é\u{301}\u{3000}漢\u{600}\u{fe0e}\u{fe0f}\u{fffc}\u{fffd}👍🏽";
        assert!(!visible.chars().any(is_hidden));
    }

    #[test]
    fn harmless_text_is_not_copied() {
        assert!(matches!(sanitize(r"C:\temp grüße"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_cell_tells_an_escape_from_a_backslash() {
        assert_eq!(sanitize_cell("a\\n\nb\t"), r"a\\n\nb\t");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(sanitize_lines("a\tb\r\nc\rd\x1b"), "a\tb\nc\\rd\\x1b");
    }

    /// Text in which the characters that matter are frequent.
    pub(crate) fn hostile() -> impl Strategy<Value = String> {
        let hidden = prop_oneof![
            any::<char>(),
            proptest::char::range('\0', '\u{a0}'),
            proptest::char::range('\u{2000}', '\u{2070}'),
            proptest::char::range('\u{e0000}', '\u{e0200}'),
        ];
        proptest::collection::vec(hidden, 0..40).prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn nothing_hidden_gets_through(text in hostile()) {
            prop_assert!(!sanitize(&text).chars().any(is_hidden));
            prop_assert!(!sanitize_cell(&text).chars().any(is_hidden));
            let lines = sanitize_lines(&text);
            prop_assert!(!lines.chars().any(|c| is_hidden(c) && c != '\n' && c != '\t'));
        }
    }
}
