//! Fields that one project has, as installations have them: selections, dates, people, two of one name,
//! one that is required, one that is not on the screen for creating.

use super::fields::{self, Field};
use super::project::OPS;
use super::vocabulary::BUG;

/// A choice in a selection, with the choices below it.
pub struct Choice {
    pub id: u16,
    pub value: &'static str,
    pub children: &'static [Choice],
}

const fn choice(id: u16, value: &'static str) -> Choice {
    Choice { id, value, children: &[] }
}

/// What such a field holds.
pub enum Kind {
    Text,
    Number,
    Date,
    Time,
    User,
    /// The original and the remaining estimate.
    Tracking,
    /// One of these.
    One(&'static [Choice]),
    /// Any of these.
    Any(&'static [Choice]),
    /// One of these, and one below it.
    Cascade(&'static [Choice]),
}

/// A field of [`OPS`].
pub struct Extra {
    pub id: &'static str,
    pub kind: Kind,
    /// Whether it is on the screen for creating; every one is on that for editing.
    pub create: bool,
    /// The types of issues that cannot be created without it.
    pub required_for: &'static [u16],
}

const fn extra(id: &'static str, kind: Kind) -> Extra {
    Extra { id, kind, create: true, required_for: &[] }
}

static SEVERITIES: [Choice; 3] =
    [choice(10300, "Critical"), choice(10301, "Major"), choice(10302, "Minor, cosmetic")];
static EUROPE: [Choice; 2] = [choice(10311, "Berlin"), choice(10312, "Zürich")];
static ASIA: [Choice; 2] = [choice(10314, "Taipei"), choice(10315, "Tokyo / Chiyoda")];
static LOCATIONS: [Choice; 2] = [
    Choice { id: 10310, value: "Europe", children: &EUROPE },
    Choice { id: 10313, value: "Asia / Pacific", children: &ASIA },
];
static SYSTEMS: [Choice; 3] = [choice(10320, "Gateway"), choice(10321, "Ledger"), choice(10322, "Mail")];
static TEAMS: [Choice; 2] = [choice(10330, "Blue"), choice(10331, "Green")];

pub static EXTRAS: [Extra; 11] = [
    Extra { required_for: &[BUG], ..extra("customfield_10200", Kind::One(&SEVERITIES)) },
    extra("customfield_10201", Kind::Cascade(&LOCATIONS)),
    extra("customfield_10202", Kind::Number),
    extra("customfield_10203", Kind::Date),
    extra("customfield_10204", Kind::User),
    extra("customfield_10205", Kind::Any(&SYSTEMS)),
    extra("customfield_10206", Kind::Time),
    extra("customfield_10207", Kind::Text),
    extra("customfield_10208", Kind::One(&TEAMS)),
    Extra { create: false, ..extra("customfield_10209", Kind::Text) },
    extra(fields::TIME_TRACKING, Kind::Tracking),
];

impl Extra {
    /// The field of this id, in a project that has it.
    pub fn find(id: &str, project: u8) -> Option<&'static Extra> {
        EXTRAS.iter().find(|extra| extra.id == id && usize::from(project) == OPS)
    }

    /// Whether any project has a field of this id.
    pub fn is_one(id: &str) -> bool {
        EXTRAS.iter().any(|extra| extra.id == id)
    }

    /// As `GET /field` describes it.
    pub fn field(&self) -> Option<&'static Field> {
        fields::FIELDS.iter().find(|field| field.id == self.id)
    }

    /// What can be chosen.
    pub fn choices(&self) -> &'static [Choice] {
        match self.kind {
            Kind::One(choices) | Kind::Any(choices) | Kind::Cascade(choices) => choices,
            Kind::Text | Kind::Number | Kind::Date | Kind::Time | Kind::User | Kind::Tracking => &[],
        }
    }
}
