//! A record in items of limited size. Windows takes 2,560 bytes an item, and Jira's tokens alone can be
//! longer: then the record lies in parts, and its own item says where they are.
//!
//! The parts are written beside those that are there (under `a` when those are `b`), then the record's
//! item is switched over, then the old ones go: cut short anywhere, the old record or the new one is whole.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret::hex;

use super::Items;
use crate::auth::store::StoreError;

/// Where the parts of a record are; the text in the record's own item.
#[derive(Debug, PartialEq, Eq)]
struct Parts {
    series: char,
    count: usize,
    sha256: String,
}

impl Parts {
    const PREFIX: &str = "jira-oauth: in parts: ";

    fn parse(bytes: &[u8]) -> Option<Parts> {
        let rest = std::str::from_utf8(bytes).ok()?.strip_prefix(Parts::PREFIX)?;
        let mut words = rest.split(' ');
        let series = words.next()?.parse().ok()?;
        let count = words.next()?.parse().ok()?;
        let sha256 = words.next()?.to_owned();
        words.next().is_none().then_some(Parts { series, count, sha256 })
    }

    fn text(&self) -> String {
        format!("{}{} {} {}", Parts::PREFIX, self.series, self.count, self.sha256)
    }
}

fn part(account: &str, series: char, number: usize) -> String {
    format!("{account}.{series}{number}")
}

pub(super) fn read(items: &dyn Items, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(head) = items.get(account)? else { return Ok(None) };
    let Some(parts) = Parts::parse(&head) else { return Ok(Some(head)) };
    let mut whole = Zeroizing::new(Vec::new());
    for number in 0..parts.count {
        let bytes = items.get(&part(account, parts.series, number))?;
        whole.extend_from_slice(&bytes.ok_or_else(|| incomplete(number, parts.count))?);
    }
    if hex(&Sha256::digest(&*whole)) != parts.sha256 {
        return Err(StoreError::KeyringCorrupt("its parts are not of one record".to_owned()));
    }
    Ok(Some(whole))
}

fn incomplete(number: usize, count: usize) -> StoreError {
    StoreError::KeyringCorrupt(format!("part {} of {count} is missing", number + 1))
}

pub(super) fn write(items: &dyn Items, account: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let Some(limit) = items.limit() else { return items.put(account, bytes) };
    let old = items.get(account)?.and_then(|head| Parts::parse(&head));
    if bytes.len() <= limit {
        items.put(account, bytes)?;
    } else {
        let series = if old.as_ref().is_some_and(|old| old.series == 'a') { 'b' } else { 'a' };
        for (number, chunk) in bytes.chunks(limit).enumerate() {
            items.put(&part(account, series, number), chunk)?;
        }
        let count = bytes.len().div_ceil(limit);
        let parts = Parts { series, count, sha256: hex(&Sha256::digest(bytes)) };
        items.put(account, parts.text().as_bytes())?;
    }
    if let Some(old) = old {
        // The new record is in place: what remains of the old one is litter, not a failure.
        for number in 0..old.count {
            let _ = items.delete(&part(account, old.series, number));
        }
    }
    Ok(())
}

/// Removes a record and every part of it, if what is in its own item is what the caller expects.
pub(super) fn remove(
    items: &dyn Items,
    account: &str,
    expected: impl FnOnce(&[u8]) -> bool,
) -> Result<bool, StoreError> {
    let Some(head) = items.get(account)? else { return Ok(false) };
    if !expected(&head) {
        return Ok(false);
    }
    let removed = items.delete(account)?;
    if items.limit().is_some() {
        for series in ['a', 'b'] {
            let mut number = 0;
            while items.delete(&part(account, series, number))? {
                number += 1;
            }
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use super::*;

    /// Credential Manager with a small limit, that can be unplugged after so many writes.
    #[derive(Default)]
    struct Small {
        items: RefCell<BTreeMap<String, Vec<u8>>>,
        writes_left: Cell<Option<usize>>,
    }

    impl Small {
        fn spend(&self) -> Result<(), StoreError> {
            match self.writes_left.get() {
                None => Ok(()),
                Some(0) => Err(StoreError::KeyringFailed("unplugged".to_owned())),
                Some(left) => {
                    self.writes_left.set(Some(left - 1));
                    Ok(())
                }
            }
        }

        fn names(&self) -> Vec<String> {
            self.items.borrow().keys().cloned().collect()
        }
    }

    impl Items for Small {
        fn limit(&self) -> Option<usize> {
            Some(100)
        }

        fn get(&self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
            Ok(self.items.borrow().get(account).cloned().map(Zeroizing::new))
        }

        fn put(&self, account: &str, bytes: &[u8]) -> Result<(), StoreError> {
            assert!(bytes.len() <= 100);
            self.spend()?;
            self.items.borrow_mut().insert(account.to_owned(), bytes.to_vec());
            Ok(())
        }

        fn delete(&self, account: &str) -> Result<bool, StoreError> {
            self.spend()?;
            Ok(self.items.borrow_mut().remove(account).is_some())
        }
    }

    fn read_back(items: &Small) -> Option<Vec<u8>> {
        read(items, "k").unwrap().map(|bytes| bytes.to_vec())
    }

    #[test]
    fn records_of_every_size_round_trip_and_leave_no_litter() {
        let items = Small::default();
        for size in [10, 100, 101, 250, 1000, 101, 100, 300, 0] {
            let record = vec![b'x'; size];
            write(&items, "k", &record).unwrap();
            assert_eq!(read_back(&items), Some(record));
            let expected = if size > 100 { 1 + size.div_ceil(100) } else { 1 };
            assert_eq!(items.names().len(), expected, "{size}: {:?}", items.names());
        }
        write(&items, "k", &[b'x'; 500]).unwrap();
        assert!(remove(&items, "k", |_| true).unwrap());
        assert!(!remove(&items, "k", |_| true).unwrap());
        assert_eq!(items.names(), Vec::<String>::new());
    }

    #[test]
    fn a_write_cut_short_anywhere_leaves_the_old_record_or_the_new_one() {
        for old in [50, 250, 450] {
            for new in [60, 260, 460] {
                for writes in 0..12 {
                    let items = Small::default();
                    let (old, new) = (vec![b'o'; old], vec![b'n'; new]);
                    write(&items, "k", &old).unwrap();
                    items.writes_left.set(Some(writes));
                    let saved = write(&items, "k", &new).is_ok();
                    let found = read_back(&items).unwrap();
                    assert!(found == new || (!saved && found == old), "{writes} writes");
                }
            }
        }
    }

    #[test]
    fn a_missing_or_foreign_part_is_noticed() {
        let items = Small::default();
        write(&items, "k", &[b'x'; 250]).unwrap();
        items.items.borrow_mut().insert("k.a1".to_owned(), vec![b'y'; 100]);
        assert!(matches!(read(&items, "k"), Err(StoreError::KeyringCorrupt(_))));
        items.items.borrow_mut().remove("k.a1");
        assert!(matches!(read(&items, "k"), Err(StoreError::KeyringCorrupt(_))));
    }
}
