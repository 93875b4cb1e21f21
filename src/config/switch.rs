//! Switches: one grammar for flags, variables and the settings of a site.

use super::ConfigError;

/// Parses `1 true yes on` or `0 false no off`, in any case.
pub fn parse_boolean(text: &str) -> Result<bool, ConfigError> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(ConfigError::bad("must be 1, true, yes or on, or 0, false, no or off")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for yes in ["1", "true", "TRUE", "Yes", "on"] {
            assert_eq!(parse_boolean(yes), Ok(true), "{yes}");
        }
        for no in ["0", "false", "False", "NO", "off"] {
            assert_eq!(parse_boolean(no), Ok(false), "{no}");
        }
        for neither in ["", "2", "y", "t", "wahr", " 1", "true\n"] {
            assert!(parse_boolean(neither).is_err(), "{neither:?}");
        }
    }
}
