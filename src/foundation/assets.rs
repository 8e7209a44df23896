//! Files that are shipped with the program, and the addresses of those that pages load.

use std::path::PathBuf;

/// The folder of these files, `dist/`.
pub struct Assets(PathBuf);

impl Assets {
    /// Locates the files: next to the program, else in `dist/` of the working folder (when cargo runs the program).
    pub fn find() -> Self {
        let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
        Self(beside.filter(|folder| folder.join("share").is_dir()).unwrap_or_else(|| PathBuf::from("dist")))
    }

    /// Returns the path of the user agent patterns of uap-core.
    pub fn user_agents(&self) -> PathBuf {
        self.0.join("share/user-agents.yaml")
    }

    /// Returns the folder of the GeoIP databases.
    pub fn geoip(&self) -> PathBuf {
        self.0.join("share/geoip")
    }

    /// Returns the path of the list of country names.
    pub fn countries(&self) -> PathBuf {
        self.0.join("share/countries.json")
    }

    /// Returns the folder of the files that browsers load.
    pub fn site(&self) -> PathBuf {
        self.0.join("site")
    }

    /// Returns the addresses of the files that pages load. Their names contain hashes if the build wrote any.
    pub fn page_files(&self) -> PageFiles {
        let hashes = std::fs::read_to_string(self.0.join("hashes")).unwrap_or_default(); // `make build` writes it
        let address = |name: &str| {
            let hashed = hashes.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            format!("/pkg/{}", hashed.unwrap_or(name))
        };
        let script = |name: &str| Script { js: address(&format!("{name}.js")), wasm: address(&format!("{name}.wasm")) };
        PageFiles {
            is_hashed: !hashes.is_empty(),
            style_sheet: address("whereabouts.css"),
            icon: address("icon.svg"),
            map: address("map.svg"),
            card: script("card"),
            forms: script("forms"),
        }
    }
}

/// Addresses of the files that pages load.
#[derive(Debug, Clone)]
pub struct PageFiles {
    /// Whether each address contains a hash of its content, so that it never changes.
    pub is_hashed: bool,
    /// The style sheet of all pages.
    pub style_sheet: String,
    /// The icon of the site.
    pub icon: String,
    /// The drawing of the world's land and borders.
    pub map: String,
    /// Hydrates the Active Sessions card. Contains `forms`.
    pub card: Script,
    /// Enhances pages without the card.
    pub forms: Script,
}

/// A WebAssembly module and the script that loads it.
#[derive(Debug, Clone)]
pub struct Script {
    /// Address of the script.
    pub js: String,
    /// Address of the module.
    pub wasm: String,
}
