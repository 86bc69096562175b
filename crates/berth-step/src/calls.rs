//! Counts the calls to AWS of one invocation, retries of the SDK included, for its log line.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

tokio::task_local! {
    static CALLS: Arc<AtomicU64>;
}

/// Counts one request to AWS for the invocation that is being handled. Outside of one it counts nothing.
pub fn count_call() {
    // An error only says that no invocation is being handled: then nobody asks for the count.
    let _ = CALLS.try_with(|calls| calls.fetch_add(1, Ordering::Relaxed));
}

/// What `handling` gave, and how many requests it made.
pub(crate) async fn counting<T>(handling: impl Future<Output = T>) -> (T, u64) {
    let calls = Arc::new(AtomicU64::new(0));
    let result = CALLS.scope(calls.clone(), handling).await;
    (result, calls.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_invocation_counts_its_own_calls_and_none_made_outside_of_it() {
        count_call();
        let one = counting(async { count_call() });
        let three = counting(async {
            count_call();
            tokio::task::yield_now().await;
            count_call();
            count_call();
        });
        let (((), one), ((), three)) = futures::join!(one, three);
        assert_eq!((one, three), (1, 3));
    }
}
