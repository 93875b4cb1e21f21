//! Pairs of Markdown and the wiki markup it becomes.

use proptest::prelude::*;

use super::to_wiki;

#[track_caller]
fn check(pairs: &[(&str, &str)]) {
    for (markdown, wiki) in pairs {
        assert_eq!(to_wiki(markdown), *wiki, "{markdown}");
    }
}

#[test]
fn plain_text_stays_as_it_is() {
    let texts = [
        "",
        "A paragraph.",
        "Two lines\nof one paragraph.",
        "One.\n\nTwo.",
        "well-known snake_case 2*3 a^b C++ x~y 50% a@b.c #12 (see) \"q\" 'q' $HOME <> & a & b",
        "What? Really?! Yes! (no)",
        r"C:\temp\new \d",
        "–v and — and …  漢字 👍",
        "https://jira.example.com/browse/GAIA-1?a=b_c&d=x*y~(z)!#_q",
        "GAIA-12: fixed",
    ];
    for text in texts {
        assert_eq!(to_wiki(text), text);
    }
}

#[test]
fn headings() {
    check(&[
        ("# H", "h1. H"),
        ("###### H", "h6. H"),
        ("Title\n=====\ntext", "h1. Title\n\ntext"),
        ("## A `b` *c*", "h2. A {{b}} _c_"),
        ("# A\n## B", "h1. A\n\nh2. B"),
        ("Two\nlines\n---", "h2. Two lines"),
    ]);
}

#[test]
fn phrases() {
    check(&[
        ("**b** *i* ~~s~~ `c`", "*b* _i_ -s- {{c}}"),
        ("__b__ _i_", "*b* _i_"),
        ("***x***", "_*x*_"),
        ("**a *b* c**", "*a _b_ c*"),
        ("**a **b** c**", "*a b c*"),
        ("(**b**), \"*i*\".", "(*b*), \"_i_\"."),
        ("in**side**word", "in{*}side{*}word"),
        ("un*frigging*believable", "un{_}frigging{_}believable"),
        ("a`b`c and `d`s", "a{{{}b{}}}c and {{d{}}}s"),
        ("**two\nlines**", "*two lines*"),
        ("**see https://x.example/a**", "*see [https://x.example/a]*"),
    ]);
}

#[test]
fn links_and_images() {
    check(&[
        ("[t](u)", "[t|u]"),
        ("![a](u)", "!u!"),
        ("[t](https://x.example/a_b \"title\")", "[t|https://x.example/a_b]"),
        ("<https://x.example/?a=1&b=2>", "[https://x.example/?a=1&b=2]"),
        ("[https://x.example](https://x.example)", "[https://x.example]"),
        ("<a@b.example>", "[a@b.example|mailto:a@b.example]"),
        ("[**b** `c`](u)", "[*b* {{c}}|u]"),
        ("[a|b \\[c\\]](u)", "[a&#124;b &#91;c&#93;|u]"),
        ("[t](<a b|c]>)", "[t|a%20b%7Cc%5D]"),
        ("[t][r]\n\n[r]: https://x.example", "[t|https://x.example]"),
        ("[](u) [t]()", "[u] t"),
        ("[![alt *x*](i.png)](u)", "[!i.png!|u]"),
        ("a![x](i.png)b ![y](j!.png).", "a !i.png! b !j%21.png!."),
        ("[ask @bob](u)", "[ask @bob|u]"),
    ]);
}

#[test]
fn code_blocks() {
    check(&[
        ("```go\nfunc main() {}\n```", "{code:language=go}\nfunc main() {}\n{code}"),
        ("```\nx\n```", "{code}\nx\n{code}"),
        ("~~~ py title=\"x\"\nx\n~~~", "{code:language=python}\nx\n{code}"),
        ("```rust\nlet x;\n```", "{code}\nlet x;\n{code}"),
        ("    indented\n\n    more", "{code}\nindented\n\nmore\n{code}"),
        (
            "```\n\n  *a* _b_ [c] @d {x} \\ & <br>\n\n```",
            "{code}\n\n  *a* _b_ [c] @d {x} \\ & <br>\n\n{code}",
        ),
        ("```\n```", "{code}\n\n{code}"),
        ("```\n{code}\n```", "{noformat}\n{code}\n{noformat}"),
        ("```\n{noformat}\n```", "{code}\n{noformat}\n{code}"),
        ("```\n{code}\n{noformat}\n```", "{{&#123;code&#125;}}\n{{&#123;noformat&#125;}}"),
        ("a\n```\nx\n```\nb", "a\n\n{code}\nx\n{code}\n\nb"),
    ]);
}

#[test]
fn inline_code_is_shown_as_it_is() {
    check(&[
        ("`@user` `a_b(c)` `--flag` `x.y`", "{{@user}} {{a_b(c)}} {{--flag}} {{x.y}}"),
        ("`{x}` `{{y}}`", "{{&#123;x&#125;}} {{&#123;&#123;y&#125;&#125;}}"),
        ("`*b*` `[a]` `!i.png!`", r"{{\*b*}} {{\[a]}} {{\!i.png!}}"),
        ("`&lt;` `a && b` `\\n` `\\\\`", r"{{&amp;lt;}} {{a && b}} {{\n}} {{&#92;&#92;}}"),
        ("``  a  ``", "{{&nbsp;a&nbsp;}}"),
        ("`for (;;) f(x) :) :P`", r"{{for (;;\) f\(x) :\) &#58;P}}"),
    ]);
}

#[test]
fn lists() {
    check(&[
        ("- a\n- b", "* a\n* b"),
        ("* a\n* b", "* a\n* b"),
        ("1. a\n2. b", "# a\n# b"),
        ("- a\n  - b\n    - c\n- d", "* a\n** b\n*** c\n* d"),
        ("- a\n  1. b\n  2. c", "* a\n*# b\n*# c"),
        ("1. a\n   - b\n     1. c", "# a\n#* b\n#*# c"),
        ("- **b** *i* `c` [t](u)", "* *b* _i_ {{c}} [t|u]"),
        ("- a\n\n- b\n\n  more", "* a\n* b\nmore"),
        ("- a\n  wrapped", "* a\nwrapped"),
        ("- - a\n  - b", "** a\n** b"),
        ("- a\n\ntext\n\n1. b", "* a\n\ntext\n\n# b"),
        ("- a\n\n1. b", "* a\n\n# b"),
        ("- # H\n- x", "* *H*\n* x"),
        ("-\n- b", "* \n* b"),
        ("- a\n  ```\n  x\n\n  y\n  ```\n- b", "* a\n{code}\nx\n\ny\n{code}\n* b"),
        ("- ```\n  x\n  ```", "* {code}\nx\n{code}"),
        ("- [ ] open\n- [x] done", "* [ ] open\n* \\[x] done"),
        ("text\n- a", "text\n\n* a"),
    ]);
}

#[test]
fn quotes() {
    check(&[
        ("> a", "{quote}\na\n{quote}"),
        ("> a\n> b\n>\n> c", "{quote}\na\nb\n\nc\n{quote}"),
        ("a\n\n> b\n\nc", "a\n\n{quote}\nb\n{quote}\n\nc"),
        ("> - a\n>   - b\n>\n> c", "{quote}\n* a\n** b\n\nc\n{quote}"),
        ("> a\n>\n> > b\n> > c\n>\n> d", "{quote}\na\n\nbq. b c\n\nd\n{quote}"),
        ("> # H\n> ```go\n> x\n> ```", "{quote}\nh1. H\n\n{code:language=go}\nx\n{code}\n{quote}"),
        ("- a\n  > b\n- c", "* a\n{quote}\nb\n{quote}\n* c"),
        (">", "{quote}\n{quote}"),
    ]);
}

#[test]
fn tables() {
    check(&[
        ("| a | b |\n|---|:-:|\n| c | d |\n| e | f |", "||a||b||\n|c|d|\n|e|f|"),
        ("|a|b|\n|-|-|\n|**c**| |", "||a||b||\n|*c*| |"),
        ("|a|\n|-|\n|x \\| y|", "||a||\n|x \\| y|"),
        ("|a|\n|-|\n|`x\\|y`|", "||a||\n|{{x\\|y}}|"),
        ("|a|\n|-|\n|[t](u)<br>n|", "||a||\n|[t|u] \\\\ n|"),
        ("|a|\n|-|\n|\\- b \\ |", "||a||\n|\\- b &#92;|"),
        ("x\n\n|a|\n|-|\n|b|\n\ny", "x\n\n||a||\n|b|\n\ny"),
    ]);
}

#[test]
fn breaks_and_rules() {
    check(&[
        ("a  \nb\\\nc", "a\nb\nc"),
        ("**a  \nb**", r"*a \\ b*"),
        ("a\n\n---\n\nb", "a\n\n----\n\nb"),
        ("***", "----"),
        ("a<br>b<br/>c", "a\nb\nc"),
    ]);
}

#[test]
fn html_is_text_and_comments_are_nothing() {
    check(&[
        ("a <b>c</b> d", "a <b>c</b> d"),
        ("<div>\n*x*\n</div>", "<div>\n\\*x*\n</div>"),
        ("a <!-- b --> c", "a  c"),
        ("<!-- template\nof a pull request -->\n\ntext", "text"),
        ("&lt;b&gt; &copy; &amp;lt;", "<b> © &amp;lt;"),
    ]);
}

#[test]
fn mentions() {
    check(&[
        ("@user", "[~user]"),
        ("hi @first.last.", "hi [~first.last]."),
        ("@a-b @c_d @e2 @f_", "[~a-b] [~c_d] [~e2] [~f_]"),
        ("@user, @user! @user: @user- @user...", "[~user], [~user]! [~user]: [~user]- [~user]..."),
        ("@user@name", "[~user]@name"),
        ("@a!@b", "[~a]!@b".replace("!@b", "![~b]").as_str()),
        ("(@user) **@user**", "([~user]) *[~user]*"),
        ("me@example.com a.b@c.d x_@y", "me@example.com a.b@c.d x_@y"),
        ("@angular/core @a/@b", "@angular/core [~a]/@b"),
        ("@ @. @- a@", "@ @. @- a@"),
        ("\\@user", "@user"),
        ("[~jdoe] and @jürgen", "[~jdoe] and [~jürgen]"),
        ("https://x.example/@user", "https://x.example/@user"),
        ("- @a\n\n# @b", "* [~a]\n\nh1. [~b]"),
    ]);
}

#[test]
fn wiki_colour_survives() {
    check(&[
        ("{color:red}**b**{color}", "{color:red}*b*{color}"),
        ("a {color:#ff0000}x_y{color} b", "a {color:#ff0000}x_y{color} b"),
        ("{colour} {color:} {color:a b} {colors}", r"\{colour} \{color:} \{color:a b} \{colors}"),
    ]);
}

#[test]
fn what_jira_would_interpret_is_escaped() {
    check(&[
        (r"\*a\* \_b\_", r"\*a* \_b_"),
        ("-a- +b+ ^c^", r"\-a- \+b+ \^c^"),
        ("__init__.py `x`", "*init*.py {{x}}"),
        (r"\_\_init\_\_", r"\_\_init__"),
        ("??cite??", r"\?\?cite??"),
        ("!image.png! Wow!", r"\!image.png! Wow!"),
        ("{code} {{x}} {*} a}", r"\{code} &#123;\{x}} &#123;*} a}"),
        ("[a] [] [ b ] [c", r"\[a] [] [ b ] [c"),
        ("**a\\* b**", r"*a\* b*"),
        ("**a \\*b**", r"*a \*b*"),
        ("h1. x\nbq. y\nh2.z", "h1&#46; x\nbq&#46; y\nh2&#46;z"),
        ("1\\. x\n\\# y\n\\* z\n\\- w", "1. x\n\\# y\n\\* z\n\\- w"),
        ("|a|\nb | c", "\\|a|\nb | c"),
        (r"a \\ b \\\* c", r"a \ b &#92;* c"),
        (r"\\\\server\share", r"&#92;\server\share"),
        ("git -- x --- y", r"git \-- x \-\-- y"),
        ("\\----", r"\-\-\--"),
        ("a (x) b(/) (see) :)", r"a \(x) b\(/) (see) :)"),
        ("x &amp;amp; &amp;", "x &amp;amp; &"),
        ("use -v and -x, a-", r"use \-v and \-x, a-"),
        ("-v\nx-", "-v\nx-"),
    ]);
}

/// Jira's own reading of a line, as far as escapes go: entities and backslashes.
fn shown(wiki: &str) -> String {
    let mut text = String::new();
    let mut rest = wiki;
    while let Some(c) = rest.chars().next() {
        let mut next = rest[c.len_utf8()..].chars();
        let escaped = next.next().filter(|c| "-#*_+?^~|%{}[]()!@".contains(*c));
        let after_backslash = wiki[..wiki.len() - rest.len()].ends_with('\\');
        if let (true, Some(escaped)) = (c == '\\' && !after_backslash, escaped) {
            text.push(escaped);
            rest = &rest[2..];
            continue;
        }
        let entity = [
            ("&#92;", '\\'),
            ("&#123;", '{'),
            ("&#125;", '}'),
            ("&#46;", '.'),
            ("&#58;", ':'),
            ("&amp;", '&'),
            ("&nbsp;", ' '),
        ]
        .into_iter()
        .find(|(entity, _)| rest.starts_with(entity));
        match entity {
            Some((entity, c)) => {
                text.push(c);
                rest = &rest[entity.len()..];
            }
            None => {
                text.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    text
}

/// Whether Jira would make a phrase of something in this line: a delimiter that is not escaped begins,
/// and another one ends.
fn has_phrase(line: &str) -> bool {
    let chars: Vec<char> = line.chars().collect();
    let before = |at: usize| at.checked_sub(1).map(|at| chars[at]);
    let after = |at: usize| chars.get(at + 1).copied();
    let begins = |at: usize| {
        !before(at).is_some_and(|c| c.is_alphanumeric() || c == '\\')
            && after(at).is_some_and(|c| !c.is_whitespace())
    };
    let ends = |at: usize| {
        before(at).is_some_and(|c| !c.is_whitespace() && c != '\\')
            && !after(at).is_some_and(char::is_alphanumeric)
    };
    (0..chars.len()).any(|from| {
        "*_-+^~!".contains(chars[from])
            && begins(from)
            && (from + 2..chars.len()).any(|to| chars[to] == chars[from] && ends(to))
    })
}

#[test]
fn long_texts_take_no_time() {
    for piece in [
        "-", "*a ", "{color", "[~a", "@a@", "a_b*", "(x", "&a", "> ", "- ", "[a](b) ", "<!--", "|", "`",
        "https://",
    ] {
        to_wiki(&piece.repeat(32_000 / piece.len()));
        to_wiki(&format!("a {}", piece.repeat(32_000 / piece.len())));
    }
}

proptest! {
    #[test]
    fn nothing_panics(markdown in "([-#>*_~`!|\\[\\](){}@&<>:.\\\\0-9 \n\t]|ab|h1|- |\\| |\n\n|https://|<!--|\\PC){0,60}") {
        to_wiki(&markdown);
    }

    #[test]
    fn code_blocks_are_verbatim(code in "[^`\r\0]{0,60}") {
        prop_assume!(!code.contains("{code") && !code.contains("{noformat"));
        let code = code.trim_matches('\n');
        let wiki = to_wiki(&format!("```\n{code}\n```"));
        prop_assert_eq!(wiki, format!("{{code}}\n{code}\n{{code}}"));
    }

    #[test]
    fn inline_code_is_shown_verbatim(code in "[-a-z*_+^~!?|{}()\\[\\]@&#;:.\\\\/\"'<> ]{1,20}") {
        let code = code.trim();
        prop_assume!(!code.is_empty());
        let wiki = to_wiki(&format!("x `` {code} `` y"));
        let inner = wiki.strip_prefix("x {{").and_then(|rest| rest.strip_suffix("}} y")).expect("one phrase");
        prop_assert_eq!(shown(inner), code);
        prop_assert!(!has_phrase(&shown_entities_only(inner)), "{}", wiki);
    }

    #[test]
    fn escaped_text_is_shown_as_it_is(text in "[-a-z1*_+^~!?|{}()\\[\\]&#;:.\\\\ ]{1,30}") {
        let text = text.trim();
        prop_assume!(!text.is_empty());
        let markdown: String = text.chars().flat_map(|c| {
            let escape = c.is_ascii_punctuation().then_some('\\');
            escape.into_iter().chain([c])
        }).collect();
        let wiki = to_wiki(&markdown);
        prop_assert_eq!(shown(&wiki), text);
        prop_assert!(!has_phrase(&shown_entities_only(&wiki)), "{}", wiki);
    }
}

/// Entities stand for one character that is no delimiter; backslashes stay, they show what is escaped.
fn shown_entities_only(wiki: &str) -> String {
    ["&#92;", "&#123;", "&#125;", "&#46;", "&#58;", "&amp;", "&nbsp;"]
        .iter()
        .fold(wiki.to_owned(), |text, entity| text.replace(entity, ";"))
}
