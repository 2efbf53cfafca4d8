import type { ServerChannel, Session } from 'ssh2';
import type { ExecSession } from '../exec-session.js';

/** Ends the request that a channel carries: pending output first, then the status, then the channel. */
export function finishChannel(channel: ServerChannel, status: number): void {
  channel.write(Buffer.alloc(0), () => {
    channel.exit(status);
    channel.end();
  });
}

/**
 * Writes to the client's standard error.
 * ssh2 1.17 keeps the last chunk that waited for window space and would send it again when standard error has to wait,
 * so that memory is cleared once nothing is pending.
 */
function complainOn(channel: ServerChannel, text: string): void {
  const stale = channel as unknown as { _chunk?: unknown; _chunkcb?: unknown; _waitWindow?: boolean };
  if (stale._waitWindow !== true) {
    stale._chunk = undefined;
    stale._chunkcb = undefined;
  }
  channel.stderr.write(text);
}

/** The requests before the command: GIT_PROTOCOL with a value of ours is kept, everything else is turned down. */
export function onEnvironment(session: Session): () => string | undefined {
  let protocol: string | undefined;
  session.on('env', (accept, reject, info) => {
    // ssh2's types hide that `accept` and `reject` are undefined when the client wants no reply.
    const answer = (yes: boolean): void => ((yes ? accept : reject) as (() => void) | undefined)?.();
    const { key, val } = info as { key: string; val: unknown };
    const allowed = key === 'GIT_PROTOCOL' && typeof val === 'string' && /^version=[012]$/.test(val);
    if (allowed) protocol = val as string;
    answer(allowed);
  });
  return () => protocol;
}

/** An exec request over its ssh2 channel. */
export function execSession(channel: ServerChannel, facts: Omit<ExecSession, 'input' | 'output' | 'complain'>): ExecSession {
  return { ...facts, input: channel, output: channel, complain: (text) => complainOn(channel, text) };
}
