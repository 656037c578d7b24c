import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { DatasetCell, IInspected, IMapping } from '../api/datasets.js';
import {
  IMappingForm,
  complaintsOf,
  eventsBeside,
  ingestBody,
  initialForm,
  openQuestions,
  withColumnOf,
  withKind
} from '../datasets/mapping.js';
import {
  IEvent,
  countsOf,
  eventTable,
  eventText,
  eventsOf,
  holdsEvents,
  listsEvents,
  nearest,
  rowsOf,
  spanOf,
  ticksOf
} from '../datasets/events.js';

const TYPES = {
  symbol: 'string', ex_date: 'date32', kind: 'string', value: 'double', text: 'string',
  known_from: 'timestamp[us, UTC]', known_to: 'timestamp[us, UTC]', source: 'string'
};
const LINES = `\
{"symbol":"FB","ex_date":"2022-06-09","kind":"symbol","value":null,"text":"META","known_from":"2022-05-31T00:00:00Z","known_to":null,"source":"nasdaq"}
{"symbol":"AAPL","ex_date":"2020-08-31","kind":"split","value":4,"text":null,"known_from":"2020-07-31T00:00:00Z","known_to":null,"source":"issuer"}
{"symbol":"AAPL","ex_date":"2020-08-31","kind":"split","value":3,"text":null,"known_from":"2020-07-30T00:00:00Z","known_to":null,"source":"issuer"}
{"symbol":"AAPL","ex_date":"2020-11-06","kind":"dividend","value":0.205,"text":null,"known_from":"2020-10-30T00:00:00Z","known_to":null,"source":"issuer"}
`;
const WORDS = { kind: (kind: string) => kind, column: (name: string) => name, corrected: 'corrected later' };
const day = (text: string): number => Date.parse(text) / 1000;
const split = (date: string): IEvent =>
  eventsOf([{ symbol: 'A', kind: 'split', ex_date: date, known_from: date, value: 2, source: '' }])[0]!;

test('a dataset of the list holds events where it has their columns, and no others', () => {
  const names = ['ex_date', 'kind', 'value', 'text', 'known_from', 'known_to', 'source'];
  assert.equal(listsEvents(names), true);
  assert.equal(listsEvents(names.slice(1)), false);
  assert.equal(listsEvents(names.map(name => (name === 'text' ? 'close' : name))), false);
});

test('a version of these columns, and of no others, holds events', () => {
  assert.equal(holdsEvents(TYPES), true);
  assert.equal(holdsEvents({ ...TYPES, open: 'double' }), false);
  assert.equal(holdsEvents({ ...TYPES, value: 'int64' }), false);
  assert.equal(holdsEvents({ symbol: 'string', date: 'date32', close: 'double' }), false);
});

test('events are listed by date with what happened; of two of one day the one known later counts', () => {
  const events = eventsOf(rowsOf(LINES));
  assert.deepEqual(
    events.map(own => [own.symbol, own.kind, own.value, own.isCorrected]),
    [
      ['AAPL', 'split', 3, true],
      ['AAPL', 'split', 4, false],
      ['AAPL', 'dividend', 0.205, false],
      ['FB', 'symbol', null, false]
    ]
  );
  assert.deepEqual(countsOf(events), [['split', 2], ['dividend', 1], ['symbol', 1]]);
  assert.equal(eventText(events[1]!, kind => kind), '2020-08-31  AAPL  split  4:1');
  assert.equal(eventText(events[3]!, kind => kind), '2022-06-09  FB  symbol  META');
  const { columns, rows, total } = eventTable(events, WORDS);
  assert.deepEqual(
    columns.map(column => column.name),
    ['symbol', 'kind', 'ex_date', 'ratio', 'amount', 'new_symbol', 'known_from', 'state', 'source']
  );
  const [ex, known] = [day('2020-08-31'), day('2020-07-30')];
  assert.deepEqual(rows[0], ['AAPL', 'split', ex, '3:1', null, null, known, 'corrected later', 'issuer']);
  assert.deepEqual([rows[2]!.slice(3, 5), total], [[null, 0.205], 4]);
  // Columns in which nothing stands are left out.
  assert.deepEqual(
    eventTable([split('2020-01-02')], WORDS).columns.map(column => column.name),
    ['symbol', 'kind', 'ex_date', 'ratio', 'known_from', 'source']
  );
  assert.deepEqual(eventsOf([{ symbol: 'A', kind: 'split' } as Record<string, DatasetCell>]), []);
});

test('the axis shows one day as half a year, and labels that do not run into one another', () => {
  const [first, last] = spanOf([split('2020-08-31')]);
  assert.equal((last - first) / 86_400, 182);
  assert.deepEqual(ticksOf([day('2020-08-01'), day('2020-12-31')], 12).map(own => own.text), [
    '2020-08', '2020-09', '2020-10', '2020-11', '2020-12'
  ]);
  assert.deepEqual(ticksOf([day('1987-03-01'), day('2021-06-01')], 10).map(own => own.text), [
    '1990', '1995', '2000', '2005', '2010', '2015', '2020'
  ]);
  for (const most of [1, 3, 20]) {
    const ticks = ticksOf([day('1962-01-01'), day('2026-01-01')], most);
    assert.ok(ticks.length <= most + 1, `${ticks.length} of ${most}`);
  }
  const events = [split('2020-01-01'), split('2020-01-05')];
  assert.equal(nearest(events, 'split', day('2020-01-04'), 86_400), 1);
  assert.equal(nearest(events, 'split', day('2020-01-03'), 86_400), -1);
  assert.equal(nearest(events, 'dividend', day('2020-01-01'), 86_400), -1);
});

/** A file of bars with splits and dividends beside, as it was looked at. */
function wide(): IInspected {
  const roles = ['time', 'close', 'ignore', 'ignore'];
  const columns = ['Date', 'Close', 'Dividends', 'Stock Splits'].map((source, position) => ({
    position, source, role: roles[position]!, name: position === 1 ? 'close' : '', divisor: 1, notation: 'plain',
    format: position === 0 ? '%Y-%m-%d' : ''
  }));
  const mapping = {
    format: 'csv', columns, kind: 'bars', resolution: 'date', zone: null, label: 'open', adjustment: 'unknown',
    symbol_from: 'name', symbol: '', symbol_pattern: '', members: '', date_in_name: false, known_from: '',
    dialect: { encoding: 'utf-8', delimiter: ',', quote: '"', decimal: '.', thousands: '', skip: 1 }
  } as unknown as IMapping;
  const reasons = [3, 2].map(place => ({
    field: `columns[${place}].event`, value: place === 2 ? 'dividend' : 'split', confidence: 0.9, reason: ''
  }));
  const questions = ['label', 'known_from'].map(field => ({ field, text: '', choices: [] }));
  return { mapping, reasons, questions, findings: [], rows: [], tables: [], kinds: [], remembered: null } as unknown as IInspected;
}

test('splits and dividends beside prices are read by a look of their own, and back', () => {
  const found = wide();
  assert.deepEqual(eventsBeside(found), [{ position: 2, role: 'dividend' }, { position: 3, role: 'split' }]);
  const form: IMappingForm = initialForm(found, 'x');
  // Nobody asks of prices from when they were known, and of events at which end of a bar they are.
  assert.deepEqual(openQuestions(found, form).map(own => own.field), ['label']);
  const mapping = withKind(form.mapping, 'reference', found);
  const events = { ...form, mapping, about: { ...form.about, currency: 'USD', timeframe: '1d', simulated: true } };
  assert.deepEqual(mapping.columns.map(own => [own.role, own.name]), [
    ['time', ''], ['ignore', ''], ['dividend', 'dividend'], ['split', 'split']
  ]);
  assert.deepEqual(openQuestions(found, events).map(own => own.field), ['known_from']);
  assert.deepEqual(complaintsOf(events).map(own => own.kind), ['no-known-from']);
  assert.deepEqual(ingestBody(events).about, {
    asset_class: null, timeframe: null, calendar: null, currency: null, simulated: false
  });
  const both = { ...events, mapping: withColumnOf({ ...mapping, known_from: 'ex_date' }, 'value', 1) };
  assert.deepEqual(complaintsOf(both).map(own => [own.kind, own.detail]), [['two-ways', 'Close']]);
  assert.deepEqual(withKind(mapping, 'bars', found).columns, found.mapping.columns);
  // Another column of dates is taken to be written as the one before.
  const moved = withColumnOf(mapping, 'time', 1);
  assert.deepEqual(moved.columns.map(own => [own.role, own.format]).slice(0, 2), [['ignore', ''], ['time', '%Y-%m-%d']]);
  assert.deepEqual(withColumnOf(mapping, 'split', null).columns.map(own => own.role), ['time', 'ignore', 'dividend', 'ignore']);
});
