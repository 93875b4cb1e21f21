//! JQL text into tokens, with Jira's complaints about characters that need quoting.

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A bare word: a field, a value, a keyword or a function's name.
    Word(String),
    /// In quotes: never a keyword.
    Quoted(String),
    /// `=`, `!=`, `<`, `>`, `<=`, `>=`, `~`, `!~`.
    Sign(&'static str),
    Open,
    Close,
    Comma,
    /// `&`, `&&`.
    And,
    /// `|`, `||`.
    Or,
    /// `!` that stands alone.
    Not,
    End,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    /// Counted from 1, in characters.
    pub line: usize,
    pub column: usize,
}

impl Token {
    /// As it stands in error messages.
    pub(super) fn text(&self) -> &str {
        match &self.kind {
            Kind::Word(text) | Kind::Quoted(text) => text,
            Kind::Sign(sign) => sign,
            Kind::Open => "(",
            Kind::Close => ")",
            Kind::Comma => ",",
            Kind::And => "&",
            Kind::Or => "|",
            Kind::Not => "!",
            Kind::End => "EOF",
        }
    }

    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(&self.kind, Kind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Jira's way to say where.
    pub(super) fn place(&self) -> String {
        format!("(line {}, character {})", self.line, self.column)
    }
}

struct Source {
    chars: Vec<char>,
    at: usize,
    line: usize,
    column: usize,
}

impl Source {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        match c {
            '\n' => (self.line, self.column) = (self.line + 1, 1),
            _ => self.column += 1,
        }
        Some(c)
    }

    fn skip(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }
}

/// Splits the query; the last token is [`Kind::End`].
pub(super) fn tokens(jql: &str) -> Result<Vec<Token>, String> {
    let mut source = Source { chars: jql.chars().collect(), at: 0, line: 1, column: 1 };
    let mut tokens = Vec::new();
    loop {
        while source.peek().is_some_and(char::is_whitespace) {
            source.next();
        }
        let (line, column) = (source.line, source.column);
        let kind = token(&mut source)
            .map_err(|what| format!("Error in the JQL Query: {what} (line {line}, character {column})"))?;
        let end = kind == Kind::End;
        tokens.push(Token { kind, line, column });
        if end {
            return Ok(tokens);
        }
    }
}

fn token(source: &mut Source) -> Result<Kind, String> {
    let Some(first) = source.peek() else { return Ok(Kind::End) };
    if first == '"' || first == '\'' {
        return quoted(source, first);
    }
    if !"=!<>~(),&|".contains(first) {
        return word(source);
    }
    source.next();
    Ok(match first {
        '=' => Kind::Sign("="),
        '~' => Kind::Sign("~"),
        '!' if source.skip('=') => Kind::Sign("!="),
        '!' if source.skip('~') => Kind::Sign("!~"),
        '!' => Kind::Not,
        '<' if source.skip('=') => Kind::Sign("<="),
        '<' => Kind::Sign("<"),
        '>' if source.skip('=') => Kind::Sign(">="),
        '>' => Kind::Sign(">"),
        '(' => Kind::Open,
        ')' => Kind::Close,
        ',' => Kind::Comma,
        '&' => {
            source.skip('&');
            Kind::And
        }
        _ => {
            source.skip('|');
            Kind::Or
        }
    })
}

fn quoted(source: &mut Source, quote: char) -> Result<Kind, String> {
    source.next();
    let mut text = String::new();
    while let Some(c) = source.next() {
        match c {
            '\\' => text.push(escape(source)?),
            c if c == quote => return Ok(Kind::Quoted(text)),
            c => text.push(c),
        }
    }
    Err(format!("The quoted string '{text}' has not been completed."))
}

fn word(source: &mut Source) -> Result<Kind, String> {
    let mut text = String::new();
    while let Some(c) = source.peek() {
        match c {
            '\\' => {
                source.next();
                text.push(escape(source)?);
            }
            c if c.is_whitespace() || "=!<>~(),&|\"'".contains(c) => break,
            // `cf[10101]` is the one place where square brackets may stand bare.
            '[' if text.eq_ignore_ascii_case("cf") => {
                text.push(c);
                source.next();
            }
            ']' if text.to_ascii_lowercase().starts_with("cf[") => {
                text.push(c);
                source.next();
                break;
            }
            c if "{}*/%+^$#@?;[]".contains(c) => {
                return Err(format!(
                    "The character '{c}' is a reserved JQL character. You must enclose it in a string or use \
                     the escape '\\u{:04x}' instead.",
                    u32::from(c)
                ));
            }
            c if c.is_control() => {
                return Err(format!(
                    "The character '\\u{:04x}' is a reserved JQL character. You must enclose it in a string.",
                    u32::from(c)
                ));
            }
            c => {
                text.push(c);
                source.next();
            }
        }
    }
    Ok(Kind::Word(text))
}

fn escape(source: &mut Source) -> Result<char, String> {
    let illegal = |what: &str| {
        format!(
            "'\\{what}' is an illegal JQL escape sequence. The valid escape sequences are \\', \\\", \\t, \\n, \
             \\r, \\\\, '\\ ' and \\uXXXX."
        )
    };
    let Some(c) = source.next() else { return Err(illegal("")) };
    match c {
        't' => Ok('\t'),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        '\\' | '\'' | '"' | ' ' => Ok(c),
        'u' => {
            let digits: String = std::iter::from_fn(|| source.next()).take(4).collect();
            let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
            code.and_then(char::from_u32).ok_or_else(|| illegal(&format!("u{digits}")))
        }
        c => Err(illegal(&c.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(jql: &str) -> Vec<Kind> {
        tokens(jql).unwrap().into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn words_signs_and_quotes() {
        let word = |text: &str| Kind::Word(text.to_owned());
        assert_eq!(
            kinds(r#"cf[10101] in(GAIA-1,"a \"b\"") &&x!~'ü'"#),
            [
                word("cf[10101]"),
                word("in"),
                Kind::Open,
                word("GAIA-1"),
                Kind::Comma,
                Kind::Quoted("a \"b\"".to_owned()),
                Kind::Close,
                Kind::And,
                word("x"),
                Kind::Sign("!~"),
                Kind::Quoted("ü".to_owned()),
                Kind::End,
            ]
        );
        assert_eq!(kinds(r#""A\t""#), [Kind::Quoted("A\t".to_owned()), Kind::End]);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        let error = |jql| tokens(jql).unwrap_err();
        assert_eq!(
            error("project = #x"),
            "Error in the JQL Query: The character '#' is a reserved JQL character. You must enclose it in a \
             string or use the escape '\\u0023' instead. (line 1, character 11)"
        );
        assert_eq!(
            error("summary ~\n \"abc"),
            "Error in the JQL Query: The quoted string 'abc' has not been completed. (line 2, character 2)"
        );
        assert!(error(r#"a = "\x""#).contains(r"'\x' is an illegal JQL escape sequence"));
        assert!(error(r#"a = "\u12"#).contains("illegal JQL escape sequence"));
    }
}
