//! A browser at work: Chromium, driven by WebDriver (W3C) over a connection of our own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use base64ct::{Base64, Encoding};
use serde_json::{Value as Json, json};

use crate::site::PATIENCE;

/// WebDriver's name for an element in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What the driver says of an element whose page has just gone.
const GONE: [&str; 2] = ["stale element", "does not belong to the document"];

/// A browser with its driver; both end with it.
pub struct Chromium {
    driver: Child,
    /// What the driver prints; it would end with nobody to read it.
    _printed: BufReader<ChildStdout>,
    port: u16,
    session: String,
}

/// What pages are shown on.
pub struct Screen {
    /// In file names.
    pub name: &'static str,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Whether it is held in a hand.
    pub mobile: bool,
    /// Whether its owner prefers light on dark.
    pub dark: bool,
}

impl Chromium {
    /// Starts it.
    pub fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is there: `cargo xtask setup`");
        let mut printed = BufReader::new(driver.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(
                printed.read_line(&mut line).unwrap() > 0,
                "chromedriver says where it listens"
            );
            if let Some((_, port)) = line.trim_end().split_once("started successfully on port ") {
                break port.trim_end_matches('.').parse().unwrap();
            }
        };
        let mut browser = Self { driver, _printed: printed, port, session: String::new() };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--lang=en",
            "--window-size=1280,900",
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let begun = browser.call("POST", "/session", &wanted);
        browser.session = format!("/session/{}", begun["sessionId"].as_str().unwrap());
        browser
    }

    /// Shows pages as on another screen.
    pub fn put_on(&self, screen: &Screen) {
        let Screen { width, height, mobile, dark, .. } = screen;
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = if *dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Puts files that are downloaded into a directory.
    pub fn keep_downloads(&self, directory: &Path) {
        let allow = json!({"behavior": "allow", "downloadPath": directory});
        self.devtools("Browser.setDownloadBehavior", &allow);
    }

    /// Runs a script in every page before its own scripts.
    pub fn prepare(&self, script: &str) {
        let source = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &source);
    }

    fn devtools(&self, command: &str, parameters: &Json) {
        let order = json!({"cmd": command, "params": parameters});
        self.of_session("POST", "/goog/cdp/execute", &order);
    }

    fn call(&self, method: &str, path: &str, body: &Json) -> Json {
        self.try_call(method, path, body).unwrap_or_else(|why| panic!("{method} {path}: {why}"))
    }

    /// The driver keeps connections open whatever it is told: an answer ends where its length says.
    fn try_call(&self, method: &str, path: &str, body: &Json) -> Result<Json, String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let body = if method == "POST" { body.to_string() } else { String::new() };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut stream = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            let line = line.trim_end().to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some((_, value)) = line.split_once("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).unwrap();
        let json: Json = serde_json::from_slice(&answer).unwrap();
        match json["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", json["value"]["message"])),
            None => Ok(json["value"].clone()),
        }
    }

    fn of_session(&self, method: &str, path: &str, body: &Json) -> Json {
        self.call(method, &format!("{}{path}", self.session), body)
    }

    /// Opens a page.
    pub fn open(&self, url: &str) {
        self.of_session("POST", "/url", &json!({ "url": url }));
    }

    /// The address of the page.
    pub fn address(&self) -> String {
        self.of_session("GET", "/url", &Json::Null).as_str().unwrap().to_owned()
    }

    /// Runs a script in the page; returns what it returns, or what it promises.
    pub fn run(&self, script: &str) -> Json {
        self.of_session("POST", "/execute/sync", &json!({"script": script, "args": []}))
    }

    /// What the page says.
    pub fn text(&self) -> String {
        self.run("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// What pages complained of since this was asked last.
    pub fn complaints(&self) -> Vec<String> {
        let told = self.of_session("POST", "/se/log", &json!({"type": "browser"}));
        let grave = |entry: &&Json| entry["level"] == "SEVERE" || entry["level"] == "WARNING";
        let told = told.as_array().unwrap().iter().filter(grave);
        told.map(|entry| entry["message"].to_string()).collect()
    }

    /// The element of a CSS selector; waits until there is one.
    fn find(&self, selector: &str) -> String {
        let start = Instant::now();
        let wanted = json!({"using": "css selector", "value": selector});
        loop {
            let found = self.try_call("POST", &format!("{}/element", self.session), &wanted);
            match found {
                Ok(element) => return element[ELEMENT].as_str().unwrap().to_owned(),
                Err(why) => assert!(
                    start.elapsed() < PATIENCE,
                    "{selector} on {}: {why}\n{}",
                    self.address(),
                    self.text()
                ),
            }
        }
    }

    /// Does something to an element; again, if the page it was on has just gone.
    fn to(&self, selector: &str, what: &str, with: &Json) {
        loop {
            let element = self.find(selector);
            let path = format!("{}/element/{element}/{what}", self.session);
            match self.try_call("POST", &path, with) {
                Ok(_) => return,
                Err(why) if GONE.iter().any(|gone| why.contains(gone)) => {}
                Err(why) => panic!("{selector} on {}: {why}", self.address()),
            }
        }
    }

    /// Clicks.
    pub fn click(&self, selector: &str) {
        self.to(selector, "click", &json!({}));
    }

    /// Clicks something that asks, and says yes.
    pub fn click_and_confirm(&self, selector: &str) {
        self.click(selector);
        self.of_session("POST", "/alert/accept", &json!({}));
    }

    /// Types into a field that is empty then.
    pub fn fill(&self, selector: &str, text: &str) {
        self.to(selector, "clear", &json!({}));
        self.to(selector, "value", &json!({ "text": text }));
    }

    /// Chooses a file.
    pub fn give(&self, selector: &str, file: &Path) {
        self.to(selector, "value", &json!({ "text": file }));
    }

    /// Chooses of a list.
    pub fn choose(&self, selector: &str, value: &str) {
        self.click(&format!("{selector} option[value=\"{value}\"]"));
    }

    /// Waits until the page says something.
    pub fn wait_for(&self, text: &str) {
        let start = Instant::now();
        loop {
            // Between two pages there is none to ask.
            let script = json!({"script": "return document.body.innerText", "args": []});
            let shown = self.try_call("POST", &format!("{}/execute/sync", self.session), &script);
            if shown.as_ref().is_ok_and(|it| it.as_str().is_some_and(|it| it.contains(text))) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "{text:?} on {}: {shown:?}", self.address());
        }
    }

    /// Keeps a picture of the page.
    pub fn keep(&self, file: &Path) {
        let picture = self.of_session("GET", "/screenshot", &Json::Null);
        let bytes = Base64::decode_vec(picture.as_str().unwrap()).unwrap();
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // The browser outlives its driver if it is not told to end.
            let _ = self.try_call("DELETE", &self.session, &Json::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
