import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ContentCheck } from '../../../domain/client/reality/validate.js';
import { decodeUtf8 } from '../../../domain/git/bytes.js';
import type { CloneConfig } from '../../../ports/clone/clone-config.js';
import { KvError } from '../../../ports/error.js';
import { parseTimeLimit } from '../../../ports/grammar/duration.js';
import { printable } from '../../../ports/grammar/printable.js';

/** How long one value may take a validator, ms, unless `kv.validatorTimeout` says otherwise. */
const PATIENCE_MS = 10_000;
/** So much of what a validator says is shown, characters. */
const SHOWN = 500;

const saysYaml = (ctype: string): boolean => /^(?:application|text)\/(?:x-)?yaml\s*(?:;|$)|\+yaml\s*(?:;|$)/i.test(ctype);

/** What keeps a value from being YAML where its content type says that it is. */
const yamlCheck: ContentCheck = async ({ ctype, value }) => {
  if (!saysYaml(ctype)) return undefined;
  const text = decodeUtf8(value);
  if (text === undefined) return 'it is not valid UTF-8';
  const { documentsOf } = await import('./yaml-documents.js');
  for (const document of documentsOf(text)) {
    const [fault] = 'errors' in document ? document.errors : [];
    // The parser's own words may quote the value.
    if (fault !== undefined)
      return `character ${fault.pos[0] + 1} is out of place: ${fault.code.toLowerCase().replaceAll('_', ' ')}`;
  }
  return undefined;
};

/**
 * The checks of contents that a clone has: YAML by its content type, and the programs that the clone's own Git configuration names as
 * `kv.validator` (as an alias is named there, and run by `sh` like one; what is fetched can't name any). Each gets a value on standard
 * input, its key and content type as `KV_KEY` and `KV_CTYPE`; what exits with other than 0 refuses it, and the first line that it has
 * printed says why.
 */
export function contentChecks(config: CloneConfig, ns: string): ContentCheck[] {
  const limit = config.get('kv.validatortimeout');
  const ms = limit === undefined ? PATIENCE_MS : parseTimeLimit(limit);
  if (ms === undefined) {
    throw new KvError('CONFIG_INVALID', `kv.validatorTimeout is ${JSON.stringify(limit)}, which is no duration`, {
      hint: 'git config kv.validatorTimeout 10s',
    });
  }
  return [yamlCheck, ...config.all('kv.validator').map((command) => programCheck(command, ns, ms))];
}

function programCheck(command: string, ns: string, ms: number): ContentCheck {
  return async ({ key, ctype, value }) => {
    const env = { ...process.env, KV_NS: ns, KV_KEY: key, KV_CTYPE: ctype };
    const child = spawn('sh', ['-c', command], { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    let said = '';
    const hear = (bytes: Buffer): void => {
      if (said.length < SHOWN) said += bytes.toString();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.stdin.on('error', () => undefined); // it need not read the value
    child.stdin.end(value);
    let late = false;
    const end = setTimeout(() => {
      late = true;
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL'); // and whatever it has started
      } catch {
        // it has ended in this moment
      }
    }, ms);
    try {
      const [code] = (await once(child, 'close')) as [number | null];
      if (late) return `${quoted(command)} was not done after ${ms / 1000} s`;
      if (code === 0) return undefined;
      const [line = ''] = said.trim().split('\n');
      return `${quoted(command)}: ${printable(line.slice(0, SHOWN)) || `exit status ${code ?? 'none'}`}`;
    } finally {
      clearTimeout(end);
    }
  };
}

const quoted = (command: string): string => printable(command.length > 60 ? `${command.slice(0, 57)}...` : command);
