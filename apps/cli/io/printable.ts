/**
 * What would steer a terminal, or show text in another order than it has: control characters (C0, DEL, C1), bidirectional controls, line and
 * paragraph separators, characters without width that join nothing, and halves of surrogate pairs.
 */
const STEERING = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/gu;
/** The same, but for what lines of text are made of: line ends and tabs. */
const STEERING_IN_TEXT = /(?!\r?\n|\t)[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/gu;

/** A line of text that somebody else wrote, as a terminal may have it: what would steer it is shown, as JSON escapes it. */
export const printable = (line: string): string => line.replace(STEERING, shown);

/** The same of several lines. JSON stays the JSON that it is. */
export const printableText = (text: string): string => text.replace(STEERING_IN_TEXT, shown);

const shown = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
