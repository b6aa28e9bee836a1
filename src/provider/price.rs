//! What a CDN charges for purges.

use super::Counts;

/// The price of purges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// What is charged.
    pub counts: Counts,
    /// Price of each, in millionths of a US dollar.
    pub microdollars: u64,
    /// How many are free per calendar month, for the whole account.
    pub free_a_month: u64,
}

impl Price {
    /// The cost of `charged` of them in dollars, when none is free any more.
    pub fn of(&self, charged: u64) -> String {
        let total = charged.saturating_mul(self.microdollars);
        let cents = format!("{}.{:06}", total / 1_000_000, total % 1_000_000);
        // Shows whole cents, and smaller fractions only if needed.
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
