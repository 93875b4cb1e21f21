//! Redis, its dump and its traffic hold no token and no caller's name (threat 25).

use jira_oauth::broker::coordination::Joined;

use super::{Replica, mine, pair, replayed, token};
use crate::support::redis::{PASSWORD, Redis};
use crate::support::{Real, runs};

#[tokio::test]
async fn whoever_reads_redis_finds_nothing_to_use() {
    if !runs(Real::Redis) {
        return;
    }
    let redis = Redis::with(&["--requirepass", PASSWORD]).await;
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}", redis.port());
    let (a, b) = (Replica::at(&url), Replica::at(&url));
    let monitor = redis.monitor().await;
    let (old, held) = (token("old"), token("held"));
    let lease = a.send(&old, "canary-caller").await;
    assert!(matches!(b.joined(&old, "canary-joined").await, Ok(Joined::Noted)));
    lease.keep(&pair("new"), Vec::new).await.unwrap();
    assert_eq!(replayed(b.claim(&old, "canary-joined").await), "new");
    drop(a.send(&held, "canary-caller").await);
    drop(mine(a.claim(&token("claimed"), "canary-caller").await));

    for ending in [":lock", ":marks", ":result", ":callers"] {
        redis.has(ending).await;
    }
    let told = monitor.text();
    assert!(told.contains("EVALSHA") || told.contains("evalsha"), "{told}");
    let all = [redis.everything(), told.into_bytes()].concat();
    let text = String::from_utf8_lossy(&all).into_owned();
    assert!(text.contains("jira-broker:{") && text.contains("sent:") && text.contains("claimed:"));
    let fingerprints = [old.fingerprint(), held.fingerprint()];
    let secrets = ["canary", "jira.example.com", "WRITE", &fingerprints[0][..12], &fingerprints[1][..12]];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in what Redis has");
    }
    // Nor in another spelling that a reader would try.
    for secret in [&old, &held] {
        use base64::Engine;
        let spelt = base64::prelude::BASE64_STANDARD.encode(secret.expose());
        let hex = jira_oauth::secret::hex(secret.expose().as_bytes());
        assert!(!text.contains(&spelt[..24]) && !text.contains(&hex[..24]));
    }
}
