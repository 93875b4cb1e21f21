//! A D-Bus session of our own, so that nobody's real keyring is touched.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Running;

/// A running bus. Its programs see `home` as home, data and runtime directory.
#[derive(Debug)]
pub struct Bus {
    pub address: String,
    pub home: TempDir,
    _daemon: Running,
}

impl Bus {
    /// A bus that starts nothing by itself.
    pub fn start() -> Bus {
        Bus::with("")
    }

    /// A bus that starts the services that are installed, as a desktop's does.
    pub fn with_services() -> Bus {
        Bus::with("<standard_session_servicedirs/>")
    }

    fn with(services: &str) -> Bus {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("bus.conf");
        let text = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
                "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig>
              <type>session</type>
              <listen>unix:path={}</listen>
              <auth>EXTERNAL</auth>
              {services}
              <policy context="default">
                <allow send_destination="*" eavesdrop="true"/>
                <allow eavesdrop="true"/>
                <allow own="*"/>
              </policy>
            </busconfig>"#,
            home.path().join("bus").display()
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new("dbus-daemon");
        command.arg(format!("--config-file={}", config.display())).args(["--nofork", "--print-address=1"]);
        command.stdout(Stdio::piped());
        let mut child = at_home(&mut command, &home).spawn().expect("dbus-daemon (package dbus) starts");
        let mut address = String::new();
        let stdout = child.stdout.take().unwrap();
        let daemon = Running(child);
        BufReader::new(stdout).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        assert!(address.starts_with("unix:"), "the bus says where it is: {address:?}");
        Bus { address, home, _daemon: daemon }
    }

    /// A command whose session is this bus.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        at_home(&mut command, &self.home).env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }
}

/// No display either: a dialog has nowhere to open.
fn at_home<'a>(command: &'a mut Command, home: &TempDir) -> &'a mut Command {
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"] {
        command.env(variable, home.path());
    }
    for variable in ["DISPLAY", "WAYLAND_DISPLAY", "GNOME_KEYRING_CONTROL", "DBUS_SESSION_BUS_ADDRESS"] {
        command.env_remove(variable);
    }
    command
}
