//! What go-jira does, item by item, and what this program does in its place.
//!
//! The items are the behaviours of go-jira v0.14 as they were observed from outside, 282 of them, numbered
//! through. Sections by letter: A command surface (1 to 22), B argument hygiene (23 to 34), C configuration (35 to
//! 69), D validation (70 to 82), E authentication (83 to 108), F OAuth (109 to 139), G storage (140 to 155), H `run`
//! (156 to 184), I issue keys (185 to 198), J stdin (199 to 203), K data commands (204 to 227), L errors (228 to
//! 243), M logging (244 to 249), N timeout (250 to 252), O Markdown (253 to 264), P broker (265 to 282).
//!
//! The doc comment of a test names its items. `/// Items 1, 3 to 5.` are kept as they are, and
//! `/// Item 2, changed: why.` is otherwise here, for that reason. What cannot apply stands in [`NOT_APPLICABLE`].
//! docs/go-jira.md is what a user reads of the same.

mod auth;
mod broker;
mod callback;
mod configuration;
mod data;
mod env_file;
mod errors;
mod hygiene;
mod inputs;
mod job;
mod keys;
mod logging;
mod login;
mod markdown;
mod oauth;
mod renewal;
mod run;
mod session;
mod stdin;
mod storage;
mod surface;
mod timeout;
mod validation;

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;

/// How many items there are.
const ITEMS: u16 = 282;

/// Items that nothing here can show, and why.
const NOT_APPLICABLE: &[(RangeInclusive<u16>, &str)] = &[
    (108..=108, "a rule for wrappers of Go's http.RoundTripper: here a request is built anew for each try"),
    (142..=143, "they need a keyring: tests/real/keyring.rs, tests/real/keyring_commands.rs"),
    (265..=276, "the broker's own tests: tests/it/broker"),
    (281..=282, "the broker's own tests: tests/it/broker"),
];

#[test]
fn every_item_is_accounted_for() {
    let mut places: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    let mut wrong = vec![];
    for (file, text) in sources() {
        match markers(&file, &text) {
            Ok(found) => {
                found.into_iter().for_each(|(item, place)| places.entry(item).or_default().push(place))
            }
            Err(error) => wrong.push(error),
        }
    }
    for (items, reason) in NOT_APPLICABLE {
        assert!(!reason.is_empty(), "{items:?} cannot apply: why?");
        items.clone().for_each(|item| places.entry(item).or_default().push("NOT_APPLICABLE".to_owned()));
    }
    for item in 1..=ITEMS {
        match places.remove(&item).unwrap_or_default().as_slice() {
            [] => wrong.push(format!("item {item} is nowhere")),
            [_] => {}
            several => wrong.push(format!("item {item} is in several places: {several:?}")),
        }
    }
    wrong.extend(places.into_iter().map(|(item, places)| format!("there is no item {item}: {places:?}")));
    assert!(wrong.is_empty(), "{} found:\n{}\n", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_marker_that_says_nothing_is_seen() {
    let of =
        |text: &str| markers("f.rs", text).map(|found| found.into_iter().map(|(item, _)| item).collect());
    let both = "/// Items 1, 3 to 5.\n/// Item 2, changed: it is better.\n#[test]\nfn it_is_so() {}\n";
    assert_eq!(of(both), Ok(vec![1, 3, 4, 5, 2]));
    for bad in [
        "#[test]\nfn it_has_no_marker() {}\n",
        "/// Item 1.\nfn no_test() {}\n",
        "/// Item x.\n#[test]\nfn it_is_so() {}\n",
        "/// Item 1, changed: \n#[test]\nfn it_is_so() {}\n",
        "/// Item 1\n#[test]\nfn it_is_so() {}\n",
        "/// Item 1.\n",
    ] {
        assert!(of(bad).is_err(), "{bad}");
    }
}

/// The files of this module but this one.
fn sources() -> Vec<(String, String)> {
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/go_jira")];
    let mut found = vec![];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("mod.rs")
            {
                found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The items that the tests of a file name, each with the place. Every test names one at least.
fn markers(file: &str, text: &str) -> Result<Vec<(u16, String)>, String> {
    let mut found = vec![];
    // What stands above the function that comes next.
    let (mut items, mut test) = (vec![], false);
    for (index, line) in text.lines().enumerate() {
        let (line, place) = (line.trim(), format!("{file}:{}", index + 1));
        if let Some(marker) = line.strip_prefix("/// Item") {
            let named = numbers(marker).ok_or_else(|| format!("{place}: {line}: which items?"))?;
            items.extend(named.into_iter().map(|item| (item, place.clone())));
        } else if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            test = true;
        } else if !line.starts_with("///") && !line.starts_with("#[") {
            if test && items.is_empty() {
                return Err(format!("{place}: {line}: which item is that?"));
            }
            if !test && !items.is_empty() {
                return Err(format!("{place}: {line}: items, and no test"));
            }
            found.append(&mut items);
            test = false;
        }
    }
    if items.is_empty() { Ok(found) } else { Err(format!("{file}: items, and no test")) }
}

/// The numbers of `s 1, 3 to 5.` and of ` 2, changed: why.`
fn numbers(marker: &str) -> Option<Vec<u16>> {
    let marker = marker.strip_prefix('s').unwrap_or(marker).strip_prefix(' ')?;
    let listed = match marker.split_once(", changed: ") {
        Some((listed, reason)) if !reason.is_empty() => listed,
        Some(_) => return None,
        None => marker.split_once('.')?.0,
    };
    let mut found = vec![];
    for part in listed.split(", ") {
        let (first, last) = part.split_once(" to ").unwrap_or((part, part));
        found.extend(first.parse::<u16>().ok()?..=last.parse().ok()?);
    }
    Some(found)
}
