import {
  OLDEST,
  Watch as Feed,
  type WatchedEvent,
  type WatchNotice,
  type WatchRequest,
} from '../../../domain/client/watch/watch.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';
import { keyArgument } from '../parse/argument-bytes.js';
import { KvCommand } from '../oclif/base.js';
import type { Session } from '../session/session.js';
import { type FlagTable, type FlagValues, READ_FLAGS } from '../parse/flags.js';
import { oclifFlags } from '../oclif/flags.js';
import { prose } from '../render/prose.js';
import { watchDocument, watchLine } from '../render/watch.js';
import { note, print, printJson, warn } from '../io/terminal.js';
import { countFlag, durationFlag, oidFlag } from '../parse/units.js';

const FLAGS = {
  since: {
    type: 'string',
    summary:
      'go on after the event of this ledger commit (in full); oldest begins with all that can be had (default: from now on)',
    value: 'OID',
  },
  prefix: { type: 'string', summary: 'only events that changed a key which starts with this', value: 'PREFIX' },
  once: { type: 'boolean', summary: 'end after what is there, instead of waiting for more' },
  limit: { type: 'string', summary: 'end after this many events', value: 'N' },
  interval: {
    type: 'string',
    summary: 'how long to wait before asking again (default: 250ms, and up to 2s when idle)',
    value: 'DURATION',
  },
  'read-from': { ...READ_FLAGS['read-from'], summary: 'where to read the watchlog; github means the mirror (the default)' },
} as const satisfies FlagTable;

/** `git kv watch`: follows the accepted transactions. */
export class Watch extends KvCommand {
  static override summary = 'follow the accepted transactions as they come';
  static override description =
    prose(`Prints a line for each transaction that the Stargate accepted, in its order and each once: when
(the Stargate's clock), the ledger commit, who signed, and the keys set and deleted. With --json, a line is a JSON object; keys is null
when the ledger commit can't be had any more, and such an event is shown whatever --prefix says. It goes on through new epochs, and
through a connection that is lost after the start. Ctrl-C (or SIGTERM) ends it with status 0 and the OID to resume from on standard
error: --since with that OID goes on without a gap or a repeat.`);
  static override examples = [
    '<%= config.bin %> watch',
    '<%= config.bin %> watch --json --prefix cfg: --read-from=stargate',
    '<%= config.bin %> watch --since 5f1c… --once --json',
  ];
  static override flags = oclifFlags(FLAGS);

  async run(): Promise<void> {
    const { flags } = await this.input(FLAGS);
    const controller = new AbortController();
    const { signal } = controller;
    const stop = (): void => controller.abort();
    // For good, and more than once: git, which runs this, sends on the Ctrl-C that the terminal has sent to both.
    process.on('SIGINT', stop).on('SIGTERM', stop);
    const show = (event: WatchedEvent): Promise<void> =>
      flags.json ? printJson(watchDocument(event)) : print(`${watchLine(event)}\n`);
    await this.withClone(flags, async (session) => {
      const feed = new Feed(session.clone, {
        ...requestOf(flags, session),
        signal,
        notify: (notice) => tell(notice, session.ns, flags['read-from'] === 'stargate' ? 'the Stargate' : 'the mirror'),
      });
      try {
        for await (const event of feed) await show(event);
      } catch (error) {
        // Git processes hear the same Ctrl-C, and one may fail by it before this process has heard.
        await new Promise((resolve) => setImmediate(resolve));
        if (!signal.aborted) throw error;
      }
      note(`resume with --since ${feed.resumeFrom}`);
    });
  }
}

function requestOf(flags: FlagValues<typeof FLAGS>, { ns, clone }: Session): WatchRequest {
  const { since, prefix, limit, interval, once } = flags;
  if (prefix !== undefined && prefix !== '') keyArgument(prefix);
  return {
    ns,
    readFrom: flags['read-from'] === 'stargate' ? 'stargate' : 'mirror',
    ...(since === undefined ? {} : { since: sinceFlag(since, clone.store.objectFormat) }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(limit === undefined ? {} : { limit: countFlag('limit', limit) }),
    ...(interval === undefined ? {} : { intervalMs: durationFlag('interval', interval) }),
    ...(once === undefined ? {} : { once }),
  };
}

const sinceFlag = (text: string, format: ObjectFormat): string => (text === OLDEST ? text : oidFlag('since', text, format));

function tell(notice: WatchNotice, ns: string, from: string): void {
  if (notice.kind === 'started') note(`watching ${ns} since ${notice.resumeFrom}`);
  else if (notice.kind === 'behind') {
    const elsewhere = from === 'the mirror' ? '; --read-from=stargate does not wait for the mirror' : '';
    note(`${from} does not show ${notice.since} yet${notice.waits ? ', waiting for it' : ''}${elsewhere}`);
  } else if (notice.kind === 'back') note('the connection is back');
  else warn(`${notice.error.message}; asking again until it is back`);
}
