//! A headless Chromium, spoken to by its DevTools protocol.

use std::{
    collections::VecDeque,
    env,
    io::{BufRead, BufReader},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket, stream::MaybeTlsStream};

/// Where Chromium is, if it is anywhere: `CHROMIUM`, or a name in the `PATH`.
pub fn find() -> Option<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM") {
        return Some(path.into());
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let places = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.into_iter().find(|path| path.is_file())
}

/// A page in a browser of its own, which ends with it.
pub struct Tab {
    child: Child,
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    session: String,
    next: u64,
    /// What the page has done since it was opened: protocol events.
    pub events: VecDeque<Value>,
    _profile: TempDir,
}

impl Tab {
    /// Starts the browser with a page of this size.
    pub fn start(chromium: &Path, width: u32, height: u32) -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let mut child = Command::new(chromium)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--hide-scrollbars",
            ])
            .args([
                "--remote-debugging-port=0",
                "--remote-allow-origins=*",
                "about:blank",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("Chromium starts");
        let mut said = BufReader::new(child.stderr.take().expect("its stderr")).lines();
        let address = said.by_ref().map_while(Result::ok).find_map(|line| {
            line.strip_prefix("DevTools listening on ")
                .map(str::to_owned)
        });
        // What it says later would block it if nobody read.
        std::thread::spawn(move || said.for_each(drop));
        let (socket, _) = tungstenite::connect(address.expect("an address")).expect("a connection");
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream
                .set_read_timeout(Some(Duration::from_secs(60)))
                .expect("a limit");
        }
        let mut tab = Self {
            child,
            socket,
            session: String::new(),
            next: 0,
            events: VecDeque::new(),
            _profile: profile,
        };
        let target = tab.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = tab.call(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        let session = attached["sessionId"].as_str();
        tab.session.push_str(session.expect("a session"));
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), json!({}));
        }
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        tab.call("Emulation.setDeviceMetricsOverride", size);
        tab
    }

    /// Opens a report and waits until it is drawn.
    pub fn open(&mut self, report: &Path) {
        self.events.clear();
        self.call(
            "Page.navigate",
            json!({"url": format!("file://{}", report.display())}),
        );
        let started = Instant::now();
        while self.evaluate("document.documentElement?.dataset.ready || ''") != "true" {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the report is not drawn: {:?}",
                self.problems()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The value of an expression, or that of its promise.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let arguments =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", arguments);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// A press and release of the mouse at a place of the window.
    pub fn click(&mut self, x: f64, y: f64) {
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Errors, refused requests, and requests that leave the page.
    pub fn problems(&self) -> Vec<String> {
        let problem = |event: &Value| {
            let parameters = &event["params"];
            let is_problem = match event["method"].as_str().unwrap_or_default() {
                "Runtime.exceptionThrown" => true,
                "Log.entryAdded" => parameters["entry"]["level"] == "error",
                "Runtime.consoleAPICalled" => {
                    parameters["type"] == "error" || parameters["type"] == "warning"
                }
                "Network.requestWillBeSent" => {
                    let url = parameters["request"]["url"].as_str().unwrap_or_default();
                    !["file:", "data:", "blob:"]
                        .iter()
                        .any(|own| url.starts_with(own))
                }
                _ => false,
            };
            is_problem.then(|| event.to_string())
        };
        self.events.iter().filter_map(problem).collect()
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        self.socket
            .send(Message::text(message.to_string()))
            .expect("sent");
        loop {
            let Message::Text(text) = self.socket.read().expect("an answer") else {
                continue;
            };
            let heard: Value = serde_json::from_str(&text).expect("JSON");
            if heard["id"] == id {
                assert!(heard.get("error").is_none(), "{method}: {heard}");
                return heard["result"].clone();
            }
            self.events.push_back(heard);
        }
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
