import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';

import { ApiError } from '../api/problem.js';
import type { IPreviewOutcome, IProcessBody, IProcessOutcome, IRecipePreview, RecipeStep } from '../api/recipes.js';
import type { IJob } from '../api/types.js';
import { readStep, textsOf } from '../recipes/draft.js';
import type { IDraft } from '../datasets/drafts.js';
import { RecipeModel } from '../recipes/model.js';
import { IRecipeSchema, stepKinds } from '../recipes/schema.js';
import { effectText, leakText, namesText, plain, recipeJson, recipePython, stepText, stepsOf } from '../recipes/words.js';

const filled = (text: string, args: unknown[]): string => text.replace(/%(\d)/g, (_, n) => String(args[Number(n) - 1]));
const trans = {
  __: (text: string, ...args: unknown[]) => filled(text, args),
  _n: (one: string, many: string, n: number, ...args: unknown[]) => filled(n === 1 ? one : many, [n, ...args])
} as unknown as TranslationBundle;

/** Steps in the form in which the server tells them. */
const SCHEMA: IRecipeSchema = {
  items: {
    oneOf: [
      {
        title: 'fill',
        description: 'Fill missing values.',
        required: ['kind'],
        properties: {
          kind: { const: 'fill' },
          columns: { 'x-kind': 'columns', type: 'array', default: [] },
          method: { 'x-kind': 'choice', type: 'string', enum: ['forward', 'value'], default: 'forward' },
          limit: { 'x-kind': 'whole', type: ['integer', 'null'], minimum: 1, maximum: 100, 'x-unit': 'rows', default: null },
          rows: { 'x-kind': 'yes', type: 'boolean', default: false }
        }
      },
      {
        title: 'normalise',
        description: 'Bring numbers to one scale.',
        required: ['kind'],
        properties: {
          kind: { const: 'normalise' },
          window: { 'x-kind': 'whole', type: ['integer', 'null'], minimum: 2, default: null },
          suffix: { 'x-kind': 'text', type: 'string', default: '_norm' },
          centred: { 'x-kind': 'yes', type: 'boolean', const: false, default: false }
        }
      },
      {
        title: 'derive',
        description: 'Make a column.',
        required: ['kind', 'name', 'formula'],
        properties: {
          kind: { const: 'derive' },
          name: { 'x-kind': 'column', type: 'string' },
          formula: { 'x-kind': 'formula', type: 'string' }
        }
      },
      {
        title: 'resample',
        description: 'Make coarser bars.',
        required: ['kind', 'timeframe'],
        properties: {
          kind: { const: 'resample' },
          timeframe: { 'x-kind': 'text', type: 'string' },
          label: { 'x-kind': 'choice', type: ['string', 'null'], enum: ['open', 'close', null], default: null },
          aggregate: {
            'x-kind': 'choices by column',
            type: 'object',
            additionalProperties: { enum: ['first', 'sum'] },
            default: {}
          },
          settings: { 'x-kind': 'numbers by name', type: 'object', default: {} }
        }
      },
      {
        title: 'adjust',
        description: 'Take splits out.',
        required: ['kind', 'events'],
        properties: { kind: { const: 'adjust' }, events: { 'x-kind': 'events', type: 'array' } }
      }
    ]
  }
};
const KINDS = new Map(stepKinds(SCHEMA).map(kind => [kind.kind, kind]));

test('a form has the fields of the schema, and none for what may only be false', () => {
  const [fill, normalise] = [KINDS.get('fill')!, KINDS.get('normalise')!];
  assert.deepEqual(fill.parameters.map(own => own.name), ['columns', 'method', 'limit', 'rows']);
  const limit = fill.parameters[2]!;
  assert.deepEqual(
    [limit.kind, limit.unit, limit.low, limit.high, limit.isOptional, limit.isRequired],
    ['whole', 'rows', 1, 100, true, false]
  );
  assert.deepEqual(normalise.parameters.map(own => own.name), ['window', 'suffix']);
  assert.deepEqual(KINDS.get('resample')!.parameters[1]!.choices, ['open', 'close']);
});

test('what stands in the fields of a step is read, what is left to its default is not sent', () => {
  const read = (kind: string, texts: Record<string, string | boolean>): ReturnType<typeof readStep> =>
    readStep(KINDS.get(kind)!, texts);
  assert.deepEqual(read('fill', {}), { step: { kind: 'fill' }, complaints: {} });
  assert.deepEqual(read('fill', { columns: 'close, open', rows: true, limit: ' 5 ', method: 'forward' }).step, {
    kind: 'fill', columns: ['close', 'open'], limit: 5, rows: true
  });
  const limits = ['0', '101', 'x', '2.5', ''].map(limit => read('fill', { limit }).complaints.limit ?? null);
  assert.deepEqual(limits, ['out-of-bounds', 'out-of-bounds', 'no-number', 'not-whole', null]);
  // No suffix is something else than the usual one.
  assert.deepEqual(read('normalise', { suffix: '' }).step, { kind: 'normalise', suffix: '' });
  assert.deepEqual(read('derive', { name: ' ret ' }), {
    step: { kind: 'derive', name: 'ret' }, complaints: { formula: 'missing' }
  });
  assert.deepEqual(read('resample', { timeframe: '1h', aggregate: 'volume=sum, a=b=first', settings: 'n=2' }).step, {
    kind: 'resample', timeframe: '1h', aggregate: { volume: 'sum', 'a=b': 'first' }, settings: { n: 2 }
  });
  assert.deepEqual(
    read('resample', { timeframe: '1h', aggregate: 'volume=most', settings: 'n=two' }).complaints,
    { aggregate: 'no-choice', settings: 'no-number' }
  );
  assert.deepEqual(read('resample', { timeframe: '1h', aggregate: 'volume' }).complaints, { aggregate: 'no-pair' });
  const events = 'AAPL split 2020-08-31 4\nAAPL, dividend, 2020-08-07, 0.82, 2020-07-30\n';
  assert.deepEqual(read('adjust', { events }).step.events, [
    { symbol: 'AAPL', kind: 'split', ex_date: '2020-08-31', value: 4 },
    { symbol: 'AAPL', kind: 'dividend', ex_date: '2020-08-07', value: 0.82, known_from: '2020-07-30' }
  ]);
  assert.deepEqual(read('adjust', { events: 'AAPL merger 2020-08-31 4' }).complaints, { events: 'no-event' });
  assert.deepEqual(read('adjust', { events: ' \n' }).complaints, { events: 'missing' });
});

test('a recipe that there is comes back into the fields as it was', () => {
  const steps: RecipeStep[] = [
    { kind: 'fill', columns: ['close'], limit: 5, rows: true },
    { kind: 'resample', timeframe: '1h', label: 'open', aggregate: { volume: 'sum' }, settings: { n: 2 } },
    { kind: 'adjust', events: [{ symbol: 'A', kind: 'split', ex_date: '2020-08-31', value: 4 }] }
  ];
  for (const step of steps) {
    const kind = KINDS.get(String(step.kind))!;
    assert.deepEqual(readStep(kind, textsOf(kind, step)).step, step);
  }
});

test('a recipe is copied as JSON and as Python, and told in words', () => {
  const steps: RecipeStep[] = [{ kind: 'fill', rows: true, limit: 30 }, { kind: 'derive', name: 'r', formula: 'lag("a")' }];
  assert.deepEqual(JSON.parse(recipeJson(steps)), steps);
  assert.equal(
    recipePython('prices', 2, steps),
    'data = al.data.load("prices@2").process([\n' +
      '    al.recipes.Fill(rows=True, limit=30),\n' +
      '    al.recipes.Derive(name="r", formula="lag(\\"a\\")"),\n' +
      '])\n'
  );
  assert.equal(stepText(steps[0]!, trans), 'Fill: rows, limit 30');
  const kept = { columns: ['close'], kind: 'fill', limit: 30, method: 'forward', rows: true };
  assert.equal(stepText(kept, trans, [...KINDS.values()]), 'Fill: columns close, limit 30, rows');
  assert.equal(stepText({ kind: 'sort', columns: [], label: null }, trans), 'Sort');
  assert.deepEqual(stepsOf({ format: 'alphintra-recipe/1', steps, fitted: {} }), steps);
  assert.deepEqual([stepsOf(steps), stepsOf(null), stepsOf('x')], [steps, null, null]);
  assert.equal(namesText(['a', 'b', 'c', 'd', 'e', 'f']), 'a, b, c, d, \u2026 (6)');
  const effect = {
    step: 1, kind: 'fill', rows_in: 5, rows_out: 7, rows_added: 2, rows_removed: 0,
    cells_changed: { close: 1, open: 0 }, columns_added: ['r'], columns_removed: [], notes: []
  };
  assert.equal(effectText(effect, trans), '2 rows added \u00b7 1 cell changed in close \u00b7 new: r');
  assert.equal(effectText({ ...effect, rows_added: 0, cells_changed: {}, columns_added: [] }, trans), 'nothing changed');
});

test('a step that looks ahead is told of once, with how often', () => {
  const leak = { step: 1, kind: 'derive', symbol: 'AAPL', until: '2020-01-05', time: '2020-01-03', column: 'ret' };
  const text = 'It looks ahead: ret, AAPL, 2020-01-03 came out otherwise when rows after 2020-01-05 were changed.';
  assert.deepEqual([leakText([], trans), leakText([leak], trans)], [null, text]);
  assert.equal(leakText([leak, { ...leak, time: null }, leak], trans), `${text} So did 2 more.`);
});

const FOUND: IRecipePreview = {
  refused: null, before: { columns: [], rows: [] }, after: { columns: [], rows: [] }, effects: [], leaks: [], tried: 9
};

/** A server that answers as it is told to, and the jobs that it runs. */
class Server {
  ended = new Signal<this, IJob>(this);
  stale = new Signal<this, void>(this);
  left: string[] = [];
  held = 0;
  refusal: Error | null = null;
  asked: { version: number; recipe: readonly RecipeStep[] }[] = [];
  runs: [IProcessBody, string][] = [];
  preview: Partial<IPreviewOutcome> = { status: 'RUNNING' };
  run: Partial<IProcessOutcome> = { status: 'RUNNING' };
  keys = 0;

  jobs = {
    active: { ended: this.ended, readSoon: () => undefined },
    stale: this.stale,
    announcer: {
      hold: () => {
        this.held += 1;
        return () => {
          this.held -= 1;
        };
      },
      leave: (what: string) => void this.left.push(what),
      takeBack: (what: string) => void this.left.splice(this.left.indexOf(what), 1)
    }
  };

  async recipeSchema(): Promise<IRecipeSchema> {
    return SCHEMA;
  }

  async previewRecipe(_: string, version: number, recipe: readonly RecipeStep[]): Promise<{ job_id: string }> {
    this.asked.push({ version, recipe });
    if (this.refusal) {
      throw this.refusal;
    }
    return { job_id: `preview-${this.asked.length}` };
  }

  async recipePreview(_: string, job: string): Promise<IPreviewOutcome> {
    return { job_id: job, status: 'RUNNING', error: null, preview: null, ...this.preview };
  }

  async processDataset(_: string, body: IProcessBody, key: string): Promise<{ job_id: string }> {
    this.runs.push([body, key]);
    if (this.refusal) {
      throw this.refusal;
    }
    return { job_id: 'run' };
  }

  async processed(_: string, job: string): Promise<IProcessOutcome> {
    return {
      job_id: job, status: 'RUNNING', error: null, dataset_id: null, dataset: 'prices', number: null, version_id: null,
      effects: [], ...this.run
    };
  }

  async end(id: string): Promise<void> {
    this.ended.emit({ id } as IJob);
    await new Promise(resolve => setImmediate(resolve));
  }
}

/** Keeps what was written as the browser does. */
class Kept implements IDraft {
  value: unknown = undefined;

  read(): unknown {
    return this.value;
  }

  write(value: unknown): void {
    this.value = JSON.parse(JSON.stringify(value));
  }

  drop(): void {
    this.value = undefined;
  }
}

async function written(
  server: Server,
  kept = new Kept()
): Promise<{ model: RecipeModel; fill: number; derive: number }> {
  const model = new RecipeModel('prices', server, server.jobs, trans, () => `key-${++server.keys}`, kept);
  await model.load();
  const fill = model.add('fill');
  const derive = model.add('derive');
  model.write(derive, 'name', 'ret');
  return { model, fill, derive };
}

test('steps come, go and change places; each knows the columns that are made before it', async () => {
  const { model, fill, derive } = await written(new Server());
  const last = model.add('normalise');
  assert.deepEqual(model.columnsBefore(last), ['ret']);
  assert.deepEqual(model.columnsBefore(derive), []);
  model.move(last, -1);
  model.move(fill, -1);
  assert.deepEqual(model.steps.map(step => step.key), [fill, last, derive]);
  assert.deepEqual(model.columnsBefore(last), []);
  model.remove(last);
  assert.deepEqual(model.json(), [{ kind: 'fill' }, { kind: 'derive', name: 'ret' }]);
  model.take([{ kind: 'normalise', window: 20 }, { kind: 'unheard-of' }]);
  assert.deepEqual(model.json(), [{ kind: 'normalise', window: 20 }]);
});

test('nothing is sent before every field can be read, and what is wrong stands at its field', async () => {
  const server = new Server();
  const { model, fill, derive } = await written(server);
  model.write(fill, 'limit', '0');
  await model.tryOut(3);
  assert.deepEqual(server.asked, []);
  assert.equal(model.complaintOf(fill, 'limit'), 'From 1 to 100.');
  assert.equal(model.complaintOf(derive, 'formula'), 'It has to be given.');
  model.write(fill, 'limit', '10');
  assert.deepEqual(model.complaints.map(own => own.field), ['formula']);
  model.write(derive, 'formula', 'close');
  await model.tryOut(3);
  const recipe = [{ kind: 'fill', limit: 10 }, { kind: 'derive', name: 'ret', formula: 'close' }];
  assert.deepEqual(server.asked, [{ version: 3, recipe }]);
  assert.deepEqual([server.left, server.held, model.preview.isBusy], [['preview-1'], 0, true]);
});

test('what the data refuses stands at its step, also where that has another place by then', async () => {
  const server = new Server();
  const { model, fill, derive } = await written(server);
  model.write(derive, 'formula', 'closed');
  await model.tryOut(1);
  model.move(derive, -1);
  const refused = {
    code: 'UNKNOWN_COLUMN', step: 2, where: 'step 2 (derive), formula', message: "no column 'closed'", hint: 'Did you mean `close`?'
  };
  server.preview = { status: 'COMPLETED', preview: { ...FOUND, refused } };
  await server.end('another');
  assert.equal(model.preview.isBusy, true);
  await server.end('preview-1');
  assert.deepEqual(model.complaints, [
    { step: derive, field: 'formula', text: "no column 'closed'. Did you mean close?" }
  ]);
  assert.deepEqual([model.shownPreview, model.preview.isBusy], [null, false]);

  // The server's own look at it comes back at once, by number and name of the field.
  model.write(derive, 'formula', 'close');
  const problem = { status: 422, title: 'No', errors: [{ field: 'recipe.1.limit', message: 'too many' }] };
  server.refusal = new ApiError(problem);
  await model.tryOut(1);
  assert.deepEqual(model.complaints, [{ step: fill, field: 'limit', text: 'too many' }]);
  server.refusal = new ApiError({ status: 403, title: 'No', detail: 'It is not yours.' });
  await model.tryOut(1);
  assert.deepEqual(model.complaints, [{ step: null, field: null, text: 'It is not yours.' }]);

  server.refusal = null;
  server.preview = { status: 'COMPLETED', preview: FOUND };
  await model.tryOut(1);
  assert.deepEqual([model.shownPreview, model.isPreviewOld, model.complaints], [FOUND, false, []]);
  model.write(derive, 'formula', 'open');
  assert.equal(model.isPreviewOld, true);
});

test('a run makes one version, however often it is asked for where no answer came', async () => {
  const server = new Server();
  const { model, fill, derive } = await written(server);
  model.write(derive, 'formula', 'close');
  server.refusal = new ApiError({ status: 0, title: 'Failed to fetch' });
  await model.process(2, null);
  assert.equal(model.complaints[0]?.text, 'The server does not answer.');
  await model.process(2, null);
  server.refusal = null;
  await model.process(2, null);
  assert.deepEqual(server.runs.map(([, key]) => key), ['key-1', 'key-1', 'key-1']);
  assert.equal('dataset' in server.runs[0]![0], false);
  server.run = { status: 'FAILED', error: { code: 'NO_ROWS', message: 'No row is left.', step: 1 } };
  await server.end('run');
  assert.deepEqual(model.complaints, [{ step: fill, field: null, text: 'No row is left.' }]);
  // What is stopped makes nothing, and is told of until something else is asked for.
  server.run = { status: 'CANCELLED' };
  await model.process(2, null);
  assert.deepEqual([model.isStopped, model.run.isBusy, model.complaints], [true, false, []]);
  server.run = { status: 'COMPLETED', dataset_id: 'd', dataset: 'clean', number: 1, version_id: 'v' };
  await model.process(2, 'clean');
  assert.deepEqual([server.runs[4]![0].dataset, server.runs[4]![1]], ['clean', 'key-3']);
  assert.deepEqual([model.run.answer?.number, model.isStopped, model.complaints], [1, false, []]);
  // What may have been missed is read anew; what has ended is not read again.
  server.run = { status: 'FAILED' };
  server.stale.emit();
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(model.run.answer?.status, 'COMPLETED');
  // Whoever closes the page is told of what goes on: of what has ended they were.
  await model.tryOut(2);
  assert.deepEqual(server.left, ['run', 'run', 'run', 'preview-1']);
  model.dispose();
  assert.deepEqual(server.left, ['run', 'run', 'run']);
});

test('what was written is there when Lab was loaded anew, until a version was made of it', async () => {
  const kept = new Kept();
  const server = new Server();
  const { model, derive } = await written(server, kept);
  model.write(derive, 'name', 'gain');
  const again = new RecipeModel('prices', server, server.jobs, trans, () => 'key', kept);
  await again.load();
  assert.deepEqual(again.json(), model.json());
  assert.equal(again.json().length, 2);

  again.remove(again.steps[1]!.key);
  await again.process(3, null);
  assert.notEqual(kept.value, undefined);
  server.run = { status: 'COMPLETED' };
  await server.end('run');
  assert.equal(kept.value, undefined);
  again.add('fill');
  assert.deepEqual(kept.value, again.steps.map(({ kind, texts }) => ({ kind, texts })), 'a change of it is new');
  again.steps.map(step => step.key).forEach(key => again.remove(key));
  assert.equal(kept.value, undefined, 'nothing is no draft');

  // Whatever else the browser keeps in its place, and steps that the server has no longer.
  for (const value of ['steps', { kind: 'fill' }, [null, 7, { kind: 'fill' }, { kind: 'gone', texts: {} }]]) {
    kept.value = value;
    const other = new RecipeModel('prices', server, server.jobs, trans, () => 'key', kept);
    await other.load();
    assert.deepEqual(other.steps, []);
  }
  kept.value = [{ kind: 'fill', texts: { columns: 7 } }];
  const other = new RecipeModel('prices', server, server.jobs, trans, () => 'key', kept);
  await other.load();
  assert.deepEqual(other.json(), [{ kind: 'fill' }]);
});

test('a refusal calls parameters as the form does', () => {
  const said = 'it looks ahead. Give window= (rows before `each`), or fit_until= (the end): window and fit_until are two ways.';
  assert.equal(
    plain(said, ['window', 'fit_until']),
    'it looks ahead. Give window (rows before each), or fit until (the end): window and fit until are two ways.'
  );
  // What stands behind the sign is an example, and columns are called as they are.
  assert.equal(plain('Write close=last; adj_close is none.', ['fit_until']), 'Write close=last; adj_close is none.');
});
