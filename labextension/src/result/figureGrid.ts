/** In how many columns the key figures stand, by how wide the view is. No DOM. */

/** The most columns of each layout; its name is part of a class in the style sheet. */
const MOST = { wide: 10, middle: 5, narrow: 2 } as const;

export type Layout = keyof typeof MOST;
export const LAYOUTS = Object.keys(MOST) as Layout[];

/** As many columns as leave the last row full, or nearly so. */
export function columnsOf(count: number, layout: Layout): number {
  return Math.ceil(count / Math.ceil(count / MOST[layout]));
}

/** In which layouts a figure stands in the right half of its row: what is said of it hangs from its right edge there. */
export function endsOf(at: number, count: number): Layout[] {
  return LAYOUTS.filter(layout => {
    const columns = columnsOf(count, layout);
    return (at % columns) + 0.5 > columns / 2;
  });
}
