//! Small parts of the pages about plants: icons, places and roles in words.

use leptos::prelude::*;

use crate::{
    foundation::client::geoip::GeoIp,
    permissions::model::{OrganizationRole, Role},
    plants::model::{Plant, PlantKind},
    ui::icon::{Icon, small_country_flag},
};

/// Returns the icon of a kind of plant.
pub fn kind_icon(kind: PlantKind) -> Icon {
    match kind {
        PlantKind::Solar => Icon::Sun,
        PlantKind::Wind => Icon::Wind,
        PlantKind::Storage => Icon::Battery,
    }
}

/// Returns the place of a plant and its country in words: "Eggebek, Germany". `None` if neither is known.
pub fn place_name(plant: &Plant, countries: Option<&GeoIp>) -> Option<String> {
    let code = plant.country_code.as_deref();
    let country = code.map(|code| countries.and_then(|countries| countries.country_name(code)).unwrap_or(code));
    let parts: Vec<&str> = plant.place.as_deref().into_iter().chain(country).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Renders the flag of the plant's country, if the country is known. The name of the country must stand beside it.
pub fn plant_flag(plant: &Plant) -> impl IntoView + use<> {
    plant.country_code.as_deref().map(small_country_flag)
}

/// Returns the word for what a person is for a plant: the strongest role by their grants, else the role in the organization. `None` if
/// they have neither.
pub fn role_name(roles: &[Role], membership: Option<OrganizationRole>) -> Option<&'static str> {
    let by_strength = [Role::Operator, Role::Technician, Role::Auditor, Role::Viewer];
    let strongest = by_strength.into_iter().find(|role| roles.contains(role)).map(Role::name);
    strongest.or(membership.filter(|role| role.administers()).map(OrganizationRole::name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_role_is_shown() {
        let owner = Some(OrganizationRole::Owner);
        assert_eq!(role_name(&[Role::Viewer, Role::Technician, Role::Auditor], owner), Some("Technician"));
        assert_eq!(role_name(&[Role::Viewer, Role::Auditor], None), Some("Auditor"));
        assert_eq!(role_name(&Role::ALL, None), Some("Operator"));
        assert_eq!(role_name(&[], owner), Some("Owner"));
        assert_eq!((role_name(&[], Some(OrganizationRole::Member)), role_name(&[], None)), (None, None));
    }
}
