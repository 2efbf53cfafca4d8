import type { Sent } from './send.js';

/** One attempt to deliver. */
export interface Attempt extends Sent {
  readonly at: number;
}

/** Where a delivery is. */
export type DeliveryState = 'pending' | 'delivered' | 'failed';

/** Something that is told to a webhook. */
export interface Delivery {
  readonly id: string;
  readonly webhook: string;
  readonly event: string;
  readonly createdAt: number;
  /** The delivery that is told once more; null for one that is told of itself. */
  readonly redeliveryOf: string | null;
  /** What is posted; null where it is not kept any more. */
  readonly body: string | null;
  readonly state: DeliveryState;
  readonly attempts: readonly Attempt[];
}

/** Deliveries that are remembered of one webhook. */
const REMEMBERED = 100;

/** What was sent to the webhooks of one repository. Nobody waits until it is noted. */
export interface DeliveryLog {
  /** Whether it is there after a restart. */
  readonly isKept: boolean;
  /** Notes a new one, or what has become of one. */
  note(delivery: Delivery): void;
  /** Forgets those of a webhook. */
  forget(webhook: string): void;
  /** What was noted, oldest first. Throws `IO_ERROR`. */
  all(): Promise<readonly Delivery[]>;
  /** Notes nothing any more; resolves once nothing is being written. */
  close(): Promise<void>;
}

/** The newest of each webhook, of which no more bytes of bodies are kept than there may be: the oldest lose theirs first. */
export function newest(deliveries: readonly Delivery[], bytes: number): Delivery[] {
  const counts = new Map<string, number>();
  let room = bytes;
  const kept: Delivery[] = [];
  for (const delivery of [...deliveries].reverse()) {
    const count = (counts.get(delivery.webhook) ?? 0) + 1;
    counts.set(delivery.webhook, count);
    // What has not ended is still to be sent.
    const isNeeded = delivery.state === 'pending';
    if (count > REMEMBERED && !isNeeded) continue;
    room -= delivery.body?.length ?? 0;
    kept.push(room < 0 && !isNeeded ? { ...delivery, body: null } : delivery);
  }
  return kept.reverse();
}

/** What is kept of bodies in memory, of one repository, characters. */
const IN_MEMORY = 128 * 1024;

/** The log of a repository that lives in memory. */
export class MemoryDeliveries implements DeliveryLog {
  readonly isKept = false;
  private noted = new Map<string, Delivery>();
  private isClosed = false;

  note(delivery: Delivery): void {
    if (this.isClosed) return;
    const isNew = !this.noted.has(delivery.id);
    this.noted.set(delivery.id, delivery);
    if (isNew) this.noted = byId(newest([...this.noted.values()], IN_MEMORY));
  }

  forget(webhook: string): void {
    this.noted = byId([...this.noted.values()].filter((delivery) => delivery.webhook !== webhook));
  }

  async all(): Promise<readonly Delivery[]> {
    return [...this.noted.values()];
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.noted.clear();
  }
}

/** Deliveries by their ids, in the order in which they stand. */
export function byId(deliveries: readonly Delivery[]): Map<string, Delivery> {
  return new Map(deliveries.map((delivery) => [delivery.id, delivery]));
}
