//! A program that we start, with all that it starts itself.

use tokio::process::{Child, Command};

/// Gives a command a group of its own, so that it can be ended with its children. A Ctrl-C at the terminal is
/// then ours alone: what must not be cut off is waited for.
pub fn apart(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    command.process_group(0);
    command.kill_on_drop(true)
}

/// The group of a command that was started [`apart`]: ended when this is dropped, unless the command has ended by
/// itself. What it has left running then is meant to run on.
pub struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    /// Of a command that has just been started.
    pub fn of(child: &Child) -> Group {
        #[cfg(not(unix))]
        let _ = child;
        Group {
            #[cfg(unix)]
            leader: child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())),
        }
    }

    /// The command has ended and been waited for: its number may be another's from now on.
    pub fn ended(mut self) {
        #[cfg(unix)]
        self.leader.take();
        #[cfg(not(unix))]
        let _ = &mut self;
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            // It may be gone already.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}
