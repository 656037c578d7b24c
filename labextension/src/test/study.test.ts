import assert from 'node:assert/strict';
import { test } from 'node:test';

import { figureTable } from '../study/figureData.js';
import { parseStudy } from '../study/payload.js';
import { substitute, themed, tokensOf } from '../study/theme.js';

function study(blocks: unknown[], more: object = {}): unknown {
  return {
    version: 1,
    kind: 'sweep',
    title: 'SmaCross: sweep of 4 variants',
    sections: [{ name: 'all', title: 'All', blocks }],
    ...more
  };
}

function blocksOf(blocks: unknown[]): unknown[] {
  return parseStudy(study(blocks)).study!.sections[0]!.blocks;
}

test('a later version and what is no study are told apart', () => {
  assert.equal(parseStudy({ version: 2, anything: true }).problem, 'newer');
  for (const value of [null, 7, 'text', [], {}, { version: 1 }, { version: '1' }]) {
    assert.equal(parseStudy(value).problem, 'malformed');
  }
});

test('what is left out of a payload is empty', () => {
  const { study: read } = parseStudy({ version: 1, title: 'T', sections: [] });
  assert.deepEqual(read, {
    kind: '',
    title: 'T',
    subtitle: '',
    chips: [],
    warnings: [],
    sentences: [],
    sections: [],
    code: '',
    palette: {}
  });
});

test('a block of an unknown kind, or a damaged one, is kept as such beside those that are whole', () => {
  const read = blocksOf([
    { type: 'hologram' },
    { type: 'table', columns: [{ name: 'a' }], rows: [[1, 2]] },
    { type: 'trials', parameters: [{ name: 'p' }], metrics: [{ name: 'm' }], rows: [[1, 2]] },
    { type: 'facts', items: 'none' },
    { type: 'figure', data: [{ type: 'scattermap' }] },
    null,
    { type: 'text', lines: ['whole', 3], level: 'loud' }
  ]);
  assert.deepEqual(read, [
    { type: 'unread', kind: 'hologram', reason: 'unknown' },
    { type: 'unread', kind: 'table', reason: 'malformed' },
    { type: 'unread', kind: 'trials', reason: 'malformed' },
    { type: 'unread', kind: 'facts', reason: 'malformed' },
    { type: 'unread', kind: 'figure: scattermap', reason: 'unknown' },
    { type: 'unread', kind: '', reason: 'malformed' },
    { type: 'text', lines: ['whole'], level: 'info' }
  ]);
});

test('cells that a table cannot hold become text, and a figure has a sane height', () => {
  const [table, tall, none] = blocksOf([
    { type: 'table', columns: [{ name: 'a' }], rows: [[{ k: 1 }], [[1]], [null]], total: 9 },
    { type: 'figure', data: [], height: 90_000, layout: { images: [1], barmode: 'stack' } },
    { type: 'figure', data: [], title: 'Fan' }
  ]) as [{ rows: unknown; total: number }, { height: number; layout: unknown }, { height: number; alt: string }];
  assert.deepEqual(table.rows, [['{"k":1}'], ['[1]'], [null]]);
  assert.equal(table.total, 9);
  assert.equal(tall.height, 2000);
  assert.deepEqual(tall.layout, { barmode: 'stack' });
  assert.equal(none.height, 320);
  assert.equal(none.alt, 'Fan');
});

const palette = {
  '@gain': ['#0000ff', '#8888ff'],
  '@loss': ['#ff8800', '#ffaa55'],
  '@low_to_high': [
    [[0, '#ff8800'], [0.5, '#eeeeee'], [1, '#0000ff']],
    [[0, '#ffaa55'], [0.5, '#222222'], [1, '#8888ff']]
  ]
} as Record<string, [unknown, unknown]>;

test('tokens are replaced at any depth, and data are passed on as they are', () => {
  const x = [1, 2, 3];
  const trace = {
    x,
    name: '@ the open',
    marker: { color: ['@gain', '@loss', '@gain'], line: { color: '@loss' } },
    colorscale: '@low_to_high',
    fillcolor: '@unheard',
    text: ['@gain', '@unheard']
  };
  const light = substitute(trace, tokensOf(palette, true)) as typeof trace;
  assert.deepEqual(light, {
    x,
    name: '@ the open',
    marker: { color: ['#0000ff', '#ff8800', '#0000ff'], line: { color: '#ff8800' } },
    colorscale: [[0, '#ff8800'], [0.5, '#eeeeee'], [1, '#0000ff']],
    text: ['#0000ff', null]
  });
  assert.equal(light.x, x);
  const dark = substitute(trace, tokensOf(palette, false)) as typeof trace;
  assert.deepEqual(dark.marker.color, ['#8888ff', '#ffaa55', '#8888ff']);
  assert.deepEqual(trace.marker.color, ['@gain', '@loss', '@gain']);
});

test('the trader’s colours of up and down stand in figures too', () => {
  const tokens = tokensOf(palette, true, { up: 'green', down: 'red' });
  assert.equal(tokens['@gain'], 'green');
  assert.equal(tokens['@loss'], 'red');
  assert.deepEqual(tokens['@low_to_high'], [
    [0, 'red'],
    [0.5, '#eeeeee'],
    [1, 'green']
  ]);
});

test('a change of the theme moves nothing', () => {
  const block = {
    data: [{ type: 'bar', y: [1], marker: { color: '@gain' } }],
    layout: { xaxis: { title: { text: 'Sharpe' } }, legend: { x: 1 }, font: { size: 14 } },
    height: 300
  };
  const at = (light: boolean) =>
    themed(block, {
      tokens: tokensOf(palette, light),
      background: light ? 'white' : 'black',
      border: 'grey',
      font: 'sans-serif'
    }).layout as Record<string, any>;
  const [light, dark] = [at(true), at(false)];
  for (const key of ['height', 'margin', 'xaxis', 'uirevision', 'legend']) {
    assert.deepEqual(light[key], dark[key]);
  }
  assert.equal(light.height, 300);
  assert.deepEqual(light.legend, { x: 1 });
  assert.equal(light.font.size, 14);
  assert.equal(light.font.family, 'sans-serif');
});

const words = { series: 'Series', omitted: (count: number): string => `${count} more` };

test('a figure’s points are a table, one row a point', () => {
  const table = figureTable(
    [
      { name: 'median', x: ['2020-01-01', '2020-01-02'], y: [1, null] },
      { name: 'trades', x: ['2020-01-02'], y: [2], text: ['exit'] }
    ],
    { xaxis: { title: { text: 'Date' } }, yaxis: { title: 'Equity' } },
    words
  )!;
  assert.deepEqual(
    table.columns.map(column => [column.label, column.format]),
    [['Series', 'text'], ['Date', 'text'], ['Equity', 'quantity'], ['text', 'text']]
  );
  assert.deepEqual(table.rows, [
    ['median', '2020-01-01', 1, null],
    ['median', '2020-01-02', null, null],
    ['trades', '2020-01-02', 2, 'exit']
  ]);
});

test('a heat map’s cells are rows of its table; a figure without points has none', () => {
  const table = figureTable(
    [{ type: 'heatmap', x: [10, 20], y: ['a'], z: [[0.5, null]] }],
    {},
    words
  )!;
  assert.deepEqual(table.rows, [
    [10, 'a', 0.5],
    [20, 'a', null]
  ]);
  assert.equal(figureTable([{ type: 'scatter' }], {}, words), null);
});
