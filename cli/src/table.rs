//! Tables for a person: as wide as what is in them, and cut to the terminal.

use std::io::IsTerminal;

use jiff::{SignedDuration, Timestamp};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{
    output::{Format, format},
    paint,
};

/// What stands where nothing is known.
pub(crate) const NONE: &str = "-";

/// Between two columns.
const GAP: usize = 2;

/// How a cell is shown.
type Style = fn(&str) -> String;

/// One cell: its text, and how it is painted, which takes no room.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Option<Style>,
}

impl Cell {
    /// A text that is painted.
    pub(crate) fn painted(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style: Some(style) }
    }

    /// A text that may be missing.
    pub(crate) fn or_none(text: Option<impl ToString>) -> Self {
        text.map_or_else(|| Self::from(NONE), |text| Self::from(text.to_string()))
    }

    /// How long ago something was; the time itself with `-o wide`.
    pub(crate) fn age(of: Timestamp, now: Timestamp) -> Self {
        if format() == Format::Wide { Self::from(of.to_string()) } else { Self::from(age(now.duration_since(of))) }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), style: None }
    }
}

/// The title of a column of ages, or with `-o wide` of times.
pub(crate) fn since() -> &'static str {
    if format() == Format::Wide { "SINCE" } else { "AGE" }
}

/// A table. The first column names what a line is about, unless another one is said to.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// The column that names what a line is about.
    name: usize,
}

#[derive(Debug)]
struct Column {
    title: &'static str,
    is_wide: bool,
    is_rare: bool,
    is_number: bool,
}

impl Table {
    /// A table of these columns. One that ends with `+` is only there with `-o wide`, one that ends with `?` when it has
    /// anything, and numbers of one that begins with `#` stand right.
    pub(crate) fn new<const N: usize>(titles: [&'static str; N]) -> Self {
        let column = |title: &'static str| Column {
            title: title.trim_start_matches('#').trim_end_matches(['+', '?']),
            is_wide: title.ends_with('+'),
            is_rare: title.ends_with('?'),
            is_number: title.starts_with('#'),
        };
        Self { columns: titles.into_iter().map(column).collect(), rows: Vec::new(), name: 0 }
    }

    /// The same, with the column that `-o name` prints.
    pub(crate) fn named_by(mut self, title: &str) -> Self {
        self.name = self.columns.iter().position(|column| column.title == title).unwrap_or_default();
        self
    }

    /// Adds a line, with a cell for each column.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len(), "a cell for each column");
        self.rows.push(cells.into());
    }

    /// Prints it: with `-o name` the names only.
    pub(crate) fn print(&self) {
        if format() == Format::Name {
            for row in &self.rows {
                anstream::println!("{}", row.get(self.name).map_or(NONE, |cell| &cell.text));
            }
            return;
        }
        let is_wide = format() == Format::Wide;
        let is_cut = !is_wide && std::io::stdout().is_terminal();
        let width = is_cut.then(terminal_size::terminal_size).flatten().map(|(width, _)| usize::from(width.0));
        for line in self.lines(is_wide, width) {
            anstream::println!("{line}");
        }
    }

    /// Its lines. A last column is as long as it is, or as the terminal lets it be.
    fn lines(&self, is_wide: bool, terminal: Option<usize>) -> Vec<String> {
        let has = |index: usize| self.rows.iter().filter_map(|row| row.get(index)).any(|cell| !cell.text.is_empty());
        let is_shown = |index: usize, column: &Column| (is_wide || !column.is_wide) && (!column.is_rare || has(index));
        let shown: Vec<(usize, &Column)> =
            self.columns.iter().enumerate().filter(|(index, column)| is_shown(*index, column)).collect();
        let width = |index: usize, title: &str| {
            let cells = self.rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.text.width());
            cells.max().unwrap_or_default().max(title.width())
        };
        let widths: Vec<usize> = shown.iter().map(|(index, column)| width(*index, column.title)).collect();
        let line = |cells: Vec<(&str, Option<Style>)>| -> String {
            let mut line = String::new();
            let mut left = terminal.unwrap_or(usize::MAX);
            for (place, (text, style)) in cells.iter().enumerate() {
                let is_last = place + 1 == cells.len();
                let text = cut(text, left);
                let padding = widths.get(place).copied().unwrap_or_default().saturating_sub(text.width());
                let painted = style.map_or_else(|| text.clone(), |style| style(&text));
                let (before, after) = match shown.get(place) {
                    Some((_, column)) if column.is_number => (padding, 0),
                    _ => (0, padding),
                };
                let before = before.min(left.saturating_sub(text.width()));
                let room = left.saturating_sub(before + text.width());
                let after = if is_last { 0 } else { (after + GAP).min(room) };
                line.extend(std::iter::repeat_n(' ', before));
                line.push_str(&painted);
                line.extend(std::iter::repeat_n(' ', after));
                left = left.saturating_sub(before + text.width() + after);
            }
            line
        };
        let head = shown.iter().map(|(_, column)| (column.title, Some(paint::strong as Style))).collect();
        let row = |row: &Vec<Cell>| {
            let cells = shown.iter().filter_map(|(index, _)| row.get(*index));
            line(cells.map(|cell| (cell.text.as_str(), cell.style)).collect())
        };
        std::iter::once(line(head)).chain(self.rows.iter().map(row)).collect()
    }
}

/// The text in at most so many columns of a terminal; what is cut ends with `…`. A line break would end the line.
fn cut(text: &str, columns_max: usize) -> String {
    let text = text.replace(['\n', '\r', '\t'], " ");
    if text.width() <= columns_max {
        return text;
    }
    let mut left = columns_max.saturating_sub(1);
    let kept = text.chars().take_while(|character| {
        let fits = character.width().unwrap_or_default() <= left;
        left = left.saturating_sub(character.width().unwrap_or_default());
        fits
    });
    let kept: String = kept.collect();
    if columns_max == 0 { kept } else { format!("{kept}…") }
}

/// A time span in the two largest units that it has: `3d4h`, `12m`, `5s`.
fn age(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let Some(first) = units.iter().position(|(size, _)| seconds >= *size) else { return "0s".to_owned() };
    let mut rest = seconds;
    let mut text = String::new();
    // Days alone from the second week on: nobody asks for the hour then.
    let units_max = if seconds >= 14 * 86_400 { 1 } else { 2 };
    for (size, name) in units.iter().skip(first).take(units_max) {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            text += &count.to_string();
            text += name;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["ACCOUNT", "STATUS", "#USED", "TENANT", "EXECUTION+"]);
        let status = Cell::painted("failed", paint::bad);
        table.row([
            "111122223333".into(),
            status,
            "7".into(),
            "a-tenant-of-forty-characters-is-not-cut".into(),
            "e".into(),
        ]);
        table.row(["444455556666".into(), "onboarded".into(), "12".into(), Cell::or_none(None::<String>), "e".into()]);
        table
    }

    fn plain(lines: &[String]) -> Vec<String> {
        lines.iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }

    #[test]
    fn columns_are_as_wide_as_their_content_and_colours_take_no_room() {
        let lines = table().lines(false, None);
        assert_eq!(
            plain(&lines),
            [
                "ACCOUNT       STATUS     USED  TENANT",
                "111122223333  failed        7  a-tenant-of-forty-characters-is-not-cut",
                "444455556666  onboarded    12  -",
            ]
        );
        assert!(lines[1].contains("\u{1b}["), "{lines:?}");
        let wide = plain(&table().lines(true, None));
        assert!(wide[0].ends_with("TENANT                                   EXECUTION"), "{wide:?}");
    }

    #[test]
    fn a_line_is_never_longer_than_the_terminal() {
        for width in 0..90 {
            for line in plain(&table().lines(true, Some(width))) {
                assert!(line.width() <= width, "{width}: {line:?}");
            }
        }
        let narrow = plain(&table().lines(false, Some(40)));
        assert_eq!(narrow[1], "111122223333  failed        7  a-tenant…");
    }

    #[test]
    fn what_others_wrote_stays_in_its_line_and_its_columns() {
        assert_eq!(cut("one\ntwo", 20), "one two");
        assert_eq!(cut("数据平台", 5), "数据…");
        assert_eq!(cut("数据平台", 8), "数据平台");
    }

    #[test]
    fn ages_have_at_most_two_units() {
        for (seconds, text) in [
            (-5, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (61, "1m1s"),
            (3_600, "1h"),
            (93_784, "1d2h"),
            (273_600, "3d4h"),
            (40 * 86_400 + 5_000, "40d"),
        ] {
            assert_eq!(age(SignedDuration::from_secs(seconds)), text, "{seconds}");
        }
    }
}
