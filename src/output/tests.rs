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

/// A reader that takes a piece only when it is told to.
struct Slow {
    calls: Calls,
    reads: std::sync::mpsc::Receiver<()>,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nobody reads any more: it has closed its end.
        self.reads.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.calls.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer whose stdout and stderr share a slow reader.
fn slow(fails: Option<io::ErrorKind>) -> (Output, [(Calls, std::sync::mpsc::Sender<()>); 2]) {
    let stream = |fails| {
        let (read, reads) = std::sync::mpsc::channel();
        let calls = Calls { fails, ..Calls::default() };
        (Stream::slow(Slow { calls: calls.clone(), reads }, false, None), (calls, read))
    };
    let ((stdout, one), (stderr, two)) = (stream(fails), stream(None));
    let options = OutputOptions { format: Format::Jsonl, quiet: false, color: false };
    (Output::new(options, stdout, stderr), [one, two])
}

/// Whether it is still waiting after everybody else had a turn.
async fn waits(what: impl Future<Output = Result<(), Failure>>) -> bool {
    use futures_util::FutureExt;

    tokio::task::yield_now().await;
    what.now_or_never().is_none()
}

#[tokio::test]
async fn nothing_waits_for_a_slow_reader_but_what_says_so() {
    let (output, [(stdout, read), (stderr, hear)]) = slow(None);
    output.item(&json!({"n": 1})).unwrap();
    output.item(&json!({"n": 2})).unwrap();
    output.warning("truncated", "there is more", None);
    output.room().await.unwrap();
    assert!(waits(output.written()).await);
    assert_eq!((stdout.all().len(), stderr.all().len()), (0, 0));
    read.send(()).unwrap();
    read.send(()).unwrap();
    output.written().await.unwrap();
    assert_eq!(stdout.all(), ["{\"n\":1}\n", "{\"n\":2}\n"]);
    hear.send(()).unwrap();
    output.said().await;
    assert_eq!(stderr.all().len(), 1);
}

#[tokio::test]
async fn a_list_that_is_streamed_waits_for_room() {
    let (output, [(stdout, read), _]) = slow(None);
    let item = json!({ "description": "x".repeat(100 * 1024) });
    for _ in 0..2 {
        output.item(&item).unwrap();
        output.room().await.unwrap();
    }
    output.item(&item).unwrap();
    assert!(waits(output.room()).await, "300 KiB are waiting");
    for _ in 0..3 {
        read.send(()).unwrap();
    }
    output.room().await.unwrap();
    output.written().await.unwrap();
    assert_eq!(stdout.all().len(), 3);
}

#[tokio::test]
async fn a_reader_that_goes_while_something_waits_ends_it_quietly() {
    let (output, [(stdout, read), _]) = slow(None);
    output.item(&json!(1)).unwrap();
    output.item(&json!(2)).unwrap();
    read.send(()).unwrap();
    drop(read);
    output.written().await.unwrap();
    assert!(output.closed());
    output.item(&json!(3)).unwrap();
    assert_eq!(stdout.all(), ["1\n"]);
}

#[tokio::test]
async fn a_disk_that_is_full_later_is_a_failure_and_nothing_follows_the_gap() {
    let (output, [(stdout, read), _]) = slow(Some(io::ErrorKind::StorageFull));
    output.item(&json!(1)).unwrap();
    output.item(&json!(2)).unwrap();
    for _ in 0..3 {
        read.send(()).unwrap();
    }
    let failure = output.written().await.unwrap_err();
    assert_eq!(failure.code, Code::OutputUnwritable);
    assert_eq!(output.item(&json!(3)).unwrap_err().code, Code::OutputUnwritable);
    assert_eq!(stdout.all(), ["1\n"], "tried once");
}

#[tokio::test]
async fn a_log_that_nobody_reads_takes_no_memory_and_the_failure_is_said_all_the_same() {
    let (output, [_, (stderr, hear)]) = slow(None);
    let line = "x".repeat(64 * 1024);
    for _ in 0..100 {
        output.log(&line);
    }
    output.failure(&Failure::new(Code::Bug, "oops"));
    for _ in 0..100 {
        hear.send(()).unwrap();
    }
    output.said().await;
    let said = stderr.all();
    assert!((16..=18).contains(&said.len()), "{} lines", said.len());
    assert!(said.last().unwrap().starts_with("{\"error\":"));
}
