import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import ssh2 from 'ssh2';
import { encodePkt, FLUSH_PKT } from '../../../../ports/grammar/git-words/pkt-line.js';
import type { Pushed } from './raw-push.js';

/** What those do who stand in line: let their turn go by; half of them hang up while they wait; begin a push in their turn that does not end. */
export type Crowding = 'never pushes' | 'hangs up' | 'trickles';

/** What they have met with. */
export interface Crowded {
  /** How many turns they had. */
  readonly turns: number;
  /** What those were told that were not let into the line, and whose push was ended. */
  readonly said: string;
}

/** As many as one key may have, unless the policy says otherwise. */
const CONNECTIONS = 96;
/** After that who hangs up does so, and a byte of a push comes, ms. */
const PATIENCE_MS = 300;
const TRICKLE_MS = 100;

/** Connections that are over: of one that was destroyed, its channels are not told. */
const gone = new WeakSet<ssh2.Client>();

/** One key that may write: stands in a namespace's line with all the connections that it may have, for `ms`, and comes again whenever it had its turn. */
export async function crowdedLine(to: Pushed, ns: string, how: Crowding, ms: number): Promise<Crowded> {
  const end = Date.now() + ms;
  const privateKey = await readFile(to.keyFile);
  const met = { turns: 0, said: '' };
  const clients = new Set<ssh2.Client>();
  const over = (): boolean => Date.now() >= end;
  const connect = async (): Promise<ssh2.Client> => {
    const client = new ssh2.Client();
    clients.add(client);
    client.on('error', () => undefined); // turned away, or thrown out
    client.once('close', () => {
      clients.delete(client);
      gone.add(client);
    });
    client.connect({ host: to.host, port: to.port, username: 'git', privateKey, readyTimeout: ms });
    await Promise.race([once(client, 'ready'), once(client, 'close')]).catch(() => undefined);
    return client;
  };
  const places = Array.from({ length: CONNECTIONS }, async (_, i) => {
    for (let client = await connect(); !over(); ) {
      if (!clients.has(client)) {
        await delay(PATIENCE_MS);
        client = await connect();
        continue;
      }
      const stood = stand(client, to.path, ns, how, met).catch(() => void client.destroy()); // it is ending
      if (how === 'hangs up' && i % 2 === 0) {
        await Promise.race([stood, delay(PATIENCE_MS)]);
        client.destroy();
      }
      await stood;
      if (!over()) await delay(PATIENCE_MS / 3);
    }
  });
  await Promise.race([Promise.all(places), delay(ms)]);
  const leave = (): void => {
    for (const client of clients) client.destroy();
  };
  leave();
  await Promise.all(places);
  leave(); // those that were coming back just then
  return met;
}

/** Stands in line once, until it is told that this is over. */
function stand(
  client: ssh2.Client,
  path: string,
  ns: string,
  how: Crowding,
  met: { turns: number; said: string },
): Promise<void> {
  const words = how === 'trickles' ? `turn ${ns} --push - -` : `turn ${ns}`;
  return new Promise((resolve) => {
    client.once('close', resolve);
    client.exec(`git-kv-admin '${path}' ${words}`, (error, channel) => {
      if (error !== undefined) return resolve();
      let answer = '';
      let had = false;
      channel.on('error', () => undefined);
      channel.once('close', () => {
        client.off('close', resolve);
        resolve();
      });
      channel.stderr.on('data', (text: Buffer) => (met.said += text.toString()));
      channel.on('data', (text: Buffer) => {
        if (had) return;
        answer += text.toString();
        const [line] = /\{.*\}(?=\n)/.exec(answer) ?? [];
        if (line === undefined) return;
        had = true;
        met.turns++;
        if (how === 'trickles') void trickle(channel, JSON.parse(line) as Told, () => gone.has(client));
      });
    });
  });
}

interface Told {
  readonly ns: string;
  readonly token: string;
  readonly ledger: string;
  readonly index: string;
}

/** Announces the next commits of a ledger and its index, and sends a pack byte by byte. */
async function trickle(channel: ssh2.ClientChannel, { ns, token, ledger, index }: Told, over: () => boolean): Promise<void> {
  const next = (old: string): string => `${old} ${randomBytes(old.length / 2).toString('hex')}`;
  const capabilities = `report-status side-band-64k atomic agent=git-kv-turn/${token}`;
  const commands = [`${next(ledger)} refs/kv/${ns}\0 ${capabilities}`, `${next(index)} refs/kv-index/${ns}`];
  channel.write(Buffer.concat([...commands.map((line) => encodePkt(line)), FLUSH_PKT]));
  for (const byte of pack()) {
    if (over() || channel.destroyed || !channel.writable) return;
    channel.write(Buffer.of(byte));
    await delay(TRICKLE_MS);
  }
}

/** A pack of one blob of 4 kB, without its digest. */
function pack(): Buffer {
  const bytes = 4096;
  const size = Buffer.of(0x80 | (3 << 4) | (bytes & 15), 0x80 | ((bytes >> 4) & 127), bytes >> 11);
  return Buffer.concat([Buffer.from('PACK\0\0\0\x02\0\0\0\x01', 'latin1'), size, deflateSync(randomBytes(bytes), { level: 0 })]);
}
