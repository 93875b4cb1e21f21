//! The writer, seen from its streams.

use std::io::Write;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::error::Hint;

/// A stream that keeps every call apart, and fails when told to.
#[derive(Clone, Default)]
struct Calls {
    calls: Arc<Mutex<Vec<String>>>,
    fails: Option<io::ErrorKind>,
}

impl Write for Calls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        match self.fails {
            Some(kind) => Err(kind.into()),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Calls {
    fn all(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

/// A writer with its two streams; `terminal` is true for both or neither.
fn writer(format: Format, terminal: bool) -> (Output, Calls, Calls) {
    let (stdout, stderr) = (Calls::default(), Calls::default());
    let options = OutputOptions { format, quiet: false, color: true };
    let stream = |calls: &Calls| Stream::new(calls.clone(), terminal, None);
    (Output::new(options, stream(&stdout), stream(&stderr)), stdout, stderr)
}

#[test]
fn json_is_indented_and_jsonl_is_a_line_an_item() {
    let value = json!([{"key": "GAIA-1"}, {"key": "GAIA-2"}]);
    let (output, stdout, _) = writer(Format::Json, true);
    output.value(&value).unwrap();
    assert_eq!(
        stdout.all(),
        ["[\n  {\n    \"key\": \"GAIA-1\"\n  },\n  {\n    \"key\": \"GAIA-2\"\n  }\n]\n"]
    );

    let (output, stdout, _) = writer(Format::Jsonl, false);
    output.value(&value).unwrap();
    output.value(&json!({"total": 2})).unwrap();
    output.item(&json!({"big": [12345]})).unwrap();
    let lines =
        ["{\"key\":\"GAIA-1\"}\n", "{\"key\":\"GAIA-2\"}\n", "{\"total\":2}\n", "{\"big\":[12345]}\n"];
    assert_eq!(stdout.all(), lines);
}

#[test]
fn big_numbers_survive_jsonl() {
    let value: Value = serde_json::from_str("[12345678901234567890.123]").unwrap();
    let (output, stdout, _) = writer(Format::Jsonl, false);
    output.value(&value).unwrap();
    assert_eq!(stdout.all(), ["12345678901234567890.123\n"]);
}

#[test]
fn text_is_written_at_once() {
    let (output, stdout, _) = writer(Format::Text, false);
    output.value(&json!({"key": "GAIA-1", "summary": "a\tb"})).unwrap();
    assert_eq!(stdout.all(), ["key\tGAIA-1\nsummary\ta\\tb\n"]);
}

#[derive(serde::Serialize)]
struct Row(&'static str);

impl Text for Row {
    fn text(&self) -> Readable {
        Readable::Rows { header: vec!["KEY"], rows: vec![vec![self.0.to_owned()]] }
    }
}

#[test]
fn a_streamed_row_has_no_header() {
    let (output, stdout, _) = writer(Format::Text, true);
    output.value(&Row("GAIA-1")).unwrap();
    output.item(&Row("GAIA-2")).unwrap();
    assert_eq!(stdout.all(), ["\x1b[1mKEY\x1b[0m\n\x1b[36mGAIA-1\x1b[0m\n", "\x1b[36mGAIA-2\x1b[0m\n"]);
}

#[test]
fn plain_text_ends_with_one_line_feed() {
    let (output, stdout, _) = writer(Format::Json, false);
    output.plain("1.0").unwrap();
    output.plain("page\n").unwrap();
    assert_eq!(stdout.all(), ["1.0\n", "page\n"]);
}

#[test]
fn warnings_are_one_json_line_for_a_program() {
    let (output, _, stderr) = writer(Format::Json, false);
    output.warning("truncated", "there is \x1b more", Some(json!({"total": 40, "code": "forged"})));
    output.info("waiting", "for a lock", None);
    output.event("login", json!({"url": "https://x"}), "Open https://x");
    assert_eq!(
        stderr.all(),
        [
            "{\"warning\":{\"code\":\"truncated\",\"message\":\"there is \\u001b more\",\"total\":40}}\n",
            "{\"info\":{\"code\":\"waiting\",\"message\":\"for a lock\"}}\n",
            "{\"login\":{\"url\":\"https://x\"}}\n",
        ]
    );
}

#[test]
fn warnings_are_sentences_for_a_person() {
    let (output, _, stderr) = writer(Format::Json, true);
    output.warning("truncated", "there is\nhint: more\x07", None);
    output.event("login", json!({"url": "https://x"}), "Open https://x");
    assert_eq!(stderr.all(), ["\x1b[1;33mwarning:\x1b[0m there is\n  hint: more\\x07\n", "Open https://x\n"]);
    let (output, _, stderr) = writer(Format::Text, false);
    output.warning("truncated", "there is more", None);
    assert_eq!(stderr.all(), ["warning: there is more\n"]);
}

#[test]
fn quiet_drops_infos_only() {
    let (stdout, stderr) = (Calls::default(), Calls::default());
    let options = OutputOptions { quiet: true, ..OutputOptions::default() };
    let stream = |calls: &Calls| Stream::new(calls.clone(), false, None);
    let output = Output::new(options, stream(&stdout), stream(&stderr));
    output.info("waiting", "for a lock", None);
    output.warning("truncated", "there is more", None);
    assert_eq!(stderr.all().len(), 1);
}

#[test]
fn a_failure_is_one_line() {
    let failure =
        Failure::new(Code::NotLoggedIn, "nobody\nis logged in \u{202e}").hint(Hint::Login { site: None });
    for terminal in [false, true] {
        let (output, stdout, stderr) = writer(Format::Json, terminal);
        output.failure(&failure);
        assert_eq!(
            stderr.all(),
            [
                "{\"error\":{\"kind\":\"auth\",\"code\":\"not_logged_in\",\"message\":\"nobody\\nis logged in \\u202e\",\
              \"hint\":\"jira login\",\"exit_code\":3,\"retryable\":false,\"actor\":\"user\"}}\n"
            ]
        );
        assert!(stdout.all().is_empty());
    }
    let (output, _, stderr) = writer(Format::Text, false);
    output.failure(&failure);
    assert_eq!(stderr.all(), ["error: nobody\n  is logged in \\u{202e}\nhint: jira login\n"]);
    let (output, _, stderr) = writer(Format::Text, true);
    output.failure(&Failure::new(Code::Bug, "oops"));
    assert_eq!(stderr.all(), ["\x1b[1;31merror:\x1b[0m oops\n"]);
}

#[test]
fn logs_and_prompts_are_sanitised() {
    let (output, _, stderr) = writer(Format::Json, true);
    output.log("GET /x\nforged \x1b[2J");
    output.prompt("Type \u{200b}host: ");
    assert_eq!(stderr.all(), ["GET /x\\nforged \\x1b[2J\n", "Type \\u{200b}host: "]);
}

#[test]
fn a_closed_stdout_ends_quietly() {
    let stdout = Calls { fails: Some(io::ErrorKind::BrokenPipe), ..Calls::default() };
    let stderr = Stream::new(io::sink(), false, None);
    let output = Output::new(OutputOptions::default(), Stream::new(stdout.clone(), false, None), stderr);
    assert!(!output.closed());
    output.value(&json!(1)).unwrap();
    assert!(output.closed());
    assert!(output.clone().closed());
    output.item(&json!(2)).unwrap();
    assert_eq!(stdout.all().len(), 1, "nothing more is written");
}

#[test]
fn a_full_disk_is_a_failure() {
    let stdout = Calls { fails: Some(io::ErrorKind::StorageFull), ..Calls::default() };
    let stderr = Stream::new(io::sink(), false, None);
    let output = Output::new(OutputOptions::default(), Stream::new(stdout, false, None), stderr);
    let failure = output.value(&json!(1)).unwrap_err();
    assert_eq!(failure.code, Code::OutputUnwritable);
    assert!(failure.message.starts_with("the result could not be written: "), "{failure}");
    assert!(!output.closed());
}

#[test]
fn formats_are_parsed() {
    for name in Format::NAMES {
        assert_eq!(name.parse::<Format>().unwrap().as_str(), name);
    }
    let failure = Failure::from("yaml".parse::<Format>().unwrap_err());
    assert_eq!((failure.code, failure.exit_code()), (Code::BadValue, 2));
    assert_eq!(failure.message, "\"yaml\" is no output format: it is json, jsonl or text");
}
