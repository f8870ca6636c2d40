//! Connections that somebody else accepted.

use std::fs::File;
use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use ringfence_legacytls::client::{Event, NotServed, Serving, State};
use ringfence_legacytls::hello::{ClientHello, MAX_HELLO, Peeked, peek};
use ringfence_legacytls::link::Reason;

use crate::house::{House, PATIENCE, await_state, server, service, talk};

/// A service without a socket of its own, and somebody else's socket.
fn serve(house: &House) -> (Serving, TcpListener, SocketAddr) {
    let server = server();
    let key = File::open(house.file("server.pem", &server.pem())).unwrap();
    let serving = house.cell.serve(service(&server), None, key);
    await_state(&serving, &State::Serving);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (serving, listener, address)
}

fn look(stream: &TcpStream) -> ClientHello {
    loop {
        let mut bytes = [0; MAX_HELLO];
        let length = stream.peek(&mut bytes).unwrap();
        match peek(&bytes[..length]) {
            Peeked::Incomplete => {}
            Peeked::Hello(hello) => return hello,
            Peeked::Other => panic!("not TLS: {:?}", &bytes[..length]),
        }
    }
}

#[test]
fn who_accepts_can_look_first() {
    let house = House::new();
    let (serving, listener, address) = serve(&house);
    for (arguments, modern) in [
        (&["-tls1", "-cipher", "NULL-SHA:@SECLEVEL=0"][..], false),
        (&["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"], false),
        (&["-tls1_2"], true),
        (&["-tls1_3"], true),
    ] {
        let mut phone = house.phone(address, None, arguments);
        let (stream, peer) = listener.accept().unwrap();
        assert_eq!(look(&stream).is_modern(), modern, "{arguments:?}");
        let mut connection = serving.terminate(&stream, PATIENCE).unwrap();
        drop(stream);
        assert_eq!((connection.tls.peer, connection.tls.local), (peer, address));
        talk(&mut phone, &mut connection);
    }
    let mut phone = house.phone(address, None, &[]);
    serving.hand_in(&listener.accept().unwrap().0).unwrap();
    let Some(Event::Connected(mut connection)) = serving.accept_within(PATIENCE) else { panic!() };
    talk(&mut phone, &mut connection);
}

#[test]
fn who_handed_in_is_told_what_became_of_it() {
    let mut house = House::new();
    let (serving, listener, address) = serve(&house);
    // Cut while it waits.
    let silent = TcpStream::connect(address).unwrap();
    let (stream, _) = listener.accept().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| serving.terminate(&stream, PATIENCE));
        stream.shutdown(Shutdown::Both).unwrap();
        let refused = waiting.join().unwrap().unwrap_err();
        assert!(
            matches!(&refused, NotServed::Refused(why) if why.reason == Reason::Handshake),
            "{refused}"
        );
    });
    drop(silent);
    // Nobody says anything until patience ends.
    let mut silent = TcpStream::connect(address).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let late = serving.terminate(&stream, PATIENCE / 600).unwrap_err();
    assert!(matches!(&late, NotServed::Away(_)), "{late}");
    // The cell goes.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| serving.terminate(&stream, PATIENCE));
        house.kill();
        let away = waiting.join().unwrap().unwrap_err();
        assert!(matches!(&away, NotServed::Away(_)), "{away}");
    });
    drop(stream);
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0);
}
