import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { publishedSequencers } from '../../../domain/gateway/commit/policy-ref.js';
import type { GitStore } from '../../../ports/git/git-store.js';
import { KvError } from '../../../ports/error.js';
import { SEQUENCER_KEY } from '../intents/sequencer-key.js';
import { ownKey } from '../../ssh-signature.js';
import { type Check, type Finding, ok, warning } from './check.js';

/** The key that orders intents can be used, nobody else can read it, and it is the one that was published last. */
export const SEQUENCER: Check = {
  name: 'sequencer',
  needs: ['repository'],
  async run({ gitDir, composition }) {
    const file = join(gitDir, SEQUENCER_KEY);
    const [published] = await publishedSequencers(await (await composition()).get<GitStore>('git-store'));
    const kept = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return null;
      throw new KvError('IO_ERROR', `cannot read ${file}: ${cause.code}`, { cause, hint: 'run as the owner of the repository' });
    });
    if (kept === null) {
      if (published === undefined) return [ok('there is none: the next start makes one')];
      return [warning('the one that was published is not there: the next start makes another', 'or put it back from a backup')];
    }
    const { material } = ownKey(kept);
    const findings: Finding[] = [ok(material)];
    if (((await stat(file)).mode & 0o077) !== 0) findings.push(warning(`others can read ${file}`, `chmod 600 ${file}`));
    if (published !== undefined && published.material !== material)
      findings.push(warning('it is another one than was published last: the next start publishes it beside that'));
    return findings;
  },
};
