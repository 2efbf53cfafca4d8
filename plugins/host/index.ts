export {
  type ActiveAdapter,
  type Composition,
  openProfile,
  type OpenProfileOptions,
} from './compose.js';
export { blamed } from './plugin/blame.js';
export { type FoundPlugin, loadPlugin } from './plugin/load-plugin.js';
export { openPlugin, type OpenPluginOptions } from './plugin/open-plugin.js';
export type { Choice, Layer, ListedPlugin, Profile, ProfileSetting } from './profile.js';
export { type Change, changeProfile, loosely } from './profile/change.js';
export { findProfile, parseProfile, readProfile } from './profile/find.js';
export type { ValuePlace, Source } from './profile/place.js';
export { type ProfileValue, shownValue } from './profile/values.js';
export { checkManifest, createRegistry, type ManifestSource, type RegisteredAdapter, type Registry } from './registry.js';
export { readRegularFile } from './regular-file.js';
