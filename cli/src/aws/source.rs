//! Where credentials come from, read from profiles and environment as the SDK reads them: for messages and for what the
//! SDK does not do itself.

use aws_config::profile::{Profile, ProfileSet};
use aws_types::os_shim_internal::Env;

/// Where the credentials of a command come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// What is signed in with.
    pub(crate) base: Base,
    /// Roles that are taken with that, the first one first.
    pub(crate) roles: Vec<String>,
    /// The profile, when one was named or is the default.
    pub(crate) profile: String,
    /// Whether keys in the environment are left out, because a profile was named on the command line.
    pub(crate) leaves_keys_out: bool,
}

/// What is signed in with: the last link of a chain of profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Base {
    /// `AWS_ACCESS_KEY_ID` and what belongs to it.
    Environment,
    /// Keys in a file.
    Keys { profile: String },
    /// IAM Identity Center.
    IdentityCenter { profile: String, session: Option<String> },
    /// `credential_process`.
    Process { profile: String },
    /// `aws login`.
    Login { profile: String },
    /// A token of a pipeline or a pod, named by the environment or by a profile.
    WebIdentity { file: String },
    /// The agent of a container.
    Container,
    /// The metadata service of an instance, which is asked when nothing else is set.
    Metadata,
    /// A profile that is in no file.
    NoProfile { profile: String },
    /// A profile that says nothing about credentials.
    Nothing { profile: String },
}

/// Profiles in a chain, at most: more is a circle, which the SDK refuses by itself.
const CHAIN_MAX: usize = 16;

impl Source {
    /// Reads where credentials come from. `named` is the profile of the command line.
    pub(crate) fn of(profiles: &ProfileSet, env: &Env, named: Option<&str>) -> Self {
        let is_set = |name: &str| env.get(name).is_ok_and(|value| !value.is_empty());
        let (profile, has_keys) = (profiles.selected_profile().to_owned(), is_set("AWS_ACCESS_KEY_ID"));
        let source = |base, roles| Self { base, roles, profile: profile.clone(), leaves_keys_out: false };
        if named.is_none() && has_keys {
            return source(Base::Environment, Vec::new());
        }
        let mut roles = Vec::new();
        let mut base = of_profile(profiles, &profile, &mut roles);
        let chosen = named.is_some() || is_set("AWS_PROFILE");
        if !chosen && matches!(base, Base::NoProfile { .. } | Base::Nothing { .. }) {
            base = without_profile(env, is_set);
        }
        roles.reverse();
        Self { leaves_keys_out: has_keys, ..source(base, roles) }
    }

    /// In words, for a person.
    pub(crate) fn described(&self) -> String {
        let base = match &self.base {
            Base::Environment => "the keys in the environment (AWS_ACCESS_KEY_ID)".to_owned(),
            Base::Keys { profile } => format!("the keys of profile {profile}"),
            Base::IdentityCenter { profile, session: Some(session) } => {
                format!("IAM Identity Center, by the session {session} of profile {profile}")
            }
            Base::IdentityCenter { profile, session: None } => format!("IAM Identity Center, by profile {profile}"),
            Base::Process { profile } => format!("the credential_process of profile {profile}"),
            Base::Login { profile } => format!("aws login, by profile {profile}"),
            Base::WebIdentity { file } => format!("the web identity token in {file}"),
            Base::Container => "the container's credentials".to_owned(),
            Base::Metadata => "the instance's metadata service".to_owned(),
            Base::NoProfile { profile } => format!("profile {profile}, which does not exist"),
            Base::Nothing { profile } => format!("profile {profile}, which has none"),
        };
        self.roles.iter().fold(base, |text, role| format!("{text}, then {role}"))
    }

    /// What a person types, or does, when it gives no credentials.
    pub(crate) fn remedy(&self) -> String {
        match &self.base {
            Base::Environment => "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew".to_owned(),
            Base::IdentityCenter { session: Some(session), .. } => format!("aws sso login --sso-session {session}"),
            Base::IdentityCenter { profile, session: None } => format!("aws sso login --profile {profile}"),
            Base::Login { profile } => format!("aws login --profile {profile}"),
            Base::Process { profile } => {
                format!("run the credential_process of profile {profile} by hand, and see what it says")
            }
            Base::Keys { profile } => format!("renew the keys of profile {profile}: aws configure --profile {profile}"),
            Base::WebIdentity { file } => format!("see that {file} holds a token that has not expired"),
            Base::Container => "see that the task or pod has a role".to_owned(),
            Base::Metadata | Base::NoProfile { .. } | Base::Nothing { .. } => {
                "name a profile, with --profile or AWS_PROFILE; aws configure sso makes one, and aws sso login signs in"
                    .to_owned()
            }
        }
    }
}

/// What the SDK asks, one after the other, when no profile says anything.
fn without_profile(env: &Env, is_set: impl Fn(&str) -> bool) -> Base {
    if let Ok(file) = env.get("AWS_WEB_IDENTITY_TOKEN_FILE") {
        return Base::WebIdentity { file };
    }
    let container = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    if container.into_iter().any(is_set) { Base::Container } else { Base::Metadata }
}

/// The base of a profile, and on the way the roles that are taken, the last one first.
fn of_profile(profiles: &ProfileSet, first: &str, roles: &mut Vec<String>) -> Base {
    let mut name = first;
    for links in 0..CHAIN_MAX {
        let Some(profile) = profiles.get_profile(name) else { return Base::NoProfile { profile: name.to_owned() } };
        let has_keys = profile.get("aws_access_key_id").is_some();
        if links > 0 && has_keys {
            break;
        }
        let role = profile.get("role_arn").filter(|_| profile.get("web_identity_token_file").is_none());
        let Some(role) = role else { break };
        roles.push(role.to_owned());
        match profile.get("source_profile") {
            Some(source) if source != name => name = source,
            _ => break,
        }
    }
    profiles.get_profile(name).map_or_else(|| Base::NoProfile { profile: name.to_owned() }, |it| base(it, name))
}

fn base(profile: &Profile, name: &str) -> Base {
    let name = name.to_owned();
    if let Some(source) = profile.get("credential_source") {
        return match source.to_ascii_lowercase().as_str() {
            "environment" => Base::Environment,
            "ecscontainer" => Base::Container,
            _ => Base::Metadata,
        };
    }
    if let Some(file) = profile.get("web_identity_token_file") {
        return Base::WebIdentity { file: file.to_owned() };
    }
    let session = profile.get("sso_session").map(str::to_owned);
    if session.is_some() || profile.get("sso_start_url").is_some() {
        Base::IdentityCenter { profile: name, session }
    } else if profile.get("login_session").is_some() {
        Base::Login { profile: name }
    } else if profile.get("credential_process").is_some() {
        Base::Process { profile: name }
    } else if profile.get("aws_access_key_id").is_some() {
        Base::Keys { profile: name }
    } else {
        Base::Nothing { profile: name }
    }
}

#[cfg(test)]
mod tests {
    use aws_config::profile::load;
    use aws_types::os_shim_internal::Fs;

    use super::*;

    const FILE: &str = "\
[profile sso]
sso_session = corp
sso_account_id = 210987654321
sso_role_name = PlatformAdmin
[sso-session corp]
sso_region = us-east-1
sso_start_url = https://corp.awsapps.com/start
[profile granted]
credential_process = granted credential-process --profile dev
[profile console]
login_session = arn:aws:iam::210987654321:user/mia
[profile hub]
role_arn = arn:aws:iam::210987654321:role/Platform
source_profile = jump
[profile jump]
role_arn = arn:aws:iam::999988887777:role/Jump
source_profile = sso
[profile instance]
role_arn = arn:aws:iam::210987654321:role/Platform
credential_source = Ec2InstanceMetadata
[profile one]
role_arn = arn:aws:iam::210987654321:role/One
source_profile = other
[profile other]
role_arn = arn:aws:iam::210987654321:role/Other
source_profile = one
[profile empty]
region = eu-west-1
";

    #[expect(clippy::default_trait_access, reason = "the name that aws-config has for the type is deprecated")]
    async fn source(variables: &[(&str, &str)], named: Option<&str>) -> Source {
        let env = Env::from_slice(&[variables, &[("HOME", "/home/mia")]].concat());
        let files = Fs::from_slice(&[("/home/mia/.aws/config", FILE)]);
        let profiles = load(&files, &env, &Default::default(), named.map(|name| name.to_owned().into())).await;
        Source::of(&profiles.unwrap(), &env, named)
    }

    #[tokio::test]
    async fn each_kind_of_profile_is_known_with_what_to_type() {
        for (profile, remedy) in [
            ("sso", "aws sso login --sso-session corp"),
            ("console", "aws login --profile console"),
            ("granted", "run the credential_process of profile granted by hand"),
            ("empty", "name a profile"),
        ] {
            let source = source(&[], Some(profile)).await;
            assert!(source.remedy().starts_with(remedy), "{profile}: {}", source.remedy());
            assert!(source.described().contains(&format!("profile {profile}")), "{}", source.described());
        }
        assert_eq!(source(&[], Some("nowhere")).await.base, Base::NoProfile { profile: "nowhere".to_owned() });
        assert_eq!(source(&[], Some("instance")).await.base, Base::Metadata);
    }

    #[tokio::test]
    async fn roles_are_told_in_the_order_in_which_they_are_taken() {
        let source = source(&[], Some("hub")).await;
        assert_eq!(source.base, Base::IdentityCenter { profile: "sso".to_owned(), session: Some("corp".to_owned()) });
        let roles = ["arn:aws:iam::999988887777:role/Jump", "arn:aws:iam::210987654321:role/Platform"];
        assert_eq!(source.roles, roles);
    }

    #[tokio::test]
    async fn keys_in_the_environment_come_first_unless_a_profile_is_named() {
        let keys = ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
        assert_eq!(source(&[keys, ("AWS_PROFILE", "sso")], None).await.base, Base::Environment);
        let named = source(&[keys], Some("sso")).await;
        assert!(named.leaves_keys_out && matches!(named.base, Base::IdentityCenter { .. }), "{named:?}");
        assert!(!source(&[("AWS_PROFILE", "sso")], None).await.leaves_keys_out);
    }

    #[tokio::test]
    async fn without_a_profile_the_machine_is_asked() {
        let token = ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token");
        assert_eq!(source(&[token], None).await.base, Base::WebIdentity { file: "/var/run/token".to_owned() });
        let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
        assert_eq!(source(&[uri], None).await.base, Base::Container);
        assert_eq!(source(&[], None).await.base, Base::Metadata);
        let gone = source(&[("AWS_PROFILE", "nowhere")], None).await;
        assert_eq!(gone.base, Base::NoProfile { profile: "nowhere".to_owned() });
    }

    #[tokio::test]
    async fn profiles_that_name_each_other_in_a_circle_end() {
        assert_eq!(source(&[], Some("one")).await.roles.len(), CHAIN_MAX);
    }
}
