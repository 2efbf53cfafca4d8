import type { Permission, Principal } from '../../../domain/access/principal.js';
import { type KvError, toKvError } from '../../../ports/error.js';
import type { ExecSession } from '../exec-session.js';
import { notListed, requirePermission } from '../permission.js';

/** A command that runs. */
export interface AtWork {
  readonly session: ExecSession;
  readonly cut: AbortController;
  /** As the route says: undefined until it has said so. */
  needs?: Permission | null;
  /** Whose the key is where it runs; throws for nobody's. Undefined as long as `needs` is. */
  pusher?: () => Principal;
  done: Promise<unknown>;
}

/** All commands that run, whoever's they are. */
export class Commands {
  private readonly atWork = new Set<AtWork>();
  /** Nothing more is begun. */
  closing = false;

  add(command: AtWork): void {
    this.atWork.add(command);
    void command.done.finally(() => this.atWork.delete(command));
  }

  /** Waits for those at hand, for at most `grace` ms, then cuts them off. */
  async close(grace: number): Promise<void> {
    this.closing = true;
    const timer = setTimeout(() => {
      for (const { cut } of this.atWork) cut.abort();
    }, grace);
    while (this.atWork.size > 0) await Promise.all([...this.atWork].map(({ done }) => done));
    clearTimeout(timer);
  }
}

/** Why a command may not go on under the policy as it is now; null where it may. A key that isn't listed any more may nothing. */
export function whyRevoked({ needs, pusher }: Pick<AtWork, 'needs' | 'pusher'>, isListed: boolean): KvError | null {
  if (!isListed) return notListed();
  if (pusher === undefined) return null;
  try {
    const now = pusher();
    if (needs !== undefined && needs !== null) requirePermission(now, needs);
    return null;
  } catch (error) {
    return toKvError(error);
  }
}
