//! What a phone asks for, believes and keeps.

mod common;

use base64ct::{Base64, Encoding};
use common::{Cluster, DEVICE, LOAD, configuration, holder};
use ringfence_phone::{
    Conclusion, Configuration, Event, Fallback, Installed, Model, Report, SecurityMode,
};
use tlv::{FileKind, Role};

fn names(report: &Report) -> Vec<&str> {
    report.files.iter().map(|file| file.name.as_str()).collect()
}

fn registers(report: &Report) -> Option<SecurityMode> {
    match &report.conclusion {
        Conclusion::Register { mode, .. } => Some(*mode),
        Conclusion::Stay(_) => None,
    }
}

fn config_name(signed: bool) -> String {
    format!("{DEVICE}.cnf.xml{}", if signed { ".sgn" } else { "" })
}

// R: GEN-06
#[test]
fn without_a_trust_list_a_phone_asks_for_plain_files_and_can_only_register_non_secure() {
    let cluster = Cluster::new();
    cluster.files.put(&config_name(false), configuration(1, ""));
    let report = cluster.phone(Model::M7960).boot().unwrap();
    let ctl = format!("CTL{DEVICE}.tlv");
    assert_eq!(names(&report), [&*ctl, &config_name(false)]);
    assert_eq!(report.events, [Event::FileNotFound(ctl.clone())]);
    let call_managers = vec![("192.0.2.10".to_owned(), 2000), ("192.0.2.11".to_owned(), 2000)];
    let expected =
        Conclusion::Register { mode: SecurityMode::NonSecure, call_managers, srst: None };
    assert_eq!(report.conclusion, expected);

    // a mode that wants TLS does not help: there is nothing to check a CallManager with
    cluster.files.put(&config_name(false), configuration(3, ""));
    let report = cluster.phone(Model::M7970).boot().unwrap();
    let itl = format!("ITL{DEVICE}.tlv");
    assert_eq!(names(&report), [&*ctl, &itl, "ITLFile.tlv", &config_name(false)]);
    assert_eq!(report.conclusion, Conclusion::Stay("its mode is secure, and it has no CTL"));

    // an empty file says that there is no list
    cluster.files.put(&ctl, b"");
    let report = cluster.phone(Model::M7960).boot().unwrap();
    assert_eq!((report.events, report.ctl_md5), (vec![], None));
}

// R: AUTH-04, CTL-17
#[test]
fn a_first_list_is_taken_on_faith_and_files_are_verified_with_it() {
    let cluster = Cluster::mixed();
    let phone = cluster.phone(Model::M7970);
    let report = phone.boot().unwrap();
    assert_eq!(names(&report)[3], config_name(true));
    assert!(report.events.contains(&Event::ListInstalled("CTL")), "{:?}", report.events);
    assert_eq!(registers(&report), Some(SecurityMode::Encrypted));
    let ctl = cluster.publish_ctl(&cluster.tokens[0], &cluster.records());
    assert_eq!(report.ctl_md5, Some(ctl.md5()));

    let (installed, damage) = phone.flash.read().unwrap();
    assert_eq!((installed.ctl, damage), (Some(ctl), vec![]));
    let kept = Configuration::parse(&installed.configuration.unwrap()).unwrap();
    assert_eq!(kept.vendor, [("garp".to_owned(), "0".to_owned())]);

    // the second time there is nothing new to say
    let report = phone.boot().unwrap();
    assert!(!report.events.iter().any(|event| matches!(event, Event::ListUpdated(_))));
    assert_eq!(registers(&report), Some(SecurityMode::Encrypted));
}

// R: AUTH-04
#[test]
fn a_tampered_configuration_is_refused_and_the_old_one_stays() {
    let cluster = Cluster::mixed();
    let phone = cluster.phone(Model::M7970);
    phone.boot().unwrap();
    let (before, _) = phone.flash.read().unwrap();

    cluster.publish_signed(&config_name(false), configuration(1, "").as_bytes());
    cluster.files.tamper(&config_name(true));
    let report = phone.boot().unwrap();
    let alarm = report.events.iter().find(|event| event.is_alarm()).unwrap();
    assert!(alarm.to_string().starts_with("File Auth Failed: SEP00112233AABB.cnf.xml.sgn"));
    assert_eq!(phone.flash.read().unwrap().0, before);
    assert_eq!(registers(&report), Some(SecurityMode::Encrypted));

    // a genuine file under another phone's name is no better
    let other = "SEP00112233AABC.cnf.xml.sgn";
    let file = cluster.node.sign_file(FileKind::Provisioning, other, b"<device/>");
    cluster.files.put(&config_name(true), file);
    let report = phone.boot().unwrap();
    assert!(report.events.iter().any(|event| matches!(event, Event::FileAuthFailed(..))));

    // nor is one that somebody outside the list signed
    let stranger = holder("cm1");
    let file = stranger.sign_file(FileKind::Provisioning, &config_name(true), b"<device/>");
    cluster.files.put(&config_name(true), file);
    let report = phone.boot().unwrap();
    assert!(report.events.iter().any(|event| matches!(event, Event::FileAuthFailed(..))));
    assert_eq!(phone.flash.read().unwrap().0, before);
}

// R: CTL-05, CTL-18
#[test]
fn a_list_that_is_corrupt_or_signed_by_an_unknown_token_is_refused() {
    let cluster = Cluster::mixed();
    let phone = cluster.phone(Model::M7960);
    let first = phone.boot().unwrap().ctl_md5;

    cluster.files.tamper(&format!("CTL{DEVICE}.tlv"));
    let report = phone.boot().unwrap();
    let refused = |event: &Event| matches!(event, Event::ListUpdateFailed("CTL", _));
    assert!(report.events.iter().any(refused), "{:?}", report.events);
    assert_eq!(report.ctl_md5, first);

    let new_token = holder("token-3");
    let mut records = cluster.records();
    records.push(new_token.record(Role::Sast));
    cluster.publish_ctl(&new_token, &records);
    let report = phone.boot().unwrap();
    assert!(report.events.iter().any(refused), "{:?}", report.events);
    assert_eq!(report.ctl_md5, first);

    // signed by a token the phone knows, the same records are welcome
    let second = cluster.publish_ctl(&cluster.tokens[1], &records);
    let report = phone.boot().unwrap();
    assert!(report.events.contains(&Event::ListUpdated("CTL")));
    assert_eq!(report.ctl_md5, Some(second.md5()));
    // and from now on so is the new token
    let third = cluster.publish_ctl(&new_token, &records);
    assert_eq!(phone.boot().unwrap().ctl_md5, Some(third.md5()));
}

// R: CTL-19, CTL-15
#[test]
fn after_all_tokens_are_lost_the_list_has_to_be_erased() {
    let cluster = Cluster::mixed();
    let phone = cluster.phone(Model::M7960);
    phone.boot().unwrap();

    let tokens = [holder("token-8"), holder("token-9")];
    let records = vec![
        tokens[0].record(Role::Sast),
        tokens[1].record(Role::Sast),
        cluster.node.record(Role::CcmTftp),
    ];
    let created_anew = cluster.publish_ctl(&tokens[0], &records);
    let report = phone.boot().unwrap();
    assert!(report.events.iter().any(|event| matches!(event, Event::ListUpdateFailed(..))));

    phone.flash.erase_lists().unwrap();
    assert_eq!(phone.flash.read().unwrap().0.ctl, None);
    let report = phone.boot().unwrap();
    assert!(report.events.contains(&Event::ListInstalled("CTL")));
    assert_eq!(report.ctl_md5, Some(created_anew.md5()));
}

// R: CTL-06, GEN-05
#[test]
fn a_cluster_set_back_to_non_secure_takes_its_phones_along() {
    let cluster = Cluster::mixed();
    let phone = cluster.phone(Model::M7970);
    assert_eq!(registers(&phone.boot().unwrap()), Some(SecurityMode::Encrypted));

    let mut records = cluster.records();
    records[2] = records[2].without_certificate();
    cluster.publish_ctl(&cluster.tokens[1], &records);
    cluster.files.put(&config_name(false), configuration(1, ""));
    let report = phone.boot().unwrap();
    assert_eq!(*names(&report).last().unwrap(), config_name(false));
    assert_eq!(registers(&report), Some(SecurityMode::NonSecure));

    // and back again: the tokens are still known
    cluster.publish_ctl(&cluster.tokens[0], &cluster.records());
    cluster.publish_signed(&config_name(false), configuration(3, "").as_bytes());
    assert_eq!(registers(&phone.boot().unwrap()), Some(SecurityMode::Encrypted));
}

// R: AUTH-06
#[test]
fn tls_needs_a_certificate_a_list_with_the_call_manager_and_a_mode() {
    let stays = |cluster: &Cluster, model, has_certificate| match cluster
        .phone_with(model, has_certificate)
        .boot()
        .unwrap()
        .conclusion
    {
        Conclusion::Stay(why) => Some(why),
        Conclusion::Register { .. } => None,
    };
    for (mode, secure) in [(1, false), (2, true), (3, true)] {
        let cluster = Cluster::mixed();
        cluster.publish_signed(&config_name(false), configuration(mode, "").as_bytes());
        assert_eq!(stays(&cluster, Model::M7970, true), None);
        let expected = secure.then_some("its mode is secure, and it has no certificate");
        assert_eq!(stays(&cluster, Model::M7960, false), expected);

        // a TFTP server alone in the list vouches for files, not for a CallManager
        let mut records = cluster.records();
        records[2] = cluster.node.record(Role::Tftp);
        cluster.publish_ctl(&cluster.tokens[0], &records);
        let expected = secure.then_some("its mode is secure, and its CTL has no CallManager");
        assert_eq!(stays(&cluster, Model::M7971, true), expected);
    }
}

// R: AUTH-01
#[test]
fn firmware_is_installed_only_if_every_part_is_genuine() {
    for mixed in [false, true] {
        let cluster = if mixed { Cluster::mixed() } else { Cluster::new() };
        let configuration = configuration(1, LOAD);
        cluster.publish_signed(&config_name(false), configuration.as_bytes());
        let phone = cluster.phone(Model::M7970);
        for spoiled in [&*format!("{LOAD}.loads"), "cnu70.sbn"] {
            cluster.publish_image(LOAD);
            cluster.files.tamper(spoiled);
            let report = phone.boot().unwrap();
            let refused =
                |event: &Event| matches!(event, Event::LoadAuthFailed(name, _) if name == spoiled);
            assert!(report.events.iter().any(refused), "{:?}", report.events);
            assert_eq!(phone.flash.read().unwrap().0.load, "");
            // it goes on with the firmware it has
            assert_eq!(registers(&report), Some(SecurityMode::NonSecure));
        }

        // signed by the node, which may sign files, but no firmware
        cluster.publish_image(LOAD);
        let name = format!("{LOAD}.loads");
        cluster.files.put(&name, cluster.node.sign_file(FileKind::Image, &name, b"jar70.sbn\n"));
        phone.boot().unwrap();
        assert_eq!(phone.flash.read().unwrap().0.load, "");
        // by the right key, but as a configuration
        let provisioning = cluster.image.sign_file(FileKind::Provisioning, &name, b"jar70.sbn\n");
        cluster.files.put(&name, provisioning);
        phone.boot().unwrap();
        assert_eq!(phone.flash.read().unwrap().0.load, "");

        cluster.publish_image(LOAD);
        let report = phone.boot().unwrap();
        assert!(report.events.contains(&Event::LoadInstalled(LOAD.to_owned())));
        assert_eq!(phone.flash.read().unwrap().0.load, LOAD);
        let again = phone.boot().unwrap();
        assert!(!names(&again).iter().any(|name| name.ends_with(".loads")));
    }
}

#[test]
fn a_server_outside_the_list_is_not_used() {
    let cluster = Cluster::mixed();
    let phone = cluster.phone(Model::M7970);
    phone.boot().unwrap();
    let mut records = cluster.records();
    records[2].address = Some([192, 0, 2, 77].into());
    records[2].dns_name = Some(tlv::Text::new("cm1").unwrap());
    cluster.publish_ctl(&cluster.tokens[0], &records);
    let report = phone.boot().unwrap();
    let alarm = Event::TftpNotAuthorized(cluster.address.ip());
    assert_eq!(alarm.to_string(), "TFTP Not Authorized: 127.0.0.1");
    assert!(report.events.contains(&alarm));
    assert_eq!(names(&report).len(), 1);
    // With the configuration that it has, so that somebody hears of it.
    assert_eq!(registers(&report), Some(SecurityMode::Encrypted));
    let stranger = cluster.phone(Model::M7971).boot().unwrap();
    assert_eq!(stranger.conclusion, Conclusion::Stay("its TFTP server is not in its CTL"));
}

#[test]
fn a_phone_without_a_file_of_its_own_uses_the_default() {
    let cluster = Cluster::new();
    let default = "<Default><callManagerGroup><members><member priority=\"0\"><callManager>\
                   <processNodeName>192.0.2.10</processNodeName></callManager></member></members>\
                   </callManagerGroup></Default>";
    cluster.files.put("XMLDefault.cnf.xml", default);
    let report = cluster.phone(Model::M7940).boot().unwrap();
    assert_eq!(names(&report)[2], "XMLDefault.cnf.xml");
    assert_eq!(registers(&report), Some(SecurityMode::NonSecure));

    cluster.files.put("XMLDefault.cnf.xml", "<Default/>");
    let report = cluster.phone(Model::M7940).boot().unwrap();
    assert_eq!(report.conclusion, Conclusion::Stay("its configuration names no CallManager"));
}

#[test]
fn a_configuration_that_cannot_be_read_changes_nothing() {
    let cluster = Cluster::new();
    let phone = cluster.phone(Model::M7960);
    cluster.files.put(&config_name(false), configuration(1, ""));
    phone.boot().unwrap();
    let (before, _) = phone.flash.read().unwrap();
    let bomb = "<!DOCTYPE device [<!ENTITY a \"aaaa\">]><device>&a;</device>";
    let odd_mode = configuration(9, "");
    let odd_port = configuration(1, "").replace("2000", "0x7d0");
    for file in ["", "<device", "<html/>", bomb, &odd_mode, &odd_port, "\u{0}"] {
        cluster.files.put(&config_name(false), file);
        let report = phone.boot().unwrap();
        let refused = |event: &Event| matches!(event, Event::ConfigurationInvalid(..));
        assert!(report.events.iter().any(refused), "{file}");
        assert_eq!(phone.flash.read().unwrap().0, before);
    }
}

#[test]
fn files_on_demand_are_verified_too() {
    let cluster = Cluster::mixed();
    let phone = cluster.phone(Model::M7970);
    cluster.publish_signed("Ringlist.xml", b"<CiscoIPPhoneRingList/>");
    phone.boot().unwrap();
    let (file, events) = phone.get("Ringlist.xml").unwrap();
    assert_eq!((file.as_deref(), events), (Some(&b"<CiscoIPPhoneRingList/>"[..]), vec![]));
    cluster.files.tamper("Ringlist.xml.sgn");
    let (file, events) = phone.get("Ringlist.xml").unwrap();
    assert!(file.is_none() && events[0].is_alarm());
    let (file, events) = phone.get("absent.xml").unwrap();
    assert!(file.is_none() && !events[0].is_alarm());
}

#[test]
fn a_damaged_flash_is_noticed_and_healed() {
    let cluster = Cluster::mixed();
    let phone = cluster.phone(Model::M7960);
    phone.boot().unwrap();
    let (mut broken, _) = phone.flash.read().unwrap();
    let ctl = broken.ctl.take().unwrap();
    phone.flash.erase_lists().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let flash = ringfence_phone::Flash::open(directory.path()).unwrap();
    let mut bytes = ctl.as_bytes().to_vec();
    bytes[200] ^= 1;
    std::fs::write(directory.path().join("CTLFile.tlv"), bytes).unwrap();
    let (installed, damage) = flash.read().unwrap();
    assert_eq!(installed, Installed::default());
    assert!(matches!(damage[0], Event::ListDamaged("CTL", _)));

    let phone = ringfence_phone::Phone { flash, ..phone };
    let report = phone.boot().unwrap();
    assert!(matches!(report.events[0], Event::ListDamaged("CTL", _)));
    assert!(report.events.contains(&Event::ListInstalled("CTL")));
}

#[test]
fn the_second_server_is_asked_when_the_first_is_silent() {
    let cluster = Cluster::mixed();
    let mut phone = cluster.phone(Model::M7960);
    phone.tuning.timeout = std::time::Duration::from_millis(10);
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    phone.servers.insert(0, silent.local_addr().unwrap());
    let report = phone.boot().unwrap();
    assert_eq!(report.server, cluster.address);
    assert!(matches!(report.events[0], Event::TftpTimeout(_)));
    assert!(report.ctl_md5.is_some());
}

/// A file of a phone of this mode, whose gateway is so.
fn with_gateway(mode: u8, gateway: &str) -> String {
    let srst = format!(
        "<srstInfo><name>branch</name><srstOption>Enable</srstOption>\
         <ipAddr1>192.0.2.1</ipAddr1><port1>2100</port1>{gateway}</srstInfo></devicePool>"
    );
    configuration(mode, "").replace("</devicePool>", &srst)
}

// R: SRST-04, SRST-05
#[test]
fn tls_to_a_gateway_needs_mode_switch_and_certificate() {
    let cluster = Cluster::mixed();
    let certificate = holder("gw").0.certificate().der().to_vec();
    let encoded = Base64::encode_string(&certificate);
    let secure = format!("<isSecure>true</isSecure><srstCertificate>{encoded}</srstCertificate>");
    let open = "<isSecure>false</isSecure>";
    let concluded = |mode, gateway: &str| {
        let file = with_gateway(mode, gateway);
        let configuration = Configuration::parse(file.as_bytes()).unwrap();
        cluster.publish_signed(&config_name(false), file.as_bytes());
        let report = cluster.phone(Model::M7970).boot().unwrap();
        let Conclusion::Register { srst, .. } = report.conclusion else { panic!("{report:?}") };
        (configuration.srst, srst)
    };
    let tls = Fallback { address: "192.0.2.1".into(), port: 2100, certificate: Some(certificate) };
    let tcp = Fallback { certificate: None, ..tls.clone() };
    for mode in [2, 3] {
        assert_eq!(concluded(mode, &secure).1, Some(tls.clone()));
        // A certificate alone does not make it secure.
        assert_eq!(concluded(mode, &secure.replace("true", "false")).1, Some(tcp.clone()));
        assert_eq!(concluded(mode, open).1, Some(tcp.clone()));
        for broken in
            ["", "<srstCertificate>!</srstCertificate>", "<srstCertificate>REVS</srstCertificate>"]
        {
            let (read, used) = concluded(mode, &format!("<isSecure>true</isSecure>{broken}"));
            assert!(read.is_some_and(|srst| srst.certificate.is_none()));
            assert_eq!(used, None);
        }
    }
    // A phone that is not secure speaks TCP to everybody.
    assert_eq!(concluded(1, &secure).1, Some(tcp));
    let disabled = with_gateway(3, open).replace("Enable", "Disable");
    assert_eq!(Configuration::parse(disabled.as_bytes()).unwrap().srst, None);
}
