//! How much of somebody's capacity changes take, in halves of a review.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Reviews that somebody carries, in halves: one that waits for them is a whole one, one that is with its
/// author half of one. Written as a number of reviews (`2`, `2.5`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Load {
    halves: u32,
}

impl Load {
    pub const NONE: Load = Load { halves: 0 };
    /// A change that waits for its author, and may come back.
    pub const HALF: Load = Load { halves: 1 };
    /// A change that waits for the person.
    pub const WHOLE: Load = Load { halves: 2 };

    pub const fn from_halves(halves: u32) -> Load {
        Load { halves }
    }

    pub const fn of_reviews(reviews: u32) -> Load {
        Load { halves: reviews.saturating_mul(2) }
    }

    pub const fn halves(self) -> u32 {
        self.halves
    }

    #[must_use]
    pub const fn and(self, more: Load) -> Load {
        Load { halves: self.halves.saturating_add(more.halves) }
    }

    /// How many more reviews can be asked of somebody who carries this, before it fills `capacity`.
    pub const fn room_for(self, capacity: u32) -> u32 {
        Load::of_reviews(capacity).halves.saturating_sub(self.halves).div_ceil(2)
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.halves / 2, if self.halves.is_multiple_of(2) { "" } else { ".5" })
    }
}

impl Serialize for Load {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.halves.is_multiple_of(2) {
            to.serialize_u32(self.halves / 2)
        } else {
            to.serialize_f64(f64::from(self.halves) / 2.0)
        }
    }
}

impl<'de> Deserialize<'de> for Load {
    fn deserialize<D: Deserializer<'de>>(stored: D) -> Result<Load, D::Error> {
        let halves = f64::deserialize(stored)? * 2.0;
        if !(0.0..=f64::from(u32::MAX)).contains(&halves) {
            return Err(D::Error::custom("a number of reviews is neither negative nor endless"));
        }
        Ok(Load { halves: halves.round() as u32 })
    }
}

/// A whole number has the print that it had when reviews were counted whole.
impl Hash for Load {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.halves / 2).hash(state);
        if !self.halves.is_multiple_of(2) {
            true.hash(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_written_as_a_number_of_reviews() {
        for (halves, text) in [(0, "0"), (1, "0.5"), (2, "1"), (5, "2.5")] {
            let load = Load::from_halves(halves);
            assert_eq!((load.to_string(), serde_json::to_string(&load).unwrap()), (text.into(), text.into()));
            assert_eq!(serde_json::from_str::<Load>(text).unwrap(), load);
        }
        assert!(serde_json::from_str::<Load>("-1").is_err());
    }

    #[test]
    fn somebody_is_full_when_as_much_waits_as_they_can_carry() {
        let room = |halves| Load::from_halves(halves).room_for(3);
        assert_eq!([0, 1, 2, 5, 6, 7].map(room), [3, 3, 2, 1, 0, 0]);
    }
}
