//! `SEP<MAC>.cnf.xml` and `XMLDefault.cnf.xml`.
//!
//! Elements are those that SCCP loads of the 7940, 7960, 7970 and 7971 read; they ignore others.
//! A file changes exactly when something in it changes: phones compare `versionStamp`.

use std::fmt::Write;
use std::net::IpAddr;

use store::{Device, EffectiveMode, Hardening, Model, Node, SecurityMode, Service, View};

/// What every file of the cluster has in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// Who answers SCCP, in the order in which phones try them.
    pub call_managers: Vec<IpAddr>,
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

/// Clear SCCP; the secure port is 443 above it, and phones know that.
const SCCP_PORT: u16 = 2000;

impl Common {
    /// Reads it from the store.
    pub fn read(view: &mut View<'_>) -> store::Result<Self> {
        let nodes = view.nodes()?;
        let active = |service| move |node: &&Node| node.services.contains(&service);
        let address = |node: &Node| node.address;
        Ok(Self {
            call_managers: nodes.iter().filter(active(Service::CallManager)).map(address).collect(),
            capf: nodes.iter().find(active(Service::Capf)).map(address),
            capf_port: view.parameter(None, "enterprise.capf-phone-port")?.integer()?,
            mode: view.security_mode()?,
            default_mode: view.default_device_mode()?,
            auto_registration: view.parameter(None, "enterprise.auto-registration")?.flag(),
        })
    }
}

/// The configuration file of one phone.
pub fn of_device(device: &Device, common: &Common) -> String {
    let mode = device.effective_mode(common.mode, common.default_mode);
    let mut xml = Xml::new();
    xml.element("device", |xml| {
        xml.text("fullConfig", "true");
        xml.text("deviceProtocol", "SCCP");
        xml.element("devicePool", |xml| {
            xml.element("dateTimeSetting", |xml| {
                xml.text("dateTemplate", "Y.M.D");
                xml.text("timeZone", "GMT Standard/Daylight Time");
            });
            call_manager_group(xml, &common.call_managers);
            // No SRST reference yet: phones look for no backup router.
            xml.element("srstInfo", |xml| {
                xml.text("name", "Disable");
                xml.text("srstOption", "Disable");
                xml.text("isSecure", "false");
            });
        });
        xml.text("loadInformation", &device.load_information);
        xml.element("vendorConfig", |xml| hardening(xml, &device.hardening));
        xml.text("versionStamp", "");
        xml.element("userLocale", |xml| xml.text("name", &device.user_locale));
        xml.text("networkLocale", &device.network_locale);
        xml.text("deviceSecurityMode", mode.number());
        xml.text("transportLayerProtocol", 4);
        // No CAPF operation waits.
        xml.text("capfAuthMode", 0);
        xml.element("capfList", |xml| {
            if let Some(capf) = common.capf {
                xml.element("capf", |xml| {
                    xml.text("phonePort", common.capf_port);
                    xml.text("processNodeName", capf);
                });
            }
        });
        xml.text("certHash", "");
        xml.text("encrConfig", "false");
    });
    xml.0
}

/// `XMLDefault.cnf.xml`, for phones without a file of their own. It is the same for every phone
/// and holds no secret. While auto-registration is off it names no CallManager.
pub fn default_file(common: &Common, loads: &[(Model, String)]) -> String {
    let mut xml = Xml::new();
    xml.element("Default", |xml| {
        let none = Vec::new();
        let servers = if common.auto_registration { &common.call_managers } else { &none };
        call_manager_group(xml, servers);
        for (model, load) in loads {
            xml.text(&format!("loadInformation{}", model.load_id()), load);
        }
    });
    xml.0
}

fn call_manager_group(xml: &mut Xml, servers: &[IpAddr]) {
    xml.element("callManagerGroup", |xml| {
        xml.element("members", |xml| {
            for (priority, address) in servers.iter().enumerate() {
                xml.element_with("member", &format!(" priority=\"{priority}\""), |xml| {
                    xml.element("callManager", |xml| {
                        xml.element("ports", |xml| xml.text("ethernetPhonePort", SCCP_PORT));
                        xml.text("processNodeName", address);
                    });
                });
            }
        });
    });
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
