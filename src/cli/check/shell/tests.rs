//! What is a word, and what parts and joins commands.

use super::super::lines::physical;
use super::*;

fn words(line: &str) -> Vec<Vec<String>> {
    let simples = commands(&physical(line)[0]);
    let texts = |simple: &Simple| simple.words.iter().map(Word::text).collect();
    simples.iter().map(texts).filter(|words: &Vec<String>| !words.is_empty()).collect()
}

#[test]
fn quotes_escapes_and_comments() {
    assert_eq!(words(r#"a 'b c' "d \"e\"" f\ g"h"'i' # j 'k"#), [["a", "b c", "d \"e\"", "f ghi"]]);
    assert_eq!(words("a#b #c"), [["a#b"]]);
    assert_eq!(words("a 'never closed"), [["a", "never closed"]]);
    assert_eq!(words("a ${{ b > c }} ${d:-e f}"), [["a", "${{ b > c }}", "${d:-e f}"]]);
}

#[test]
fn operators_part_commands() {
    assert_eq!(words("a b && c || d; e | f"), [vec!["a", "b"], vec!["c"], vec!["d"], vec!["e"], vec!["f"]]);
    let simples = commands(&physical("x=$(a b) \"$(c \"d\" e)\" || true")[0]);
    assert_eq!(simples[1].words.iter().map(Word::text).collect::<Vec<_>>(), ["a", "b"]);
    assert!(simples[1].substituted && !simples[0].substituted && !simples[2].substituted);
    assert_eq!(simples[2].words[0].text(), "$(c \"d\" e)");
    assert_eq!(simples[2].closed_by, "||");
}

#[test]
fn redirections_are_no_words() {
    let simple = &commands(&physical("a 2>&1 >out b 2> /dev/null &>x c|&d")[0])[0];
    assert_eq!(simple.redirects, ["2>&1", ">out", "2>/dev/null", "&>x", "2>&1"]);
    assert_eq!(simple.words.iter().map(Word::text).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn a_word_knows_its_place() {
    let simple = &commands(&physical("a  'b'")[0])[0];
    assert_eq!((simple.words[1].line, simple.words[1].column), (1, 4));
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_odd(line in "[ -~]{0,80}") {
        commands(&physical(&line)[0]);
    }
}
