//! Colours. They are shown on a terminal only: everything is printed through `anstream`, which also honours `NO_COLOR`.

use anstyle::{AnsiColor, Style};

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Something that went well.
pub(crate) fn good(text: &str) -> String {
    styled(AnsiColor::Green.on_default().bold(), text)
}

/// Something that went wrong.
pub(crate) fn bad(text: &str) -> String {
    styled(AnsiColor::Red.on_default().bold(), text)
}

/// Something that is waited for.
pub(crate) fn waiting(text: &str) -> String {
    styled(AnsiColor::Yellow.on_default(), text)
}

/// A heading.
pub(crate) fn strong(text: &str) -> String {
    styled(Style::new().bold(), text)
}

/// Something beside the point.
pub(crate) fn faint(text: &str) -> String {
    styled(Style::new().dimmed(), text)
}
