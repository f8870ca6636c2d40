//! `ringfence phone bulk`: changes of many phones, a row each.

use std::path::Path;

use console::{DeviceChanges, SetDevice};
use serde_json::{Map, Value};
use store::DeviceName;

use crate::Style;
use crate::bulk::sheet::{self, Row};
use crate::daemon::Daemon;
use crate::failure::Result;

/// Does it.
pub fn run(daemon: &Daemon, file: &Path, dry_run: bool, style: Style) -> Result {
    let order = |(name, changes)| SetDevice { name, changes, dry_run };
    crate::bulk::run(daemon, file, read, order, dry_run, style)
}

/// The columns are the fields of a change.
fn read(content: &[u8]) -> std::result::Result<Vec<Row<(DeviceName, DeviceChanges)>>, String> {
    let fields = serde_json::to_value(DeviceChanges::default()).unwrap_or_default();
    let fields: Vec<&str> =
        fields.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    let columns: Vec<&str> = ["name"].into_iter().chain(fields.iter().copied()).collect();
    sheet::read(content, &columns, &[], |device, field| {
        let name = device.parse().map_err(|error: store::Error| error.to_string())?;
        let given = fields.iter().filter_map(|name| Some((*name, field(name)?)));
        let changes = given.map(|(name, text)| (name.to_owned(), value(name, text))).collect();
        let changes = serde_json::from_value(Value::Object(changes));
        Ok((name, changes.map_err(|error| error.to_string())?))
    })
}

/// A truth where the field takes one, else the text.
fn value(name: &str, text: String) -> Value {
    let truth = text.to_ascii_lowercase().parse::<bool>().ok().map(Value::Bool);
    let fits = |truth: &Value| {
        let alone = Map::from_iter([(name.to_owned(), truth.clone())]);
        serde_json::from_value::<DeviceChanges>(Value::Object(alone)).is_ok()
    };
    truth.filter(fits).unwrap_or(Value::String(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_the_options_of_phone_set() {
        let file = "security_mode,name,description,web_access\n\
            encrypted,SEP001122334455,true,FALSE\n\
            ,SEP001122334456,,perhaps\n\
            secret,SEP001122334457,,\n";
        let rows = read(file.as_bytes()).unwrap();
        let (_, changes) = rows[0].order.as_ref().unwrap();
        assert_eq!(changes.description.as_deref(), Some("true"));
        assert_eq!((changes.web_access, changes.pc_port), (Some(false), None));
        assert!(rows[1].order.as_ref().unwrap_err().contains("perhaps"));
        assert!(rows[2].order.as_ref().unwrap_err().contains("secret"));
        assert!(read(b"name,colour\n").unwrap_err().contains("web_access"));
    }
}
