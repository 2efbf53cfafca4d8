import { KvError, toKvError } from '../../../ports/error.js';
import type { LeaderLock, Lease } from '../../../ports/leader-lock.js';
import type { Log } from '../log.js';

/** Who leads, as this process sees it. */
export interface LeadershipState {
  readonly leader: boolean;
  readonly holder: string | null;
  readonly term: number | null;
}

export interface Leadership {
  /** The lease, while this process holds it and has finished recovery; throws `NOT_LEADER` naming the holder otherwise. */
  lease(): Promise<Lease>;
  state(): Promise<LeadershipState>;
  /** Resolves with the first lease won and recovered from; never, as long as another process leads. */
  readonly won: Promise<void>;
  /** Stops trying and gives the lease up. */
  stop(): Promise<void>;
}

export interface LeadershipOptions {
  readonly lock: LeaderLock;
  /** This process's name for people, such as `host:pid`. */
  readonly name: string;
  /** Runs after the lease was won and before the first push: recovery. A failure gives the lease up again. */
  readonly onWon: (lease: Lease) => Promise<void>;
  readonly onLost: () => void;
  readonly log: Log;
  /** Milliseconds between tries, and between checks of a held lease. */
  readonly interval?: number;
}

/** Tries for the lease once, then each interval until it is won; watches it from then on. */
export async function startLeadership(options: LeadershipOptions): Promise<Leadership> {
  const { lock, name, log, interval = 1000 } = options;
  let lease: Lease | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let complained = '';
  let resolveWon: () => void = () => undefined;
  const won = new Promise<void>((resolve) => {
    resolveWon = resolve;
  });

  const attempt = async (): Promise<void> => {
    const fresh = await lock.acquire(name);
    if (fresh === null) return;
    try {
      await options.onWon(fresh);
    } catch (error) {
      await fresh.release();
      throw error;
    }
    lease = fresh;
    complained = '';
    log.info('leader.won', { term: fresh.term });
    resolveWon();
  };

  const step = async (): Promise<void> => {
    try {
      if (lease === undefined) return await attempt();
      if (await lease.held()) return;
      lease = undefined;
      log.warn('leader.lost');
      options.onLost();
    } catch (thrown) {
      const { code, message } = toKvError(thrown);
      if (message !== complained) log.error('leader.failed', { code, message });
      complained = message;
    }
  };

  const loop = async (): Promise<void> => {
    await step();
    if (!stopped) timer = setTimeout(() => (running = loop()), interval);
  };
  // The first try's errors are the caller's: a journal that can't be read must not look like a standby.
  await attempt();
  let running: Promise<void> = Promise.resolve();
  timer = setTimeout(() => (running = loop()), interval);

  const holder = async () => lock.holder().catch(() => null);
  return {
    won,
    async lease() {
      if (lease !== undefined) return lease;
      const other = await holder();
      throw new KvError('NOT_LEADER', 'this Stargate is standing by and takes no pushes', {
        hint: other === null ? 'try again in a moment: no Stargate holds the lease yet' : `push to the leader, ${other.name}`,
      });
    },
    async state() {
      if (lease !== undefined) return { leader: true, holder: name, term: lease.term };
      const other = await holder();
      return { leader: false, holder: other?.name ?? null, term: other?.term ?? null };
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
      clearTimeout(timer);
      await lease?.release();
      lease = undefined;
    },
  };
}
