import { KvError } from '../../../ports/error.js';
import type { GitBounds, ServiceClient } from '../../../ports/git/git-service.js';
import { durationText } from '../../../ports/grammar/duration.js';
import { isOutOfSpace } from '../../../ports/grammar/git-words/out-of-space.js';
import { sizeText } from '../../../ports/grammar/size.js';

/** So much of the end is kept; bytes. */
const KEPT = 4096;
/** Where one packet ends and the next begins, as git's side band has it: in the middle of a sentence, too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the numbers of its two bands.
const PACKET = /[0-9a-f]{4}[\u0001\u0002]/g;
const COMPLAINT = /(?:fatal|error): ([^\n\0]{1,300})/;
/** What git says, without a reason, when it can't make the folder for what comes. */
const NO_QUARANTINE = /unable to create temporary object directory/;

/** What git says when it may take no more memory: of one piece of it, of all, or of a thread's. */
const NO_MEMORY = /out of memory|attempting to allocate \d+ over limit|unable to create thread/i;
/** What it says of a process of its own that has used up its processor time, by SIGXCPU. */
const NO_TIME = /died of signal 24/;

/** What git's server side says to the client of a push, listened to: it refuses some pushes by itself, and tells nobody else why. */
export class GitWords {
  private end = '';
  /** The client, with the listener in front. */
  readonly client: ServiceClient;

  constructor(client: ServiceClient) {
    this.client = {
      ...client,
      output: (bytes) => {
        this.hear(bytes);
        return client.output(bytes);
      },
      errors: (bytes) => {
        this.hear(bytes);
        client.errors(bytes);
      },
    };
  }

  private hear(bytes: Uint8Array): void {
    this.end = (this.end + Buffer.from(bytes).toString('latin1')).slice(-KEPT);
  }

  private get text(): string {
    return this.end.replace(PACKET, '');
  }

  /** The disk had no room, in so many words. */
  get sayNoRoom(): boolean {
    return isOutOfSpace(this.text);
  }

  /** The disk had no room, or something else kept git from beginning. */
  get tellOfNoRoom(): boolean {
    return this.sayNoRoom || NO_QUARANTINE.test(this.text);
  }

  /** `POLICY_VIOLATION` where git has come to one of its bounds; null where it has not said so. */
  tooMuch({ memory, time }: GitBounds): KvError | null {
    if (NO_MEMORY.test(this.text)) {
      return new KvError('POLICY_VIOLATION', `git would need more than ${sizeText(memory)} of memory to unpack the push`, {
        hint: 'push smaller files, or have an admin raise git_memory under stargate.limits of the policy',
        details: { limit: memory },
      });
    }
    if (!NO_TIME.test(this.text)) return null;
    return new KvError(
      'POLICY_VIOLATION',
      `git would need more than ${durationText(time)} of processor time to unpack the push`,
      {
        hint: 'push less at a time, or have an admin raise git_time under stargate.limits of the policy',
        details: { limit: time },
      },
    );
  }

  /** The first complaint. */
  get complaint(): string {
    return COMPLAINT.exec(this.text)?.[1] ?? 'it gave no reason';
  }
}
