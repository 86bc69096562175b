//! Names that AWS has published, as far as this version of Berth knows them: what is none of them is most likely a typo.

/// Most edits by which a name may differ from the one that was meant.
const EDITS_MAX: usize = 4;

/// One list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// Regions of every partition.
    Regions,
    /// Managed policies of the partition `aws`: path and name.
    ManagedPolicies,
    /// Managed rules of AWS Config.
    ConfigRules,
    /// Types of resources that AWS Config records.
    ConfigResourceTypes,
    /// Time zones of IANA.
    TimeZones,
}

impl Published {
    fn text(self) -> &'static str {
        match self {
            Self::Regions => include_str!("published/regions.txt"),
            Self::ManagedPolicies => include_str!("published/managed-policies.txt"),
            Self::ConfigRules => include_str!("published/config-rules.txt"),
            Self::ConfigResourceTypes => include_str!("published/config-resource-types.txt"),
            Self::TimeZones => include_str!("published/time-zones.txt"),
        }
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        self.text().lines().filter(|line| !line.starts_with('#'))
    }

    /// Whether the name is on the list.
    pub(crate) fn has(self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The name on the list that was most likely meant; none when none is near.
    fn nearest(self, name: &str) -> Option<&'static str> {
        let near = |known: &&str| known.len().abs_diff(name.len()) <= EDITS_MAX;
        let found = self.names().filter(near).map(|known| (strsim::osa_distance(known, name), known)).min();
        found.filter(|(edits, known)| *edits <= EDITS_MAX.min(known.len() / 4)).map(|(_, known)| known)
    }

    /// What to do about a name that is not on the list: the one that was most likely meant, and the field of `unlisted`
    /// for one that AWS has published since.
    pub(crate) fn hint(self, name: &str) -> String {
        let field = match self {
            Self::Regions => "regions",
            Self::ManagedPolicies => "managedPolicies",
            Self::ConfigRules => "configRules",
            Self::ConfigResourceTypes => "configResourceTypes",
            Self::TimeZones => "timeZones",
        };
        let meant = self.nearest(name).map(|known| format!("did you mean {known}? "));
        let start = meant.unwrap_or_else(|| "correct it. ".to_owned());
        format!("{start}If AWS has it and this version of Berth does not know it yet, list it in unlisted.{field}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_typo_is_told_what_was_meant() {
        for (list, typo, meant) in [
            (Published::Regions, "eu-wset-1", Some("eu-west-1")),
            (Published::Regions, "mars-north-1", None),
            (Published::ManagedPolicies, "/ReadOnlyAcces", Some("/ReadOnlyAccess")),
            (Published::ManagedPolicies, "/AWSLambdaBasicExecutionRole", None),
            (Published::ConfigRules, "ENCRYPTED_VOLUME", Some("ENCRYPTED_VOLUMES")),
            (Published::ConfigResourceTypes, "AWS::S3::Buckett", Some("AWS::S3::Bucket")),
            (Published::ConfigResourceTypes, "AWS::EC2::Volumes", Some("AWS::EC2::Volume")),
            (Published::TimeZones, "Europe/Berlon", Some("Europe/Berlin")),
        ] {
            assert!(!list.has(typo), "{typo}");
            assert_eq!(list.nearest(typo), meant, "{typo}");
            if let Some(meant) = meant {
                assert!(list.has(meant) && list.hint(typo).contains(meant), "{}", list.hint(typo));
            }
        }
    }

    #[test]
    fn every_list_has_names_and_each_name_once() {
        let policies = [Published::Regions, Published::ManagedPolicies];
        for list in
            policies.into_iter().chain([Published::ConfigRules, Published::ConfigResourceTypes, Published::TimeZones])
        {
            let names: Vec<&str> = list.names().collect();
            let mut sorted = names.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(names, sorted, "{list:?}");
            assert!(names.len() > 40, "{list:?}");
        }
    }
}
