//! The CSV of phones: a row for each, with the fields of a change as columns.

use serde_json::{Map, Value};
use store::Device;

use super::{Row, harmless, read};
use crate::{DeviceChanges, PhoneImport};

/// Reads phones to add or to change, row by row. The columns are `name`, `model` and the fields of
/// a change; an empty field changes nothing.
pub fn read_phones(content: &[u8]) -> Result<Vec<Row<PhoneImport>>, String> {
    let fields = fields();
    let columns: Vec<&str> =
        ["name", "model"].into_iter().chain(fields.iter().map(String::as_str)).collect();
    read(content, &columns, &[], |device, field| {
        let name = device.parse().map_err(|error: store::Error| error.to_string())?;
        let model = field("model").map(|model| model.parse()).transpose();
        let model = model.map_err(|error: store::Error| error.to_string())?;
        let given = fields.iter().filter_map(|name| Some((name, field(name)?)));
        let changes = given.map(|(name, text)| (name.clone(), value(name, text))).collect();
        let changes = serde_json::from_value(Value::Object(changes));
        Ok(PhoneImport { name, model, changes: changes.map_err(|error| error.to_string())? })
    })
}

/// Writes phones, so that they can be read again.
pub fn write_phones(devices: &[Device]) -> Vec<u8> {
    let fields = fields();
    let mut csv = csv::Writer::from_writer(Vec::new());
    let columns = ["name", "model"].into_iter().chain(fields.iter().map(String::as_str));
    csv.write_record(columns).expect("a vector takes everything");
    for device in devices {
        let settings = settings(device);
        let text = |name: &String| match &settings[name] {
            Value::String(text) => harmless(text),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let (name, model) = (device.name.to_string(), device.model.to_string());
        let record = [name, model].into_iter().chain(fields.iter().map(text));
        csv.write_record(record).expect("every record has as many fields");
    }
    csv.into_inner().expect("a vector takes everything")
}

/// The names of a change's fields.
fn fields() -> Vec<String> {
    let fields = serde_json::to_value(DeviceChanges::default()).unwrap_or_default();
    fields.as_object().into_iter().flat_map(Map::keys).cloned().collect()
}

/// A phone as the change that makes it so.
fn settings(device: &Device) -> Value {
    let hardening = device.hardening;
    let number = device.directory_number().map(ToString::to_string);
    let changes = DeviceChanges {
        description: Some(device.description.clone()),
        owner: Some(device.owner.clone()),
        directory_number: number,
        pool: Some(device.pool.clone()),
        built_in_bridge: Some(device.built_in_bridge),
        private: Some(device.private),
        security_mode: Some(device.security_mode),
        load_information: Some(device.load_information.clone()),
        user_locale: Some(device.user_locale.clone()),
        network_locale: Some(device.network_locale.clone()),
        gratuitous_arp: Some(hardening.gratuitous_arp),
        web_access: Some(hardening.web_access),
        pc_voice_vlan_access: Some(hardening.pc_voice_vlan_access),
        settings_access: Some(hardening.settings_access),
        pc_port: Some(hardening.pc_port),
    };
    serde_json::to_value(changes).unwrap_or_default()
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
    use store::Model;

    use super::*;

    #[test]
    fn columns_are_the_options_of_phone_set() {
        let file = "security_mode,name,description,web_access,model\n\
            encrypted,SEP001122334455,true,FALSE,7970\n\
            ,SEP001122334456,,perhaps,\n\
            secret,SEP001122334457,,,\n";
        let rows = read_phones(file.as_bytes()).unwrap();
        let PhoneImport { model, changes, .. } = rows[0].order.as_ref().unwrap();
        assert_eq!(*model, Some(Model::M7970));
        assert_eq!(changes.description.as_deref(), Some("true"));
        assert_eq!((changes.web_access, changes.pc_port), (Some(false), None));
        assert!(rows[1].order.as_ref().unwrap_err().contains("perhaps"));
        assert!(rows[2].order.as_ref().unwrap_err().contains("secret"));
        assert!(read_phones(b"name,colour\n").unwrap_err().contains("web_access"));
    }

    #[test]
    fn what_was_written_makes_the_same_phones() {
        let mut device = Device::new("SEP001122334455".parse().unwrap(), Model::M7960);
        device.description = "=HYPERLINK(\"http://evil\",\"lobby\")".into();
        device.owner = "O'Hara, \"Bob\"\nsecond line".into();
        device.set_directory_number(Some("+49301234".parse().unwrap()));
        device.hardening.pc_port = false;
        let file = write_phones(std::slice::from_ref(&device));
        let text = String::from_utf8(file.clone()).unwrap();
        assert!(text.contains("'=HYPERLINK") && text.contains("'+49301234"), "{text}");
        let rows = read_phones(&file).unwrap();
        let PhoneImport { name, model, changes } = rows[0].order.clone().unwrap();
        let mut read = Device::new(name, model.unwrap());
        changes.apply(&mut read).unwrap();
        assert_eq!(read, device);
    }
}
