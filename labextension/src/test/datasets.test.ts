import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDataset, IDatasetQuery, IInspected, IMapping, IValidationReport } from '../api/datasets.js';
import { ApiError, refusalOf } from '../api/problem.js';
import type { IPage } from '../api/types.js';
import {
  IMappingForm,
  answer,
  answerOf,
  complaintsOf,
  ingestBody,
  initialForm,
  needsZone,
  openQuestions,
  withKind,
  withRole,
  withSymbolFrom
} from '../datasets/mapping.js';
import { keptForm } from '../datasets/mappingDraft.js';
import { ALL, DatasetsModel } from '../datasets/model.js';
import { barAt, placeText, placesOn, sortedReport } from '../datasets/report.js';
import { cellText, columnDecimals, datasetState, figureText, freshness, loadingCode, nameOfFile, rowsText } from '../datasets/words.js';

const filled = (text: string, args: unknown[]): string => text.replace(/%(\d)/g, (_, n) => String(args[Number(n) - 1]));
/** As Lab's own: the number itself is the first argument. */
const trans = {
  __: (text: string, ...args: unknown[]) => filled(text, args),
  _n: (one: string, many: string, n: number, ...args: unknown[]) => filled(n === 1 ? one : many, [n, ...args])
} as unknown as TranslationBundle;

function dataset(name: string, more: Partial<IDataset> = {}): IDataset {
  return { id: name, name, asset_class: 'STOCKS', timeframe: '1d', source: 'USER_UPLOAD', ...more } as IDataset;
}

/** A catalogue of rows that answers when it is told to. */
class Catalogue {
  constructor(public rows: IDataset[]) {}

  queries: IDatasetQuery[] = [];
  isAway = false;
  hold: Promise<void> | null = null;

  async datasets(query: IDatasetQuery): Promise<IPage<IDataset>> {
    this.queries.push(query);
    const found = this.rows.filter(row => row.name.includes(query.search ?? ''));
    await this.hold;
    if (this.isAway) {
      throw new Error('away');
    }
    const offset = query.offset ?? 0;
    return {
      items: found.slice(offset, offset + query.limit),
      _pagination: { limit: query.limit, offset, total: found.length }
    };
  }
}

test('the catalogue is read by pages, and filtered by the server', async () => {
  const rows = Array.from({ length: 120 }, (_, i) => dataset(`set-${String(i).padStart(3, '0')}`));
  const server = new Catalogue(rows);
  const model = new DatasetsModel(server);
  assert.equal(model.state, 'loading');
  await model.refresh();
  assert.deepEqual([model.state, model.items.length, model.total], ['ready', 50, 120]);
  await model.more();
  await model.more();
  assert.deepEqual(model.items, rows);
  await model.choose({ search: '-11', source: 'PLATFORM', asset_class: '  ' });
  assert.deepEqual(server.queries.at(-1), { search: '-11', source: 'PLATFORM', limit: 120, offset: 0 });
  assert.deepEqual([model.items.length, model.isFiltered], [10, true]);
  const asked = server.queries.length;
  await model.choose({ search: '-11' });
  assert.equal(server.queries.length, asked);
  await model.choose({ search: '', source: '', start: '2020-01-31', end: '' });
  assert.deepEqual(server.queries.at(-1), { start: '2020-01-31', limit: 50, offset: 0 });
  assert.equal(model.isFiltered, true);
  await model.choose(ALL);
  assert.deepEqual([model.items.length, model.isFiltered], [50, false]);
  assert.deepEqual(model.seen('asset_class'), ['STOCKS']);
});

test('as many datasets as are shown are read anew, more than the server gives at once as well', async () => {
  const rows = Array.from({ length: 320 }, (_, i) => dataset(`set-${String(i).padStart(3, '0')}`));
  const server = new Catalogue(rows);
  const model = new DatasetsModel(server);
  await model.refresh();
  for (let page = 0; page < 4; page += 1) {
    await model.more();
  }
  assert.equal(model.items.length, 250);
  server.queries = [];
  server.rows = rows.slice(10);
  await model.refresh();
  assert.deepEqual(server.queries, [{ limit: 200, offset: 0 }, { limit: 50, offset: 200 }]);
  assert.deepEqual([model.items[0]!.name, model.items.length, model.total], ['set-010', 250, 310]);
  server.rows = rows.slice(0, 200);
  await model.refresh();
  assert.deepEqual([model.items.length, model.hasMore], [200, false]);
});

test('of two answers the one to what is chosen now counts', async () => {
  const server = new Catalogue([dataset('gold'), dataset('silver')]);
  const model = new DatasetsModel(server);
  let answerSlowly = (): void => undefined;
  server.hold = new Promise(resolve => {
    answerSlowly = resolve;
  });
  const slow = model.choose({ search: 'gold' });
  server.hold = null;
  await model.choose({ search: 'silver' });
  answerSlowly();
  await slow;
  assert.deepEqual(model.items.map(item => item.name), ['silver']);
});

test('a list that was read stays while the server is away', async () => {
  const server = new Catalogue([dataset('gold')]);
  const model = new DatasetsModel(server);
  server.isAway = true;
  await model.refresh();
  assert.equal(model.state, 'error');
  server.isAway = false;
  await model.refresh();
  assert.deepEqual([model.state, model.error], ['ready', null]);
  server.isAway = true;
  await model.refresh();
  assert.deepEqual([model.state, (model.error as Error).message, model.items.length], ['ready', 'away', 1]);
});

function mapping(roles: string, more: Partial<IMapping> = {}): IMapping {
  const columns = roles.split(' ').map((role, position) => ({
    position,
    source: `C${position}`,
    role,
    name: ['time', 'date', 'clock', 'symbol', 'ignore'].includes(role) ? '' : role,
    format: ['time', 'date', 'known_at'].includes(role) ? '%Y-%m-%d %H:%M' : role === 'clock' ? '%H:%M' : '',
    divisor: 1,
    notation: 'plain'
  }));
  return {
    format: 'csv',
    columns,
    kind: 'bars',
    resolution: 'time',
    zone: null,
    label: 'unknown',
    adjustment: 'unknown',
    symbol_from: roles.includes('symbol') ? 'column' : 'name',
    symbol: '',
    symbol_pattern: '',
    members: '',
    date_in_name: false,
    dialect: { encoding: 'utf-8', delimiter: ',', quote: '"', decimal: '.', thousands: '', skip: 1 },
    ...more
  };
}

function inspected(own: IMapping, fields: string[] = [], remembered: IMapping | null = null): IInspected {
  return {
    format: 'csv',
    table: 'a.csv',
    tables: ['a.csv'],
    rows: [],
    mapping: own,
    reasons: [],
    questions: fields.map(field => ({ field, text: `${field}?`, choices: [] })),
    findings: [],
    remembered
  };
}

const kinds = (form: IMappingForm): string[] => complaintsOf(form).map(own => `${own.field}: ${own.kind}`);

test('questions are open until they are answered, and open again without an answer', () => {
  const found = inspected(mapping('time close'), ['symbol', 'zone', 'label', 'columns[0].format', 'dialect.encoding']);
  let form = initialForm(found, 'prices');
  assert.equal(openQuestions(found, form).length, 5);
  assert.equal(answerOf(form, 'label'), '');
  for (const [field, value] of [
    ['symbol', 'AAPL'],
    ['zone', 'Europe/Berlin'],
    ['label', 'close'],
    ['columns[0].format', '%d/%m/%Y'],
    ['dialect.encoding', 'cp1252']
  ] as const) {
    form = answer(form, field, value);
    assert.equal(answerOf(form, field), value);
  }
  assert.deepEqual(openQuestions(found, form), []);
  const { mapping: own } = form;
  assert.deepEqual(
    [own.symbol_from, own.symbol, own.zone, own.label, own.columns[0]!.format, own.dialect.encoding],
    ['fixed', 'AAPL', 'Europe/Berlin', 'close', '%d/%m/%Y', 'cp1252']
  );
  const decimals = answer(form, 'dialect.decimal', ',');
  assert.deepEqual([answerOf(decimals, 'dialect.decimal'), decimals.mapping.dialect.thousands], [',', '.']);
  assert.equal(answer(decimals, 'dialect.decimal', '.').mapping.dialect.thousands, ',');
  assert.equal(answerOf(answer(decimals, 'dialect.decimal', ''), 'dialect.decimal'), '');
  // Who has said how the times are written is not told again that it could be otherwise.
  assert.deepEqual(own.columns.map(column => column.stated ?? false), [true, false]);
  assert.deepEqual(withRole(own, 0, 'feature').columns[0]!.stated, false);
  assert.equal(answer(form, 'columns[0].format', '').mapping.columns[0]!.stated, false);
  form = answer(form, 'zone', ' ');
  assert.deepEqual([openQuestions(found, form).map(own => own.field), form.mapping.zone], [['zone'], null]);
});

test('which tables of an archive are read, and where their symbols are, is asked of each archive', () => {
  const before = mapping('time close', { zone: 'UTC', symbol_pattern: '{symbol}.csv', members: 'Old/*' });
  const found = inspected(
    mapping('time close', { symbol_pattern: '{symbol}.us.txt' }),
    ['members', 'symbol_pattern', 'zone'],
    before
  );
  let form = initialForm(found, 'prices');
  assert.deepEqual(openQuestions(found, form).map(own => own.field), ['members', 'symbol_pattern']);
  assert.deepEqual([form.mapping.symbol_pattern, form.mapping.members], ['{symbol}.us.txt', '']);
  assert.deepEqual(openQuestions(found, { ...form, mapping: withSymbolFrom(form.mapping, 'fixed') }).length, 1);
  form = answer(answer(form, 'symbol_pattern', '{SYMBOL}.us.txt'), 'members', 'Stocks/*');
  assert.deepEqual(openQuestions(found, form), []);
  const body = ingestBody(form);
  assert.deepEqual([body.mapping.symbol_pattern, body.mapping.members], ['{SYMBOL}.us.txt', 'Stocks/*']);
});

test('how such a file was read before is proposed, but not whose it is', () => {
  const before = mapping('time close', { zone: 'UTC', symbol_from: 'fixed', symbol: 'AAPL', label: 'close' });
  const found = inspected(mapping('time feature'), ['symbol', 'zone', 'label'], before);
  const form = initialForm(found, 'prices');
  assert.deepEqual(openQuestions(found, form).map(own => own.field), ['symbol']);
  assert.deepEqual(
    [form.mapping.zone, form.mapping.label, form.mapping.columns[1]!.role, form.mapping.symbol_from, form.mapping.symbol],
    ['UTC', 'close', 'close', 'name', '']
  );
  const other = inspected(mapping('time open close'), ['zone'], before);
  assert.equal(initialForm(other, 'prices').mapping, other.mapping);
});

test('a form goes on where Lab was loaded anew, as long as the file has the same columns', () => {
  const found = inspected(mapping('time close'), ['symbol', 'zone']);
  const form = answer(initialForm(found, 'prices'), 'symbol', 'AAPL');
  const kept = JSON.parse(JSON.stringify({ ...form, about: { ...form.about, dataset: 'mine' }, kinds: ['left out'] }));
  const again = keptForm(kept, found, 'prices');
  assert.deepEqual([again.about.dataset, again.mapping.symbol, again.answered, again.kinds], ['mine', 'AAPL', ['symbol'], []]);
  assert.deepEqual(openQuestions(found, again).map(own => own.field), ['zone']);
  const others: readonly unknown[] = [
    undefined, null, 'text', {}, { mapping: {} }, { ...kept, about: null }, { ...kept, answered: 'all' },
    { ...kept, mapping: mapping('time open close') }
  ];
  for (const other of others) {
    assert.deepEqual(keptForm(other, found, 'prices'), initialForm(found, 'prices'));
  }
});

test('a role has one column: who had it before is a feature, or left out', () => {
  const first = mapping('time symbol close volume');
  const moved = withRole(first, 3, 'close');
  assert.deepEqual(moved.columns.map(own => [own.role, own.name]), [
    ['time', ''],
    ['symbol', ''],
    ['feature', 'C2'],
    ['close', 'close']
  ]);
  const without = withRole(moved, 1, 'text');
  assert.deepEqual([without.symbol_from, without.columns[1]!.name], ['name', 'C1']);
  assert.equal(withRole(without, 1, 'symbol').symbol_from, 'column');
  const fixed = withSymbolFrom(first, 'fixed');
  assert.deepEqual([fixed.symbol_from, fixed.columns[1]!.role], ['fixed', 'ignore']);
  // A date keeps how it is written where it becomes a time, and loses it where it becomes a number.
  assert.equal(withRole(first, 0, 'date').columns[0]!.format, '%Y-%m-%d %H:%M');
  assert.equal(withRole(first, 0, 'feature').columns[0]!.format, '');
});

test('what cannot be read is named before it is asked for', () => {
  const form = (own: IMapping, name = 'prices'): IMappingForm => initialForm(inspected(own), name);
  assert.deepEqual(kinds(form(mapping('time close'))), []);
  assert.deepEqual(kinds(form(mapping('date clock close'))), []);
  assert.deepEqual(kinds(form(mapping('open ignore'))), ['columns: no-time', 'columns: no-close']);
  assert.deepEqual(kinds(form(mapping('time date close'))), ['columns: several-times']);
  assert.deepEqual(kinds(form(mapping('time bid', { kind: 'ticks' }))), ['columns: no-price']);
  assert.deepEqual(kinds(form(mapping('time bid ask', { kind: 'ticks' }))), []);
  assert.deepEqual(kinds(form(mapping('time ignore', { kind: 'features' }))), ['columns: no-values']);
  assert.deepEqual(kinds(form(mapping('time close feature feature'))), ['columns[3].name: same-name']);
  assert.deepEqual(kinds(form(mapping('time close', { symbol_from: 'fixed' }), ' ')), [
    'symbol: no-symbol',
    'dataset: no-dataset'
  ]);
  const named = (name: string): string[] =>
    complaintsOf(form(mapping('time close'), name), ['vix-daily']).map(own => `${own.kind} ${own.detail}`);
  assert.deepEqual([named(' vix-daily '), named('vix')], [['taken-name vix-daily'], []]);
  const unwritten = answer(form(mapping('time close')), 'columns[0].format', '');
  assert.deepEqual(kinds(unwritten), ['columns[0].format: no-format']);
});

test('events are read by roles of their own, and from when they were known is never left open', () => {
  const form = (own: IMapping): IMappingForm => initialForm(inspected(own, ['known_from']), 'actions');
  const events = mapping('time symbol event value', { kind: 'reference', resolution: 'date' });
  assert.deepEqual(kinds(form(events)), ['known_from: no-known-from']);
  assert.deepEqual(kinds(form(mapping('time symbol event value known_at', { kind: 'reference' }))), []);
  assert.deepEqual(kinds(form(mapping('time symbol value known_at', { kind: 'reference' }))), ['columns: no-event']);
  const known = answer(form(events), 'known_from', ' ex_date ');
  assert.deepEqual([kinds(known), answerOf(known, 'known_from')], [[], ' ex_date ']);
  assert.equal(ingestBody(known).mapping.known_from, 'ex_date');
  // It is asked of each file: a date for all of another says nothing of this one.
  const again = inspected(events, ['known_from'], known.mapping);
  const before = initialForm(again, 'actions');
  assert.deepEqual([before.mapping.known_from, openQuestions(again, before).length], ['', 1]);
  // From one kind to the other, what the other has no role for is left out.
  const prices = withKind(known.mapping, 'bars');
  assert.deepEqual([prices.columns.map(own => own.role), prices.known_from], [['time', 'symbol', 'ignore', 'ignore'], '']);
  const back = withKind(mapping('time clock symbol close feature', { zone: 'UTC' }), 'reference');
  assert.deepEqual(back.columns.map(own => own.role), ['time', 'ignore', 'symbol', 'ignore', 'ignore']);
  assert.deepEqual([back.resolution, back.zone], ['date', null]);
  assert.deepEqual(withRole(events, 1, 'value').columns.map(own => own.role), ['time', 'value', 'event', 'ignore']);
  assert.equal(ingestBody(initialForm(inspected(mapping('time close')), 'x')).mapping.known_from, '');
});

test('what is asked of the server has no zone where none is needed, and nothing for what was left empty', () => {
  const utc = mapping('time close', { zone: 'UTC', symbol_from: 'fixed', symbol: ' AAPL ' });
  const form = initialForm(inspected(utc), ' prices ');
  const body = ingestBody({ ...form, about: { ...form.about, currency: 'usd', simulated: true } });
  assert.deepEqual([body.dataset, body.mapping.zone, body.mapping.symbol], ['prices', 'UTC', 'AAPL']);
  assert.deepEqual(body.about, {
    asset_class: null,
    timeframe: null,
    calendar: null,
    currency: 'USD',
    simulated: true
  });
  assert.deepEqual([body.sealed, ingestBody({ ...form, about: { ...form.about, sealed: true } }).sealed], [null, true]);
  const days = { ...utc, resolution: 'date' as const };
  assert.equal(needsZone({ mapping: days, kinds: [] }), false);
  assert.equal(ingestBody({ ...form, mapping: days }).mapping.zone, null);
  const epoch = answer(form, 'columns[0].format', 'epoch:ms').mapping;
  assert.equal(needsZone({ mapping: epoch, kinds: [] }), false);
  // A file of its own types: what names its zone there is asked for none, and what does not is.
  const typed = { ...epoch, columns: epoch.columns.map(own => (own.role === 'time' ? { ...own, format: 'native' } : own)) };
  const kinds = (time: string): string[] => typed.columns.map(own => (own.role === 'time' ? time : 'number'));
  assert.equal(needsZone({ mapping: typed, kinds: kinds('zoned') }), false);
  assert.equal(needsZone({ mapping: typed, kinds: kinds('time') }), true);
  assert.equal(needsZone({ mapping: typed, kinds: [] }), true, 'what an older look does not tell is asked');
});

test('a report has its open errors first, and says what was not checked', () => {
  const result = (rule: string, severity: string, count: number, more: object = {}): object => ({
    rule, severity, status: 'checked', reason: null, count, places: { count: 0 }, ...more
  });
  const found = {
    is_validated: false,
    validation_errors: ['TS_ORDER: not sorted (9 places); in the rows before: (1 place: a.csv)', 'OLD_ERROR: it was there before (1 place)'],
    acknowledgements: [{ rule: 'OHLC_ORDER', who: 'alice', when: '2026-11-27T10:00:00Z', why: 'a known outage' }],
    counts: { TS_ORDER: 10, OLD_ERROR: 2, OHLC_ORDER: 3 },
    report: {
      checked: '2026-11-27T10:00:00Z',
      results: [
        result('A_REMARK', 'info', 4),
        result('OHLC_ORDER', 'error', 3, {
          places: {
            count: 2,
            file: ['a.csv', null],
            row: [7, null],
            line: [8, null],
            column: ['High', null],
            symbol: ['A', 'B'],
            time: ['2024-03-04T06:00:00Z', '2024-03-05T00:00:00Z']
          }
        }),
        result('A_WARNING', 'warning', 5, {
          places: { count: 1, symbol: ['A'], time: ['2024-03-04T06:00:00Z'] }
        }),
        result('TS_ORDER', 'error', 9),
        result('QUIET', 'error', 0),
        result('NOT_HERE', 'error', 0, { status: 'not_checked', reason: 'there is no volume' })
      ]
    }
  } as unknown as IValidationReport;
  const { fired, unchecked, passed } = sortedReport(found);
  assert.deepEqual(
    fired.map(own => [own.rule, own.isOpen, own.accepted?.why ?? null]),
    [
      ['TS_ORDER', true, null],
      ['OLD_ERROR', true, null],
      ['OHLC_ORDER', false, 'a known outage'],
      ['A_WARNING', false, null],
      ['A_REMARK', false, null]
    ]
  );
  assert.deepEqual([unchecked.map(own => own.reason), passed], [['there is no volume'], 1]);
  // Rows were added: what was open before is told with what is new.
  assert.deepEqual(fired.map(own => own.count), [10, 2, 3, 5, 4]);
  assert.deepEqual(fired[0]!.places.map(own => own.message), ['in the rows before: (1 place: a.csv)']);
  const [first, second] = fired[2]!.places;
  assert.equal(placeText(first!), 'a.csv, row 7, line 8, A, 2024-03-04 06:00:00, column High');
  assert.equal(placeText(second!), 'B, 2024-03-05');
  assert.deepEqual(placesOn(fired, 'A', false), [{ time: 1_709_532_000, severity: 'error' }]);
  assert.deepEqual([barAt([10, 20, 30], 25), barAt([10, 20, 30], 30), barAt([10, 20, 30], 9)], [1, 2, -1]);
});

test('datasets are told of in words', () => {
  assert.equal(datasetState({ is_validated: false, validation_errors: ['A: b', 'C: d'] }, trans).text, '2 open errors');
  assert.equal(datasetState({ is_validated: false, validation_errors: [] }, trans).kind, 'unchecked');
  assert.equal(datasetState({ is_validated: true, validation_errors: [] }, trans).kind, 'valid');
  assert.equal(rowsText(1, trans), '1 row');
  assert.equal(rowsText(166_260, trans), '166\u202fk rows');
  const now = Date.parse('2026-03-10T12:00:00Z');
  assert.equal(freshness('2026-03-10T00:00:00Z', now, trans), 'up to today');
  assert.equal(freshness('2026-03-08T00:00:00Z', now, trans), '2 days old');
  assert.equal(freshness('2013-03-01T00:00:00Z', now, trans), '');
  assert.equal(loadingCode('prices', 3), 'al.data.load("prices@3")');
  assert.equal(loadingCode('us-equities-daily', null), 'al.data.load("us-equities-daily")');
  assert.equal(nameOfFile('BTC_1h.csv.gz'), 'BTC_1h');
  assert.deepEqual(
    ['2024-03-04T00:00:00Z', '2024-03-04T06:30:00Z', 1234567, 0.5, 1.08345, null].map(value => cellText(value)),
    ['2024-03-04', '2024-03-04 06:30:00', '1\u202f234\u202f567', '0.50', '1.08345', '\u2013']
  );
  const columns = [[1.08345, 1.08, 1.1], [101.125, 101, null], [1_000, 12], [88.99, 12.5]];
  assert.deepEqual(columns.map(columnDecimals), [5, 3, 0, 2]);
  assert.deepEqual([1.08, 1.08345].map(value => cellText(value, 5)), ['1.08000', '1.08345']);
  assert.deepEqual([figureText(2500.5, 0), figureText(0.00512, 2)], ['2\u202f500.50', '0.0051200']);
  // Nobody reads the hundredths of a volume of millions.
  assert.deepEqual(
    [44_138_496, 123_456.75, 0, -26_158_434.4].map(value => figureText(value, 0)),
    ['44\u202f138\u202f496', '123\u202f456.8', '0.00', '\u221226\u202f158\u202f434']
  );
  assert.equal(figureText(44_138_496.5, 2), '44\u202f138\u202f496.50');
});

test('a refusal of a form says each thing once, and no code of HTTP', () => {
  const taken = { field: 'dataset', message: 'prices is a dataset of the platform: choose another name' };
  const other = { field: 'about.calendar', message: 'there is no calendar XNYZ' };
  const problem = { status: 422, title: 'Unprocessable Entity', detail: `dataset: ${taken.message}`, errors: [taken, other] };
  assert.deepEqual(refusalOf(new ApiError(problem)), {
    text: `dataset: ${taken.message}`,
    details: ['about.calendar: there is no calendar XNYZ']
  });
  assert.deepEqual(refusalOf(new Error('away')), { text: 'away', details: [] });
});
