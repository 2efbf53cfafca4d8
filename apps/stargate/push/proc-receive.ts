import { KvError } from '../../../ports/error.js';
import type { ByteSink } from '../../../ports/git-service.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';
import { encodePkt, FLUSH_PKT, MAX_PAYLOAD, PktReader, pktText } from '../../../ports/grammar/pkt-line.js';
import { oidOrNull } from '../../../domain/git/wire/push-request.js';

/** The commands as receive-pack hands them to its proc-receive hook, and what it asked for. */
interface ProcReceiveRequest {
  readonly atomic: boolean;
  readonly commands: readonly RefUpdate[];
}

/**
 * Speaks git's proc-receive protocol, version 1 (githooks(5)), up to the end of the command list.
 * Undefined when the hook ended before. Throws `GIT_ERROR` for another version. Push options are never negotiated.
 */
export async function readProcReceive(
  input: AsyncIterable<Uint8Array>,
  output: ByteSink,
): Promise<ProcReceiveRequest | undefined> {
  const reader = new PktReader();
  const commands: RefUpdate[] = [];
  let greeting: string[] | undefined;
  let greeted = false;
  for await (const bytes of input) {
    reader.push(bytes);
    for (let pkt = reader.next(); pkt !== undefined; pkt = reader.next()) {
      if (pkt.kind === 'data') {
        if (greeting === undefined) greeting = readGreeting(pktText(pkt.payload));
        else if (greeted) commands.push(readCommand(pktText(pkt.payload)));
      } else if (greeted) {
        return { atomic: greeting?.includes('atomic') ?? false, commands };
      } else {
        greeted = true;
        void output.write(Buffer.concat([encodePkt('version=1\n'), FLUSH_PKT]));
      }
    }
  }
  return undefined;
}

/** Reports on every command, in the order they came; `reason` is one line, undefined when all were carried out. */
export function reportProcReceive(output: ByteSink, commands: readonly RefUpdate[], reason: string | undefined): void {
  const lines = commands.map(({ ref }) => encodePkt(reason === undefined ? `ok ${ref}\n` : refusal(ref, reason)));
  void output.write(Buffer.concat([...lines, FLUSH_PKT]));
}

/** One `ng` line; the reason is cut, at a character, to what a pkt-line has room for after the ref. */
function refusal(ref: string, reason: string): string {
  const room = Math.max(0, MAX_PAYLOAD - Buffer.byteLength(`ng ${ref} \n`));
  const kept = Buffer.from(reason).subarray(0, room);
  return `ng ${ref} ${new TextDecoder().decode(kept, { stream: true })}\n`;
}

function readGreeting(line: string): string[] {
  const [version, capabilities = ''] = line.split('\0');
  if (version !== 'version=1') throw new KvError('GIT_ERROR', `receive-pack speaks proc-receive '${version}', not version 1`);
  return capabilities.split(' ');
}

function readCommand(line: string): RefUpdate {
  const [old = '', next = '', ...ref] = line.split(' ');
  return { ref: ref.join(' '), old: oidOrNull(old), next: oidOrNull(next) };
}
