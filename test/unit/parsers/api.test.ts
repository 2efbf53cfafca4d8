import { checkFiles } from '../../../apps/api/checks/check-files.js';
import { faultsIn } from '../../../apps/api/checks/command-faults.js';
import { imagesOf } from '../../../apps/api/containers/definitions.js';
import { urlFault } from '../../../apps/api/webhooks/send.js';
import { holdsUp, type Parser } from './holds-up.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const files = async () => [{ path: 'a.ts', name: 'a.ts', type: 'file' as const, mode: '100644', oid: '', size: 0 }];

/** What clients of the HTTP API write. YAML and schemas are read in a thread that is ended when it takes too long. */
const PARSERS: readonly Parser[] = [
  {
    name: 'a JSON file that is checked',
    samples: ['{"a": [1, true, null, "x"]}', '[]'],
    parse: (content) => checkFiles({ kind: 'syntax', files: [{ path: 'a.json', content }] }),
  },
  {
    name: 'what a command has found',
    samples: ['a.ts:1:2: error: no\n./a.ts:3: what\nother: no\n', ''],
    parse: (bytes) => faultsIn('lint', { exitCode: 1, timedOut: false, output: text(bytes) }, { files }),
  },
  {
    name: 'a container definition',
    samples: ['FROM --platform=x scratch AS a\nCOPY --from=a /x /x\n', 'from a\n'],
    parse: (bytes) => imagesOf(text(bytes)),
  },
  {
    name: 'the URL of a webhook',
    samples: ['https://example.com/hook?x=1', 'http://[::1]:80/', 'x'],
    parse: (bytes) => urlFault(text(bytes), false),
  },
];

describe('parsers of what clients of the HTTP API write', () => {
  holdsUp(PARSERS);
});
