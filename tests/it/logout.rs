//! The logout of every site: each has its result, and what stays is said by name.

use std::fs;

use jira_oauth::auth::store::StoreKey;
use jira_oauth::config::{BaseUrl, ClientId, Site, SiteName, StorageKind};
use jira_oauth::sandbox::Confidential;
use serde_json::json;

use crate::support::{FakeBroker, Plan, SITE, World};

const REAL: &str = "https://jira.example.com";

/// A second site, whose session cannot be removed.
async fn a_stubborn_site(world: &World) {
    let site = Site {
        client_id: Some(ClientId::parse("abc").unwrap()),
        storage: Some(StorageKind::File),
        ..Site::new(SiteName::parse("stubborn").unwrap(), BaseUrl::parse(REAL, false).unwrap())
    };
    world.sites().upsert(&site, false).await.unwrap();
    let file = format!("{}.enc", StoreKey::new(REAL, "abc", None));
    fs::create_dir_all(world.config_dir().join("sessions").join(file).join("in the way")).unwrap();
}

#[tokio::test]
async fn whoever_names_a_site_does_not_mean_all_of_them() {
    let world = World::new().await;
    world.logged_in().await;
    for args in [
        &["logout", "--all", "--site", SITE][..],
        &["logout", "--all", "--base-url", REAL],
        &["--site", SITE, "logout", "--all"],
    ] {
        world.run(args).await.failed(2, "bad_flag");
    }
    assert_eq!(world.run(&["token", "status"]).await.ok().json()["session"], "ok");
}

#[tokio::test]
async fn one_site_that_fails_keeps_no_other_from_its_logout() {
    let world = World::new().await;
    world.logged_in().await;
    a_stubborn_site(&world).await;
    let ran = world.run(&["logout", "--all"]).await.failed(6, "partial");
    let results = ran.json();
    assert_eq!(results.as_array().unwrap().len(), 2);
    assert_eq!(
        results[0],
        json!({ "site": SITE, "base_url": world.jira.base_url(), "removed": true, "revocation": "unsupported" })
    );
    assert_eq!(
        results[1],
        json!({ "site": "stubborn", "base_url": REAL, "removed": false, "revocation": "failed" })
    );
    assert_eq!(ran.warnings(), ["not_logged_out"]);
    assert!(ran.stderr.contains(r#""site":"stubborn","reason":"store_unwritable""#), "{ran}");
    assert_eq!(ran.error()["message"], "1 of 2 sites not logged out of: stubborn");
    world.run(&["whoami", "--site", SITE]).await.failed(3, "not_logged_in");
}

#[tokio::test]
async fn where_every_site_fails_the_first_reason_is_the_failure() {
    let world = World::new().await;
    a_stubborn_site(&world).await;
    let ran = world.run(&["logout", "--all", "--output", "text"]).await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("not logged out"), "{ran}");
    let ran = world.run(&["logout", "--all"]).await.failed(1, "store_unwritable");
    assert_eq!(ran.error()["message"], "1 of 1 sites not logged out of: stubborn");
}

/// A session that is refreshed, and so revoked, through a broker.
async fn behind_a_broker(world: &World) -> FakeBroker {
    let broker = FakeBroker::start(world).await;
    world.logged_in().await;
    let url = broker.url().to_owned();
    world.change_session(|session| session.trust.broker_url = Some(url)).await;
    broker
}

#[tokio::test]
async fn a_broker_has_the_session_revoked() {
    let world = World::with(|options| options.confidential = Confidential::All).await;
    let broker = behind_a_broker(&world).await;
    let old = world.stored().await;
    broker.plan([Plan::Forwards]);
    let ran =
        world.command(&["logout"]).env("JIRA_BROKER_TOKEN", "canary").run().await.ok().hides(&["canary"]);
    assert_eq!(
        ran.json(),
        json!({ "site": SITE, "base_url": world.jira.base_url(), "removed": true, "revocation": "revoked" })
    );
    assert_eq!(ran.warnings(), [""; 0]);
    let calls = broker.calls();
    assert_eq!((calls.len(), calls[0].path.as_str()), (1, "/v1/revoke"));
    assert_eq!(calls[0].authorization.as_deref(), Some("Bearer canary"));
    let token = old.refresh_token.unwrap();
    assert_eq!(
        calls[0].body,
        json!({ "refresh_token": token.expose(), "client_id": world.jira.client_id() }),
        "and no secret"
    );
    assert_eq!(world.requests(), ["POST /rest/oauth2/latest/revoke"], "by the broker alone");
    let dead = world.command(&["whoami", "--base-url", world.jira.base_url()]);
    dead.env("JIRA_TOKEN", old.access_token.expose()).run().await.failed(3, "token_rejected");
}

#[tokio::test]
async fn a_logout_that_no_broker_revokes_says_why() {
    let down = Plan::refuses(503, "upstream_unavailable");
    for (plans, revocation, reason) in [
        (vec![Plan::Says(200, json!({ "revocation": "failed" }))], "failed", Some("server_error")),
        (vec![Plan::Says(200, json!({ "revocation": "unsupported" }))], "unsupported", None),
        (vec![Plan::Says(200, json!({ "revocation": "perhaps" }))], "failed", Some("broker_protocol")),
        (vec![Plan::refuses(404, "not_found")], "unsupported", None),
        (vec![Plan::Page(404)], "unsupported", None),
        (vec![Plan::refuses(401, "unauthorized")], "failed", Some("broker_refused")),
        (vec![down], "failed", Some("broker_down")),
        (vec![Plan::Hangs, Plan::Hangs, Plan::Hangs], "failed", Some("broker_down")),
    ] {
        let world = World::new().await;
        let broker = behind_a_broker(&world).await;
        let (what, count) = (format!("{plans:?}"), plans.len());
        broker.plan(plans);
        let ran = world.run(&["logout"]).await.ok();
        assert_eq!(
            (&ran.json()["removed"], &ran.json()["revocation"]),
            (&json!(true), &json!(revocation)),
            "{what}: {ran}"
        );
        let warned = reason.map(|reason| format!(r#""site":"sandbox","reason":"{reason}""#));
        assert_eq!(ran.warnings(), vec!["not_revoked"; usize::from(warned.is_some())], "{what}: {ran}");
        assert!(warned.is_none_or(|warned| ran.stderr.contains(&warned)), "{what}: {ran}");
        assert_eq!(broker.calls().len(), count, "{what}");
        assert!(world.place().session().await.unwrap().is_none(), "{what}");
        assert_eq!(world.requests(), [""; 0], "{what}: Jira wants the secret for it");
    }
}

#[tokio::test]
async fn an_old_session_that_was_not_revoked_is_said_at_the_login_that_replaces_it() {
    let world = World::new().await;
    let broker = behind_a_broker(&world).await;
    let url = broker.url().parse::<url::Url>().unwrap();
    world.remember(|site| site.broker_url = Some(BaseUrl::parse(url.as_str(), false).unwrap())).await;
    broker.plan([Plan::refuses(503, "upstream_unavailable")]);
    let login = world.command(&["login", "--pat", "--site", SITE]);
    let ran =
        login.person().answer("Personal access token", world.jira.mint_pat("developer")).run().await.ok();
    assert!(ran.stderr.contains("is removed here and was not revoked at Jira: "), "{ran}");
    assert_eq!(broker.calls()[0].path, "/v1/revoke");
    assert_eq!(world.run(&["whoami"]).await.ok().json()["auth_mode"], "pat-storage");
}

#[cfg(all(unix, not(target_os = "macos")))]
#[tokio::test]
async fn without_a_keyring_there_is_nothing_to_forget_where_nobody_logged_in() {
    let world = World::new().await;
    let alone = |args: &[&str]| {
        let command = world.command(args).without("JIRA_TOKEN_STORAGE");
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    };
    let logout = || alone(&["logout", "--base-url", REAL]);
    let ran = logout().run_program().await.ok();
    let nothing = json!({ "site": null, "base_url": REAL, "removed": false, "revocation": "unsupported" });
    assert_eq!(ran.json(), nothing);
    logout().env("JIRA_TOKEN_STORAGE", "keyring").run_program().await.failed(3, "keyring_absent");
    let site = Site {
        client_id: Some(ClientId::parse("abc").unwrap()),
        ..Site::new(SiteName::parse("known").unwrap(), BaseUrl::parse(REAL, false).unwrap())
    };
    world.sites().upsert(&site, false).await.unwrap();
    logout().run_program().await.failed(3, "keyring_absent");
    alone(&["logout", "--all"]).run_program().await.failed(3, "keyring_absent");
}
