//! What is wrong with a scenario: where, why, and the nearest right word.

use std::ffi::OsStr;
use std::fmt;
use std::io::IsTerminal;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// How wide a rendered problem may be [columns]; longer source lines are cut around the place.
const WIDTH_COLUMNS: usize = 140;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, as bytes of the text; absent when it has no place in it (something is missing
    /// altogether, or the command line is wrong).
    pub span: Option<Range<usize>>,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// What stands under the underlined text; may be empty.
    pub label: String,
    /// The cure, if it is known.
    pub hint: Option<String>,
}

impl Problem {
    /// Something wrong at a place.
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.into(), label: String::new(), hint: None }
    }

    /// Something wrong that has no place in the text.
    pub fn nowhere(message: impl Into<String>) -> Self {
        Self { span: None, message: message.into(), label: String::new(), hint: None }
    }

    /// The same with a few words under the underlined text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Puts a few words under the underlined text.
    pub fn mark(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    /// Adds the cure.
    pub fn advise(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with its cure.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// All that is wrong with one scenario, in order of place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    /// The file, as it was named.
    pub name: String,
    /// Its text, as it was read or overridden.
    pub text: String,
    /// What is wrong; never empty.
    pub list: Vec<Problem>,
    /// What the file was to be, with its article.
    pub what: &'static str,
}

/// Whether problems are drawn in colour. Colour never carries meaning.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Letters alone.
    Plain,
    /// With terminal colours.
    Styled,
}

impl Colour {
    /// Colour for `stream`: on a terminal, and never when the variable `NO_COLOR` is set and not
    /// empty (no-color.org).
    pub fn of(stream: &impl IsTerminal, no_color: Option<&OsStr>) -> Self {
        let forbidden = no_color.is_some_and(|value| !value.is_empty());
        if stream.is_terminal() && !forbidden { Self::Styled } else { Self::Plain }
    }
}

impl Problems {
    /// Problems of the file `name` with `text`; sorted by place, those without one first, and
    /// each told once.
    pub fn new(name: &str, text: &str, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.span.as_ref().map(|span| (span.start, span.end)));
        list.dedup();
        Self { name: name.to_owned(), text: masked(text), list, what: "a valid scenario" }
    }

    /// The same of a file that was to be something else.
    #[must_use]
    pub const fn called(mut self, what: &'static str) -> Self {
        self.what = what;
        self
    }

    /// All problems as a person reads them, each with file, line and column, and a closing line
    /// that counts them.
    pub fn render(&self, colour: Colour) -> String {
        let renderer = match colour {
            Colour::Plain => Renderer::plain(),
            Colour::Styled => Renderer::styled(),
        }
        .term_width(WIDTH_COLUMNS);
        let mut text = String::new();
        for problem in &self.list {
            text.push_str(&renderer.render(&[self.group(problem)]));
            text.push_str("\n\n");
        }
        let count = match self.list.len() {
            1 => "1 problem".to_owned(),
            count => format!("{count} problems"),
        };
        let closing = format!("{} is not {}: {count}", self.name, self.what);
        text.push_str(
            &renderer.render(&[Group::with_title(Level::ERROR.primary_title(closing.as_str()))]),
        );
        text.push('\n');
        text
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let mut group = Group::with_title(Level::ERROR.primary_title(problem.message.as_str()));
        group = match &problem.span {
            Some(span) => {
                let mut annotation = AnnotationKind::Primary.span(self.visible(span));
                if !problem.label.is_empty() {
                    annotation = annotation.label(problem.label.as_str());
                }
                let snippet = Snippet::source(self.text.as_str()).path(self.name.as_str());
                group.element(snippet.annotation(annotation))
            }
            None => group.element(Origin::path(self.name.as_str())),
        };
        match &problem.hint {
            Some(hint) => group.element(Level::HELP.message(hint.as_str())),
            None => group,
        }
    }

    /// The part of `span` that lies in its first line and within the text.
    fn visible(&self, span: &Range<usize>) -> Range<usize> {
        let start = span.start.min(self.text.len());
        let end = span.end.clamp(start, self.text.len());
        let line = self.text[start..end].find('\n').map_or(end, |length| start + length);
        start..line
    }
}

/// The text with stars for each password of an address (`scheme://user:password@host`): what is
/// told lands in terminals and logs. Every byte keeps its place.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        masked.push_str(before);
        masked.push_str("://");
        let ends = |letter: char| letter.is_whitespace() || "\"'/?#".contains(letter);
        let (authority, behind) = after.split_at(after.find(ends).unwrap_or(after.len()));
        let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
        match password.filter(|(_, password)| !password.starts_with("{{")) {
            Some((user, password)) => {
                masked.push_str(user);
                masked.push(':');
                masked.push_str(&"*".repeat(password.len()));
                masked.push_str(&authority[user.len() + 1 + password.len()..]);
            }
            None => masked.push_str(authority),
        }
        rest = behind;
    }
    masked.push_str(rest);
    masked
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(Colour::Plain))
    }
}

impl std::error::Error for Problems {}

/// How alike two words must be to be taken for a slip of the pen (Jaro-Winkler); rustc and clap
/// take words of 0.7 and more.
const LIKENESS_MIN: f64 = 0.7;

/// The word of `known` that `word` was probably meant to be.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let simple = |word: &str| word.to_lowercase().replace('_', "-");
    let wanted = simple(word);
    let mut best: Option<(f64, &str)> = None;
    for candidate in known {
        let likeness = strsim::jaro_winkler(&wanted, &simple(candidate));
        if likeness >= LIKENESS_MIN && best.is_none_or(|(so_far, _)| likeness > so_far) {
            best = Some((likeness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The hint for a wrong word: the nearest right one, or else all of them.
pub fn did_you_mean(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None if known.is_empty() => "nothing can stand here".to_owned(),
        None => format!("one of {}", listed(known)),
    }
}

/// Words as a person lists them: `a`, `b` or `c`.
pub fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_an_address_is_told() {
        let text =
            "sql = \"postgres://me:hûsh@127.0.0.1/a?b\" # http://x:{{env.P}}@y http://z:80/\n";
        let told = masked(text);
        assert_eq!(told, text.replace("hûsh", "*****"));
        assert_eq!(told.len(), text.len());
    }

    #[test]
    fn the_nearest_word_is_offered_and_otherwise_all() {
        assert_eq!(nearest("patiance", ["patience", "pieces"]), Some("patience"));
        assert_eq!(nearest("unit_rows", ["naive-counter", "unit-rows"]), Some("unit-rows"));
        assert_eq!(did_you_mean("zzz", &["per-fan", "pool"]), "one of `per-fan` or `pool`");
    }

    #[test]
    fn problems_stand_in_order_of_place_and_are_told_once() {
        let problems = Problems::new(
            "a.toml",
            "x = 1\ny = 2\n",
            vec![
                Problem::at(6..7, "second").label("here").hint("try z"),
                Problem::at(0..1, "first"),
                Problem::nowhere("missing"),
                Problem::at(0..1, "first"),
            ],
        );
        insta::assert_snapshot!(problems.to_string());
    }

    #[test]
    fn colour_is_for_terminals_alone() {
        let file = tempfile::tempfile().expect("a file can be made");
        assert_eq!(Colour::of(&file, None), Colour::Plain);
        let problems = Problems::new("a.toml", "x = 1", vec![Problem::at(0..1, "first")]);
        assert!(!problems.render(Colour::Plain).contains('\u{1b}'));
        assert!(problems.render(Colour::Styled).contains('\u{1b}'));
    }
}
