//! A bucket behind HTTP, with a server that checks what every S3 server checks: methods, paths,
//! lengths, and who signed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use ringfence_backup::Fault;
use ringfence_backup::archive::Archive;
use ringfence_backup::shelf::{ObjectStore, Place, Shelf};

use crate::site::{Site, keys};

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// Serves a bucket called `vault` to the owner of the key `operator`, at most one object a list.
fn serve(objects: Objects) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &objects);
        }
    });
    address
}

fn answer(mut stream: TcpStream, objects: &Objects) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert!(reader.read_until(b'\n', &mut head).unwrap() > 0);
    }
    let head = String::from_utf8(head).unwrap();
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body).unwrap();
    let key = path.strip_prefix("/vault/").map(str::to_owned);
    let parameter = |name: &str| {
        let mut all = query.split('&').filter_map(|pair| pair.split_once('='));
        all.find(|(known, _)| *known == name).map(|(_, value)| value.replace("%2F", "/"))
    };
    let credential = parameter("X-Amz-Credential").unwrap_or_default();
    let mut objects = objects.lock().unwrap();
    let (status, body) = match (method, key.filter(|key| !key.is_empty())) {
        _ if !credential.starts_with("operator/") => ("403 Forbidden", Vec::new()),
        ("PUT", Some(key)) => {
            assert!(length.is_some() && !head.contains("chunked"), "S3 wants the length: {head}");
            objects.insert(key, body);
            ("200 OK", Vec::new())
        }
        ("GET", Some(key)) => match objects.get(&key) {
            Some(object) => ("200 OK", object.clone()),
            None => ("404 Not Found", Vec::new()),
        },
        ("DELETE", Some(key)) => {
            objects.remove(&key);
            ("204 No Content", Vec::new())
        }
        ("GET", None) => {
            assert_eq!(parameter("list-type").as_deref(), Some("2"));
            let after = parameter("continuation-token").unwrap_or_default();
            let mut rest = objects.iter().filter(|(key, _)| **key > after);
            let first = rest.next().map(|(key, object)| {
                let more = rest.next().map(|_| {
                    format!("<NextContinuationToken>{key}</NextContinuationToken>")
                });
                format!(
                    "<Contents><Key>{key}</Key><LastModified>2026-11-23T00:00:00.000Z</LastModified>\
                     <ETag>&quot;x&quot;</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass>\
                     </Contents>{}",
                    object.len(),
                    more.unwrap_or_default()
                )
            });
            let list = format!(
                "<?xml version=\"1.0\"?><ListBucketResult \
                 xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>vault</Name>\
                 <MaxKeys>1</MaxKeys>{}</ListBucketResult>",
                first.unwrap_or_default()
            );
            ("200 OK", list.into_bytes())
        }
        _ => ("400 Bad Request", Vec::new()),
    };
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let _ = stream.write_all(&body);
}

fn place(address: SocketAddr, access_key: &str) -> Place {
    Place {
        endpoint: format!("http://{address}"),
        region: "lab".into(),
        bucket: "vault".into(),
        prefix: "office/".into(),
        access_key: access_key.into(),
        secret_key: "hunter2".to_owned().into(),
        authorities: "/etc/ssl/certs/ca-certificates.crt".into(),
    }
}

// R: BAK-01
#[test]
fn archives_go_to_a_bucket_and_come_back() {
    let objects = Objects::default();
    let address = serve(Arc::clone(&objects));
    let shelf = ObjectStore::new(&place(address, "operator")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let site = Site::publisher(dir.path());
    let (archive, header) = site.back_up(&keys().0, None).unwrap();
    shelf.put(&archive).unwrap();
    let second = archive
        .with_file_name(archive.file_name().unwrap().to_str().unwrap().replace("000001", "000002"));
    std::fs::copy(&archive, &second).unwrap();
    shelf.put(&second).unwrap();
    objects.lock().unwrap().insert("office/readme.txt".into(), Vec::new());
    let kept = shelf.list().unwrap();
    assert_eq!(kept.iter().map(|kept| kept.sequence).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(kept[0].name, header.file_name());
    let into = tempfile::tempdir().unwrap();
    let fetched = shelf.fetch(&kept[0].name, into.path()).unwrap();
    assert_eq!(Archive::open(&fetched).unwrap().header, header);
    shelf.remove(&kept[1].name).unwrap();
    assert_eq!(shelf.list().unwrap().len(), 1);
    let gone = shelf.fetch(&kept[1].name, into.path()).unwrap_err();
    assert!(matches!(gone, Fault::Unknown { .. }), "{gone:?}");
}

#[test]
fn a_store_that_says_no_is_told_of_without_secrets() {
    let address = serve(Objects::default());
    let dir = tempfile::tempdir().unwrap();
    let stranger = ObjectStore::new(&place(address, "mallory")).unwrap();
    let refused = stranger.list().unwrap_err().to_string();
    assert!(refused.contains("403") && !refused.contains("hunter2"), "{refused}");
    let file = dir.path().join("a.rfbackup");
    std::fs::write(&file, "x").unwrap();
    assert!(stranger.put(&file).is_err());
    let wrong = Place { endpoint: "s3.example.com".into(), ..place(address, "operator") };
    assert!(ObjectStore::new(&wrong).is_err());
    let wrong = Place {
        endpoint: "https://127.0.0.1:1".into(),
        authorities: dir.path().join("absent.pem"),
        ..place(address, "operator")
    };
    assert!(ObjectStore::new(&wrong).err().unwrap().to_string().contains("absent.pem"));
}
