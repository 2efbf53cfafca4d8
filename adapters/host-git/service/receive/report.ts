import { encodePkt, FLUSH_PKT, MAX_PAYLOAD, type ServiceClient } from '../../../../ports/index.js';
import type { CommandList } from './commands.js';

/** As often as git's own server sides show that they live (`receive.keepAlive`). Milliseconds. */
const SIGN_OF_LIFE_MS = 5000;

/** What a client hears of its push: in bands where it has asked for them. */
export class Reporter {
  private readonly banded: boolean;
  private readonly wanted: boolean;
  private living: NodeJS.Timeout | undefined;

  constructor(
    private readonly client: ServiceClient,
    { capabilities }: Pick<CommandList, 'capabilities'>,
  ) {
    this.banded = capabilities.has('side-band-64k');
    this.wanted = capabilities.has('report-status') || capabilities.has('report-status-v2');
  }

  /** Words for the client's terminal. */
  say(text: Uint8Array): void {
    if (this.banded) for (const piece of bands(2, text)) void this.client.output(piece);
    else this.client.errors(text);
  }

  /** The client is to wait, and may take silence for an end: shows it otherwise until the report. */
  live(): void {
    if (this.banded) this.living = setInterval(() => void this.client.output(encodePkt(Uint8Array.of(1))), SIGN_OF_LIFE_MS);
  }

  /** What became of the pack and of each ref, as report-status has it. Ends the signs of life. */
  async report(unpack: string, results: readonly string[]): Promise<void> {
    this.end();
    const lines = [`unpack ${unpack}\n`, ...results.map((result) => `${result}\n`)].map((line) => encodePkt(line));
    const bytes = this.wanted ? Buffer.concat([...lines, FLUSH_PKT]) : Buffer.alloc(0);
    const pieces = this.banded ? [...bands(1, bytes), FLUSH_PKT] : [bytes];
    await this.client.output(Buffer.concat(pieces));
  }

  /** No more signs of life. Idempotent. */
  end(): void {
    clearInterval(this.living);
  }
}

function* bands(band: number, bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += MAX_PAYLOAD - 1) {
    yield encodePkt(Buffer.concat([Uint8Array.of(band), bytes.subarray(at, at + MAX_PAYLOAD - 1)]));
  }
}
