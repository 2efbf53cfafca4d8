import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from '../../adapters/command-sandbox/open.js';
import { sandbox } from '../../adapters/command-sandbox/sandbox.js';
import type { AdapterContext, CommandIsolation } from '../../ports/index.js';
import { commandRunnerContract } from '../contracts/command-runner.js';

/** What a kernel without namespaces, on a system without util-linux, lets a runner keep. */
const NOTHING: CommandIsolation = { user: false, network: false, processes: false, folders: false, limits: false };

describe('command-sandbox', () => {
  const folder = mkdtempSync(join(tmpdir(), 'git-kv-test-'));
  chmodSync(folder, 0o755); // as the system's own is, which commands get to theirs through
  after(() => rmSync(folder, { recursive: true, force: true }));
  const places = (name: string) => {
    const [work, data] = [join(folder, name), join(folder, `${name}-data`)];
    for (const each of [work, data]) mkdirSync(each, { mode: 0o755 });
    const hidden = join(data, 'kept');
    writeFileSync(hidden, 'a secret', { mode: 0o644 });
    return { work, data, hidden, workFolders: () => readdirSync(work) };
  };
  commandRunnerContract('command-sandbox', async () => {
    const { work, data, ...known } = places('whole');
    return { runner: await open({ hide: [data, join(folder, 'none')], work }, {} as AdapterContext), ...known }; // it takes nothing of a profile
  });
  commandRunnerContract('command-sandbox where the system helps with nothing', async () => {
    const { work, data, ...known } = places('bare');
    return { runner: sandbox({ isolation: NOTHING, isRoot: process.getuid?.() === 0, hide: [data] }, work), ...known };
  });
});
