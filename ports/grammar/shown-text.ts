/** The most that a message shows of a text that came from outside, characters. */
const MOST_SHOWN = 200;

/** A text from outside as it may stand in a message: cut. */
export function shownText(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}
