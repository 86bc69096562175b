//! Where the programs of a server come from.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

use crate::ServerError;

/// What to do where there is no server.
pub(crate) const HINT: &str = "set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver 1.30 or newer \
    (setup-envtest use -p path), or run make kubernetes";

/// How the servers are built from Debian's packages.
const RECIPE: &str = include_str!("../build.sh");

/// Who made the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `KUBEBUILDER_ASSETS`: one `kube-apiserver` of 1.30 or newer for everything.
    Assets,
    /// Debian's packages: `kube-apiserver` 1.20.2 for core objects, and a server of 1.36.4 for custom resources.
    Debian,
}

/// The programs of a server.
#[derive(Debug, Clone)]
pub struct Programs {
    /// Who made them.
    pub source: Source,
    /// The folder that they are in.
    pub folder: PathBuf,
}

impl Programs {
    /// The programs of this machine, unpacked if need be; none when it has none.
    ///
    /// # Errors
    /// When packed ones cannot be unpacked, or `KUBEBUILDER_ASSETS` leads to a folder without them.
    pub fn find() -> Result<Option<Self>, ServerError> {
        if let Some(folder) = env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()) {
            let folder = PathBuf::from(folder);
            for program in ["etcd", "kube-apiserver"] {
                fs::metadata(folder.join(program)).map_err(|source| ServerError::Io {
                    what: format!("KUBEBUILDER_ASSETS is {}, which has no {program}", folder.display()),
                    source,
                })?;
            }
            return Ok(Some(Self { source: Source::Assets, folder }));
        }
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let packed = checkout.join("../shared/kubernetes");
        if packed.join("crd-apiserver.xz").exists() {
            let folder = checkout.join("target/kubernetes/programs");
            unpack(&packed, &folder)?;
            return Ok(Some(Self { source: Source::Debian, folder }));
        }
        let built = cache().filter(|folder| folder.join("crd-apiserver").exists());
        Ok(built.map(|folder| Self { source: Source::Debian, folder }))
    }

    /// Path of one program.
    pub(crate) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    pub(crate) fn has(&self, program: &str) -> bool {
        self.path(program).exists()
    }
}

/// Where `make kubernetes` puts its programs: outside of the checkout, by what they were built from.
fn cache() -> Option<PathBuf> {
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME").filter(|cache| !cache.is_empty()).map(PathBuf::from).or_else(home)?;
    let digest = Sha256::digest(RECIPE.as_bytes());
    let hash = digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    Some(cache.join("berth/kubernetes").join(hash))
}

/// Unpacks what is not unpacked yet, or older than its packed file. Processes that do so at once do not meet.
fn unpack(packed: &Path, folder: &Path) -> Result<(), ServerError> {
    let failed = |what: &Path| {
        let what = format!("{} cannot be unpacked", what.display());
        move |source| ServerError::Io { what, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    for program in ["etcd", "crd-apiserver", "kube-apiserver", "kube-controller-manager"] {
        let (from, to) = (packed.join(format!("{program}.xz")), folder.join(program));
        let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
        let made = modified(&from).map_err(failed(&from))?;
        if modified(&to).is_ok_and(|unpacked| unpacked >= made) {
            continue;
        }
        let part = tempfile::NamedTempFile::new_in(folder).map_err(failed(&to))?;
        let output = part.as_file().try_clone().map_err(failed(&to))?;
        let status = Command::new("xz").arg("-dc").arg(&from).stdout(output).status().map_err(failed(&from))?;
        if !status.success() {
            return Err(failed(&from)(std::io::Error::other(format!("xz: {status}"))));
        }
        executable(part.path()).map_err(failed(&to))?;
        // Closed before it is run: a program that is open for writing is busy.
        part.into_temp_path().persist(&to).map_err(|error| failed(&to)(error.error))?;
    }
    Ok(())
}

fn executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}
