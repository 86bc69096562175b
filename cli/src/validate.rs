//! `berth validate`: checks a platform.yaml.

use berth_config::PlatformConfig;
use berth_tenancy::EnvironmentName;
use serde_json::json;

use crate::{
    args::ValidateArgs,
    input,
    outcome::{Exit, Problem},
    paint,
};

/// Checks one file. Exit 2 when anything is wrong, and everything that is wrong is said at once.
pub(crate) fn run(args: &ValidateArgs) -> Result<Exit, Problem> {
    let bytes = input::read(&args.file)?;
    let name = args.file.display();
    let text = String::from_utf8(bytes)
        .map_err(|error| Problem::bad_input(format!("{name} is not UTF-8 text: {error}"), "save it as UTF-8"))?;
    match PlatformConfig::parse(&text) {
        Ok(platform) => {
            if args.json {
                anstream::println!("{}", json!({ "valid": true, "errors": [] }));
            } else {
                let environments: Vec<&str> = platform.environments.keys().map(EnvironmentName::as_str).collect();
                anstream::println!("{}: {name}: environments {}", paint::good("valid"), environments.join(", "));
            }
            Ok(Exit::Done)
        }
        Err(errors) => {
            if args.json {
                anstream::println!("{}", json!({ "valid": false, "errors": errors }));
            } else {
                for error in errors.as_slice() {
                    anstream::eprintln!("{name}: {}", error);
                }
                let count = errors.as_slice().len();
                anstream::eprintln!("{}: {count} to correct", paint::bad("invalid"));
            }
            Ok(Exit::BadInput)
        }
    }
}
