//! What is printed fits the terminal: tables get narrower, long lines break between words. Where nobody
//! looks at a terminal, everything stays as wide as it is.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

/// Narrower than this, and nothing would be readable any more.
const COLUMNS_MIN: u16 = 30;

/// The columns of the terminal, if standard output is one.
pub(super) fn columns() -> Option<u16> {
    let (terminal_size::Width(columns), _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(columns.max(COLUMNS_MIN))
}

/// A table without lines.
pub(super) fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head.iter().copied());
    table
}

/// The table as text, no line of which is wider than the terminal, nor ends in spaces.
pub(super) fn fitted(table: &mut Table) -> String {
    fitted_to(table, columns())
}

fn fitted_to(table: &mut Table, columns: Option<u16>) -> String {
    if let Some(columns) = columns {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Breaks `text` between words where it would be wider than the terminal: the first line begins after
/// `begun` columns, and so do all others.
pub(super) fn wrapped(text: &str, begun: usize) -> String {
    wrapped_to(text, begun, columns())
}

fn wrapped_to(text: &str, begun: usize, columns: Option<u16>) -> String {
    let room = columns.map_or(usize::MAX, |columns| usize::from(columns).saturating_sub(begun).max(1));
    let (mut lines, mut width) = (String::new(), 0);
    for (nth, word) in text.split(' ').enumerate() {
        let needed = word.chars().count();
        if width > 0 && width + 1 + needed > room {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', begun));
            width = 0;
        } else if nth > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += needed;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_no_wider_than_the_terminal_and_loses_nothing() {
        let mut wide = table(&["person", "is"]);
        wide.add_row(["lena", "leads backend, contact for what nobody else can mend (configuration)"]);
        let as_it_is = fitted_to(&mut wide, None);
        assert_eq!(as_it_is.lines().count(), 2, "{as_it_is}");
        assert!(as_it_is.lines().all(|line| !line.ends_with(' ')), "{as_it_is:?}");
        let narrow = fitted_to(&mut wide, Some(40));
        assert!(narrow.lines().all(|line| line.chars().count() <= 40), "{narrow}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let cells = |text: &str| words(text).into_iter().filter(|word| word != "lena").collect::<Vec<_>>();
        assert_eq!(cells(&narrow), cells(&as_it_is));
    }

    #[test]
    fn a_long_line_breaks_between_words_and_goes_on_where_it_began() {
        let text = "ravi of backend was chosen: can answer soonest";
        assert_eq!(wrapped_to(text, 4, None), text);
        assert_eq!(wrapped_to(text, 4, Some(30)), "ravi of backend was\n    chosen: can answer soonest");
        assert_eq!(
            wrapped_to("support-review::reviewing on", 4, Some(20)),
            "support-review::reviewing\n    on"
        );
        assert_eq!(wrapped_to("  two  spaces", 0, Some(80)), "  two  spaces", "nothing is lost");
    }
}
