/**
 * What a study shows: the payload that the Python side writes under
 * `application/vnd.alphintra.study.v1+json`, read so that nothing in it can break the page.
 *
 * `null` is an undefined value. Colours of figures are tokens such as `@gain`.
 */

import type {
  Cell,
  Format,
  IColumn,
  IWarning,
  Level,
  PayloadProblem
} from '../result/payload.js';

export const STUDY_MIME = 'application/vnd.alphintra.study.v1+json';

/** The version of the payload that this view understands. */
export const STUDY_VERSION = 1;

export interface IFigureBlock {
  type: 'figure';
  name: string;
  title: string;
  alt: string;
  data: Record<string, unknown>[];
  layout: Record<string, unknown>;
  height: number;
  note: string;
}

export interface ITableBlock {
  type: 'table';
  name: string;
  title: string;
  columns: IColumn[];
  rows: Cell[][];
  total: number;
  note: string;
}

export interface ITextBlock {
  type: 'text';
  lines: string[];
  level: Level;
}

export interface IFact {
  name: string;
  label: string;
  value: number | string | null;
  format: Format;
  signed: boolean;
  definition: string;
  reason: string;
  note: string;
}

export interface IFactsBlock {
  type: 'facts';
  items: IFact[];
}

export interface ITrialsBlock {
  type: 'trials';
  name: string;
  title: string;
  parameters: IColumn[];
  /** The one that was optimised comes first. */
  metrics: IColumn[];
  /** The trial's number, its parameters, its metrics. */
  rows: Cell[][];
  /** Number of the best trial. */
  best: number | null;
  total: number;
  note: string;
}

/** A part that cannot be drawn; it says so in its place, and the rest is drawn. */
export interface IUnreadBlock {
  type: 'unread';
  kind: string;
  reason: 'unknown' | 'malformed';
}

export type Block =
  | IFigureBlock
  | ITableBlock
  | ITextBlock
  | IFactsBlock
  | ITrialsBlock
  | IUnreadBlock;

export interface ISection {
  name: string;
  title: string;
  blocks: Block[];
}

/** A token's value on light and on dark ground: a colour, or a scale of them. */
export type Palette = Record<string, readonly [unknown, unknown]>;

export interface IStudy {
  kind: string;
  title: string;
  subtitle: string;
  chips: [string, unknown][];
  warnings: IWarning[];
  sentences: string[];
  sections: ISection[];
  code: string;
  palette: Palette;
}

export type Parsed =
  | { study: IStudy; problem: null }
  | { study: null; problem: PayloadProblem };

type Plain = Record<string, unknown>;

/** Kinds of traces that figures have: none of them loads anything over the network, as maps do. */
const TRACES = new Set([
  'bar',
  'box',
  'candlestick',
  'contour',
  'heatmap',
  'histogram',
  'histogram2d',
  'histogram2dcontour',
  'ohlc',
  'parcoords',
  'pie',
  'scatter',
  'scattergl',
  'violin',
  'waterfall'
]);

/** Bounds of a figure's height in pixels: a mistake must not push the notebook away. */
const HEIGHT = { default: 320, least: 80, most: 2000 };

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): string[] {
  return list(value).filter(item => typeof item === 'string');
}

function level(value: unknown): Level {
  return value === 'error' || value === 'warning' ? value : 'info';
}

/** A value that a table can hold; a nested one becomes its text. */
function cell(value: unknown): Cell {
  switch (typeof value) {
    case 'number':
    case 'string':
    case 'boolean':
      return value;
    default:
      return value === null || value === undefined
        ? null
        : JSON.stringify(value);
  }
}

function columns(value: unknown): IColumn[] | null {
  const read = list(value).filter(isPlain);
  if (!Array.isArray(value) || read.length !== value.length) {
    return null;
  }
  return read.map((item, index) => ({
    name: text(item.name) || String(index),
    label: text(item.label) || text(item.name),
    format: (text(item.format) || 'text') as Format,
    signed: item.signed === true,
    definition: text(item.definition)
  }));
}

/** Rows of `width` cells, or `null` where one has another length. */
function rows(value: unknown, width: number): Cell[][] | null {
  if (!Array.isArray(value)) {
    return null;
  }
  const read: Cell[][] = [];
  for (const row of value) {
    if (!Array.isArray(row) || row.length !== width) {
      return null;
    }
    read.push(row.map(cell));
  }
  return read;
}

function total(value: unknown, shown: number): number {
  return typeof value === 'number' && value >= shown ? value : shown;
}

function figure(block: Plain): IFigureBlock | IUnreadBlock | null {
  const data = list(block.data).filter(isPlain);
  if (!Array.isArray(block.data) || data.length !== block.data.length) {
    return null;
  }
  const strange = data.find(trace => !TRACES.has(text(trace.type) || 'scatter'));
  if (strange) {
    return { type: 'unread', kind: `figure: ${text(strange.type)}`, reason: 'unknown' };
  }
  // Pictures would be loaded from anywhere.
  const { images: _images, ...layout } = isPlain(block.layout) ? block.layout : {};
  const asked = Number(block.height);
  const height = Number.isFinite(asked) && asked > 0 ? asked : HEIGHT.default;
  return {
    type: 'figure',
    name: text(block.name),
    title: text(block.title),
    alt: text(block.alt) || text(block.title),
    data,
    layout,
    height: Math.min(HEIGHT.most, Math.max(HEIGHT.least, height)),
    note: text(block.note)
  };
}

function table(block: Plain): ITableBlock | null {
  const heads = columns(block.columns);
  const body = heads && rows(block.rows, heads.length);
  return body
    ? {
        type: 'table',
        name: text(block.name) || 'table',
        title: text(block.title),
        columns: heads,
        rows: body,
        total: total(block.total, body.length),
        note: text(block.note)
      }
    : null;
}

function fact(item: Plain, index: number): IFact {
  const value = cell(item.value);
  return {
    name: text(item.name) || String(index),
    label: text(item.label) || text(item.name),
    value: typeof value === 'boolean' ? String(value) : value,
    format: (text(item.format) || 'ratio') as Format,
    signed: item.signed === true,
    definition: text(item.definition),
    reason: text(item.reason),
    note: text(item.note)
  };
}

function trials(block: Plain): ITrialsBlock | null {
  const parameters = columns(block.parameters);
  const metrics = columns(block.metrics);
  if (!parameters || !metrics) {
    return null;
  }
  const body = rows(block.rows, 1 + parameters.length + metrics.length);
  return body
    ? {
        type: 'trials',
        name: text(block.name) || 'trials',
        title: text(block.title),
        parameters,
        metrics,
        rows: body,
        best: typeof block.best === 'number' ? block.best : null,
        total: total(block.total, body.length),
        note: text(block.note)
      }
    : null;
}

function parseBlock(value: unknown): Block {
  if (!isPlain(value) || typeof value.type !== 'string') {
    return { type: 'unread', kind: '', reason: 'malformed' };
  }
  let read: Block | null;
  switch (value.type) {
    case 'figure':
      read = figure(value);
      break;
    case 'table':
      read = table(value);
      break;
    case 'text':
      read = {
        type: 'text',
        lines: texts(value.lines),
        level: level(value.level)
      };
      break;
    case 'facts':
      read = Array.isArray(value.items)
        ? { type: 'facts', items: value.items.filter(isPlain).map(fact) }
        : null;
      break;
    case 'trials':
      read = trials(value);
      break;
    default:
      return { type: 'unread', kind: value.type, reason: 'unknown' };
  }
  return read ?? { type: 'unread', kind: value.type, reason: 'malformed' };
}

function palette(value: unknown): Palette {
  const read: Record<string, readonly [unknown, unknown]> = {};
  for (const [token, pair] of Object.entries(isPlain(value) ? value : {})) {
    if (Array.isArray(pair) && pair.length === 2) {
      read[token] = [pair[0], pair[1]];
    }
  }
  return read;
}

function chip(value: unknown): [string, unknown][] {
  return Array.isArray(value) && typeof value[0] === 'string'
    ? [[value[0], value[1]]]
    : [];
}

/** Read a value from a notebook or from the server; a part that cannot be read is kept as such. */
export function parseStudy(value: unknown): Parsed {
  if (!isPlain(value) || typeof value.version !== 'number') {
    return { study: null, problem: 'malformed' };
  }
  if (value.version > STUDY_VERSION) {
    return { study: null, problem: 'newer' };
  }
  if (typeof value.title !== 'string' || !Array.isArray(value.sections)) {
    return { study: null, problem: 'malformed' };
  }
  const study: IStudy = {
    kind: text(value.kind),
    title: value.title,
    subtitle: text(value.subtitle),
    chips: list(value.chips).flatMap(chip),
    warnings: list(value.warnings)
      .filter(isPlain)
      .map(item => ({
        code: text(item.code),
        text: text(item.text),
        level: level(item.level),
        items: texts(item.items)
      })),
    sentences: texts(value.sentences),
    sections: value.sections.filter(isPlain).map((item, index) => ({
      name: text(item.name) || String(index),
      title: text(item.title),
      blocks: list(item.blocks).map(parseBlock)
    })),
    code: text(value.code),
    palette: palette(value.palette)
  };
  return { study, problem: null };
}
