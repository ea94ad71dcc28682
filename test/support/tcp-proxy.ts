import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { RespCounter } from './resp-counter.js';

/** One direction of a connection. */
interface Flow {
  readonly from: Socket;
  /** Forgotten: what comes from there is lost, and its end is not told. */
  dead: boolean;
}

/** A TCP proxy on loopback with the faults of a network: it can freeze, slow down, forget, refuse and come back. */
export class TcpProxy {
  private readonly flows = new Set<Flow>();
  private readonly counters = new Set<RespCounter>();
  private countedBefore = 0;
  private frozen = false;
  private latencyMs = 0;
  private server?: Server;
  private port = 0;

  private constructor(private readonly target: { host: string; port: number }) {}

  static async to(host: string, port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host, port });
    await proxy.restore();
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Connections of clients that are open. */
  get connections(): number {
    return this.flows.size / 2;
  }

  /** Redis commands that clients have sent so far, each one of a pipeline. */
  get commands(): number {
    return this.countedBefore + [...this.counters].reduce((sum, { commands }) => sum + commands, 0);
  }

  /** The names of the Redis commands that were sent since the last call, in capitals. */
  takeCommandNames(): string[] {
    return [...this.counters].flatMap((counter) => counter.names.splice(0));
  }

  /** Connections stay open and nothing gets through, in either direction: a stopped process, a lost route. */
  freeze(): void {
    this.frozen = true;
    for (const { from } of this.flows) from.pause();
  }

  thaw(): void {
    this.frozen = false;
    for (const { from } of this.flows) from.resume();
  }

  /** Answers arrive that much later; 0 ends it. */
  delay(ms: number): void {
    this.latencyMs = ms;
  }

  /**
   * The connections that there are look open to the client and lead nowhere, for good; new ones work: a peer that was
   * replaced, a firewall that forgot them.
   */
  forget(): void {
    for (const flow of this.flows) flow.dead = true;
  }

  /** Tells the clients of forgotten connections that they are closed. */
  closeForgotten(): void {
    for (const { from, dead } of this.flows) if (dead) from.destroy();
  }

  /** Connections are reset and new ones are refused: a killed process. */
  async refuse(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    // Stops listening first: a client that comes back meanwhile would be waited for without end.
    const stopped = new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    const closed = [...this.flows].map(({ from }) => once(from, 'close'));
    for (const { from } of this.flows) from.destroy();
    await Promise.all([...closed, stopped]);
  }

  /** Accepts connections again, at the same address. */
  async restore(): Promise<void> {
    this.server = createServer((client) => this.join(client));
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  private join(client: Socket): void {
    if (!this.server) return void client.destroy();
    const upstream = connect(this.target);
    client.setNoDelay();
    upstream.setNoDelay();
    const counter = new RespCounter();
    this.counters.add(counter);
    client.on('data', (chunk) => counter.read(chunk));
    client.on('close', () => {
      this.counters.delete(counter);
      this.countedBefore += counter.commands;
    });
    this.carry(client, upstream, () => 0);
    const back = this.carry(upstream, client, () => this.latencyMs);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => {
      if (!back.dead) client.destroy();
    });
  }

  private carry(from: Socket, to: Socket, latencyMs: () => number): Flow {
    const flow: Flow = { from, dead: false };
    this.flows.add(flow);
    // Chunks that were delayed must not be overtaken by later ones when the delay ends.
    let lastAt = 0;
    from.on('data', (chunk) => {
      if (flow.dead) return;
      const at = Math.max(performance.now() + latencyMs(), lastAt);
      lastAt = at;
      const waitMs = at - performance.now();
      if (waitMs <= 0) to.write(chunk);
      else setTimeout(() => to.write(chunk), Math.ceil(waitMs));
    });
    from.on('error', () => from.destroy());
    from.on('close', () => this.flows.delete(flow));
    if (this.frozen) from.pause();
    return flow;
  }
}
