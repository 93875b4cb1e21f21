//! A Rust file read as tokens: the names it uses, resolved as far as the file itself tells, each with its
//! line. Comments and strings do not count, except paths inside attributes (`#[serde(with = "crate::x")]`).

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One file.
pub(super) struct Source {
    /// Relative to the root of the project, with `/`: `src/auth/refresh.rs`.
    pub(super) file: String,
    pub(super) text: String,
    /// Words, signs and literals in order, without brackets and attributes.
    pub(super) tokens: Vec<Token>,
    /// Every path of two segments or more, and every leaf of every `use`.
    pub(super) names: Vec<Name>,
    pub(super) attributes: Vec<Attribute>,
    /// `#[cfg(test)] mod NAME;` as a path: the files behind them are tests too.
    pub(super) test_modules: Vec<String>,
}

pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
    /// Inside something that is only built for tests.
    pub(super) test: bool,
}

pub(super) struct Name {
    /// `crate::auth::store::Store` or `std::io::stdout`; `*` ends a glob.
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) test: bool,
}

pub(super) struct Attribute {
    pub(super) words: Vec<String>,
    pub(super) line: usize,
}

/// A path as it was typed, and the module it was typed in.
struct Typed {
    segments: Vec<String>,
    module: Vec<String>,
    line: usize,
    test: bool,
}

#[derive(Clone)]
struct Place {
    module: Vec<String>,
    test: bool,
}

impl Source {
    /// Reads one file. `modules` are all modules of the crate that have a file (`crate::auth::store`), so that
    /// a path that begins with a child module is understood.
    pub(super) fn parse(file: &str, text: &str, modules: &BTreeSet<String>) -> Source {
        let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut reader =
            Reader { typed: vec![], aliases: BTreeMap::new(), source: Source::empty(file, text) };
        reader.walk(stream, &mut Place { module: module_of(file), test: false });
        let Reader { typed, aliases, mut source } = reader;
        source.names = typed
            .iter()
            .map(|name| Name {
                path: resolve(&name.segments, &name.module, &aliases, modules, 0),
                line: name.line,
                test: name.test,
            })
            .collect();
        source
    }

    fn empty(file: &str, text: &str) -> Source {
        Source {
            file: file.into(),
            text: text.into(),
            tokens: vec![],
            names: vec![],
            attributes: vec![],
            test_modules: vec![],
        }
    }

    /// The module this file is, as `crate::auth::store`.
    pub(super) fn module(&self) -> String {
        joined(&module_of(&self.file))
    }

    /// The top-level module this file belongs to; none for `main.rs` and `lib.rs`.
    pub(super) fn layer(&self) -> Option<String> {
        module_of(&self.file).into_iter().next()
    }
}

struct Reader {
    typed: Vec<Typed>,
    /// What a `use` calls something in this file, and what it stands for.
    aliases: BTreeMap<String, (Vec<String>, Vec<String>)>,
    source: Source,
}

impl Reader {
    fn walk(&mut self, stream: TokenStream, place: &mut Place) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut at = 0;
        while at < trees.len() {
            at += self.step(&trees, at, place);
        }
    }

    /// Takes in what stands at `at`; says how many trees that were.
    fn step(&mut self, trees: &[TokenTree], at: usize, place: &mut Place) -> usize {
        let rest = &trees[at..];
        if let Some((group, length, inner)) = attribute(rest) {
            self.attribute(group, place);
            if is_cfg_test(group) {
                if inner {
                    place.test = true;
                } else {
                    let end = length + item_length(&rest[length..]);
                    let item = rest[length..end].iter().cloned().collect();
                    self.walk(item, &mut Place { test: true, ..place.clone() });
                    return end;
                }
            }
            return length;
        }
        match word(&rest[0]).as_deref() {
            Some("use") if !is_sign(rest.get(1), '<') => self.use_item(rest, place),
            Some("mod") => self.mod_item(rest, place),
            Some(_) => self.path(trees, at, place),
            None => {
                match &rest[0] {
                    TokenTree::Group(group) => self.walk(group.stream(), &mut place.clone()),
                    other => self.token(other, place),
                }
                1
            }
        }
    }

    fn token(&mut self, tree: &TokenTree, place: &Place) {
        let (text, line) = (tree.to_string(), tree.span().start().line);
        self.source.tokens.push(Token { text, line, test: place.test });
    }

    fn attribute(&mut self, group: &Group, place: &Place) {
        let mut words = vec![];
        each(group.stream(), &mut |tree| words.extend(word(tree)));
        if words.first().is_some_and(|first| first == "doc") {
            return;
        }
        let line = group.span_open().start().line;
        self.source.attributes.push(Attribute { words, line });
        let mut paths = vec![group.stream()];
        each(group.stream(), &mut |tree| {
            let text = tree.to_string();
            if text.starts_with('"') && text.contains("::") {
                paths.extend(text.trim_matches('"').parse::<TokenStream>());
            }
        });
        // Only the names: words of an attribute are not code.
        let before = self.source.tokens.len();
        paths.into_iter().for_each(|stream| self.walk(stream, &mut place.clone()));
        self.source.tokens.truncate(before);
    }

    fn use_item(&mut self, rest: &[TokenTree], place: &Place) -> usize {
        let end = rest.iter().position(|tree| is_sign(Some(tree), ';')).unwrap_or(rest.len());
        self.use_tree(&rest[1..end], vec![], place);
        end + 1
    }

    fn use_tree(&mut self, trees: &[TokenTree], mut segments: Vec<String>, place: &Place) {
        let line = trees.first().map_or(0, |tree| tree.span().start().line);
        let mut alias = None;
        for (at, tree) in trees.iter().enumerate() {
            match tree {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for part in inner.split(|tree| is_sign(Some(tree), ',')).filter(|part| !part.is_empty()) {
                        self.use_tree(part, segments.clone(), place);
                    }
                    return;
                }
                TokenTree::Ident(ident) if ident == "as" => {
                    alias = trees.get(at + 1).and_then(word);
                    break;
                }
                TokenTree::Ident(ident) if ident == "self" && !segments.is_empty() => {}
                TokenTree::Ident(ident) => segments.push(plain(&ident.to_string())),
                TokenTree::Punct(sign) if sign.as_char() == '*' => segments.push("*".into()),
                _ => {}
            }
        }
        if let (false, Some(name)) = (place.test, alias.or_else(|| segments.last().cloned())) {
            self.aliases.insert(name, (segments.clone(), place.module.clone()));
        }
        self.typed.push(Typed { segments, module: place.module.clone(), line, test: place.test });
    }

    fn mod_item(&mut self, rest: &[TokenTree], place: &Place) -> usize {
        let Some(name) = rest.get(1).and_then(word) else { return 1 };
        let mut module = place.module.clone();
        module.push(name);
        match rest.get(2) {
            Some(TokenTree::Group(group)) => {
                self.walk(group.stream(), &mut Place { module, test: place.test });
                3
            }
            _ => {
                if place.test {
                    self.source.test_modules.push(joined(&module));
                }
                2
            }
        }
    }

    /// A word, or the path that begins with it.
    fn path(&mut self, trees: &[TokenTree], at: usize, place: &Place) -> usize {
        let mut segments = vec![];
        let mut end = at;
        while let Some(name) = trees.get(end).and_then(word) {
            segments.push(name);
            self.token(&trees[end], place);
            end += 1;
            let more = is_sign(trees.get(end), ':') && is_sign(trees.get(end + 1), ':');
            if !more || trees.get(end + 2).and_then(word).is_none() {
                break;
            }
            self.token(&trees[end], place);
            self.token(&trees[end + 1], place);
            end += 2;
        }
        if segments.len() > 1 {
            let line = trees[at].span().start().line;
            self.typed.push(Typed { segments, module: place.module.clone(), line, test: place.test });
        }
        end - at
    }
}

/// `src/auth/store/mod.rs` is `[auth, store]`; `src/lib.rs` and `src/main.rs` are the root.
fn module_of(file: &str) -> Vec<String> {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    let inside = inside.trim_end_matches("/mod");
    match inside {
        "lib" | "main" => vec![],
        _ => inside.split('/').map(str::to_owned).collect(),
    }
}

fn joined(module: &[String]) -> String {
    ["crate".to_owned()].iter().chain(module).cloned().collect::<Vec<_>>().join("::")
}

fn resolve(
    segments: &[String],
    module: &[String],
    aliases: &BTreeMap<String, (Vec<String>, Vec<String>)>,
    modules: &BTreeSet<String>,
    depth: usize,
) -> String {
    let (first, rest) = (segments[0].as_str(), &segments[1..]);
    let below = |module: &[String], rest: &[String]| joined(&[module, rest].concat());
    match first {
        "crate" | "jira_oauth" => return below(&[], rest),
        "self" => return below(module, rest),
        "super" => {
            let ups = segments.iter().take_while(|segment| *segment == "super").count();
            let parent = &module[..module.len().saturating_sub(ups)];
            return below(parent, &segments[ups..]);
        }
        _ => {}
    }
    if modules.contains(&below(module, &segments[..1])) && !module.is_empty() {
        return below(module, segments);
    }
    match aliases.get(first) {
        Some((target, home)) if depth < 4 && target[0] != first => {
            resolve(&[target, rest].concat(), home, aliases, modules, depth + 1)
        }
        _ => segments.join("::"),
    }
}

/// `#[…]` or `#![…]` at the head: its group, how many trees it takes, and whether it is an inner one.
fn attribute(rest: &[TokenTree]) -> Option<(&Group, usize, bool)> {
    if !is_sign(rest.first(), '#') {
        return None;
    }
    let inner = is_sign(rest.get(1), '!');
    let length = if inner { 3 } else { 2 };
    match rest.get(length - 1) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
            Some((group, length, inner))
        }
        _ => None,
    }
}

fn is_cfg_test(group: &Group) -> bool {
    let mut words = vec![];
    each(group.stream(), &mut |tree| words.extend(word(tree)));
    match words.first().map(String::as_str) {
        Some("cfg") => words.iter().any(|word| word == "test") && !words.iter().any(|word| word == "not"),
        _ => false,
    }
}

/// How many trees the item at the head takes, further attributes included: to its `;` or its braces.
fn item_length(rest: &[TokenTree]) -> usize {
    let mut ends_with_sign = false;
    for (at, tree) in rest.iter().enumerate() {
        match word(tree).as_deref() {
            Some("use" | "let" | "static" | "type") => ends_with_sign = true,
            Some("const") => ends_with_sign = true,
            Some("fn" | "impl" | "mod") => ends_with_sign = false,
            _ => {}
        }
        let braces = matches!(tree, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        if is_sign(Some(tree), ';') || (braces && !ends_with_sign) {
            return at + 1;
        }
    }
    rest.len()
}

fn word(tree: &TokenTree) -> Option<String> {
    match tree {
        TokenTree::Ident(ident) => Some(plain(&ident.to_string())),
        _ => None,
    }
}

fn plain(name: &str) -> String {
    name.trim_start_matches("r#").to_owned()
}

fn is_sign(tree: Option<&TokenTree>, sign: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn each(stream: TokenStream, visit: &mut impl FnMut(&TokenTree)) {
    for tree in stream {
        visit(&tree);
        if let TokenTree::Group(group) = tree {
            each(group.stream(), visit);
        }
    }
}
