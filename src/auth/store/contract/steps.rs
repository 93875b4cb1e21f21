//! The contract, step by step. `tests/real` reads this file too, for the keyring.

use super::{Secret, Store, StoreKey};

pub const OLD: &str = r#"{"access_token":"old"}"#;
pub const NEW: &str = r#"{"access_token":"new, and longer than the old one"}"#;

pub fn key(name: &str) -> StoreKey {
    StoreKey::new("https://jira.example.com", name, None)
}

pub async fn save(store: &Store, key: &StoreKey, value: &str) {
    let pending = store.prepare(key).await.unwrap();
    store.commit(pending, &Secret::new(value)).await.unwrap();
}

pub async fn found(store: &Store, key: &StoreKey) -> Option<String> {
    store.load(key).await.unwrap().map(|secret| secret.expose().to_owned())
}

/// The whole contract, on an empty store.
pub async fn keeps_the_contract(store: Store) {
    let (key, other) = (key("one"), key("two"));
    assert_eq!(found(&store, &key).await, None, "an empty store is empty");
    assert!(!store.remove(&key).await.unwrap(), "nothing to remove");

    let pending = store.prepare(&key).await.unwrap();
    assert_eq!(found(&store, &key).await, None, "a write under way is no record");
    store.abandon(pending).await;
    assert_eq!(found(&store, &key).await, None, "nor is an abandoned one");
    assert!(!store.remove(&key).await.unwrap(), "and nothing is left of it");

    save(&store, &key, OLD).await;
    assert_eq!(found(&store, &key).await.as_deref(), Some(OLD));
    assert_eq!(found(&store.clone(), &key).await.as_deref(), Some(OLD), "a clone is the same store");
    assert_eq!(found(&store, &other).await, None, "of another session there is nothing");

    let pending = store.prepare(&key).await.unwrap();
    assert_eq!(found(&store, &key).await.as_deref(), Some(OLD), "until the commit the old one counts");
    store.abandon(pending).await;
    assert_eq!(found(&store, &key).await.as_deref(), Some(OLD), "and after an abandoned write");
    drop(store.prepare(&key).await.unwrap());
    assert_eq!(found(&store, &key).await.as_deref(), Some(OLD), "and after a forgotten one");

    save(&store, &key, NEW).await;
    assert_eq!(found(&store, &key).await.as_deref(), Some(NEW), "the commit replaces");
    save(&store, &key, OLD).await;
    assert_eq!(found(&store, &key).await.as_deref(), Some(OLD), "also by a shorter one");
    let long = "x".repeat(40_000);
    save(&store, &key, &long).await;
    assert_eq!(found(&store, &key).await, Some(long), "also by one longer than was made room for");

    save(&store, &other, NEW).await;
    assert!(store.remove(&key).await.unwrap());
    assert!(!store.remove(&key).await.unwrap(), "the second time it is gone");
    assert_eq!(found(&store, &key).await, None);
    assert_eq!(found(&store, &other).await.as_deref(), Some(NEW), "the other one is still there");
    assert!(store.remove(&other).await.unwrap());
}
