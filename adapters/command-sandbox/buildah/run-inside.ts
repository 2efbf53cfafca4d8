import { StringDecoder } from 'node:string_decoder';
import { KvError, printableText } from '../../../ports/index.js';
import { endGroup } from '../run-child.js';
import { type BuildPlace, startInside } from './namespace.js';

/** How a program inside a build's namespace ended. */
export interface Ended {
  readonly exitCode: number;
  readonly timedOut: boolean;
  /** The beginning of its standard output. */
  readonly said: string;
  /** The last line of its complaints. */
  readonly last: string;
}

/** What is kept of an output, characters. */
const KEPT = 256 * 1024;

/** Runs a program there; `log` gets both of its outputs. Throws `INTERRUPTED`, `BUSY`, `IO_ERROR`. */
export function runInside(
  place: BuildPlace,
  argv: readonly string[],
  { time, log, signal }: { readonly time: number; readonly log: (text: string) => void; readonly signal: AbortSignal },
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const interrupted = (): KvError => new KvError('INTERRUPTED', 'the build was interrupted');
    if (signal.aborted) return reject(interrupted());
    let timer: NodeJS.Timeout | undefined;
    const child = startInside(place, argv, (error) => {
      clearTimeout(timer);
      reject(error);
    });
    const end = (): void => endGroup(child);
    let timedOut = false;
    timer = setTimeout(() => {
      timedOut = true;
      end();
    }, time);
    signal.addEventListener('abort', end, { once: true });
    let said = '';
    let complaints = '';
    const hear = (stream: NodeJS.ReadableStream | null, keep: (text: string) => void): void => {
      const decoder = new StringDecoder('utf8');
      stream?.on('data', (chunk: Buffer) => {
        const text = decoder.write(chunk);
        keep(text);
        log(printableText(text));
      });
    };
    hear(child.stdout, (text) => (said = (said + text).slice(0, KEPT)));
    hear(child.stderr, (text) => (complaints = (complaints + text).slice(-2000)));
    child.once('exit', end);
    child.once('close', (code) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      if (signal.aborted) return reject(interrupted());
      const last = printableText(complaints).trim().split('\n').pop() ?? '';
      resolve({ exitCode: code ?? 137, timedOut, said, last });
    });
  });
}
