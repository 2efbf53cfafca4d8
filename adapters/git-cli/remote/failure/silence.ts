import { KvError } from '../../../../ports/error.js';
import { parseTimeLimit } from '../../../../ports/grammar/duration.js';
import { shownUrl } from '../../../../ports/grammar/network/shown-url.js';
import { readConfig } from '../../config/read-config.js';
import type { GitPlace } from '../../process/run-git.js';
import { endTree } from '../../process/process-tree.js';

/** So long may the other side say nothing. No less than an ssh server waits for a login, passphrase and all. Milliseconds. */
const DEFAULT_LIMIT_MS = 120_000;
/** What takes less never costs the reading of the configuration. Milliseconds. */
const FIRST_LOOK_MS = 1000;
/** A process that was stopped for a while and goes on must find what has come meanwhile before it counts as silence. */
const LOOKS = 4;

/** A process that talks to the other side. */
interface Talker {
  readonly pid?: number | undefined;
}

/** Ends a process, and what it has started, once its other side has been silent for as long as `kv.timeout` allows. */
export class SilenceWatch {
  private timer: NodeJS.Timeout;
  private looksLeft = LOOKS;
  private stopped = false;

  /**
   * `from` is the other side, a remote's name or a URL; `failed` hears why it is ended (`IO_ERROR`, `CONFIG_INVALID`), before
   * that happens, and of its being over.
   */
  constructor(
    private readonly place: GitPlace,
    private readonly talker: Talker,
    private readonly from: string,
    private readonly failed: (error: KvError, over: Promise<void>) => void,
  ) {
    this.timer = setTimeout(() => void this.begin(), FIRST_LOOK_MS);
  }

  /** To be called at every sign of life. */
  readonly heard = (): void => {
    this.looksLeft = LOOKS;
  };

  /** To be called when the process has ended, or needs the other side no more. */
  readonly stop = (): void => {
    this.stopped = true;
    clearTimeout(this.timer);
  };

  private async begin(): Promise<void> {
    try {
      const config = await readConfig(this.place);
      const limitMs = timeoutSetting(config.get('kv.timeout')?.at(-1));
      if (this.stopped || limitMs === 0) return;
      const who = shownUrl(config.get(`remote.${this.from}.url`)?.[0] ?? this.from);
      this.timer = setInterval(() => this.look(limitMs, who), Math.max(limitMs / LOOKS, 1));
    } catch (error) {
      this.end(error as KvError);
    }
  }

  private look(limitMs: number, who: string): void {
    if (this.looksLeft-- > 0) return;
    this.end(
      new KvError('IO_ERROR', `no answer from ${who} for ${limitMs / 1000} s`, {
        hint: 'try again; to wait longer for each sign of life: git config kv.timeout 10m (0: for ever)',
      }),
    );
  }

  private end(error: KvError): void {
    if (this.stopped) return;
    this.stop();
    this.failed(error, this.talker.pid === undefined ? Promise.resolve() : endTree(this.talker.pid));
  }
}

/** What a timer can count to. Milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** Milliseconds; 0 is no limit. Throws `CONFIG_INVALID`. */
function timeoutSetting(text: string | undefined): number {
  if (text === undefined) return DEFAULT_LIMIT_MS;
  const ms = parseTimeLimit(text);
  if (ms !== undefined) return Math.min(ms, LONGEST);
  throw new KvError('CONFIG_INVALID', `kv.timeout is ${JSON.stringify(text)}, which is no duration`, {
    hint: 'git config kv.timeout 60s',
  });
}
