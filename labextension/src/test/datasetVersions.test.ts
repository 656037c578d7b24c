import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';

import type { IDatasetVersion, IRule, IStorageUsage } from '../api/datasets.js';
import { ApiError, problemFrom } from '../api/problem.js';
import { changedBySymbol } from '../datasets/comparisonCounts.js';
import { Fate, decided, undecided, withMore } from '../datasets/deleting.js';
import { byGroup, choiceOf, complaintOf, fieldsOf, textOf, withNumber, withRule } from '../datasets/ruleChoice.js';
import { StorageModel, roomLeft, takenShare, usageText } from '../datasets/storage.js';
import { makingOf, otherThan, parentText } from '../datasets/versions.js';
import { TakenBack, isNoMore, isRefused } from '../datasets/takenBack.js';
import { fromText, nameInCode, rightsOf, sharedText, tagsOf } from '../datasets/words.js';

const filled = (text: string, args: unknown[]): string => text.replace(/%(\d)/g, (_, n) => String(args[Number(n) - 1]));
const trans = {
  __: (text: string, ...args: unknown[]) => filled(text, args),
  _n: (one: string, many: string, n: number, ...args: unknown[]) => filled(n === 1 ? one : many, [n, ...args])
} as unknown as TranslationBundle;

test('what was made of a dataset is asked for, one by one, until each is decided', () => {
  const body = {
    code: 'DATASET_HAS_DERIVED',
    detail: 'Made of a: b.',
    derived: [{ dataset_id: 'b', name: 'clean', versions: [1, 2] }]
  };
  const shown = undecided(new ApiError(problemFrom(409, 'Conflict', body)))!;
  assert.deepEqual(shown, body.derived);
  assert.equal(undecided(new ApiError(problemFrom(409, 'Conflict', { code: 'OTHER', derived: [] }))), null);
  assert.equal(undecided(new Error('away')), null);
  // What goes along has others that were made of it.
  const more = withMore(shown, [shown[0]!, { dataset_id: 'c', name: 'labels', versions: [1] }]);
  assert.deepEqual(more.map(item => item.dataset_id), ['b', 'c']);
  const fates = new Map<string, Fate>([['b', 'also'], ['c', 'keep']]);
  assert.deepEqual(decided(fates), { also: ['b'], keep: ['c'] });
});

test('the room that is taken is told with its share, and when it is nearly gone', async () => {
  const usage = (used: number, quota: number): IStorageUsage => ({ used, quota, datasets: used, uploads: 0 });
  const shares = [usage(0, 10), usage(9, 10), usage(12, 10), usage(0, 0)].map(own => [takenShare(own), roomLeft(own)]);
  assert.deepEqual(shares, [[0, 'enough'], [0.9, 'little'], [1, 'none'], [1, 'none']]);
  assert.match(usageText(usage(12, 10), trans), /, full$/);
  let told = 0;
  let isAway = false;
  const model = new StorageModel({
    storageUsage: async () => {
      if (isAway) {
        throw new Error('away');
      }
      return usage(5, 10);
    }
  });
  model.changed.connect(() => (told += 1));
  await model.refresh();
  isAway = true;
  const warn = console.warn;
  console.warn = () => undefined;
  await model.refresh();
  console.warn = warn;
  assert.deepEqual([told, model.usage], [1, usage(5, 10)]);
});

const RULES = [
  { id: 'TS_RANGE', group: 'times', parameters: [{ name: 'first_year', default: 1800, least: 1, most: 2100, text: '', whole: true }] },
  { id: 'OHLC_ORDER', group: 'prices', parameters: [{ name: 'tolerance', default: 0.5, least: 0, most: 1, text: '', whole: false }] },
  { id: 'TS_PARSE', group: 'times', parameters: [] }
] as unknown as IRule[];

test('rules are chosen by group, from what was chosen before, and only what differs is sent', () => {
  assert.deepEqual(
    byGroup(RULES).map(({ group, rules }) => [group, rules.map(rule => rule.id)]),
    [['times', ['TS_RANGE', 'TS_PARSE']], ['prices', ['OHLC_ORDER']]]
  );
  let fields = fieldsOf({ left_out: ['TS_PARSE', 'GONE'], parameters: { OHLC_ORDER: { tolerance: 0.1 } } });
  assert.deepEqual([textOf(fields, 'OHLC_ORDER', RULES[1]!.parameters[0]!)], ['0.1']);
  assert.deepEqual(choiceOf(RULES, fields), { left_out: ['TS_PARSE'], parameters: { OHLC_ORDER: { tolerance: 0.1 } } });
  fields = withNumber(withRule(fields, 'TS_PARSE', true), 'OHLC_ORDER', 'tolerance', '');
  assert.deepEqual(choiceOf(RULES, fields), { left_out: [], parameters: {} });
  fields = withNumber(fields, 'TS_RANGE', 'first_year', '1900.5');
  assert.equal(choiceOf(RULES, fields), null);
  // Of a rule that is left out no number has to be right.
  assert.deepEqual(choiceOf(RULES, withRule(fields, 'TS_RANGE', false)), { left_out: ['TS_RANGE'], parameters: {} });
  // Splits and dividends that counted before count again, unless they are taken out.
  const known = fieldsOf({ reference: 'actions@1' });
  assert.deepEqual(choiceOf(RULES, known), { left_out: [], parameters: {}, reference: 'actions@1' });
  assert.deepEqual(choiceOf(RULES, { ...known, reference: ' ' }), { left_out: [], parameters: {} });
  const year = RULES[0]!.parameters[0]!;
  assert.deepEqual(
    ['', '1900', '1900.5', '0', 'x'].map(text => complaintOf(text, year)),
    [null, null, 'not-whole', 'out-of-bounds', 'no-number']
  );
});

test('a version tells what it was made of', () => {
  const version = (more: object): IDatasetVersion =>
    ({ id: 'v2', dataset_id: 'd', recipe: null, parents: [], ...more }) as unknown as IDatasetVersion;
  const uploads = [{ version_id: 'v2', filename: 'download.csv' }];
  const parent = { version_id: 'v1', dataset_id: 'd', number: 1, state: 'ACTIVE' };
  assert.equal(makingOf(version({}), uploads, [], trans).text, 'file download.csv');
  assert.equal(makingOf(version({ id: 'v9' }), uploads, [], trans).text, 'a file');
  assert.equal(makingOf(version({ parents: [parent] }), uploads, [], trans).text, 'rows added from download.csv');
  const steps = [{ kind: 'fill', limit: 5 }, { kind: 'sort' }, { kind: 'drop' }];
  const made = makingOf(version({ recipe: { steps }, parents: [parent] }), uploads, [], trans);
  assert.deepEqual([made.text, made.steps.length], ['Fill: limit 5; Sort; 1 more step', 3]);
  const names = new Map([['x', 'vix']]);
  const others = [parent, { ...parent, dataset_id: 'x', number: 3 }, { ...parent, dataset_id: '0123456789' }];
  assert.deepEqual(others.map(own => parentText(own, 'd', names)), ['@1', 'vix@3', '01234567@1']);
});

test('a version is compared with the current one, and that with the one before', () => {
  const versions = [3, 2, 1].map(number => ({ number, current: number === 3, state: 'ACTIVE' }));
  assert.deepEqual([1, 2, 3].map(number => otherThan(versions, number)), [3, 3, 2]);
  assert.equal(otherThan(versions.slice(0, 1), 3), null);
  const gone = versions.map(own => ({ ...own, state: own.number === 2 ? 'DELETED' : 'ACTIVE' }));
  assert.equal(otherThan(gone, 3), 1);
});

test('differences are counted by symbol, with the rows that each had', () => {
  const places = ['B', 'A', 'B'].map(symbol => ({ symbol }));
  assert.deepEqual(changedBySymbol(places, [{ symbol: 'C', rows_from: 1, rows_to: 2 }, { symbol: 'A', rows_from: 5, rows_to: 4 }]), [
    { symbol: 'B', rows: null, places: 2 },
    { symbol: 'A', rows: { from: 5, to: 4 }, places: 1 },
    { symbol: 'C', rows: { from: 1, to: 2 }, places: 0 }
  ]);
});

test('what others share is loaded by its id, one\u2019s own by its name', () => {
  const named = (owner: string | null, access: 'USE' | 'OWNER'): string => nameInCode({ id: 'id', name: 'prices', owner, access });
  assert.deepEqual([named(null, 'USE'), named('me', 'OWNER'), named('bob', 'USE')], ['prices', 'prices', 'id']);
  assert.deepEqual(tagsOf(' a, b ,a,, c d '), ['a', 'b', 'c d']);
});

test('what a grant allows is offered, and said beside whose it is', () => {
  const levels = ['READ', 'USE', 'EDIT', 'OWNER'] as const;
  const rights = levels.map(access => Object.values(rightsOf({ access })));
  assert.deepEqual(rights, [
    [false, false, false],
    [true, false, false],
    [true, true, false],
    [true, true, true]
  ]);
  const told = levels.map(access => sharedText({ owner: 'alice', access }, trans));
  assert.deepEqual(told, [
    'of alice: you may look at it',
    'of alice: you may look at it and run on it',
    'of alice: you may run on it and change it',
    null
  ]);
  assert.equal(sharedText({ owner: null, access: 'USE' }, trans), null);
  const from = levels.map(access => fromText({ owner: 'alice', access, source: 'USER_UPLOAD' }, trans));
  assert.deepEqual(from, ['of alice', 'of alice', 'of alice', 'uploaded']);
  assert.equal(fromText({ owner: null, access: 'USE', source: 'PLATFORM' }, trans), 'platform');
});

test('what is not there any more says whose it was, and what the user may do by now is read after a refusal', () => {
  const answer = (status: number, code?: string): ApiError => new ApiError({ status, title: 'No', code });
  assert.deepEqual([404, 410, 403, 503, 0].map(status => isNoMore(answer(status))), [true, true, false, false, false]);
  assert.deepEqual([answer(404), answer(403, 'DATASET_ACCESS'), answer(403), new Error('x')].map(isRefused), [
    true, true, false, false
  ]);
  const said = (dataset: { name: string; owner: string; access: 'READ' | 'OWNER' } | null): string =>
    renderToStaticMarkup(
      React.createElement(TakenBack, { dataset, trans, onRetry: () => undefined, onClose: () => undefined })
    );
  const shared = said({ name: 'prices', owner: 'alice', access: 'READ' });
  assert.match(shared, /prices is no longer shared with you\..*alice, whose it is, took it back.*ask alice/);
  assert.match(said({ name: 'prices', owner: 'bob', access: 'OWNER' }), /prices was deleted\./);
  assert.match(said(null), /not there for you/);
});
