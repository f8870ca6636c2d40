//! What `ctl diff` tells.

mod common;

use common::{cluster, node, text, token};
use ringfence_tlv::{RecordField, Role, Serial, diff};

#[test]
fn order_does_not_count() {
    let mut turned = cluster();
    turned.reverse();
    assert!(diff(&cluster(), &turned).is_empty());
}

#[test]
fn entries_come_go_and_change() {
    let old = cluster();
    let mut new = cluster();
    new[1] = token(3).record(Role::Sast);
    new[2].serial = Some(Serial::new([9]).unwrap());
    new[2].certificate = Some(vec![1]);
    let mut tftp = node().record(Role::Tftp);
    tftp.dns_name = Some(text("branch-tftp"));
    new.push(tftp);

    let difference = diff(&old, &new);
    assert_eq!(difference.removed, [&old[1]]);
    assert_eq!(difference.added, [&new[1], &new[3]]);
    let [change] = &difference.changed[..] else { panic!("one change") };
    assert_eq!((change.old, change.new), (&old[2], &new[2]));
    assert_eq!(change.fields, [RecordField::Serial, RecordField::Certificate]);
}

#[test]
fn an_entry_that_lost_its_certificate_changed() {
    let old = cluster();
    let mut new = cluster();
    new[2] = new[2].without_certificate();
    let difference = diff(&old, &new);
    assert!(difference.added.is_empty() && difference.removed.is_empty());
    assert!(difference.changed[0].fields.contains(&RecordField::Certificate));
}
