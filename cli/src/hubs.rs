//! Named hubs of `~/.config/berth/config.toml`, and where each setting of a command comes from.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use berth_tenancy::Region;
use serde::{Deserialize, Serialize};

use crate::{args::Target, outcome::Problem};

/// The stack of a hub whose name nobody changed (`deploy/parameters.example.yaml`).
pub(crate) const STACK: &str = "berth";

/// The ledger's table, which every hub has under this name (`infra/hub.yaml`).
pub(crate) const LEDGER_TABLE: &str = "berth-ledger";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The hub that is meant when nobody names one.
    default: Option<String>,
    #[serde(default)]
    hubs: BTreeMap<String, Hub>,
}

/// What is known of one hub. What is left out is found out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Hub {
    profile: Option<String>,
    region: Option<Region>,
    stack: Option<String>,
    state_machine_arn: Option<String>,
    ledger_table: Option<String>,
}

/// Where a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    /// In words: `--profile`, `AWS_REGION`, `hub prod in /home/mia/.config/berth/config.toml`.
    pub(crate) from: String,
}

impl<T> Setting<T> {
    pub(crate) fn new(value: T, from: impl Into<String>) -> Self {
        Self { value, from: from.into() }
    }
}

/// All that a command is told about its hub, each with where it comes from. What nobody says, AWS's own files do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Told {
    pub(crate) hub: Option<Setting<String>>,
    pub(crate) profile: Option<Setting<String>>,
    pub(crate) region: Option<Setting<String>>,
    pub(crate) stack: Setting<String>,
    pub(crate) state_machine_arn: Option<Setting<String>>,
    pub(crate) ledger_table: Setting<String>,
}

impl Told {
    /// Reads the file and the environment. A hub that is named beats the environment; the default one does not.
    pub(crate) fn read(target: &Target) -> Result<Self, Problem> {
        let set = |name: &str| env::var_os(name).and_then(|value| value.into_string().ok());
        let variable = |name: &str| set(name).filter(|value| !value.is_empty());
        let path = path(variable);
        let file = path.as_deref().map(read).transpose()?.unwrap_or_default();
        let shown = path.map(|path| path.display().to_string()).unwrap_or_default();
        Self::of(target, &file, &shown, variable)
    }

    fn of(
        target: &Target,
        file: &File,
        path: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Problem> {
        let named = target.hub.clone().map(|hub| Setting::new(hub, "--hub"));
        let named = named.or_else(|| variable("BERTH_HUB").map(|hub| Setting::new(hub, "BERTH_HUB")));
        let is_named = named.is_some();
        let chosen = named.or_else(|| file.default.clone().map(|hub| Setting::new(hub, format!("default in {path}"))));
        let hub = chosen.as_ref().map(|chosen| hub(&chosen.value, file, path)).transpose()?.unwrap_or_default();
        let from = chosen.as_ref().map(|chosen| format!("hub {} in {path}", chosen.value)).unwrap_or_default();
        // In a profile or a region that is set in the environment, the default hub is not.
        let in_environment = |names: &[&str]| names.iter().find_map(|name| Some(Setting::new(variable(name)?, *name)));
        let pick = |flag: Option<(String, &str)>, names: &[&str], of_hub: Option<String>| {
            let flag = flag.map(|(value, name)| Setting::new(value, name));
            let of_hub = of_hub.map(|value| Setting::new(value, from.clone()));
            let environment = in_environment(names);
            flag.or_else(|| if is_named { of_hub.or(environment) } else { environment.or(of_hub) })
        };
        let flag = |value: &Option<String>, name| value.clone().map(|value| (value, name));
        let region = target.region.as_ref().map(ToString::to_string);
        let has_keys = !is_named && variable("AWS_ACCESS_KEY_ID").is_some();
        let of_hub = hub.profile.filter(|_| !has_keys);
        Ok(Self {
            profile: pick(flag(&target.profile, "--profile"), &["AWS_PROFILE"], of_hub),
            region: pick(
                flag(&region, "--region"),
                &["AWS_REGION", "AWS_DEFAULT_REGION"],
                hub.region.map(|it| it.to_string()),
            ),
            stack: pick(None, &["BERTH_STACK"], hub.stack)
                .unwrap_or_else(|| Setting::new(STACK.to_owned(), "the name in every installation")),
            state_machine_arn: pick(None, &["BERTH_STATE_MACHINE_ARN"], hub.state_machine_arn),
            ledger_table: pick(None, &["BERTH_LEDGER_TABLE"], hub.ledger_table)
                .unwrap_or_else(|| Setting::new(LEDGER_TABLE.to_owned(), "the name in every hub")),
            hub: chosen,
        })
    }

    /// Whether a hub was named for this command, and not just as the one that is meant otherwise.
    pub(crate) fn names_a_hub(&self) -> bool {
        self.hub.as_ref().is_some_and(|hub| !hub.from.starts_with("default"))
    }

    /// The profile that beats keys in the environment: one of the command line or of a hub.
    pub(crate) fn named_profile(&self) -> Option<&str> {
        self.profile.as_ref().filter(|profile| profile.from != "AWS_PROFILE").map(|profile| profile.value.as_str())
    }
}

/// `$XDG_CONFIG_HOME/berth/config.toml`, else below `~/.config`. [XDG Base Directory Specification]
fn path(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    // A relative path is to be ignored, says the specification.
    let folder = variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")))?;
    Some(folder.join("berth/config.toml"))
}

/// A file that is not there names no hub.
fn read(path: &Path) -> Result<File, Problem> {
    let shown = path.display();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(File::default()),
        Err(error) => return Err(Problem::bad_input(format!("{shown}: {error}"), "make it readable, or remove it")),
    };
    toml::from_str(&text).map_err(|error| {
        let what = format!("{shown}: {}", error.to_string().trim_end());
        Problem::bad_input(what, "a hub is a table [hubs.NAME] with profile, region and stack (docs/cli.md)")
    })
}

fn hub(name: &str, file: &File, path: &str) -> Result<Hub, Problem> {
    file.hubs.get(name).cloned().ok_or_else(|| {
        let known: Vec<&str> = file.hubs.keys().map(String::as_str).collect();
        let hint = if known.is_empty() {
            format!("write a table [hubs.{name}] into it, with profile and region")
        } else {
            format!("name one of {}", known.join(", "))
        };
        Problem::bad_input(format!("{path} has no hub {name}"), hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Which;

    const FILE: &str = "default = \"prod\"\n\
                        [hubs.prod]\nprofile = \"hub\"\nregion = \"eu-west-1\"\n\
                        [hubs.dev]\nprofile = \"hub-dev\"\nregion = \"us-east-1\"\nstack = \"berth-dev\"\n";

    fn told(hub: Option<&str>, variables: &[(&str, &str)]) -> Result<Told, Problem> {
        let target = Target { which: Which::Auto, profile: None, region: None, hub: hub.map(str::to_owned) };
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Told::of(&target, &toml::from_str(FILE).unwrap(), "config.toml", variable)
    }

    fn shown(setting: Option<&Setting<String>>) -> Option<(&str, &str)> {
        setting.map(|setting| (setting.value.as_str(), setting.from.as_str()))
    }

    #[test]
    fn the_default_hub_gives_way_to_the_environment_and_a_named_one_does_not() {
        let environment = [("AWS_PROFILE", "mine"), ("AWS_REGION", "eu-north-1")];
        let default = told(None, &environment).unwrap();
        assert_eq!(shown(default.profile.as_ref()), Some(("mine", "AWS_PROFILE")));
        assert_eq!(shown(default.region.as_ref()), Some(("eu-north-1", "AWS_REGION")));
        assert_eq!((default.named_profile(), default.names_a_hub()), (None, false));
        let named = told(Some("dev"), &environment).unwrap();
        assert_eq!(shown(named.profile.as_ref()), Some(("hub-dev", "hub dev in config.toml")));
        assert_eq!(shown(named.region.as_ref()), Some(("us-east-1", "hub dev in config.toml")));
        assert_eq!((named.stack.value.as_str(), named.named_profile()), ("berth-dev", Some("hub-dev")));
        let alone = told(None, &[]).unwrap();
        assert_eq!(shown(alone.profile.as_ref()), Some(("hub", "hub prod in config.toml")));
        assert_eq!(alone.stack.value, "berth");
    }

    #[test]
    fn keys_in_the_environment_are_not_mixed_with_the_default_hub() {
        let keys = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")];
        assert_eq!(told(None, &keys).unwrap().profile, None);
        assert_eq!(told(Some("prod"), &keys).unwrap().named_profile(), Some("hub"));
    }

    #[test]
    fn a_hub_that_is_not_in_the_file_is_refused_with_those_that_are() {
        let error = told(Some("stage"), &[]).unwrap_err();
        assert_eq!(error.to_string(), "config.toml has no hub stage");
        assert_eq!(error.hint, "name one of dev, prod");
        assert!(told(None, &[("BERTH_HUB", "stage")]).is_err());
    }

    #[test]
    fn the_file_is_where_xdg_says() {
        let at = |variables: &'static [(&str, &str)]| {
            path(|name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(at(&[]), None);
        assert_eq!(at(&[("HOME", "/home/mia")]), Some("/home/mia/.config/berth/config.toml".into()));
        assert_eq!(at(&[("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")]), Some("/x/berth/config.toml".into()));
        assert_eq!(at(&[("XDG_CONFIG_HOME", "x"), ("HOME", "/h")]), Some("/h/.config/berth/config.toml".into()));
    }
}
