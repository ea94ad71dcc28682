// @ts-check
// The image's HEALTHCHECK, without curl: exit code 0 while the process beside it is ready for requests.
import { get } from 'node:http';

const { HOST, PORT } = process.env;
const everywhere = !HOST || HOST === '0.0.0.0' || HOST === '::';

get({
  host: everywhere ? '127.0.0.1' : HOST,
  port: PORT || 3000,
  path: '/api/health/ready',
  // Less than what HEALTHCHECK waits, so that it is this process that ends.
  signal: AbortSignal.timeout(2500),
})
  .on('response', ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1))
  .on('error', () => process.exit(1));
