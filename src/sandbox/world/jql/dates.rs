//! Moments in a query: absolute, relative to now, or by a function.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::{Span, Timestamp};

use crate::sandbox::world::ZONE;

/// Milliseconds of a date literal: `2026-03-01`, `"2026/03/01 14:30"`, `-7d`, `"4w 2d"`, or a number.
pub(super) fn literal(text: &str, now: i64) -> Option<i64> {
    if text.len() > 9 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    if let Some(offset) = period(text) {
        return now.checked_add(offset);
    }
    let text = text.replace('/', "-");
    let civil = match text.split_once(' ') {
        Some(_) => DateTime::strptime("%Y-%m-%d %H:%M", &text).ok()?,
        None => Date::strptime("%Y-%m-%d", &text).ok()?.at(0, 0, 0, 0),
    };
    Some(ZONE.to_timestamp(civil).ok()?.as_millisecond())
}

/// A period such as `-7d`, `4w 2d` or `-1h30m`, in milliseconds.
fn period(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) if text.starts_with('-') => (-1, rest),
        Some(rest) => (1, rest),
        None => (1, text),
    };
    let (mut total, mut number) = (0_i64, None::<i64>);
    for c in rest.chars() {
        let unit = match c {
            ' ' => continue,
            '0'..='9' => {
                let digit = i64::from(c.to_digit(10)?);
                number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
                continue;
            }
            'w' => 7 * 24 * 60,
            'd' => 24 * 60,
            'h' => 60,
            'm' => 1,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit * 60_000)?)?;
    }
    (number.is_none() && !rest.is_empty()).then_some(sign * total)
}

/// `now()`, `startOfDay()`, `endOfMonth("-1")` and their like; `None` if it is none of them.
pub(super) fn call(name: &str, arguments: &[String], now: i64) -> Option<i64> {
    let name = name.to_ascii_lowercase();
    if name == "now" {
        return arguments.is_empty().then_some(now);
    }
    let (end, unit) = match name.strip_prefix("startof") {
        Some(unit) => (false, unit),
        None => (true, name.strip_prefix("endof")?),
    };
    let today = ZONE.to_datetime(Timestamp::from_millisecond(now).ok()?).date();
    let start = match unit {
        "day" => today,
        "week" => today.checked_sub(Span::new().days(today.weekday().since(Weekday::Sunday))).ok()?,
        "month" => today.first_of_month(),
        "year" => today.first_of_year(),
        _ => return None,
    };
    let one = |count: i64| match unit {
        "day" => Span::new().try_days(count),
        "week" => Span::new().try_weeks(count),
        "month" => Span::new().try_months(count),
        _ => Span::new().try_years(count),
    };
    let (mut at, mut more) = (start, 0);
    match arguments {
        [] => {}
        [argument] => match argument.parse::<i64>() {
            Ok(count) => at = at.checked_add(one(count).ok()?).ok()?,
            Err(_) => more = period(argument)?,
        },
        _ => return None,
    }
    if end {
        at = at.checked_add(one(1).ok()?).ok()?;
        more -= 1;
    }
    ZONE.to_timestamp(at.at(0, 0, 0, 0)).ok()?.as_millisecond().checked_add(more)
}

/// Whether there is a date function of this name.
pub(super) fn is_function(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let units = ["day", "week", "month", "year"];
    let unit = name.strip_prefix("startof").or_else(|| name.strip_prefix("endof"));
    name == "now" || unit.is_some_and(|unit| units.contains(&unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn dates_are_the_servers_and_periods_count_from_now() {
        let now = at("2026-03-10T12:00:00Z");
        assert_eq!(literal("2026-03-01", now), Some(at("2026-02-28T22:00:00Z")));
        assert_eq!(literal("2026/03/01 14:30", now), Some(at("2026-03-01T12:30:00Z")));
        assert_eq!(literal("-7d", now), Some(at("2026-03-03T12:00:00Z")));
        assert_eq!(literal("1w 1d", now), Some(at("2026-03-18T12:00:00Z")));
        for wrong in ["", "-", "yesterday", "7", "2026-13-01", "-99999999999999999999d", "9999999999999w"] {
            assert_eq!(literal(wrong, now), None, "{wrong}");
        }
    }

    #[test]
    fn functions_find_the_edges_of_the_day_and_more() {
        let now = at("2026-03-10T23:00:00Z"); // a Wednesday already, where the server stands
        let call = |name: &str, arguments: &[&str]| {
            super::call(name, &arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(), now)
        };
        assert_eq!(call("startOfDay", &[]), Some(at("2026-03-10T22:00:00Z")));
        assert_eq!(call("startOfDay", &["-1d"]), Some(at("2026-03-09T22:00:00Z")));
        assert_eq!(call("startOfWeek", &[]), Some(at("2026-03-07T22:00:00Z")));
        assert_eq!(call("endOfMonth", &["-1"]), Some(at("2026-02-28T22:00:00Z") - 1));
        assert_eq!(call("now", &[]), Some(now));
        assert_eq!(call("now", &["-1d"]), None);
        assert!(is_function("endOfYear") && !is_function("startOfDecade"));
    }
}
