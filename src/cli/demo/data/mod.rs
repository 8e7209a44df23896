//! The sample data, as tables. Times are relative to the moment at which they are inserted.

pub mod access;
pub mod events;
pub mod people;
pub mod plants;
