//! Safety checks: a dangerous plan refuses itself, with the arithmetic.
