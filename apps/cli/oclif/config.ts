/** The first words that several commands share. */
export const TOPICS: Readonly<Record<string, string>> = {
  cas: 'Write only when nothing has changed since it was read',
  epoch: 'Begin a new epoch, so that clones stay small',
  mirror: 'Read from a mirror that was carried here',
  reality: 'Try changes before they are true',
  plugin: 'Write a plugin',
  plugins: 'Commands that others have written',
  remote: "Connect this clone's remote with a Stargate",
  stargate: 'Ask the Stargate itself',
};

/** What oclif would find in package.json; kept here, since the bundle names its own files. */
export function oclifConfig(): object {
  return {
    bin: 'git kv',
    dirname: 'git-kv',
    topicSeparator: ' ',
    commands: { strategy: 'explicit', target: './dist/bin/commands.js', identifier: 'COMMANDS' },
  };
}
