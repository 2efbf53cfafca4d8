import { KvError } from '../../../../ports/error.js';
import { shownUrl } from '../../../../ports/grammar/network/shown-url.js';
import { failedCall, readAnswer } from '../held-verb.js';
import type { ReceivePackConnection } from './connection.js';

/** What was asked, and where. */
interface Asked {
  readonly verb: string;
  readonly url: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Waits for the answer to a verb on whose connection a push is to follow, as `GitRemote.askToPush` has it. Throws what ended the connection,
 * which is closed then.
 */
export async function askOn(
  connection: ReceivePackConnection,
  { verb, url, signal }: Asked,
): Promise<{ readonly connection: ReceivePackConnection; readonly answer: unknown; readonly token: string }> {
  const call = { what: `'${verb}' at ${shownUrl(url)}`, url };
  connection.endOn(signal);
  const text = await connection.answer;
  if (text === null) {
    await connection.finish();
    throw failedCall(call, null, connection.stderr);
  }
  try {
    const answer = readAnswer(call, text);
    const token = typeof answer === 'object' && answer !== null && 'token' in answer ? answer.token : undefined;
    if (typeof token === 'string') return { connection, answer, token };
    throw new KvError('FORMAT_UNSUPPORTED', `${call.what}: the answer names no turn`, {
      hint: 'update git-kv, here or on the Stargate, whichever is older',
    });
  } catch (error) {
    connection.giveUp();
    throw error;
  }
}
