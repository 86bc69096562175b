//! No partition of AWS is written out in what is shipped: GovCloud, China and the sovereign ones have ARNs and hosts of
//! their own, which `berth_tenancy::Partition` knows.

use crate::source::{File, files, none};

/// What a value of one partition, or of one Region, looks like in code.
const LITERAL: [&str; 6] =
    ["arn:aws:", "arn:aws-", "}.amazonaws.com", "console.aws.amazon.com", "\"us-east-1\"", "\"aws-us-gov\""];

/// Before an ARN that shows people how one is written.
const EXAMPLES: [&str; 3] = ["like arn:aws:", " or arn:aws:", "`arn:aws:"];

/// What AWS itself gives one Region: the domain of its default DHCP options.
const OF_ONE_REGION: [&str; 1] = ["functions/remove-default-vpcs/observe/untouched.rs"];

/// Whether people run it: not a test, an example or a benchmark.
fn is_shipped(file: &File) -> bool {
    let tops = ["functions/", "crates/", "cli/src/", "operator/src/"];
    let for_tests = ["/fuzz/", "crates/berth-kube-testing/", "crates/berth-recorded/"];
    let is_named = |parts: &[&str]| parts.iter().any(|part| file.path.contains(part));
    let is_data = file.path.ends_with("berth-tenancy/src/partition.rs");
    file.is(".rs")
        && tops.iter().any(|top| file.path.starts_with(top))
        && !file.is_test()
        && !is_named(&for_tests)
        && !OF_ONE_REGION.contains(&file.path.as_str())
        && !is_data
}

/// Lines of its code that name a partition; tests within the file and comments may.
fn literals(file: &File) -> Vec<String> {
    let code = file.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let found = lines.filter(|(_, line)| {
        let without = EXAMPLES.iter().fold((*line).to_owned(), |line, example| line.replace(example, ""));
        LITERAL.iter().any(|literal| without.contains(literal))
    });
    found.map(|(at, line)| file.finding(at + 1, line.trim())).collect()
}

#[test]
fn no_partition_or_region_is_written_out_in_what_is_shipped() {
    let files = files();
    let shipped: Vec<&File> = files.iter().filter(|file| is_shipped(file)).collect();
    assert!(shipped.len() > 200, "{}", shipped.len());
    let found: Vec<String> = shipped.into_iter().flat_map(literals).collect();
    none(&found, "take it from berth_tenancy::Partition, or from the Region");
}

#[test]
fn a_partition_in_code_is_found_and_one_in_words_is_not() {
    let text = "// arn:aws:iam\nlet a = format!(\"arn:aws:iam::{account}:root\");\nlet hint = \"write it like arn:aws:s3:::b\";\n\
                let host = format!(\"sts.{region}.amazonaws.com\");\n#[cfg(test)]\nmod tests { const A: &str = \"arn:aws:x\"; }\n";
    let found = literals(&File::new("crates/x/src/lib.rs", text));
    let lines: Vec<&str> = found.iter().filter_map(|line| line.split(':').nth(1)).collect();
    assert_eq!(lines, ["2", "4"], "{found:?}");
}
