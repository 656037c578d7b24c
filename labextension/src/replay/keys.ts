/** The keys of a replay that has the focus. */

export type Command =
  | 'back'
  | 'step'
  | 'play'
  | 'order'
  | 'fill'
  | 'trade'
  | 'refusal'
  | 'date';

const COMMANDS: Record<string, Command> = {
  ArrowLeft: 'back',
  ArrowRight: 'step',
  ' ': 'play',
  n: 'order',
  f: 'fill',
  t: 'trade',
  d: 'date'
};

/** The keys as they are shown beside what they do. */
export const KEY_NAMES: Partial<Record<Command, string>> = {
  back: '\u2190',
  step: '\u2192',
  play: 'space',
  order: 'n',
  fill: 'f',
  trade: 't',
  date: 'd'
};

interface IKey {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** The command of a key, `null` for keys that are somebody else's: a shortcut, or what is typed in a field. */
export function commandOf(event: IKey, inField: boolean): Command | null {
  if (inField || event.ctrlKey || event.metaKey || event.altKey) {
    return null;
  }
  return COMMANDS[event.key] ?? null;
}
