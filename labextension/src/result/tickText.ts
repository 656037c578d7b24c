/** What stands below a mark of the time axis: as much of the date as is new there. */

import { TickMarkType } from 'lightweight-charts';

export function tickText(time: number, type: TickMarkType): string {
  const iso = new Date(time * 1000).toISOString();
  switch (type) {
    case TickMarkType.Year:
      return iso.slice(0, 4);
    case TickMarkType.Month:
      return iso.slice(0, 7);
    case TickMarkType.DayOfMonth:
      return iso.slice(5, 10);
    default:
      return iso.slice(11, 16);
  }
}
