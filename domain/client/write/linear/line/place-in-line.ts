import type { KnownTips } from '../../../../admin/turn.js';
import type { Clone, WritingPorts } from '../../../clone/clone.js';
import { fetchChunks } from '../../../clone/chunks-tip.js';
import { newestTip, type Tip } from '../../../clone/tips.js';
import { fetchNamespace } from '../../../remote/fetch-namespace.js';
import { requireCaughtUp } from '../../caught-up.js';
import { type News, takeNews } from '../news.js';
import { rememberLine } from './seen-lines.js';
import { type HeldTurn, knowsTip, takeTurn } from './turn.js';

/** A write's place among those who write to a namespace: the turn that it holds, and how it comes to the newest state. */
export class PlaceInLine {
  /** The turn that is held. */
  turn: HeldTurn | null = null;

  /** `canStand`: there is a line for it to stand in; `withChunks`: what it builds on has a tree of chunks that matters. */
  constructor(
    private readonly clone: Clone,
    private readonly ports: WritingPorts,
    private readonly ns: string,
    private readonly how: { readonly canStand: boolean; readonly withChunks: boolean },
  ) {
    this.impatient = how.canStand && clone.remotes.askToPush !== undefined;
  }

  /** Whether there is a line to stand in that it has not stood in yet. */
  impatient: boolean;

  /** Waits for a turn, where there is a line. */
  async stand(have: KnownTips): Promise<void> {
    if (!this.how.canStand) return;
    this.turn = await takeTurn(this.clone, this.ports, this.ns, have);
    this.impatient = false;
    await rememberLine(this.clone, this.turn, this.ns);
  }

  /** Has this clone know where the Stargate stands, unless a turn has brought that: gives it then. Throws as a fetch does. */
  async catchUp(tip: Tip | null, have: KnownTips): Promise<News | null> {
    const { clone, turn, how } = this;
    if (turn !== null && !how.withChunks) {
      const brought = await takeNews(clone, this.ports, turn, have);
      if (brought !== null) return brought;
    }
    if (turn === null || how.withChunks || !(await knowsTip(clone, turn))) await this.fetch();
    if (tip !== null) await requireCaughtUp(clone, tip);
    return null;
  }

  /** Gives the turn back, where one is held. */
  release(): void {
    this.turn?.release();
    this.turn = null;
  }

  /** The Stargate's newest state, with the chunks where they matter. */
  private async fetch(): Promise<void> {
    await fetchNamespace(this.clone, this.ns, 'stargate');
    const tip = this.how.withChunks ? await newestTip(this.clone, this.ns) : null;
    if (tip !== null) await fetchChunks(this.clone, this.ns, tip.trailers.epoch, 'stargate');
  }
}
