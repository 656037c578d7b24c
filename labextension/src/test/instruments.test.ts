import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IInspected, IMappedColumn, IMapping } from '../api/datasets.js';
import { MOST_LENGTH } from '../datasets/drafts.js';
import { groupsOf, readInstruments, symbolsOf, withGroupName, withGroupRole, withInstrument } from '../datasets/instruments.js';
import { answer, complaintsOf, ingestBody, initialForm, openQuestions, withSymbolFrom } from '../datasets/mapping.js';
import { keptForm, written } from '../datasets/mappingDraft.js';

function column(position: number, source: string, role: string, symbol = '', more: Partial<IMappedColumn> = {}): IMappedColumn {
  const name = ['time', 'ignore'].includes(role) ? '' : role;
  return { position, source, role, name, format: role === 'time' ? '%Y-%m-%d' : '', divisor: 1, notation: 'plain', stated: false, symbol, ...more };
}

function looked(tickers: readonly string[], fields: readonly string[], more: Partial<IInspected> = {}): IInspected {
  const pairs = fields.flatMap(field => tickers.map(ticker => [ticker, field] as [string, string]));
  const columns = [
    column(0, 'Date', 'time'),
    ...pairs.map(([ticker, field], i) => column(i + 1, `${field} / ${ticker}`, field.toLowerCase(), ticker))
  ];
  return {
    format: 'csv', table: 'x.csv', tables: ['x.csv'], rows: [], kinds: [], reasons: [], questions: [], findings: [], remembered: null,
    owners: [['', ''], ...pairs],
    mapping: {
      format: 'csv', columns, kind: 'bars', resolution: 'date', zone: null, label: 'open', adjustment: 'unknown',
      symbol_from: 'columns', symbol: '', symbol_pattern: '', members: '', date_in_name: false,
      dialect: { encoding: 'utf-8', delimiter: ',', quote: '"', decimal: '.', thousands: '', skip: 3 }
    },
    ...more
  };
}

const roles = (mapping: IMapping): string => mapping.columns.map(own => own.role).join(' ');

test('a field is one line, however many instruments have it', () => {
  const found = looked(['A', 'B', 'C'], ['Close', 'Volume']);
  const form = initialForm(found, 'x');
  assert.deepEqual(complaintsOf(form), []);
  const groups = groupsOf(form.mapping, form.owners);
  assert.deepEqual(groups.map(own => [own.label, own.count]), [['Date', 0], ['Close', 3], ['Volume', 3]]);
  const feature = withGroupRole(form.mapping, form.owners, groups[2]!, 'feature');
  assert.equal(roles(feature), 'time close close close feature feature feature');
  const named = withGroupName(feature, groups[2]!, 'shares');
  assert.deepEqual(named.columns.map(own => own.name), ['', 'close', 'close', 'close', 'shares', 'shares', 'shares']);
  const without = withGroupRole(named, form.owners, groupsOf(named, form.owners)[2]!, 'ignore');
  assert.equal(roles(without), 'time close close close ignore ignore ignore');
  // The one that had the role before becomes a feature, under a name that is free.
  const swapped = withGroupRole(named, form.owners, groupsOf(named, form.owners)[2]!, 'close');
  assert.deepEqual(swapped.columns.map(own => own.name), ['', ...Array<string>(3).fill('file_close'), 'close', 'close', 'close']);
  assert.deepEqual(complaintsOf({ ...form, mapping: swapped }), []);
});

test('an instrument is called otherwise, left out, and taken back', () => {
  const form = initialForm(looked(['A', 'B'], ['Close', 'Volume']), 'x');
  const renamed = withInstrument(form.mapping, form.owners, 'B', 'BRK.B');
  assert.deepEqual(readInstruments(renamed), ['A', 'BRK.B']);
  const gone = withInstrument(renamed, form.owners, 'B', '');
  assert.equal(roles(gone), 'time close ignore volume ignore');
  assert.deepEqual(readInstruments(gone), ['A']);
  const back = withInstrument(gone, form.owners, 'B', 'B');
  assert.equal(roles(back), roles(form.mapping));
  assert.deepEqual(back.columns.map(own => own.symbol), form.mapping.columns.map(own => own.symbol));
});

test('whether columns are closes is asked, and each answer is a mapping that can be read', () => {
  const columns = ['A', 'B'].map((own, i) => column(i + 1, own, 'close', own));
  const closes = looked(['A', 'B'], ['Close']);
  const found: IInspected = {
    ...closes,
    mapping: { ...closes.mapping, columns: [closes.mapping.columns[0]!, ...columns] },
    questions: [{ field: 'symbol_from', text: 'Is each …', choices: ['columns', 'name'] }]
  };
  const first = initialForm(found, 'x');
  assert.equal(openQuestions(found, first).length, 1);
  const one = answer(first, 'symbol_from', 'name');
  assert.equal(openQuestions(found, one).length, 0);
  assert.deepEqual(
    [one.mapping.kind, one.mapping.symbol_from, ...one.mapping.columns.map(own => own.name)],
    ['features', 'name', '', 'A', 'B']
  );
  assert.ok(one.mapping.columns.every(own => own.symbol === ''));
  const many = answer(one, 'symbol_from', 'columns');
  assert.deepEqual(ingestBody(many).mapping, { ...found.mapping, known_from: '' });
  assert.deepEqual(withSymbolFrom(many.mapping, 'fixed').columns[1]!.role, 'feature');
  // The same columns again: as they were answered.
  const again = initialForm({ ...found, remembered: one.mapping }, 'x');
  assert.deepEqual([again.mapping.symbol_from, again.mapping.kind, again.answered], ['name', 'features', ['symbol_from']]);
});

test('another set of tickers is read as the last one was', () => {
  const before = initialForm(looked(['A', 'B', 'C'], ['Close', 'Volume']), 'x');
  const volume = groupsOf(before.mapping, before.owners)[2]!;
  const decided = { ...withGroupRole(before.mapping, before.owners, volume, 'ignore'), adjustment: 'raw' as const };
  const next = initialForm({ ...looked(['KO', 'PEP'], ['Close', 'Volume']), remembered: decided }, 'x');
  assert.equal(roles(next.mapping), 'time close close ignore ignore');
  assert.equal(next.mapping.adjustment, 'raw');
  assert.deepEqual(readInstruments(next.mapping), ['KO', 'PEP']);
  assert.equal(next.mapping.columns[1]!.source, 'Close / KO');
});

test('who leaves out all instruments, or writes a name anew, has what is typed', () => {
  const { mapping, owners } = initialForm(looked(['A', 'B'], ['Close', 'Volume', 'Funding']), 'x');
  const none = withInstrument(withInstrument(mapping, owners, 'A', ''), owners, 'B', '');
  assert.deepEqual([roles(none), [...symbolsOf(none, owners)]], ['time ignore ignore ignore ignore ignore ignore', []]);
  const back = withInstrument(none, owners, 'B', 'X');
  assert.deepEqual([roles(back), [...symbolsOf(back, owners)]], ['time ignore close ignore volume ignore feature', [['B', 'X']]]);
  // A field that was left out is so for who comes back as well.
  const volume = groupsOf(mapping, owners)[2]!;
  const fewer = withInstrument(withGroupRole(mapping, owners, volume, 'ignore'), owners, 'B', '');
  assert.equal(roles(withInstrument(fewer, owners, 'B', 'B')).split(' ')[4], 'ignore');
});

test('who was left out stays so when another field is the close', () => {
  const { mapping, owners } = initialForm(looked(['A', 'B'], ['Close', 'Volume']), 'x');
  const without = withInstrument(mapping, owners, 'B', '');
  const other = withGroupRole(without, owners, groupsOf(without, owners)[2]!, 'close');
  assert.deepEqual([roles(other), readInstruments(other)], ['time feature ignore close ignore', ['A']]);
});

test('two instruments of one name, and one without a close, are told before the server refuses them', () => {
  const form = initialForm(looked(['A', 'B'], ['Close', 'Volume']), 'x');
  const first = (mapping: IMapping): unknown => {
    const { kind, detail } = complaintsOf({ ...form, mapping })[0]!;
    return [kind, detail];
  };
  assert.deepEqual(first(withInstrument(form.mapping, form.owners, 'B', 'A ')), ['same-symbol', 'A']);
  const columns = form.mapping.columns.map(own => (own.source === 'Close / B' ? { ...own, role: 'ignore', name: '' } : own));
  assert.deepEqual(first({ ...form.mapping, columns }), ['lacks-close', 'B']);
  const none = withInstrument(withInstrument(form.mapping, form.owners, 'A', ''), form.owners, 'B', '');
  assert.deepEqual(first(none), ['no-instrument', '']);
  assert.equal(complaintsOf({ ...form, mapping: withInstrument(form.mapping, form.owners, 'B', 'A') }).length, 1);
  const spaced = withInstrument(form.mapping, form.owners, 'B', ' C ');
  assert.equal(ingestBody({ ...form, mapping: spaced }).mapping.columns[2]!.symbol, 'C');
});

test('whose columns are is answered where it is chosen as well', () => {
  const closes = looked(['A', 'B'], ['Close'], { questions: [{ field: 'symbol_from', text: 'Is each …', choices: ['columns', 'name'] }] });
  const fixed = answer(initialForm(closes, 'x'), 'symbol_from', 'fixed');
  assert.deepEqual([openQuestions(closes, fixed), fixed.mapping.symbol_from, fixed.mapping.kind], [[], 'fixed', 'features']);
});

test('the same file again is read with the names that were given, and without who was left out', () => {
  const found = looked(['A', 'B', 'C'], ['Close', 'Volume']);
  const { mapping, owners } = initialForm(found, 'x');
  const decided = withInstrument(withInstrument(mapping, owners, 'B', 'BRK.B'), owners, 'C', '');
  const again = initialForm({ ...found, remembered: decided }, 'x').mapping;
  assert.deepEqual(again.columns, decided.columns);
  // Others are told of by what was decided of the fields, also where one was left out then.
  const volume = groupsOf(decided, owners)[2]!;
  const others = { ...looked(['KO', 'PEP'], ['Close', 'Volume']), remembered: withGroupRole(decided, owners, volume, 'ignore') };
  assert.equal(roles(initialForm(others, 'x').mapping), 'time close close ignore ignore');
});

test('what is written of an index of instruments is kept, which its thousands of columns would have no room for', () => {
  const tickers = Array.from({ length: 500 }, (_, i) => `T${i}`);
  const found = looked(tickers, ['Open', 'High', 'Low', 'Close', 'Volume']);
  const first = initialForm(found, 'x');
  const form = answer({ ...first, mapping: withInstrument(withInstrument(first.mapping, first.owners, 'T7', ''), first.owners, 'T9', 'NINE') }, 'zone', 'UTC');
  const kept = JSON.stringify(written(form, found));
  assert.ok(JSON.stringify(form.mapping).length > MOST_LENGTH && kept.length < MOST_LENGTH / 10);
  assert.deepEqual(keptForm(JSON.parse(kept), found, 'y'), form);
  // Remembered columns are kept where they are changed back to what the file was guessed to be.
  const remembered = withGroupRole(first.mapping, first.owners, groupsOf(first.mapping, first.owners)[5]!, 'ignore');
  const back = { ...initialForm({ ...found, remembered }, 'x'), mapping: first.mapping };
  assert.deepEqual(keptForm(written(back, found), { ...found, remembered }, 'x').mapping.columns, first.mapping.columns);
});
