//! What an auditor would find: facts gathered here, judged in [`checks`].

mod checks;

use std::time::SystemTime;

use console::{AuditReport, AuditReportView, Failure, RegistrationView};
use pki::Certificate;
use store::{
    ApiToken, CallRecord, Capf, Device, EffectiveMode, PhoneCertificate, SecurityMode, View,
};

use super::capf::rfc3339;
use super::{Caller, Handle, Office};

/// Records of calls that are looked at, from the newest on.
const RECORDS: u32 = 2000;

/// What is judged.
struct Facts {
    now: SystemTime,
    mode: SecurityMode,
    default: EffectiveMode,
    devices: Vec<Device>,
    /// The inventory: whose, and what.
    certificates: Vec<(String, Certificate)>,
    lscs: Vec<PhoneCertificate>,
    orders: Vec<Capf>,
    records: Vec<CallRecord>,
    tokens: Vec<ApiToken>,
    expired_mic_until: Option<SystemTime>,
    plain_fallback: bool,
    relay_fallback: bool,
    auto_registration: bool,
    /// What is wrong with the CTL file.
    trust_alarms: Vec<String>,
    /// Absent where CallManager does not run.
    registered: Option<Vec<RegistrationView>>,
}

impl Handle<AuditReport> for Office {
    fn handle(&self, caller: &Caller, _: AuditReport) -> Result<AuditReportView, Failure> {
        let trust_alarms = self.trust_alarms(caller).map_err(|error| caller.failure(&error))?;
        let registered = self.registered();
        let (cluster, facts) = self.read(caller, |view| {
            let cluster = view.cluster()?.map(|cluster| cluster.name);
            Ok((cluster, Facts::read(view, &self.node, caller.now, trust_alarms, registered)?))
        })?;
        Ok(AuditReportView {
            at: rfc3339(caller.now),
            node: self.node.clone(),
            cluster,
            checks: checks::all(&facts, caller.language),
        })
    }
}

impl Facts {
    fn read(
        view: &mut View<'_>,
        node: &str,
        now: SystemTime,
        trust_alarms: Vec<String>,
        registered: Option<Vec<RegistrationView>>,
    ) -> store::Result<Self> {
        let known = view.nodes()?.iter().any(|known| known.name == node);
        let node = known.then_some(node);
        let inventory = view.certificates()?.into_iter();
        let decoded = |entry: store::Certificate| {
            let certificate = Certificate::parse(&entry.der).ok()?;
            Some((format!("{} {}", entry.role, entry.owner), certificate))
        };
        Ok(Self {
            now,
            mode: view.security_mode()?,
            default: view.default_device_mode()?,
            devices: view.devices()?,
            certificates: inventory.filter_map(decoded).collect(),
            lscs: view.present_lscs()?,
            orders: view.capfs()?,
            records: view.call_records(None, RECORDS, None)?,
            tokens: view.api_tokens()?,
            expired_mic_until: view.parameter(node, "call-manager.expired-mic-until")?.end_of_day(),
            plain_fallback: view.parameter(node, "call-manager.plain-fallback")?.flag(),
            relay_fallback: view.parameter(node, "call-manager.relay-fallback")?.flag(),
            auto_registration: view.parameter(None, "enterprise.auto-registration")?.flag(),
            trust_alarms,
            registered,
        })
    }
}
