/** What is kept of what one build says, characters. */
const KEPT = 1024 * 1024;

/** What a build has said, for those who come later, and says, for those who listen. */
export class BuildLog {
  private text = '';
  private hasEnded = false;
  private readonly listeners = new Set<(text: string | null) => void>();

  add(text: string): void {
    if (this.text.length >= KEPT) return;
    const room = KEPT - this.text.length;
    const kept = text.length > room ? `${text.slice(0, room)}\n(what follows is not kept)\n` : text;
    this.text += kept;
    for (const listener of this.listeners) listener(kept);
  }

  end(): void {
    this.hasEnded = true;
    for (const listener of [...this.listeners]) listener(null);
    this.listeners.clear();
  }

  said(): string {
    return this.text;
  }

  /** Calls a listener with what is said from now on, and with null at the end; gives what ends it. */
  listen(listener: (text: string | null) => void): () => void {
    if (this.hasEnded) listener(null);
    else this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
