import type { Server } from 'node:http';
import { connect } from 'node:net';
import { Passwords } from '../../src/modules/auth/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { eventually } from '../support/eventually.js';
import { invalid, problem } from '../support/tasks.js';

/** What no HTTP client sends: bytes on a socket, and everything that comes back until the server closes. */
function exchange({ url }: TestApp, bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let received = '';
    socket.on('data', (data: Buffer) => (received += data.toString()));
    socket.on('error', reject).on('close', () => resolve(received));
  });
}

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly code: string; readonly requestId: string };
}

function parsed(text: string): RawAnswer {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  const [line = '', ...fields] = head.split('\r\n');
  const headers = fields.map((field) => {
    const colon = field.indexOf(': ');
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 2)];
  });
  return {
    status: Number(line.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body: JSON.parse(body) as RawAnswer['body'],
  };
}

let app: TestApp;
let ada: Client;
beforeAll(async () => {
  app = await startTestApp({ REQUEST_TIMEOUT_MS: '1500' });
  ada = await signUp(app);
});
afterAll(() => app.close());

describe('what is no request', () => {
  const broken: [what: string, bytes: string | Buffer, status: number, code: string][] = [
    ['a line that is no request line', 'hello\r\n\r\n', 400, 'request.malformed'],
    ['an unknown method', 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'request.malformed'],
    ['a field name with a space', 'GET / HTTP/1.1\r\nHost: x\r\nFo o: bar\r\n\r\n', 400, 'request.malformed'],
    ['bytes in an address', Buffer.from('GET /é HTTP/1.1\r\nHost: x\r\n\r\n'), 400, 'request.malformed'],
    [
      'two lengths',
      'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'request.malformed',
    ],
    ['a long address', `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'request.header_too_large'],
    [
      'a long field',
      `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`,
      431,
      'request.header_too_large',
    ],
  ];
  it.each(broken)('%s is answered with a problem, and the connection ends', async (_what, bytes, status, code) => {
    const answer = parsed(await exchange(app, bytes));
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body).toEqual({
      type: expect.stringMatching(new RegExp(`/api/docs/errors#${code}$`)),
      title: expect.any(String),
      detail: expect.any(String),
      status,
      code,
      instance: '/',
      requestId: answer.headers['x-request-id'],
    });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      connection: 'close',
    });
  });

  it('a body that does not arrive in time is 408, not a failure of the server, and the connection ends', async () => {
    const head = `POST /api/v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada.token}`;
    const slow = `${head}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"title":`;
    const answer = parsed(await exchange(app, slow));
    expect([answer.status, answer.body.code]).toEqual([408, 'request.too_slow']);
    expect(answer.headers).toMatchObject({ connection: 'close', 'x-request-id': answer.body.requestId });
  });

  it('a header that does not end does not keep the connection for ever', async () => {
    // Node's own default for this is without an end in Fastify; how long it takes is Node's clock to test.
    const { requestTimeout } = app.app.getHttpServer() as { requestTimeout: number };
    expect(requestTimeout).toBe(20_000);
  });
});

describe('a server that closes', () => {
  it('answers what it began, and ends the connection with the answer', async () => {
    const closing = await startTestApp();
    const { hostname, port } = new URL(closing.url);
    const begun = new Promise<() => void>((resolve) => {
      const verify = jest.spyOn(closing.app.get(Passwords), 'matches');
      verify.mockImplementation(() => new Promise((answer) => resolve(() => answer(false))));
    });
    const socket = connect(Number(port), hostname);
    const received = (async () => {
      let text = '';
      for await (const data of socket) text += String(data);
      return text;
    })();
    const body = JSON.stringify({ email: 'nobody@example.org', password: 'x' });
    const fields = `Host: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    socket.write(`POST /api/v1/auth/login HTTP/1.1\r\n${fields}\r\n\r\n${body}`);
    const finish = await begun;
    const closed = closing.close();
    const server: Server = closing.app.getHttpServer();
    await eventually(() => expect(server.listening).toBe(false));
    finish();
    expect(parsed(await received)).toMatchObject({
      status: 401,
      body: { code: 'auth.invalid_credentials' },
      headers: { connection: 'close' },
    });
    await closed;
  });
});

describe('a form on a page of somebody else', () => {
  // The media types that a browser sends to another site without asking it first.
  const types = ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain'];
  it.each(types)('cannot sign anybody in, up or out: %s is 415', async (type) => {
    const body = JSON.stringify({ email: ada.email, password: ada.password });
    for (const path of ['login', 'register', 'refresh', 'logout', 'logout-all', 'change-password']) {
      const answer = await app.http
        .post(`/api/v1/auth/${path}`)
        .set({ 'content-type': type, cookie: `taskflow_refresh=${ada.refreshToken}` })
        .send(body);
      expect(problem(answer)).toMatchObject({ status: 415, code: 'request.unsupported_media_type' });
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  it('cannot end a session by the cookie alone', async () => {
    for (const path of ['logout', 'logout-all']) {
      const answer = await app.http.post(`/api/v1/auth/${path}`).set('cookie', `taskflow_refresh=${ada.refreshToken}`);
      expect(problem(answer)).toMatchObject({ status: 401, code: 'auth.token_missing' });
    }
    await ada.get('/users/me').expect(200);
  });
});

describe('bodies that are not what they seem', () => {
  const post = (body: string | Buffer) => ada.post('/tasks').set('content-type', 'application/json').send(body);

  it('what is not UTF-8 is 400, not another text', async () => {
    const bytes = Buffer.concat([Buffer.from('{"title":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const answer = await ada
      .post('/tasks')
      .set('content-type', 'application/json')
      .serialize((body: unknown) => body as string)
      .send(bytes as never);
    expect(problem(answer)).toMatchObject({ status: 400, code: 'request.malformed' });
  });

  it('a byte order mark is not part of the text', async () => {
    expect((await post('\ufeff{"title":"Marked"}')).body).toMatchObject({ title: 'Marked' });
  });

  it.each(['gzip', 'br', 'deflate', 'GZIP', 'identity, gzip'])(
    'the coding %s is 415 and says what is read',
    async (c) => {
      const answer = await post('{"title":"a"}').set('content-encoding', c);
      expect(problem(answer)).toMatchObject({ status: 415, code: 'request.unsupported_media_type' });
      expect(answer.headers['accept-encoding']).toBe('identity');
    },
  );

  it('the coding identity is none', async () => {
    await post('{"title":"a"}').set('content-encoding', 'identity').expect(201);
  });

  const many = (n: number): string => Array.from({ length: n }, (_field, i) => `"k${i}":1`).join(',');
  const excessive: [what: string, path: string, body: string][] = [
    ['fields', '/tasks', `{${many(10_000)}}`],
    ['fields of an operation', '/tasks/bulk', `{"operations":[{${many(300_000)}}]}`],
    ['operations', '/tasks/bulk', `{"operations":[${'1,'.repeat(2_000_000)}1]}`],
    ['objects', '/tasks/bulk', `{"operations":[${'{},'.repeat(1_000_000)}{}]}`],
  ];
  // Validating compares each field with all the others: 4 MiB of them stopped the process for 40 s.
  it.each(excessive)('more %s than any request has are one error, at once', async (_what, path, body) => {
    const begun = performance.now();
    const answer = await ada.post(path).type('json').send(body);
    expect(problem(answer)).toEqual(invalid(' too_many_values'));
    expect(performance.now() - begun).toBeLessThan(3000);
  });

  it.each([
    ['commas and brackets', `[{,:]}"`.repeat(1200)],
    ['backslashes', '\\'.repeat(2001)],
    ['a quote behind backslashes', `\\\\"${'[,'.repeat(4000)}`],
    ['letters of four bytes', '😀'.repeat(2500)],
  ])('%s inside a text are no values', async (_what, description) => {
    const { body } = await post(JSON.stringify({ title: 'a', description })).expect(201);
    expect(body.description).toBe(description);
  });

  it.each(['"', '{"a":"\\', '"\\"', '{"title":"a'])('the text %s without an end is 400', async (text) => {
    expect(problem(await post(text))).toMatchObject({ status: 400, code: 'request.malformed' });
  });

  it('the largest bulk request has few enough', async () => {
    const tags = Array.from({ length: 20 }, (_tag, i) => `tag ${i}`);
    const task = { title: 'a', description: 'b', status: 'todo', priority: 'low', dueAt: null, tags };
    const operations = Array.from({ length: 100 }, () => ({ op: 'create', task }));
    const { body } = await ada.post('/tasks/bulk').send({ operations }).expect(200);
    expect(body.results.map(({ status }: { status: number }) => status)).toEqual(Array(100).fill(201));
  });
});
