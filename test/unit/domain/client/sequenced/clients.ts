import { placeNamed } from '../../../../../adapters/remote-memory/open.js';
import { listKeys } from '../../../../../domain/client/read/list.js';
import { type Reading, readKey } from '../../../../../domain/client/read/read.js';
import { readChunks } from '../../../../../domain/client/read/value.js';
import type { RequestedOperation } from '../../../../../domain/client/write/operations.js';
import type { Receipt } from '../../../../../domain/client/write/receipt.js';
import type { WriteRequest } from '../../../../../domain/client/write/request.js';
import { write } from '../../../../../domain/client/write/write.js';
import { decodeUtf8, utf8 } from '../../../../../domain/git/bytes.js';
import { all } from '../../../../support/all.js';
import { FORMATS } from '../../../../support/memory/memory.js';
import { type MemoryClient, openMemoryClient } from '../../../../support/memory/client.js';
import { MemoryGateway } from '../../../../support/memory/gateway.js';

export const NS = 'main';
export const MIRROR = { readFrom: 'mirror', offline: false } as const;
export const sequenced = (text: string): string => text.replace('ledger_mode: linear', 'ledger_mode: sequenced');
export const set = (key: string, text: string): RequestedOperation => ({
  op: 'set',
  key,
  value: utf8(text),
  ctype: 'text/plain',
});
export const del = (key: string): RequestedOperation => ({ op: 'del', key });

/** A format of objects, and how intents come to the Stargate. */
export interface Way {
  readonly format: (typeof FORMATS)[number];
  readonly way: 'stream' | 'push';
}

export const STREAMS: readonly Way[] = FORMATS.map((format) => ({ format, way: 'stream' }));
/** A Stargate, or a way to it, without streams is pushed to. */
const WAYS: readonly Way[] = [...STREAMS, { format: 'sha1', way: 'push' }];

/** A Stargate in memory whose ledger is sequenced, and its clients; new before each test. */
export class SequencedClients {
  gateway!: MemoryGateway;
  ada!: MemoryClient;
  bob!: MemoryClient;
  private people: MemoryClient[] = [];

  async start({ format, way }: Way): Promise<void> {
    this.people = [];
    this.gateway = await MemoryGateway.start({ format, writers: ['ada', 'bob'], policy: sequenced });
    if (way === 'push') placeNamed(this.gateway.name).intents = null;
    [this.ada, this.bob] = [await this.open('ada'), await this.open('bob')];
  }

  async open(person: string): Promise<MemoryClient> {
    const client = await openMemoryClient(this.gateway, person);
    this.people.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const one of this.people) await one.close();
    await this.gateway.close();
  }
}

/** Tests that hold in each way; `at` has what each test finds. */
export function eachWay(what: string, tests: (at: SequencedClients, way: Way) => void, ways: readonly Way[] = WAYS): void {
  for (const each of ways) {
    describe(`${what} (${each.format}, by ${each.way})`, () => {
      const at = new SequencedClients();
      beforeEach(() => at.start(each));
      afterEach(() => at.close());
      tests(at, each);
    });
  }
}

export const put = (
  one: MemoryClient,
  operations: readonly RequestedOperation[],
  request: Partial<WriteRequest> = {},
): Promise<Receipt> => write(one.clone, { ns: NS, operations, ...request });

export const read = ({ clone }: MemoryClient, key: string): Promise<Reading> =>
  readKey(clone, { ns: NS, key, allowExpired: false, ...MIRROR });

/** What a key holds, as text, chunks and all. */
export async function get(one: MemoryClient, key: string): Promise<string> {
  const { value } = await read(one, key);
  if (value instanceof Uint8Array) return decodeUtf8(value) ?? '';
  return Buffer.concat(await all(readChunks(one.clone, value))).toString();
}

export const keys = async ({ clone }: MemoryClient): Promise<string[]> =>
  (await all(listKeys(clone, { ns: NS, prefix: '', long: false, allowExpired: false, ...MIRROR }))).map(({ key }) => key);
