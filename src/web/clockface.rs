//! Times as pages tell them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::view::{self, View};
use usher_words as words;

/// The instant and the zone in which the page tells times.
#[derive(Clone)]
pub(super) struct Clockface {
    pub(super) now: Timestamp,
    pub(super) zone: TimeZone,
    /// Everything is decided, and nothing written to any forge: each page says so at its top.
    pub(super) dry_run: bool,
}

/// An instant as people read it.
pub(super) struct TimeCell {
    pub(super) relative: String,
    pub(super) absolute: String,
    pub(super) iso: String,
}

/// A deadline.
pub(super) struct Due {
    pub(super) absolute: String,
    pub(super) iso: String,
    /// `3 h of working time left`, `2 h of working time over`, or nothing.
    pub(super) note: String,
}

impl Clockface {
    pub(super) fn moment(&self, at: Timestamp) -> TimeCell {
        TimeCell {
            relative: words::relative(at, self.now),
            absolute: self.absolute(at, &self.zone),
            iso: at.to_string(),
        }
    }

    /// A local time; its zone is named where it is not the page's.
    fn absolute(&self, at: Timestamp, zone: &TimeZone) -> String {
        if *zone == self.zone {
            at.to_zoned_datetime(zone.clone()).strftime("%a %-d %b, %H:%M").to_string()
        } else {
            words::moment(at, zone)
        }
    }

    pub(super) fn due(&self, view: &View) -> Option<Due> {
        let until = view.until?;
        let note = match view.left_millis {
            Some(left) if left < 0 => format!("{} of working time over", view::working_time(left)),
            Some(left) => format!("{} of working time left", view::working_time(left)),
            None => String::new(),
        };
        Some(Due { absolute: self.absolute(until, &view.zone), iso: until.to_string(), note })
    }

    /// The page's own time.
    pub(super) fn shown(&self) -> String {
        self.absolute(self.now, &self.zone)
    }

    pub(super) fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("local time")
    }
}
