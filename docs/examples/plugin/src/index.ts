import type { PluginManifest } from 'git-kv/ports';

/** What this package brings. A module is imported when a profile, or a command line, names what is in it, and not before. */
export const manifest: PluginManifest = {
  api: 1,
  id: 'git-kv-example',
  adapters: [
    { port: 'mirror-target', name: 'logged', module: () => import('./logged-mirror.js') },
    { port: 'leader-lock', name: 'maintained', module: () => import('./maintained-lock.js') },
  ],
  commands: { hello: { summary: 'say hello', module: () => import('./hello.js') } },
};
