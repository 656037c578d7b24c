import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { ServerConnection } from '@jupyterlab/services';

import { Client } from '../api/client.js';
import { ApiError } from '../api/problem.js';
import { compared, isAboutRuns } from '../backtests/comparing.js';

interface IAnswer {
  status: number;
  headers?: Record<string, string>;
  body: unknown;
}

const AWAY: IAnswer = {
  status: 503,
  headers: { 'Retry-After': '0' },
  body: { title: 'Service Unavailable', detail: 'Not just now.' }
};
const FOUND: IAnswer = { status: 200, body: { study: { kind: 'comparison' } } };

async function read(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) {
    text += String(part);
  }
  return text;
}

/** A client of a server that gives these answers, one after the other, and what that server was asked. */
async function withAnswers(
  answers: IAnswer[],
  use: (client: Client, asked: string[]) => Promise<void>
): Promise<void> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    void read(request).then(body => {
      const answer = answers[asked.length];
      asked.push(`${request.method} ${request.url} ${body}`);
      assert.ok(answer, 'asked too often');
      response.writeHead(answer.status, {
        'Content-Type': 'application/json',
        Connection: 'close',
        ...answer.headers
      });
      response.end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const baseUrl = `http://127.0.0.1:${port}/`;
    await use(new Client(ServerConnection.makeSettings({ baseUrl, fetch })), asked);
  } finally {
    await new Promise(resolve => server.close(resolve));
  }
}

const ASKED = 'POST /api/backtests/compare {"ids":["a","b"]}';

test('a server that cannot just now is asked once more when it says', () =>
  withAnswers([AWAY, FOUND], async (client, asked) => {
    const waits: [number, string][] = [];
    const found = await compared(
      client,
      ['a', 'b'],
      () => true,
      (seconds, error) => waits.push([seconds, error.message])
    );
    assert.deepEqual(found.study, { kind: 'comparison' });
    assert.deepEqual(asked, [ASKED, ASKED]);
    assert.deepEqual(waits, [[0, 'Not just now.']]);
  }));

test('it is asked by itself once, and its second refusal is told', () =>
  withAnswers([AWAY, AWAY], async (client, asked) => {
    await assert.rejects(
      compared(client, ['a', 'b']),
      (error: unknown) => error instanceof ApiError && error.problem.detail === 'Not just now.'
    );
    assert.equal(asked.length, 2);
  }));

test('it is not asked again for a document that was closed', () =>
  withAnswers([AWAY], async (client, asked) => {
    await assert.rejects(compared(client, ['a', 'b'], () => false), ApiError);
    assert.equal(asked.length, 1);
  }));

for (const [name, answer] of Object.entries<IAnswer>({
  'without a time': { ...AWAY, headers: {} },
  'with a date': { ...AWAY, headers: { 'Retry-After': 'Fri, 27 Nov 2026 08:00:00 GMT' } },
  'with a long time': { ...AWAY, headers: { 'Retry-After': '31' } },
  'that is another': { ...AWAY, status: 429 }
})) {
  test(`a refusal ${name} is told at once`, () =>
    withAnswers([answer], async (client, asked) => {
      await assert.rejects(compared(client, ['a', 'b']), ApiError);
      assert.equal(asked.length, 1);
    }));
}

test('runs are to blame where they are absent, unfinished, gone or do not go together', () => {
  const problem = (status: number): ApiError => new ApiError({ status, title: '' });
  const blamed = [0, 401, 403, 404, 409, 410, 422, 429, 500, 503].filter(status =>
    isAboutRuns(problem(status))
  );
  assert.deepEqual(blamed, [404, 409, 410, 422]);
  assert.ok(!isAboutRuns(new Error('lost')));
});
