//! The JSON Schema of a profile, for editors.

use schemars::schema_for;

use super::Profile;

/// The JSON Schema of a profile. Editors complete and check with it; `profile check` knows more.
pub fn schema() -> String {
    let schema = schema_for!(Profile);
    format!("{:#}\n", schema.as_value())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::schema;
    use crate::profile::shape::{Key, PROFILE, Shape};

    fn parsed() -> Value {
        serde_json::from_str(&schema()).expect("is JSON")
    }

    #[test]
    fn it_describes_the_keys_in_the_words_of_the_types() {
        let schema = parsed();
        let name = &schema["properties"]["name"];
        assert_eq!(
            name["description"],
            "The name in the vendor's or the distribution's list."
        );
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(
            schema["$defs"]["Claims"]["properties"]["max_mtu"]["maximum"],
            65535
        );
        assert!(schema["properties"]["id"].is_null());
    }

    /// What a schema of a table refers to, where it is not written out in place.
    fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
        let name = schema["$ref"]
            .as_str()
            .and_then(|path| path.strip_prefix("#/$defs/"));
        name.map_or(schema, |name| &root["$defs"][name])
    }

    fn compare(root: &Value, schema: &Value, keys: &[Key]) {
        let strings = |list: &Value| -> BTreeSet<String> {
            let items = list.as_array().into_iter().flatten();
            items
                .map(|item| item.as_str().unwrap().to_owned())
                .collect()
        };
        let set = |required: bool| -> BTreeSet<String> {
            let keys = keys.iter().filter(|key| key.required || !required);
            keys.map(|key| key.name.to_owned()).collect()
        };
        let properties = schema["properties"].as_object().expect("a table");
        assert_eq!(
            properties.keys().cloned().collect::<BTreeSet<_>>(),
            set(false)
        );
        assert_eq!(strings(&schema["required"]), set(true));
        for key in keys {
            compare_value(root, resolved(root, &properties[key.name]), &key.shape);
        }
    }

    fn compare_value(root: &Value, schema: &Value, shape: &Shape) {
        match shape {
            // `sources` is a map to the types, whatever its keys.
            Shape::Table(_) if schema["properties"].is_null() => {
                assert_eq!(schema["additionalProperties"]["type"], "string");
            }
            Shape::Table(keys) => compare(root, schema, keys),
            Shape::List(item) | Shape::Filled(item) => {
                compare_value(root, resolved(root, &schema["items"]), item);
            }
            _ => {}
        }
    }

    #[test]
    fn the_list_of_keys_is_that_of_the_types() {
        let root = parsed();
        compare(&root, &root, PROFILE);
    }
}
