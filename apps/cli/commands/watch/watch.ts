import {
  OLDEST,
  Watch as Feed,
  type WatchedEvent,
  type WatchNotice,
  type WatchRequest,
} from '../../../../domain/client/watch/watch.js';
import type { Clone } from '../../../../domain/client/clone/clone.js';
import { momentAt } from '../../../../domain/client/past/at.js';
import { parseHumanTime } from '../../../../domain/client/past/human-time.js';
import { parseTime } from '../../../../domain/client/write/value/expiry.js';
import { KvError } from '../../../../ports/error.js';
import { isOid } from '../../../../ports/vocabulary.js';
import { keyArgument } from '../../parse/argument-bytes.js';
import { KvCommand } from '../../oclif/base.js';
import type { Session } from '../../session/session.js';
import { type FlagTable, type FlagValues, READ_FLAGS } from '../../parse/flags.js';
import { oclifFlags } from '../../oclif/flags.js';
import { prose } from '../../render/prose.js';
import { watchDocument, watchLine } from '../../render/values/watch.js';
import { note, print, printJson, warn } from '../../io/terminal.js';
import { countFlag, durationFlag } from '../../parse/units.js';

const FLAGS = {
  since: {
    type: 'string',
    summary:
      'go on after the event of this ledger commit (in full), or after a time ("5m ago", ISO 8601); oldest begins with all that can be had (default: from now on)',
    value: 'OID|TIME',
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
(the Stargate's clock), the ledger commit, who signed (the transaction, or the intent that it was made of: as the Stargate noted it), and the keys set and deleted. With --json, a line is a JSON object; keys is null
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
        ...(await requestOf(flags, session)),
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

async function requestOf(flags: FlagValues<typeof FLAGS>, { ns, clone }: Session): Promise<WatchRequest> {
  const { since, prefix, limit, interval, once } = flags;
  if (prefix !== undefined && prefix !== '') keyArgument(prefix);
  const readFrom = flags['read-from'] === 'stargate' ? 'stargate' : 'mirror';
  return {
    ns,
    readFrom,
    ...(since === undefined ? {} : { since: await sinceFlag(since, clone, { ns, readFrom }) }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(limit === undefined ? {} : { limit: countFlag('limit', limit) }),
    ...(interval === undefined ? {} : { intervalMs: durationFlag('interval', interval) }),
    ...(once === undefined ? {} : { once }),
  };
}

/** The event to go on after: of a time, that of the newest commit which the Stargate had received by then, or the oldest. */
async function sinceFlag(text: string, clone: Clone, { ns, readFrom }: Pick<WatchRequest, 'ns' | 'readFrom'>): Promise<string> {
  if (text === OLDEST) return text;
  if (/^\d+ ?[a-z]+$/i.test(text) && isTime(`${text} ago`, clone.clock.now()))
    throw new KvError('USAGE', `--since ${JSON.stringify(text)} is no time`, { hint: `did you mean: --since "${text} ago"` });
  const { objectFormat } = clone.store;
  if (isOid(text.toLowerCase(), objectFormat)) return text.toLowerCase();
  if (!isTime(text, clone.clock.now())) {
    const what = `a full ${objectFormat} object id, a time, or ${OLDEST}`;
    throw new KvError('USAGE', `--since wants ${what}, and got ${JSON.stringify(text.slice(0, 80))}`, {
      hint: 'for example --since "2h ago"; git kv watch names the object id to go on from when it ends',
    });
  }
  try {
    return (await momentAt(clone, ns, text, { readFrom, offline: false })).ledger.oid;
  } catch (error) {
    if (KvError.is(error) && error.code === 'NOT_FOUND') return OLDEST; // nothing is as old as that
    throw error;
  }
}

const isTime = (text: string, now: number): boolean => (parseTime(text) ?? parseHumanTime(text, now)) !== undefined;

function tell(notice: WatchNotice, ns: string, from: string): void {
  if (notice.kind === 'started') note(`watching ${ns} since ${notice.resumeFrom}`);
  else if (notice.kind === 'no-watchlog') {
    const elsewhere = from === 'the mirror' ? '; the Stargate has it (--read-from=stargate)' : '';
    warn(`${from} shows the ledger of ${ns} and no watchlog beside it, so there is nothing to watch${elsewhere}`);
  } else if (notice.kind === 'behind') {
    const elsewhere = from === 'the mirror' ? '; --read-from=stargate does not wait for the mirror' : '';
    note(`${from} does not show ${notice.since} yet${notice.waits ? ', waiting for it' : ''}${elsewhere}`);
  } else if (notice.kind === 'back') note('the connection is back');
  else warn(`${notice.error.message}; asking again until it is back`);
}
