//! Gateways and their ports.

use ringfence_store::{
    Destination, Direction, Error, Gateway, GatewayPort, Invalid, KeyPolicy, Line, Pool, Route,
};

use crate::database::Database;

crate::over_both! {
    gateways_are_kept_with_their_ports,
    names_and_addresses_belong_to_one_gateway,
    what_something_leads_to_stays,
    nonsense_is_refused,
}

fn gateway(name: &str, last: u8) -> Gateway {
    let address = format!("192.0.2.{last}:2427").parse().unwrap();
    let mut gateway = Gateway::new(name, vec![address]);
    gateway.ports = vec![
        GatewayPort::new("aaln/S1/SU0/0", Some("1006".parse().unwrap())),
        GatewayPort { capture: true, ..GatewayPort::new("S0/SU0/DS1-0/1", None) },
    ];
    gateway
}

// R: MGCP-06
fn gateways_are_kept_with_their_ports(db: &Database) {
    let mut first = gateway("gw1.example", 1);
    db.change(|c| c.put_gateway(&first)).unwrap();
    assert_eq!(db.change(|c| c.put_gateway(&first)).unwrap().revision, None);
    db.change(|c| c.put_gateway(&gateway("[192.0.2.2]", 2))).unwrap();
    assert_eq!(db.store.read(|v| v.gateway("GW1.example")).unwrap(), first);
    // Its number has become a line.
    let number = "1006".parse().unwrap();
    assert_eq!(db.store.read(|v| v.line(&number)).unwrap(), Line::new(number));

    first.key_policy = KeyPolicy::TrustedPath;
    first.identity = "CN=gw1.example".into();
    first.digit_map = "(1XXX|9.T)".into();
    first.drop_secure_calls = true;
    first.ports.remove(0);
    first.ports[0].direction = Direction::Out;
    first.ports[0].attendant = Some("1001".parse().unwrap());
    let done = db.change(|c| c.put_gateway(&first)).unwrap();
    assert!(done.revision.is_some());
    let kept = db.store.read(|v| v.gateways()).unwrap();
    assert_eq!(kept, [gateway("[192.0.2.2]", 2), first.clone()]);
    let log = db.store.read(|v| v.revisions(None, 1)).unwrap();
    let entry = &log[0].entries[0];
    assert_eq!((&*entry.object, &*entry.subject), ("gateway", "gw1.example"));
    assert_eq!(entry.new.as_ref().unwrap()["key_policy"], "trusted-path");
    db.change(|c| c.remove_gateway("gw1.example")).unwrap();
    assert_eq!(db.store.read(|v| v.gateways()).unwrap().len(), 1);
}

fn names_and_addresses_belong_to_one_gateway(db: &Database) {
    db.change(|c| c.put_gateway(&gateway("gw1.example", 1))).unwrap();
    for twin in [gateway("GW1.EXAMPLE", 2), gateway("gw2.example", 1)] {
        let refused = db.change(|c| c.put_gateway(&twin)).unwrap_err();
        assert!(matches!(refused, Error::Exists { object: "gateway", .. }), "{refused:?}");
    }
}

fn what_something_leads_to_stays(db: &Database) {
    let route =
        Route { pattern: "9.XXXX".into(), destination: Destination::Gateway("gw1.example".into()) };
    let refused = db.change(|c| c.put_route(&route)).unwrap_err();
    assert!(matches!(refused, Error::Unknown { object: "gateway", .. }));
    db.change(|c| c.put_gateway(&gateway("gw1.example", 1))).unwrap();
    db.change(|c| c.put_route(&route)).unwrap();
    assert_eq!(db.store.read(|v| v.route("9.XXXX")).unwrap(), route);
    let in_use = |result: ringfence_store::Result<ringfence_store::Changed<()>>| {
        assert!(matches!(result.unwrap_err(), Error::InUse { .. }));
    };
    in_use(db.change(|c| c.remove_gateway("gw1.example")));
    in_use(db.change(|c| c.remove_line(&"1006".parse().unwrap())));
    db.change(|c| c.put_pool(&Pool::new("Lab"))).unwrap();
    let moved = Gateway { pool: "Lab".into(), ..gateway("gw1.example", 1) };
    db.change(|c| c.put_gateway(&moved)).unwrap();
    in_use(db.change(|c| c.remove_pool("Lab")));
    db.change(|c| c.remove_route("9.XXXX")).unwrap();
    db.change(|c| c.remove_gateway("gw1.example")).unwrap();
    db.change(|c| c.remove_pool("Lab")).unwrap();
}

fn nonsense_is_refused(db: &Database) {
    let refuse = |make: &dyn Fn(&mut Gateway)| {
        let mut gateway = gateway("gw1.example", 1);
        make(&mut gateway);
        db.change(|c| c.put_gateway(&gateway)).unwrap_err()
    };
    let host = |error| matches!(error, Error::Invalid(Invalid::Host(_)));
    assert!(host(refuse(&|g| g.name = String::new())));
    assert!(host(refuse(&|g| g.name = "gw 1".into())));
    assert!(host(refuse(&|g| g.name = "[gw1]".into())));
    assert!(matches!(refuse(&|g| g.addresses.clear()), Error::Invalid(Invalid::Range { .. })));
    let nowhere = |g: &mut Gateway| g.addresses = vec!["0.0.0.0:2427".parse().unwrap()];
    assert!(matches!(refuse(&nowhere), Error::Invalid(Invalid::Address(_))));
    assert!(matches!(refuse(&|g| g.pool = "Mars".into()), Error::Unknown { object: "pool", .. }));
    for name in ["", "aaln//1", "aaln/*", "a@b"] {
        let wrong = |g: &mut Gateway| g.ports[0].name = name.into();
        assert!(matches!(refuse(&wrong), Error::Invalid(Invalid::Name { .. })), "{name}");
    }
    let twice = |g: &mut Gateway| g.ports.push(GatewayPort::new("AALN/S1/SU0/0", None));
    assert!(matches!(refuse(&twice), Error::Exists { object: "port", .. }));
    assert_eq!(db.store.read(|v| v.gateways()).unwrap(), []);
}
