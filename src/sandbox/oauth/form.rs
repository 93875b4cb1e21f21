//! Parameters of a query or a form, read strictly: a parameter that is given twice is none.

use url::form_urlencoded;

/// The parameters, in their order.
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn parse(text: &[u8]) -> Params {
        Params(form_urlencoded::parse(text).into_owned().collect())
    }

    /// A parameter that stands there once and is not blank. `Err` is the reason, for whoever sent it.
    pub(super) fn required(&self, name: &str) -> Result<&str, String> {
        self.optional(name)?.ok_or_else(|| format!("The parameter {name} is missing."))
    }

    /// A parameter that may be absent, but neither blank nor given twice.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&str>, String> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) if !value.trim().is_empty() => Ok(Some(value)),
            (Some(_), None) => Err(format!("The parameter {name} is blank.")),
            (Some(_), Some(_)) => Err(format!("The parameter {name} is given more than once.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_and_double_parameters_are_refused() {
        let params = Params::parse(b"a=1&b=&c=1&c=1&d=+");
        assert_eq!(params.required("a"), Ok("1"));
        for bad in ["b", "c", "d", "e"] {
            params.required(bad).expect_err(bad);
        }
        assert_eq!(params.optional("e"), Ok(None));
        params.optional("c").expect_err("twice");
    }
}
