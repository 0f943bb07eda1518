//! One thing that was looked at, as `usher check --online` prints it.

use anstyle::{AnsiColor, Style};

/// How it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Good,
    /// Usher works; somebody should look at it all the same.
    Warning,
    Fault,
}

/// One thing that a forge was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub forge: String,
    pub level: Level,
    pub what: String,
    /// What to do; `None` when all is well.
    pub remedy: Option<String>,
}

impl Finding {
    pub(super) fn print(&self) {
        let (word, color) = match self.level {
            Level::Good => ("good   ", AnsiColor::Green),
            Level::Warning => ("WARNING", AnsiColor::Yellow),
            Level::Fault => ("FAULT  ", AnsiColor::Red),
        };
        let style = Style::new().fg_color(Some(color.into()));
        anstream::println!("  {style}{word}{style:#} {}: {}", self.forge, self.what);
        if let Some(remedy) = &self.remedy {
            anstream::println!("          {remedy}");
        }
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let level = match self.level {
            Level::Good => "good",
            Level::Warning => "warning",
            Level::Fault => "fault",
        };
        serde_json::json!({
            "forge": self.forge,
            "what": self.what,
            "level": level,
            "good": self.level == Level::Good,
            "remedy": self.remedy,
        })
    }
}

/// The findings of one forge, in the order in which they came.
pub(super) struct Findings {
    forge: String,
    list: Vec<Finding>,
}

impl Findings {
    pub(super) fn of(forge: &str) -> Findings {
        Findings { forge: forge.to_owned(), list: Vec::new() }
    }

    pub(super) fn good(&mut self, what: impl Into<String>) {
        self.add(Level::Good, what.into(), None);
    }

    pub(super) fn warning(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Level::Warning, what.into(), Some(remedy.into()));
    }

    pub(super) fn fault(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.add(Level::Fault, what.into(), Some(remedy.into()));
    }

    fn add(&mut self, level: Level, what: String, remedy: Option<String>) {
        self.list.push(Finding { forge: self.forge.clone(), level, what, remedy });
    }

    pub(super) fn close(self) -> Vec<Finding> {
        self.list
    }
}
