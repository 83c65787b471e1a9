//! JSON that people can read and that stays small where a run is long: indented, but each entry of a list takes
//! one line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// `content` as JSON; ends with a line break.
///
/// # Errors
/// When it cannot be serialized.
pub(super) fn text(content: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    let lines = Lines { pretty: PrettyFormatter::new(), lists: 0 };
    content.serialize(&mut Serializer::with_formatter(&mut text, lines))?;
    text.push(b'\n');
    Ok(text)
}

/// Indents what stands in no list and the entries of lists; what stands within an entry follows on its line.
struct Lines {
    pretty: PrettyFormatter<'static>,
    /// How many lists are open.
    lists: usize,
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists += 1;
        if self.lists == 1 {
            self.pretty.begin_array(writer)
        } else {
            CompactFormatter.begin_array(writer)
        }
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists -= 1;
        if self.lists == 0 {
            self.pretty.end_array(writer)
        } else {
            CompactFormatter.end_array(writer)
        }
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if self.lists == 1 {
            self.pretty.begin_array_value(writer, first)
        } else {
            CompactFormatter.begin_array_value(writer, first)
        }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.lists == 1 {
            self.pretty.end_array_value(writer)
        } else {
            CompactFormatter.end_array_value(writer)
        }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.lists == 0 {
            self.pretty.begin_object(writer)
        } else {
            CompactFormatter.begin_object(writer)
        }
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.lists == 0 {
            self.pretty.end_object(writer)
        } else {
            CompactFormatter.end_object(writer)
        }
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if self.lists == 0 {
            self.pretty.begin_object_key(writer, first)
        } else {
            CompactFormatter.begin_object_key(writer, first)
        }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.lists == 0 {
            self.pretty.begin_object_value(writer)
        } else {
            CompactFormatter.begin_object_value(writer)
        }
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.lists == 0 {
            self.pretty.end_object_value(writer)
        } else {
            CompactFormatter.end_object_value(writer)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_entry_of_a_list_takes_a_line_however_much_is_in_it() {
        let content = json!({
            "empty": [],
            "list": [{"a": {"b": [1, [2]]}, "c": null}, [0.5, "x,\n"], {}],
            "plain": {"d": 1, "none": {}}
        });
        let expected = "{\n  \"empty\": [],\n  \"list\": [\n    {\"a\":{\"b\":[1,[2]]},\"c\":null},\n    \
                        [0.5,\"x,\\n\"],\n    {}\n  ],\n  \"plain\": {\n    \"d\": 1,\n    \"none\": {}\n  }\n}\n";
        let text = String::from_utf8(text(&content).unwrap()).unwrap();
        assert_eq!(text.replace(' ', ""), expected.replace(' ', ""), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), content);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("    ")).collect();
        assert_eq!(lines.len(), 5, "{text}");
    }
}
