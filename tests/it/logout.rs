//! The logout of every site: each has its result, and what stays is said by name.

use std::fs;

use jira_oauth::auth::store::StoreKey;
use jira_oauth::config::{BaseUrl, ClientId, Site, SiteName, StorageKind};
use serde_json::json;

use crate::support::{SITE, World};

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
