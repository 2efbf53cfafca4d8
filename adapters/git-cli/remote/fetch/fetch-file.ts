import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../../process/durable-file.js';

interface Content {
  /** `<remote> <direction> <key>` to epoch ms. */
  fetched: Record<string, number>;
  /** `<remote> <direction> <ref>` of refs that were not there at the last look. */
  absent: string[];
}

/** What is remembered about fetches, in one small file. Damaged or missing, it counts as empty: the worst is a fetch too many. */
export class FetchFile {
  private readonly path: string;

  constructor(commonDir: string) {
    this.path = join(commonDir, 'kv', 'fetched.json');
  }

  async read(): Promise<Content> {
    let value: unknown;
    try {
      value = JSON.parse(await readFile(this.path, 'utf8'));
    } catch {
      // Absent or damaged.
      value = {};
    }
    const { fetched, absent } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    const times = typeof fetched === 'object' && fetched !== null && !Array.isArray(fetched) ? Object.entries(fetched) : [];
    return {
      fetched: Object.fromEntries(times.filter((entry): entry is [string, number] => Number.isFinite(entry[1]))),
      absent: Array.isArray(absent) ? absent.filter((each): each is string => typeof each === 'string') : [],
    };
  }

  /** Reads, changes and replaces the file. Two processes at once may lose one's change, never the file. */
  async update(change: (content: Content) => void): Promise<void> {
    const content = await this.read();
    change(content);
    await replaceFile(this.path, JSON.stringify(content));
  }
}
