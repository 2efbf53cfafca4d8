import { createHmac } from 'node:crypto';
import { eventMatcher, type FactsOfEvents } from '../pool/event-facts.js';
import { eventShape } from '../pool/event-shape.js';
import type { LoggedEvent } from '../pool/events.js';
import { newId, type SettingsOfRepositories, type WebhookRecord } from '../pool/repository-settings.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { KvError } from '../../../ports/error.js';
import type { Delivery, DeliveryLog, DeliveryState } from './deliveries.js';
import type { Sent } from './send.js';

/** What webhooks work with. */
export interface WebhookParts {
  readonly settings: SettingsOfRepositories;
  readonly facts: FactsOfEvents;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Attempts for one delivery, and the wait before the second; each further wait is twice as long. */
  readonly attempts: number;
  readonly backoff: number;
  /** Where those of a repository are noted. */
  readonly log: (repository: string) => DeliveryLog;
  readonly send: (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<Sent>;
}

/** Deliveries that may be under way in the process, and that are sent at a time. */
const UNDER_WAY = 5000;
const AT_A_TIME = 20;

/** Tells others of what moves: signed, again where that failed, and noted. */
export class Webhooks {
  private readonly closing = new AbortController();
  private readonly running = new Map<string, Promise<void>>();
  private sending = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly parts: WebhookParts) {}

  /** Tells the webhooks of a repository that want to know. */
  async moved(id: string, event: LoggedEvent): Promise<void> {
    const wanted = this.parts.settings.of(id).webhooks.filter(({ active, events }) => active && isWanted(events, event.reason));
    if (wanted.length === 0) return;
    const facts = await this.parts.facts.of(id, event);
    for (const webhook of wanted)
      if (eventMatcher(webhook)(event, facts)) this.deliver(id, webhook, event.reason, eventShape(event, facts));
  }

  /** Begins a delivery, which goes on by itself. */
  deliver(repository: string, webhook: WebhookRecord, event: string, body: object): Delivery {
    const id = newId('dlv');
    return this.begin(repository, {
      ...{
        id,
        webhook: webhook.id,
        event,
        createdAt: this.parts.clock.now(),
        redeliveryOf: null,
        state: 'pending',
        attempts: [],
      },
      body: JSON.stringify({ id, event, repository, webhook: webhook.id, ...body }),
    });
  }

  /** Tells once more what was told, word for word. Throws `CAS_CONFLICT` for what has not ended, or is not kept any more. */
  redeliver(repository: string, { id, webhook, event, redeliveryOf, body, state }: Delivery): Delivery {
    if (state === 'pending') throw new KvError('CAS_CONFLICT', 'the delivery has not ended yet');
    if (body === null) throw new KvError('CAS_CONFLICT', 'what was sent is not kept any more');
    const again = { id: newId('dlv'), webhook, event, createdAt: this.parts.clock.now(), redeliveryOf: redeliveryOf ?? id };
    return this.begin(repository, { ...again, body, state: 'pending', attempts: [] });
  }

  /** Goes on with those of a repository that a server before this one has not ended. */
  async resume(repository: string): Promise<void> {
    for (const delivery of await this.parts.log(repository).all())
      if (delivery.state === 'pending' && !this.running.has(delivery.id)) this.begin(repository, delivery);
  }

  /** Deliveries that have not ended. */
  get underWay(): number {
    return this.running.size;
  }

  /** Newest first. Throws `IO_ERROR`. */
  async deliveries(repository: string, webhook: string): Promise<readonly Delivery[]> {
    const all = await this.parts.log(repository).all();
    return all.filter((delivery) => delivery.webhook === webhook).reverse();
  }

  /** Forgets what was sent to a webhook that is gone. */
  forget(repository: string, webhook: string): void {
    this.parts.log(repository).forget(webhook);
  }

  /** Sends nothing any more. */
  async close(): Promise<void> {
    this.closing.abort();
    for (const wake of this.waiting.splice(0)) wake();
    await Promise.all(this.running.values());
  }

  private webhook(repository: string, id: string): WebhookRecord | undefined {
    return this.parts.settings.of(repository).webhooks.find((each) => each.id === id);
  }

  private begin(repository: string, delivery: Delivery): Delivery {
    const log = this.parts.log(repository);
    if (this.running.size >= UNDER_WAY) {
      const why = { status: null, error: 'too many deliveries wait', duration: 0, isRefused: true };
      const refused: Delivery = { ...delivery, state: 'failed', attempts: [{ at: this.parts.clock.now(), ...why }] };
      log.note(refused);
      return refused;
    }
    log.note(delivery);
    const run = this.attempt(delivery, repository, log).finally(() => this.running.delete(delivery.id));
    this.running.set(delivery.id, run);
    return delivery;
  }

  private async attempt(begun: Delivery, repository: string, log: DeliveryLog): Promise<void> {
    const { clock, attempts, backoff, send } = this.parts;
    let delivery = begun;
    for (;;) {
      await this.turn();
      // What was not sent before the server ends is sent by the next one, where the repository is kept.
      if (this.closing.signal.aborted) return this.leave();
      // As it is by now: what was taken away meanwhile is not told any more, and what leads elsewhere is told there.
      const now = this.webhook(repository, begun.webhook);
      const { body } = delivery;
      if (now === undefined || body === null) return this.leave();
      const at = clock.now();
      const sent = await send(now.url, headersOf(delivery, now.secret, body), body).finally(() => this.leave());
      const tried = delivery.attempts.length + 1;
      const state = stateAfter(sent, tried < attempts);
      delivery = { ...delivery, state, attempts: [...delivery.attempts, { at, ...sent }] };
      if (this.webhook(repository, begun.webhook) === undefined) return; // and its log with it
      log.note(delivery);
      if (state !== 'pending') return;
      await clock.sleep(this.wait(backoff, tried), this.closing.signal).catch(() => undefined); // the server ends: the loop sees it
    }
  }

  /** Half of the time to one and a half, so that those who failed together don't come back together. */
  private wait(backoff: number, tried: number): number {
    const [byte = 0] = this.parts.randomness.bytes(1);
    return Math.round(Math.min(3_600_000, backoff * 2 ** (tried - 1)) * (0.5 + byte / 256));
  }

  private async turn(): Promise<void> {
    while (this.sending >= AT_A_TIME && !this.closing.signal.aborted)
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.sending += 1;
  }

  private leave(): void {
    this.sending -= 1;
    this.waiting.shift()?.();
  }
}

function headersOf({ id, redeliveryOf, event }: Delivery, secret: string, body: string): Readonly<Record<string, string>> {
  return {
    ...{ 'Content-Type': 'application/json', 'User-Agent': 'git-kv-api', 'X-Git-KV-Event': event },
    // What is told once more has the id of the first time: a receiver knows what it has had.
    ...{ 'X-Git-KV-Delivery': redeliveryOf ?? id, 'X-Git-KV-Signature-256': signature(secret, body) },
  };
}

function stateAfter({ status, isRefused }: Sent, mayTryAgain: boolean): DeliveryState {
  if (status !== null && status >= 200 && status < 300) return 'delivered';
  return isRefused || isFinal(status) || !mayTryAgain ? 'failed' : 'pending';
}

/** What a receiver compares: HMAC-SHA256 of the body, as it came. */
function signature(secret: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

function isWanted(events: readonly string[], reason: string): boolean {
  return events.includes('*') || events.includes(reason);
}

/** What the same request would be answered with again. */
function isFinal(status: number | null): boolean {
  return status !== null && status >= 300 && status < 500 && ![408, 425, 429].includes(status);
}
