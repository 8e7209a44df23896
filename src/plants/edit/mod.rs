//! Pages that create, edit and delete a plant.

pub mod api;
pub mod page;

mod form;
