//! Telephones.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use store::{
    Capability, CapfStatus, Device, DeviceName, DeviceSecurityMode, EffectiveMode, Invalid, Model,
    Number, Support,
};

use crate::plan::LineView;
use crate::request::{DeviceChanges, Done, Request, requests};

requests! {
    /// Phones, as a list shows them.
    ListPhones = "list-phones" -> Vec<PhoneRow> {
        /// Which ones.
        filter: PhoneFilter,
    }

    /// A part of a list of phones.
    FindPhones = "find-phones" -> PhonesFound {
        /// Which ones.
        filter: PhoneFilter,
        /// Only those behind this name.
        after: Option<String>,
        /// Not the first so many of these.
        skip: usize,
        /// At most so many.
        limit: usize,
    }

    /// Everything about one phone.
    ShowPhone = "show-phone" -> PhoneView {
        /// Which one.
        name: DeviceName,
    }

    /// Changes many phones in one revision. Those that cannot be set so stay as they are.
    SetPhones = "set-phones" -> PhonesChanged {
        /// Which ones.
        filter: PhoneFilter,
        /// What changes.
        changes: DeviceChanges,
        /// Only tell what would come of it.
        dry_run: bool,
    }

    /// Adds and changes phones, each as it is given, in one revision. Those that cannot be set so
    /// stay as they are.
    ImportPhones = "import-phones" -> PhonesImported {
        /// Which ones, and how.
        phones: Vec<PhoneImport>,
        /// Only tell what would come of it.
        dry_run: bool,
    }

    /// Gives a phone a line.
    AddPhoneLine = "add-phone-line" -> Done {
        /// Which phone.
        name: DeviceName,
        /// The number; a line of another phone becomes a shared one.
        number: Number,
        /// Which button, from 1; absent: the one behind the others.
        button: Option<u8>,
    }

    /// Takes a line from a phone.
    RemovePhoneLine = "remove-phone-line" -> Done {
        /// Which phone.
        name: DeviceName,
        /// The number.
        number: Number,
    }

    /// Gives a phone a button that dials.
    AddSpeedDial = "add-speed-dial" -> Done {
        /// Which phone.
        name: DeviceName,
        /// What it dials.
        number: Number,
        /// What stands beside it.
        label: String,
    }

    /// Takes a button that dials from a phone.
    RemoveSpeedDial = "remove-speed-dial" -> Done {
        /// Which phone.
        name: DeviceName,
        /// Which of its speed dials, from 1.
        position: u8,
    }

    /// Tells phones to start anew.
    ResetPhones = "reset-phones" -> PhonesReset {
        /// Which ones, by name.
        names: Vec<DeviceName>,
        /// And those that it matches.
        filter: Option<PhoneFilter>,
        /// How.
        kind: ResetKind,
        /// Only tell what would come of it.
        dry_run: bool,
    }

    /// What each model can do for security.
    ListModels = "list-models" -> Vec<ModelView> {}
}

/// A part of a list of phones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhonesFound {
    /// Those that were asked for, by name.
    pub phones: Vec<PhoneRow>,
    /// How many match.
    pub total: usize,
    /// Whether others follow.
    pub more: bool,
}

/// Which phones. What is absent does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
pub struct PhoneFilter {
    /// Only phones of this mode: set to it, or to the system default where that is it
    #[cfg_attr(feature = "clap", arg(long, value_name = "MODE"))]
    pub security_mode: Option<DeviceSecurityMode>,
    /// Only phones with this LSC status, such as operation-pending or upgrade-failed
    #[cfg_attr(feature = "clap", arg(long, value_name = "STATUS"))]
    pub lsc_status: Option<CapfStatus>,
    /// Only phones that are registered at this node, or only those that are not
    #[cfg_attr(
        feature = "clap",
        arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")
    )]
    pub registered: Option<bool>,
    /// Only phones of this model
    #[cfg_attr(feature = "clap", arg(long))]
    pub model: Option<Model>,
    /// Only phones of this pool
    #[cfg_attr(feature = "clap", arg(long))]
    pub pool: Option<String>,
    /// Only phones that depend on this SRST reference
    #[cfg_attr(feature = "clap", arg(long, value_name = "REFERENCE"))]
    pub srst: Option<String>,
    /// Only phones with this in their name, description, number or owner
    #[cfg_attr(feature = "clap", arg(long, value_name = "TEXT"))]
    pub find: Option<String>,
}

impl FromStr for PhoneFilter {
    type Err = store::Error;

    /// `security-mode=encrypted,model=7960`: fields as on the command line.
    fn from_str(text: &str) -> store::Result<Self> {
        let mut filter = Self::default();
        for term in text.split(',') {
            let (key, value) = term.split_once('=').unwrap_or((term, ""));
            match key {
                "security-mode" => filter.security_mode = Some(value.parse()?),
                "lsc-status" => filter.lsc_status = Some(value.parse()?),
                "registered" => filter.registered = Some(flag(value)?),
                "model" => filter.model = Some(value.parse()?),
                "pool" => filter.pool = Some(value.to_owned()),
                "srst" => filter.srst = Some(value.to_owned()),
                "find" => filter.find = Some(value.to_owned()),
                _ => return Err(choice(term, &KEYS)),
            }
        }
        Ok(filter)
    }
}

const KEYS: [&str; 7] =
    ["security-mode=…", "lsc-status=…", "registered=…", "model=…", "pool=…", "srst=…", "find=…"];

fn flag(value: &str) -> store::Result<bool> {
    value.parse().map_err(|_| choice(value, &["true", "false"]))
}

fn choice(given: &str, choices: &[&'static str]) -> store::Error {
    Invalid::Choice { given: given.to_owned(), choices: choices.to_vec() }.into()
}

/// A phone in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhoneRow {
    /// Its name.
    pub name: DeviceName,
    /// What it is.
    pub model: Model,
    /// The mode it is set to.
    pub security_mode: DeviceSecurityMode,
    /// The mode that its configuration file says.
    pub effective_mode: EffectiveMode,
    /// What came of CAPF's last operation.
    pub lsc_status: CapfStatus,
    /// The same, in the caller's language.
    pub lsc_status_text: String,
    /// The number on its first button; empty if it has none.
    pub directory_number: String,
    /// Who uses it.
    pub owner: String,
    /// For people.
    pub description: String,
    /// The pool it belongs to.
    pub pool: String,
    /// Whether it is registered at this node; absent where CallManager does not run.
    pub registered: Option<bool>,
}

/// Everything about one phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhoneView {
    /// As it is set.
    #[serde(flatten)]
    pub device: Device,
    /// The number on its first button; empty if it has none.
    pub directory_number: String,
    /// The mode that its configuration file says.
    pub effective_mode: EffectiveMode,
    /// What came of CAPF's last operation.
    pub lsc_status: CapfStatus,
    /// The same, in the caller's language.
    pub lsc_status_text: String,
    /// Its lines, by their buttons.
    pub line_details: Vec<LineView>,
    /// Names of the servers that it tries, in order.
    pub call_managers: Vec<String>,
    /// How it is registered at this node; absent if it is not.
    pub registration: Option<RegistrationView>,
    /// What is set and does not take effect, in the caller's language.
    pub notes: Vec<String>,
}

/// How a phone is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistrationView {
    /// The phone.
    pub device: String,
    /// How well its signalling is protected.
    pub security: EffectiveMode,
    /// Address and port it comes from.
    pub from: String,
    /// The TLS suite; absent: none, plain TCP.
    pub suite: Option<String>,
    /// Whose certificate it showed: `lsc` or `mic`.
    pub certificate: Option<String>,
    /// Since when, RFC 3339, UTC.
    pub since: String,
}

/// What came of a change of many phones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhonesChanged {
    /// As of any change.
    #[serde(flatten)]
    pub done: Done,
    /// The phones that matched.
    pub matched: usize,
    /// Those that were not set so, and why, in the caller's language.
    pub refused: Vec<PhoneRefused>,
}

/// A phone that could not be set so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhoneRefused {
    /// Which.
    pub name: DeviceName,
    /// Why, in the caller's language.
    pub text: String,
}

/// A phone to add or to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhoneImport {
    /// Its name.
    pub name: DeviceName,
    /// What it is, for one that is not there yet.
    pub model: Option<Model>,
    /// What is to be so.
    pub changes: DeviceChanges,
}

/// What came of adding and changing many phones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhonesImported {
    /// As of any change.
    #[serde(flatten)]
    pub done: Done,
    /// What became of each, in the order of the request.
    pub phones: Vec<PhoneImported>,
}

/// What became of a phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case", tag = "result", content = "text")]
pub enum PhoneImported {
    /// It is new.
    Added,
    /// It was there and is another now.
    Changed,
    /// It was so already.
    Unchanged,
    /// It stays as it was. Why, in the caller's language.
    Failed(String),
}

/// How a phone starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ResetKind {
    /// Wholly: it fetches its firmware and its files, and registers.
    Reset,
    /// It fetches its configuration and registers.
    Restart,
}

/// What came of a reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhonesReset {
    /// As of any change.
    #[serde(flatten)]
    pub done: Done,
    /// Phones that were meant.
    pub matched: usize,
    /// Those that were told, or, in a dry run, would be; they go once their calls have ended.
    pub told: Vec<String>,
    /// Of those, the ones that are in a call.
    pub in_calls: usize,
}

/// What a model can do for security.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ModelView {
    /// The model.
    pub model: Model,
    /// The modes that it can be set to.
    pub modes: Vec<DeviceSecurityMode>,
    /// What it can do.
    pub capabilities: Vec<(Capability, Support)>,
}
