/** The palette as options of the chart library. */

import {
  ChartOptions,
  ColorType,
  DeepPartial,
  LineStyle
} from 'lightweight-charts';

import type { IPalette } from './palette.js';

export function chartTheme(p: IPalette): DeepPartial<ChartOptions> {
  const crosshair = {
    color: p.muted,
    style: LineStyle.Dotted,
    labelBackgroundColor: p.muted
  };
  return {
    layout: {
      background: { type: ColorType.Solid, color: 'transparent' },
      textColor: p.muted,
      fontSize: 11,
      fontFamily: p.font,
      attributionLogo: true,
      panes: { separatorColor: p.grid, separatorHoverColor: p.grid }
    },
    grid: { vertLines: { visible: false }, horzLines: { color: p.grid } },
    // A label that the edge of its pane would cut through is left out.
    rightPriceScale: { borderVisible: false, minimumWidth: 64, entireTextOnly: true },
    crosshair: { vertLine: crosshair, horzLine: crosshair },
    timeScale: { borderColor: p.grid }
  };
}

export function candleColors({ up, down }: IPalette): Record<string, string> {
  return {
    upColor: up,
    borderUpColor: up,
    wickUpColor: up,
    downColor: down,
    borderDownColor: down,
    wickDownColor: down
  };
}

export function drawdownColors(p: IPalette): Record<string, string> {
  return { lineColor: p.down, topColor: p.downFill, bottomColor: p.downFill };
}
