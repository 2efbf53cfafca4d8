import type { ServiceClient } from '../../../ports/git-service.js';
import { isOutOfSpace } from '../../../ports/grammar/out-of-space.js';

/** So much of the end is kept; bytes. */
const KEPT = 4096;
/** Where one packet ends and the next begins, as git's side band has it: in the middle of a sentence, too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the numbers of its two bands.
const PACKET = /[0-9a-f]{4}[\u0001\u0002]/g;
const COMPLAINT = /(?:fatal|error): ([^\n\0]{1,300})/;
/** What git says, without a reason, when it can't make the folder for what comes. */
const NO_QUARANTINE = /unable to create temporary object directory/;

/** What git's server side says to the client of a push, listened to: it refuses some pushes by itself, and tells nobody else why. */
export class GitWords {
  private end = '';
  /** The client, with the listener in front. */
  readonly client: ServiceClient;

  constructor(client: ServiceClient) {
    this.client = {
      ...client,
      output: (bytes) => {
        this.end = (this.end + Buffer.from(bytes).toString('latin1')).slice(-KEPT);
        return client.output(bytes);
      },
    };
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

  /** The first complaint. */
  get complaint(): string {
    return COMPLAINT.exec(this.text)?.[1] ?? 'it gave no reason';
  }
}
