import { readFile } from 'node:fs/promises';
import ssh2 from 'ssh2';
import { encodePkt, FLUSH_PKT } from '../../../../ports/grammar/git-words/pkt-line.js';

/** Where pushes go, and whose key opens the connection. */
export interface Pushed {
  readonly host: string;
  readonly port: number;
  readonly keyFile: string;
  /** As the Stargate is asked for it, such as `kv.git`. */
  readonly path: string;
}

/** The update of one ref as a client announces it, and the end of the list. */
export function announced(ref: string, next: string): Buffer {
  const line = `${'0'.repeat(next.length)} ${next} ${ref}\0 report-status side-band-64k atomic agent=git/2.39.5`;
  return Buffer.concat([encodePkt(line), FLUSH_PKT]);
}

/**
 * Says to a receive-pack whatever it is given, whatever the other side says; gives what came on the standard error. Leaves after `ms`, or
 * when the other side has ended the connection. Throws where it isn't let in.
 */
export async function rawPush({ host, port, keyFile, path }: Pushed, bytes: Iterable<Uint8Array>, ms: number): Promise<string> {
  const client = new ssh2.Client();
  const privateKey = await readFile(keyFile);
  return new Promise((resolve, reject) => {
    let said = '';
    const leave = setTimeout(() => client.destroy(), ms);
    client.once('error', reject);
    client.once('close', () => {
      clearTimeout(leave);
      resolve(said);
    });
    client.once('ready', () => {
      client.exec(`git-receive-pack '${path}'`, (error, channel) => {
        if (error !== undefined) return client.end();
        channel.on('error', () => undefined); // it is thrown out in the middle of a sentence
        channel.stderr.on('data', (text: Buffer) => (said += text.toString()));
        channel.resume();
        channel.once('close', () => client.end());
        void (async () => {
          for (const each of bytes) {
            if (channel.destroyed) return;
            if (!channel.write(each)) await new Promise((go) => channel.once('drain', go).once('close', go));
          }
        })();
      });
    });
    client.connect({ host, port, username: 'git', privateKey, readyTimeout: ms });
  });
}
