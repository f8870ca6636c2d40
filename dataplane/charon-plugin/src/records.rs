//! Charon's structures as orders have them. All of it reads what charon hands in for the time of one
//! call.

use std::net::{IpAddr, SocketAddr};
use std::slice;

use esp::Direction;
use keying::feed::{Order, PolicyRecord, SaRecord, Secret, Side};
use keying::xfrm::StateKey;

use crate::abi::{
    AddSa, Chunk, DSCP_COPIED_OUT, Elements, Host, LifetimeConfig, LinkedList, ManagePolicy,
    POLICY_IPSEC, PolicyId, SaId, TrafficSelector, UpdateSa, direction, mode,
};

const ESP: u8 = 50;

/// What names an association.
///
/// # Safety
///
/// `id` is charon's.
pub unsafe fn key(id: *const SaId) -> Option<StateKey> {
    // SAFETY: as the caller says.
    unsafe {
        let id = &*id;
        let destination = host(id.destination)?.ip();
        (id.protocol == ESP).then_some(StateKey { spi: u32::from_be(id.spi), destination })
    }
}

/// A new association. None when it is none that we can be an end of.
///
/// # Safety
///
/// Both are charon's.
pub unsafe fn sa(id: *const SaId, data: *const AddSa) -> Option<SaRecord> {
    // SAFETY: as the caller says; lists of traffic selectors are such.
    unsafe {
        let (key, data) = (key(id)?, &*data);
        let (source, destination) = (host((*id).source)?, host((*id).destination)?);
        let tunnel = match data.mode {
            mode::TUNNEL => true,
            mode::TRANSPORT => false,
            _ => return None,
        };
        if data.compression != 0 {
            return None;
        }
        let limits = |of: fn(&LifetimeConfig, usize) -> u64| {
            let lifetime = data.lifetime.as_ref();
            lifetime.map_or([0; 3], |lifetime| [0, 1, 2].map(|unit| of(lifetime, unit)))
        };
        Some(SaRecord {
            key,
            source: source.ip(),
            direction: if data.inbound { Direction::Inbound } else { Direction::Outbound },
            tunnel,
            request: data.request,
            sources: sides(data.sources)?,
            destinations: sides(data.destinations)?,
            cipher: data.cipher,
            cipher_key: secret(data.cipher_key),
            integrity: data.integrity,
            integrity_key: secret(data.integrity_key),
            extended: data.extended,
            window: data.window,
            padding: data.padding,
            ports: data.encapsulates.then_some((source.port(), destination.port())),
            soft: limits(|lifetime, unit| lifetime.limits[unit].rekey),
            hard: limits(|lifetime, unit| lifetime.limits[unit].life),
            copy_df: data.copy_df,
            copy_ecn: data.copy_ecn,
            copy_dscp: DSCP_COPIED_OUT.contains(&data.copy_dscp),
        })
    }
}

/// The order to move an association. None when more than its ends changes.
///
/// # Safety
///
/// Both are charon's.
pub unsafe fn moved(id: *const SaId, data: *const UpdateSa) -> Option<Order> {
    // SAFETY: as the caller says.
    unsafe {
        let (key, data) = (key(id)?, &*data);
        let (source, destination) = (host(data.source)?, host(data.destination)?);
        let ports = data.encapsulates.then_some((source.port(), destination.port()));
        let (source, destination) = (source.ip(), destination.ip());
        (data.request == 0).then_some(Order::MoveSa { key, source, destination, ports })
    }
}

/// What a policy is to us.
pub enum Wanted {
    /// Traffic goes protected.
    Protect(PolicyRecord),
    /// Nothing: it is for packets that pass through, or goes around associations, which datad's
    /// own configuration decides.
    Nothing,
    /// Its traffic cannot be told.
    Obscure,
}

/// A policy.
///
/// # Safety
///
/// Both are charon's.
pub unsafe fn policy(id: *const PolicyId, data: *const ManagePolicy) -> Wanted {
    // SAFETY: as the caller says.
    unsafe {
        let (id, data) = (&*id, &*data);
        let direction = match id.direction {
            direction::IN => Direction::Inbound,
            direction::OUT => Direction::Outbound,
            _ => return Wanted::Nothing,
        };
        let Some(sa) = data.sa.as_ref().filter(|_| data.kind == POLICY_IPSEC) else {
            return Wanted::Nothing;
        };
        match (side(id.source), side(id.destination)) {
            (Some(source), Some(destination)) => Wanted::Protect(PolicyRecord {
                direction,
                source,
                destination,
                request: sa.request,
                priority: data.priority,
            }),
            _ => Wanted::Obscure,
        }
    }
}

unsafe fn sides(list: *mut LinkedList) -> Option<Vec<Side>> {
    // SAFETY: the caller has a list of traffic selectors.
    unsafe { Elements::<TrafficSelector>::of(list).map(|element| side(element)).collect() }
}

unsafe fn side(selector: *mut TrafficSelector) -> Option<Side> {
    // SAFETY: the caller has a traffic selector, whose addresses live as long as it does.
    unsafe {
        let table = &*selector;
        Some(Side {
            first: address((table.get_from_address)(selector))?,
            last: address((table.get_to_address)(selector))?,
            protocol: (table.get_protocol)(selector),
            ports: ((table.get_from_port)(selector), (table.get_to_port)(selector)),
        })
    }
}

unsafe fn host(host: *mut Host) -> Option<SocketAddr> {
    // SAFETY: the caller has a host, whose address lives as long as it does.
    unsafe {
        let table = host.as_ref()?;
        let ip = address((table.get_address)(host))?;
        Some(SocketAddr::new(ip, (table.get_port)(host)))
    }
}

unsafe fn address(chunk: Chunk) -> Option<IpAddr> {
    // SAFETY: the caller has a chunk that lives.
    let octets = unsafe { octets(chunk) };
    match octets.len() {
        4 => <[u8; 4]>::try_from(octets).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
        _ => None,
    }
}

unsafe fn secret(chunk: Chunk) -> Secret {
    // SAFETY: the caller has a chunk that lives.
    Secret::new(unsafe { octets(chunk) })
}

unsafe fn octets<'a>(chunk: Chunk) -> &'a [u8] {
    if chunk.at.is_null() {
        return &[];
    }
    // SAFETY: the caller has a chunk that lives as long as what is read here.
    unsafe { slice::from_raw_parts(chunk.at, chunk.len) }
}
