import assert from 'node:assert/strict';
import { test } from 'node:test';

import { alignCurve, lastAtOrBefore, snap } from '../result/timeline.js';
import { ISymbolSeries, problemOf } from '../result/payload.js';
import { inDrawnShares, pathsOf } from '../result/tradeMarks.js';
import { ITrade, tradesOf } from '../result/trades.js';

test('a curve on other times is drawn on the candles, with its deepest drawdown', () => {
  const aligned = alignCurve(
    {
      time: [5, 10, 12, 20, 25, 40],
      equity: [100, 101, 90, 95, 96, 99],
      benchmark: null,
      drawdown: [0, 0, -0.11, -0.06, -0.05, -0.02]
    },
    [10, 20, 30]
  );
  assert.deepEqual(aligned, {
    time: [5, 10, 20, 30, 40],
    equity: [100, 90, 96, 96, 99],
    benchmark: null,
    drawdown: [0, -0.11, -0.06, -0.05, -0.02]
  });
});

test('candles before the account starts have no equity', () => {
  const aligned = alignCurve(
    { time: [20], equity: [100], benchmark: [100], drawdown: [0] },
    [10, 20]
  );
  assert.deepEqual(aligned.time, [20]);
  assert.deepEqual(aligned.benchmark, [100]);
});

test('a fill is drawn on the candle that covers it', () => {
  assert.equal(lastAtOrBefore([10, 20, 30], 9), -1);
  assert.equal(snap([10, 20, 30], 9), 0);
  assert.equal(snap([10, 20, 30], 29), 1);
  assert.equal(snap([10, 20, 30], 30), 2);
});

test('trades are read by column name, open ones without an exit', () => {
  const trades = tradesOf({
    columns: [
      { name: 'symbol', label: '', format: 'text' },
      { name: 'id', label: '', format: 'integer' },
      { name: 'entry_time', label: '', format: 'time' },
      { name: 'entry_price', label: '', format: 'price' },
      { name: 'exit_time', label: '', format: 'time' }
    ],
    rows: [
      ['AAPL', 7, 100, 12.5, null],
      ['AAPL', 8, null, 12.5, null]
    ],
    total: 2,
    omitted: null
  });
  assert.equal(trades.length, 1);
  assert.equal(trades[0]!.id, 7);
  assert.equal(trades[0]!.exitTime, null);
});

test('what cannot be drawn is recognised', () => {
  assert.equal(problemOf(null), 'malformed');
  assert.equal(problemOf({ version: 2 }), 'newer');
  assert.equal(problemOf({ version: 1, header: {} }), 'malformed');
});

const SPLIT: ISymbolSeries = {
  symbol: 'AAPL',
  time: [10, 20, 30, 40],
  open: [25, 25, 25, 30],
  high: [25, 25, 25, 30],
  low: [25, 25, 25, 30],
  close: [25, 25, 25, 30],
  volume: null,
  bars_per_point: 1,
  indicators: [],
  shares: {
    date: '1970-01-01',
    splits: [
      { time: 20, ratio: 2 },
      { time: 30, ratio: 4 }
    ]
  }
};

test('prices of before a split are drawn in the shares of the last bar', () => {
  // 200 before 2:1 and 4:1 is 200 / 8, on the bar of the first split 100 / 4, from the second on 25.
  assert.equal(inDrawnShares(200, 10, SPLIT.shares), 25);
  assert.equal(inDrawnShares(100, 20, SPLIT.shares), 25);
  assert.equal(inDrawnShares(25, 30, SPLIT.shares), 25);
  assert.equal(inDrawnShares(25, 40, null), 25);
});

test('a trade is drawn from entry to exit in the same shares', () => {
  const trade: ITrade = {
    id: 1,
    row: 0,
    symbol: 'AAPL',
    side: 'BUY',
    quantity: 2,
    entryTime: 10,
    // Bought at 200; the table has it in shares of the exit, after 2:1.
    entryPrice: 100,
    exitTime: 20,
    exitPrice: 120,
    pnl: 40,
    return: 0.2,
    reason: null
  };
  const open = { ...trade, entryPrice: 25, exitTime: null, exitPrice: null, pnl: null };
  assert.deepEqual(
    pathsOf([trade, open], SPLIT).map(path => [path.from, path.to]),
    [
      [{ time: 10, price: 25 }, { time: 20, price: 30 }],
      [{ time: 10, price: 25 }, { time: 40, price: 30 }]
    ]
  );
});
