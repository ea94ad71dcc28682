import { compare } from '../harness/compare.js';
import type { Bench } from '../harness/bench.js';
import type { Answer, Shot } from '../harness/client.js';
import { Load } from '../harness/load.js';
import type { Row } from '../harness/row.js';
import { get, status, write } from '../harness/shots.js';
import { PASSWORD, type BenchUser } from '../harness/world.js';

export const login = ({ email }: BenchUser, verify: Shot['verify'] = status(200)): Shot =>
  write('POST', '/auth/login', undefined, { email, password: PASSWORD, refreshIn: 'body' }, verify);

/** A login is a hash and whatever is around it, which is compiled after a thousand of them only. */
export async function logins(bench: Bench): Promise<Row[]> {
  const { world, taskflow, effort } = bench;
  const reference = {
    subject: await bench.peer('argon2'),
    label: 'RH',
    goals: { accept: 0.85, target: 0.92 },
    shots: () => get('/', world.users[0]!),
    warmUpRequests: effort.warmUpLogins,
  };
  const ours = { subject: taskflow, shots: () => login(world.someone()), warmUpRequests: effort.warmUpLogins };
  // A hash takes longer than anything else here: a round has few of them otherwise.
  const longer = { ...effort, roundSeconds: effort.roundSeconds * 2, connections: 4, withLatencies: false };
  return compare('login', ours, [reference], longer);
}

/** One refresh token for the next, and an access token, against a bare server with one script and one signature. */
export async function refreshes(bench: Bench): Promise<Row[]> {
  const peer = await bench.peer('bare:R3-sessions');
  const people = bench.world.writers.slice(0, bench.effort.connections);
  const ours = { subject: bench.taskflow, shots: (await Devices.signIn(bench.taskflow.url, people)).shots };
  const theirs = { subject: peer, label: 'R3 + signature', shots: (await Devices.signIn(peer.url, people)).shots };
  // An open loop may have more under way than there are devices.
  return compare('refresh', ours, [theirs], { ...bench.effort, withLatencies: false });
}

/** Each holds the one refresh token that is good for its session. */
export class Devices {
  private constructor(private readonly tokens: string[]) {}

  static async signIn(url: string, people: readonly BenchUser[]): Promise<Devices> {
    const tokens: string[] = [];
    const load = new Load(url, 4);
    await load.once(people.map((user) => login(user, (answer) => keep(tokens, answer))));
    load.close();
    return new Devices(tokens);
  }

  readonly shots = (): Shot => this.refresh()!;

  /** Undefined while every device waits for an answer. */
  refresh(): Shot | undefined {
    const refreshToken = this.tokens.pop();
    if (refreshToken === undefined) return undefined;
    return write('POST', '/auth/refresh', undefined, { refreshToken }, (answer) => {
      const wrong = keep(this.tokens, answer);
      // What was refused was not exchanged: the void round costs no device.
      if (wrong) this.tokens.push(refreshToken);
      return wrong;
    });
  }
}

function keep(tokens: string[], answer: Answer): string | undefined {
  const wrong = status(200)(answer);
  if (wrong) return wrong;
  const { refreshToken } = JSON.parse(answer.body.toString()) as { refreshToken?: string };
  if (!refreshToken) return 'no refresh token';
  tokens.push(refreshToken);
  return undefined;
}
