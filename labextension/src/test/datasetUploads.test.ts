import assert from 'node:assert/strict';
import { createHash, webcrypto } from 'node:crypto';
import { test } from 'node:test';

import type { IUpload, UploadState } from '../api/datasets.js';
import { ApiError } from '../api/problem.js';
import { TusUpload } from '../datasets/tus.js';
import { IMemory, IUploadSource, UploadsModel, inTurn } from '../datasets/uploads.js';

const away = (): ApiError => new ApiError({ status: 0, title: 'Failed to fetch' });

/** A server of uploads, as the protocol has it: what a client asks of it is real, only the transport is missing. */
class TusServer {
  kept: Uint8Array = new Uint8Array();
  length = -1;
  deleted = 0;
  asked: string[] = [];
  /** Called before each request; what it throws is lost on its way there. */
  before: (method: string) => void = () => undefined;
  /** Called after each request; what it throws is lost on its way back. */
  after: (method: string) => void = () => undefined;

  readonly send = async (path: string, init: RequestInit): Promise<Answer> => {
    const method = init.method!;
    const headers = init.headers as Record<string, string>;
    this.asked.push(method);
    this.before(method);
    assert.equal(headers['Tus-Resumable'], '1.0.0');
    let answer = new Answer({}, '');
    if (method === 'POST') {
      assert.equal(path, 'datasets/upload');
      const [, name] = headers['Upload-Metadata']!.split(' ');
      assert.equal(Buffer.from(name!, 'base64').toString(), 'Prüfung €.csv');
      this.length = Number(headers['Upload-Length']);
      answer = new Answer({}, '{"id": "u1"}');
    } else {
      assert.equal(path, 'datasets/upload/u1');
      if (method === 'PATCH') {
        const bytes = new Uint8Array(init.body as ArrayBuffer);
        assert.ok(bytes.length <= 16 << 20);
        if (Number(headers['Upload-Offset']) !== this.kept.length) {
          throw new ApiError({ status: 409, title: 'Conflict' });
        }
        const digest = createHash('sha256').update(bytes).digest('base64');
        assert.equal(headers['Upload-Checksum'], `sha256 ${digest}`);
        this.kept = Buffer.concat([this.kept, bytes]);
      }
      if (method === 'DELETE') {
        this.deleted += 1;
      }
      answer = new Answer({ 'Upload-Offset': String(this.kept.length) }, '');
    }
    this.after(method);
    return answer;
  };

  /** The list of uploads. */
  get upload(): IUpload {
    const state = this.kept.length === this.length ? 'INSPECTING' : 'RECEIVING';
    return {
      id: 'u1',
      filename: 'Prüfung €.csv',
      dataset_name: 'Prüfung €.csv',
      length: this.length,
      received: this.kept.length,
      state: this.deleted > 0 ? 'ABORTED' : state,
      job_id: null,
      version_id: null,
      error: null,
      created_at: '2026-01-01T00:00:00Z'
    };
  }

  /** What waits for somebody: nothing that was ended. */
  readonly openUploads = async (): Promise<{ items: IUpload[] }> => ({
    items: this.length < 0 || this.deleted > 0 ? [] : [this.upload]
  });
}

class Answer {
  constructor(
    private readonly _headers: Record<string, string>,
    private readonly _text: string
  ) {}

  readonly headers = { get: (name: string): string | null => this._headers[name] ?? null };

  async text(): Promise<string> {
    return this._text;
  }
}

const CONTENT = Buffer.alloc(5 << 20, 'time,close\n2024-01-02,1.5\n');
const digest = (bytes: ArrayBuffer): Promise<ArrayBuffer> => webcrypto.subtle.digest('SHA-256', bytes);

function file(content: Buffer = CONTENT): File {
  return new File([new Uint8Array(content)], 'Prüfung €.csv', { lastModified: 1_700_000_000_000 });
}

function sender(server: TusServer, id: string | null = null): { upload: TusUpload; waits: number[] } {
  const waits: number[] = [];
  const wait = async (milliseconds: number): Promise<void> => {
    waits.push(milliseconds);
  };
  return { upload: new TusUpload({ source: file(), send: server.send, digest, wait, id }), waits };
}

test('a file is sent in pieces with their hashes', async () => {
  const server = new TusServer();
  const { upload, waits } = sender(server);
  const sent: number[] = [];
  upload.changed.connect(() => sent.push(upload.sent));
  await upload.run();
  assert.equal(upload.state, 'sent');
  assert.equal(upload.id, 'u1');
  assert.ok(CONTENT.equals(server.kept));
  assert.deepEqual(waits, []);
  assert.ok(server.asked.filter(method => method === 'PATCH').length >= 3, String(server.asked));
  assert.deepEqual(sent, [...sent].sort((a, b) => a - b));
});

test('a broken connection is waited for, and nothing is sent twice that has arrived', async () => {
  const server = new TusServer();
  const { upload, waits } = sender(server);
  let pieces = 0;
  let broken = 0;
  server.after = method => {
    // The second piece arrives, and the word of it does not.
    if (method === 'PATCH' && ++pieces === 2) {
      throw away();
    }
  };
  server.before = method => {
    if (pieces === 2 && method === 'HEAD' && ++broken <= 2) {
      throw broken === 1 ? away() : new ApiError({ status: 503, title: 'Unavailable' });
    }
  };
  const states: string[] = [];
  upload.changed.connect(() => states.push(upload.state));
  await upload.run();
  assert.equal(upload.state, 'sent');
  assert.ok(CONTENT.equals(server.kept));
  assert.deepEqual(waits, [500, 1000, 2000]);
  assert.equal(server.asked.filter(method => method === 'HEAD').length, 3);
  assert.equal(states.filter(state => state === 'waiting').length, 3);
  assert.equal(states.at(-1), 'sent');
});

test('what the server refuses is not tried again', async () => {
  const server = new TusServer();
  server.before = () => {
    throw new ApiError({ status: 413, title: 'Too large', detail: 'Files have at most 2 GB.' });
  };
  const { upload, waits } = sender(server);
  await upload.run();
  assert.equal(upload.state, 'failed');
  assert.equal((upload.error as Error).message, 'Files have at most 2 GB.');
  assert.deepEqual(waits, []);
});

test('a cancelled upload stops, and the server is told', async () => {
  const server = new TusServer();
  const { upload } = sender(server);
  let cancelled: Promise<void> | null = null;
  server.after = method => {
    if (method === 'PATCH' && cancelled === null) {
      cancelled = upload.cancel();
      throw away();
    }
  };
  await upload.run();
  await cancelled;
  assert.equal(upload.state, 'cancelled');
  assert.equal(server.deleted, 1);
  assert.ok(server.kept.length < CONTENT.length);
});

class Memory implements IMemory {
  readonly held = new Map<string, string>();
  readonly getItem = (key: string): string | null => this.held.get(key) ?? null;
  readonly setItem = (key: string, value: string): void => void this.held.set(key, value);
  readonly removeItem = (key: string): void => void this.held.delete(key);
}

test('the same file goes on where a closed page left it, another one of its name begins', async () => {
  const server = new TusServer();
  const memory = new Memory();
  const closed = new UploadsModel(server, memory, digest);
  let pieces = 0;
  let close = (): void => undefined;
  const closing = new Promise<void>(resolve => {
    close = resolve;
  });
  // After the first piece the page is closed: nothing of it answers any more.
  const never = new Promise<never>(() => undefined);
  const { send } = server;
  (server as { send: typeof send }).send = async (path, init) => {
    if (init.method === 'PATCH' && ++pieces > 1) {
      close();
      return never;
    }
    return send(path, init);
  };
  void closed.add(file());
  await closing;
  const { length } = server.kept;
  assert.ok(length > 0 && length < CONTENT.length);

  (server as { send: typeof send }).send = send;
  server.asked = [];
  const opened = new UploadsModel(server, memory, digest);
  await opened.refresh();
  assert.deepEqual(opened.items.map(item => [item.id, item.received, item.sender]), [['u1', length, null]]);
  const sent: string[] = [];
  opened.sent.connect((_, id) => sent.push(id));
  assert.equal(await opened.add(file()), 'u1');
  assert.deepEqual(sent, ['u1']);
  assert.ok(!server.asked.includes('POST'));
  assert.ok(CONTENT.equals(server.kept));
  assert.equal(memory.held.size, 0);
  assert.deepEqual(opened.items.map(item => [item.state, item.sender]), [['INSPECTING', null]]);
  // Another file of the same name, and the server has forgotten the first.
  server.kept = new Uint8Array();
  await opened.add(file(Buffer.from('another')));
  assert.equal(Buffer.from(server.kept).toString(), 'another');
  assert.ok(server.asked.includes('POST'));
});

test('of several files the first that has arrived is in front, and the others stand behind it in their order', () => {
  const shown: string[] = [];
  const arrived = inTurn((id, after) => {
    shown.push(`${id} after ${after}`);
    return `tab of ${id}`;
  });
  // The second could not be sent.
  ['a', null, 'b', 'c'].forEach(arrived);
  assert.deepEqual(shown, ['a after null', 'b after tab of a', 'c after tab of b']);
});

test('a file that could not be sent is tried again when it is added again', async () => {
  const server = new TusServer();
  const uploads = new UploadsModel(server, new Memory(), digest);
  server.before = method => {
    if (method === 'POST') {
      throw new ApiError({ status: 413, title: 'Too large', detail: 'There is no room for it.' });
    }
  };
  await uploads.add(file());
  assert.deepEqual(uploads.items.map(item => item.state), ['FAILED']);
  // Room was made.
  server.before = () => undefined;
  await uploads.add(file());
  assert.ok(CONTENT.equals(server.kept));
  assert.deepEqual(uploads.items.map(item => [item.state, item.sender]), [['INSPECTING', null]]);
});

test('of two files of one name and length neither is left out', async () => {
  const begun: string[] = [];
  const never = new Promise<never>(() => undefined);
  const send = (_: string, init: RequestInit): Promise<never> => {
    begun.push(init.method!);
    return never;
  };
  const uploads = new UploadsModel({ openUploads: async () => ({ items: [] }), send }, new Memory(), digest);
  const own = (lastModified: number): File => new File(['Date,Close'], 'prices.csv', { lastModified });
  void uploads.add(own(1));
  void uploads.add(own(2));
  await new Promise(resolve => setTimeout(resolve));
  // The very same one is on its way already.
  void uploads.add(own(2));
  await new Promise(resolve => setTimeout(resolve));
  assert.deepEqual(begun, ['POST', 'POST']);
  assert.equal(uploads.items.length, 2);
});

test('what failed is there after the page was loaded anew, until it is dismissed or its file is added again', async () => {
  const server = new TusServer();
  const why = { code: 'NO_ROWS', message: 'There are no rows.', hint: 'Look into the file.' };
  const old = (id: string, filename: string, state: UploadState): IUpload => ({
    ...server.upload, id, filename, state, error: why
  });
  const shown = [old('f1', 'Prüfung €.csv', 'FAILED'), old('f2', 'b.csv', 'EXPIRED'), old('f3', 'c.csv', 'RECEIVED')];
  const ended: string[] = [];
  let refusal: ApiError | null = null;
  const source: IUploadSource = {
    openUploads: async () => ({ items: [...shown, ...(await server.openUploads()).items] }),
    send: async (path, init) => {
      if (init.method !== 'DELETE') {
        return server.send(path, init);
      }
      if (refusal !== null) {
        throw refusal;
      }
      ended.push(path);
      return new Answer({}, '');
    }
  };
  const uploads = new UploadsModel(source, new Memory(), digest);
  const states = (): [string | null, UploadState][] => uploads.items.map(item => [item.id, item.state]);
  await uploads.refresh();
  assert.deepEqual(states(), [['f1', 'FAILED'], ['f2', 'EXPIRED'], ['f3', 'RECEIVED']]);
  assert.equal(uploads.items[0]!.error?.message, 'There are no rows.');
  // The server away: it is shown again, and whoever dismissed it is told.
  refusal = away();
  await assert.rejects(uploads.discard(uploads.find('f2')!));
  assert.equal(states().length, 3);
  // Ended elsewhere meanwhile: that is as good.
  refusal = new ApiError({ status: 404, title: 'Not Found' });
  await uploads.discard(uploads.find('f2')!);
  assert.deepEqual(states(), [['f1', 'FAILED'], ['f3', 'RECEIVED']]);
  // Another file leaves them; the mended one takes the place of what failed.
  refusal = null;
  await uploads.add(file());
  assert.deepEqual(states(), [['f3', 'RECEIVED'], ['u1', 'INSPECTING']]);
  assert.deepEqual(ended, ['datasets/upload/f1']);
});
