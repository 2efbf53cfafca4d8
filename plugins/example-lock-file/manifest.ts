import type { AdapterModule, PluginManifest } from '../../ports/index.js';

/** What a profile finds when it lists this plugin. A package would import from 'git-kv/ports'. */
export const manifest: PluginManifest = {
  api: 1,
  id: 'example-lock-file',
  adapters: [{ port: 'leader-lock', name: 'lock-file', module: () => import('./open.js') as Promise<AdapterModule> }],
};
