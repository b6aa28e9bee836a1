//! The question before purging, if somebody can answer it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::environment;
use crate::escape;

/// Whether a question can be asked: a terminal on both sides, and no CI.
pub(super) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !environment::is_ci()
}

/// Asks; only the complete word counts, as in Terraform.
pub(super) fn ask(question: &str) -> bool {
    let mut stderr = anstream::stderr();
    let question = escape::line(question);
    let asked = write!(stderr, "\n{question}\nOnly `yes` is accepted: ");
    let _ = asked.and_then(|()| stderr.flush());
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}
