//! A certificate authority with a registration authority, whose cryptography is all done by the
//! `openssl` command: it verifies and decrypts requests, issues, encrypts, and signs answers. What
//! is put together here is only the shell that `openssl cms` cannot make, signed attributes of
//! SCEP, and `openssl cms` verifies each before it is sent.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use der::Tag;
use der::asn1::ObjectIdentifier;
use pki::Certificate;
use pki::asn1::{constructed, context, element, oid, sequence, unsigned};
use tempfile::TempDir;

use crate::support::vector;

/// The authority and the directory it works in.
pub struct Authority {
    directory: TempDir,
    /// What it puts into certificates: lines of an OpenSSL extension file.
    pub extensions: &'static str,
    /// Subject of certificates instead of the requested one.
    pub subject: Option<&'static str>,
    /// Days that certificates are valid.
    pub days: u32,
}

/// The key usages that phones need.
pub const PHONE: &str = "basicConstraints=critical,CA:FALSE\n\
    keyUsage=critical,digitalSignature,keyEncipherment\n\
    extendedKeyUsage=1.3.6.1.5.5.7.3.1,1.3.6.1.5.5.7.3.2,1.3.6.1.5.5.7.3.5\n";

/// A request as the authority understood it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub kind: String,
    pub transaction: String,
    pub nonce: Vec<u8>,
    /// Who signed it, PEM.
    pub signer: String,
    /// Names of the algorithms: `sha256`, `aes-128-cbc`.
    pub digest: String,
    pub cipher: String,
    pub plain: Vec<u8>,
}

/// An answer before it is signed: a right one, to be spoiled by tests.
#[derive(Clone, Debug)]
pub struct Answer {
    pub message_type: &'static str,
    pub status: &'static str,
    pub fail_info: Option<&'static str>,
    pub fail_text: Option<&'static str>,
    pub transaction: String,
    pub recipient_nonce: Option<Vec<u8>>,
    pub content: Option<Vec<u8>>,
    /// Whose certificate and key: files of the directory.
    pub signer: &'static str,
    pub digest: &'static str,
}

impl Authority {
    /// With the certificates of the test vectors.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Self { directory, extensions: PHONE, subject: None, days: 365 };
        for name in ["ca", "ra-sign", "ra-enc", "proxy"] {
            authority.write(&format!("{name}.der"), vector(name));
            authority.write(&format!("{name}-key.der"), vector(&format!("{name}-key")));
            authority.openssl(&format!("x509 -inform DER -in {name}.der -out {name}.pem"));
            authority.openssl(&format!("pkey -inform DER -in {name}-key.der -out {name}.key"));
        }
        authority
    }

    /// GetCACert with registration authority, in any order of names.
    pub fn certificates(&self, names: &[&str]) -> Vec<u8> {
        let files: Vec<_> = names.iter().map(|name| format!("-certfile {name}.pem")).collect();
        self.openssl(&format!("crl2pkcs7 -nocrl {} -outform DER -out bag.der", files.join(" ")));
        self.read("bag.der")
    }

    /// Has a registration authority's certificate renewed: a new key, another serial number.
    pub fn renew_registration(&self, name: &str, usage: &str) {
        let serial: u32 = name.bytes().map(u32::from).sum();
        let extensions = format!("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,{usage}\n");
        self.write("ra.ext", extensions.as_bytes());
        self.openssl(&format!("genrsa -out {name}.key 2048"));
        self.openssl(&format!("rsa -in {name}.key -pubout -out ra.pub"));
        self.openssl(&format!(
            "x509 -new -subj /CN={name} -force_pubkey ra.pub -CA ca.pem -CAkey ca.key -days 30 \
             -set_serial {serial} -extfile ra.ext -out {name}.pem"
        ));
    }

    /// Verifies a request's signature, reads its attributes, decrypts it.
    pub fn open(&self, request: &[u8], recipient: &str) -> Option<Message> {
        self.write("request.der", request);
        self.openssl(
            "cms -verify -binary -inform DER -in request.der -noverify -signer signer.pem \
             -out envelope.der",
        );
        let parsed = self.openssl("asn1parse -inform DER -in request.der");
        let parsed = String::from_utf8(parsed.stdout).unwrap();
        let attribute = |last: u8| {
            let oid = format!(":2.16.840.1.113733.1.9.{last}");
            let mut lines = parsed.lines().skip_while(|line| !line.ends_with(&oid)).skip(2);
            lines.next().unwrap().rsplit(':').next().unwrap().trim().to_owned()
        };
        let algorithm = |names: &[&str], text: &str| {
            let found = names.iter().find(|name| text.contains(&format!(":{name}\n")));
            (*found.expect("a known algorithm")).to_owned()
        };
        let envelope = self.openssl("asn1parse -inform DER -in envelope.der");
        let envelope = String::from_utf8(envelope.stdout).unwrap();
        let decrypted = self.try_openssl(&format!(
            "cms -decrypt -binary -inform DER -in envelope.der -recip {recipient}.pem \
             -inkey {recipient}.key -out plain.der -provider legacy -provider default"
        ));
        decrypted.status.success().then(|| Message {
            kind: attribute(2),
            transaction: attribute(7),
            nonce: unhex(&attribute(5)),
            signer: String::from_utf8(self.read("signer.pem")).unwrap(),
            digest: algorithm(&["sha256", "sha1", "md5", "sha512"], &parsed),
            cipher: algorithm(&["aes-128-cbc", "des-ede3-cbc", "des-cbc"], &envelope),
            plain: self.read("plain.der"),
        })
    }

    /// Whether the PKCS#10 request proves possession of its key.
    pub fn proves_possession(&self, request: &[u8]) -> bool {
        self.write("csr.der", request);
        let told = self.try_openssl("req -inform DER -in csr.der -verify -noout").stderr;
        String::from_utf8_lossy(&told).contains("verify OK")
    }

    /// What a PKCS#10 request says, for people.
    pub fn text(&self, request: &[u8]) -> String {
        self.write("csr.der", request);
        let text = self.openssl("req -inform DER -in csr.der -text -noout");
        String::from_utf8(text.stdout).unwrap()
    }

    /// Issues without asking for possession, as an authority that trusts its registration
    /// authority does.
    pub fn issue(&self, request: &[u8]) -> Certificate {
        self.write("csr.der", request);
        self.write("issue.ext", self.extensions.as_bytes());
        let key = self.openssl("req -inform DER -in csr.der -pubkey -noout");
        self.write("issue.pub", &key.stdout);
        let subject = self.openssl("req -inform DER -in csr.der -subject -nameopt compat -noout");
        let subject = String::from_utf8(subject.stdout).unwrap();
        let subject = subject.trim().trim_start_matches("subject=");
        let (subject, days) = (self.subject.unwrap_or(subject), self.days);
        self.openssl(&format!(
            "x509 -new -subj {subject} -force_pubkey issue.pub -CA ca.pem -CAkey ca.key \
             -days {days} -extfile issue.ext -outform DER -out issued.der"
        ));
        Certificate::parse(&self.read("issued.der")).unwrap()
    }

    /// A bag of certificates in an envelope to whoever signed the request.
    pub fn seal(&self, certificates: &[&[u8]], to: &Message, options: &str) -> Vec<u8> {
        let mut pem = String::new();
        for der in certificates {
            pem += &pki::export::pem(&Certificate::parse(der).unwrap());
        }
        self.write("bag.pem", pem.as_bytes());
        self.write("to.pem", to.signer.as_bytes());
        self.openssl("crl2pkcs7 -nocrl -certfile bag.pem -outform DER -out bag.der");
        self.openssl(&format!(
            "cms -encrypt -binary -in bag.der -outform DER -out sealed.der {options} \
             -provider legacy -provider default to.pem"
        ));
        self.read("sealed.der")
    }

    /// Signs an answer.
    pub fn sign(&self, answer: &Answer) -> Vec<u8> {
        let Answer { digest, signer, .. } = answer;
        self.write("content", answer.content.as_deref().unwrap_or_default());
        let hash = self.openssl(&format!("dgst -{digest} -binary content")).stdout;
        let printable = |text: &str| element(Tag::PrintableString, text.as_bytes());
        let octets = |bytes: &[u8]| element(Tag::OctetString, bytes);
        let scep = |last: u32| ObjectIdentifier::new_unwrap("2.16.840.1.113733.1.9").push_arc(last);
        let scep = |last| scep(last).unwrap();
        let known = ObjectIdentifier::new_unwrap;
        let mut attributes = vec![
            attribute(known("1.2.840.113549.1.9.3"), &oid(known("1.2.840.113549.1.7.1"))),
            attribute(known("1.2.840.113549.1.9.4"), &octets(&hash)),
            attribute(scep(2), &printable(answer.message_type)),
            attribute(scep(3), &printable(answer.status)),
            attribute(scep(5), &octets(&[0x5e; 16])),
            attribute(scep(7), &printable(&answer.transaction)),
        ];
        if let Some(nonce) = &answer.recipient_nonce {
            attributes.push(attribute(scep(6), &octets(nonce)));
        }
        if let Some(info) = answer.fail_info {
            attributes.push(attribute(scep(4), &printable(info)));
        }
        if let Some(text) = answer.fail_text {
            let text = element(Tag::Utf8String, text.as_bytes());
            attributes.push(attribute(known("1.3.6.1.5.5.7.24.1"), &text));
        }
        attributes.sort();
        let attributes = attributes.concat();
        self.write("attributes.der", &constructed(Tag::Set, &[&attributes]));
        let signature = self
            .openssl(&format!("dgst -{digest} -sign {signer}.key -binary attributes.der"))
            .stdout;

        let certificate = self.openssl(&format!("x509 -in {signer}.pem -outform DER")).stdout;
        let parsed = Certificate::parse(&certificate).unwrap();
        let algorithm = |dotted: &str| {
            sequence(&[&oid(ObjectIdentifier::new_unwrap(dotted)), &element(Tag::Null, [])])
        };
        let digest = algorithm(match *digest {
            "md5" => "1.2.840.113549.2.5",
            "sha1" => "1.3.14.3.2.26",
            "sha256" => "2.16.840.1.101.3.4.2.1",
            other => panic!("{other}"),
        });
        let content = match &answer.content {
            Some(content) => constructed(context(0, true), &[&octets(content)]),
            None => Vec::new(),
        };
        let signer_info = sequence(&[
            &unsigned(&[1]),
            &sequence(&[parsed.issuer().der(), &unsigned(parsed.serial())]),
            &digest,
            &constructed(context(0, true), &[&attributes]),
            &algorithm("1.2.840.113549.1.1.1"),
            &octets(&signature),
        ]);
        let signed = sequence(&[
            &unsigned(&[1]),
            &constructed(Tag::Set, &[&digest]),
            &sequence(&[&oid(known("1.2.840.113549.1.7.1")), &content]),
            &constructed(context(0, true), &[&certificate]),
            &constructed(Tag::Set, &[&signer_info]),
        ]);
        let signed_data = oid(known("1.2.840.113549.1.7.2"));
        let message = sequence(&[&signed_data, &constructed(context(0, true), &[&signed])]);

        self.write("answer.der", &message);
        let content = if answer.content.is_none() { "-content content" } else { "" };
        self.openssl(&format!(
            "cms -verify -binary -inform DER -in answer.der {content} -noverify -out verified"
        ));
        message
    }

    /// The answer with the certificate of a request.
    pub fn success(&self, message: &Message) -> Answer {
        let issued = self.issue(&message.plain);
        self.success_with(message, &[issued.der()])
    }

    /// The answer with other certificates.
    pub fn success_with(&self, message: &Message, certificates: &[&[u8]]) -> Answer {
        let options = format!("-{}", message.cipher);
        let content = Some(self.seal(certificates, message, &options));
        Answer { content, ..Answer::of(message, "0") }
    }

    fn openssl(&self, arguments: &str) -> Output {
        let output = self.try_openssl(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {told}");
        output
    }

    fn try_openssl(&self, arguments: &str) -> Output {
        Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.directory.path())
            .output()
            .expect("the package openssl is installed: cargo xtask setup")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }
}

impl Answer {
    /// An answer without content.
    pub fn of(message: &Message, status: &'static str) -> Self {
        Self {
            message_type: "3",
            status,
            fail_info: None,
            fail_text: None,
            transaction: message.transaction.clone(),
            recipient_nonce: Some(message.nonce.clone()),
            content: None,
            signer: "ra-sign",
            digest: match &*message.digest {
                "md5" => "md5",
                "sha1" => "sha1",
                _ => "sha256",
            },
        }
    }

    pub fn pending(message: &Message) -> Self {
        Self::of(message, "3")
    }

    pub fn failure(message: &Message, info: &'static str) -> Self {
        Self { fail_info: Some(info), ..Self::of(message, "2") }
    }
}

fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &constructed(Tag::Set, &[value])])
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    text.as_bytes().chunks(2).map(digit).collect()
}
