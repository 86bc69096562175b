//! No two files of a library import each other, directly or by others: each can be read after those that it names.

use std::collections::{BTreeMap, BTreeSet};

use syn::{
    Attribute, Item, ItemUse, UseTree,
    visit::{self, Visit},
};

use crate::source::{File, ending, none};

/// Libraries that have circles yet. Only ever take one off.
const HAVE_CIRCLES: [&str; 6] =
    ["berth-crd", "berth-events", "berth-gitops", "berth-isolation", "berth-ledger", "berth-tenancy"];

/// A module by its path in its crate; the front page has the empty one.
type Module = Vec<String>;

/// Paths that a file names outside its tests.
#[derive(Default)]
struct Named(Vec<Vec<String>>);

impl Named {
    fn tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            UseTree::Name(name) => self.0.push(with(&name.ident)),
            UseTree::Rename(name) => self.0.push(with(&name.ident)),
            UseTree::Glob(_) => self.0.push(before.to_vec()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
        }
    }
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item(&mut self, item: &'ast Item) {
        if !matches!(item, Item::Mod(module) if module.attrs.iter().any(is_for_tests)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree(&[], &item.tree);
    }

    /// `pub(super)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.0.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
}

/// The module that a file is, by its path in `src`.
fn module(path: &str) -> Module {
    let mut parts: Module = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|name| ["lib", "mod"].contains(&name.as_str())) {
        parts.pop();
    }
    parts
}

/// Names that the front page takes from a module, so that others name them without it.
fn front_page(named: &Named) -> BTreeMap<String, Module> {
    let parts = named.0.iter().filter_map(|path| path.split_last());
    parts.map(|(name, before)| (name.clone(), before.to_vec())).collect()
}

/// Where a path leads that a module names, from the root of the crate; none outside it.
fn absolute(me: &[String], path: &[String], modules: &BTreeMap<Module, Named>) -> Option<Vec<String>> {
    let first = path.first()?.as_str();
    let ups = path.iter().take_while(|part| *part == "super").count();
    match first {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([me, &path[1..]].concat()),
        "super" => Some([&me[..me.len().saturating_sub(ups)], &path[ups..]].concat()),
        _ => modules.contains_key(&[me, &path[..1]].concat()).then(|| [me, path].concat()),
    }
}

/// What each module of a library imports, by files of its `src` with their paths in it.
fn imports(files: &[(&str, &File)]) -> BTreeMap<Module, BTreeSet<Module>> {
    let named = files.iter().map(|(path, file)| {
        let mut named = Named::default();
        named.visit_file(&syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path)));
        (module(path), named)
    });
    let modules: BTreeMap<Module, Named> = named.collect();
    let exported = modules.get(&Module::new()).map(front_page).unwrap_or_default();
    let target = |me: &Module, path: &[String]| {
        let path = absolute(me, path, &modules)?;
        let module = (1..=path.len()).rev().map(|length| path[..length].to_vec()).find(|it| modules.contains_key(it));
        module.or_else(|| exported.get(path.first()?).cloned()).filter(|it| it != me)
    };
    let of = |(me, named): (&Module, &Named)| {
        (me.clone(), named.0.iter().filter_map(|path| target(me, path)).collect::<BTreeSet<_>>())
    };
    modules.iter().filter(|(me, _)| !me.is_empty()).map(of).collect()
}

/// All that a module imports, directly or by others.
fn reached(me: &Module, imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&Module> = imports[me].iter().collect();
    while let Some(module) = next.pop() {
        if found.insert(module.clone()) {
            next.extend(imports.get(module).into_iter().flatten());
        }
    }
    found
}

/// Modules that import each other.
fn circles(files: &[(&str, &File)]) -> Vec<String> {
    let imports = imports(files);
    let reached: BTreeMap<&Module, BTreeSet<Module>> =
        imports.keys().map(|me| (me, self::reached(me, &imports))).collect();
    let mut found = Vec::new();
    for (me, theirs) in &reached {
        let both = theirs.iter().filter(|other| other > me && reached.get(other).is_some_and(|all| all.contains(*me)));
        found.extend(both.map(|other| format!("{} and {} import each other", me.join("::"), other.join("::"))));
    }
    found
}

#[test]
fn no_two_files_of_a_library_import_each_other() {
    let files = ending(".rs");
    let mut libraries: BTreeMap<&str, Vec<(&str, &File)>> = BTreeMap::new();
    for file in &files {
        let parts = file.path.strip_prefix("crates/").and_then(|rest| rest.split_once("/src/"));
        if let Some((library, path)) = parts {
            libraries.entry(library).or_default().push((path, file));
        }
    }
    assert!(libraries["berth-config"].len() > 30, "{:?}", libraries["berth-config"]);
    let mut found = Vec::new();
    for (library, files) in libraries {
        let circles = circles(&files);
        if HAVE_CIRCLES.contains(&library) {
            assert!(!circles.is_empty(), "take {library} off HAVE_CIRCLES");
        } else {
            found.extend(circles.into_iter().map(|circle| format!("crates/{library}/src: {circle}")));
        }
    }
    none(&found, "move what both need into a file of its own");
}

#[test]
fn files_that_import_each_other_are_found_by_every_way_of_naming() {
    let of = |sources: &[(&str, &str)]| {
        let files: Vec<File> = sources.iter().map(|(path, text)| File::new(path, text)).collect();
        circles(&files.iter().map(|file| (file.path.as_str(), file)).collect::<Vec<_>>())
    };
    let front = ("lib.rs", "mod a; mod b; pub use a::A; pub use b::{B, other};");
    let each = ["a and b import each other"];
    assert_eq!(of(&[front, ("a.rs", "use crate::B;"), ("b.rs", "use crate::{x::Y, A};")]), each);
    assert_eq!(of(&[front, ("a.rs", "fn f(b: super::b::B) {}"), ("b.rs", "use super::a;")]), each);
    assert_eq!(
        of(&[("lib.rs", ""), ("a/mod.rs", "mod c; fn f() { c::g(); }"), ("a/c.rs", "use super::Shared;")]),
        ["a and a::c import each other"]
    );
    let three = [front, ("a.rs", "use crate::b::B;"), ("b.rs", "use crate::c;"), ("c.rs", "use crate::A;")];
    assert_eq!(of(&three).len(), 3, "by a third file");
    assert_eq!(of(&[front, ("a.rs", "use crate::b::B;"), ("b.rs", "use std::fmt; pub(super) struct B;")]), [""; 0]);
    let test = "#[cfg(test)] mod tests { use crate::A; }";
    assert_eq!(of(&[front, ("a.rs", "use crate::b::B;"), ("b.rs", test)]), [""; 0], "in a test");
}
