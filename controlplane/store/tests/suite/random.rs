//! Random changes against a model, and the history against the state.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ringfence_store::{Device, DeviceName, Model};

use crate::database::Database;

#[derive(Clone, Debug)]
enum Step {
    PutDevice { number: u8, owner: u8 },
    RemoveDevice { number: u8 },
    SetPort { port: u16 },
    UnsetPort,
    Fail { number: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = 0..6u8;
    let step = prop_oneof![
        (number.clone(), 0..3u8).prop_map(|(number, owner)| Step::PutDevice { number, owner }),
        number.clone().prop_map(|number| Step::RemoveDevice { number }),
        (2000..2003u16).prop_map(|port| Step::SetPort { port }),
        Just(Step::UnsetPort),
        number.prop_map(|number| Step::Fail { number }),
    ];
    prop::collection::vec(step, 1..25)
}

fn name(number: u8) -> DeviceName {
    format!("SEP{number:012X}").parse().unwrap()
}

fn device(number: u8, owner: u8) -> Device {
    Device { owner: format!("owner {owner}"), ..Device::new(name(number), Model::M7960) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn history_adds_up_to_the_state(steps in steps()) {
        let db = Database::sqlite();
        let mut owners = BTreeMap::new();
        let mut port = None;
        for step in steps {
            let result = match step {
                Step::PutDevice { number, owner } => {
                    owners.insert(number, owner);
                    db.change(|c| c.put_device(&device(number, owner)))
                }
                Step::RemoveDevice { number } => {
                    if owners.remove(&number).is_none() {
                        prop_assert!(db.change(|c| c.remove_device(&name(number))).is_err());
                        continue;
                    }
                    db.change(|c| c.remove_device(&name(number)))
                }
                Step::SetPort { port: new } => {
                    port = Some(new);
                    db.change(|c| c.set_parameter(None, "ctl-provider.port", &new.to_string()))
                }
                Step::UnsetPort => {
                    port = None;
                    db.change(|c| c.unset_parameter(None, "ctl-provider.port"))
                }
                Step::Fail { number } => {
                    let failed = db.change(|c| {
                        c.put_device(&device(number, 99))?;
                        c.unset_parameter(None, "ctl-provider.port")?;
                        c.set_parameter(None, "no.such", "parameter")
                    });
                    prop_assert!(failed.is_err());
                    continue;
                }
            };
            result.unwrap();
        }
        let (devices, stored, mut log) = db.store.read(|v| {
            v.verify_audit()?;
            let port = v.parameter(None, "ctl-provider.port")?;
            Ok((v.devices()?, (!port.is_default).then_some(port.value), v.revisions(None, 100)?))
        }).unwrap();
        prop_assert_eq!(stored, port.map(|port| port.to_string()));
        let expected: Vec<_> = owners.iter().map(|(n, o)| device(*n, *o)).collect();
        let found: Vec<_> =
            devices.iter().map(|d| Device { revision: Default::default(), ..d.clone() }).collect();
        prop_assert_eq!(found, expected);

        // Each entry begins where the one before it on the same object ended.
        log.reverse();
        let mut state = BTreeMap::new();
        for entry in log.iter().flat_map(|revision| &revision.entries) {
            let key = (entry.object.clone(), entry.subject.clone());
            prop_assert_eq!(state.get(&key).cloned().flatten(), entry.old.clone());
            state.insert(key, entry.new.clone());
        }
        let folded: Vec<Device> = state
            .into_iter()
            .filter(|((object, _), _)| object == "device")
            .filter_map(|(_, value)| Some(serde_json::from_value(value?).unwrap()))
            .collect();
        prop_assert_eq!(folded, devices);
    }
}
