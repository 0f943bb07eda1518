//! What is printed fits the terminal: tables get narrower. Where nobody looks at a terminal, everything
//! stays as wide as it is.

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
}
