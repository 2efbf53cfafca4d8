import type { AcceptedPush, PushRequest } from '../../../domain/gateway/accept/push.js';
import type { Gateway } from '../../../domain/gateway/door.js';
import type { Sandbox } from './sandbox.js';

/** Accepts what its `check` lets through and moves the refs with `git update-ref`; records what it was asked. */
export class FakeGateway implements Gateway {
  readonly validated: PushRequest[] = [];
  readonly committed: AcceptedPush[] = [];
  readonly abandoned: AcceptedPush[] = [];
  check: (request: PushRequest) => Promise<void> = async () => undefined;
  beforeCommit: () => Promise<void> = async () => undefined;
  private tail: Promise<void> = Promise.resolve();
  private readonly releases = new Map<AcceptedPush, () => void>();

  constructor(
    private readonly sandbox: Sandbox,
    private readonly gitDir: string,
  ) {}

  async validate(request: PushRequest): Promise<AcceptedPush> {
    const before = this.tail;
    let release: () => void = () => undefined;
    this.tail = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    this.validated.push(request);
    try {
      await this.check(request);
    } catch (error) {
      release();
      throw error;
    }
    const accepted = { request, events: [] };
    this.releases.set(accepted, release);
    return accepted;
  }

  async checkIntent(): Promise<never> {
    throw new Error('no intents are expected here');
  }

  async order(): Promise<never> {
    throw new Error('no intents are expected here');
  }

  async commit(accepted: AcceptedPush): Promise<void> {
    try {
      await this.beforeCommit();
      accepted.request.confirm?.();
      for (const { ref, old, next } of accepted.request.commands) {
        const zero = '0'.repeat(40);
        this.sandbox.git(this.gitDir, 'update-ref', ref, next ?? zero, old ?? zero);
      }
      this.committed.push(accepted);
    } finally {
      this.release(accepted);
    }
  }

  abandon(accepted: AcceptedPush): void {
    if (!this.releases.has(accepted)) return;
    this.abandoned.push(accepted);
    this.release(accepted);
  }

  async recover(): Promise<{ rolledForward: number; rolledBack: number }> {
    return { rolledForward: 0, rolledBack: 0 };
  }

  private release(accepted: AcceptedPush): void {
    this.releases.get(accepted)?.();
    this.releases.delete(accepted);
  }
}
