//! Finding the command lines in shell scripts. It knows as much of the shell as examples need: quotes,
//! continued lines, and what ends a command.

/// The words of one `purgit …`, its name first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invocation(pub(crate) Vec<String>);

/// Every call of `purgit` in a script, in order.
pub(crate) fn invocations(script: &str) -> Vec<Invocation> {
    let script = substituted(&script.replace("\\\n", " "));
    let mut found = Vec::new();
    for line in script.lines() {
        for command in commands(line) {
            let start = command.iter().position(|word| word == "purgit");
            // Behind a list item, a prompt or an assignment, never as an argument of something else.
            let leading = |word: &String| {
                matches!(
                    word.as_str(),
                    "-" | "$" | "run:" | "if" | "then" | "!" | "{" | "time" | "exec" | "command:"
                ) || word.contains('=')
            };
            if let Some(start) = start.filter(|&start| command[..start].iter().all(leading)) {
                found.push(Invocation(command[start..].to_vec()));
            }
        }
    }
    found
}

/// With what stands in `$(purgit …)` on lines of its own.
fn substituted(script: &str) -> String {
    let mut parts = script.split("$(purgit ");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |script, part| {
        format!("{script}\npurgit {}", part.replacen(')', "\n", 1))
    })
}

/// The words of a call, with values for the variables that options read as more than text.
pub(crate) fn typed(words: &[String]) -> Vec<String> {
    let id = "0".repeat(64);
    words.iter().map(|word| word.replace("$id", &id)).collect()
}

/// The words of each command of a line, without redirections and comments.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word = String::new();
    let mut quote = None;
    let mut started = false;
    let mut letters = line.chars().peekable();
    let push = |commands: &mut Vec<Vec<String>>, word: &mut String, started: &mut bool| {
        if std::mem::take(started) {
            let word = std::mem::take(word);
            commands.last_mut().unwrap().push(word);
        }
    };
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (None, '\'' | '"') => (quote, started) = (Some(letter), true),
            (None, ' ' | '\t') => push(&mut commands, &mut word, &mut started),
            (None, '#') if !started => break,
            (None, ';' | '|' | '&') => {
                push(&mut commands, &mut word, &mut started);
                commands.push(Vec::new());
            }
            (None, '>') => {
                // The descriptor in front and the file behind belong to the redirection.
                word.clear();
                started = false;
                while letters
                    .next_if(|next| matches!(next, '>' | '&' | ' '))
                    .is_some()
                {}
                while letters.next_if(|next| !matches!(next, ' ' | ';')).is_some() {}
            }
            (_, letter) => {
                word.push(letter);
                started = true;
            }
        }
    }
    push(&mut commands, &mut word, &mut started);
    commands
}

#[test]
fn calls_are_found_in_scripts() {
    let words = |script: &str| -> Vec<String> {
        let found = invocations(script);
        found
            .iter()
            .map(|Invocation(words)| words.join(" "))
            .collect()
    };
    assert_eq!(
        words(
            "code=0\npurgit plan -q > plan.txt || code=$?\nA=b purgit purge 'https://a/ b'; purgit man 2>&1"
        ),
        ["purgit plan -q", "purgit purge https://a/ b", "purgit man"]
    );
    assert_eq!(words("purgit \\\n  apply # purgit plan"), ["purgit apply"]);
    assert_eq!(
        words("id=${ID:-$(purgit comment --print-plan-id)}\npurgit apply --expect-plan \"$id\""),
        [
            "purgit comment --print-plan-id",
            "purgit apply --expect-plan $id"
        ]
    );
    assert!(words("echo purgit\ncommand -v purgit || cargo install purgit").is_empty());
}
