import { listKeys, type ListedKey } from '../../../domain/client/list.js';
import { keyArgument } from '../argument-bytes.js';
import { KvError } from '../../../ports/error.js';
import { KvCommand } from '../base.js';
import { AT_FLAG, EXPIRED_FLAG, type FlagTable, READ_FLAGS } from '../flags.js';
import { oclifFlags } from '../oclif-flags.js';
import { prose } from '../prose.js';
import { freshnessOf } from '../read-flags.js';
import { listedDocument, LONG_HEAD, longLine } from '../render/list.js';
import { print } from '../terminal.js';
import { countFlag } from '../units.js';

const FLAGS = {
  prefix: { type: 'string', summary: 'only keys that start with this', value: 'TEXT' },
  long: { type: 'boolean', char: 'l', summary: 'also size, time, when it expires, and content type' },
  limit: { type: 'string', summary: 'stop after this many keys', value: 'N' },
  after: { type: 'string', summary: 'only keys that come after this one: the next page', value: 'KEY' },
  ...AT_FLAG,
  null: { type: 'boolean', char: '0', summary: 'end each key with a NUL byte instead of a newline' },
  ...READ_FLAGS,
  ...EXPIRED_FLAG,
} as const satisfies FlagTable;

const BUFFERED = 32_768;

export class List extends KvCommand {
  static override summary = 'list keys';
  static override description = prose(`Prints the keys as they are read from the prefix index, without reading
values, in the order of their urlsafe form. Deleted keys are left out, and expired ones too, unless --allow-expired is
given. With --at, lists what there was then, in whichever epoch; what had expired is judged by that time too.`);
  static override examples = [
    '<%= config.bin %> list --prefix user:42:',
    '<%= config.bin %> list --long --limit 100',
    '<%= config.bin %> list --prefix cfg: --at 2027-01-31',
    '<%= config.bin %> list --limit 100 --after user:42:profile',
    '<%= config.bin %> list -0 | xargs -0 -n 1 <%= config.bin %> get --offline --',
  ];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    const { prefix = '', after, limit, long = false, json = false } = flags;
    if (prefix !== '') keyArgument(prefix);
    if (after !== undefined) keyArgument(after);
    if (json && flags.null)
      throw new KvError('USAGE', '--json and --null contradict each other', { hint: 'leave one of them out' });
    const request = { prefix, long, allowExpired: flags['allow-expired'] === true, ...freshnessOf(flags) };
    const range = {
      ...(after === undefined ? {} : { after }),
      ...(flags.at === undefined ? {} : { at: flags.at }),
      ...(limit === undefined ? {} : { limit: countFlag('limit', limit) }),
    };
    await this.withClone(flags, async ({ clone, ns }) => {
      const keys = listKeys(clone, { ns, ...request, ...range });
      if (json) await printDocument(ns, keys);
      else if (long && !flags.null) await printLong(keys);
      else await printAll(keys, (item) => `${long ? longLine(item) : item.key}${flags.null ? '\0' : '\n'}`);
    });
  }
}

/** Prints in pieces of a size that a pipe takes well. */
async function printAll(keys: AsyncIterable<ListedKey>, render: (item: ListedKey) => string): Promise<void> {
  let pending = '';
  for await (const item of keys) {
    pending += render(item);
    if (pending.length < BUFFERED) continue;
    await print(pending);
    pending = '';
  }
  await print(pending);
}

/** Lines under a head, which is left out when there is nothing. */
async function printLong(keys: AsyncIterable<ListedKey>): Promise<void> {
  let head = `${LONG_HEAD}\n`;
  await printAll(keys, (item) => {
    const line = `${head}${longLine(item)}\n`;
    head = '';
    return line;
  });
}

/** One JSON document, printed as the keys come. Nothing is printed before the first has come, so that an error can stand alone. */
async function printDocument(ns: string, keys: AsyncIterable<ListedKey>): Promise<void> {
  const head = `{"ok":true,"ns":${JSON.stringify(ns)},"keys":[`;
  let first = true;
  await printAll(keys, (item) => {
    const start = first ? head : ',\n';
    first = false;
    return `${start}${JSON.stringify(listedDocument(item))}`;
  });
  await print(first ? `${head}]}\n` : ']}\n');
}
