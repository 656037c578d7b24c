/**
 * A study's figures in the colours of the theme. Figures carry tokens, so that a change of the theme
 * changes colours and nothing else: no size moves, and a zoom is kept.
 */

import type { Palette } from './payload.js';

/** What a theme gives to a figure. */
export interface ITheme {
  /** Values of the tokens on this ground. */
  tokens: Readonly<Record<string, unknown>>;
  /** Ground that hover boxes and saved pictures stand on. */
  background: string;
  border: string;
  font: string;
}

type Plain = Record<string, unknown>;
type Stops = [number, string][];

const TOKEN = /^@[a-z][a-z0-9_]*$/;

/**
 * The palette's values on light or on dark ground.
 *
 * @param directions - Colours of up and down, where the trader has chosen others than the palette's.
 */
export function tokensOf(
  palette: Palette,
  light: boolean,
  directions?: { up: string; down: string }
): Record<string, unknown> {
  const tokens: Record<string, unknown> = {};
  for (const [token, pair] of Object.entries(palette)) {
    tokens[token] = pair[light ? 0 : 1];
  }
  if (directions) {
    const scale = tokens['@low_to_high'];
    tokens['@gain'] = directions.up;
    tokens['@loss'] = directions.down;
    if (Array.isArray(scale) && scale.length === 3) {
      const [low, middle, high] = scale as Stops;
      tokens['@low_to_high'] = [
        [low![0], directions.down],
        middle,
        [high![0], directions.up]
      ];
    }
  }
  return tokens;
}

/**
 * Put the tokens' values in place, at any depth.
 *
 * Objects are copied, for Plotly writes into what it draws. Arrays without a token are not: they hold the data.
 * A token that the palette does not have is left out, so that Plotly takes its own colour.
 */
export function substitute(
  value: unknown,
  tokens: Readonly<Record<string, unknown>>
): unknown {
  if (typeof value === 'string') {
    if (!TOKEN.test(value)) {
      return value;
    }
    return Object.hasOwn(tokens, value) ? tokens[value] : undefined;
  }
  if (Array.isArray(value)) {
    let copy: unknown[] | null = null;
    for (let i = 0; i < value.length; i += 1) {
      const item: unknown = value[i];
      if (typeof item === 'number') {
        continue;
      }
      const next = substitute(item, tokens);
      if (next !== item) {
        copy ??= [...(value as unknown[])];
        // A hole would shift what follows in an array of colours.
        copy[i] = next ?? null;
      }
    }
    return copy ?? value;
  }
  if (typeof value === 'object' && value !== null) {
    const copy: Plain = {};
    for (const [key, item] of Object.entries(value)) {
      const next = substitute(item, tokens);
      if (next !== undefined) {
        copy[key] = next;
      }
    }
    return copy;
  }
  return value;
}

/** What figures have in common, as a template that each layout overrides. */
function template(theme: ITheme): Plain {
  const { tokens } = theme;
  const axis = {
    gridcolor: tokens['@grid'],
    zerolinecolor: tokens['@grid'],
    zerolinewidth: 1,
    linecolor: tokens['@grid'],
    // Ticks keep the labels away from the axis, and are not seen.
    ticks: 'outside',
    ticklen: 4,
    tickcolor: 'rgba(0,0,0,0)',
    automargin: true,
    title: { standoff: 8 }
  };
  return {
    layout: {
      colorway: [1, 2, 3, 4, 5, 6].map(at => tokens[`@series${at}`]),
      xaxis: { ...axis, showgrid: false },
      yaxis: axis,
      colorscale: {
        sequential: tokens['@little_to_much'],
        diverging: tokens['@low_to_high']
      },
      annotationdefaults: { font: { color: tokens['@ink'], size: 11 } }
    },
    data: {
      heatmap: [
        {
          colorscale: tokens['@little_to_much'],
          colorbar: { thickness: 10, outlinewidth: 0, ticklen: 3 },
          xgap: 1,
          ygap: 1
        }
      ],
      histogram: [{ marker: { line: { width: 0 } } }],
      bar: [{ marker: { line: { width: 0 } } }],
      candlestick: [
        {
          increasing: { line: { color: tokens['@gain'], width: 1 } },
          decreasing: { line: { color: tokens['@loss'], width: 1 } }
        }
      ]
    }
  };
}

const ISO = /^\d{4}-\d\d-\d\d/;

/** Dates as they are written everywhere, as short as the ticks' distance allows. */
const DATES = {
  tickformatstops: [
    { dtickrange: [null, 86_400_000 - 1], value: '%H:%M\n%Y-%m-%d' },
    { dtickrange: [86_400_000, 'M1'], value: '%m-%d\n%Y' },
    { dtickrange: ['M1', 'M12'], value: '%Y-%m' },
    { dtickrange: ['M12', null], value: '%Y' }
  ]
};

/** Give the axes across that carry dates their format; a layout's own comes first. */
function withDates(data: readonly Plain[], layout: Plain): Plain {
  const axes: Plain = {};
  for (const trace of data) {
    const first: unknown = Array.isArray(trace.x) ? trace.x[0] : null;
    if (typeof first === 'string' && ISO.test(first)) {
      const name = `xaxis${typeof trace.xaxis === 'string' ? trace.xaxis.slice(1) : ''}`;
      const hoverformat = first.length > 10 ? '%Y-%m-%d %H:%M' : '%Y-%m-%d';
      axes[name] = { ...DATES, hoverformat, ...(layout[name] as Plain | undefined) };
    }
  }
  return { ...layout, ...axes };
}

/** A figure as Plotly draws it in this theme. */
export function themed(
  figure: { data: readonly Plain[]; layout: Plain; height: number },
  theme: ITheme
): { data: Plain[]; layout: Plain } {
  const { tokens } = theme;
  const data = figure.data.map(trace => substitute(trace, tokens) as Plain);
  const own = withDates(data, substitute(figure.layout, tokens) as Plain);
  // Marks are named above the plot; the legend stands above their names.
  const noted = Array.isArray(own.annotations) && own.annotations.length > 0;
  const ownFont = (own.font ?? {}) as Plain;
  return {
    data,
    layout: {
      template: template(theme),
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)',
      margin: { l: 44, r: 12, t: noted ? 22 : 8, b: 28 },
      legend: { orientation: 'h', x: 0, y: noted ? 1.08 : 1, yanchor: 'bottom', xanchor: 'left' },
      hoverlabel: {
        bgcolor: theme.background,
        bordercolor: theme.border,
        font: { color: tokens['@ink'], family: theme.font, size: 12 }
      },
      dragmode: 'zoom',
      // Zoom and hidden series outlive a change of the theme.
      uirevision: 'kept',
      ...own,
      font: {
        family: theme.font,
        size: 11,
        color: tokens['@muted'],
        ...ownFont
      },
      height: figure.height
    }
  };
}
