//! An exchange as a person reads it.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;

use super::readable::{is_page, readable};
use crate::live::transcript::Exchange;
use crate::step::edge::Seen;

/// Why text can be appended to.
const GROWS: &str = "text can be appended to";

/// An exchange: what was sent after `>`, what came after `<`.
pub(super) fn of(number: usize, exchange: &Exchange, body_bytes: usize) -> String {
    let mut page = format!("\n{number}  {}\n", exchange.step);
    for line in exchange.request.trim_end().lines() {
        writeln!(page, "   > {line}").expect(GROWS);
    }
    writeln!(page, "   < {}", exchange.status).expect(GROWS);
    for line in &exchange.fields {
        writeln!(page, "   < {line}").expect(GROWS);
    }
    write_body(&mut page, exchange, body_bytes);
    if exchange.edge != Seen::default() {
        writeln!(page, "   edge: {}", exchange.edge).expect(GROWS);
    }
    for (name, value) in &exchange.captured {
        writeln!(page, "   {name} = {value:?}").expect(GROWS);
    }
    match exchange.outcome {
        None => page.push_str("   redirected"),
        Some(outcome) => write!(page, "   is {outcome}").expect(GROWS),
    }
    if !exchange.troubles.is_empty() {
        write!(page, ": {}", exchange.troubles.join(", ")).expect(GROWS);
    }
    if let Some(then) = &exchange.then {
        write!(page, ", then {then}").expect(GROWS);
    }
    page.push('\n');
    page
}

/// The first `body_bytes` of what came; of a page of HTML its words and its forms, without the rest.
fn write_body(page: &mut String, exchange: &Exchange, body_bytes: usize) {
    if exchange.body.is_empty() {
        return;
    }
    let is_page = is_page(exchange);
    let text = if is_page { readable(&exchange.body) } else { exchange.body.trim_end().to_owned() };
    let end = (0..=body_bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    let end = end.unwrap_or(0);
    page.push_str("   <\n");
    for line in text[..end].lines() {
        writeln!(page, "   < {line}").expect(GROWS);
    }
    if is_page {
        let bytes = exchange.body.len();
        writeln!(page, "   < … the words and forms of {bytes} bytes of HTML").expect(GROWS);
    }
    if end < text.len() {
        writeln!(page, "   < … and {} bytes more (`--body N` shows more)", text.len() - end)
            .expect(GROWS);
    }
}

/// Keeps the whole body of an answer in `folder`, in a file that its number and step name.
///
/// # Errors
/// When it cannot be written.
pub(super) fn save(
    number: usize,
    exchange: &Exchange,
    folder: Option<&Path>,
) -> anyhow::Result<()> {
    let Some(folder) = folder.filter(|_| !exchange.body.is_empty()) else { return Ok(()) };
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let step: String = exchange.step.chars().map(plain).collect();
    let ending = if is_page(exchange) { "html" } else { "txt" };
    let path = folder.join(format!("{number:02}-{step}.{ending}"));
    std::fs::write(&path, &exchange.body)
        .with_context(|| format!("failed to write {}", path.display()))
}
