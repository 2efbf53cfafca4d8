import { createHmac } from 'node:crypto';
import { eventMatcher, type FactsOfEvents } from '../pool/event-facts.js';
import { eventShape } from '../pool/event-shape.js';
import type { LoggedEvent } from '../pool/events.js';
import { newId, type SettingsOfRepositories, type WebhookRecord } from '../pool/repository-settings.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import type { Sent } from './send.js';

/** One attempt to deliver. */
export interface Attempt extends Sent {
  readonly at: number;
}

/** Something that is told to a webhook. */
export interface Delivery {
  readonly id: string;
  readonly webhook: string;
  readonly event: string;
  readonly createdAt: number;
  state: 'pending' | 'delivered' | 'failed';
  readonly attempts: Attempt[];
}

/** What webhooks work with. */
export interface WebhookParts {
  readonly settings: SettingsOfRepositories;
  readonly facts: FactsOfEvents;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Attempts for one delivery, and the wait before the second; each further wait is twice as long. */
  readonly attempts: number;
  readonly backoff: number;
  readonly send: (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<Sent>;
}

/** Deliveries that are remembered of one webhook, that may be under way in the process, and that are sent at a time. */
const REMEMBERED = 100;
const UNDER_WAY = 5000;
const AT_A_TIME = 20;

/** Tells others of what moves: signed, again where that failed, and noted. */
export class Webhooks {
  private readonly log = new Map<string, Delivery[]>();
  private readonly closing = new AbortController();
  private readonly running = new Set<Promise<void>>();
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
    const { clock } = this.parts;
    const delivery: Delivery = {
      id: newId('dlv'),
      webhook: webhook.id,
      event,
      createdAt: clock.now(),
      state: 'pending',
      attempts: [],
    };
    this.log.set(webhook.id, [...(this.log.get(webhook.id) ?? []), delivery].slice(-REMEMBERED));
    if (this.running.size >= UNDER_WAY || this.closing.signal.aborted) {
      delivery.state = 'failed';
      delivery.attempts.push({ at: clock.now(), status: null, error: 'too many deliveries wait', duration: 0, isRefused: true });
      return delivery;
    }
    const text = JSON.stringify({ id: delivery.id, event, repository, webhook: webhook.id, ...body });
    const run: Promise<void> = this.attempt(delivery, repository, webhook, text).finally(() => this.running.delete(run));
    this.running.add(run);
    return delivery;
  }

  /** Deliveries that have not ended. */
  get underWay(): number {
    return this.running.size;
  }

  /** Newest first. */
  deliveries(webhook: string): readonly Delivery[] {
    return [...(this.log.get(webhook) ?? [])].reverse();
  }

  forget(webhook: string): void {
    this.log.delete(webhook);
  }

  /** Gives up what has not been delivered. */
  async close(): Promise<void> {
    this.closing.abort();
    for (const wake of this.waiting.splice(0)) wake();
    await Promise.all(this.running);
  }

  private async attempt(delivery: Delivery, repository: string, { id, url, secret }: WebhookRecord, body: string): Promise<void> {
    const { clock, attempts, backoff, send } = this.parts;
    const headers = {
      ...{ 'Content-Type': 'application/json', 'User-Agent': 'git-kv-api', 'X-Git-KV-Event': delivery.event },
      ...{ 'X-Git-KV-Delivery': delivery.id, 'X-Git-KV-Signature-256': signature(secret, body) },
    };
    for (let tried = 1; ; tried++) {
      await this.turn();
      // What was taken away meanwhile, or is told elsewhere now, is not told here any more.
      const now = this.parts.settings.of(repository).webhooks.find((each) => each.id === id);
      if (this.closing.signal.aborted || now?.url !== url) {
        this.leave();
        delivery.state = 'failed';
        return;
      }
      const at = clock.now();
      const sent = await send(url, headers, body).finally(() => this.leave());
      delivery.attempts.push({ at, ...sent });
      if (sent.status !== null && sent.status >= 200 && sent.status < 300) {
        delivery.state = 'delivered';
        return;
      }
      if (sent.isRefused || isFinal(sent.status) || tried >= attempts) {
        delivery.state = 'failed';
        return;
      }
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

/** What a receiver compares: HMAC-SHA256 of the body, as it came. */
export function signature(secret: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

function isWanted(events: readonly string[], reason: string): boolean {
  return events.includes('*') || events.includes(reason);
}

/** What the same request would be answered with again. */
function isFinal(status: number | null): boolean {
  return status !== null && status >= 300 && status < 500 && ![408, 425, 429].includes(status);
}
