//! The file of a `trace`: one moment per line.

/// A text that is not a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// Nobody ever comes.
    #[error(
        "there is no moment in it\nhint: write one moment per line, in seconds from the opening"
    )]
    Empty,
    /// Lines that are not moments: all of them.
    #[error("{}", listed(.0))]
    Lines(Vec<TraceLine>),
}

/// A line that is not a moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: `{text}` is not a number of seconds from the opening")]
pub struct TraceLine {
    /// Its number, from 1.
    pub number: usize,
    /// What stands there.
    pub text: String,
}

/// The most letters of a bad line that are repeated to its author.
const TEXT_MAX: usize = 40;

/// The moments of a trace \[s from the opening\], in the order of the file.
///
/// One moment per line. Empty lines and what follows a `#` are skipped, and so is a first line
/// that begins with a letter or a quote: a header.
///
/// # Errors
/// When a line holds anything else, or no line holds a moment.
pub fn parse_trace(text: &str) -> Result<Vec<f64>, TraceError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.split('#').next().unwrap_or_default().trim()))
        .filter(|(_, line)| !line.is_empty());
    let (mut moments, mut bad) = (Vec::new(), Vec::new());
    for (place, (number, line)) in lines.enumerate() {
        match line.parse::<f64>() {
            Ok(moment) if moment.is_finite() => moments.push(moment),
            Err(_) if place == 0 && is_header(line) => {}
            _ => bad.push(TraceLine { number, text: line.chars().take(TEXT_MAX).collect() }),
        }
    }
    if !bad.is_empty() {
        Err(TraceError::Lines(bad))
    } else if moments.is_empty() {
        Err(TraceError::Empty)
    } else {
        Ok(moments)
    }
}

fn is_header(line: &str) -> bool {
    line.starts_with(|first: char| first.is_alphabetic() || first == '"')
}

fn listed(lines: &[TraceLine]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_one_moment_per_line() {
        let text = "\u{feff}seconds\r\n# before the opening\n-2.5\n\n0 # the opening\n 1e1 \n";
        assert_eq!(parse_trace(text), Ok(vec![-2.5, 0.0, 10.0]));
        assert_eq!(parse_trace("3"), Ok(vec![3.0]));
    }

    #[test]
    fn every_bad_line_is_named_with_its_number() {
        let error = parse_trace("1O\n2\n3,4\n\n# 5\nnan\nsoon").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 1: `1O` is not a number of seconds from the opening\n\
             line 3: `3,4` is not a number of seconds from the opening\n\
             line 6: `nan` is not a number of seconds from the opening\n\
             line 7: `soon` is not a number of seconds from the opening"
        );
    }

    #[test]
    fn a_trace_without_moments_is_an_error() {
        for text in ["", "seconds\n", "# nothing\n\n"] {
            assert_eq!(parse_trace(text), Err(TraceError::Empty), "{text:?}");
        }
    }
}
