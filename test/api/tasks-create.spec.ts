import request from 'supertest';
import { startTestApp, type TestApp } from '../support/app.js';
import { signUp, type Client } from '../support/clients.js';
import { invalid, problem, titles, type TaskBody } from '../support/tasks.js';

let app: TestApp;
let ada: Client;
beforeAll(async () => {
  app = await startTestApp();
  ada = await signUp(app);
});
afterAll(() => app.close());

const create = (input: unknown) => ada.post('/tasks').send(input as object);
const reminders = (...minutes: number[]) => minutes.map((minutesBefore) => ({ minutesBefore }));
const createRaw = (body: string, type = 'application/json') => ada.post('/tasks').set('content-type', type).send(body);

describe('POST /tasks', () => {
  it('makes a task with defaults and says where it is', async () => {
    const answer = await create({ title: 'Buy milk' });
    expect(answer.status).toBe(201);
    const { id, createdAt } = answer.body as TaskBody;
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^\S+$/),
      title: 'Buy milk',
      description: '',
      status: 'todo',
      priority: 'medium',
      dueAt: null,
      reminders: null,
      tags: [],
      completedAt: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: createdAt,
      deletedAt: null,
      version: 1,
    });
    expect(answer.headers).toMatchObject({
      location: `/api/v1/tasks/${id}`,
      etag: '"1"',
      'cache-control': 'private, no-cache',
      'content-type': 'application/json; charset=utf-8',
    });
    expect(answer.headers).not.toHaveProperty('idempotency-replayed');
    const found = await request(app.url).get(answer.headers['location']!).set('authorization', `Bearer ${ada.token}`);
    expect(found.body).toEqual(answer.body);
  });

  it('keeps everything it is given, times in UTC with milliseconds', async () => {
    const input = {
      title: '  Schreibe “Grüße” 🎉\u0000 ',
      description: 'First line\n\tsecond\r\n𝒻𝒶𝓃𝒸𝓎',
      status: 'in_progress',
      priority: 'urgent',
      reminders: [{ minutesBefore: 60 }, { minutesBefore: 0 }, { minutesBefore: 40_320 }],
      tags: ['b', 'a', 'A', 'a,b', '$x.y'],
    };
    const answer = await create({ ...input, dueAt: '2026-03-01T10:30:00+02:00' });
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ ...input, dueAt: '2026-03-01T08:30:00.000Z', completedAt: null });
    const found = await ada.get(`/tasks/${(answer.body as TaskBody).id}`);
    expect(found.body).toEqual(answer.body);
  });

  it('knows when a task that is done at once was completed', async () => {
    const { status, body } = await create({ title: 'Done', status: 'done' });
    expect(status).toBe(201);
    expect((body as TaskBody).completedAt).toBe((body as TaskBody).createdAt);
  });

  it('shows the task in the next list, cached or not', async () => {
    const eva = await signUp(app);
    expect(await titles(eva)).toEqual([]);
    expect(await titles(eva)).toEqual([]);
    await eva.post('/tasks').send({ title: 'New' });
    expect(await titles(eva)).toEqual(['New']);
  });

  it('wants a signed-in user', async () => {
    const answer = await request(app.url).post('/api/v1/tasks').send({ title: 'x' });
    expect(problem(answer)).toEqual({ status: 401, type: 'application/problem+json', code: 'auth.token_missing' });
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });
});

describe('lengths count Unicode code points', () => {
  const flag = '🏁';
  const lengths: [what: string, input: (length: number) => object, longest: number, pointer: string][] = [
    ['title', (length) => ({ title: flag.repeat(length) }), 200, '/title text'],
    ['description', (length) => ({ title: 'x', description: flag.repeat(length) }), 10_000, '/description text'],
    ['tag', (length) => ({ title: 'x', tags: [flag.repeat(length)] }), 50, '/tags distinct_texts'],
    ['tags', (length) => ({ title: 'x', tags: Array.from({ length }, (_, n) => `t${n}`) }), 20, '/tags distinct_texts'],
  ];

  it.each(lengths)('%s: the longest is taken, one more is not', async (_what, input, longest, error) => {
    const answer = await create(input(longest));
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject(input(longest));
    expect(problem(await create(input(longest + 1)))).toEqual(invalid(error));
  });
});

describe('times are RFC 3339', () => {
  const good: [given: string, answered: string][] = [
    ['2026-03-01T09:00:00Z', '2026-03-01T09:00:00.000Z'],
    ['2026-03-01t09:00:00.5z', '2026-03-01T09:00:00.500Z'],
    ['2026-03-01T09:00:00.123456789Z', '2026-03-01T09:00:00.123Z'],
    ['2026-03-01T09:00:00-11:30', '2026-03-01T20:30:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ];
  it.each(good)('%s is %s', async (dueAt, answered) => {
    const answer = await create({ title: 'x', dueAt });
    expect(answer.status).toBe(201);
    expect((answer.body as TaskBody).dueAt).toBe(answered);
    const found = await ada.get(`/tasks/${(answer.body as TaskBody).id}`);
    expect((found.body as TaskBody).dueAt).toBe(answered);
  });

  const bad = [
    '2026-03-01',
    '2026-03-01T09:00:00',
    '2026-03-01T09:00Z',
    '2026-03-01 09:00:00Z',
    '2026-02-30T09:00:00Z',
    '2025-02-29T09:00:00Z',
    '2026-13-01T09:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T09:00:00+0200',
    '9999-12-31T23:59:59-01:00',
    '+010000-01-01T00:00:00Z',
    'tomorrow',
    '',
    1_772_355_600_000,
    true,
    ['2026-03-01T09:00:00Z'],
    { $gt: '' },
  ];
  it.each(bad)('%j is refused', async (dueAt) => {
    expect(problem(await create({ title: 'x', dueAt }))).toEqual(invalid('/dueAt date_time'));
  });
});

describe('bad input', () => {
  const cases: [what: string, input: unknown, ...errors: string[]][] = [
    ['no title', {}, '/title text'],
    ['an empty title', { title: '' }, '/title text'],
    ['a blank title', { title: ' \t\n\u00a0' }, '/title text'],
    ['a title of null', { title: null }, '/title text'],
    ['a number for a title', { title: 7 }, '/title text'],
    ['an operator for a title', { title: { $ne: null } }, '/title text'],
    ['an array for a title', { title: ['x'] }, '/title text'],
    ['null for a description', { title: 'x', description: null }, '/description text'],
    ['an unknown status', { title: 'x', status: 'open' }, '/status is_in'],
    ['a status in capitals', { title: 'x', status: 'TODO' }, '/status is_in'],
    ['an operator for a status', { title: 'x', status: { $gt: '' } }, '/status is_in'],
    ['a status in an array', { title: 'x', status: ['todo'] }, '/status is_in'],
    ['a number for a priority', { title: 'x', priority: 1 }, '/priority is_in'],
    ['tags that are text', { title: 'x', tags: 'a,b' }, '/tags distinct_texts'],
    ['a tag twice', { title: 'x', tags: ['a', 'b', 'a'] }, '/tags distinct_texts'],
    ['an empty tag', { title: 'x', tags: [''] }, '/tags distinct_texts'],
    ['a tag that is no text', { title: 'x', tags: [1] }, '/tags distinct_texts'],
    ['an object for tags', { title: 'x', tags: { 0: 'a' } }, '/tags distinct_texts'],
    ['reminders that are numbers', { title: 'x', reminders: [60] }, '/reminders reminders'],
    ['six reminders', { title: 'x', reminders: reminders(0, 1, 2, 3, 4, 5) }, '/reminders reminders'],
    ['a reminder twice', { title: 'x', reminders: reminders(60, 60) }, '/reminders reminders'],
    ['half a minute before', { title: 'x', reminders: reminders(0.5) }, '/reminders reminders'],
    ['29 days before', { title: 'x', reminders: reminders(40_321) }, '/reminders reminders'],
    ['text for the minutes', { title: 'x', reminders: [{ minutesBefore: '60' }] }, '/reminders reminders'],
    ['more than the minutes', { title: 'x', reminders: [{ minutesBefore: 60, by: 'fax' }] }, '/reminders reminders'],
    ['an unknown field', { title: 'x', colour: 'red' }, '/colour unknown_field'],
    ['a field with an odd name', { title: 'x', 'a/b~c': 1 }, '/a~1b~0c unknown_field'],
    ['an operator for a field', { title: 'x', $where: '1' }, '/$where unknown_field'],
    ['a dotted field', { title: 'x', 'idem.key': 'k' }, '/idem.key unknown_field'],
    ['an id', { title: 'x', id: '67f1d3b2a4c5e6f708192a3b' }, '/id unknown_field'],
    ['an owner', { title: 'x', owner: '67f1d3b2a4c5e6f708192a3b' }, '/owner unknown_field'],
    ['a place', { title: 'x', place: 'trash' }, '/place unknown_field'],
    ['a time of completion', { title: 'x', completedAt: null }, '/completedAt unknown_field'],
    ['a version', { title: 'x', version: 3 }, '/version unknown_field'],
    ['a field named like a method', { title: 'x', toString: 'x' }, '/toString unknown_field'],
    ['an array for a body', [{ title: 'x' }], ' object'],
    ['two mistakes', { title: '', status: 'x' }, '/title text', '/status is_in'],
  ];

  it.each(cases)('%s is 422 and says where', async (_what, input, ...errors) => {
    const answer = await create(input);
    expect(problem(answer)).toEqual(invalid(...errors));
    for (const { message } of (answer.body as { errors: { message: string }[] }).errors) expect(message).toMatch(/\S/);
  });

  it('lone surrogates are 422', async () => {
    expect(problem(await createRaw('{"title":"a\\ud800b"}'))).toEqual(invalid('/title text'));
    expect(problem(await createRaw('{"title":"x","description":"\\udc00"}'))).toEqual(invalid('/description text'));
    expect(problem(await createRaw('{"title":"x","tags":["\\ud83c"]}'))).toEqual(invalid('/tags distinct_texts'));
  });

  it('text, numbers and null are no tasks', async () => {
    for (const body of ['"x"', '7', 'true']) {
      expect(problem(await createRaw(body))).toEqual(invalid(' object'));
    }
    expect(problem(await createRaw('null'))).toMatchObject({ status: 422, code: 'input.invalid' });
  });

  it('an empty body is no body, whatever its type', async () => {
    expect(problem(await createRaw(''))).toEqual(invalid('/title text'));
    expect(problem(await ada.post('/tasks'))).toEqual(invalid('/title text'));
    expect(problem(await ada.post('/tasks').set('content-type', 'text/plain').send(''))).toEqual(
      invalid('/title text'),
    );
  });

  it('what is not JSON is 400', async () => {
    for (const body of ['{"title":', "{'title':'x'}", '{"title":"x",}', 'title=x']) {
      expect(problem(await createRaw(body))).toMatchObject({ status: 400, code: 'request.malformed' });
    }
  });

  it('keys that reach a prototype are refused', async () => {
    for (const body of [
      '{"title":"x","__proto__":{"status":"done"}}',
      '{"constructor":{"prototype":{}},"title":"x"}',
    ]) {
      expect((await createRaw(body)).status).toBe(400);
    }
  });

  it('nesting that is too deep is 422', async () => {
    const body = `{"title":${'['.repeat(5000)}${']'.repeat(5000)}}`;
    expect(problem(await createRaw(body))).toEqual(invalid(' too_deep'));
  });

  it('other media types are 415', async () => {
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'text/json']) {
      expect(problem(await createRaw('{"title":"x"}', type))).toMatchObject({
        status: 415,
        code: 'request.unsupported_media_type',
      });
    }
    expect((await createRaw('{"title":"x"}', 'application/json; charset=utf-8')).status).toBe(201);
  });

  it('256 KiB are read, a byte more is 413', async () => {
    const body = (bytes: number): string => {
      const head = '{"title":"x","description":"';
      return `${head}${'d'.repeat(bytes - head.length - 2)}"}`;
    };
    expect(problem(await createRaw(body(256 * 1024)))).toEqual(invalid('/description text'));
    expect(problem(await createRaw(body(256 * 1024 + 1)))).toMatchObject({ status: 413, code: 'request.too_large' });
  });

  it('nothing that was refused has left a task', async () => {
    const eva = await signUp(app);
    await eva.post('/tasks').send({ title: 'x', status: 'nope' });
    await eva.post('/tasks').send({ title: 'x', colour: 'red' });
    expect(await titles(eva)).toEqual([]);
  });
});
