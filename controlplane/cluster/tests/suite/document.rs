//! The OpenAPI document and the program say the same.

use std::collections::BTreeSet;

use ringfence_cluster::provider::api::{API_VERSION, OPENAPI, Operation};
use serde_json::Value;

// R: CTL-13
#[test]
fn the_document_has_every_operation_and_no_other() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    assert_eq!(document["info"]["version"], API_VERSION.to_string());
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.insert((method.to_uppercase(), path.clone()));
            let found = Operation::of(&method.to_uppercase(), path).unwrap();
            let id = operation["operationId"].as_str().unwrap();
            assert_eq!(id.to_lowercase(), format!("{found:?}").to_lowercase());
            assert_eq!(operation["security"].as_array().unwrap().is_empty(), found.is_public());
        }
    }
    let routes = Operation::ALL.iter().map(|(_, m, p)| ((*m).to_owned(), (*p).to_owned()));
    assert_eq!(described, routes.collect());
}

#[test]
fn every_reference_leads_somewhere() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect<'a>(value: &'a Value, references: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}
