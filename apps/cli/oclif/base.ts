import { Command } from '@oclif/core';
import { KvError } from '../../../ports/error.js';
import { openSession, type Session } from '../session/session.js';
import { transferLine } from '../io/terminal.js';
import { type FlagTable, type FlagValues, GLOBAL_FLAGS, type GlobalValues } from '../parse/flags.js';
import { oclifFlags } from './flags.js';

interface Input<T extends FlagTable> {
  readonly flags: GlobalValues & FlagValues<T>;
  /** The positional arguments, in order. */
  readonly args: readonly string[];
}

/** What every command has in common. Errors are left to the one door in main. */
export abstract class KvCommand extends Command {
  static override baseFlags = oclifFlags(GLOBAL_FLAGS, 'GLOBAL');

  /** Parses the command line by the table that the command's flags were made from. */
  protected async input<T extends FlagTable>(_table: T): Promise<Input<T>> {
    const { flags, raw } = await this.parse(this.ctor);
    // oclif's own argv is sorted in a way that mixes up arguments which are also a flag's value.
    const args = raw.flatMap((token) => (token.type === 'arg' ? [token.input] : []));
    return { flags: flags as unknown as GlobalValues & FlagValues<T>, args };
  }

  /** Opens the clone, does the work, and closes whatever was opened. */
  protected async withClone<R>(flags: GlobalValues, work: (session: Session) => Promise<R>): Promise<R> {
    const session = await openSession({
      ns: flags.ns,
      onProgress: flags.json === true ? undefined : transferLine(),
      offline: 'offline' in flags && flags.offline === true,
    });
    try {
      return await work(session);
    } finally {
      await session.composition.close();
    }
  }

  /** As `withClone`; Ctrl-C stops the work with `INTERRUPTED` instead of the process. */
  protected async interruptible<R>(flags: GlobalValues, work: (session: Session, signal: AbortSignal) => Promise<R>): Promise<R> {
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
      return await this.withClone(flags, (session) => {
        const done = work(session, controller.signal);
        done.catch(() => undefined); // the work may fail after the interruption has been reported
        return Promise.race([done, interrupted]);
      });
    } finally {
      process.off('SIGINT', stop);
    }
  }

  protected override async catch(error: Error): Promise<never> {
    throw error;
  }
}
