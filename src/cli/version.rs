//! `version`: what this binary is.

use serde::Serialize;

use crate::error::Failure;
use crate::output::{Readable, Text};

use super::context::Context;

#[derive(Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
    platform: String,
}

impl Text for Version {
    fn text(&self) -> Readable {
        Readable::Lines(vec![
            format!("{} {}", self.name, self.version),
            format!("platform: {}", self.platform),
        ])
    }
}

/// Text unless asked for JSON by flag: a version is for people first.
pub fn run(ctx: &Context, json: bool) -> Result<(), Failure> {
    let version = Version {
        name: "jira",
        version: env!("CARGO_PKG_VERSION"),
        platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    };
    if json {
        return ctx.out.value(&version);
    }
    let Readable::Lines(lines) = version.text() else { return Ok(()) };
    ctx.out.plain(&lines.join("\n"))
}
