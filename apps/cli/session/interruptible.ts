import { KvError } from '../../../ports/error.js';
import { transferLine } from '../io/terminal.js';
import type { GlobalValues } from '../parse/flags.js';
import { openSession, type Session } from './session.js';

/** Opens the clone, does the work, and closes whatever was opened. */
export async function withSession<R>(flags: GlobalValues, work: (session: Session) => Promise<R>): Promise<R> {
  const session = await openSession({
    ns: flags.ns,
    reality: flags.reality,
    onProgress: flags.json === true ? undefined : transferLine(),
    offline: 'offline' in flags && flags.offline === true,
  });
  try {
    return await work(session);
  } finally {
    await session.composition.close();
  }
}

/** As `withSession`; Ctrl-C stops the work with `INTERRUPTED` instead of the process. */
export async function interruptible<R>(
  flags: GlobalValues,
  work: (session: Session, signal: AbortSignal) => Promise<R>,
): Promise<R> {
  const controller = new AbortController();
  let stop: () => void = () => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    stop = () => {
      controller.abort();
      reject(new KvError('INTERRUPTED', 'interrupted', { hint: 'run the command again; what had landed before stays' }));
    };
  });
  interrupted.catch(() => undefined); // the interruption is raced below, and may lose
  process.once('SIGINT', stop);
  try {
    return await withSession(flags, (session) => {
      const done = work(session, controller.signal);
      done.catch(() => undefined); // the work may fail after the interruption has been reported
      return Promise.race([done, interrupted]);
    });
  } finally {
    process.off('SIGINT', stop);
  }
}
