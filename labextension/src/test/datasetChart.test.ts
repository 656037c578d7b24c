import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IDatasetCandles } from '../api/datasets.js';
import { CandleLoader } from '../datasets/candleLoader.js';
import { bars } from '../datasets/chart.js';
import { IDrawn, around, columnOf, countOf, drawnOf, eachFor, partFor, placeOf, rising, rowAt, suffices } from '../datasets/chartWindow.js';
import { LEAST_SPACING, leastSpacing, wholeRange } from '../result/timeline.js';
import { queryOf } from '../datasets/downloadQuery.js';
import { marksOn } from '../datasets/report.js';

/** What the server answers to a part: as many candles as it takes, the first begun by any row. */
function answered(first: number, stop: number, points: number, total: number): IDrawn {
  let each = 1;
  while (stop - first > points && Math.floor((stop - first) / each) + 2 > points) {
    each *= 2;
  }
  const start = Math.floor(first / each);
  const time = Array.from({ length: Math.ceil(stop / each) - start }, (_, i) => (start + i) * each * 60);
  const found = { symbol: 'A', bars: true, rows_each: each, first_row: first, total_rows: total, time, close: time };
  return drawnOf(found as unknown as IDatasetCandles);
}

test('the labels at both ends of the axis are whole', () => {
  const label = 52;
  for (const [start, count, width] of [[0, 3_000, 900], [0, 5, 300], [128, 1_000, 640]] as const) {
    const range = wholeRange({ start, time: Array.from({ length: count }, (_, i) => i) }, width, label)!;
    const pixels = width / (range.to - range.from);
    // Centres of the last and the first candle, from the edges.
    assert.ok((range.to - (count - 1)) * pixels >= label / 2);
    assert.ok(start === 0 ? range.from === -0.5 : -range.from * pixels >= label / 2 - 0.5);
    // And no more is given away than that.
    assert.ok((range.to - (count - 1)) * pixels <= label / 2 + 1.5 * pixels);
  }
  assert.equal(wholeRange({ start: 0, time: [1] }, 20, label), null);
});

test('a chart asks for candles of the size that it needs, with as many beside them', () => {
  const total = 10_000_000;
  assert.equal(eachFor(total, 600), 32_768);
  assert.equal(eachFor(600, 600), 1);
  for (const [from, to] of [
    [0, total],
    [4_999_000.5, 5_001_000.25],
    [-300, 500],
    [total - 40, total + 200],
    [123_456, 7_654_321]
  ] as const) {
    const part = partFor({ from, to }, total, 600);
    assert.ok(part.points <= 4_000 && part.first_row >= 0 && part.stop_row <= total);
    const drawn = answered(part.first_row, part.stop_row, part.points, total);
    assert.equal(drawn.each, eachFor(to - from, 600));
    assert.ok(suffices(drawn, { from, to }, 600));
  }
});

test('what is drawn does until one pans near its end, or zooms', () => {
  const drawn = answered(100_000, 106_000, 3_002, 1_000_000);
  assert.deepEqual([drawn.each, drawn.start], [2, 50_000]);
  assert.ok(suffices(drawn, { from: 102_000, to: 104_000 }, 1_000));
  assert.ok(suffices(drawn, { from: 103_000, to: 105_000 }, 1_000));
  assert.ok(!suffices(drawn, { from: 104_000, to: 106_000 }, 1_000));
  assert.ok(!suffices(drawn, { from: 102_000, to: 102_900 }, 1_000));
  assert.ok(suffices(drawn, { from: 101_500, to: 103_900 }, 1_000));
  assert.ok(!suffices(drawn, { from: 100_500, to: 103_500 }, 1_000));
  assert.ok(!suffices(drawn, { from: 100_900, to: 105_100 }, 1_000));
  assert.ok(suffices(answered(0, 700, 1_000, 700), { from: -500, to: 400 }, 1_000));
  assert.equal(placeOf(drawn, 100_001), 0);
  assert.equal(rowAt(drawn, placeOf(drawn, 104_321)), 104_321);
});

test('times rise, and places are marked once, by the worst', () => {
  assert.deepEqual(rising([1, 1, 3]), [1, 1 + 1e-6, 3]);
  const places = [
    { time: 5, severity: 'error' },
    { time: 10, severity: 'warning' },
    { time: 14, severity: 'error' },
    { time: 19, severity: 'warning' },
    { time: 39, severity: 'warning' },
    { time: 40, severity: 'error' }
  ];
  assert.deepEqual(marksOn([10, 20, 30], places), [
    { at: 0, severity: 'error' },
    { at: 2, severity: 'warning' }
  ]);
});

test('of parts that are wanted in a row the last is asked for, and what comes late is not taken', async () => {
  const asked: number[] = [];
  const got: number[] = [];
  const busy: boolean[] = [];
  const open: (() => void)[] = [];
  const loader = new CandleLoader<number>(
    (part, signal) =>
      new Promise((resolve, reject) => {
        asked.push(part.first_row);
        open.push(() => (signal.aborted ? reject(new Error('aborted')) : resolve(part.first_row)));
      }),
    found => got.push(found),
    () => assert.fail('nothing fails'),
    isBusy => busy.push(isBusy)
  );
  const part = (first_row: number): { first_row: number; stop_row: number; points: number } => ({
    first_row,
    stop_row: first_row + 1,
    points: 2
  });
  const until = async (count: number): Promise<void> => {
    while (asked.length < count) {
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  };
  loader.want(part(1));
  loader.want(part(2));
  loader.want(part(2));
  await until(1);
  loader.want(part(3));
  open[0]!();
  await until(2);
  open[1]!();
  await new Promise(resolve => setTimeout(resolve, 0));
  assert.deepEqual([asked, got], [[2, 3], [3]]);
  assert.deepEqual(busy, [true, false, true, false, true, false]);
  loader.want(part(4));
  loader.drop();
  assert.equal(busy.at(-1), false);
});

test('a download asks for what the form says', () => {
  const all = { format: 'csv', symbols: [], start: '', end: '', escape: false } as const;
  assert.deepEqual(queryOf(all, 3), { format: 'csv', version: 3 });
  assert.deepEqual(queryOf({ ...all, symbols: ['A,B'], start: '2020-01-01', end: '2020-02-01', escape: true }, null), {
    format: 'csv',
    symbols: '["A,B"]',
    start: '2020-01-01',
    end: '2020-02-01',
    escape_formulas: true
  });
  assert.deepEqual(queryOf({ ...all, format: 'parquet', escape: true }, null), { format: 'parquet' });
});

test('ticks and features are asked for by their column, bars and closes as what they are', () => {
  const candles = { time: [], open: [], high: [], low: [], close: [], volume: null, bars_each: 1 };
  assert.equal(columnOf({ candles, series: 'close' }), null);
  assert.equal(columnOf({ candles: null, series: 'close' }), null);
  assert.equal(columnOf({ candles: null, series: 'price' }), 'price');
  assert.equal(columnOf({ candles: null, series: null }), null);
});

test('the axis has room for a close above its high: such an error is to be seen', () => {
  const found = { bars: true, rows_each: 1, first_row: 0, total_rows: 3, time: [60, 120, 180], symbol: 'A', volume: null };
  const prices = { open: [10, 10, null], high: [11, 12, 12], low: [9, 9, 9], close: [10, 30, 10] };
  assert.deepEqual(bars(drawnOf({ ...found, ...prices } as unknown as IDatasetCandles)), [
    { time: 60, open: 10, high: 11, low: 9, close: 10 },
    { time: 120, open: 10, high: 30, low: 9, close: 30 },
    { time: 180 }
  ]);
});

test('a bar of millions is gone to through ever finer parts, whichever part is drawn', () => {
  const total = 10_000_000;
  for (const row of [0, 1, 4_321_987, total - 1]) {
    const whole = partFor({ from: 0, to: total }, total, 600);
    let drawn = answered(5_000_000, 5_000_600, 700, total); // somebody looks at another part
    let steps = 0;
    for (;;) {
      const found = around(drawn, row * 60);
      if (found && drawn.each === 1) {
        assert.equal(drawn.time[found.at], row * 60);
        assert.ok(found.rows.from < row && row < found.rows.to && found.rows.to - found.rows.from === 60);
        break;
      }
      const part = found ? partFor(found.rows, total, 600) : whole;
      drawn = answered(part.first_row, part.stop_row, part.points, total);
      steps += 1;
      assert.ok(steps <= 4);
    }
  }
  // Of a sample there is nothing finer, and a short series is shown whole.
  const short = answered(0, 20, 30, 20);
  assert.deepEqual(around({ ...short, isSample: true, total: 9_999 }, 5 * 60)?.at, 5);
  assert.deepEqual(around(short, 1e9), { at: 19, rows: { from: 9.5, to: 29.5 } });
});

test('no more can be seen than the whole and a little beside it', () => {
  for (const [first, stop, total] of [[0, 600, 600], [0, 60_000, 60_000], [30_000, 31_000, 60_000]] as const) {
    const drawn = answered(first, stop, 700, total);
    const most = 800 / leastSpacing(countOf(drawn), 800, 52);
    const whole = total / drawn.each;
    assert.ok(most > 1.05 * whole && most < 1.2 * whole);
  }
  // In no width there is nothing to be bound, and of millions a candle is narrow enough.
  assert.deepEqual([leastSpacing(600, 20, 52), leastSpacing(10_000_000, 800, 52)], [LEAST_SPACING, LEAST_SPACING]);
  assert.equal(countOf({ ...answered(0, 20, 30, 20), isSample: true, total: 9_999 }), 20);
});
