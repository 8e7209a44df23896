// Replaces the hashes in the names by which a WebAssembly module and its script know each other by numbers of the same length: hashes do
// not compress. `node shorten-imports.js MODULE SCRIPT`, as wasm-bindgen wrote them.
import { readFileSync, writeFileSync } from 'node:fs';

const [, , moduleFile, scriptFile] = process.argv;
// One character per byte, so that the bytes stay as they are.
let module = readFileSync(moduleFile, 'latin1');
let script = readFileSync(scriptFile, 'latin1');
const hashes = [...new Set(script.match(/[_h][0-9a-f]{16}\b/g))].sort();
hashes.forEach((hash, index) => {
  const number = hash.charAt(0) + String(index).padStart(16, '0');
  module = module.replaceAll(hash, number);
  script = script.replaceAll(hash, number);
});
writeFileSync(moduleFile, module, 'latin1');
writeFileSync(scriptFile, script, 'latin1');
