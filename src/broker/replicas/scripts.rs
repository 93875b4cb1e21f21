//! The six scripts, and what they answer. Redis runs each of them whole, so that no other replica gets between
//! its lines.

use std::sync::LazyLock;
use std::time::Duration;

use redis::{FromRedisValue, ParsingError, Script, ScriptInvocation, Value};

use super::sealed::Names;

static PROBE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("probe.lua")));
static ASK: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("ask.lua")));
static ADMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("admit.lua")));
static SENT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("sent.lua")));
static KEEP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("keep.lua")));
static SETTLE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("settle.lua")));

/// All of them, to be loaded into a Redis that is new.
pub(super) fn all() -> [&'static Script; 6] {
    [&PROBE, &ASK, &ADMIT, &SENT, &KEEP, &SETTLE]
}

/// How far back Redis remembers, as it tells itself.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// Another one when it has begun anew, and in another Redis.
    pub(super) name: String,
    /// By its own clock.
    pub(super) age: Duration,
}

/// For how long what stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// A claim whose request has not left. What lies between is a round trip to Redis, so a replica that dies
    /// there holds the others up for no longer than this.
    pub(super) claim: Duration,
    /// The lock of a request that has left: longer than the call to Jira can take. So it need not be renewed,
    /// and a replica that stands still cannot keep it alive either.
    pub(super) lock: Duration,
    /// A mark, and the names of who waits: as long as a call can take and its result would be replayed.
    pub(super) mark: Duration,
    /// A result.
    pub(super) result: Duration,
}

/// The answer to a question.
#[derive(Debug)]
pub(super) enum Answer {
    /// There is a result for this caller.
    Replayed(Stored),
    /// There is a result, but not for this caller.
    Stranger,
    /// The caller is noted down.
    Waiting,
    /// Somebody else is at it.
    Busy,
    /// The claim is ours. So many earlier requests have left and have no result.
    Mine { marks: u64 },
    /// The lock is given up. So many marks are left.
    Settled { marks: u64 },
}

/// A result as Redis has it.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) sealed: Vec<u8>,
    /// How long Redis still keeps it: that tells its age, whatever the clocks of the replicas say.
    pub(super) left: Duration,
}

/// Does Redis take a write, and how far back does it remember? A memory that begins now is called `name`.
pub(super) fn probe(name: &str) -> ScriptInvocation<'static> {
    let mut script = PROBE.prepare_invoke();
    script.key("jira-broker:memory").arg(name);
    script
}

/// May `fence` spend the token for this caller?
pub(super) fn ask(names: &Names, caller: &str, fence: &str, times: &Times) -> ScriptInvocation<'static> {
    let mut script = on(&ASK, names);
    script.arg(caller).arg(fence).arg(ms(times.claim)).arg(ms(times.mark));
    script
}

/// A caller waits for what others do.
pub(super) fn wait(names: &Names, caller: &str, times: &Times) -> ScriptInvocation<'static> {
    ask(names, caller, "", times)
}

/// The result is this caller's too.
pub(super) fn admit(names: &Names, caller: &str) -> ScriptInvocation<'static> {
    let mut script = on(&ADMIT, names);
    script.arg(caller);
    script
}

pub(super) fn sent(names: &Names, fence: &str, times: &Times) -> ScriptInvocation<'static> {
    let mut script = on(&SENT, names);
    script.arg(fence).arg(ms(times.lock)).arg(ms(times.mark));
    script
}

pub(super) fn keep(
    names: &Names,
    callers: &[String],
    fence: &str,
    sealed: &[u8],
    life: Duration,
) -> ScriptInvocation<'static> {
    let mut script = on(&KEEP, names);
    script.arg(fence).arg(sealed).arg(ms(life)).arg(callers);
    script
}

/// Whether Jira has, or may have, rotated the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spent {
    /// Jira refused for another reason, or did not get the request.
    No,
    /// Jira does not know it, or not any more.
    Dead,
    /// Jira does not know it any more, and a sibling may have spent it that Redis has forgotten: it may still bring
    /// the pair, for whoever has asked meanwhile.
    Elsewhere,
    Unknown,
}

pub(super) fn settle(names: &Names, caller: &str, fence: &str, spent: Spent) -> ScriptInvocation<'static> {
    let mut script = on(&SETTLE, names);
    script.arg(fence).arg(caller).arg(match spent {
        Spent::No => "unspent",
        Spent::Dead => "dead",
        Spent::Elsewhere => "elsewhere",
        Spent::Unknown => "unknown",
    });
    script
}

fn on(script: &'static Script, names: &Names) -> ScriptInvocation<'static> {
    let mut invocation = script.prepare_invoke();
    for key in names.keys() {
        invocation.key(key);
    }
    invocation
}

/// At least one: Redis takes no expiry of zero.
fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

impl FromRedisValue for Memory {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let (name, age): (String, i64) = redis::from_redis_value(value)?;
        // Below zero its clock was put back: then how old it is, is not known.
        Ok(Memory { name, age: Duration::from_millis(u64::try_from(age).unwrap_or(0)) })
    }
}

impl FromRedisValue for Answer {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let (word, sealed, number): (String, Vec<u8>, i64) = redis::from_redis_value(value)?;
        let number = u64::try_from(number).unwrap_or(0);
        Ok(match word.as_str() {
            "replayed" => Answer::Replayed(Stored { sealed, left: Duration::from_millis(number) }),
            "stranger" => Answer::Stranger,
            "waiting" => Answer::Waiting,
            "busy" => Answer::Busy,
            "mine" => Answer::Mine { marks: number },
            "settled" => Answer::Settled { marks: number },
            _ => return Err("a word that no script answers".into()),
        })
    }
}
