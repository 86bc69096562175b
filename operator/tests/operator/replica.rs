//! The operator's own binary, as a process of a test.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use serde_json::{Value, json};

/// One running operator; it is killed with its value.
pub(crate) struct Replica {
    child: Mutex<Child>,
    folder: PathBuf,
}

impl Replica {
    /// Starts an operator of this name that talks to the proxy at `address`.
    pub(crate) fn start(name: &str, address: SocketAddr, settings: &Value) -> Self {
        let folder = std::env::temp_dir().join(format!("berth-operator-{}-{}", std::process::id(), address.port()));
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{ "name": "test", "cluster": { "server": format!("http://{address}") } }],
            "users": [{ "name": "test", "user": {} }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
        });
        std::fs::write(folder.join("kubeconfig"), kubeconfig.to_string()).unwrap();
        std::fs::write(folder.join("settings"), settings.to_string()).unwrap();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_berth-operator"))
            .args(["--replica", name, "--listen", "127.0.0.1:0", "--namespace", "default", "--scan-seconds", "1"])
            .arg("--settings")
            .arg(folder.join("settings"))
            .env("KUBECONFIG", folder.join("kubeconfig"))
            .stdout(Stdio::from(log))
            .spawn()
            .unwrap();
        Self { child: Mutex::new(child), folder }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.child.lock().unwrap().try_wait().unwrap().is_some()
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The lines of its log.
    pub(crate) fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.join("log")).unwrap();
        // What has no end yet is being written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    /// The address of its probes and metrics.
    pub(crate) fn listens(&self) -> Option<String> {
        self.log().iter().find_map(|line| Some(line.get("listen")?.as_str()?.to_owned()))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
