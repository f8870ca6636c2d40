//! The authority: what it keeps in files, and what the command does with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pki::Certificate;
use tempfile::TempDir;

use crate::{Answer, Message};

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

impl Authority {
    /// With keys of its own.
    pub fn new() -> Self {
        let authority = Self::empty();
        authority.openssl(
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=Authority \
             -days 3650 -addext keyUsage=critical,keyCertSign,cRLSign",
        );
        authority.renew_registration("ra-sign", "digitalSignature");
        authority.renew_registration("ra-enc", "keyEncipherment");
        authority
    }

    /// With the keys and certificates of `ca`, `ra-sign` and `ra-enc` in a directory, and those of
    /// `proxy`, who is somebody else: `NAME.der` and `NAME-key.der`.
    pub fn of_files(directory: &Path) -> Self {
        let authority = Self::empty();
        for name in ["ca", "ra-sign", "ra-enc", "proxy"] {
            for file in [format!("{name}.der"), format!("{name}-key.der")] {
                let copied = fs::copy(directory.join(&file), authority.path(&file));
                copied.unwrap_or_else(|error| panic!("{file}: {error}"));
            }
            authority.openssl(&format!("x509 -inform DER -in {name}.der -out {name}.pem"));
            authority.openssl(&format!("pkey -inform DER -in {name}-key.der -out {name}.key"));
        }
        authority
    }

    fn empty() -> Self {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        Self { directory, extensions: PHONE, subject: None, days: 365 }
    }

    /// Its own certificate.
    pub fn certificate(&self) -> Certificate {
        parsed(&self.openssl("x509 -in ca.pem -outform DER").stdout)
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
        let parsed = text(parsed);
        let attribute = |last: u8| {
            let oid = format!(":2.16.840.1.113733.1.9.{last}");
            let mut lines = parsed.lines().skip_while(|line| !line.ends_with(&oid)).skip(2);
            let value = lines.next().and_then(|line| line.rsplit(':').next());
            value.expect("the request has the attributes of SCEP").trim().to_owned()
        };
        let algorithm = |names: &[&str], text: &str| {
            let found = names.iter().find(|name| text.contains(&format!(":{name}\n")));
            (*found.expect("a known algorithm")).to_owned()
        };
        let envelope = text(self.openssl("asn1parse -inform DER -in envelope.der"));
        let decrypted = self.try_openssl(&format!(
            "cms -decrypt -binary -inform DER -in envelope.der -recip {recipient}.pem \
             -inkey {recipient}.key -out plain.der -provider legacy -provider default"
        ));
        decrypted.status.success().then(|| Message {
            kind: attribute(2),
            transaction: attribute(7),
            nonce: unhex(&attribute(5)),
            signer: String::from_utf8_lossy(&self.read("signer.pem")).into_owned(),
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
        text(self.openssl("req -inform DER -in csr.der -text -noout"))
    }

    /// Issues without asking for possession, as an authority that trusts its registration
    /// authority does.
    pub fn issue(&self, request: &[u8]) -> Certificate {
        self.write("csr.der", request);
        self.write("issue.ext", self.extensions.as_bytes());
        let key = self.openssl("req -inform DER -in csr.der -pubkey -noout");
        self.write("issue.pub", &key.stdout);
        let subject = self.openssl("req -inform DER -in csr.der -subject -nameopt compat -noout");
        let subject = text(subject);
        let subject = subject.trim().trim_start_matches("subject=");
        let (subject, days) = (self.subject.unwrap_or(subject), self.days);
        self.openssl(&format!(
            "x509 -new -subj {subject} -force_pubkey issue.pub -CA ca.pem -CAkey ca.key \
             -days {days} -extfile issue.ext -outform DER -out issued.der"
        ));
        parsed(&self.read("issued.der"))
    }

    /// A bag of certificates in an envelope to whoever signed the request.
    pub fn seal(&self, certificates: &[&[u8]], to: &Message, options: &str) -> Vec<u8> {
        let mut pem = String::new();
        for der in certificates {
            pem += &pki::export::pem(&parsed(der));
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

    /// Runs the command in its directory; it must not fail.
    pub(crate) fn openssl(&self, arguments: &str) -> Output {
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

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.path(name), content).expect("the directory is ours");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("the command has written it")
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// A certificate that OpenSSL made.
pub(crate) fn parsed(der: &[u8]) -> Certificate {
    Certificate::parse(der).expect("OpenSSL makes certificates that can be read")
}

fn text(output: Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("asn1parse prints hex");
    (0..text.len() / 2).map(|pair| digit(2 * pair)).collect()
}
