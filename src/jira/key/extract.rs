//! Issue keys in free text: commit messages, branch names, titles of pull requests.
//!
//! Missing a key is seen (the report does not list it); changing an issue that nobody named is not. So
//! what may be part of something else (a word, a date, a version, a UUID) is no key, and what looks like
//! a key but is not is named in the report.

use std::collections::HashSet;

use regex_lite::Regex;
use schemars::JsonSchema;
use serde::Serialize;

use super::{IssueKey, KeyError};

/// Prefixes that are followed by a number in ordinary text and are hardly ever projects, sorted.
/// `--projects` overrules it. Short names that teams do give to projects (`PR`, `MR`, `RC`, `DEC`) are
/// left out: a change that is silently not made is worse than a `not_found`.
pub const LOOK_ALIKES: &[&str] = &[
    "AES", "ASCII", "BASE", "COVID", "CRC", "CVE", "CVSS", "CWE", "DES", "ECDSA", "ECMA", "FIPS", "GHSA",
    "GMT", "GPT", "HMAC", "HTTP", "IEC", "IEEE", "IPV", "ISBN", "ISO", "JEP", "JSR", "LATIN", "MD", "MPEG",
    "OAUTH", "PEP", "PKCS", "POSIX", "RFC", "RSA", "SHA", "SHA2", "SHA3", "SSL", "TLS", "UCS", "USB", "UTC",
    "UTF", "WINDOWS", "X86",
];

/// What counts as a key in text.
#[derive(Debug, Clone, Default)]
pub struct Pattern(Option<Regex>);

impl Pattern {
    /// A regular expression in the place of the default one; its whole match is the key, in any case. It
    /// brings its own boundaries.
    pub fn custom(pattern: &str) -> Result<Self, KeyError> {
        let compiled = Regex::new(pattern).map_err(|error| KeyError::BadPattern {
            pattern: super::excerpt(pattern),
            reason: error.to_string(),
        })?;
        Ok(Pattern(Some(compiled)))
    }
}

/// What was found in a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extracted {
    /// The keys, each once, in the order of the text.
    pub keys: Vec<IssueKey>,
    /// What was left alone, each once, in the order of the text.
    pub ignored: Vec<Ignored>,
}

/// Something that looks like a key and was left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Ignored {
    /// As it stands in the text.
    pub key: String,
    /// `look_alike`, `other_project`, `number_continues` (a date, a version) or `not_a_key`.
    pub reason: &'static str,
}

/// Finds the keys in a text. With `projects` (in any case) only theirs, and then even if they are in
/// [`LOOK_ALIKES`].
pub fn extract(text: &str, pattern: &Pattern, projects: Option<&[String]>) -> Extracted {
    let candidates = match &pattern.0 {
        Some(custom) => custom.find_iter(text).map(|found| Candidate::whole(found.as_str())).collect(),
        None => candidates(text),
    };
    let mut extracted = Extracted::default();
    let mut seen = HashSet::new();
    for candidate in candidates.into_iter().filter(|candidate| !candidate.text.is_empty()) {
        let found = judge(&candidate, projects).map_err(|reason| (candidate.text, reason));
        if !seen.insert(found.clone()) {
            continue;
        }
        match found {
            Ok(key) => extracted.keys.push(key),
            Err((text, reason)) => extracted.ignored.push(Ignored { key: text.to_owned(), reason }),
        }
    }
    extracted
}

/// Something in the text that has the shape of a key.
struct Candidate<'t> {
    /// The key and, where the number continues, the rest of it.
    text: &'t str,
    /// The key alone.
    key: &'t str,
}

impl<'t> Candidate<'t> {
    fn whole(text: &'t str) -> Self {
        Candidate { text, key: text }
    }
}

fn judge(candidate: &Candidate, projects: Option<&[String]>) -> Result<IssueKey, &'static str> {
    let key: IssueKey = candidate.key.parse().map_err(|_| "not_a_key")?;
    let look_alike = LOOK_ALIKES.binary_search(&key.project()).is_ok();
    match projects {
        Some(projects) if !projects.iter().any(|project| project.eq_ignore_ascii_case(key.project())) => {
            Err(if look_alike { "look_alike" } else { "other_project" })
        }
        None if look_alike => Err("look_alike"),
        _ if candidate.text != candidate.key => Err("number_continues"),
        _ => Ok(key),
    }
}

/// The default pattern, `[A-Z][A-Z0-9_]+-[1-9][0-9]*` as a word of its own, found hyphen by hyphen.
fn candidates(text: &str) -> Vec<Candidate<'_>> {
    let mut found = Vec::new();
    // Where the last candidate ended: a key may be joined to the one before it, `GAIA-1-GAIA-2`.
    let mut last_end = None;
    for (hyphen, _) in text.match_indices('-') {
        let number = run(&text[hyphen + 1..], |c| c.is_ascii_digit());
        let end = hyphen + 1 + number;
        let project = run_back(&text[..hyphen], |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let start = hyphen - project;
        let shaped = project >= 2
            && text[start..].starts_with(|c: char| c.is_ascii_uppercase())
            && text[hyphen + 1..].starts_with(|c: char| matches!(c, '1'..='9'));
        if !shaped || !begins_word(&text[..start], last_end) || text[end..].starts_with(is_word) {
            continue;
        }
        let continued = end + continuation(&text[end..]);
        found.push(Candidate { text: &text[start..continued], key: &text[start..end] });
        last_end = Some(end);
    }
    found
}

/// Whether a key may begin after this text. A hyphen belongs to what stands before it (`X-GAIA-1`, the
/// groups of a UUID), unless that is another key or a lower-case word, as in the branch `fix-GAIA-1`.
fn begins_word(before: &str, last_end: Option<usize>) -> bool {
    let Some(word) = before.strip_suffix('-') else {
        return !before.ends_with(is_word);
    };
    if last_end == Some(word.len()) {
        return true;
    }
    let letters = run_back(word, |c| c.is_ascii_lowercase());
    letters >= 2 && !word[..word.len() - letters].ends_with(is_word)
}

/// The length of what makes a number part of something longer: `-01` in `REL-2024-01`, `.1` in `TLS-1.1`.
fn continuation(after: &str) -> usize {
    let mut length = 0;
    while after[length..].starts_with(['-', '.']) {
        let digits = run(&after[length + 1..], |c| c.is_ascii_digit());
        if digits == 0 {
            break;
        }
        length += 1 + digits;
    }
    length
}

/// Part of a word: ASCII as in `\w`, and letters that have a case. Scripts without case are often
/// written without spaces, so a key may follow one of their letters directly.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c.is_lowercase() || c.is_uppercase()
}

/// How many bytes at the beginning are of a kind.
fn run(text: &str, kind: impl Fn(char) -> bool) -> usize {
    text.find(|c| !kind(c)).unwrap_or(text.len())
}

/// How many bytes at the end are of a kind.
fn run_back(text: &str, kind: impl Fn(char) -> bool) -> usize {
    text.len() - text.trim_end_matches(kind).len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(text: &str) -> Vec<String> {
        extract(text, &Pattern::default(), None).keys.iter().map(IssueKey::to_string).collect()
    }

    fn ignored(extracted: &Extracted) -> Vec<(&str, &str)> {
        extracted.ignored.iter().map(|ignored| (ignored.key.as_str(), ignored.reason)).collect()
    }

    #[test]
    fn keys_are_found_where_people_write_them() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("no keys here", &[]),
            ("ABC-1234 and DEF-5678", &["ABC-1234", "DEF-5678"]),
            ("B2-2 A1-1 B2-2 A1-1", &["B2-2", "A1-1"]),
            ("ABCDEFGHIJ-123", &["ABCDEFGHIJ-123"]),
            ("LONGPROJECTKEY-1 X_Y-2 P2P-3", &["LONGPROJECTKEY-1", "X_Y-2", "P2P-3"]),
            ("ABC-999999", &["ABC-999999"]),
            (
                "fix(GAIA-1): [GAIA-2], (GAIA-3); \"GAIA-4\" 'GAIA-5' GAIA-6. #GAIA-7 GAIA-8!",
                &["GAIA-1", "GAIA-2", "GAIA-3", "GAIA-4", "GAIA-5", "GAIA-6", "GAIA-7", "GAIA-8"],
            ),
            ("title\n\nGAIA-1\r\nGAIA-2\tGAIA-3", &["GAIA-1", "GAIA-2", "GAIA-3"]),
            ("feature/GAIA-12-fix-login", &["GAIA-12"]),
            ("bugfix-GAIA-12-login and fix/GAIA-13", &["GAIA-12", "GAIA-13"]),
            ("GAIA-1-GAIA-2-GAIA-3", &["GAIA-1", "GAIA-2", "GAIA-3"]),
            ("GAIA-1,GAIA-2/GAIA-3+GAIA-4", &["GAIA-1", "GAIA-2", "GAIA-3", "GAIA-4"]),
            ("https://jira.example.com/browse/GAIA-12?focusedId=1#c", &["GAIA-12"]),
            ("GAIA-12.patch, GAIA-13... GAIA-14-", &["GAIA-12", "GAIA-13", "GAIA-14"]),
            ("修正GAIA-1です。GAIA-2。", &["GAIA-1", "GAIA-2"]),
        ];
        for (text, expected) in cases {
            assert_eq!(keys(text), *expected, "{text}");
        }
    }

    #[test]
    fn parts_of_other_things_are_no_keys() {
        let texts = [
            "abc-123 Abc-1 123-ABC ABC- -1 ABC_1 ABC 1 A-1 B-2",
            "ABC-0123 ABC-0",
            "thisNOT-123 éNOT-1 1NOT-1 _NOT-1 notNOT-1",
            "NOT-1x NOT-1X NOT-1_x NOT-1é",
            "X-GAIA-1 -GAIA-1 --GAIA-1 a-GAIA-1 a1b-GAIA-1 v2-GAIA-1 Fix-GAIA-1",
            "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6 00000000-AB12-4321-8ABC-123456789012",
            "25-DEC-2024",
            "GAIA\u{200b}-1 GAIA\u{2010}1",
        ];
        for text in texts {
            assert_eq!(extract(text, &Pattern::default(), None), Extracted::default(), "{text}");
        }
    }

    #[test]
    fn look_alikes_are_named_and_left_alone() {
        let text = "UTF-8, SHA-256 and UTF-8 again: CVE-2024-1234 RFC-3339 ISO-8859-1 TLS-1.3 GAIA-1";
        let extracted = extract(text, &Pattern::default(), None);
        let names = ["UTF-8", "SHA-256", "CVE-2024-1234", "RFC-3339", "ISO-8859-1", "TLS-1.3"];
        assert_eq!(ignored(&extracted), names.map(|name| (name, "look_alike")));
        assert_eq!(extracted.keys.len(), 1);
    }

    #[test]
    fn a_number_that_continues_is_named_and_left_alone() {
        let text = "ABC-12-34 REL-2024-01-15 NODE-18.2.0-rc GAIA-1-fix GAIA-2. GAIA-3-";
        let extracted = extract(text, &Pattern::default(), None);
        let expected = ["ABC-12-34", "REL-2024-01-15", "NODE-18.2.0"].map(|key| (key, "number_continues"));
        assert_eq!(ignored(&extracted), expected);
        assert_eq!(extracted.keys.len(), 3);
    }

    #[test]
    fn an_impossible_number_is_named() {
        let text = format!("GAIA-{}", "9".repeat(30));
        assert_eq!(ignored(&extract(&text, &Pattern::default(), None)), [(text.as_str(), "not_a_key")]);
    }

    #[test]
    fn projects_say_which_keys_count() {
        let projects = ["gaia".to_owned(), "UTF".to_owned()];
        let extracted = extract("GAIA-1 HELIOS-2 UTF-8 SHA-1", &Pattern::default(), Some(&projects));
        assert_eq!(extracted.keys.iter().map(IssueKey::to_string).collect::<Vec<_>>(), ["GAIA-1", "UTF-8"]);
        assert_eq!(ignored(&extracted), [("HELIOS-2", "other_project"), ("SHA-1", "look_alike")]);
    }

    #[test]
    fn a_custom_pattern_replaces_the_default() {
        let find = |pattern: &str, text: &str| {
            let extracted = extract(text, &Pattern::custom(pattern).unwrap(), None);
            (extracted.keys.iter().map(IssueKey::to_string).collect::<Vec<_>>(), extracted.ignored)
        };
        assert_eq!(find("GAIA-[0-9]+|HEL-[0-9]+", "HEL-1 GAIA-2 X-3").0, ["HEL-1", "GAIA-2"]);
        assert_eq!(find("[a-z]+-[0-9]+", "fix/gaia-12-gaia-13").0, ["GAIA-12", "GAIA-13"]);
        assert_eq!(find("[A-Z]-[0-9]+", "A-1 xB-2").0, ["A-1", "B-2"]);
        assert_eq!(find("x*", "abc"), (vec![], vec![]), "an empty match is nothing");
        let (keys, ignored) = find(r"\[\w+-\d+\]|#\d+", "[GAIA-1] #12");
        assert!(keys.is_empty());
        let expected = ["[GAIA-1]", "#12"].map(|key| Ignored { key: key.to_owned(), reason: "not_a_key" });
        assert_eq!(ignored, expected);
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let failure = crate::error::Failure::from(Pattern::custom("(GAIA-").unwrap_err());
        assert_eq!(failure.code, crate::error::Code::BadValue);
        assert_eq!(
            failure.message,
            "\"(GAIA-\" is no pattern for issue keys: found open group without closing ')'"
        );
        for pattern in [r"(?<!x)GAIA-1", r"(a)\1", "(?:a{1000}){1000}"] {
            let message = Pattern::custom(pattern).unwrap_err().to_string();
            assert!(message.starts_with(&format!("\"{pattern}\" is no pattern")), "{message}");
        }
    }

    #[test]
    fn the_look_alikes_are_sorted() {
        assert!(LOOK_ALIKES.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_long_line_takes_no_time() {
        for piece in ["A-", "AB-1-", "GAIA-1.1", "-", "A", "ab-AB-1"] {
            extract(&piece.repeat(200_000 / piece.len()), &Pattern::default(), None);
        }
    }

    proptest! {
        #[test]
        fn only_what_is_in_the_text_is_found(text in "([A-C1-2é_.\u{4fee} /x-]|GAIA-1|\\PC){0,40}") {
            let extracted = extract(&text, &Pattern::default(), None);
            for key in &extracted.keys {
                prop_assert!(text.contains(&key.to_string()));
            }
            for ignored in &extracted.ignored {
                prop_assert!(text.contains(&ignored.key));
            }
        }

        #[test]
        fn a_key_among_spaces_is_always_found(key in "[A-Z][A-Z0-9_]{1,9}-[1-9][0-9]{0,9}", around in "\\PC{0,20}") {
            let extracted = extract(&format!("{around} {key} {around}"), &Pattern::default(), None);
            let found = extracted.keys.iter().any(|found| found.to_string() == key);
            let left_alone = extracted.ignored.iter().any(|ignored| ignored.key == key);
            prop_assert!(found || left_alone);
        }

        #[test]
        fn a_uuid_holds_no_key(uuid in "[0-9A-F]{8}-[0-9A-F]{4}-[1-8][0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}") {
            prop_assert_eq!(keys(&uuid), Vec::<String>::new());
        }

        #[test]
        fn custom_patterns_never_panic(pattern in "\\PC{0,12}", text in "\\PC{0,30}") {
            if let Ok(pattern) = Pattern::custom(&pattern) {
                extract(&text, &pattern, None);
            }
        }
    }
}
