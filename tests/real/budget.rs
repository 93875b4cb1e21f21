//! The part of the budget that is counted and not timed, which holds on any machine; `cargo bench` measures
//! the rest (benches/README.md).

#[path = "../../benches/budget/facts.rs"]
mod facts;
#[path = "../../benches/budget/place.rs"]
mod place;

#[test]
fn a_search_over_everything_streams_in_constant_memory_and_fetches_ahead() {
    let stream = facts::stream(50_000);
    println!("{stream:?}");
    assert_eq!(stream.issues, 50_000);
    assert_eq!(stream.ahead, stream.pages - 1, "{stream:?}");
    assert!(stream.peak_kib > 0 && stream.peak_kib < 40 * 1024, "{stream:?}");
}

#[test]
fn a_run_over_200_keys_makes_4_lookups_and_200_changes_16_at_once() {
    let run = facts::run(200);
    assert_eq!((run.done, run.lookups), (200, 4), "{run:?}");
    assert!(run.requests <= 204, "{run:?}");
    assert!((2..=16).contains(&run.at_once), "{run:?}");
}
