import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeHasher } from '../../../adapters/hasher-node/open.js';
import { encodeRecord, HEADER } from '../../../adapters/journal-file/line.js';
import { scan } from '../../../adapters/journal-file/scan.js';
import { parsePolicy } from '../../../adapters/policy-yaml/open.js';
import { MANIFEST, readManifest } from '../../../apps/stargate/backup/manifest.js';
import { detectFormat } from '../../../domain/client/transfer/import/detect.js';
import { readBatchFile } from '../../../domain/client/transfer/import/batch.js';
import { readConsul, readEtcd } from '../../../domain/client/transfer/import/foreign.js';
import { readSnapshot } from '../../../domain/client/transfer/import/snapshot.js';
import type { Found, ImportSource } from '../../../domain/client/transfer/import/source.js';
import { encodeEnd, encodeHeader } from '../../../domain/client/transfer/snapshot-format.js';
import { type BatchFault, batchRefused, parseBatch } from '../../../domain/client/write/parse-batch.js';
import type { CreationAnswer, CreationMessage } from '../../../domain/gateway/creation/records.js';
import { decodeCreationAnswer, decodeCreationMessage, encodeCreation } from '../../../domain/gateway/creation/wire.js';
import { utf8 } from '../../../domain/git/bytes.js';
import { type Temporary, temporaryFolder } from '../../support/temporary.js';
import { MemoryPeople } from '../../support/memory/people.js';
import { manifestPayload, parseManifestFile, type SignedManifest } from '../../../ports/grammar/mirror-manifest.js';
import { holdsUp, type Parser } from './holds-up.js';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const NOW = Date.UTC(2026, 0, 2);
const POLICY = new MemoryPeople().policyText(['ada', 'bob'], ['main']);

const source = (bytes: Uint8Array): ImportSource => ({
  name: 'file',
  async *open() {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
  },
  file: async () => ({ fault: 'there is none' }),
});

const ENOUGH = 1000;

/** All that a reader gives, in the words in which it would be refused. */
async function told(found: AsyncIterable<readonly Found[]>): Promise<unknown> {
  const faults: BatchFault[] = [];
  for await (const some of found) {
    for (const one of some) if ('what' in one) faults.push(one);
    if (faults.length > ENOUGH) break; // as the import does
  }
  if (faults.length > 0) throw batchRefused('file', faults);
  return undefined;
}

const hasher = nodeHasher();
const LINE = JSON.stringify({ key: 'k', ctype: 'text/plain', etag: `blake3:${hasher.hex('blake3', utf8('x'))}`, value: 'x' });
const SNAPSHOT = `${encodeHeader({ ns: 'main', epoch: 'e', commit: 'c', prefix: '', files: null })}${LINE}\n${encodeEnd(1, hasher.hex('sha256', utf8(`${LINE}\n`)))}`;
const BATCH = '{"op":"set","key":"a","value":"1","ttl":"30d","ctype":"application/json"}\n{"op":"del","key":"b"}\n';

const MANIFEST_FILE = `${manifestPayload({
  ...{ repository: 'ab'.repeat(16), format: 'sha1', chain: 'cd'.repeat(16), seq: 2, prev: 'ef'.repeat(32) },
  ...{ time: '2027-01-31T12:00:00.000Z', bundle: { sha256: 'ab'.repeat(32), size: 7 }, state: 'cd'.repeat(32) },
  moves: [{ ref: 'refs/kv/main', old: null, next: 'ab'.repeat(20) }],
})}-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n`;

let folder: Temporary;

const CREATION = {
  ...{ id: `${'0'.repeat(26)}-1`, repository: 'ada/shop', policy: POLICY, repositoryId: 'ab'.repeat(16) },
  ...({ objectFormat: 'sha1', coordinator: 'server-1' } as const),
};

const PARSERS: readonly Parser[] = [
  {
    name: 'what a server asks of a repository that is to be created',
    samples: [
      encodeCreation({ kind: 'prepare', creation: CREATION, servers: 3 }),
      encodeCreation({ kind: 'commit', creation: { ...CREATION, servers: ['server-1', 'server-2'] } }),
      encodeCreation({ kind: 'abort', id: CREATION.id, repository: 'ada/shop' }),
      encodeCreation({ kind: 'since', after: 7 }),
    ],
    parse: decodeCreationMessage,
    write: (value: CreationMessage) => encodeCreation(value),
  },
  {
    name: 'what a server answers to that',
    samples: [
      encodeCreation({ kind: 'vote', vote: 'yes' }),
      encodeCreation({ kind: 'outcome', outcome: 'pending' }),
      encodeCreation({ kind: 'created', creations: [CREATION], last: 1 }),
    ],
    parse: decodeCreationAnswer,
    write: (value: CreationAnswer) => encodeCreation(value),
  },
  {
    name: 'a policy',
    samples: [POLICY],
    units: ['(', '[', '{"a":', '"', 'a', ' ', '\n', '\r', 'a\n', '- a\n', 'a: b\n', '!', '&a *a '],
    words: 40_000,
    large: 16 * 1024,
    parse: (bytes) => parsePolicy(text(bytes), 'policy.yaml'),
  },
  {
    name: 'a journal',
    samples: [`${HEADER}${encodeRecord({ kind: 'done', id: 1 } as never)}${encodeRecord({ kind: 'aborted', id: 2 } as never)}`],
    parse: async (bytes) => {
      const path = join(folder.path, 'journal');
      await writeFile(path, bytes);
      const file = await open(path);
      try {
        const records: unknown[] = [];
        for await (const { record } of scan(file, path, bytes.length)) records.push(record);
        return records;
      } finally {
        await file.close();
      }
    },
  },
  {
    name: 'the manifest of a backup',
    samples: [JSON.stringify({ 'git-kv': 'backup', v: 1, object_format: 'sha1', files: {}, refs: {}, host_keys: false })],
    parse: async (bytes) => {
      await writeFile(join(folder.path, MANIFEST), bytes);
      return readManifest(folder.path);
    },
  },
  {
    name: 'the manifest of a mirror’s bundle',
    samples: [MANIFEST_FILE],
    parse: (bytes) => parseManifestFile(bytes, 'manifest'),
    write: ({ manifest, signature }: SignedManifest) => `${manifestPayload(manifest)}${signature}`,
  },
  {
    name: 'a snapshot',
    large: 32 * 1024,
    samples: [SNAPSHOT],
    parse: (bytes) => told(readSnapshot(source(bytes), hasher, true)),
  },
  {
    name: 'a batch',
    samples: [BATCH],
    parse: (bytes) => {
      const { faults } = parseBatch(bytes, NOW);
      if (faults.length > 0) throw batchRefused('file', faults);
      return undefined;
    },
  },
  { name: 'a batch to import', samples: [BATCH], parse: (bytes) => told(readBatchFile(source(bytes), NOW)) },
  {
    name: 'a file to import',
    samples: [SNAPSHOT, BATCH, '[{"key":"a"}]', '{"header":{},"kvs":[]}'],
    parse: (bytes) => detectFormat(source(bytes)),
  },
  {
    name: 'an export of Consul',
    samples: ['[{"key":"a","flags":0,"value":"AAEC"}]'],
    parse: (bytes) => told(readConsul(source(bytes))),
  },
  {
    name: 'an export of etcd',
    samples: ['{"header":{},"kvs":[{"key":"YQ==","value":"AA==","lease":1}],"count":1}'],
    parse: (bytes) => told(readEtcd(source(bytes))),
  },
];

describe('parsers of files', () => {
  before(async () => {
    folder = await temporaryFolder();
  });
  after(() => folder.remove());

  holdsUp(PARSERS);
});
