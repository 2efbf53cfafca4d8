import { KvError } from '../../../ports/error.js';
import type { ByteSink } from '../../../ports/git/git-service.js';
import type { RefUpdate } from '../../../ports/vocabulary.js';
import { encodePkt, FLUSH_PKT, MAX_PAYLOAD, PktReader, pktText } from '../../../ports/grammar/git-words/pkt-line.js';
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

/** What became of a command: refused, for a reason of one line; or carried out, perhaps as the move of another ref. */
export type CommandResult = { readonly refused: string } | { readonly moved: RefUpdate | null };

/** Reports on every command, in the order they came; `result` says what became of each. */
export function reportProcReceive(
  output: ByteSink,
  commands: readonly RefUpdate[],
  result: (command: RefUpdate) => CommandResult,
): void {
  const lines = commands.flatMap((command) => {
    const one = result(command);
    if ('refused' in one) return [refusal(command.ref, one.refused)];
    return [`ok ${command.ref}\n`, ...(one.moved === null ? [] : asMoveOf(one.moved))];
  });
  void output.write(Buffer.concat([...lines.map((line) => encodePkt(line)), FLUSH_PKT]));
}

/** Says that another ref has moved (gitprotocol-pack, "Report Status"). */
function asMoveOf({ ref, old, next }: RefUpdate): string[] {
  const length = (old ?? next ?? '').length;
  const id = (oid: string | null): string => oid ?? '0'.repeat(length);
  return [`option refname ${ref}\n`, `option old-oid ${id(old)}\n`, `option new-oid ${id(next)}\n`];
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
