/** Where keys lead in a list of rows. No DOM. */

/** The row that a key leads to from a row, of so many; `null` of keys that lead nowhere, and where there are none. */
export function rowAt(key: string, at: number, count: number, page: number): number | null {
  const places: Readonly<Record<string, number>> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: count - 1
  };
  const to = Object.hasOwn(places, key) ? places[key] : undefined;
  return to === undefined || count === 0 ? null : Math.max(0, Math.min(count - 1, to));
}

/**
 * The row that the keyboard stands on, now that there are these rows.
 *
 * It is the one that it stood on; where that is gone the nearest that followed it, else the nearest before it; where it
 * stood on none, the first. `null` in an empty list.
 */
export function standsOn(ids: readonly string[], before: readonly string[], id: string | null): string | null {
  const there = new Set(ids);
  if (id !== null && there.has(id)) {
    return id;
  }
  const at = id === null ? -1 : before.indexOf(id);
  const near = at < 0 ? [] : [...before.slice(at + 1), ...before.slice(0, at).reverse()];
  return near.find(own => there.has(own)) ?? ids[0] ?? null;
}
