//! The way out: a thread of its own writes, so that a reader that stalls (a pager, Ctrl-S) stops nobody but those who wait for
//! room. Arranges nothing.

use super::store::{Pieces, Store};
use std::future::poll_fn;
use std::io::{self, Write};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use tokio::sync::Notify;

/// What may wait in memory: for the reader, or for the turn of its host.
const MEMORY: usize = 64 * 1024 * 1024;
/// When more waits for the reader, hosts whose output would join it are not read any more until there is room.
const BACKLOG: u64 = 4 * 1024 * 1024;

/// A stream that is written by a thread. Dropping it gives up what is not written, and does not wait for the thread: that may
/// be stuck in its last write until the process ends.
pub(in super::super) struct Outlet {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to write, or never will be.
    filled: Condvar,
    /// Something was written, or never will be.
    freed: Notify,
    /// The stream takes no more.
    broken: Notify,
}

/// What waits.
struct State {
    queue: Pieces,
    store: Store,
    writing: bool,
    closed: bool,
    broken: bool,
    error: Option<io::Error>,
}

impl Outlet {
    /// Nothing is written before [`Self::start`].
    pub(in super::super) fn new() -> Self {
        Self::with_memory(MEMORY)
    }

    pub(super) fn with_memory(limit: usize) -> Self {
        let state = State {
            queue: Pieces::default(),
            store: Store::new(limit),
            writing: false,
            closed: false,
            broken: false,
            error: None,
        };
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                filled: Condvar::new(),
                freed: Notify::new(),
                broken: Notify::new(),
            }),
        }
    }

    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no room for a thread.
    pub(in super::super) fn start(&self, out: impl Write + Send + 'static) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name("output".to_owned());
        thread.spawn(move || shared.write_to(out)).map(drop)
    }

    /// To be written after all that came before.
    pub(super) fn write(&self, bytes: &[u8]) {
        let mut state = self.shared.lock();
        if !bytes.is_empty() && !state.broken {
            let State { queue, store, .. } = &mut *state;
            store.add(queue, bytes);
            self.shared.filled.notify_one();
        }
    }

    /// To be kept until [`Self::release`].
    pub(super) fn keep(&self, pieces: &mut Pieces, bytes: &[u8]) {
        let mut state = self.shared.lock();
        if !bytes.is_empty() && !state.broken {
            state.store.add(pieces, bytes);
        }
    }

    /// What was kept is to be written now.
    pub(super) fn release(&self, pieces: Pieces) {
        let mut state = self.shared.lock();
        if !state.broken {
            state.queue.append(pieces);
            self.shared.filled.notify_one();
        }
    }

    /// True if the reader is far behind.
    fn is_full(&self) -> bool {
        self.shared.lock().queue.len() > BACKLOG
    }

    /// Runs something, and lets it rest while the reader is far behind and `concerned` holds.
    pub(in super::super) async fn with_room<F: Future>(
        &self,
        concerned: impl Fn() -> bool,
        running: F,
    ) -> F::Output {
        let mut running = pin!(running);
        loop {
            // Made before the look, so that nothing is missed between look and wait.
            let freed = self.shared.freed.notified();
            let step = poll_fn(|context| {
                if self.is_full() && concerned() {
                    return Poll::Ready(None);
                }
                running.as_mut().poll(context).map(Some)
            });
            if let Some(output) = step.await {
                return output;
            }
            freed.await;
        }
    }

    /// Waits until all is written, or the stream takes no more.
    pub(in super::super) async fn written(&self) {
        loop {
            let freed = self.shared.freed.notified();
            if self.is_idle() {
                return;
            }
            freed.await;
        }
    }

    fn is_idle(&self) -> bool {
        let state = self.shared.lock();
        state.broken || (state.queue.len() == 0 && !state.writing)
    }

    /// Waits until the stream takes no more.
    pub(in super::super) async fn broken(&self) {
        self.shared.broken.notified().await;
    }

    /// Why the stream takes no more.
    pub(in super::super) fn error(&self) -> Option<io::Error> {
        self.shared.lock().error.take()
    }

    /// What would be written next, for tests without a thread.
    #[cfg(test)]
    pub(super) fn take_all(&self) -> Vec<u8> {
        let mut state = self.shared.lock();
        let mut all = Vec::new();
        let State { queue, store, .. } = &mut *state;
        while let Ok(Some(bytes)) = store.take(queue) {
            all.extend(bytes);
        }
        all
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.filled.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The work of the thread.
    fn write_to(&self, mut out: impl Write) {
        while let Some(bytes) = self.upcoming() {
            // No lock is held here: this may take for ever.
            let written = out.write_all(&bytes).and_then(|()| out.flush());
            if let Err(error) = written {
                return self.breaks(error);
            }
            self.lock().writing = false;
            self.freed.notify_waiters();
        }
    }

    /// Waits for something to write; `None` if there never will be.
    fn upcoming(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        while !state.closed {
            let State { queue, store, .. } = &mut *state;
            match store.take(queue) {
                Ok(Some(bytes)) => {
                    state.writing = true;
                    return Some(bytes);
                }
                Ok(None) => {
                    let waited = self.filled.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
                Err(error) => {
                    drop(state);
                    let text = format!("cannot read the output that waited: {error}");
                    self.breaks(io::Error::other(text));
                    return None;
                }
            }
        }
        None
    }

    fn breaks(&self, error: io::Error) {
        let mut state = self.lock();
        state.broken = true;
        state.error = Some(error);
        state.queue = Pieces::default();
        drop(state);
        self.broken.notify_one();
        self.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::future::ready;
    use std::io::ErrorKind;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;
    use tokio::time::timeout;

    /// Each write waits for leave, and tells what it wrote.
    struct Stalling(Receiver<()>, Sender<Vec<u8>>);

    impl Write for Stalling {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| ErrorKind::BrokenPipe)?;
            self.1.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_reader_that_stalls_holds_up_only_those_who_wait_for_it() {
        let (leave, left) = channel();
        let (tell, told) = channel();
        let outlet = Outlet::new();
        outlet.start(Stalling(left, tell)).unwrap();
        outlet.write(b"one");
        while !outlet.shared.lock().writing {
            std::thread::yield_now();
        }
        assert!(timeout(SHORT, outlet.written()).await.is_err());
        // There is room: others go on.
        outlet.with_room(|| true, ready(())).await;
        let much = vec![b'x'; usize::try_from(BACKLOG).unwrap() + 1];
        outlet.write(&much);
        outlet.with_room(|| false, ready(())).await;
        let waits = outlet.with_room(|| true, ready(()));
        assert!(timeout(SHORT, waits).await.is_err());
        leave.send(()).unwrap();
        leave.send(()).unwrap();
        timeout(LONG, outlet.with_room(|| true, ready(())))
            .await
            .unwrap();
        timeout(LONG, outlet.written()).await.unwrap();
        assert_eq!(
            told.iter().take(2).collect::<Vec<_>>().concat().len(),
            much.len() + 3
        );
        // Dropped with a write under way: nobody waits for it.
        outlet.write(b"never");
        drop(outlet);
    }

    #[tokio::test]
    async fn a_stream_that_nobody_reads_is_noticed() {
        let (_, left) = channel();
        let (tell, _told) = channel();
        let outlet = Outlet::new();
        outlet.start(Stalling(left, tell)).unwrap();
        assert!(outlet.error().is_none());
        outlet.write(b"now");
        timeout(LONG, outlet.broken()).await.unwrap();
        timeout(LONG, outlet.written()).await.unwrap();
        assert_eq!(outlet.error().unwrap().kind(), ErrorKind::BrokenPipe);
    }
}
