// RH: nothing but the hash, as many at a time as TaskFlow lets run.
import { hash, verify } from '@node-rs/argon2';
import { createServer } from 'node:http';
import pLimit from 'p-limit';
import { announce } from './settings.js';

const PASSWORD = 'a password for the benchmark';
const passwordHash = await hash(PASSWORD, { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
const turns = pLimit(1);

const server = createServer((_request, response) => {
  void turns(() => verify(passwordHash, PASSWORD)).then((good) =>
    response.writeHead(good ? 200 : 500, { 'content-length': 0 }).end(),
  );
});
server.listen(0, '127.0.0.1', () => announce((server.address() as { port: number }).port));
