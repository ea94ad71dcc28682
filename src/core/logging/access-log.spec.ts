import { toJson, type AccessLine } from './access-log.js';

const LINE: AccessLine = {
  method: 'GET',
  path: '/api/v1/tasks',
  status: 200,
  durationMs: 1.5,
  ip: '::1',
  requestId: 'abc-1',
};
const NOW = '2026-11-22T04:00:00.000Z';

describe('the line of a request as JSON', () => {
  it('has the fields of any line and its own, and no others', () => {
    expect(JSON.parse(toJson({ ...LINE, userId: 'u1', traceId: 'f00', problem: 'task.not_found' }, NOW))).toEqual({
      level: 'info',
      timestamp: NOW,
      context: 'HTTP',
      message: 'GET /api/v1/tasks 200 1.5ms',
      method: 'GET',
      path: '/api/v1/tasks',
      status: 200,
      durationMs: 1.5,
      ip: '::1',
      userId: 'u1',
      requestId: 'abc-1',
      traceId: 'f00',
      problem: 'task.not_found',
    });
    expect(Object.keys(JSON.parse(toJson(LINE, NOW)) as object)).not.toEqual(
      expect.arrayContaining(['userId', 'traceId', 'problem']),
    );
  });

  it.each(['"', '\\', '\\"', '\n{"level":"error"}', '\u0000', '\u2028', '\ud800', 'ä', '%22', '","status":500,"x":"'])(
    'is one line and one object whatever a client put into its path or address: %j',
    (text) => {
      const json = toJson({ ...LINE, path: `/${text}`, ip: text, requestId: text }, NOW);
      expect(json).not.toContain('\n');
      expect(JSON.parse(json)).toMatchObject({
        message: `GET /${text} 200 1.5ms`,
        path: `/${text}`,
        ip: text,
        requestId: text,
        status: 200,
      });
    },
  );
});
