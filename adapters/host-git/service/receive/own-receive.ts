import { constants } from 'node:os';
import {
  type ByteSink,
  encodePkt,
  FLUSH_PKT,
  type KvError,
  type PushHooks,
  type PushProcess,
  PktReader,
  pktText,
  type ServiceClient,
  toKvError,
} from '../../../../ports/index.js';
import { drop, sinkOf } from '../byte-streams.js';
import type { Started } from '../service-process.js';
import { type CommandList, CommandReader, isForNamespaces } from './commands.js';
import { Conduit, LineReader } from './conduit.js';
import { Intake, type IntakeRequest } from './intake.js';
import { Reporter } from './report.js';

const PACK_HEADER_BYTES = 12;
/** What git's programs end with when they break off. */
const BROKEN_OFF = 128;
const STOPPED = 143;

interface OwnReceiveOptions extends IntakeRequest {
  readonly client: ServiceClient;
  /** What the client is shown first. */
  readonly greeting: () => Promise<Uint8Array>;
  /** Starts git's own receive-pack, which greets anew: that is to be left out. */
  readonly git: (client: ServiceClient) => PushProcess;
}

/**
 * A receive-pack for the refs of namespaces: as git's, but for its look at all trees of the old tips, which takes longer the more keys
 * there are. Git reads the pack, with all its checks; that everything which the new commits reach is there follows from that check and
 * from the gateway's, which knows what the parents have. Any other push is git's own to take, from its first byte.
 */
export class OwnReceive implements PushProcess {
  readonly ended: Promise<number>;
  readonly hooks: PushHooks;
  readonly input: ByteSink;
  private readonly commands = new CommandReader();
  private readonly toHost = { preReceive: new Conduit(), procReceive: new Conduit() };
  private readonly fromHost = { verdict: new Conduit(), procReceiveReply: new Conduit() };
  private readonly verdicts = new LineReader(this.fromHost.verdict);
  private taking: Promise<void>;
  private header: Buffer = Buffer.alloc(0);
  private state: 'commands' | 'git' | 'pack' | 'over' = 'commands';
  private git: PushProcess | undefined;
  private reporter: Reporter | undefined;
  private intake: Intake | undefined;
  private indexing: { readonly started: Started; readonly sink: ByteSink } | undefined;
  private list: CommandList = { commands: [], capabilities: new Set() };
  private resolve: (status: number) => void = () => undefined;
  private reject: (error: KvError) => void = () => undefined;
  private decide: () => void = () => undefined;

  constructor(private readonly options: OwnReceiveOptions) {
    this.ended = new Promise<number>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    const decided = new Promise<void>((resolve) => (this.decide = resolve));
    this.taking = options.greeting().then(
      (bytes) => options.client.output(bytes),
      (error: unknown) => this.fail(error),
    );
    this.input = { write: (bytes) => this.next(() => this.take(bytes)), end: () => void this.next(() => this.endOfInput()) };
    this.hooks = {
      preReceive: told(decided, () => this.git?.hooks.preReceive ?? this.toHost.preReceive),
      procReceive: told(decided, () => this.git?.hooks.procReceive ?? this.toHost.procReceive),
      verdict: this.answered('verdict'),
      procReceiveReply: this.answered('procReceiveReply'),
    };
  }

  stop(): void {
    this.git?.stop();
    if (this.git !== undefined || this.state === 'over') return;
    this.indexing?.started.stop();
    this.finish(STOPPED);
  }

  private answered(hook: 'verdict' | 'procReceiveReply'): ByteSink {
    const sink = (): ByteSink => this.git?.hooks[hook] ?? this.fromHost[hook];
    return { write: (bytes) => sink().write(bytes), end: () => sink().end() };
  }

  /** One after the other, in the order in which they came. */
  private next(step: () => Promise<void>): Promise<void> {
    this.taking = this.taking.then(step).catch((error: unknown) => this.fail(error));
    return this.taking;
  }

  private async take(bytes: Uint8Array): Promise<void> {
    if (this.state === 'git') return this.git?.input.write(bytes);
    if (this.state === 'pack') return this.takePack(bytes);
    if (this.state === 'over') return;
    const read = this.commands.push(bytes);
    if (read === undefined) return;
    const { list, rest } = read;
    if (list !== null && list.commands.length === 0) return this.finish(0);
    if (list === null || !isForNamespaces(list)) return this.handOn();
    this.list = list;
    this.state = 'pack';
    this.reporter = new Reporter(this.options.client, list);
    this.decide();
    const intake = await Intake.open(this.options);
    if (this.stopped) return intake.drop();
    this.intake = intake;
    if (rest.length > 0) await this.takePack(rest);
  }

  private async endOfInput(): Promise<void> {
    if (this.state === 'commands') await this.handOn(); // git has the words for it
    if (this.state === 'git') this.git?.input.end();
    else if (this.indexing !== undefined) this.indexing.sink.end();
    else if (this.state === 'pack') await this.unpacked('eof before pack header was fully read');
  }

  private async handOn(): Promise<void> {
    this.state = 'git';
    this.git = this.options.git(withoutGreeting(this.options.client));
    this.git.ended.then(this.resolve, this.reject);
    this.decide();
    await this.git.input.write(this.commands.bytes);
  }

  private async takePack(bytes: Uint8Array): Promise<void> {
    if (this.indexing !== undefined) return this.indexing.sink.write(bytes);
    this.header = Buffer.concat([this.header, bytes]);
    if (this.header.length < PACK_HEADER_BYTES || this.intake === undefined) return;
    const empty = this.header.toString('latin1', 0, 4) === 'PACK' && this.header.readUInt32BE(8) === 0;
    if (empty) return this.unpacked('ok');
    const started = this.intake.index();
    const { stdin, stdout, stderr } = started.child;
    drop(stdout);
    stderr?.on('data', (text: Uint8Array) => this.state !== 'over' && this.reporter?.say(text));
    started.child.once('exit', (_code, signal) => {
      // In git's own words for it: whoever listens tells a bound that was reached by them.
      if (signal !== null) this.reporter?.say(Buffer.from(`error: index-pack died of signal ${constants.signals[signal]}\n`));
    });
    if (stdin === null) throw new Error('a process was started without its standard input');
    this.indexing = { started, sink: sinkOf(stdin) };
    started.ended.then(
      (status) => this.unpacked(status === 0 ? 'ok' : 'index-pack abnormal exit'),
      (error: unknown) => this.fail(error),
    );
    await this.indexing.sink.write(this.header);
  }

  /** The pack has come, or not: asks the host about the push, and tells the client what has become of it. */
  private async unpacked(unpack: string): Promise<void> {
    if (this.state !== 'pack') return;
    try {
      const refused = unpack === 'ok' ? await this.judged() : 'unpacker error';
      if (this.stopped) return;
      const results = refused === null ? await this.moved() : this.list.commands.map(({ ref }) => `ng ${ref} ${refused}`);
      if (this.stopped) return;
      await this.reporter?.report(unpack, results);
      this.finish(0);
    } catch (error) {
      this.fail(error);
    }
  }

  private get stopped(): boolean {
    return this.state === 'over';
  }

  /** The pre-receive step. Null: the push is taken, and its objects are the repository's. */
  private async judged(): Promise<string | null> {
    const { intake, reporter, list } = this;
    if (intake === undefined) return 'unpacker error';
    reporter?.live();
    const lines = [`quarantine ${intake.path}`, ...list.commands.map(({ old, next, ref }) => `${old} ${next} ${ref}`), 'end'];
    this.toHost.preReceive.write(Buffer.from(`${lines.join('\n')}\n`));
    if (!(await this.verdict())) return 'pre-receive hook declined';
    this.toHost.preReceive.end();
    await intake.accept();
    return null;
  }

  /** The proc-receive step (githooks(5)): the host moves the refs. Gives the lines for each. */
  private async moved(): Promise<readonly string[]> {
    const { procReceive } = this.toHost;
    const atomic = this.list.capabilities.has('atomic') ? '\0atomic' : '';
    procReceive.write(Buffer.concat([encodePkt(`version=1${atomic}\n`), FLUSH_PKT]));
    const commands = this.list.commands.map(({ old, next, ref }) => encodePkt(`${old} ${next} ${ref}`));
    procReceive.write(Buffer.concat([...commands, FLUSH_PKT]));
    const results = new Map<string, string[]>();
    let last: string[] = [];
    const options = this.list.capabilities.has('report-status-v2');
    const reader = new PktReader();
    for await (const bytes of this.fromHost.procReceiveReply) {
      reader.push(bytes);
      for (let pkt = reader.next(); pkt !== undefined; pkt = reader.next()) {
        const line = pkt.kind === 'data' ? pktText(pkt.payload) : '';
        const [word = '', ref = ''] = line.split(' ');
        if (word === 'ok' || word === 'ng') {
          last = [line];
          results.set(ref, last);
        } else if (word === 'option' && options) last.push(line);
      }
    }
    await this.verdict();
    procReceive.end();
    return this.list.commands.flatMap(({ ref }) => results.get(ref) ?? [`ng ${ref} proc-receive failed to report status`]);
  }

  /** What the host says: to the client's terminal, and whether to go on. */
  private async verdict(): Promise<boolean> {
    for (let line = await this.verdicts.next(); line !== null; line = await this.verdicts.next()) {
      if (line === 'ok' || line === 'no') return line === 'ok';
      if (line.startsWith('say ')) this.reporter?.say(Buffer.from(`${line.slice('say '.length)}\n`));
    }
    return false;
  }

  /** Once nobody writes to the quarantine any more. */
  private async clearUp(): Promise<void> {
    await this.indexing?.started.ended.catch(() => undefined); // what it could not do, the client was told
    await this.intake?.drop();
  }

  private fail(thrown: unknown): void {
    if (this.stopped) return;
    const error = toKvError(thrown);
    this.reporter?.say(Buffer.from(`fatal: ${error.message}\n`));
    this.finish(BROKEN_OFF);
  }

  private finish(status: number): void {
    this.state = 'over';
    this.decide();
    this.reporter?.end();
    const ends = [...Object.values(this.toHost), ...Object.values(this.fromHost)];
    for (const conduit of ends) conduit.end();
    this.clearUp().then(
      () => this.resolve(status),
      (error: unknown) => this.reject(toKvError(error)),
    );
  }
}

async function* told(decided: Promise<void>, from: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  await decided;
  yield* from();
}

/** A client that has been greeted: the list of refs with which git begins is left out. */
function withoutGreeting(client: ServiceClient): ServiceClient {
  const reader = new PktReader();
  let greeting = true;
  return {
    errors: (bytes) => client.errors(bytes),
    output(bytes) {
      if (!greeting) return client.output(bytes);
      reader.push(bytes);
      for (let pkt = reader.next(); pkt !== undefined; pkt = reader.next()) {
        if (pkt.kind === 'data') continue;
        greeting = false;
        const rest = reader.rest();
        return rest.length === 0 ? undefined : client.output(rest);
      }
      return undefined;
    },
  };
}
