import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from '../../adapters/command-sandbox/open.js';
import type { AdapterContext } from '../../ports/index.js';
import { commandRunnerContract } from '../contracts/command-runner.js';

describe('command-sandbox', () => {
  const folder = mkdtempSync(join(tmpdir(), 'git-kv-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  commandRunnerContract('command-sandbox', async () => {
    const [work, data] = [join(folder, 'work'), join(folder, 'data')];
    for (const each of [work, data]) mkdirSync(each, { mode: 0o755 });
    chmodSync(folder, 0o755); // as the system's own is, which commands get to theirs through
    const hidden = join(data, 'kept');
    writeFileSync(hidden, 'a secret', { mode: 0o644 });
    const runner = await open({ hide: [data, join(folder, 'none')], work }, {} as AdapterContext); // it takes nothing of a profile
    return { runner, hidden, workFolders: () => readdirSync(work) };
  });
});
