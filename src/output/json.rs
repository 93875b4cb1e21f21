//! The one JSON writer of the program: pretty or compact, and in both the characters that could drive a
//! terminal or hide text are written as `\u` escapes (threat 14, decisions 18). A reader gets the same
//! strings back; other non-ASCII text, `<`, `>` and `&` are literal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::sanitize::is_hidden;

/// Two-space indent, and one line feed at the end.
pub fn pretty<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    format(value, PrettyFormatter::new())
}

/// One line, and the line feed that ends it.
pub fn compact<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    format(value, CompactFormatter)
}

fn format<T: Serialize + ?Sized>(value: &T, layout: impl Formatter) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(512);
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Escaping(layout)))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The layout of another formatter, with hidden characters escaped. serde_json hands every piece of a
/// string, and of an object's key, that it does not escape itself to [`Formatter::write_string_fragment`].
struct Escaping<F>(F);

impl<F: Formatter> Formatter for Escaping<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly all text is printable ASCII; looking at bytes is enough to see that.
        if fragment.bytes().all(|byte| byte.is_ascii() && byte != 0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some(at) = rest.find(is_hidden) {
            writer.write_all(&rest.as_bytes()[..at])?;
            let hidden = rest[at..].chars().next().expect("`find` points at a character");
            // RFC 8259 section 7: UTF-16, so that a character above U+FFFF is a surrogate pair.
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + hidden.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        self.0.write_char_escape(writer, escape)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_key(writer)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sanitize::tests::hostile;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn text(bytes: serde_json::Result<Vec<u8>>) -> String {
        String::from_utf8(bytes.unwrap()).unwrap()
    }

    #[test]
    fn pretty_is_two_spaces_and_one_newline() {
        let value = json!({"b": [1, {}], "a": {"c": null}, "e": []});
        let expected =
            "{\n  \"b\": [\n    1,\n    {}\n  ],\n  \"a\": {\n    \"c\": null\n  },\n  \"e\": []\n}\n";
        assert_eq!(text(pretty(&value)), expected);
        assert_eq!(text(compact(&value)), "{\"b\":[1,{}],\"a\":{\"c\":null},\"e\":[]}\n");
    }

    #[test]
    fn hidden_characters_are_escaped_in_values_and_keys() {
        let value = json!({"k\u{202e}": "\x1b[0m\x7f\u{9b}\u{2028}\u{200b}\u{feff}\u{ad}\u{e0041}"});
        assert_eq!(
            text(compact(&value)),
            "{\"k\\u202e\":\"\\u001b[0m\\u007f\\u009b\\u2028\\u200b\\ufeff\\u00ad\\udb40\\udc41\"}\n"
        );
    }

    #[test]
    fn what_is_harmless_stays_literal() {
        let value = json!("<b>&amp; grüße 漢字 👍 ❤\u{fe0f} \" \\ / \n\t");
        assert_eq!(text(compact(&value)), "\"<b>&amp; grüße 漢字 👍 ❤\u{fe0f} \\\" \\\\ / \\n\\t\"\n");
    }

    /// Jira's numbers keep their digits, and its members their order. An exponent is spelt `e+`, which
    /// is the same number.
    #[test]
    fn numbers_and_order_pass_through() {
        let raw = r#"{"z":12345678901234567890.123,"a":1E400,"m":1.10,"n":-0.0,"big":123456789012345678901234567890}"#;
        let value: Value = serde_json::from_str(raw).unwrap();
        let expected = raw.replace("1E400", "1e+400");
        assert_eq!(text(compact(&value)).trim_end(), expected);
        assert_eq!(text(pretty(&value)).replace(['\n', ' '], ""), expected);
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_written_and_nothing_is_lost(key in hostile(), value in hostile()) {
            let value = json!({ key: [value] });
            for written in [text(pretty(&value)), text(compact(&value))] {
                prop_assert!(!written.chars().any(|c| is_hidden(c) && c != '\n'));
                prop_assert_eq!(&serde_json::from_str::<Value>(&written).unwrap(), &value);
            }
        }
    }
}
