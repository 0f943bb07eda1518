//! `[templates]`: files with the company's own words.

use usher_words::rehearse;
use usher_words::templates::{TemplateName, Templates};

use super::mistakes::{Book, Fault, readable};
use super::outside::Outside;
use super::reader::Section;
use super::{keys, units};

/// Longest template, in bytes: a comment is not a book.
const TEMPLATE_BYTES_MAX: usize = 64 * 1024;

/// Reads and compiles the templates. A file that cannot be read is a mistake of the configuration; a
/// fault in a template is a warning, because the built-in text takes its place.
pub(super) fn templates(root: &Section<'_>, outside: &Outside<'_>, book: &mut Book) -> Templates {
    let mut templates = Templates::default();
    let Some(section) = root.section(book, "templates", &keys::TEMPLATES) else { return templates };
    for text in TemplateName::ALL {
        let Some(path) = section.value(book, text.word(), units::text) else { continue };
        match outside.read(&path.it) {
            Ok(source) if source.len() > TEMPLATE_BYTES_MAX => {
                let what = format!("{} is longer than {TEMPLATE_BYTES_MAX} bytes", path.it);
                book.mistake(&path.place, what, "a comment should be short");
            }
            Ok(source) => templates.add(text, &path.it, &source),
            Err(error) => {
                let what = format!("{} cannot be read: {error}", path.it);
                book.fault(&path.place, Fault::new(what, readable(&error, "write the path of a text file")));
            }
        }
    }
    for fault in rehearse(&templates) {
        let place = section.node(fault.text.word()).map_or(section.place, |node| &node.place);
        let todo = "correct it; until then the built-in text is used (see docs/templates.md)";
        book.warning(place, fault.to_string(), todo);
    }
    templates
}
