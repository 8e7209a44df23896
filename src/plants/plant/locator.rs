//! The map beside the head of a plant: its surroundings, with the plant in the middle. One drawing of the world serves all plants, so that
//! browsers load it once.

use std::sync::Arc;

use leptos::prelude::*;

use crate::foundation::assets::PageFiles;

/// Units for each degree in the drawing, which `scripts/map.js` makes: x grows to the east, y to the south, and 0 is at 0° N 0° E.
const UNITS_PER_DEGREE: f64 = 20.0;
/// Size of the part that is shown at least, in these units: about 1,740 by 830 kilometers.
const WIDTH: f64 = 313.0;
const HEIGHT: f64 = 149.0;
/// Latitude beyond which the map is narrowed no further.
const MAX_LATITUDE: f64 = 80.0;

/// Renders the map around a point in degrees north and east.
pub fn locator(latitude: f64, longitude: f64, place: &str) -> impl IntoView + use<> {
    let drawing = use_context::<Arc<PageFiles>>().map(|files| files.map.clone()).unwrap_or_default(); // while Leptos lists the routes
    let Window { view_box, scale, copies } = Window::around(latitude, longitude);
    let layers = copies.into_iter().map(|x| {
        let layer = |name: &str| format!("{drawing}#{name}");
        view! {
            <use href=layer("land") x=x class="map-land" />
            <use href=layer("borders") x=x class="map-borders" />
        }
    });
    view! {
        <div class="locator" role="img" aria-label=format!("Map: {place}")>
            <svg viewBox=view_box preserveAspectRatio="xMidYMid slice"><g transform=scale>{layers.collect_view()}</g></svg>
            <span class="pin"></span>
        </div>
    }
}

/// The part of the drawing that a map shows.
#[derive(Debug, PartialEq)]
struct Window {
    /// The `viewBox`.
    view_box: String,
    /// The transformation that narrows the drawing, so that distances to all sides are alike at the latitude.
    scale: String,
    /// Where the drawing is placed: beyond 180° it repeats itself.
    copies: Vec<f64>,
}

impl Window {
    fn around(latitude: f64, longitude: f64) -> Self {
        let narrowing = latitude.abs().min(MAX_LATITUDE).to_radians().cos();
        let (left, top) = (longitude * UNITS_PER_DEGREE * narrowing - WIDTH / 2.0, -latitude * UNITS_PER_DEGREE - HEIGHT / 2.0);
        // Twice the width, because a map may be wider than it has to be, and the drawing goes a little beyond 180°.
        let reach = WIDTH / narrowing / UNITS_PER_DEGREE;
        let world = 360.0 * UNITS_PER_DEGREE;
        let east = (longitude + reach > 165.0).then_some(world);
        let west = (longitude - reach < -165.0).then_some(-world);
        Self {
            view_box: format!("{left:.0} {top:.0} {WIDTH} {HEIGHT}"),
            scale: format!("scale({narrowing:.3} 1)"),
            copies: [Some(0.0), east, west].into_iter().flatten().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plant_is_in_the_middle() {
        let window = Window::around(54.63, 9.34);
        assert_eq!((window.view_box.as_str(), window.scale.as_str()), ("-48 -1167 313 149", "scale(0.579 1)"));
        assert_eq!(window.copies, [0.0]);
    }

    #[test]
    fn the_map_goes_on_beyond_the_antimeridian() {
        assert_eq!(Window::around(-16.8, 179.9).copies, [0.0, 7200.0]);
        assert_eq!(Window::around(65.0, -175.0).copies, [0.0, -7200.0]);
        assert!(Window::around(90.0, 0.0).scale.starts_with("scale(0.17"));
    }
}
