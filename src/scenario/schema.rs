//! The JSON Schema of a scenario's file, and questions asked of it.

use serde_json::{Map, Value};

use crate::scenario::written::File;

/// The JSON Schema of a scenario's file: `spike schema`.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(File).to_value();
    strike_nulls(&mut schema);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".to_owned(), "spike scenario".into());
    }
    schema
}

/// TOML has no null: what schemars says of optional values is told without it.
fn strike_nulls(node: &mut Value) {
    match node {
        Value::Object(object) => {
            object.retain(|key, value| !(key == "default" && value.is_null()));
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(variants)) = object.get_mut("anyOf") {
                variants.retain(|variant| variant.get("type") != Some(&"null".into()));
                if let [Value::Object(only)] = variants.as_slice() {
                    let only = only.clone();
                    object.remove("anyOf");
                    merge(object, only);
                }
            }
            object.values_mut().for_each(strike_nulls);
        }
        Value::Array(values) => values.iter_mut().for_each(strike_nulls),
        _ => {}
    }
}

fn merge(object: &mut Map<String, Value>, only: Map<String, Value>) {
    for (key, value) in only {
        object.entry(key).or_insert(value);
    }
}

/// What may stand at one place of a file, according to the schema.
#[derive(Copy, Clone)]
pub(super) struct Node<'a> {
    root: &'a Value,
    node: &'a Value,
}

impl<'a> Node<'a> {
    /// The whole file.
    pub(super) const fn root(schema: &'a Value) -> Self {
        Self { root: schema, node: schema }
    }

    /// The keys that may stand here, in order of the alphabet.
    pub(super) fn keys(self) -> Vec<&'a str> {
        let of = |node: &'a Value| node.get("properties").and_then(Value::as_object);
        let mut keys: Vec<&str> = self
            .variants()
            .into_iter()
            .filter_map(of)
            .flat_map(Map::keys)
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        keys
    }

    /// What may stand at `key`: one of the keys, or any where the table has keys of its own.
    pub(super) fn key(self, key: &str) -> Option<Self> {
        let of = |node: &'a Value| {
            let own = node.get("additionalProperties").filter(|schema| schema.is_object());
            node.get("properties").and_then(|keys| keys.get(key)).or(own)
        };
        self.variants().into_iter().find_map(of).map(|node| Self { root: self.root, node })
    }

    /// What an element may be, where a list may stand here.
    pub(super) fn element(self) -> Option<Self> {
        let of = |node: &'a Value| node.get("items");
        self.variants().into_iter().find_map(of).map(|node| Self { root: self.root, node })
    }

    /// Whether nothing but text may stand here.
    pub(super) fn is_text_alone(self) -> bool {
        self.variants().iter().all(|node| node.get("type") == Some(&"string".into()))
    }

    /// Whether a table may stand here.
    pub(super) fn is_table(self) -> bool {
        self.variants().iter().any(|node| node.get("type") == Some(&"object".into()))
    }

    /// All that may stand here, references followed.
    fn variants(self) -> Vec<&'a Value> {
        let mut found = Vec::new();
        let mut open = vec![self.node];
        while let Some(node) = open.pop() {
            if let Some(name) = node.get("$ref").and_then(Value::as_str) {
                let pointer = name.trim_start_matches('#');
                open.extend(self.root.pointer(pointer));
            }
            for word in ["anyOf", "oneOf", "allOf"] {
                open.extend(node.get(word).and_then(Value::as_array).into_iter().flatten());
            }
            let says_something = ["type", "properties", "items", "const", "enum"];
            if says_something.iter().any(|word| node.get(word).is_some()) {
                found.push(node);
            }
        }
        found
    }
}
