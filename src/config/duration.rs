//! Durations as Go and humantime write them: `30s`, `1m30s`, `500ms`.

use std::time::Duration;

use super::ConfigError;

/// More than this is a typing error, and would overflow a deadline.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Parses one or more whole numbers, each with `ms`, `s`, `m`, `h` or `d`; more than nothing.
pub fn parse_duration(text: &str) -> Result<Duration, ConfigError> {
    let form =
        || ConfigError::bad("a duration is whole numbers, each with a unit: 500ms, 30s, 5m, 1m30s or 2h");
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(form)?;
        let number: u64 = rest[..digits].parse().map_err(|_| form())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let milliseconds = match &rest[..letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(form()),
        };
        rest = &rest[letters..];
        let part = number.checked_mul(milliseconds).map(Duration::from_millis);
        total = part
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= LONGEST)
            .ok_or_else(|| ConfigError::bad("a duration is at most 366 days"))?;
    }
    match total {
        Duration::ZERO => {
            Err(ConfigError::bad("a duration is more than nothing: 500ms, 30s, 5m, 1m30s or 2h"))
        }
        total => Ok(total),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("30s", 30_000),
            ("5m", 300_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("2h", 7_200_000),
            ("1h0m1s", 3_601_000),
            ("1d", 86_400_000),
            ("366d", 31_622_400_000),
        ] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(milliseconds), "{text}");
        }
    }

    #[test]
    fn no_durations() {
        let huge = "9".repeat(30) + "s";
        for text in [
            "",
            "5",
            "30",
            "s",
            "-5s",
            "+5s",
            "5 s",
            " 5s",
            "5s ",
            "1m30",
            "1.5h",
            "5x",
            "5S",
            "0",
            "0s",
            "0m0s",
            "367d",
            "99999999999999999d",
            "٣s",
            "5s\n",
            &huge,
        ] {
            assert!(parse_duration(text).is_err(), "{text:?}");
        }
        let message = parse_duration("5").unwrap_err().to_string();
        assert!(message.contains("30s"), "the message names the form: {message}");
    }
}
