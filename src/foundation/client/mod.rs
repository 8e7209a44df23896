//! Who the client is: its address, user agent, device and location.

pub mod device;
pub mod location;

#[cfg(feature = "ssr")]
pub mod forwarded;
#[cfg(feature = "ssr")]
pub mod geoip;
#[cfg(feature = "ssr")]
pub mod headers;
#[cfg(feature = "ssr")]
pub mod info;
#[cfg(feature = "ssr")]
pub mod network;
#[cfg(feature = "ssr")]
pub mod user_agents;
