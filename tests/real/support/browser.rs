//! A headless Chromium, driven by `browser.py` beside this file. Every method panics, with the address the
//! browser is at, when the page does not do what is asked of it in time.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// One browser with one tab and a profile of its own. Ends with the value.
pub struct Browser {
    driver: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Browser {
    /// Starts it.
    pub fn start() -> Browser {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/support/browser.py");
        let mut driver = Command::new("python3")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is there: tests/run installs it");
        let to = driver.stdin.take();
        let from = BufReader::new(driver.stdout.take().unwrap());
        let mut browser = Browser { driver, to, from };
        browser.answer("start");
        browser
    }

    /// Goes to an address; says whether the browser stopped at its certificate warning.
    pub fn open(&mut self, url: &str) -> bool {
        self.ask(json!({"do": "open", "url": url}))["warning"] == true
    }

    /// Clicks through the certificate warning.
    pub fn proceed(&mut self) {
        self.ask(json!({"do": "proceed"}));
    }

    /// Types into a field, in place of what was in it.
    pub fn fill(&mut self, selector: &str, text: &str) {
        self.ask(json!({"do": "fill", "selector": selector, "text": text}));
    }

    /// Clicks on an element with the mouse, once it is there and nothing covers it.
    pub fn click(&mut self, selector: &str) {
        self.ask(json!({"do": "click", "selector": selector}));
    }

    /// Waits for an element.
    pub fn wait_for(&mut self, selector: &str) {
        self.ask(json!({"do": "wait", "selector": selector}));
    }

    /// Waits for words on the page.
    pub fn wait_for_text(&mut self, text: &str) {
        self.ask(json!({"do": "wait", "text": text}));
    }

    /// Waits for an address that begins so.
    pub fn wait_for_url(&mut self, prefix: &str) {
        self.ask(json!({"do": "wait", "url": prefix}));
    }

    /// The visible text of the page.
    pub fn text(&mut self) -> String {
        self.ask(json!({"do": "text"}))["text"].as_str().unwrap().to_owned()
    }

    /// The address.
    pub fn url(&mut self) -> String {
        self.ask(json!({"do": "text"}))["url"].as_str().unwrap().to_owned()
    }

    /// How many elements match.
    pub fn count(&mut self, selector: &str) -> u64 {
        self.ask(json!({"do": "count", "selector": selector}))["count"].as_u64().unwrap()
    }

    /// An attribute of an element, if it has that attribute.
    pub fn attribute(&mut self, selector: &str, name: &str) -> Option<String> {
        let answer = self.ask(json!({"do": "attribute", "selector": selector, "name": name}));
        answer["value"].as_str().map(str::to_owned)
    }

    /// Makes the window as large as a screen, in CSS pixels.
    pub fn size(&mut self, width: u32, height: u32) {
        self.ask(json!({"do": "size", "width": width, "height": height}));
    }

    /// Writes the page to a PNG file.
    pub fn screenshot(&mut self, path: &Path) {
        self.ask(json!({"do": "screenshot", "path": path.to_str().unwrap()}));
    }

    /// Every request the browser made: `url`, `method`, `headers`.
    pub fn requests(&mut self) -> Vec<Value> {
        self.ask(json!({"do": "requests"}))["requests"].as_array().unwrap().clone()
    }

    /// What the browser's console complained about: broken content security policies, script errors.
    pub fn complaints(&mut self) -> Vec<String> {
        let answer = self.ask(json!({"do": "complaints"}));
        answer["complaints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    }

    fn ask(&mut self, command: Value) -> Value {
        let to = self.to.as_mut().unwrap();
        writeln!(to, "{command}").and_then(|()| to.flush()).expect("the driver is there");
        self.answer(&command.to_string())
    }

    fn answer(&mut self, command: &str) -> Value {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the driver answers in UTF-8");
        let answer: Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("{command}: answered {line:?}"));
        assert!(answer["ok"] == true, "{command}: {} at {}", answer["error"], answer["url"]);
        answer
    }
}

impl Drop for Browser {
    /// The driver ends the browser and removes its profile when its stdin closes.
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.driver.wait();
    }
}
