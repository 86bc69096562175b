//! Files that tests write: a stale one is written anew, and then the test fails, so that whoever runs it sees the change and
//! commits it.

use std::{fmt::Write as _, fs, path::PathBuf};

use crate::rig::checkout;

/// Writes those files anew that hold something else, and fails with their names. `source` says what they are written from.
///
/// # Panics
/// When a file was stale, or cannot be written.
pub fn assert_current(files: impl IntoIterator<Item = (PathBuf, String)>, source: &str) {
    let mut stale = Vec::new();
    for (path, fresh) in files {
        if fs::read_to_string(&path).unwrap_or_default() != fresh {
            fs::write(&path, fresh).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            stale.push(path.strip_prefix(checkout()).unwrap_or(&path).display().to_string());
        }
    }
    assert!(stale.is_empty(), "written anew from {source}: {}; look at the changes and commit them", stale.join(", "));
}

/// A YAML text in which each pair of lines `# generated: NAME` and `# end of generated` has between it what `block` gives for
/// the name, with the marker's indent.
///
/// # Errors
/// A pair is not closed, or nothing is known of its name.
pub fn filled(text: &str, block: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let _ = writeln!(out, "{line}");
        let Some(name) = line.trim_start().strip_prefix(BEGIN) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let fresh = block(name).ok_or_else(|| format!("nothing is known of {name}: {line}"))?;
        for each in fresh.lines() {
            let _ = writeln!(out, "{indent}{each}");
        }
        let end = lines.find(|line| line.trim() == END).ok_or_else(|| format!("no line '{END}' follows: {line}"))?;
        let _ = writeln!(out, "{end}");
    }
    Ok(out)
}

/// The line before what is generated, and the line after it.
const BEGIN: &str = "# generated: ";
const END: &str = "# end of generated";

/// A Markdown text in which `fresh` stands between the lines `<!-- NAME -->` and `<!-- /NAME -->`.
///
/// # Errors
/// The text has no such pair.
pub fn between(text: &str, name: &str, fresh: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&begin).ok_or_else(|| format!("no line '{}'", begin.trim()))?;
    let (_, after) = rest.split_once(&end).ok_or_else(|| format!("no line '{end}'"))?;
    Ok(format!("{before}{begin}{fresh}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::{between, filled};

    #[test]
    fn what_is_between_comments_is_replaced_and_nothing_else_changes() {
        let fresh = between("a\n<!-- t -->\nold\n<!-- /t -->\nb\n", "t", "new\n").unwrap();
        assert_eq!(fresh, "a\n<!-- t -->\nnew\n<!-- /t -->\nb\n");
        assert!(between("a\n<!-- t -->\n", "t", "x").unwrap_err().contains("<!-- /t -->"));
    }

    #[test]
    fn what_is_between_markers_is_replaced_and_nothing_else_changes() {
        let old = "a: 1\nb:\n  # generated: b\n  - old\n  # end of generated\n  - kept\n";
        let block = |name: &str| (name == "b").then(|| "- x\n- y\n".to_owned());
        let fresh = filled(old, block).unwrap();
        let expected = "a: 1\nb:\n  # generated: b\n  - x\n  - y\n  # end of generated\n  - kept\n";
        assert_eq!(fresh, expected);
        assert_eq!(filled(&fresh, block).unwrap(), fresh, "once more changes nothing");
        assert!(filled("# generated: c\n# end of generated\n", block).unwrap_err().contains("nothing is known of c"));
        assert!(filled("# generated: b\n- x\n", block).unwrap_err().contains("no line '# end of generated' follows"));
    }
}
