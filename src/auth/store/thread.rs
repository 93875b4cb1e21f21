//! Work that blocks, on a plain thread of its own.

use std::{io, thread};

use tokio::sync::oneshot;

/// Runs `work` on a new thread and waits for it without stalling the runtime.
///
/// Not `spawn_blocking`: the runtime waits for that pool when it ends, so a keyring that never answers
/// would hold the process (decisions.md 12). A plain thread ends with the process, and goes on to its end
/// when the caller stops waiting.
pub(super) async fn off_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    start(work)?.await.map_err(|_| io::Error::other("the thread that did the work ended early"))
}

/// Starts `work` on a new thread; the receiver gives its result.
pub(super) fn start<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (done, result) = oneshot::channel();
    thread::Builder::new().name("store".to_owned()).spawn(move || {
        // Nobody waits any more: there is nobody to tell.
        let _ = done.send(work());
    })?;
    Ok(result)
}
