import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  compact,
  datesOnly,
  direction,
  duration,
  fixed,
  formatValue,
  grouped,
  isDay,
  isoTime,
  memory,
  priceDecimals,
  quotedDecimals,
  ratioText
} from '../result/format.js';
import type { Format } from '../result/payload.js';

const T = '\u202f';

test('numbers have thin groups, a true minus and no sign on zero', () => {
  assert.equal(fixed(-1234567.891, 1), `\u22121${T}234${T}567.9`);
  assert.equal(fixed(79194, 0, true), `+79${T}194`);
  assert.equal(fixed(-0.0004, 2, true), '0.00');
  assert.equal(fixed(999, 0), '999');
});

test('each kind has its own digits', () => {
  assert.equal(formatValue(0.7904, 'percent', { signed: true }), `+79.0${T}%`);
  assert.equal(formatValue(-0.2894, 'percent'), `\u221228.9${T}%`);
  assert.equal(formatValue(16.237, 'percent', { signed: true }), `+1${T}624${T}%`);
  assert.equal(formatValue(0.8312, 'ratio'), '0.83');
  assert.equal(formatValue(-2558.4, 'money', { signed: true }), `\u22122${T}558`);
  assert.equal(formatValue(12.5, 'money'), '12.50');
  assert.equal(formatValue(1547, 'quantity'), `1${T}547`);
  assert.equal(formatValue(0.125, 'quantity'), '0.125');
  assert.equal(formatValue(9, 'integer'), '9');
  assert.equal(formatValue(1.08345, 'price'), '1.08');
  assert.equal(formatValue(0.00001234, 'price'), '0.00001234');
});

test('what is undefined is a dash and infinity says so', () => {
  assert.equal(formatValue(null, 'ratio'), '\u2013');
  assert.equal(formatValue(NaN, 'ratio'), '\u2013');
  assert.equal(formatValue('', 'text'), '\u2013');
  assert.equal(formatValue(Infinity, 'ratio'), '\u221e');
});

test('a kind that is not known is shown, not left blank', () => {
  assert.equal(formatValue(12.5, 'later' as Format), '12.5');
});

test('times are ISO, and dates alone where no bar has a time of day', () => {
  assert.equal(isoTime(1267488000, true), '2010-03-02');
  assert.equal(isoTime(1267540200, false), '2010-03-02 14:30');
  assert.equal(isoTime(1267540205, false), '2010-03-02 14:30:05');
  assert.equal(datesOnly([1267488000, null]), true);
  assert.equal(datesOnly([1267488000, 1267540200]), false);
});

test('durations, prices and large numbers are short', () => {
  assert.equal(duration(0.0412), `0.041${T}s`);
  assert.equal(duration(90 * 86400), `90.0${T}d`);
  assert.equal(duration(600), `10${T}min`);
  assert.equal(priceDecimals(0.5), 5);
  assert.equal(priceDecimals(430), 2);
  const told = [[1.0716, 1.07219], [112.345, 112.3], [27.52, null], [100], [2208.050049, 4.186662803811], [0.00001234], []];
  assert.deepEqual(told.map(quotedDecimals), [5, 3, 2, 2, 2, 8, 2]);
  // Bonds in thirty-seconds.
  assert.deepEqual([[112.03125, 98.5], [101.125], [12345.125]].map(quotedDecimals), [5, 3, 3]);
  assert.equal(quotedDecimals([0.1 + 0.2, 0.7 + 0.1]), 2);
  assert.equal(compact(24_612_000), `24.6${T}M`);
  assert.equal(compact(495_896), `496${T}k`);
});

test('direction gives more than the colour', () => {
  assert.equal(direction(1), 'up');
  assert.equal(direction(-1), 'down');
  assert.equal(direction(0), 'flat');
  assert.equal(direction(null), 'flat');
});

test('a split is written as it is announced', () => {
  assert.equal(ratioText(2), '2:1');
  assert.equal(ratioText(0.1), '1:10');
  assert.equal(ratioText(1.5), '3:2');
  assert.equal(ratioText(1 / 3), '1:3');
  assert.equal(ratioText(1.0837124), '1.0837124:1');
});

test('numbers of a sentence are grouped as all others', () => {
  assert.equal(grouped('1,120 of 6,900 variants, 3 left'), '1\u202f120 of 6\u202f900 variants, 3 left');
  assert.equal(grouped('1,000,000; 1,2 and 1,2345'), '1\u202f000\u202f000; 1,2 and 1,2345');
});

test('sizes are in the unit that they need', () => {
  assert.deepEqual([49_000, 1_349_000, 268_435_456].map(memory), [
    `49${T}kB`,
    `1.3${T}MB`,
    `268${T}MB`
  ]);
});

test('a day is one of the calendar, written as days are shown', () => {
  for (const day of ['2020-01-31', '2024-02-29', '1885-02-16']) {
    assert.equal(isDay(day), true, day);
  }
  for (const text of ['', '2020', '2020-01', '2023-02-29', '2020-02-31', '2020-13-01', '0020-01-01', '01/31/2020', '2020-01-31T10']) {
    assert.equal(isDay(text), false, text);
  }
});
