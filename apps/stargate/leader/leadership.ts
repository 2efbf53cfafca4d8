import { KvError, toKvError } from '../../../ports/error.js';
import type { LeaderLock, Lease } from '../../../ports/stargate/leader-lock.js';
import type { Log } from '../log/log.js';

/** Who leads, as this process sees it. */
export interface LeadershipState {
  readonly leader: boolean;
  readonly holder: string | null;
  readonly term: number | null;
}

/** What runs while this process leads. */
export interface Reversible {
  /** Stops all that taking over has started, and nothing else. Never throws. */
  stepDown(): Promise<void>;
}

/** Whether this process leads, over any number of terms won and lost. */
export interface Leadership<Term extends Reversible> {
  /** What runs while this process leads; undefined from the moment the lease is known to be lost, and on a standby. */
  readonly current: Term | undefined;
  /** As `current`, but throws `NOT_LEADER`, naming the holder, on a standby. Waits a moment where this process is about to lead. */
  lead(): Promise<Term>;
  state(): Promise<LeadershipState>;
  /** Stops trying, steps down and gives the lease up. */
  stop(): Promise<void>;
}

interface LeadershipOptions<Term extends Reversible> {
  readonly lock: LeaderLock;
  /** This process's name for people, such as `host:pid`. */
  readonly name: string;
  /** Runs after each lease won. Where it fails, it has undone what it began, and the lease is given up again. */
  readonly takeOver: (lease: Lease) => Promise<Term>;
  /** Given each error of a try; what it gives back is logged, and told to whoever asks to be led meanwhile. */
  readonly failed?: (error: KvError) => KvError;
  /** Where a holder of the lock is pushed to, as far as is known. */
  readonly pushUrlOf?: (holder: string) => string | undefined;
  /** Which errors of the first try are no reason not to start, besides want of room: of a cluster, that the others are not there yet. */
  readonly bears?: (error: KvError) => boolean;
  /** Whether this process is about to lead: whoever wants to be led waits a moment for it. */
  readonly soon?: () => boolean;
  readonly log: Log;
  /** Milliseconds between tries, and between checks of a held lease; a lease that says by itself that it is lost is heard at once. */
  readonly interval?: number;
}

/** A lease, what runs under it, and its end once that has begun. */
interface Reign<Term> {
  readonly lease: Lease;
  readonly term: Term;
  ending?: Promise<void>;
}

/** For how long, and how often it is looked, whoever wants to be led waits for a process that is about to lead, ms. */
const SOON_MS = 5000;
const LOOK_MS = 10;

/** Tries for the lease once, then each interval while it isn't held. Throws what the first try throws, but for want of room on the disk. */
export async function startLeadership<Term extends Reversible>(options: LeadershipOptions<Term>): Promise<Leadership<Term>> {
  const { lock, name, log, interval = 1000 } = options;
  let reign: Reign<Term> | undefined;
  let stopped = false;
  let complained = '';
  /** Why the last try came to nothing, where that was for want of room. */
  let noRoom: KvError | undefined;
  let wake: () => void = () => undefined;

  const end = (one: Reign<Term>): Promise<void> => (one.ending ??= endOnce(one));
  const endOnce = async ({ lease, term }: Reign<Term>): Promise<void> => {
    lease.lost.removeEventListener('abort', onLost);
    await term.stepDown();
    // Only now: until everything has stopped, nobody should begin who can still be kept from it.
    await lease.release().catch((error: unknown) => log.warn('leader.release', { message: toKvError(error).message }));
    reign = undefined;
  };
  const lose = async (one: Reign<Term>): Promise<void> => {
    if (one.ending !== undefined) return one.ending;
    const { term, lost } = one.lease;
    log.warn('leader.lost', { term, ...(KvError.is(lost.reason) ? { message: lost.reason.message } : {}) });
    await end(one);
    log.info('leader.stepped-down', { term: one.lease.term });
  };
  const onLost = (): void => {
    if (reign !== undefined) void lose(reign);
    wake();
  };

  const attempt = async (): Promise<void> => {
    const lease = await lock.acquire(name);
    noRoom = undefined;
    if (lease === null) return;
    let term: Term;
    try {
      term = await options.takeOver(lease);
    } catch (error) {
      await lease.release();
      throw error;
    }
    reign = { lease, term };
    complained = '';
    log.info('leader.won', { term: lease.term });
    if (lease.lost.aborted) return lose(reign);
    lease.lost.addEventListener('abort', onLost, { once: true });
  };

  const complain = (thrown: unknown): void => {
    const { failed = (error: KvError) => error } = options;
    const cause = toKvError(thrown);
    const error = failed(cause);
    if (error.code === 'STORAGE_FULL') noRoom = error;
    if (cause.message !== complained) log.error('leader.failed', { code: error.code, message: cause.message });
    complained = cause.message;
  };
  const step = async (): Promise<void> => {
    try {
      if (reign === undefined) return await attempt();
      if (reign.ending !== undefined || !(await reign.lease.held())) await lose(reign);
    } catch (thrown) {
      complain(thrown);
    }
  };

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, interval);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const run = async (): Promise<void> => {
    while (!stopped) {
      await pause();
      if (!stopped) await step();
    }
  };
  // The first try's errors are the caller's: a journal that can't be read must not look like a standby.
  try {
    await attempt();
  } catch (thrown) {
    const error = toKvError(thrown);
    if (error.code !== 'STORAGE_FULL' && options.bears?.(error) !== true) throw thrown;
    complain(thrown); // there will be room again; until then readers are served
  }
  const running = run();

  const leading = (): Reign<Term> | undefined => (reign === undefined || reign.ending !== undefined ? undefined : reign);
  const holder = async () => lock.holder().catch(() => null); // for people only: who asks is told "nobody"
  return {
    get current() {
      return leading()?.term;
    },
    async lead() {
      for (const until = performance.now() + SOON_MS; leading() === undefined && options.soon?.() === true; ) {
        if (performance.now() > until) break;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      const here = leading();
      if (here !== undefined) return here.term;
      if (noRoom !== undefined) throw noRoom;
      const other = await holder();
      const url = other === null ? undefined : options.pushUrlOf?.(other.name);
      throw new KvError('NOT_LEADER', 'this Stargate is standing by and takes no pushes', {
        hint:
          other === null ? 'try again in a moment: no Stargate holds the lease yet' : `push to the leader, ${url ?? other.name}`,
        ...(url === undefined ? {} : { details: { push_url: url } }),
      });
    },
    async state() {
      const here = leading();
      if (here !== undefined) return { leader: true, holder: name, term: here.lease.term };
      const other = await holder();
      return { leader: false, holder: other?.name ?? null, term: other?.term ?? null };
    },
    async stop() {
      stopped = true;
      wake();
      await running;
      if (reign !== undefined) await end(reign);
    },
  };
}
