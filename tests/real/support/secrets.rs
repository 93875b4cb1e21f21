//! Secret Services: gnome-keyring, and one that never answers.

use std::collections::HashMap;
use std::io::Write;
use std::process::Stdio;

use secret_service::{EncryptionType, SecretService};

use super::Running;
use super::bus::Bus;

const PASSWORD: &[u8] = b"the login password";

/// gnome-keyring-daemon on a bus. Its keyrings stay in the bus's home when it ends.
#[derive(Debug)]
pub struct GnomeKeyring(#[allow(dead_code, reason = "held for its end")] Running);

impl GnomeKeyring {
    /// As after a login with the password.
    pub async fn start(bus: &Bus) -> GnomeKeyring {
        GnomeKeyring::with(bus, &["--unlock"]).await
    }

    /// As after a login without one: by key, or automatically.
    pub async fn start_locked(bus: &Bus) -> GnomeKeyring {
        GnomeKeyring::with(bus, &[]).await
    }

    async fn with(bus: &Bus, how: &[&str]) -> GnomeKeyring {
        let mut command = bus.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]).args(how);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("gnome-keyring-daemon (package gnome-keyring) starts");
        child.stdin.take().unwrap().write_all(PASSWORD).unwrap();
        let daemon = GnomeKeyring(Running(child));
        wait_for_owner(bus).await;
        daemon
    }
}

async fn connection(bus: &Bus) -> zbus::Connection {
    zbus::connection::Builder::address(bus.address.as_str()).unwrap().build().await.unwrap()
}

/// Until the Secret Service has its name; the bus says so, nobody polls.
async fn wait_for_owner(bus: &Bus) {
    use futures_util::StreamExt;
    let connection = connection(bus).await;
    let proxy = zbus::fdo::DBusProxy::new(&connection).await.unwrap();
    let mut changes =
        proxy.receive_name_owner_changed_with_args(&[(0, "org.freedesktop.secrets")]).await.unwrap();
    let name = zbus::names::BusName::try_from("org.freedesktop.secrets").unwrap();
    if !proxy.name_has_owner(name).await.unwrap() {
        tokio::time::timeout(std::time::Duration::from_secs(30), changes.next())
            .await
            .expect("the Secret Service comes up");
    }
}

/// Locks the default collection, as a screen lock or `secret-tool lock` does.
pub async fn lock(bus: &Bus) {
    let service =
        SecretService::connect_with_existing(EncryptionType::Plain, connection(bus).await).await.unwrap();
    let collection = service.get_default_collection().await.unwrap();
    collection.lock().await.unwrap();
    assert!(collection.is_locked().await.unwrap());
}

/// What other programs find under our service: account, secret.
pub async fn items(bus: &Bus) -> Vec<(String, String)> {
    items_of(bus, "jira-oauth").await
}

/// What is found under a service.
pub async fn items_of(bus: &Bus, service_name: &str) -> Vec<(String, String)> {
    let service =
        SecretService::connect_with_existing(EncryptionType::Plain, connection(bus).await).await.unwrap();
    let found = service.search_items(HashMap::from([("service", service_name)])).await.unwrap();
    let mut items = Vec::new();
    for item in found.unlocked.iter().chain(&found.locked) {
        let account = item.get_attributes().await.unwrap()["username"].clone();
        items.push((account, String::from_utf8(item.get_secret().await.unwrap()).unwrap()));
    }
    items
}

/// Puts an item beside ours, with the same attributes.
pub async fn put_a_double(bus: &Bus, account: &str) {
    put(bus, "jira-oauth", account, "{}").await;
}

/// Puts an item as another program does.
pub async fn put(bus: &Bus, service_name: &str, account: &str, secret: &str) {
    let service =
        SecretService::connect_with_existing(EncryptionType::Plain, connection(bus).await).await.unwrap();
    let collection = service.get_default_collection().await.unwrap();
    let attributes = HashMap::from([("service", service_name), ("username", account)]);
    collection
        .create_item("an item", attributes, secret.as_bytes(), false, "text/plain; charset=utf8")
        .await
        .unwrap();
}

/// Removes what is found under a service.
pub async fn remove(bus: &Bus, service_name: &str) {
    let service =
        SecretService::connect_with_existing(EncryptionType::Plain, connection(bus).await).await.unwrap();
    let found = service.search_items(HashMap::from([("service", service_name)])).await.unwrap();
    for item in &found.unlocked {
        item.delete().await.unwrap();
    }
}

/// Owns the name of the Secret Service and never answers a call.
#[derive(Debug)]
pub struct SilentService(#[allow(dead_code, reason = "held for its end")] zbus::Connection);

impl SilentService {
    pub async fn start(bus: &Bus) -> SilentService {
        let connection = connection(bus).await;
        connection.request_name("org.freedesktop.secrets").await.unwrap();
        SilentService(connection)
    }
}
