import { rm } from 'node:fs/promises';
import { openPlugin } from 'git-kv/host';
import type { LeaderLock, MirrorTarget } from 'git-kv/ports';
import { commandsContract, leaderLockContract, lockBench, mirrorBench, mirrorTargetContract } from 'git-kv/testing';
import { manifest } from './index.js';

mirrorTargetContract('logged', () => mirrorBench((place) => openPlugin<MirrorTarget>(manifest, 'mirror-target', 'logged', place)));

leaderLockContract('maintained', () =>
  lockBench({
    manifest: new URL('./index.js', import.meta.url),
    name: 'maintained',
    open: (directory) => openPlugin<LeaderLock>(manifest, 'leader-lock', 'maintained', { directory }),
    depose: (directory) => rm(`${directory}/.stargate/leader.lock`),
  }),
);

commandsContract('git-kv-example', async () => manifest);
