//! `SEP<MAC>.cnf.xml` and `XMLDefault.cnf.xml`.
//!
//! Elements are those that SCCP loads of the 7940, 7960, 7970 and 7971 read; they ignore others.
//! A file changes exactly when something in it changes: phones compare `versionStamp`.

use std::collections::HashMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};
use store::{
    CallServer, Capability, CapfAuthMode, CertificateRole, DEFAULT_POOL, Device, EffectiveMode,
    Hardening, Model, Node, Pool, SecurityMode, Service, SrstReference, Support, View,
};

use crate::time_zone;

/// What every file of the cluster has in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// What phones have from their pools, by the pools' names.
    pub pools: HashMap<String, Arc<PoolPart>>,
    /// Where CAPF is; absent when it is not active.
    pub capf: Option<IpAddr>,
    /// Port of CAPF.
    pub capf_port: u16,
    /// The security mode of the cluster.
    pub mode: SecurityMode,
    /// The mode of devices that use the system default.
    pub default_mode: EffectiveMode,
    /// Whether phones that nobody added may register.
    pub auto_registration: bool,
}

/// What a pool adds to the files of its phones.
#[derive(Clone, Debug)]
pub struct PoolPart {
    /// Who answers SCCP, in the order in which phones try them.
    pub call_managers: Vec<CallServer>,
    /// Order and separators of dates.
    pub date_template: String,
    /// The time zone, as phones call it.
    pub time_zone: &'static str,
    /// Who serves them while no CallManager answers.
    pub srst: Option<Arc<Gateway>>,
}

/// A gateway that serves phones while the centre is away.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// As administrators set it.
    pub reference: SrstReference,
    /// The certificate that phones are to find there, in DER; only a secure one has it.
    pub certificate: Option<Vec<u8>>,
}

/// What CAPF adds to the file of one phone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates {
    /// How the phone shall authenticate for the operation that waits for it; absent: none waits.
    pub pending: Option<CapfAuthMode>,
    /// MD5 of the LSC that the phone has, as far as is known, in lower-case hexadecimal.
    pub lsc_md5: Option<String>,
}

impl Common {
    /// Reads it from the store.
    pub fn read(view: &mut View<'_>) -> store::Result<Self> {
        let nodes = view.nodes()?;
        let active = |service| move |node: &&Node| node.services.contains(&service);
        let address = |node: &Node| node.address;
        Ok(Self {
            pools: pools(view)?,
            capf: nodes.iter().find(active(Service::Capf)).map(address),
            capf_port: view.parameter(None, "enterprise.capf-phone-port")?.integer()?,
            mode: view.security_mode()?,
            default_mode: view.default_device_mode()?,
            auto_registration: view.parameter(None, "enterprise.auto-registration")?.flag(),
        })
    }
}

fn pools(view: &mut View<'_>) -> store::Result<HashMap<String, Arc<PoolPart>>> {
    let servers = view.call_servers()?;
    let gateways = gateways(view)?;
    let part = |pool: Pool| {
        let part = PoolPart {
            call_managers: pool.servers(&servers),
            time_zone: time_zone::phone_name(&pool.time_zone),
            date_template: pool.date_template,
            srst: pool.srst.and_then(|name| gateways.get(&name).cloned()),
        };
        (pool.name, Arc::new(part))
    };
    Ok(view.pools()?.into_iter().map(part).collect())
}

fn gateways(view: &mut View<'_>) -> store::Result<HashMap<String, Arc<Gateway>>> {
    let mut certificates = view.certificates()?;
    certificates.retain(|it| it.role == CertificateRole::SrstGateway);
    let gateway = |reference: SrstReference| {
        let own = certificates.iter().find(|it| reference.secure && it.owner == reference.name);
        let certificate = own.map(|it| it.der.clone());
        (reference.name.clone(), Arc::new(Gateway { reference, certificate }))
    };
    Ok(view.srst_references()?.into_iter().map(gateway).collect())
}

/// The configuration file of one phone.
pub fn of_device(device: &Device, certificates: &Certificates, common: &Common) -> String {
    let mode = device.effective_mode(common.mode, common.default_mode);
    let pool = common.pools.get(&device.pool);
    let mut xml = Xml::new();
    xml.element("device", |xml| {
        xml.text("fullConfig", "true");
        xml.text("deviceProtocol", "SCCP");
        xml.element("devicePool", |xml| {
            xml.element("dateTimeSetting", |xml| {
                xml.text("dateTemplate", pool.map_or("", |pool| &pool.date_template));
                xml.text("timeZone", pool.map_or("", |pool| pool.time_zone));
            });
            call_manager_group(xml, pool.map_or(&[], |pool| &pool.call_managers));
            let gateway = pool.and_then(|pool| pool.srst.as_deref());
            xml.element("srstInfo", |xml| srst(xml, gateway, device.model, common.mode));
        });
        xml.text("loadInformation", &device.load_information);
        xml.element("vendorConfig", |xml| hardening(xml, &device.hardening));
        xml.text("versionStamp", "");
        xml.element("userLocale", |xml| xml.text("name", &device.user_locale));
        xml.text("networkLocale", &device.network_locale);
        xml.text("deviceSecurityMode", mode.number());
        xml.text("transportLayerProtocol", 4);
        // Without CAPF nothing can wait for it.
        let pending = certificates.pending.filter(|_| common.capf.is_some());
        xml.text("capfAuthMode", pending.map_or(0, CapfAuthMode::number));
        xml.element("capfList", |xml| {
            if let Some(capf) = common.capf {
                xml.element("capf", |xml| {
                    xml.text("phonePort", common.capf_port);
                    xml.text("processNodeName", capf);
                });
            }
        });
        xml.text("certHash", certificates.lsc_md5.as_deref().unwrap_or_default());
        xml.text("encrConfig", "false");
    });
    // The stamp is a digest of the rest: it changes when anything does.
    let digest: String =
        Sha256::digest(&xml.0).iter().take(8).map(|b| format!("{b:02x}")).collect();
    let stamp = format!("<versionStamp>{}-{digest}</versionStamp>", device.revision.0);
    xml.0.replacen("<versionStamp></versionStamp>", &stamp, 1)
}

/// `XMLDefault.cnf.xml`, for phones without a file of their own. It is the same for every phone
/// and holds no secret. While auto-registration is off it names no CallManager.
pub fn default_file(common: &Common, loads: &[(Model, String)]) -> String {
    let mut xml = Xml::new();
    xml.element("Default", |xml| {
        let pool = common.pools.get(DEFAULT_POOL).filter(|_| common.auto_registration);
        call_manager_group(xml, pool.map_or(&[], |pool| &pool.call_managers));
        for (model, load) in loads {
            xml.text(&format!("loadInformation{}", model.load_id()), load);
        }
    });
    xml.0
}

/// No public text names the element of the secure port: phones add 443 to the other one, and
/// ignore what they do not know.
fn call_manager_group(xml: &mut Xml, servers: &[CallServer]) {
    xml.element("callManagerGroup", |xml| {
        xml.element("members", |xml| {
            for (priority, server) in servers.iter().enumerate() {
                xml.element_with("member", &format!(" priority=\"{priority}\""), |xml| {
                    xml.element("callManager", |xml| {
                        xml.text("name", &server.name);
                        xml.element("ports", |xml| {
                            xml.text("ethernetPhonePort", server.port);
                            xml.text("securedEthernetPhonePort", server.secure_port);
                        });
                        xml.text("processNodeName", server.address);
                    });
                });
            }
        });
    });
}

/// Where the phone goes when no CallManager answers. In non-secure mode that is said to be
/// non-secure, whatever the reference says.
fn srst(xml: &mut Xml, gateway: Option<&Gateway>, model: Model, mode: SecurityMode) {
    let Some(Gateway { reference, certificate }) = gateway else {
        xml.text("name", "Disable");
        xml.text("srstOption", "Disable");
        xml.text("isSecure", "false");
        return;
    };
    let secure = reference.secure && mode == SecurityMode::Mixed;
    xml.text("name", &reference.name);
    xml.text("srstOption", "Enable");
    xml.text("userModifiable", "false");
    xml.text("ipAddr1", reference.address);
    xml.text("port1", reference.port);
    xml.text("isSecure", secure);
    let can_use_it = model.support(Capability::SecureSrst) != Support::No;
    if let Some(certificate) = certificate.as_ref().filter(|_| secure && can_use_it) {
        // No public text names the element; phones ignore what they do not know.
        xml.text("srstCertificate", Base64::encode_string(certificate));
    }
}

/// Some elements say what is closed, others what is open.
fn hardening(xml: &mut Xml, open: &Hardening) {
    xml.text("pcPort", u8::from(!open.pc_port));
    xml.text("settingsAccess", u8::from(open.settings_access));
    xml.text("garp", u8::from(open.gratuitous_arp));
    xml.text("voiceVlanAccess", u8::from(!open.pc_voice_vlan_access));
    xml.text("webAccess", u8::from(!open.web_access));
}

/// An XML document in the making.
struct Xml(String);

impl Xml {
    fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned())
    }

    fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.element_with(name, "", content);
    }

    fn element_with(&mut self, name: &str, attributes: &str, content: impl FnOnce(&mut Self)) {
        self.push(format_args!("<{name}{attributes}>\n"));
        content(self);
        self.push(format_args!("</{name}>\n"));
    }

    fn text(&mut self, name: &str, text: impl std::fmt::Display) {
        self.push(format_args!("<{name}>"));
        write!(Escaped(&mut self.0), "{text}").expect("a string takes everything");
        self.push(format_args!("</{name}>\n"));
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("a string takes everything");
    }
}

/// Writes text so that XML reads it back as it was.
struct Escaped<'a>(&'a mut String);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            match c {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' => self.0.push_str("&quot;"),
                // XML 1.0 has no way to write other control characters.
                '\t' | '\n' | '\r' => self.0.push(c),
                c if c.is_control() => self.0.push('\u{FFFD}'),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use store::{DeviceName, DeviceSecurityMode};

    use super::*;

    fn phone() -> Device {
        let name: DeviceName = "SEP001122334455".parse().unwrap();
        Device { security_mode: DeviceSecurityMode::Encrypted, ..Device::new(name, Model::M7970) }
    }

    fn common(mode: SecurityMode) -> Common {
        let server = |host| CallServer {
            name: format!("cm{host}"),
            address: IpAddr::from([192, 0, 2, host]),
            port: 2000,
            secure_port: 2443,
        };
        let pool = PoolPart {
            call_managers: vec![server(10), server(11)],
            date_template: "D.M.Y".into(),
            time_zone: "Tokyo Standard Time",
            srst: None,
        };
        Common {
            pools: [(DEFAULT_POOL.to_owned(), Arc::new(pool))].into(),
            capf: Some(IpAddr::from([192, 0, 2, 10])),
            capf_port: 3804,
            mode,
            default_mode: EffectiveMode::Authenticated,
            auto_registration: true,
        }
    }

    fn file_of(device: &Device, common: &Common) -> String {
        of_device(device, &Certificates::default(), common)
    }

    // R: CAPF-04, CAPF-13
    #[test]
    fn a_phone_reads_which_operation_waits_and_where() {
        let common = common(SecurityMode::Mixed);
        let with = |pending, common: &Common| {
            let lsc_md5 = Some("900150983cd24fb0d6963f7d28e17f72".to_owned());
            of_device(&phone(), &Certificates { pending, lsc_md5 }, common)
        };
        for mode in CapfAuthMode::ALL {
            let file = with(Some(*mode), &common);
            let line = format!("<capfAuthMode>{}</capfAuthMode>", mode.number());
            assert!(file.contains(&line), "{file}");
            let capf = "<capf>\n<phonePort>3804</phonePort>\n\
                <processNodeName>192.0.2.10</processNodeName>\n</capf>";
            assert!(file.contains(capf), "{file}");
            assert!(file.contains("<certHash>900150983cd24fb0d6963f7d28e17f72<"), "{file}");
        }
        let idle = "<capfAuthMode>0</capfAuthMode>";
        assert!(with(None, &common).contains(idle));
        assert!(file_of(&phone(), &common).contains("<certHash></certHash>"));
        let without = Common { capf: None, ..common };
        assert!(with(Some(CapfAuthMode::NullString), &without).contains(idle));
    }

    // R: GEN-05
    #[test]
    fn non_secure_mode_says_non_secure_whatever_the_device_says() {
        let file = file_of(&phone(), &common(SecurityMode::NonSecure));
        assert!(file.contains("<deviceSecurityMode>1</deviceSecurityMode>"), "{file}");
        assert!(file.contains("<isSecure>false</isSecure>"), "{file}");
        let file = file_of(&phone(), &common(SecurityMode::Mixed));
        assert!(file.contains("<deviceSecurityMode>3</deviceSecurityMode>"), "{file}");
    }

    // R: GEN-03
    #[test]
    fn mixed_mode_has_secure_and_non_secure_phones_side_by_side() {
        let say = |set, number: &str| {
            let device = Device { security_mode: set, ..phone() };
            let file = file_of(&device, &common(SecurityMode::Mixed));
            assert!(file.contains(&format!("<deviceSecurityMode>{number}</")), "{file}");
        };
        say(DeviceSecurityMode::NonSecure, "1");
        say(DeviceSecurityMode::Authenticated, "2");
        say(DeviceSecurityMode::Encrypted, "3");
        say(DeviceSecurityMode::UseSystemDefault, "2");
    }

    fn with_gateway(mode: SecurityMode, secure: bool, certificate: Option<&[u8]>) -> Common {
        let mut common = common(mode);
        let reference =
            SrstReference { secure, ..SrstReference::new("branch", [192, 0, 2, 1].into()) };
        let certificate = certificate.map(<[u8]>::to_vec);
        let pool = common.pools.get_mut(DEFAULT_POOL).unwrap();
        Arc::make_mut(pool).srst = Some(Arc::new(Gateway { reference, certificate }));
        common
    }

    // R: SRST-04, SRST-05, SRST-07, GEN-05
    #[test]
    fn a_phone_reads_where_to_go_when_no_call_manager_answers() {
        let shown =
            |secure, certificate, mode| file_of(&phone(), &with_gateway(mode, secure, certificate));
        let file = shown(true, Some(&b"DER"[..]), SecurityMode::Mixed);
        for element in [
            "<name>branch</name>",
            "<srstOption>Enable</srstOption>",
            "<ipAddr1>192.0.2.1</ipAddr1>",
            "<port1>2000</port1>",
            "<isSecure>true</isSecure>",
            "<srstCertificate>REVS</srstCertificate>",
        ] {
            assert!(file.contains(element), "{element}: {file}");
        }
        let file = shown(true, None, SecurityMode::Mixed);
        assert!(file.contains("<isSecure>true<") && !file.contains("srstCertificate"), "{file}");
        let file = shown(false, None, SecurityMode::Mixed);
        assert!(file.contains("<isSecure>false<") && file.contains("ipAddr1"), "{file}");
        let file = shown(true, Some(&b"DER"[..]), SecurityMode::NonSecure);
        assert!(file.contains("<isSecure>false<") && !file.contains("srstCertificate"), "{file}");
        let file = file_of(&phone(), &common(SecurityMode::Mixed));
        assert!(file.contains("<srstOption>Disable<") && !file.contains("ipAddr1"), "{file}");
    }

    // R: SRST-04
    #[test]
    fn a_phone_that_cannot_use_a_certificate_is_given_none() {
        let common = with_gateway(SecurityMode::Mixed, true, Some(b"DER"));
        let device = Device::new(phone().name, Model::M7912);
        let file = file_of(&device, &common);
        assert!(file.contains("ipAddr1") && !file.contains("srstCertificate"), "{file}");
    }

    #[test]
    fn the_stamp_changes_with_the_content_and_only_then() {
        let (one, same) = (phone(), phone());
        let common = common(SecurityMode::Mixed);
        assert_eq!(file_of(&one, &common), file_of(&same, &common));
        let stamp = |file: String| {
            let (_, rest) = file.split_once("<versionStamp>").unwrap();
            rest.split_once("</versionStamp>").unwrap().0.to_owned()
        };
        let other = Device { user_locale: "Japanese_Japan".into(), ..phone() };
        assert_ne!(stamp(file_of(&one, &common)), stamp(file_of(&other, &common)));
        let elsewhere = Common { capf: None, ..common.clone() };
        assert_ne!(stamp(file_of(&one, &common)), stamp(file_of(&one, &elsewhere)));
    }

    #[test]
    fn hardening_follows_each_elements_polarity() {
        let open = file_of(&phone(), &common(SecurityMode::Mixed));
        let shut = Hardening {
            gratuitous_arp: false,
            web_access: false,
            pc_voice_vlan_access: false,
            settings_access: false,
            pc_port: false,
        };
        let shut = file_of(&Device { hardening: shut, ..phone() }, &common(SecurityMode::Mixed));
        for (element, when_open, when_shut) in [
            ("pcPort", 0, 1),
            ("settingsAccess", 1, 0),
            ("garp", 1, 0),
            ("voiceVlanAccess", 0, 1),
            ("webAccess", 0, 1),
        ] {
            assert!(open.contains(&format!("<{element}>{when_open}</{element}>")), "{open}");
            assert!(shut.contains(&format!("<{element}>{when_shut}</{element}>")), "{shut}");
        }
    }

    #[test]
    fn text_of_administrators_cannot_make_elements() {
        let load = "a</loadInformation><sshUserId>&\u{7}";
        let device = Device { load_information: load.into(), ..phone() };
        let file = file_of(&device, &common(SecurityMode::Mixed));
        assert!(
            file.contains("a&lt;/loadInformation&gt;&lt;sshUserId&gt;&amp;\u{FFFD}<"),
            "{file}"
        );
    }

    #[test]
    fn the_default_file_lets_strangers_in_only_if_they_may_register() {
        let loads = [(Model::M7960, "P0030801SR02".to_owned())];
        let open = default_file(&common(SecurityMode::NonSecure), &loads);
        assert!(open.contains("192.0.2.11"), "{open}");
        assert!(open.contains("<loadInformation7>P0030801SR02</loadInformation7>"), "{open}");
        let shut = Common { auto_registration: false, ..common(SecurityMode::NonSecure) };
        assert!(!default_file(&shut, &loads).contains("192.0.2"));
    }
}
