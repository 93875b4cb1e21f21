//! Jira's JSON for what issues are made of.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sandbox::world::access::Actor;
use crate::sandbox::world::issue::Comment;
use crate::sandbox::world::people::UserId;
use crate::sandbox::world::project::{Component, DAY, Project, Version};
use crate::sandbox::world::vocabulary::{
    Category, ISSUE_TYPES, LinkType, PRIORITIES, RESOLUTIONS, SUB_TASK, Status, Term, by_id,
};
use crate::sandbox::world::{World, ZONE};

/// Renders for one caller, with URLs under the configured base.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    pub world: &'a World,
    pub base: &'a str,
    pub actor: Actor,
}

/// A time as Jira writes it: always milliseconds, the offset without a colon.
pub(super) fn stamp(milliseconds: i64) -> String {
    strftime(milliseconds, "%Y-%m-%dT%H:%M:%S%.3f%z")
}

/// A time as the Agile API writes it: with a colon in the offset.
pub(super) fn agile_stamp(milliseconds: i64) -> String {
    strftime(milliseconds, "%Y-%m-%dT%H:%M:%S%.3f%:z")
}

fn strftime(milliseconds: i64, format: &str) -> String {
    let at = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(ZONE.to_time_zone()).strftime(format).to_string()
}

impl Shape<'_> {
    pub(super) fn api(&self, path: &str) -> String {
        format!("{}/rest/api/2/{path}", self.base)
    }

    pub(super) fn user(&self, id: UserId) -> Value {
        let user = self.world.user_by_id(id);
        let avatar = |size: &str| format!("{}/secure/useravatar?{size}avatarId=10122", self.base);
        json!({
            "self": self.api(&format!("user?username={}", user.name)),
            "name": user.name,
            "key": user.key,
            "emailAddress": user.email,
            "avatarUrls": {
                "48x48": avatar(""),
                "24x24": avatar("size=small&"),
                "16x16": avatar("size=xsmall&"),
                "32x32": avatar("size=medium&"),
            },
            "displayName": user.display_name,
            "active": true,
            "timeZone": "Etc/GMT-2",
        })
    }

    pub(super) fn status(&self, status: &Status) -> Value {
        json!({
            "self": self.api(&format!("status/{}", status.id)),
            "description": status.description,
            "iconUrl": format!("{}/images/icons/statuses/generic.png", self.base),
            "name": status.name,
            "id": status.id.to_string(),
            "statusCategory": self.category(status.category),
        })
    }

    fn category(&self, category: Category) -> Value {
        let (id, key, name, colour) = category.parts();
        json!({
            "self": self.api(&format!("statuscategory/{id}")),
            "id": id,
            "key": key,
            "colorName": colour,
            "name": name,
        })
    }

    pub(super) fn priority(&self, id: u16) -> Value {
        let Some(term) = by_id(&PRIORITIES, id) else { return Value::Null };
        json!({
            "self": self.api(&format!("priority/{id}")),
            "iconUrl": format!("{}/images/icons/priorities/{}.svg", self.base, term.name.to_lowercase()),
            "name": term.name,
            "id": id.to_string(),
        })
    }

    pub(super) fn resolution(&self, id: u16) -> Value {
        let Some(term) = by_id(&RESOLUTIONS, id) else { return Value::Null };
        json!({
            "self": self.api(&format!("resolution/{id}")),
            "id": id.to_string(),
            "description": term.description,
            "name": term.name,
        })
    }

    pub(super) fn issue_type(&self, id: u16) -> Value {
        let unknown = Term { id, name: "", description: "" };
        let term = by_id(&ISSUE_TYPES, id).unwrap_or(&unknown);
        json!({
            "self": self.api(&format!("issuetype/{id}")),
            "id": id.to_string(),
            "description": term.description,
            "iconUrl": format!("{}/secure/viewavatar?size=xsmall&avatarId={id}&avatarType=issuetype", self.base),
            "name": term.name,
            "subtask": id == SUB_TASK,
            "avatarId": id,
        })
    }

    pub(super) fn project(&self, project: &Project) -> Value {
        let avatar = |size: &str| format!("{}/secure/projectavatar?{size}avatarId=10324", self.base);
        json!({
            "self": self.api(&format!("project/{}", project.id)),
            "id": project.id.to_string(),
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
            "avatarUrls": {
                "48x48": avatar(""),
                "24x24": avatar("size=small&"),
                "16x16": avatar("size=xsmall&"),
                "32x32": avatar("size=medium&"),
            },
        })
    }

    pub(super) fn component(&self, component: &Component) -> Value {
        json!({
            "self": self.api(&format!("component/{}", component.id)),
            "id": component.id.to_string(),
            "name": component.name,
        })
    }

    pub(super) fn version(&self, version: &Version) -> Value {
        let due = strftime(self.world.now() + version.due_in_days * DAY, "%Y-%m-%d");
        json!({
            "self": self.api(&format!("version/{}", version.id)),
            "id": version.id.to_string(),
            "name": version.name,
            "archived": false,
            "released": version.released,
            "releaseDate": due,
        })
    }

    pub(super) fn link_type(&self, kind: &LinkType) -> Value {
        json!({
            "id": kind.id.to_string(),
            "name": kind.name,
            "inward": kind.inward,
            "outward": kind.outward,
            "self": self.api(&format!("issueLinkType/{}", kind.id)),
        })
    }

    pub(super) fn comment(&self, issue: u32, comment: &Comment) -> Value {
        json!({
            "self": self.api(&format!("issue/{issue}/comment/{}", comment.id)),
            "id": comment.id.to_string(),
            "author": self.user(comment.author),
            "body": comment.body.render(),
            "updateAuthor": self.user(comment.author),
            "created": stamp(comment.created),
            "updated": stamp(comment.updated),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_milliseconds_and_an_offset_that_is_not_utc() {
        assert_eq!(stamp(1_700_000_000_000), "2023-11-15T00:13:20.000+0200");
        assert_eq!(agile_stamp(1_700_000_000_007), "2023-11-15T00:13:20.007+02:00");
    }
}
