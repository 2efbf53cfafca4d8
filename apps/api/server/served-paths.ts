interface ServedPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

/** The paths that are served, whatever the method: who has the right path is told the right methods. */
export class ServedPaths {
  private readonly paths = new Map<string, ServedPath>();

  /** Takes a route's path, as the library spells it: `/repos/:repo/files/*`. */
  add(url: string, methods: readonly string[]): void {
    const path = this.paths.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
    for (const method of methods) path.methods.add(method);
    this.paths.set(url, path);
  }

  /** The methods that a path takes, sorted; none where it is not served. */
  methodsAt(path: string): readonly string[] {
    const found = [...this.paths.values()].filter(({ pattern }) => pattern.test(path));
    return [...new Set(found.flatMap(({ methods }) => [...methods]))].sort();
  }
}

function patternOf(url: string): RegExp {
  const parts = url.split('/').map((part) => {
    if (part === '*') return '.*';
    const [, name, rest = ''] = /^(:\w+)(.*)$/.exec(part) ?? [];
    return name === undefined ? literally(part) : `[^/]+${literally(rest)}`;
  });
  return new RegExp(`^${parts.join('/')}$`);
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
