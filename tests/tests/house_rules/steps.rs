//! Every step has the same files, each with the same subject: who has read one has read all (docs/adding-a-step.md).

use std::collections::BTreeMap;

use crate::source::{File, files, none};

/// What lies in the folder of a step, and what each file must hold; the order is that of its parts.
const CHAPTERS: [(&str, &[&str]); 10] = [
    ("Cargo.toml", &["[lib]", "[[bin]]"]),
    ("act.rs", &["pub(crate) async fn act("]),
    ("change.rs", &[" Change {", "impl fmt::Display for Change"]),
    ("decide.rs", &["pub(crate) fn decide("]),
    ("lib.rs", &["\nmod act;\nmod change;\nmod decide;\nmod observe;\nmod state;\n", " Input {", " Output {", STEP]),
    ("main.rs", &["fn main() -> Result<(), berth_wiring::Error> {", "serve_step(env!(\"CARGO_PKG_NAME\"), "]),
    ("observe.rs", &["pub(crate) async fn observe("]),
    ("policy.json", &["\"hub\""]),
    ("state.rs", &["pub struct State {", "fn apply("]),
    ("tests/decide.rs", &["::decide("]),
];

/// What makes a function a step.
const STEP: &str = "\nimpl Step for ";

/// Chapters that compute: they name no SDK and wait for nothing.
const PURE: [&str; 3] = ["change", "decide", "state"];

/// What only a chapter with I/O holds.
const IMPURE: [&str; 3] = ["aws_sdk_", ".await", "async fn"];

const MAIN_LINES_MAX: usize = 5;

/// Files of each step, by folder and by path within it.
fn steps(files: &[File]) -> BTreeMap<&str, BTreeMap<&str, &File>> {
    let mut folders: BTreeMap<&str, BTreeMap<&str, &File>> = BTreeMap::new();
    for file in files {
        let Some((name, path)) = file.path.strip_prefix("functions/").and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        folders.entry(name).or_default().insert(path, file);
    }
    folders.retain(|_, files| files.get("lib.rs").is_some_and(|lib| lib.text.contains(STEP)));
    folders
}

/// Chapters that a step lacks, or that do not hold what the others do.
fn incomplete(step: &str, files: &BTreeMap<&str, &File>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, parts) in CHAPTERS {
        let Some(file) = files.get(path) else {
            found.push(format!("functions/{step}/{path} is missing"));
            continue;
        };
        let mut rest = file.text.as_str();
        for part in parts {
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => found.push(file.finding(1, format!("holds no {:?}, or not in its place", part.trim()))),
            }
        }
    }
    found
}

/// Files beside the chapters, and chapters that do what is not theirs.
fn out_of_place(files: &BTreeMap<&str, &File>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, file) in files {
        let folder = path.split_once('/').map(|(folder, _)| folder);
        let is_chapter = CHAPTERS.iter().any(|(chapter, _)| chapter == path);
        let is_part = folder.is_some_and(|folder| folder == "tests" || files.contains_key(&*format!("{folder}.rs")));
        if !is_chapter && !is_part {
            found.push(file.finding(1, "is no chapter of a step, and in the folder of none"));
        }
        let chapter = folder.unwrap_or_else(|| path.trim_end_matches(".rs"));
        if PURE.contains(&chapter) {
            let code = file.text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
            let impure = code.filter(|(_, line)| IMPURE.iter().any(|word| line.contains(word)));
            found.extend(impure.map(|(n, _)| file.finding(n + 1, "does I/O in a chapter that only computes")));
        }
    }
    if let Some(main) = files.get("main.rs").filter(|main| main.text.lines().count() > MAIN_LINES_MAX) {
        found.push(main.finding(MAIN_LINES_MAX + 1, "is wiring that belongs into berth-wiring"));
    }
    found
}

#[test]
fn every_step_has_the_same_chapters_and_nothing_beside_them() {
    let files = files();
    let steps = steps(&files);
    assert!(steps.len() >= 5, "{:?}", steps.keys());
    none(
        &steps.iter().flat_map(|(step, files)| incomplete(step, files)).collect::<Vec<_>>(),
        "see docs/adding-a-step.md, chapter 2",
    );
    none(&steps.values().flat_map(out_of_place).collect::<Vec<_>>(), "see docs/adding-a-step.md, chapter 2");
}

#[test]
fn a_chapter_that_is_missing_misplaced_or_impure_is_found() {
    let whole: Vec<File> = CHAPTERS
        .iter()
        .map(|(path, parts)| File::new(&format!("functions/a-b/{path}"), &format!("\n{}", parts.join("x\n"))))
        .collect();
    let of = |files: &[File]| {
        let steps = steps(files);
        let (step, files) = steps.first_key_value().unwrap();
        [incomplete(step, files), out_of_place(files)].concat()
    };
    assert_eq!(of(&whole), Vec::<String>::new());
    let with = |path: &str, text: &str| {
        let mut files: Vec<File> = whole.iter().map(|file| File::new(&file.path, &file.text)).collect();
        files.retain(|file| file.path != format!("functions/a-b/{path}"));
        files.push(File::new(&format!("functions/a-b/{path}"), text));
        of(&files)
    };
    assert_eq!(of(&whole.iter().skip(1).map(|f| File::new(&f.path, &f.text)).collect::<Vec<_>>()).len(), 1);
    assert_eq!(with("world.rs", "").len(), 1);
    assert_eq!(with("act/vpc.rs", "x.send().await"), Vec::<String>::new());
    assert_eq!(with("decide/routes.rs", "x.send().await").len(), 1);
    assert_eq!(with("main.rs", &format!("{}\n\n\n\n\n\n", CHAPTERS[5].1.join("\n"))).len(), 1);
    assert_eq!(with("change.rs", "impl fmt::Display for Change\nenum Change {\n").len(), 1, "in the other order");
}
