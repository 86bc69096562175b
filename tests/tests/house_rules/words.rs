//! Words that the field's own have replaced (docs/glossary.md) do not come back as names of types or in what people read.

use crate::source::{File, files, none};

/// Names of types, and what they are called now.
const TYPES: [(&str, &str); 17] = [
    ("Asked", "request"),
    ("Did", "outcome"),
    ("Heir", "successor"),
    ("Letter", "DLQ message"),
    ("Maker", "resource handler"),
    ("Nursery", "mutants"),
    ("Pace", "timing profile"),
    ("Person", "admin probe, git identity"),
    ("Place", "what it is: position, branch, owner"),
    ("Seen", "observed state"),
    ("Stand", "testbed"),
    ("Storm", "throttling scenario"),
    ("Taken", "acquired, held by"),
    ("Weather", "throttling scenario"),
    ("World", "observed state"),
    ("Wrong", "what is wrong: selection error, read error"),
    ("Zombie", "stale writer"),
];

/// Words of names and messages, in whatever they are part of.
const ANYWHERE: [(&str, &str); 4] =
    [("nursery", "mutants"), ("imagine_", "dry run"), ("fn imagine", "dry run"), (" heir ", " successor ")];

/// What declares a type in Rust; in Python it is `class`.
const DECLARES: [&str; 5] = ["struct", "enum", "trait", "type", "union"];

/// Files that have such a name yet, and which. Only ever take one off.
const NOT_YET: [(&str, &str); 9] = [
    ("local/berth_local/stack/installation.py", "Place"),
    ("local/berth_local/stack/resources/maker.py", "Maker"),
    ("local/berth_local/world.py", "World"),
    ("local/tests/aws/twin_worlds.py", "World"),
    ("local/tests/organization/test_seed.py", "World"),
    ("tests/rig/api_server.rs", "Asked"),
    ("tests/rig/person.py", "Person"),
    ("tests/rig/person.rs", "Person, World"),
    ("tests/rig/places.rs", "Place"),
];

/// Types of a file with a replaced name: the line and the name.
fn declared(file: &File) -> Vec<(usize, &'static str)> {
    let in_python = |name: &str| {
        let heads = [format!("class {name}:"), format!("class {name}(")];
        let lines = file.text.lines().enumerate();
        lines
            .filter(|(_, line)| heads.iter().any(|head| line.trim_start().starts_with(head)))
            .map(|(at, _)| at + 1)
            .collect()
    };
    let in_rust = |name: &str| DECLARES.iter().flat_map(|word| file.lines_with(&format!("{word} {name}"))).collect();
    let lines_of = |name: &str| -> Vec<usize> {
        match (file.is(".rs"), file.is(".py")) {
            (true, _) => in_rust(name),
            (_, true) => in_python(name),
            _ => Vec::new(),
        }
    };
    TYPES.iter().flat_map(|(name, _)| lines_of(name).into_iter().map(move |line| (line, *name))).collect()
}

/// Lines of code with a replaced word.
fn said(file: &File) -> Vec<String> {
    let is_code = (file.is(".rs") || file.is(".py")) && !file.path.ends_with("house_rules/words.rs");
    let lines = file.text.lines().enumerate().filter(|_| is_code);
    let found = lines.filter_map(|(line, text)| {
        let (word, now) = ANYWHERE.iter().find(|(word, _)| text.to_ascii_lowercase().contains(word))?;
        Some(file.finding(line + 1, format!("{:?} is called {:?}", word.trim(), now.trim())))
    });
    found.collect()
}

#[test]
fn no_type_has_a_name_that_was_replaced() {
    let files = files();
    let mut found = Vec::new();
    for file in &files {
        let allowed = NOT_YET.iter().find(|(path, _)| *path == file.path).map_or("", |(_, names)| *names);
        let declared = declared(file);
        for name in allowed.split(", ").filter(|name| !name.is_empty()) {
            assert!(declared.iter().any(|(_, found)| *found == name), "take {name} of {} off NOT_YET", file.path);
        }
        let new = declared.into_iter().filter(|(_, name)| !allowed.split(", ").any(|each| each == *name));
        found.extend(new.map(|(line, name)| {
            let now = TYPES.iter().find(|(word, _)| *word == name).map_or("", |(_, now)| *now);
            file.finding(line, format!("{name} is called {now}"))
        }));
    }
    none(&found, "use the word of docs/glossary.md");
}

#[test]
fn no_code_says_a_word_that_was_replaced() {
    none(&files().iter().flat_map(said).collect::<Vec<_>>(), "use the word of docs/glossary.md");
}

#[test]
fn replaced_words_are_found_and_longer_names_are_not() {
    let rust = File::new(
        "x.rs",
        "pub struct World;\nenum Wrong { Place }\nstruct Worldwide;\n// struct Seen\ntype Seen = u8;\n",
    );
    assert_eq!(declared(&rust), [(5, "Seen"), (1, "World"), (2, "Wrong")]);
    let python = File::new("x.py", "class Person:\n    pass\nclass PersonOfNote(Person):\n    pass\n");
    assert_eq!(declared(&python), [(1, "Person")]);
    assert_eq!(said(&File::new("x.rs", "let nursery = 1;\nlet the_heirloom = \"of the heir of it\";\n")).len(), 2);
}
