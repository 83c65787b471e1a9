//! A first draft of a scenario for a foreign shop, out of what a browser recorded (HAR 1.2): which
//! requests make up the funnel, what each takes from an earlier answer, and nothing of the person
//! who was recorded. Pure: text in, text out.

mod funnel;
mod har;
mod link;
mod privacy;
mod text;

pub use har::HarError;

/// A draft, as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The scenario.
    pub scenario: String,
    /// The fans' data as CSV, where the scenario asks for some.
    pub data: Option<String>,
    /// What the person who records must know, a sentence each.
    pub notes: Vec<String>,
}

/// The file that a draft names for its fans' data.
pub const DATA_FILE: &str = "fans.csv";

/// The draft of a scenario named `name` from the recording `har`.
///
/// # Errors
/// When it is no recording, or nothing in it can be a funnel.
pub fn draft(name: &str, har: &str) -> Result<Draft, HarError> {
    let recorded = har::read(har)?;
    let (funnel, spoken, needs) = link::link(funnel::funnel(recorded)?);
    Ok(text::write(name, &funnel, &spoken, needs))
}

#[cfg(test)]
mod tests;
