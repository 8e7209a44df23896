//! Page layouts: the frame of signed-in pages, the narrow page and the tabs of the profile.

pub mod crumbs;
pub mod frame;
pub mod narrow;
pub mod tabs;
