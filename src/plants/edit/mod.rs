//! Pages that create, edit, move and delete a plant.

pub mod api;
pub mod page;

mod form;
