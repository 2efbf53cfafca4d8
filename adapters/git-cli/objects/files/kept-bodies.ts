import type { Body } from './body.js';

/** What holding one takes besides its bytes. */
const AROUND = 200;

/** Bodies that were read last, up to so many bytes: trees near the root and bases of deltas are asked for again and again. */
export class KeptBodies {
  private readonly bodies = new Map<string, Body>();
  private held = 0;

  constructor(private readonly most: number) {}

  get(name: string): Body | undefined {
    const body = this.bodies.get(name);
    if (body === undefined) return undefined;
    this.bodies.delete(name);
    this.bodies.set(name, body);
    return body;
  }

  /** One name stands for the same body ever after. */
  set(name: string, body: Body): void {
    const size = body.bytes.length + AROUND;
    if (this.bodies.has(name) || size > this.most / 8) return; // a large one would take the place of many
    this.bodies.set(name, body);
    this.held += size;
    for (const [oldest, { bytes }] of this.bodies) {
      if (this.held <= this.most) break;
      this.bodies.delete(oldest);
      this.held -= bytes.length + AROUND;
    }
  }
}
