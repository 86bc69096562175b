//! A token bucket, as AWS throttles: so many calls at once, and so many a second after that.

/// A bucket of one quota. Times are milliseconds since all accounts arrived.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "units last in names")]
pub(super) struct Bucket {
    /// Milliseconds in which one token comes back.
    interval_ms: f64,
    /// How long a full bucket would last, without its last token.
    slack_ms: f64,
    /// When the bucket is full again.
    full_at_ms: f64,
}

impl Bucket {
    pub(super) fn new(burst: f64, per_second: f64) -> Self {
        let interval_ms = 1e3 / per_second;
        Self { interval_ms, slack_ms: (burst - 1.0) * interval_ms, full_at_ms: 0.0 }
    }

    /// The first moment from `now_ms` on at which there is a token, and takes it. Asked in the order of time, it serves
    /// first come, first served.
    pub(super) fn take_when_free(&mut self, now_ms: f64) -> f64 {
        let free_ms = now_ms.max(self.full_at_ms - self.slack_ms);
        self.full_at_ms = self.full_at_ms.max(free_ms) + self.interval_ms;
        free_ms
    }

    /// Takes a token, if there is one now.
    pub(super) fn take(&mut self, now_ms: f64) -> bool {
        // A thousandth of a millisecond is rounding, not time.
        let is_free = self.full_at_ms - self.slack_ms <= now_ms + 1e-3;
        if is_free {
            self.full_at_ms = self.full_at_ms.max(now_ms) + self.interval_ms;
        }
        is_free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_bucket_gives_its_burst_at_once_and_then_its_rate() {
        let mut bucket = Bucket::new(3.0, 2.0);
        let taken: Vec<f64> = (0..5).map(|_| bucket.take_when_free(0.0)).collect();
        assert_eq!(taken, [0.0, 0.0, 0.0, 500.0, 1000.0]);
    }

    #[test]
    fn an_empty_bucket_refuses_until_a_token_is_back() {
        let mut bucket = Bucket::new(1.0, 2.0);
        assert!(bucket.take(0.0) && !bucket.take(0.0) && !bucket.take(499.0) && bucket.take(500.0));
        assert!(bucket.take(10_000.0) && !bucket.take(10_000.0), "no more than its burst is saved");
    }
}
