import type { Effect } from '../../domain/gateway/replicate/effects.js';
import { LEASE } from './decisions.js';
import type { Server } from './server.js';
import type { World } from './world.js';

/** A lock that is held, as its holder knows it. */
interface Lease {
  readonly term: number;
  /** By its holder's clock. */
  renewed: number;
  /** How many entries were proposed under it, as far as was noted. */
  attempts: number;
}

/** One server's side of the lock: tries for it, renews it, and notices its loss, by its own clock. */
export class Candidacy {
  private lease: Lease | null = null;
  private patience = 0;

  constructor(
    private readonly world: World,
    private readonly server: Server,
  ) {}

  /** Begins to try, for as long as the server lives this life. */
  strive(): void {
    const { world, server } = this;
    const { life } = server;
    const strive = (): void => {
      if (life !== server.life) return;
      if (!server.isPaused) this.tend();
      world.after(world.random.between(200, 500), strive);
    };
    world.after(world.random.between(200, 500), strive);
  }

  /** The process is gone, and what it held with it. */
  forget(): void {
    this.lease = null;
  }

  /** Tries now, unless it is held. */
  acquire(): void {
    const { server, world } = this;
    if (this.lease !== null) return;
    const { life } = server;
    const asked = server.clock();
    world.callLog(
      server,
      'acquire',
      (log) => log.acquire(server.index),
      (term) => {
        if (life !== server.life || term === null || term === undefined || this.lease !== null) return;
        this.lease = { term, renewed: asked, attempts: 0 };
        world.note(server, 'has the lock', () => `term ${term}`);
        server.give({ kind: 'won', term });
      },
    );
  }

  /** Gives the lock up; of a root's, only the lead of this repository, for a moment. */
  release({ why, cutOff }: Extract<Effect, { kind: 'release' }>): void {
    const { lease, server, world } = this;
    if (world.plan.root && cutOff !== true && lease !== null) {
      world.note(server, 'leads no more for a moment', () => why);
      this.count(lease);
      this.leadAgain(lease, world.random.between(300, 1500));
      return;
    }
    world.note(server, 'gives the lock up', () => why);
    this.lease = null;
    this.patience = world.now + world.random.between(300, 1500);
    if (lease !== null)
      world.callLog(
        server,
        'release',
        (log) => log.release(server.index, lease.term),
        () => undefined,
      );
  }

  private tend(): void {
    const { lease, server, world } = this;
    if (lease === null) {
      if (world.now >= this.patience && server.replica?.mayLead === true) this.acquire();
      return;
    }
    if (server.clock() - lease.renewed > LEASE) {
      this.lose();
      return;
    }
    if (world.plan.root && !world.calm && server.leads && world.random.chance(0.1)) {
      this.count(lease);
      if (server.reopen()) this.leadAgain(lease, world.random.between(1, 50));
      return;
    }
    const asked = server.clock();
    world.callLog(
      server,
      'renew',
      (log) => log.renew(server.index, lease.term),
      (renewed) => {
        if (this.lease !== lease) return;
        if (renewed === true) lease.renewed = Math.max(asked, lease.renewed);
        if (renewed === false) this.lose();
      },
    );
  }

  private lose(): void {
    this.lease = null;
    this.world.note(this.server, 'has lost the lock');
    this.server.give({ kind: 'lost' });
  }

  /** Notes how many entries were proposed under a lock: once the repository is closed, nobody else knows. */
  private count(lease: Lease): void {
    const { term, attempt } = this.server.replica?.state.proposed ?? { term: 0, attempt: 0 };
    if (term === lease.term) lease.attempts = Math.max(lease.attempts, attempt);
  }

  private leadAgain(lease: Lease, inMs: number): void {
    const { server, world } = this;
    const { life } = server;
    world.after(inMs, () => {
      if (life !== server.life || this.lease !== lease) return;
      if (server.replica?.mayLead !== true) this.release({ kind: 'release', why: 'it may not lead', cutOff: true });
      else server.give({ kind: 'won', term: lease.term, attempts: world.bug.forgetsAttempts === true ? 0 : lease.attempts });
    });
  }
}
