//! What did not get as far as a request, or was shed or refused at the door: each is counted. Lines are bounded, for whoever
//! has no name could write the log full with them: of each kind so many in a while, and then how many more there were.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Broker;
use super::answer;
use super::caller::Caller;
use super::log::{Level, Line};
use super::metrics::{Shed, Trouble};
use crate::auth::wire::ErrorCode;
use crate::serve::{self, NoRoom, Taken};

/// So many lines of a kind are written in a while.
const LINES: u32 = 10;
/// How long that is.
const WHILE: Duration = Duration::from_secs(10);

/// What there are lines of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Shed(Shed),
    Unserved(Trouble),
    /// Of a caller with a name, of which there are few, and of all others together.
    Refused(ErrorCode, Option<Caller>),
}

/// What has been said of each kind, and what has not.
#[derive(Default)]
pub struct Unsaid(Mutex<HashMap<Kind, Said>>);

struct Said {
    since: Instant,
    lines: u32,
    unsaid: u64,
}

impl Unsaid {
    /// Whether one more line may be written.
    fn may_say(&self, kind: Kind, now: Instant) -> bool {
        let mut all = self.lock();
        let said = all.entry(kind).or_insert(Said { since: now, lines: 0, unsaid: 0 });
        let may = said.lines < LINES;
        if may {
            said.lines += 1
        } else {
            said.unsaid += 1
        }
        may
    }

    /// How many there were that nothing was said of, of the kinds whose time is over by then: it begins anew for them.
    fn over(&self, by: Option<Instant>) -> Vec<(Kind, u64)> {
        let mut over = Vec::new();
        self.lock().retain(|kind, said| {
            let goes_on = by.is_some_and(|now| now < said.since + WHILE);
            if !goes_on && said.unsaid > 0 {
                over.push((kind.clone(), said.unsaid));
            }
            goes_on
        });
        over
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broker {
    /// Counts a connection for which there is no place, says so, and has an answer for it.
    pub(super) fn sheds(&self, no_room: NoRoom) -> Vec<u8> {
        let id = self.next_id();
        let (reason, worth) = match no_room.taken {
            Taken::All => (Shed::Connections, true),
            // An address that has too many open will go on.
            Taken::OfAddress { first } => (Shed::Address, first),
        };
        self.metrics.shed(reason);
        let kind = Kind::Shed(reason);
        if worth && self.unsaid.may_say(kind.clone(), Instant::now()) {
            self.log.write(from(self.begin(kind).word("request_id", &id), no_room.peer));
        }
        answer::no_room(&id)
    }

    /// Counts a connection that came to nothing, and says what an operator may want to look into. Who opens one and says
    /// nothing, or closes it again, is counted only: so the health checks of load balancers do.
    pub(super) fn hears_of(&self, unserved: &serve::Unserved<'_>) {
        use serve::Broken;

        let (reason, why) = match unserved {
            serve::Unserved::Unaccepted(error) => (Trouble::Accept, Some(error.to_string())),
            serve::Unserved::Broken { how, .. } => match how {
                Broken::Malformed => (Trouble::Malformed, None),
                Broken::TooLarge => (Trouble::TooLarge, None),
                // What is not of TLS is the end of the connection.
                Broken::Handshake(error) => match error.get_ref().filter(|error| error.is::<rustls::Error>())
                {
                    Some(error) => (Trouble::Handshake, Some(error.to_string())),
                    None => return self.metrics.unserved(Trouble::Handshake),
                },
                Broken::SlowHandshake => (Trouble::Handshake, Some("it was not over in time".to_owned())),
                Broken::SlowHeader => (Trouble::Header, None),
                Broken::Idle => return self.metrics.unserved(Trouble::Idle),
                Broken::CutOff => (Trouble::CutOff, None),
            },
        };
        self.metrics.unserved(reason);
        let kind = Kind::Unserved(reason);
        if !self.unsaid.may_say(kind.clone(), Instant::now()) {
            return;
        }
        let mut line = self.begin(kind);
        if let serve::Unserved::Broken { peer, .. } = unserved {
            line = from(line, *peer);
        }
        self.log.write(match why {
            Some(why) => line.text("reason", &why),
            None => line,
        });
    }

    /// Whether a request that was refused by its header may have its line. Who has no name writes nobody else's away.
    pub(super) fn may_say(&self, code: ErrorCode, caller: Option<&Caller>) -> bool {
        let named = caller.filter(|caller| caller.is_named()).cloned();
        self.unsaid.may_say(Kind::Refused(code, named), Instant::now())
    }

    /// Says how many there were of what has had its lines.
    pub(super) fn sums_up(&self, by: Option<Instant>) {
        for (kind, unsaid) in self.unsaid.over(by) {
            self.log.write(self.begin(kind).number("unsaid", unsaid));
        }
    }

    fn begin(&self, kind: Kind) -> Line {
        match kind {
            Kind::Shed(Shed::Address) => self.log.line(Level::Warn, "crowded"),
            Kind::Shed(_) => self.log.line(Level::Warn, "full"),
            Kind::Refused(code, caller) => {
                let line = self.log.line(Level::Info, "refused").word("code", code.as_str());
                match caller {
                    Some(caller) => line.text("caller", &caller.as_str()),
                    None => line,
                }
            }
            Kind::Unserved(reason) => {
                let level = if reason == Trouble::Accept { Level::Warn } else { Level::Info };
                self.log.line(level, "unserved").word("code", reason.as_str())
            }
        }
    }
}

fn from(line: Line, peer: IpAddr) -> Line {
    line.text("caller", &Caller::address(peer.to_canonical()).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_kind_there_are_some_lines_in_a_while_and_then_a_number() {
        let (unsaid, start) = (Unsaid::default(), Instant::now());
        let (one, other) = (Kind::Unserved(Trouble::Header), Kind::Shed(Shed::Connections));
        let said = |at: Instant| (0..100).filter(|_| unsaid.may_say(one.clone(), at)).count();
        assert_eq!(said(start), 10);
        assert!(unsaid.may_say(other, start), "another kind has its own");
        let within = start + WHILE - Duration::from_secs(1);
        assert_eq!((unsaid.over(Some(within)), said(within)), (vec![], 0));
        let after = start + WHILE;
        assert_eq!(unsaid.over(Some(after)), [(one.clone(), 190)]);
        assert_eq!((unsaid.over(Some(after)), said(after)), (vec![], 10));
        assert_eq!(unsaid.over(None), [(one.clone(), 90)], "at the end, all of it");
    }
}
