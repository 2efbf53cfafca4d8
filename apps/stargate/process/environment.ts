/** The environment for what the daemon starts on its own account: the user's, without what would point git elsewhere. */
export function ownEnv(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !/^GIT_(?!SSH|CONFIG_(NOSYSTEM|GLOBAL)$|SSL|TRACE)/.test(name));
  return { ...(Object.fromEntries(kept) as Record<string, string>), GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
}
