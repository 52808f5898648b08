//! How often nodes are sent what is new for them: at once as long as few have news, in turns when thousands do.

use std::time::Duration;

use tokio::time::Instant;

/// One per period in the long run. Gathering pays: what a push costs hardly depends on how much is in it.
const PERIOD: Duration = Duration::from_micros(400);

/// So many pushes' worth of a pause may be used up at once.
const BURST: Duration = Duration::from_millis(200);

/// Turns in the order in which they were asked for.
#[derive(Debug)]
pub struct Pace {
    /// When all that was granted so far is used up.
    next: Instant,
}

impl Pace {
    pub fn new(now: Instant) -> Self {
        Self { next: now }
    }

    /// When the one who asks may go.
    pub fn turn(&mut self, now: Instant) -> Instant {
        self.next = self.next.max(now) + PERIOD;
        (self.next.checked_sub(BURST)).map_or(now, |turn| turn.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_go_at_once_and_thousands_in_turns() {
        let start = Instant::now() + Duration::from_secs(3600);
        let mut pace = Pace::new(start);
        let waits: Vec<Duration> = (0..5_500).map(|_| pace.turn(start) - start).collect();
        assert_eq!(waits[0], Duration::ZERO);
        assert_eq!(waits[499], Duration::ZERO);
        assert_eq!(waits[500], PERIOD);
        assert_eq!(waits[5_499], Duration::from_secs(2), "2,500 per second beyond the burst");
        let later = start + Duration::from_secs(10);
        assert_eq!(pace.turn(later), later, "a pause is forgotten");
    }
}
