import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import ssh2 from 'ssh2';
import type { Pushed } from './raw-push.js';

/** How many commands one connection starts: as many as a Stargate allows, unless its policy says otherwise. */
const PER_CONNECTION = 8;

/**
 * Keys that may push: begin `pushes` of them each and say nothing more, for `ms`, so that each costs the Stargate a git and its descriptors.
 * Gives what those were told whose push did not begin.
 */
export async function idlePushes(
  { host, port, path }: Omit<Pushed, 'keyFile'>,
  keyFiles: readonly string[],
  { pushes, ms }: { readonly pushes: number; readonly ms: number },
): Promise<string> {
  let said = '';
  const clients = await Promise.all(
    keyFiles.flatMap((keyFile) =>
      Array.from({ length: Math.ceil(pushes / PER_CONNECTION) }, async () => {
        const client = new ssh2.Client();
        client.on('error', () => undefined); // it is turned away, or thrown out
        const privateKey = await readFile(keyFile);
        client.on('ready', () => {
          for (let i = 0; i < PER_CONNECTION; i++) {
            client.exec(`git-receive-pack '${path}'`, (error, channel) => {
              if (error !== undefined) return;
              channel.on('error', () => undefined);
              channel.resume();
              channel.stderr.on('data', (text: Buffer) => (said += text.toString()));
            });
          }
        });
        client.connect({ host, port, username: 'git', privateKey, readyTimeout: ms });
        return client;
      }),
    ),
  );
  await delay(ms);
  for (const client of clients) client.destroy();
  return said;
}
