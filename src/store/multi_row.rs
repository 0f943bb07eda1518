//! Statements that write many rows at once, as SQLite wants them: bare `?`, for it looks up a numbered one by
//! its name, one after another.
//!
//! A statement is prepared once and kept, but only the same text is the same statement. So there is one for
//! each power of two, and so many rows are written by as many of these as it takes.

use std::sync::LazyLock;

/// Most rows of one statement: SQLite takes 32,766 parameters (<https://sqlite.org/limits.html>).
const ROWS_MAX: usize = 64;
const POWERS: usize = ROWS_MAX.ilog2() as usize + 1;

/// The id that the last row of the inbox got, also if it is gone; 0 before the first.
pub(super) const LAST_INBOX_ID: &str =
    "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'inbox'";

static PUT: LazyLock<[String; POWERS]> = LazyLock::new(|| {
    let columns = "INSERT INTO inbox
        (id, forge, delivery_id, meaning, event, change, facts, received_at, not_before) VALUES ";
    of_each_size(columns, "(?, ?, ?, ?, ?, ?, ?, ?, ?)", " ON CONFLICT DO NOTHING")
});

static PUT_BODIES: LazyLock<[String; POWERS]> =
    LazyLock::new(|| of_each_size("INSERT INTO body (id, received_at, bytes) VALUES ", "(?, ?, ?)", ""));

fn of_each_size(before: &str, row: &str, after: &str) -> [String; POWERS] {
    std::array::from_fn(|power| format!("{before}{}{after}", vec![row; 1 << power].join(", ")))
}

/// Writes so many deliveries, a power of two of at most [`ROWS_MAX`], and leaves out those that are known.
pub(super) fn put(rows: usize) -> &'static str {
    of_size(&PUT, rows)
}

/// Writes so many bodies, a power of two of at most [`ROWS_MAX`].
pub(super) fn put_bodies(rows: usize) -> &'static str {
    of_size(&PUT_BODIES, rows)
}

fn of_size(texts: &'static [String; POWERS], rows: usize) -> &'static str {
    let power = rows.trailing_zeros() as usize;
    debug_assert_eq!(rows, 1 << power, "a power of two");
    texts.get(power).map_or("", String::as_str)
}

/// Rows in pieces whose sizes are powers of two, the largest first.
pub(super) fn by_powers<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let power = rows.len().checked_ilog2()?;
        let (piece, rest) = rows.split_at(ROWS_MAX.min(1 << power));
        rows = rest;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_all_rows_in_order_and_each_has_a_statement() {
        for count in 0..300 {
            let rows: Vec<usize> = (0..count).collect();
            assert_eq!(by_powers(&rows).collect::<Vec<_>>().concat(), rows);
            for piece in by_powers(&rows) {
                assert_eq!(put(piece.len()).matches('?').count(), 9 * piece.len());
                assert_eq!(put_bodies(piece.len()).matches('?').count(), 3 * piece.len());
            }
        }
    }
}
