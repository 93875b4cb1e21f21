//! Arguments are looked at before anything else: control characters would inject into terminals and logs,
//! and a secret as an argument is public.

use std::ffi::OsString;

use crate::error::{Code, Failure, Hint};

/// Flags that carry a secret elsewhere, and how it is passed here.
const SECRET_FLAGS: [(&str, &str); 8] = [
    ("--token", "set JIRA_TOKEN or JIRA_TOKEN_FILE, or log in with `jira login --pat`, which reads stdin"),
    ("--password", "set JIRA_PASSWORD or JIRA_PASSWORD_FILE"),
    ("--broker-token", "set JIRA_BROKER_TOKEN or JIRA_BROKER_TOKEN_FILE"),
    ("--refresh-token", "set JIRA_OAUTH_REFRESH_TOKEN or JIRA_OAUTH_REFRESH_TOKEN_FILE"),
    ("--master-password", "set JIRA_MASTER_PASSWORD or JIRA_MASTER_PASSWORD_FILE"),
    (
        "--client-secret",
        "the broker alone holds it, and reads it from the file that JIRA_OAUTH_CLIENT_SECRET_FILE names, or from \
         JIRA_OAUTH_CLIENT_SECRET",
    ),
    ("--redis-url", "set JIRA_BROKER_REDIS_URL_FILE or JIRA_BROKER_REDIS_URL"),
    ("--pat=", "`jira login --pat` reads the token from stdin or asks for it"),
];

/// The arguments as text, or the reason why they are refused.
pub fn check(args: &[OsString]) -> Result<Vec<String>, Failure> {
    let args = args.iter().map(|arg| {
        let text = arg.to_str().ok_or_else(|| {
            Failure::new(Code::BadValue, format!("an argument is not UTF-8: {}", arg.to_string_lossy()))
        })?;
        match text.chars().find(|c| is_control(*c)) {
            Some(c) => Err(Failure::new(
                Code::ControlCharacter,
                format!("an argument contains a disallowed control character (0x{:02x})", c as u32),
            )),
            None => Ok(text.to_owned()),
        }
    });
    let args = args.collect::<Result<Vec<_>, _>>()?;
    let flags = args.iter().take_while(|arg| *arg != "--");
    for arg in flags {
        let hit = SECRET_FLAGS.iter().find(|(flag, _)| match flag.strip_suffix('=') {
            Some(_) => arg.starts_with(flag),
            None => arg == flag || arg.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')),
        });
        if let Some((flag, way)) = hit {
            let flag = flag.trim_end_matches('=');
            let text = format!("{flag} is refused, for arguments are public to every process: {way}");
            return Err(Failure::new(Code::SecretAsArgument, text).hint(Hint::Help("")));
        }
    }
    Ok(args)
}

/// C0 but tab, line feed and carriage return; DEL; C1.
pub fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(arg: &str) -> Result<Vec<String>, Code> {
        check(&[OsString::from(arg)]).map_err(|failure| failure.code)
    }

    #[test]
    fn control_characters_are_refused_and_white_space_is_not() {
        for allowed in ["plain", "", "a\tb", "a\nb", "a\rb", "ü", "日本"] {
            assert!(checked(allowed).is_ok(), "{allowed:?}");
        }
        for refused in ["\x1b[2J", "\x0b", "--jql=\x07", "\x08", "\x7f", "\u{85}", "\u{9b}"] {
            assert_eq!(checked(refused), Err(Code::ControlCharacter), "{refused:?}");
        }
    }

    #[test]
    fn secrets_are_no_arguments() {
        for refused in ["--token", "--token=x", "--password=x", "--broker-token", "--pat=x"] {
            assert_eq!(checked(refused), Err(Code::SecretAsArgument), "{refused:?}");
        }
        assert!(checked("--token-storage").is_ok());
        assert!(checked("--pat").is_ok());
        assert!(check(&["--".into(), "--token".into()]).is_ok());
    }
}
