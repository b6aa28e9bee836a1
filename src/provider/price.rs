//! What a CDN charges for purges.

use super::Counts;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// What is charged for.
    pub counts: Counts,
    /// Of each, in millionths of a US dollar.
    pub microdollars: u64,
    /// So many in a calendar month cost nothing, for the whole account.
    pub free_a_month: u64,
}

impl Price {
    /// What so many cost when nothing is free any more, in dollars.
    pub fn of(&self, charged: u64) -> String {
        let total = charged.saturating_mul(self.microdollars);
        let cents = format!("{}.{:06}", total / 1_000_000, total % 1_000_000);
        // Whole cents, and what is smaller where there is any.
        let least = cents.len() - 4;
        let shown = cents.trim_end_matches('0').len().max(least);
        cents[..shown].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_at_least_in_cents() {
        let price = Price {
            counts: Counts::Requests,
            microdollars: 5000,
            free_a_month: 0,
        };
        for (charged, amount) in [
            (0, "0.00"),
            (1, "0.005"),
            (2, "0.01"),
            (20, "0.10"),
            (1001, "5.005"),
            (200_000, "1000.00"),
        ] {
            assert_eq!(price.of(charged), amount);
        }
    }
}
