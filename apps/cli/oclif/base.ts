import { Command } from '@oclif/core';
import { KvError } from '../../../ports/error.js';
import { interruptible, withSession } from '../session/interruptible.js';
import type { Session } from '../session/session.js';
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
  /** Whether it can be tried in a reality: what only reads or writes keys can. */
  static inRealities = false;

  /** Parses the command line by the table that the command's flags were made from. */
  protected async input<T extends FlagTable>(_table: T): Promise<Input<T>> {
    const { flags, raw } = await this.parse(this.ctor);
    // oclif's own argv is sorted in a way that mixes up arguments which are also a flag's value.
    const args = raw.flatMap((token) => (token.type === 'arg' ? [token.input] : []));
    if ((flags as GlobalValues).reality !== undefined && !(this.ctor as typeof KvCommand).inRealities) {
      throw new KvError('USAGE', `${this.ctor.id.replaceAll(':', ' ')} can't be tried in a reality`, {
        hint: 'in a reality, keys are read and written: get, list, history, set, del, mset, import and the like',
      });
    }
    return { flags: flags as unknown as GlobalValues & FlagValues<T>, args };
  }

  /** As `withSession`. */
  protected withClone<R>(flags: GlobalValues, work: (session: Session) => Promise<R>): Promise<R> {
    return withSession(flags, work);
  }

  /** As `interruptible`. */
  protected interruptible<R>(flags: GlobalValues, work: (session: Session, signal: AbortSignal) => Promise<R>): Promise<R> {
    return interruptible(flags, work);
  }

  protected override async catch(error: Error): Promise<never> {
    throw error;
  }
}
