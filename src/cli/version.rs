//! `version`: what this binary is.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::error::Failure;
use crate::ops::schema::of;
use crate::output::{Readable, Text};

use super::context::Context;

/// What this binary is.
#[derive(Serialize, JsonSchema)]
pub struct Version {
    /// `jira`
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The commit it was built from, where the build says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<&'static str>,
    /// The compiler.
    pub rust_version: &'static str,
    /// Operating system and processor.
    pub platform: String,
}

impl Version {
    /// As it was built. `JIRA_BUILD_COMMIT` is said by whoever builds a release: what a work tree holds is
    /// nobody's business.
    pub fn new() -> Self {
        Version {
            name: "jira",
            version: env!("CARGO_PKG_VERSION"),
            commit: option_env!("JIRA_BUILD_COMMIT").filter(|commit| !commit.is_empty()),
            rust_version: env!("JIRA_BUILD_RUST"),
            platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

impl Text for Version {
    fn text(&self) -> Readable {
        let mut lines = vec![format!("{} version {}", self.name, self.version)];
        lines.extend(self.commit.map(|commit| format!("commit:   {commit}")));
        lines.push(format!("rust:     {}", self.rust_version));
        lines.push(format!("platform: {}", self.platform));
        Readable::Lines(lines)
    }
}

/// The JSON Schema of it.
pub fn schema() -> Value {
    of::<Version>()
}

/// Text unless asked for JSON by flag: a version is for people first.
pub fn run(ctx: &Context, json: bool) -> Result<(), Failure> {
    let version = Version::new();
    if json {
        return ctx.out.value(&version);
    }
    let Readable::Lines(lines) = version.text() else { return Ok(()) };
    ctx.out.plain(&lines.join("\n"))
}
