//! The variables that a file sets: in a shell, a workflow, a Dockerfile, make, a Jenkinsfile, a file of variables.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::lines::{Columns, Line, Spot, text};
use super::lists::bare;
use super::position::assignment;
use super::scope::{ENVIRONMENT, Form};
use super::script::{Script, Setting};
use super::shell::{expands, first};

impl Script {
    /// Variables that lines set, in a shell, a workflow, a Dockerfile, make or a file of variables.
    pub(super) fn set(&mut self, lines: &[Line]) {
        static SET: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(
                r#"^\s*(?:-\s+)?["']?(?:export\s+|ENV\s+|ARG\s+|\$env:|Environment=["']?)?([A-Z][A-Z0-9_]+)["']?\s*(?:[:?]?=|:(?:\s|$))\s*(.*)$"#,
            )
            .expect("a fixed pattern")
        });
        static DOCKER: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^\s*ENV\s+([A-Z][A-Z0-9_]+)\s+(\S.*)$").expect("a fixed pattern"));
        static NAMED: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"^\s*-\s+name:\s*["']?([A-Z][A-Z0-9_]+)["']?\s*$"#).expect("a fixed pattern")
        });
        static SEVERAL: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"^\s*(?:ENV|ARG|export)\s+[A-Z][A-Z0-9_]+=").expect("a fixed pattern")
        });
        for (number, line) in lines.iter().enumerate() {
            let source = text(line);
            self.within(line, &source);
            let found = SET.captures(&source).or_else(|| DOCKER.captures(&source));
            let (name, value) = match (found, NAMED.captures(&source)) {
                (Some(found), _) => (found.get(1), found[2].to_owned()),
                (None, Some(found)) => {
                    let next = lines.get(number + 1).map(|next| text(next)).unwrap_or_default();
                    match next.trim().split_once(':') {
                        Some(("value", value)) => (found.get(1), value.to_owned()),
                        Some(("valueFrom", _)) => (found.get(1), "$".to_owned()),
                        _ => continue,
                    }
                }
                (None, None) => continue,
            };
            let Some(name) = name else { continue };
            let column = source[..name.start()].chars().count();
            let at = line.get(column).copied().unwrap_or(Spot { c: ' ', line: 1, column: 1 });
            let mut setting = Setting::read(name.as_str(), &value, at.line, at.column);
            setting.form = self.form(&source[..name.start()], &source[name.end()..]);
            if let Some((value, (line, column))) = self.before_command(line) {
                setting = Setting {
                    passing: true,
                    form: Form::Command(line, column),
                    ..Setting::read(name.as_str(), &value, at.line, at.column)
                };
            }
            self.settings.push(setting);
            if SEVERAL.is_match(&source) {
                self.further(line);
            }
        }
    }

    /// Who sets it, by what stands around its name.
    fn form(&self, before: &str, behind: &str) -> Form {
        // An item of withEnv's.
        let text = self.groovy && before.ends_with(['"', '\'']);
        let before = before.trim_matches([' ', '\t', '-', '"', '\'']);
        let key = behind.trim_start_matches(['"', '\'', ' ']).strip_prefix(':');
        match before {
            _ if before.starts_with("export") => Form::Exported,
            "" if !self.table && !text && key.is_none_or(|value| value.starts_with('=')) => Form::Own,
            _ => Form::Given,
        }
    }

    /// The value of a variable that is set for the command behind it alone, and where that ends: `NAME=value command`.
    fn before_command(&self, line: &[Spot]) -> Option<(String, (usize, usize))> {
        if self.dotenv {
            return None;
        }
        let simple = first(bare(line));
        let value = assignment(&simple.words.first()?.text())?.1.to_owned();
        let command = simple.words.iter().find(|word| assignment(&word.text()).is_none());
        let last = command.and(simple.words.last())?;
        Some((value, last.spots.last().map_or((last.line, last.column), |spot| (spot.line, spot.column))))
    }

    /// Those that stand inside a line: a map of YAML or JSON in braces, and what Groovy hands to a shell.
    fn within(&mut self, line: &[Spot], source: &str) {
        // What nobody closes is looked for up to the next brace only, not to the end of the line for each pair.
        static PAIR: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"[{,]\s*["']?([A-Z][A-Z0-9_]+)["']?:\s*("[^"]*"|'[^']*'|\$\{\{[^{}]*\}\}|[^,}]*)"#)
                .expect("a fixed pattern")
        });
        static GROOVY: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(concat!(
                // withEnv(["NAME=value"])
                r#"[\[,]\s*["']([A-Z][A-Z0-9_]+)=([^"']*)"#,
                // withCredentials([string(variable: 'NAME')])
                r#"|[vV]ariable:\s*["']([A-Z][A-Z0-9_]+)["']"#,
                r#"|\benv(?:\.|\[["'])([A-Z][A-Z0-9_]+)(?:["']\])?\s*=\s*([^=\s~].*)"#,
                r#"|\benvironment\s*\{\s*([A-Z][A-Z0-9_]+)\s*=\s*([^;}]*)"#,
            ))
            .expect("a fixed pattern")
        });
        // One entry of a list of Kubernetes's or of a task's: {name: TOKEN, value: x}
        static ENTRY: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(concat!(
                r#"\{\s*["']?name["']?:\s*["']?([A-Z][A-Z0-9_]+)["']?\s*,\s*["']?value"#,
                r#"(?:["']?:\s*("[^"]*"|'[^']*'|[^,}]*)|From)"#,
            ))
            .expect("a fixed pattern")
        });
        let mut found: Vec<_> = ENTRY.captures_iter(source).map(|pair| (0, pair)).collect();
        if let Some(map) = ENVIRONMENT.find_iter(source).find(|map| map.as_str().ends_with('{')) {
            found.extend(PAIR.captures_iter(&source[map.end() - 1..]).map(|pair| (map.end() - 1, pair)));
        }
        if self.groovy {
            found.extend(GROOVY.captures_iter(source).map(|pair| (0, pair)));
        }
        let mut columns = Columns::of(source);
        for (start, pair) in found {
            let mut groups = pair.iter().skip(1).flatten();
            let Some(name) = groups.next() else { continue };
            // What has no value here gets one when it runs.
            let value = groups.next().map_or("$", |value| value.as_str());
            let Some(at) = line.get(columns.before(start + name.start())) else { continue };
            self.settings.push(Setting::read(name.as_str(), value, at.line, at.column));
        }
    }

    /// The second and further pairs of `ENV A=1 B=2`.
    fn further(&mut self, line: &[Spot]) {
        let simple = first(line);
        // The word before the pairs, and the first of them.
        for word in simple.words.get(2..).unwrap_or_default() {
            if let Some((name, value)) = assignment(&word.text()) {
                let form = if simple.words[0].is("export") { Form::Exported } else { Form::Given };
                let setting = Setting::read(name, value, word.line, word.column);
                self.settings.push(Setting { form, ..setting });
            }
        }
    }
}

impl Setting {
    /// A variable with its value as it is written, in quotes or not.
    pub(super) fn read(name: &str, value: &str, line: usize, column: usize) -> Setting {
        let value = value.trim();
        let value = match value.chars().next().filter(|quote| "\"'".contains(*quote)) {
            Some(quote) => value[1..].split(quote).next().unwrap_or_default(),
            None => value.split(" #").next().unwrap_or_default().trim(),
        };
        let literal = !expands(value) && !value.contains("credentials(");
        let value = literal.then(|| value.to_owned());
        Setting { name: name.to_owned(), value, line, column, passing: false, form: Form::Given }
    }
}
