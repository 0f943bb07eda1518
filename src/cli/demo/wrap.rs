//! Long lines of the story break between words where the terminal ends.

use crate::cli::terminal::columns;

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
