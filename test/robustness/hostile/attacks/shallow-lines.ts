import { encodePkt } from '../../../../ports/grammar/git-words/pkt-line.js';
import { announced, type Pushed, rawPush } from './raw-push.js';

const BYTES = 8 * 1024 ** 2;

/** A writer's key: names, in 8 MB a push, commits at which its history is cut off, for `ms`. Gives what the Stargate said to the last. */
export async function shallowLines(to: Pushed, ms: number): Promise<string> {
  const end = Date.now() + ms;
  let said = '';
  do said = await rawPush(to, lines(), Math.max(1, end - Date.now()));
  while (Date.now() < end);
  return said;
}

/** The lines, a few hundred together, and then a push without objects. */
export function* lines(): Generator<Uint8Array> {
  let sent = 0;
  for (let at = 0; sent < BYTES; ) {
    const some = Array.from({ length: 500 }, () => encodePkt(`shallow ${(at++).toString(16).padStart(40, 'a')}`));
    const bytes = Buffer.concat(some);
    sent += bytes.length;
    yield bytes;
  }
  yield announced('refs/heads/cut', 'c'.repeat(40));
}
