import { turnsCapability } from '../../../../ports/grammar/turns-capability.js';
import { encodePkt, FLUSH_PKT, type Oid, PktReader, pktText, type RefName } from '../../../../ports/index.js';

/** One ref update, as it came; ids of zeros stand for nothing. */
export interface Command {
  readonly old: string;
  readonly next: string;
  readonly ref: RefName;
}

/** What a client says before its pack. */
export interface CommandList {
  readonly commands: readonly Command[];
  readonly capabilities: ReadonlySet<string>;
}

/**
 * What this server side can do. All of it git's own can too, since a push may be handed on to that; but for push options, which are for
 * the host alone and are left out then: git would put a stranger's text into the environment of its hooks.
 */
const CAPABILITIES = 'report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta push-options';

/** The list of refs with which a receive-pack begins (gitprotocol-pack, "Reference Discovery"). */
export function advertisement(
  refs: readonly (readonly [RefName, Oid])[],
  { format, version1, turns = [] }: { readonly format: string; readonly version1: boolean; readonly turns?: readonly string[] },
): Uint8Array {
  const held = turnsCapability(turns);
  const said = `${CAPABILITIES} object-format=${format} agent=git-kv${held === null ? '' : ` ${held}`}`;
  const none = `${'0'.repeat(format === 'sha256' ? 64 : 40)} capabilities^{}`;
  const lines = refs.length === 0 ? [none] : refs.map(([ref, oid]) => `${oid} ${ref}`);
  const pkts = lines.map((line, i) => encodePkt(i === 0 ? `${line}\0${said}\n` : `${line}\n`));
  return Buffer.concat([...(version1 ? [encodePkt('version 1\n')] : []), ...pkts, FLUSH_PKT]);
}

const PUSH_OPTIONS = 'push-options';

const COMMAND = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) (.+)$/;

/** Collects what comes until the list of commands has ended. */
export class CommandReader {
  private readonly reader = new PktReader();
  private readonly pieces: Uint8Array[] = [];
  private readonly commands: Command[] = [];
  private capabilities: readonly string[] = [];
  /** Something among the commands that only git has an answer to. */
  private odd = false;
  /** The command list as it came, and what came behind it and its push options once these have ended. */
  private readonly lines: Uint8Array[] = [];
  private behind: Uint8Array | null = null;
  private inOptions = false;

  /** All that has come, as git is given it: without push options. */
  get bytes(): Uint8Array {
    const { behind } = this;
    if (behind === null || !this.takesOptions) return Buffer.concat(this.pieces);
    return Buffer.concat([...this.lines.map((line) => encodePkt(withoutOptions(line))), FLUSH_PKT, behind]);
  }

  private get takesOptions(): boolean {
    return this.capabilities.includes(PUSH_OPTIONS);
  }

  /**
   * Takes the next bytes. Undefined while more are needed; then the list, `null` where it is for git to read, and what has come
   * behind it.
   */
  push(bytes: Uint8Array): { readonly list: CommandList | null; readonly rest: Uint8Array } | undefined {
    this.pieces.push(bytes);
    this.reader.push(bytes);
    try {
      for (let pkt = this.reader.next(); pkt !== undefined; pkt = this.reader.next()) {
        if (pkt.kind === 'data') {
          if (!this.inOptions) this.line(pkt.payload);
        } else if (pkt.kind === 'flush' && this.takesOptions && !this.inOptions) this.inOptions = true;
        else {
          if (pkt.kind !== 'flush') return { list: null, rest: this.reader.rest() };
          this.behind = this.reader.rest();
          return { list: this.odd ? null : this.list(), rest: this.behind };
        }
      }
      return undefined;
    } catch {
      return { list: null, rest: this.reader.rest() };
    }
  }

  private line(payload: Uint8Array): void {
    this.lines.push(payload);
    const nul = payload.indexOf(0);
    const [, old = '', next = '', ref = ''] = COMMAND.exec(pktText(nul < 0 ? payload : payload.subarray(0, nul))) ?? [];
    if (ref === '') this.odd = true;
    else this.commands.push({ old, next, ref });
    if (nul >= 0)
      this.capabilities = pktText(payload.subarray(nul + 1))
        .trim()
        .split(/\s+/);
  }

  private list(): CommandList {
    return { commands: this.commands, capabilities: new Set(this.capabilities) };
  }
}

/** A line of the list that doesn't announce push options. */
function withoutOptions(line: Uint8Array): Uint8Array {
  const nul = line.indexOf(0);
  if (nul < 0) return line;
  const rest = pktText(line.subarray(nul + 1))
    .split(' ')
    .filter((word) => word !== PUSH_OPTIONS);
  return Buffer.concat([line.subarray(0, nul + 1), Buffer.from(rest.join(' '))]);
}

const isNothing = (oid: string): boolean => /^0+$/.test(oid);

/** Whether a push moves refs of namespaces alone, each once, and deletes none: what the gateway proves whole by itself. */
export function isForNamespaces({ commands }: CommandList): boolean {
  const names = new Set(commands.map(({ ref }) => ref));
  return (
    commands.length > 0 &&
    names.size === commands.length &&
    commands.every(({ ref, next }) => /^refs\/kv(-[a-z]+)?\/[A-Za-z0-9]/.test(ref) && !isNothing(next))
  );
}
