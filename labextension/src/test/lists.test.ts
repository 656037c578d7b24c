import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';

import { rowAt, standsOn } from '../lists/keys.js';
import type { IPart } from '../lists/model.js';
import { ListModel, partFrom } from '../lists/model.js';
import { NewestFirst } from '../lists/newestFirst.js';
import { Row, RowButton, Rows } from '../lists/rows.js';
import { Lateness, ListStates, More } from '../lists/states.js';

const trans = {
  __: (text: string, ...args: unknown[]) => text.replace(/%(\d)/g, (_, n) => String(args[Number(n) - 1]))
} as unknown as TranslationBundle;

interface IItem {
  id: string;
  status: string;
  created_at: string;
}

function item(age: number, status = 'COMPLETED', id = `i${age}`): IItem {
  return { id, status, created_at: `2026-01-01T00:00:${String(99 - age)}` };
}

/** A server's rows; each answer is as the rows are when it is asked for, and comes when it is let go. */
class Server {
  rows: IItem[] = [];
  asked: string[] = [];
  error: Error | null = null;
  isSlow = false;

  async ask(offset: number, cursor: string | null, what: string): Promise<IPart<IItem>> {
    this.asked.push(`${what}${offset}${cursor ?? ''}`);
    const { rows, error } = this;
    if (this.isSlow) {
      await new Promise<void>(resolve => this._held.push(resolve));
    }
    if (error !== null) {
      throw error;
    }
    return { items: rows.slice(offset, offset + 2), total: rows.length };
  }

  /** Let an answer go, of those that are held the one at this place. */
  async answer(at = 0): Promise<void> {
    this._held.splice(at, 1)[0]!();
    await settled();
  }

  private _held: (() => void)[] = [];
}

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

class Plain extends ListModel<IItem> {
  constructor(readonly server: Server) {
    super();
  }

  choose(what: string): Promise<void> {
    this._what = what;
    return this.restart();
  }

  protected override read(offset: number, cursor: string | null): Promise<IPart<IItem>> {
    return this.server.ask(offset, cursor, this._what);
  }

  private _what = '';
}

/** Read by a cursor, which is the id of the row that it goes on behind. */
class Running extends NewestFirst<IItem> {
  constructor(readonly server: Server) {
    super();
  }

  choose(): Promise<void> {
    return this.restart();
  }

  tell(row: IItem): void {
    this.put(row);
  }

  protected override async read(_offset: number, cursor: string | null): Promise<IPart<IItem>> {
    const from = cursor === null ? 0 : this.server.rows.findIndex(row => row.id === cursor) + 1;
    const part = await this.server.ask(from, cursor, '');
    const last = part.items.at(-1)?.id ?? null;
    return { ...part, next: from + 2 < part.total! ? last : null };
  }
}

const ids = (model: { items: readonly IItem[] }): string => model.items.map(row => row.id).join(' ');

test('calls while a list is read are answered by one more reading, which whoever calls waits for', async () => {
  const server = new Server();
  const model = new Plain(server);
  server.isSlow = true;
  server.rows = [item(1)];
  const first = model.refresh();
  assert.deepEqual([model.state, model.isReading], ['loading', true]);
  server.rows = [item(2)];
  const second = model.refresh();
  const third = model.refresh();
  await server.answer();
  assert.equal(ids(model), 'i1', 'what has come is shown while the list is read once more');
  assert.equal(model.isReading, true);
  await server.answer();
  await Promise.all([first, second, third]);
  assert.deepEqual([ids(model), model.isReading, server.asked.length], ['i2', false, 2]);
  void model.refresh();
  assert.equal(server.asked.length, 3);
});

test('another choice is asked for at once, and an answer to the one before is ignored, good or bad', async () => {
  const server = new Server();
  const model = new Plain(server);
  server.rows = [item(1)];
  await model.refresh();
  server.isSlow = true;
  for (const late of [null, new Error('away')]) {
    server.error = late;
    server.rows = [item(2)];
    const before = model.choose('a');
    server.error = null;
    server.rows = [item(3)];
    const after = model.choose('b');
    await server.answer(1);
    await after;
    assert.deepEqual([ids(model), model.isReading], ['i3', false]);
    await server.answer();
    await before;
    assert.deepEqual([ids(model), model.error, model.isReading], ['i3', null, false]);
  }
});

test('whoever waits for a choice that is taken back waits for the one that is shown in its place', async () => {
  const server = new Server();
  const model = new Plain(server);
  server.isSlow = true;
  let seen = '';
  const before = model.choose('a').then(() => (seen = ids(model)));
  server.rows = [item(3)];
  void model.choose('b');
  await server.answer();
  assert.deepEqual([seen, model.state], ['', 'loading']);
  await server.answer();
  await before;
  assert.equal(seen, 'i3');
});

test('a list that cannot be read is an error at first; what was read stays beside a later one', async () => {
  const server = new Server();
  const model = new Plain(server);
  let told = 0;
  model.changed.connect(() => (told += 1));
  server.error = new Error('away');
  await model.refresh();
  assert.deepEqual([model.state, (model.error as Error).message, told], ['error', 'away', 2]);
  server.error = null;
  server.rows = [item(1)];
  await model.refresh();
  assert.deepEqual([model.state, model.error, ids(model)], ['ready', null, 'i1']);
  server.error = new Error('gone again');
  await model.refresh();
  assert.deepEqual([model.state, (model.error as Error).message, ids(model)], ['ready', 'gone again', 'i1']);
  // An error leaves nothing behind that keeps the list from being read.
  server.error = null;
  server.rows = [];
  await model.refresh();
  assert.deepEqual([model.error, model.items.length], [null, 0]);
});

test('more is read behind what is shown, once at a time, and says where it could not be', async () => {
  const server = new Server();
  const model = new Plain(server);
  server.rows = [item(1), item(2), item(3), item(4), item(5)];
  await model.refresh();
  assert.deepEqual([ids(model), model.total, model.hasMore], ['i1 i2', 5, true]);
  server.error = new Error('away');
  await model.more();
  assert.deepEqual([ids(model), (model.moreError as Error).message, model.error], ['i1 i2', 'away', null]);
  server.error = null;
  server.isSlow = true;
  const first = model.more();
  const second = model.more();
  assert.deepEqual([model.isReadingMore, model.moreError], [true, null]);
  await server.answer();
  await Promise.all([first, second]);
  assert.deepEqual([ids(model), model.isReadingMore, server.asked], ['i1 i2 i3 i4', false, ['0', '2', '2']]);
  // What has moved behind by a new row is not listed twice.
  server.rows = [item(0), ...server.rows];
  server.isSlow = false;
  await model.more();
  assert.equal(ids(model), 'i1 i2 i3 i4 i5');
});

test('more of another choice than the last is ignored, and holds nothing up', async () => {
  const server = new Server();
  const model = new Plain(server);
  server.rows = [item(1), item(2), item(3)];
  await model.refresh();
  server.isSlow = true;
  const more = model.more();
  server.rows = [item(7), item(8), item(9)];
  const chosen = model.choose('x');
  await server.answer(1);
  await chosen;
  assert.deepEqual([ids(model), model.isReadingMore], ['i7 i8', false]);
  await server.answer();
  await more;
  assert.deepEqual([ids(model), model.moreError], ['i7 i8', null]);
});

test('nothing of another choice is put behind the rows of the one before, which could not be changed', async () => {
  const server = new Server();
  const model = new Plain(server);
  server.rows = [item(1), item(2), item(3)];
  await model.refresh();
  server.error = new Error('away');
  await model.choose('x');
  assert.deepEqual([ids(model), model.hasMore, (model.error as Error).message], ['i1 i2', true, 'away']);
  server.error = null;
  server.rows = [item(7), item(8), item(9)];
  await model.more();
  assert.deepEqual([ids(model), model.error, server.asked.at(-1)], ['i7 i8', null, 'x0']);
});

test('more that comes while the list is read anew is not lost by that', async () => {
  const rows = [item(1), item(2), item(3), item(4)];
  const asked: string[] = [];
  let go = (): void => undefined;
  /** From the beginning it is read as far as it is shown. */
  class Whole extends ListModel<IItem> {
    protected override async read(offset: number): Promise<IPart<IItem>> {
      const wanted = offset === 0 ? Math.max(2, this.items.length) : 2;
      const part = await partFrom(
        async (limit, from) => {
          asked.push(`${from}+${limit}`);
          return { items: rows.slice(from, from + limit), _pagination: { limit, total: rows.length } };
        },
        offset,
        wanted
      );
      if (offset === 0 && asked.length === 2) {
        await new Promise<void>(resolve => (go = resolve));
      }
      return part;
    }
  }
  const model = new Whole();
  await model.refresh();
  const read = model.refresh();
  await settled();
  await model.more();
  go();
  await read;
  assert.deepEqual([ids(model), asked], ['i1 i2 i3 i4', ['0+2', '0+2', '2+2', '0+4']]);
});

test('a list that is disposed of takes no answer', async () => {
  const server = new Server();
  const model = new Plain(server);
  server.isSlow = true;
  server.rows = [item(1)];
  const read = model.refresh();
  model.dispose();
  model.dispose();
  await server.answer();
  await read;
  assert.deepEqual([model.isDisposed, model.items], [true, []]);
});

test('of what runs, older pages stay and go on where they did; what is gone goes', async () => {
  const server = new Server();
  const model = new Running(server);
  server.rows = [item(1), item(2), item(3), item(4), item(5)];
  await model.refresh();
  await model.more();
  assert.deepEqual([ids(model), model.hasMore], ['i1 i2 i3 i4', true]);
  server.rows = [item(0), item(1), item(3), item(4), item(5)];
  await model.refresh();
  assert.equal(ids(model), 'i0 i1 i2 i3 i4');
  server.rows = [item(0), item(3), item(4), item(5)];
  await model.refresh();
  assert.equal(ids(model), 'i0 i3 i4', 'what is within the part that was read is as the server says');
  await model.more();
  assert.deepEqual([ids(model), model.hasMore, server.asked.at(-1)], ['i0 i3 i4 i5', false, '3i4']);
  // Of another choice nothing stays.
  await model.choose();
  assert.deepEqual([ids(model), model.hasMore], ['i0 i3', true]);
});

test('what was told of while a list was on its way is newer than the list, and nothing leaves its end', async () => {
  const server = new Server();
  const model = new Running(server);
  server.rows = [item(1, 'RUNNING'), item(2, 'PENDING')];
  await model.refresh();
  server.isSlow = true;
  const read = model.refresh();
  model.tell(item(0, 'PENDING'));
  model.tell(item(0, 'RUNNING'));
  model.tell(item(2, 'RUNNING'));
  model.tell(item(1));
  await server.answer();
  await read;
  assert.deepEqual(
    model.items.map(row => row.status),
    ['RUNNING', 'COMPLETED', 'RUNNING']
  );
  model.tell(item(1, 'RUNNING'));
  assert.equal(model.find('i1')!.status, 'COMPLETED');
  // A list that was asked for afterwards knows better.
  server.isSlow = false;
  server.rows = [item(2, 'FAILED')];
  await model.refresh();
  assert.deepEqual([ids(model), model.find('i2')!.status], ['i2', 'FAILED']);
});

test('keys lead from row to row and stop at the ends', () => {
  const to = (key: string, at: number): number | null => rowAt(key, at, 10, 4);
  assert.deepEqual([to('ArrowDown', 3), to('ArrowUp', 3), to('Home', 3), to('End', 3)], [4, 2, 0, 9]);
  assert.deepEqual([to('ArrowDown', 9), to('ArrowUp', 0), to('PageDown', 8), to('PageUp', 2)], [9, 0, 9, 0]);
  assert.deepEqual([to('PageDown', 1), to('PageUp', 7)], [5, 3]);
  assert.deepEqual([to('Enter', 3), to('a', 3), to('toString', 3), rowAt('Home', 0, 0, 4)], [null, null, null, null]);
});

test('the keyboard stays on its row, and goes to the nearest where that is gone', () => {
  const before = ['a', 'b', 'c', 'd'];
  assert.equal(standsOn(['z', 'c', 'a'], before, 'c'), 'c');
  assert.equal(standsOn(['a', 'b', 'd'], before, 'c'), 'd');
  assert.equal(standsOn(['z', 'a', 'b'], before, 'd'), 'b');
  assert.equal(standsOn(['y', 'z'], before, 'b'), 'y');
  assert.equal(standsOn(['y', 'z'], before, null), 'y');
  assert.equal(standsOn([], before, 'b'), null);
});

function rows(current: string | null): string {
  const listed = ['a', 'b'].map(id =>
    React.createElement(
      Row,
      { key: id, id, label: `Row ${id}`, className: 'Own', current: id === current, onOpen: () => undefined },
      React.createElement(RowButton, { onPress: () => undefined }, 'stop')
    )
  );
  return renderToStaticMarkup(React.createElement(Rows, { label: 'All', ids: ['a', 'b'], current, children: listed }));
}

/** Of each element that can have the focus its name or text, and whether the Tab key stops at it. */
function stops(html: string): string[] {
  return [...html.matchAll(/<(li|button)[^>]*tabindex="(-?\d)"/g)].map(([, tag, tab]) => `${tag} ${tab}`);
}

test('the Tab key stops at one row of a list and its buttons: the first, or the one that is open', () => {
  assert.deepEqual(stops(rows(null)), ['li 0', 'button 0', 'li -1', 'button -1']);
  const html = rows('b');
  assert.deepEqual(stops(html), ['li -1', 'button -1', 'li 0', 'button 0']);
  assert.match(html, /^<ul class="alphintra-Items" role="grid" aria-label="All">/);
  assert.match(html, /<li class="alphintra-Item Own alphintra-mod-current" role="row" data-row="b"/);
  assert.deepEqual(html.match(/aria-label="[^"]*"/g), ['aria-label="All"', 'aria-label="Row a"', 'aria-label="Row b"']);
  assert.equal(html.match(/aria-current="true"/g)?.length, 1);
  assert.equal(html.match(/role="gridcell"/g)?.length, 2);
});

test('a list shows its state, and an error beside what was read has a way out', async () => {
  const server = new Server();
  const model = new Plain(server);
  const shown = (isAway = false): string =>
    renderToStaticMarkup(
      React.createElement(
        ListStates,
        {
          model,
          trans,
          skeleton: React.createElement('i', null, 'outline'),
          failed: 'They could not be read.',
          children: React.createElement('b', null, 'rows')
        },
      )
    ) + renderToStaticMarkup(React.createElement(Lateness, { model, isAway, trans }));
  assert.equal(shown(), '<i>outline</i>');
  server.error = new Error('away');
  await model.refresh();
  assert.match(shown(true), /^<div [^>]*role="alert"><p [^>]*>They could not be read\. away<\/p>.*Try again<\/button>/);
  assert.equal(shown(true), shown(), 'where nothing was read there is nothing that is late');
  server.error = null;
  await model.refresh();
  assert.equal(shown(), '<b>rows</b>');
  server.error = new Error('gone again');
  await model.refresh();
  assert.match(shown(), /^<b>rows<\/b><div [^>]*role="alert">.*gone again.*Try again<\/button><\/div>$/);
  assert.match(shown(true), /^<b>rows<\/b><div [^>]*role="alert">The server does not answer/);
});

test('the button that reads more is there while there is more, and tells why it could not', async () => {
  const server = new Server();
  const model = new Plain(server);
  const shown = (): string =>
    renderToStaticMarkup(React.createElement('div', null, React.createElement(More, { model, trans, label: 'Older' })));
  server.rows = [item(1), item(2), item(3)];
  await model.refresh();
  assert.match(shown(), /aria-disabled="false">Older<\/button>/);
  server.error = new Error('away');
  await model.more();
  assert.match(shown(), /role="status">They could not be read\. away</);
  server.error = null;
  await model.more();
  assert.equal(shown(), '<div></div>');
});
