export { type ActiveAdapter, type Composition, findProfile, openProfile, type OpenProfileOptions } from './compose.js';
export { type Choice, type Layer, parseProfile, type Profile, readProfile } from './profile.js';
export { createRegistry, type ManifestSource, type RegisteredAdapter, type Registry } from './registry.js';
export { readRegularFile } from './regular-file.js';
