import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IConnector, IConnectorRun, IInterface } from '../api/connectors.js';
import type { IPage } from '../api/types.js';
import {
  IConnectorForm,
  changeBody,
  complaintsOf,
  emptyForm,
  formOf,
  momentOf,
  newBody,
  pairsOf,
  placed,
  secretFields,
  shownFields
} from '../connectors/form.js';
import { ConnectorsModel } from '../connectors/model.js';
import { IConnectorSchema, connectorSchema } from '../connectors/schema.js';
import { dueText, scheduleText, standingOf } from '../connectors/words.js';

const trans = {
  __: (text: string, ...args: unknown[]) => text.replace(/%(\d)/g, (_, n) => String(args[Number(n) - 1]))
} as unknown as TranslationBundle;

const nullable = (type: object): object => ({ anyOf: [type, { type: 'null' }], default: null });
/** What the server says of connectors, in its own manner and shorter. */
const DESCRIPTION = {
  components: {
    schemas: {
      ConnectorCreate: {
        required: ['name', 'source', 'dataset'],
        properties: {
          name: { type: 'string', maxLength: 200, pattern: '^[^\\x00-\\x1f\\x7f]+$' },
          source: {
            oneOf: ['HttpSource', 'ExchangeSource', 'PostgresSource'].map(name => ({
              $ref: `#/components/schemas/${name}`
            }))
          },
          secret: nullable({ $ref: '#/components/schemas/Secret' }),
          dataset: { type: 'string', maxLength: 200 },
          mapping: nullable({ type: 'object', additionalProperties: true }),
          about: { $ref: '#/components/schemas/Stated', default: {} },
          tags: { type: 'array', items: { type: 'string', pattern: '^[^|,]{1,40}$' }, maxItems: 20 },
          since: nullable({ type: 'string', format: 'date-time' }),
          overlap_bars: { type: 'integer', minimum: 0, maximum: 10000, default: 5 },
          schedule: nullable({ $ref: '#/components/schemas/Schedule' }),
          paused: { type: 'boolean', default: false }
        }
      },
      HttpSource: {
        description: 'A file at an address.',
        required: ['kind', 'url'],
        properties: {
          kind: { const: 'http', type: 'string' },
          url: { type: 'string', maxLength: 2000 },
          time_format: { type: 'string', enum: ['iso', 'date', 's', 'ms'], default: 'iso' }
        }
      },
      ExchangeSource: {
        required: ['kind', 'exchange', 'symbols', 'timeframe'],
        properties: {
          kind: { const: 'exchange', type: 'string' },
          exchange: { type: 'string', pattern: '^[a-z0-9_]{2,40}$' },
          symbols: { type: 'array', items: { type: 'string', pattern: '^[A-Z/]+$' } },
          timeframe: { type: 'string' }
        }
      },
      PostgresSource: {
        required: ['kind', 'host', 'query'],
        properties: {
          kind: { const: 'postgresql', type: 'string' },
          host: { type: 'string' },
          port: { type: 'integer', minimum: 1, maximum: 65535, default: 5432 },
          query: { type: 'string', maxLength: 50000 }
        }
      },
      Secret: {
        properties: {
          headers: { type: 'object', additionalProperties: { type: 'string' }, 'x-kinds': ['http'] },
          token: { ...nullable({ type: 'string' }), 'x-kinds': ['http'] },
          password: { ...nullable({ type: 'string' }), 'x-kinds': ['postgresql'] }
        }
      },
      Schedule: {
        properties: {
          cron: nullable({ type: 'string' }),
          time_zone: { type: 'string', default: 'UTC' },
          after_close: nullable({ type: 'string' }),
          minutes: { type: 'integer', minimum: 0, maximum: 1440, default: 15 }
        }
      },
      Stated: { properties: { calendar: nullable({ type: 'string' }), simulated: { type: 'boolean', default: false } } }
    }
  }
} as unknown as IInterface;

const schema: IConnectorSchema = connectorSchema(DESCRIPTION);
const written = (form: IConnectorForm, texts: Record<string, string | boolean>): IConnectorForm => ({
  ...form,
  texts: { ...form.texts, ...texts }
});
const CONNECTOR = {
  id: 'c1',
  name: 'Prices',
  source: { kind: 'http', url: 'https://example.com/a.csv', time_format: 'iso' },
  secrets: ['headers.Authorization'],
  dataset: 'prices',
  since: '2020-01-01T00:00:00Z',
  overlap_bars: 3,
  schedule: { cron: '30 17 * * mon-fri', time_zone: 'America/New_York', after_close: null, minutes: 15 },
  paused: false,
  running: null,
  last_row: null,
  last_success_at: null,
  next_run_at: '2024-03-04T02:00:00Z',
  last_error: null
} as unknown as IConnector;

test('the form has the fields that the schema tells, each in its manner', () => {
  assert.deepEqual(schema.sources.map(own => own.kind), ['http', 'exchange', 'postgresql']);
  const kinds = Object.fromEntries(schema.common.map(field => [field.name, field.kind]));
  assert.deepEqual(kinds, { name: 'text', dataset: 'text', tags: 'list', since: 'time', overlap_bars: 'whole', paused: 'yes' });
  const http = schema.sources[0]!.fields.map(field => [field.path, field.kind, field.isRequired]);
  assert.deepEqual(http, [['source.url', 'text', true], ['source.time_format', 'choice', false]]);
  assert.equal(schema.sources[2]!.fields.find(field => field.name === 'query')!.kind, 'long');
  assert.deepEqual(secretFields(schema, 'http').map(field => [field.name, field.kind]), [['headers', 'pairs'], ['token', 'text']]);
  assert.deepEqual(secretFields(schema, 'postgresql').map(field => field.name), ['password']);
  assert.deepEqual(secretFields(schema, 'exchange'), []);
  assert.throws(() => connectorSchema({ components: { schemas: {} } }), /does not describe/);
});

test('what is missing or out of its bounds is told at its field before anything is sent', () => {
  const paths = (form: IConnectorForm): string[] => complaintsOf(schema, form, true).map(({ path, kind }) => `${path} ${kind}`);
  assert.deepEqual(paths(emptyForm(schema)), ['name missing', 'dataset missing', 'source.url missing']);
  const form: IConnectorForm = { ...emptyForm(schema), kind: 'exchange', timing: 'clock' };
  assert.deepEqual(
    paths(
      written(form, {
        name: 'Coins', dataset: 'coins', since: 'soon', overlap_bars: '99999',
        'source.exchange': 'Binance!', 'source.symbols': 'BTC/USDT, eth', 'source.timeframe': '1h'
      })
    ),
    [
      'since no-time', 'overlap_bars out-of-bounds', 'source.exchange not-like-this', 'source.symbols not-like-this',
      'schedule.cron missing'
    ]
  );
});

test('what is sent has only what is meant', () => {
  const form = written({ ...emptyForm(schema), timing: 'close' }, {
    name: ' Prices ', dataset: 'prices', tags: 'a, b,', since: '2020-01-31', 'source.url': 'https://example.com/{token}',
    'secret.token': 'hush', 'schedule.after_close': 'XNYS', 'schedule.cron': 'left from before'
  });
  assert.deepEqual(newBody(schema, form), {
    name: 'Prices', dataset: 'prices', tags: ['a', 'b'], since: '2020-01-31T00:00:00Z', overlap_bars: 5,
    source: { kind: 'http', url: 'https://example.com/{token}', time_format: 'iso' },
    secret: { token: 'hush' },
    about: { simulated: false },
    schedule: { after_close: 'XNYS', minutes: 15 }
  });
  const exchange = newBody(schema, { ...form, kind: 'exchange', timing: 'hand' });
  assert.deepEqual([exchange.schedule, 'about' in exchange, 'secret' in exchange], [null, false, false]);
});

test('a change has what was changed alone; a secret stays unless another is written or it is forgotten', () => {
  const form = formOf(CONNECTOR, schema);
  assert.equal(form.timing, 'clock');
  assert.deepEqual(changeBody(schema, form, CONNECTOR), {});
  assert.ok(!shownFields(schema, form, false).some(field => field.name === 'dataset'), 'a dataset is for good');
  const later = written(form, { 'schedule.time_zone': 'UTC', name: 'Others', since: '' });
  assert.deepEqual(changeBody(schema, later, CONNECTOR), {
    name: 'Others', since: null, schedule: { cron: '30 17 * * mon-fri', time_zone: 'UTC' }
  });
  assert.deepEqual(changeBody(schema, { ...form, timing: 'hand' }, CONNECTOR), { schedule: null });
  assert.deepEqual(changeBody(schema, { ...form, forgetsSecret: true }, CONNECTOR), { secret: null });
  const other = written(form, { 'secret.headers': 'Authorization: Bearer a:b\n\nX-Key: 1', 'source.url': 'https://b/' });
  assert.deepEqual(changeBody(schema, other, CONNECTOR), {
    source: { kind: 'http', url: 'https://b/', time_format: 'iso' },
    secret: { headers: { Authorization: 'Bearer a:b', 'X-Key': '1' } }
  });
  assert.equal(pairsOf('no pair'), null);
  assert.deepEqual([momentOf('2020-01-31 10:00'), momentOf('2020-13-01'), momentOf('1')], ['2020-01-31T10:00Z', null, null]);
});

test("the server's errors stand at their fields, whatever kind of source they were given of", () => {
  const form: IConnectorForm = { ...emptyForm(schema), kind: 'exchange', timing: 'clock' };
  const { at, apart } = placed(
    [
      { field: 'source.exchange.symbols.1', message: 'not a symbol' },
      { field: 'schedule.cron', message: "'99' is no minute" },
      { field: 'schedule.cron', message: 'said already' },
      { field: 'secret', message: 'this kind has none' }
    ],
    shownFields(schema, form, true)
  );
  assert.deepEqual([...at], [['source.symbols', 'not a symbol'], ['schedule.cron', "'99' is no minute"]]);
  assert.deepEqual(apart, ['secret: this kind has none']);
});

test('how a connector stands is told with its clock, its next run and its last error', () => {
  const now = Date.parse('2024-03-04T00:00:00Z');
  const standing = (change: Partial<IConnector>): string => standingOf({ ...CONNECTOR, ...change }, now, trans).text;
  assert.equal(scheduleText(CONNECTOR.schedule, trans), '30 17 * * mon-fri, clock of America/New_York');
  assert.equal(
    scheduleText({ cron: null, time_zone: 'UTC', after_close: 'XNYS', minutes: 30 }, trans),
    '30 min after the close of XNYS'
  );
  assert.equal(dueText(CONNECTOR, now, trans), 'next in 2 h');
  assert.equal(standing({}), 'has not run yet');
  assert.equal(standing({ last_success_at: '2024-03-03T23:50:00Z' }), 'up to date 10 min ago');
  const error = { code: 'SOURCE_BUSY', message: 'it said 503', at: '2024-03-03T22:00:00Z' };
  assert.equal(standing({ last_error: error }), '2 h ago: it said 503');
  assert.equal(standing({ last_error: { ...error, code: 'NEEDS_MAPPING' } }), 'How is it read?');
  assert.equal(standing({ paused: true }), 'paused');
});

/** A server whose connectors are set by the test. */
class Server {
  items: IConnector[] = [];
  isAway = false;
  asked: string[] = [];

  async connectors(): Promise<IPage<IConnector>> {
    this.asked.push('list');
    if (this.isAway) {
      throw new Error('away');
    }
    return { items: this.items } as IPage<IConnector>;
  }

  async connectorRuns(id: string): Promise<IPage<IConnectorRun>> {
    this.asked.push(id);
    return { items: [{ id: 'r', connector_id: id, upload_id: 'u', job_id: 'j' }] } as unknown as IPage<IConnectorRun>;
  }
}

test('the list asks for the runs of those alone that run or ask, and stays when the server is away', async () => {
  const server = new Server();
  const model = new ConnectorsModel(server);
  server.isAway = true;
  await model.refresh();
  assert.equal(model.state, 'error');
  server.isAway = false;
  const error = { code: 'NEEDS_MAPPING', message: null, at: '2024-03-03T22:00:00Z' };
  server.items = [CONNECTOR, { ...CONNECTOR, id: 'c2', running: 'r' }, { ...CONNECTOR, id: 'c3', last_error: error }];
  server.asked = [];
  await model.refresh();
  assert.deepEqual(server.asked, ['list', 'c2', 'c3']);
  assert.deepEqual([model.state, model.failing, model.lastRun('c2')?.job_id], ['ready', 1, 'j']);
  assert.equal(model.ofUpload('u')?.id, 'c2');
  assert.equal(model.ofUpload(null), undefined);
  server.isAway = true;
  await model.refresh();
  assert.deepEqual([model.state, model.items.length, (model.error as Error).message], ['ready', 3, 'away']);

  // A run that another begins, or the schedule, has the list read anew; other jobs and known ones do not.
  server.isAway = false;
  server.asked = [];
  model.follow([{ id: 'b', kind: 'backtest' }]);
  model.follow([{ id: 'f', kind: 'fetch' }]);
  model.follow([{ id: 'f', kind: 'fetch' }]);
  assert.deepEqual(server.asked, ['list']);
});
