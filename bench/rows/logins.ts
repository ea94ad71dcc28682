import { compare } from '../harness/compare.js';
import type { Bench, Row } from '../harness/bench.js';
import { get, status, write } from '../harness/shots.js';
import { PASSWORD } from '../harness/world.js';

/** A login is a hash and whatever is around it. */
export async function* logins(bench: Bench): AsyncGenerator<Row> {
  const { world, taskflow, effort } = bench;
  const login = () => {
    const user = world.someone();
    return write(
      'POST',
      '/auth/login',
      user,
      { email: user.email, password: PASSWORD, refreshIn: 'body' },
      status(200),
    );
  };
  const bare = await bench.peer('argon2');
  const { ratio, spread, ours, theirs, oursPerSecond, theirsPerSecond } = await compare(
    { subject: taskflow, shots: login },
    { subject: bare, shots: () => get('/', world.users[0]!) },
    { rounds: effort.rounds, requests: Math.max(50, Math.ceil(effort.requests / 250)), warmUp: 500, connections: 4 },
  );
  const values = { ours, reference: theirs, oursPerSecond, theirsPerSecond };
  yield { workload: 'login', against: 'RH', unit: 'CPU µs/request', ratio, spread, accept: 0.85, target: 0.92, values };
}
